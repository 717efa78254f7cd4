"""pytest's side of an own benchmark: the file becomes a module with TASK, prompt and a test, made here.

From there on it is a benchmark like any other: marks, selection, workers, records and gates know no difference. A
file that cannot be read becomes one failing item with its sentence, and stops no other benchmark.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pytest_medhelm.plugin.yaml_benchmarks.rows import loader
from pytest_medhelm.plugin.yaml_benchmarks.schema import name_of, read_spec
from pytest_medhelm.plugin.yaml_benchmarks.spec import Spec
from pytest_medhelm.tasks.prompts import answer_letter, lettered
from pytest_medhelm.tasks.task import DataFile, Examples, Instance, Task
from pytest_medhelm.util.document import DocumentError

if TYPE_CHECKING:
    from pytest_medhelm.scoring.jury.jury import Jury
    from pytest_medhelm.scoring.response import Response
    from pytest_medhelm.scoring.score import Score

_NAMES: pytest.StashKey[dict[str, Path]] = pytest.StashKey()
"""On config: the file of each own benchmark's name."""


class YamlBenchmark(pytest.Module):
    """A file NAME.medhelm.yaml."""

    @cached_property
    def spec(self) -> Spec | DocumentError:
        """What the file says, or what is wrong with it."""
        try:
            spec = read_spec(self.path)
        except DocumentError as problem:
            return problem
        taken = self.config.stash.setdefault(_NAMES, {}).setdefault(spec.name, self.path)
        if taken != self.path:
            return DocumentError(f"{self.path.name}: the name {spec.name!r} is taken by {taken}; choose another")
        return spec

    def _getobj(self) -> ModuleType:
        return ModuleType(self.path.name) if isinstance(self.spec, DocumentError) else make_module(self.spec)

    def istestfunction(self, obj: object, name: str) -> bool:
        """The one test, whatever the project calls its own."""
        return isinstance(obj, FunctionType) and name.startswith("test_")

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """The benchmark's items, or one that fails."""
        if not isinstance(self.spec, DocumentError):
            return super().collect()
        name = name_of(self.path)
        if name:
            self.config.addinivalue_line("markers", f"{name}: the benchmark of {self.path.name}")
            self.add_marker(name)
        if self.config.getoption("collectonly"):
            self.config.pluginmanager.register(_Complaint(self.spec))
        return [BrokenFile.from_parent(self, name="error", problem=self.spec)]


class BrokenFile(pytest.Item):
    """Stands for a benchmark whose file cannot be read: it fails with the sentence."""

    def __init__(self, *, problem: DocumentError, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.problem = problem

    def runtest(self) -> NoReturn:
        """Fail."""
        raise self.problem

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        """The sentence alone."""
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The line of the file."""
        return self.path, self.problem.line - 1 if self.problem.line else None, self.path.name


class _Complaint:
    """Under --collect-only nothing runs: the sentence stands in the summary."""

    def __init__(self, problem: DocumentError) -> None:
        self._problem = problem

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.write_line(f"medhelm: {self._problem}", red=True)


def make_module(spec: Spec) -> ModuleType:
    """A module as an author would have written it."""
    module = ModuleType(spec.path.name, spec.description or None)
    module.__file__ = str(spec.path)
    module.TASK = make_task(spec)  # type: ignore[attr-defined]
    module.prompt = _prompt(spec)  # type: ignore[attr-defined]
    name = f"test_{spec.name}"
    setattr(module, name, _located(_test(spec), name, spec.path))
    return module


def make_task(spec: Spec) -> Task:
    """The declaration of the benchmark."""
    load = loader(spec)
    return Task(
        name=spec.name,
        title=spec.title,
        subcategory=spec.subcategory,
        access=spec.access,
        kind=spec.kind,
        files=(DataFile(spec.data),),
        load=load,
        main_metric=spec.main_metric,
        licence=spec.licence,
        source=spec.source,
        may_use_hosted_api=spec.may_use_hosted_api,
        chance=1 / len(spec.answer.choices) if spec.answer.choices else None,
        language=spec.language,
        positive=spec.answer.positive,
        rubric=spec.rubric,
        examples=Examples(files=(DataFile(spec.examples),), load=load) if spec.examples else None,
        keeps_gold=spec.keeps_gold,
        gates=spec.gates,
        folder=spec.path.parent,
        category_assigned_here=True,
    )


def _prompt(spec: Spec) -> Any:
    def prompt(instance: Instance) -> str:
        """The author's text with the row's cells, and the options where there are any."""
        if not spec.answer.has_choices:
            return instance.question
        text = spec.prompt.with_options(instance.question, lettered(instance.choices), instance.context)
        return text if spec.prompt.behind is not None else f"{text}\n\n{answer_letter(instance.choices)}"

    return prompt


def _test(spec: Spec) -> Any:
    """The test function for this kind of answer."""
    if spec.answer.has_choices:

        def check(instance: Instance, response: Response, score: Score) -> None:
            if spec.answer.choices:
                score.classify(response, instance)
            else:
                score.choice(response, instance)

        return check
    if spec.answer.kind == "number":

        def check_number(instance: Instance, response: Response, score: Score) -> None:
            score.number_accuracy(response.number, instance.fields["number"], instance.fields["tolerance"])

        return check_number
    if not spec.rubric:

        def check_text(instance: Instance, response: Response, score: Score) -> None:
            _score_text(spec, instance, response, score)

        return check_text

    def check_rated(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
        _score_text(spec, instance, response, score)
        jury.by_rubric(response, instance.answer)

    return check_rated


def _score_text(spec: Spec, instance: Instance, response: Response, score: Score) -> None:
    for metric in spec.metrics:
        if metric == "rouge":
            score.rouge(response.text, instance.answer)
        elif metric != "jury":
            score.metric(metric, response.text, instance.answer)


def _located(function: FunctionType, name: str, path: Path) -> FunctionType:
    """The function as if it stood in the file: that is where reports point to."""
    code = function.__code__.replace(co_filename=str(path), co_firstlineno=1, co_name=name)
    located = FunctionType(code, function.__globals__, name, function.__defaults__, function.__closure__)
    located.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    located.written = function  # type: ignore[attr-defined]
    return located
