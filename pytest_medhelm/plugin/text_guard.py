"""What may be shown of a benchmark's items, phases and collectors: decided here, for every kind of report.

Terminal, JUnit XML, pytest-html, live logs and the summary of warnings show what the reports hold that pytest makes of
a test. Of a benchmark these hold no text that a test, a loader or a library may have taken from a record: not the
message of an exception or a warning, not the reason of a skip or an expected failure, no captured output, no property.
What is shown instead is the type, the line, the instance's public id and the key of the request. --medhelm-show-text
shows everything.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest
from _pytest.junitxml import xml_key

from pytest_medhelm.plugin.item_params import BENCHMARK
from pytest_medhelm.plugin.not_run import NotRun
from pytest_medhelm.plugin.options import SETTINGS
from pytest_medhelm.plugin.outcomes import BenchmarkFailure, NameTaken, PlumbingFailure, SafeSkip, Shortfall
from pytest_medhelm.plugin.recorder import BUILDER
from pytest_medhelm.tasks.loading import is_source, shown_class, where
from pytest_medhelm.tasks.task import Task
from pytest_medhelm.util.errors import MedhelmError
from pytest_medhelm.util.escaping import visible

TOLD = 200
"""Characters of an error's text."""
SHOW = "type --medhelm-show-text to see its text"
HIDDEN = f"hidden; {SHOW}"
SAFE = (BenchmarkFailure, NameTaken, PlumbingFailure, Shortfall, SafeSkip, MedhelmError, pytest.UsageError)
"""Exceptions whose text was written for the user and holds nothing of a record."""

_IS_BENCHMARK: pytest.StashKey[bool] = pytest.StashKey()
"""On a module node."""
Result = TypeVar("Result")


class TextGuard:
    """Hooks of each process that collects and runs items."""

    def __init__(self) -> None:
        self._inside = False
        """A benchmark is being collected or run."""
        self._nodes: set[str] = set()
        """Node ids of the benchmarks' modules."""

    @pytest.hookimpl
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Live logs and log files show records as they are made, outside of any report."""
        plugin = session.config.pluginmanager.getplugin("logging-plugin")
        for name in ("log_cli_handler", "log_file_handler"):
            handler = getattr(plugin, name, None)
            if isinstance(handler, logging.Handler):
                handler.addFilter(lambda record: not self._inside)

    # Collectors

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        module = collector.getparent(pytest.Module)
        if module is None:
            return (yield)
        ending: BaseException | None = None
        self._inside = "TASK" in _source(module.path)  # Only after the import is it known whether it declares one.
        try:
            with warnings.catch_warnings(record=True) as caught:
                report = yield
        except (pytest.exit.Exception, KeyboardInterrupt) as error:
            ending = self._ending(error)
        finally:
            self._inside = False
        if ending is not None:
            raise ending from None
        ours = is_benchmark(module)
        if ours:
            self._nodes.add(module.nodeid)
            _hide_collection(report, module)
        for warning in caught:
            text = _hidden(warning.category) if ours else warning.message
            # With -W error it was raised where it came from, or is none of those that are to be.
            with suppress(Warning):
                warnings.warn_explicit(text, warning.category, warning.filename, warning.lineno)
        return report

    # Items

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._inside = is_benchmark(item)
        xml = item.config.stash.get(xml_key, None) if self._inside else None
        before = len(xml.global_properties) if xml is not None else 0
        try:
            return (yield)
        finally:
            self._inside = False
            if xml is not None:
                del xml.global_properties[before:]  # record_testsuite_property

    # What ends the session is shown by pytest itself, with its text and, under --full-trace, with the arguments of all
    # functions on the way: it is raised anew, in a frame that has none.

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Generator[None, object, object]:
        return (yield from self._without_text())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        return (yield from self._without_text())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        return (yield from self._without_text())

    def _without_text(self) -> Generator[None, object, object]:
        try:
            return (yield)
        except (pytest.exit.Exception, KeyboardInterrupt) as error:
            ending = self._ending(error)
        raise ending from None

    def _ending(self, error: BaseException) -> BaseException:
        if not self._inside:
            return error
        if isinstance(error, pytest.exit.Exception):
            return pytest.exit.Exception(f"stopped by a benchmark; {SHOW}", error.returncode)
        return KeyboardInterrupt()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if self._inside or is_benchmark(item):
            _hide_phase(report, item, call.excinfo)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Subtests are reported with what was captured and named after their report was made."""
        context = getattr(report, "context", None)
        if context is not None and report.nodeid.partition("::")[0] in self._nodes:
            report.sections = []
            report.context = type(context)(msg=None, kwargs={})  # type: ignore[attr-defined]

    # What belongs to no phase

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, nodeid: str) -> None:
        """All who show a warning, xdist's controller too, get the same object, and we get it first."""
        is_hidden = str(warning_message.message) == HIDDEN
        if is_hidden or self._inside or nodeid.partition("::")[0] in self._nodes:
            # A class that stands in no module would end xdist's worker, which sends the warning to another process.
            warning_message.category = shown_class(warning_message.category)
            warning_message.message = _hidden(warning_message.category)
            warning_message.line, warning_message.source = "", None
            if not is_source(warning_message.filename):
                warning_message.filename = "hidden"

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: Any, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """What no hook foresaw: pytest prints it whole, with the lines and values of whoever was at work."""
        error = excinfo.value
        said = str(error) if isinstance(error, SAFE) else f"{where(error)}; {SHOW}"
        sentence = _Sentence(f"medhelm: {said}; what was answered is stored: type the same command to go on")
        excrepr.reprtraceback, excrepr.reprcrash, excrepr.sections = sentence, None, []
        if hasattr(excrepr, "chain"):
            excrepr.chain = [(sentence, None, None)]


