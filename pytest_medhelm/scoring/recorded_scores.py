"""Which scores the tests of a benchmark record, read from their code without running it.

Where ``score`` or ``jury`` go into code that cannot be read, nothing is known of it: no rule may be refused that is
about a score which a test does record.
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import NamedTuple

from pytest_medhelm.scoring.metrics import METRICS, TEXT_METRICS, style, summarization
from pytest_medhelm.tasks.metric import Metric
from pytest_medhelm.tasks.task import Task

DESCRIBING = frozenset(
    {*style.READABILITY, *style.SMOG, *style.HEDGING, *style.LENGTH, *summarization.EXTRACTION}
)  # fmt: skip
"""Scores that say how an answer is, not how good: neither end of their scales is the better one for all uses."""
_CLOSED = frozenset({"exact_match", "exact_match_strict"})
_ROUGE = frozenset(METRICS["rouge_english"].names)
_OF_METHOD = {
    **{name: frozenset(metric.names) for name, metric in METRICS.items()},
    "choice": _CLOSED,
    "classify": _CLOSED,
    "label": frozenset[str](),
    "rouge": _ROUGE,
    "overlap": _ROUGE | {*summarization.BLEU, *summarization.BERTSCORE, *summarization.EXTRACTION},
    "style": frozenset(TEXT_METRICS) - {*summarization.BLEU, *summarization.BERTSCORE, *summarization.EXTRACTION},
    "not_applicable": frozenset[str](),
}
"""What each method of ``Score`` records that takes no name."""
_BUILT_IN = frozenset(name for metric in METRICS.values() for name in metric.names)
_NAMED = ("metric", "record", "reached", "helm", "helm_scores")
_LABELS = ("classify", "label")
_OTHER_FIXTURES = frozenset({"instance", "response", "model", "episode", "request", "self"})


@dataclass(frozen=True)
class RecordedScores:
    """What the tests of a benchmark record."""

    names: frozenset[str] = frozenset()
    """Without ``_helm`` at their end."""
    has_labels: bool = False
    asks_jury: bool = False
    any_name: bool = False
    """An agent's test names scores as it goes along: there may be any."""


class _Unreadable(Exception):  # noqa: N818
    """Code that may record anything."""


def recorded_scores(task: Task, tests: Sequence[Callable[..., object]]) -> RecordedScores | None:
    """What the test functions of a task record; None where they may record more than can be read from them."""
    declared = {task.main_metric, *task.records, *(name for own in task.metrics for name in Metric.of(own).names)}
    read = [_read(inspect.unwrap(test)) for test in tests]
    if None in read:
        return None
    calls = [call for each in read for call in each or ()]
    scored = [call for call in calls if call.fixture == "score"]
    names = {name for call in scored for name in call.names(task)}
    return RecordedScores(
        frozenset(name.removesuffix("_helm") for name in names | declared),
        any(call.method in _LABELS for call in scored),
        any(call.fixture == "jury" for call in calls),
        any(call.method == "reached" and not call.name for call in scored) and not task.records,
    )


class _Call(NamedTuple):
    """A call of a method of a fixture."""

    fixture: str
    method: str
    argument: ast.expr | None
    """The first one."""
    is_function: bool
    """The argument is a metric of the module's, which the task then declares."""

    @property
    def name(self) -> str:
        """The score that the first argument names; empty where it is no text."""
        argument = self.argument
        return argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else ""

    def names(self, task: Task) -> frozenset[str]:
        """The scores that it records, of those that a task declares only what it names."""
        if self.method in _OF_METHOD:
            return _OF_METHOD[self.method]
        if self.name:
            metric = METRICS.get(self.name) if self.method == "metric" else None
            return frozenset(metric.names if metric else {self.name})
        of_task = self.method == "reached" or (self.method == "record" and task.records)
        if of_task or self.method == "helm_scores" or (self.method == "metric" and self.is_function):
            return frozenset()
        return _BUILT_IN  # A variable: one of the declared names, or of these.


@functools.lru_cache(maxsize=1024)
def _read(test: Callable[..., object]) -> tuple[_Call, ...] | None:
    try:
        return tuple(_calls_of_test(test))
    except _Unreadable:
        return None


def _calls_of_test(test: Callable[..., object]) -> Iterator[_Call]:
    # The test of a file NAME.medhelm.yaml points to a line of it, and keeps the code that was written.
    test = getattr(test, "written", test)
    if not isinstance(test, FunctionType):
        raise _Unreadable
    arguments = set(inspect.signature(test).parameters)
    if not arguments <= _OTHER_FIXTURES | {"score", "jury"}:
        raise _Unreadable  # A fixture of the project's own may score too.
    yield from _calls(test, {name: name for name in ("score", "jury") if name in arguments}, ())


def _calls(function: FunctionType, fixtures: dict[str, str], callers: tuple[FunctionType, ...]) -> Iterator[_Call]:
    """Calls in a function, and in those that it hands a fixture to.

    ``fixtures``: by the name of the argument. Raises _Unreadable.
    """
    if function in callers:
        return
    parents, nodes = _parsed(function)
    for node in nodes:
        fixture = fixtures.get(node.id)
        if fixture is None:
            continue
        parent = parents[node]
        outer = parents.get(parent)
        if isinstance(parent, ast.Attribute) and isinstance(outer, ast.Call) and outer.func is parent:
            if fixture == "score" and parent.attr not in {*_OF_METHOD, *_NAMED}:
                raise _Unreadable
            argument = outer.args[0] if outer.args else None
            yield _Call(fixture, parent.attr, argument, argument is not None and callable(_value(function, argument)))
        elif isinstance(parent, ast.keyword) and isinstance(outer, ast.Call):
            yield from _handed_on(function, outer, parent.arg or "", fixture, callers)
        elif isinstance(parent, ast.Call) and node in parent.args:
            yield from _handed_on(function, parent, parent.args.index(node), fixture, callers)
        elif not (isinstance(parent, ast.Attribute) and parent.attr == "has_judges"):
            raise _Unreadable


def _handed_on(
    function: FunctionType, call: ast.Call, argument: int | str, fixture: str, callers: tuple[FunctionType, ...]
) -> Iterator[_Call]:
    """Calls in what a fixture is handed to; ``argument``: its position or name there."""
    value = _value(function, call.func)
    called = inspect.unwrap(value) if callable(value) else None
    if not isinstance(called, FunctionType):
        raise _Unreadable
    parameters = list(inspect.signature(called).parameters)
    if isinstance(argument, int):
        if argument >= len(parameters):
            raise _Unreadable
        argument = parameters[argument]
    yield from _calls(called, {argument: fixture}, (*callers, function))


def _value(function: FunctionType, node: ast.expr) -> object:
    """What an expression stands for: something of the module, or of one that it imported; None where it is no such."""
    if isinstance(node, ast.Name):
        known = inspect.getclosurevars(function).nonlocals
        return known.get(node.id, function.__globals__.get(node.id))
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        module = function.__globals__.get(node.value.id)
        return getattr(module, node.attr, None) if isinstance(module, ModuleType) else None
    return None


def _parsed(function: FunctionType) -> tuple[dict[ast.AST, ast.AST], list[ast.Name]]:
    """The code of a function: what each node is part of, and its names. Raises _Unreadable."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, ValueError):
        raise _Unreadable from None
    body = tree.body[0] if tree.body else None
    if not isinstance(body, ast.FunctionDef) or body.name != function.__name__:
        raise _Unreadable
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    return parents, [node for node in parents if isinstance(node, ast.Name)]
