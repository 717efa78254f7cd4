"""Every verdict of a corpus of random cells and rules, computed a second time from the papers."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pytest_medhelm.gates.baseline import Baseline
from pytest_medhelm.gates.gate_file import gate_of
from pytest_medhelm.gates.judge import Evidence, judge
from pytest_medhelm.results.leaderboard.aggregate import make_cell
from pytest_medhelm.results.leaderboard.columns import Columns
from tests.gates.reference.corpus import Case, corpus
from tests.gates.reference.verdicts import verdict
from tests.support.nightly import replications

SAME = {
    "eval_set_hash": "e", "data": {}, "origin": "given", "shots": 0, "fingerprint": "f", "prompt": "p", "scoring": "s",
    "code": "c", "model": None, "jury": None, "versions": [],
}  # fmt: skip


def cell_of(case: Case, scores: list[float | None]) -> Any:
    names = [f"i{place}" for place in range(len(scores))]
    metric = "exact_match" if case.kind in ("labels", "status") else case.metric
    columns = Columns(
        eval_set_hash="e", size=len(names), main_metric=metric, ids=names,
        statuses=["request_error" if score is None else "ok" for score in scores], clusters=list(case.sources),
        sub_tasks=list(case.parts or [""] * len(names)), scores={metric: list(scores)},
        scales={metric: list(case.scale)},
        labels=[None if said is None else (right, said) for right, said in case.labels] or [None] * len(names),
        references=[f"reference {right}" for right, _ in case.labels] or [""] * len(names),
    )  # fmt: skip
    metadata: Any = {
        "sub_tasks": sorted(set(case.parts)), "data": {"origin": "given"}, "category": "", "subcategory": "",
        "positive": "y",
    }  # fmt: skip
    provenance: Any = SAME
    return make_cell("b", "m", columns, metadata, provenance)


def judged(case: Case) -> str:
    gate = gate_of([case.rule])
    (demand,) = gate.demands
    rule = replace(demand.alternatives[0], alpha=case.alpha, threshold=case.threshold)
    gate = replace(gate, demands=(replace(demand, alternatives=(rule,)),))
    baseline = None
    if case.base:
        baseline = Baseline("old", Path("old"), {"b": cell_of(case, case.base)})
    (found,) = judge(gate, Evidence([cell_of(case, case.scores)], selected={"b"}, baseline=baseline), ["m"])
    return found.verdict


CASES = corpus(replications(2_000))


@cache
def expected(number: int) -> str:
    """The reference's verdict on a case."""
    return verdict(CASES[number])


def test_the_corpus_has_every_kind_and_verdict() -> None:
    assert len(CASES) >= 200
    found = {(case.kind, expected(number)) for number, case in enumerate(CASES[:160])}
    assert {kind for kind, _ in found} >= {"binary", "graded", "labels", "harm", "baseline_binary", "baseline_graded"}
    assert {each for _, each in found} >= {"pass", "fail", "inconclusive"}


@pytest.mark.parametrize("start", range(0, len(CASES), 50))
def test_the_reference_comes_to_the_same_verdict(start: int) -> None:
    others = [
        (number, case.kind, case.rule, found, expected(number))
        for number, case in enumerate(CASES[start : start + 50], start)
        if (found := judged(case)) != expected(number)
    ]
    assert not others
