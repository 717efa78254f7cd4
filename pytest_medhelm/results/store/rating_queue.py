"""Which answers clinicians are asked about, on paper or on a screen: blinded, the same for all raters, by a fixed draw.

Only answers of candidates that judges rated by criteria are asked about, each once, as it was asked without changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations
from typing import Literal

from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.models.spec import CANDIDATE
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.scoring.jury.harm import rank
from pytest_medhelm.scoring.record import text_hash
from pytest_medhelm.scoring.record_types import Record
from pytest_medhelm.tasks.rubric import Criterion, Rubric, rubric_from
from pytest_medhelm.tasks.rubric_files import load_rubric, packaged
from pytest_medhelm.util.errors import DataError

Order = Literal["sample", "disputed"]


@dataclass(frozen=True, slots=True)
class Item:
    """One answer to be rated."""

    name: str
    """What raters see of it; it tells nothing of the model."""
    record: Record
    rubric: Rubric

    @property
    def criteria(self) -> tuple[str, ...]:
        """The names of what is rated."""
        return tuple(criterion.name for criterion in self.rubric.criteria)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one instance, of which the better one is to be named."""

    name: str
    first: Record
    second: Record


def items(
    suite: Suite, store: ResponseStore, count: int, benchmarks: Sequence[str] = (), order: Order = "sample"
) -> list[Item]:
    """Up to ``count`` answers of each benchmark over all candidates: a seeded sample, or those most disputed by judges.

    Raises DataError when there is none.
    """
    asked = dict(_asked(suite, benchmarks))
    judged = {name: [record for record in records if _is_judged(record)] for name, records in asked.items()}
    rubrics = {name: _rubric(suite, store, records[0]) for name, records in judged.items() if records}
    chosen = [
        record
        for name, rubric in sorted(rubrics.items())
        if rubric.criteria
        for record in sorted(judged[name], key=lambda record: _turn(record, order))[:count]
    ]
    if not chosen:
        raise DataError(_why_none([record for records in asked.values() for record in records], judged))
    if order == "disputed" and not any(map(_dispute, chosen)):
        raise DataError("no two judges differ about an answer, so that none is disputed: leave out --order=disputed")
    ordered = sorted(chosen, key=lambda record: draw("name", *names(record)))
    return [
        Item(f"item-{number:03d}", record, rubrics[record["benchmark"]])
        for number, record in enumerate(ordered, start=1)
    ]


def _why_none(records: Sequence[Record], judged: Mapping[str, Sequence[Record]]) -> str:
    if any(judged.values()):
        return "judges sorted the answers here, and clinicians rate by criteria: --pairs compares two models' answers"
    if any(record["verdicts"] for record in records):
        return (
            "judges were asked about the candidates' answers, and none gave a usable verdict: run the same command "
            "again, or name other judges with --medhelm-judge"
        )
    return "no answer of a candidate was rated by judges: name judges with --medhelm-judge first"


def pairs(suite: Suite, count: int, benchmarks: Sequence[str] = ()) -> list[Pair]:
    """Up to ``count`` pairs of each benchmark: two candidates' answers to one instance, in an order drawn for each.

    Raises DataError when there is none.
    """
    chosen: list[tuple[Record, Record]] = []
    for _, records in _asked(suite, benchmarks):
        by_instance: dict[str, list[Record]] = {}
        for record in records:
            by_instance.setdefault(record["public_id"], []).append(record)
        drawn = [
            (first, second) if draw("side", *names(first), second["model"]) < "8" else (second, first)
            for answers in by_instance.values()
            for first, second in combinations(answers, 2)
        ]
        drawn.sort(key=lambda pair: draw("pair", *names(pair[0]), pair[1]["model"]))
        chosen += drawn[:count]
    if not chosen:
        raise DataError(
            "no two candidates answered the same instance in free text, and baselines are not compared: run two models "
            "first"
        )
    chosen.sort(key=lambda pair: draw("name", *names(pair[0]), pair[1]["model"]))
    return [Pair(f"pair-{number:03d}", *pair) for number, pair in enumerate(chosen, start=1)]


def names(record: Record) -> tuple[str, str, str]:
    """What an answer is found by."""
    return record["benchmark"], record["public_id"], record["model"]


def draw(*parts: str) -> str:
    """By which things are put in an order that is the same everywhere and tells nothing."""
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def _asked(suite: Suite, benchmarks: Sequence[str]) -> Iterator[tuple[str, list[Record]]]:
    """By benchmark the candidates' answers in free text."""
    models = {name for name, facts in suite.models().items() if facts["kind"] == CANDIDATE}
    if not models:
        raise DataError("only baselines answered here, which are not rated: run a model first")
    cells = [pair for pair in suite.cells() if pair[1] in models]
    unknown = sorted(set(benchmarks) - {name for name, _ in cells})
    if unknown:
        known = ", ".join(sorted({name for name, _ in cells}))
        raise DataError(f"--benchmark={unknown[0]} has no answer of a candidate here: name one of {known}")
    for name in sorted({name for name, _ in cells if not benchmarks or name in benchmarks}):
        yield (
            name,
            [
                record
                for benchmark, model in cells
                if benchmark == name
                for record in suite.records(benchmark, model)
                if _is_plain(record)
            ],
        )


def _is_plain(record: Record) -> bool:
    """An answer in free text to the unchanged instance, asked first."""
    is_first = not record["perturbation"] and not record["repeat"]
    return is_first and record["status"] in ("ok", "judge_error") and not record["label"]


def _is_judged(record: Record) -> bool:
    return any(verdict["scores"] for verdict in record["verdicts"])


def _turn(record: Record, order: Order) -> tuple[float, str]:
    return (-_dispute(record) if order == "disputed" else 0.0), draw("sample", *names(record))


def _dispute(record: Record) -> float:
    """How far the judges are apart: the widest range of a criterion, or of the severity of harm."""
    given = [verdict for verdict in record["verdicts"] if verdict["scores"]]
    columns = [
        [float(verdict["scores"][name]) for verdict in given if name in verdict["scores"]]
        for name in {name for verdict in given for name in verdict["scores"]}
    ]
    columns.append([float(rank(harm)) for verdict in given if (harm := verdict.get("harm"))])
    return max((max(column) - min(column) for column in columns if column), default=0.0)


def _rubric(suite: Suite, store: ResponseStore, record: Record) -> Rubric:
    """What judges rated by; of a suite of an earlier version the packaged one, or the criteria's names alone."""
    inputs = suite.fingerprint_inputs(record["fingerprint"])
    jury = inputs["jury"] if inputs else None
    identity = jury["rubric"] if jury else ""
    text = store.text(text_hash(identity))
    if text:
        return rubric_from(text)
    name = identity.rpartition(" v")[0]
    if name in packaged():
        known = load_rubric(name)
        return known if isinstance(known, Rubric) else Rubric(name, (), (0, 1), True, "")
    worst, best = record["scales"].get("jury", (1.0, 5.0))
    given = next(verdict["scores"] for verdict in record["verdicts"] if verdict["scores"])
    criteria = tuple(Criterion(name, "", {}) for name in given if f"jury_{name}" in record["scores"])
    return Rubric(name, criteria, (int(worst), int(best)), True, "")
