"""The plugin's own hooks: this file is their manual.

Implement them in a conftest.py or a plugin, like any pytest hook. ``make_`` hooks replace (the first result other
than None is taken), ``update_`` hooks change their argument in place, the others are collected from all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # Every pytest session imports this module.
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.results.leaderboard.document import Leaderboard
    from pytest_medhelm.results.store.suite import Suite
    from pytest_medhelm.scoring.record_types import Record
    from pytest_medhelm.tasks.metric import Metric
    from pytest_medhelm.tasks.perturbations.perturbation import Perturbation


@pytest.hookspec(firstresult=True)
def pytest_medhelm_make_model(name: str, config: pytest.Config) -> Model | None:
    """Give a model name a meaning of your own; stops at the first result that is not None.

    Called once per name of --medhelm-model and --medhelm-judge, in each process, before anything is asked.

    :param name: the name as the user wrote it.
    :param config: the pytest config.
    :return: a ``pytest_medhelm.Model``: with ``endpoint`` it is asked over the OpenAI protocol; with
        ``answer`` it is a plain function ``(messages, instance, benchmark) -> text``; where that gives None, the
        instance is missing data. None to pass.

    Example, a model that is a function::

        def pytest_medhelm_make_model(name):
            if name == "house/echo":
                return Model(name, "house", "echo", answer=lambda messages, *_: messages[-1]["content"])
    """


@pytest.hookspec
def pytest_medhelm_update_request(body: dict[str, Any], messages: Sequence[Mapping[str, str]], model: Model) -> None:
    """Add fields to the body of a request, in place. Called in each process for each request before its key is
    built, so what you add decides whether a stored response is used again: it must not change from run to run.

    :param body: the fields that go beside the model's own, e.g. ``body["user"] = "evaluation"``.
    :param messages: the chat messages, for information.
    :param model: the model to be asked.
    """


@pytest.hookspec
def pytest_medhelm_perturbations() -> Mapping[str, Perturbation]:  # type: ignore[empty-body]
    """Add perturbations for --medhelm-perturb: name -> ``pytest_medhelm.Perturbation``.

    Called once per process, at configure, of conftest.py files beside the tests that are named on the command line.
    Its function takes (instance, seed) and returns the changed instance, or ``Excluded(why)`` where it cannot be
    applied; the same arguments must give the same result. Example::

        from dataclasses import replace
        from pytest_medhelm import Excluded, Perturbation

        def politely(instance, seed):
            if instance.question.startswith("Please"):
                return Excluded("it is polite already")
            return replace(instance, question=f"Please answer: {instance.question}")

        def pytest_medhelm_perturbations():
            return {"politely": Perturbation("politely", politely, "asked politely", family="wording")}
    """


@pytest.hookspec
def pytest_medhelm_metrics() -> Mapping[str, Metric]:  # type: ignore[empty-body]
    """Add metrics: name -> ``pytest_medhelm.Metric``. A test calls one by ``score.metric("name", prediction, ...)``.

    A metric of one benchmark needs no hook: declare its function in ``Task(metrics=...)``.

    Called once per process, when the first score is recorded. Example::

        def pytest_medhelm_metrics():
            return {"word_count": Metric(lambda text, reference: len(text.split()), ("words",), scale=(0, 1000))}
    """


@pytest.hookspec
def pytest_medhelm_update_record(record: Record) -> None:
    """Change a record in place before it is stored, e.g. to add a tag or to remove a slice.

    Called on the controller for each record. Keep plain types; the record's fields are described in docs/suite.md.
    """


Line = str | tuple[str, Mapping[str, bool]]
"""A line for the terminal, alone or with pytest's markup, e.g. ("gate pass: ...", {"green": True})."""


@pytest.hookspec
def pytest_medhelm_report(leaderboard: Leaderboard, folder: Path, suite: Suite) -> Iterable[Line] | None:
    """Write a report of your own, show lines in the terminal, or both.

    Called on the controller at the end of a session that was not interrupted. The plugin's own reports are
    implementations of this hook and are called before yours: ``medhelm-terminal``, ``medhelm-json``,
    ``medhelm-markdown``, ``medhelm-html``, ``medhelm-github``. ``-p no:medhelm-html`` leaves one out; so does, to put
    your own in its place, ``config.pluginmanager.set_blocked("medhelm-html")`` in ``pytest_configure``.

    A report that raises loses its own lines and no more: the others are written, the gates keep their verdicts, and the
    session ends with exit status 1 and one sentence that names your plugin and the type of the error, never its text.

    :param leaderboard: the content of leaderboard.json, described by docs/leaderboard.schema.json.
    :param folder: the folder of the suite.
    :param suite: the open suite: ``suite.cells()`` and ``suite.records(benchmark, model)`` give every record.
    :return: lines for the terminal, after those of the reports called before; or None.

    Example, a report as a table for a wiki::

        def pytest_medhelm_report(leaderboard, folder):
            rows = [
                f"| {cell['benchmark']} | {cell['model']} | {cell['metrics'][cell['main_metric']]['value']} |"
                for cell in leaderboard["results"]["cells"]
                if cell["main_metric"] in cell["metrics"]
            ]
            (folder / "wiki.txt").write_text("\\n".join(rows))
            return [f"wiki: {folder / 'wiki.txt'}"]
    """