class _Sentence:
    """In place of a traceback."""

    extraline = None

    def __init__(self, text: str) -> None:
        self._text = text

    def toterminal(self, out: Any) -> None:
        """Write it."""
        out.line(self._text)


def _hidden(category: type[Warning]) -> Warning:
    try:
        return category(HIDDEN)
    except Exception:  # it takes other arguments
        return UserWarning(HIDDEN)


def is_benchmark(node: pytest.Item | pytest.Collector) -> bool:
    """Whether a node belongs to the module of a benchmark, also one that cannot be imported."""
    module = node.getparent(pytest.Module)
    if module is None:
        return False
    if _IS_BENCHMARK not in module.stash:
        loaded = getattr(module, "_obj", None)
        declared = isinstance(getattr(loaded, "TASK", None), Task)
        module.stash[_IS_BENCHMARK] = declared or (loaded is None and "TASK" in _source(module.path))
    return module.stash[_IS_BENCHMARK]


def _source(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def hide_failed_collection(report: pytest.CollectReport, collector: pytest.Collector) -> None:
    """A benchmark that cannot be imported shows no text in sessions without a model either."""
    module, settings = collector.getparent(pytest.Module), collector.config.stash.get(SETTINGS, None)
    if module is not None and is_benchmark(module) and not (settings is not None and settings.show_text):
        _hide_collection(report, module)


def _hide_collection(report: pytest.CollectReport, module: pytest.Module) -> None:
    report.sections = []
    excinfo = getattr(getattr(report, "call", None), "excinfo", None)
    if report.passed or excinfo is None or isinstance(excinfo.value, SAFE):
        return
    error = excinfo.value.__cause__ if isinstance(excinfo.value, pytest.Collector.CollectError) else None
    error = error or excinfo.value
    known = f" (no module {error.name})" if isinstance(error, ModuleNotFoundError) else ""
    sentence = f"{where(error, str(module.path))}{known}; {SHOW}"
    if isinstance(error, SyntaxError):
        sentence = f"{type(error).__name__} at {module.path.name}:{error.lineno}; {SHOW}"
    report.longrepr = (str(module.path), 1, f"Skipped: {sentence}") if report.skipped else sentence


def _hide_phase(
    report: pytest.TestReport, item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException] | None
) -> None:
    _hide_extras(report, item)
    error = excinfo.value if excinfo is not None else None
    if hasattr(report, "wasxfail"):
        report.wasxfail = HIDDEN
    if report.skipped:
        if error is None or hasattr(report, "wasxfail") or not isinstance(report.longrepr, tuple):
            report.longrepr = HIDDEN if report.longrepr else None
        elif not (isinstance(error, SAFE) or _stands_for_all(item)):
            path, line, _ = report.longrepr
            report.longrepr = (path, line, f"Skipped: reason {HIDDEN}")
    elif report.failed:
        report.longrepr = str(error) if isinstance(error, SAFE) else _failure(report, item, error)


def _failure(report: pytest.TestReport, item: pytest.Item, error: BaseException | None) -> str:
    name = report.nodeid.partition("[")[2].rstrip("]")
    if error is None:
        return f"passed, and was expected to fail (xfail, strict) ({name})"
    builder = item.stash.get(BUILDER, None)
    request = f", request {builder.response.key[:12]}" if builder and builder.response else ""
    if _may_be_told(item) and not isinstance(error, AssertionError):
        # Once escaped and cut it is one line.
        said = visible(" ".join(str(error).split()), TOLD)
        return f"{where(error, str(item.path))}: {said} ({name}{request})"
    return f"{where(error, str(item.path))} ({name}{request}); {SHOW}"


def _may_be_told(item: pytest.Item) -> bool:
    """A mistake of code may be told where it can quote public or invented records alone."""
    module = item.getparent(pytest.Module)
    benchmark = module.stash.get(BENCHMARK, None) if module is not None else None
    if benchmark is None:
        return False
    return bool(benchmark.source.origin == "sample" or benchmark.task.access == "public")


def _stands_for_all(item: pytest.Item) -> bool:
    """The one item of a benchmark that is not run: its reason is ours."""
    return isinstance(getattr(getattr(item, "callspec", None), "params", {}).get("model"), NotRun)


def _hide_extras(report: pytest.TestReport, item: pytest.Item) -> None:
    """Output, and what a test itself adds to a report: properties, attributes of JUnit XML, extras of pytest-html."""
    report.sections = []
    report.user_properties = []
    if hasattr(report, "extras"):
        report.extras = []  # type: ignore[attr-defined]
    item.user_properties.clear()
    xml = item.config.stash.get(xml_key, None)
    if xml is not None and report.when != "teardown":
        xml.node_reporter(report).attrs.clear()
