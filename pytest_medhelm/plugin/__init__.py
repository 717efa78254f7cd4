"""The pytest plugin: hooks are a few lines each and delegate.

Imported in every pytest session of an environment that has the package, so it imports nothing costly. Without
--medhelm-model it does nothing but skip the benchmarks with a line that says how to name a model.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_medhelm.plugin import options, state
from pytest_medhelm.plugin.fixtures import instance, jury, model, response, score
from pytest_medhelm.util.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pluggy import PluginManager

    from pytest_medhelm.gates.baseline import Baseline
    from pytest_medhelm.gates.gate_file import Gate
    from pytest_medhelm.models.roster import Roster
    from pytest_medhelm.util.settings import Settings

__all__ = ["instance", "jury", "model", "response", "score"]


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


def pytest_addhooks(pluginmanager: PluginManager) -> None:
    from pytest_medhelm import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    from pytest_medhelm.plugin.marks import register_marks

    register_marks(config)
    try:
        settings = config.stash[state.SETTINGS] = options.read_settings(config)
        if settings.models:
            _activate(config, settings)
        elif settings.gates:
            raise ConfigError("--medhelm-gate needs a model to judge: type e.g. --medhelm-model=vllm/NAME beside it")
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from None


def _activate(config: pytest.Config, settings: Settings) -> None:
    """A model is named: register the side that asks, the side that reports, or both."""
    from pytest_medhelm.gates.gate_file import read_gates
    from pytest_medhelm.models.roster import apply, resolve_models
    from pytest_medhelm.plugin.asking import Asker
    from pytest_medhelm.plugin.controller import Controller
    from pytest_medhelm.plugin.worker import WorkerPlugin

    if config.getoption("forked", False):
        raise ConfigError("--forked cannot work with models asked in the background: use -n N instead")
    gates = read_gates(settings.gates)
    baseline = _baseline(settings, gates)
    if settings.from_store is not None:
        from pytest_medhelm.plugin.rescoring import StoredItems, stored_lineup

        lineup: Roster = stored_lineup(settings.from_store)
        config.pluginmanager.register(StoredItems(settings, settings.from_store), "medhelm-stored-items")
    else:
        lineup = resolve_models(config, settings)
    if lineup.judges and settings.config.rubrics:
        from pytest_medhelm.tasks.rubric_files import chosen_rubric

        for key in settings.config.rubrics:
            chosen_rubric(settings.config, key)
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        from pytest_medhelm.plugin.xdist import rank_of

        told = worker["medhelm"]
        lineup = apply(lineup, told["resolved"])
        rank: int | None = rank_of(worker["workerid"]) if told["static"] else None
        asker = Asker(config, settings, lineup, told["run"], worker["workercount"])
    else:
        controller = Controller(config, settings, lineup, gates, baseline)
        config.pluginmanager.register(controller, "medhelm-controller")
        if config.get_verbosity() <= 0 and config.getoption("capture") != "no":
            from pytest_medhelm.plugin.status_line import StatusLine

            config.pluginmanager.register(StatusLine(config), "medhelm-status-line")
        if page := config.getoption("htmlpath", None):
            from pytest_medhelm.plugin.pytest_html import PytestHtml

            config.pluginmanager.register(PytestHtml(settings, Path(page)), "medhelm-pytest-html")
        asker, rank = Asker(config, settings, lineup, controller.run), 0
        if config.getoption("dist", "no") != "no":
            from pytest_medhelm.plugin.xdist import Distribution, check_distribution

            check_distribution(config)
            config.pluginmanager.register(Distribution(controller), "medhelm-distribution")
    config.stash[state.LINEUP] = lineup
    config.stash[state.ASKER] = asker
    config.pluginmanager.register(WorkerPlugin(asker, rank), "medhelm-running")


def _baseline(settings: Settings, gates: Sequence[Gate]) -> Baseline | None:
    """What to compare with. Raises ConfigError when it cannot be read, or a rule needs one and none is named."""
    if settings.baseline is not None:
        from pytest_medhelm.gates.baseline import read_baseline

        return read_baseline(settings.baseline, settings.baseline_model)
    needy = [rule.text for gate in gates for rule in gate.rules if rule.baseline]
    if needy:
        raise ConfigError(f"gate {needy[0]!r} needs a baseline: add --medhelm-baseline=SUITE, or its leaderboard.json")
    return None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    if not file_path.name.endswith((".medhelm.yaml", ".medhelm.yml")):
        return None
    from pytest_medhelm.plugin.yaml_benchmarks.collect import YamlBenchmark

    module: pytest.Module = YamlBenchmark.from_parent(parent, path=file_path)
    return module


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "model" in metafunc.fixturenames or hasattr(metafunc.module, "TASK"):
        from pytest_medhelm.plugin.collection import parametrize

        parametrize(metafunc)


def pytest_report_teststatus(
    report: pytest.TestReport | pytest.CollectReport,
) -> tuple[str, str, str | tuple[str, dict[str, bool]]] | None:
    shown = getattr(report, "medhelm", None)
    if shown is None or isinstance(shown, dict) or report.failed:
        return None  # Not ours, or on an xdist worker, where nothing is shown.
    if report.skipped:
        return "unmeasured", "u", "UNMEASURED"
    value = "" if shown.value is None else f" {shown.value:.2f}"
    letter = "," if shown.status == "ok" else shown.status[0]
    return "scored", letter, (f"SCORED {shown.status}{value}", {"cyan": True})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    from pytest_medhelm.plugin.marks import advice

    for line in advice(terminalreporter, config):
        terminalreporter.write_line(line)
