"""The pytest plugin: hooks of a few lines that delegate.

Imported in every pytest session of an environment that has the package, so it imports nothing costly. Without
--medhelm-model it does nothing but skip the benchmarks with a line that says how to name a model.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_medhelm.plugin import activation, options
from pytest_medhelm.plugin.fixtures import Fixtures
from pytest_medhelm.plugin.typed import refuse_lists, refuse_unknown_options

if TYPE_CHECKING:
    from collections.abc import Generator

    from pluggy import PluginManager


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


def pytest_addhooks(pluginmanager: PluginManager) -> None:
    from pytest_medhelm import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Before any conftest.py runs: it could reach out as well."""
    refuse_unknown_options(args)
    options.guard_early(early_config)
    # What is registered later runs earlier: a project's hooks may skip an item before its values are waited for.
    early_config.pluginmanager.register(Fixtures(early_config), "medhelm-fixtures")


def pytest_unconfigure() -> None:
    options.lift_guard()


def pytest_configure(config: pytest.Config) -> None:
    from pytest_medhelm.plugin.marks import register_marks

    register_marks(config)
    refuse_lists(config)
    if not config.pluginmanager.has_plugin("medhelm-fixtures"):  # A conftest.py names this plugin.
        config.pluginmanager.register(Fixtures(config), "medhelm-fixtures")
    activation.configure(config)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    if not file_path.name.endswith((".medhelm.yaml", ".medhelm.yml")):
        return None
    from pytest_medhelm.plugin.yaml_benchmarks.collect import YamlBenchmark

    module: pytest.Module = YamlBenchmark.from_parent(parent, path=file_path)
    return module


def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, name: str) -> list[pytest.Item] | None:
    if not name.startswith("test_checkpoint_"):
        return None
    from pytest_medhelm.plugin.checkpoints import is_checkpoint

    return [] if is_checkpoint(collector.obj, name) else None


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.failed:
        from pytest_medhelm.plugin.text_guard import hide_failed_collection

        hide_failed_collection(report, collector)
    return report


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "model" in metafunc.fixturenames or hasattr(metafunc.module, "TASK"):
        from pytest_medhelm.plugin.collection import parametrize

        parametrize(metafunc)


def pytest_report_teststatus(
    report: pytest.TestReport | pytest.CollectReport,
) -> tuple[str, str, str | tuple[str, dict[str, bool]]] | None:
    if getattr(report, "medhelm", None) is None:
        return None
    from pytest_medhelm.plugin.outcomes import shown_status

    return shown_status(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    from pytest_medhelm.plugin.advice import advice

    for line in advice(terminalreporter, config):
        terminalreporter.write_line(line)
