"""A benchmark that cannot be run is one item, which says why; the reason travels with its report as a typed value."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal, NamedTuple

import pytest

NAME_A_MODEL = "no model named: type e.g. --medhelm-model=local/smollm2-135m or --medhelm-model=baseline/lexical"


class NotRun(NamedTuple):
    """Why the items of a benchmark, or of a test that asks a model, do not exist."""

    benchmark: str
    """Empty for a test that belongs to none."""
    why: Literal["no_model", "unsuited", "no_data", "bad_data"]
    reason: str
    """One sentence for the user."""


NO_MODEL = NotRun("", "no_model", NAME_A_MODEL)


def one_item(metafunc: pytest.Metafunc, not_run: NotRun, instance: Exception | None, *, with_instance: bool) -> None:
    """Make one item in place of all: skipped, or with an ``instance`` that fails it with a sentence."""
    marks = () if instance else pytest.mark.skip(reason=not_run.reason)
    names = {"no_model": "no-model", "unsuited": "no-part", "no_data": "no-data", "bad_data": "data-error"}
    name = names[not_run.why]
    metafunc.parametrize("model", [pytest.param(not_run, marks=marks, id=name)], indirect=True)
    if with_instance:
        metafunc.parametrize("instance", [pytest.param(instance, id="all")], indirect=True)
    manager = metafunc.config.pluginmanager
    if not manager.has_plugin("medhelm-not-run"):
        manager.register(_Reports(), "medhelm-not-run")


def not_run_of(report: Any) -> NotRun | None:
    """Why there is but this one item; None for any other report."""
    fields = getattr(report, "medhelm_not_run", None)
    return NotRun(*fields) if fields else None


class _Reports:
    """Registered with the first such item: other sessions do not feel it."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        model = getattr(getattr(item, "callspec", None), "params", {}).get("model")
        if isinstance(model, NotRun) and not report.passed:
            report.medhelm_not_run = tuple(model)  # type: ignore[attr-defined]
        return report
