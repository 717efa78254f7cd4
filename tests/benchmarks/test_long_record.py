"""The long record: the generator, the rules validated on summaries that were written before them, and whole runs."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

import pytest

from benchmarks.clinical_note_generation import test_long_record as module
from benchmarks.shared.long_record.build import record_text
from benchmarks.shared.long_record.facts import DEPTHS, KINDS
from benchmarks.shared.long_record.findings import finding
from benchmarks.shared.long_record.invented import invented
from benchmarks.shared.long_record.plan import LENGTHS, Plan
from benchmarks.shared.long_record.questions import (
    instances_of,
    oracle_answer,
    oracle_summary,
    pinpointed,
    sorted_out,
    statements,
)
from perf.mock_server import MockServer
from pytest_medhelm.models.engine.parts import PART, divided, whole
from tests.support.paths import BENCHMARKS
from tests.support.suites import cell, leaderboard

PHRASES = json.loads((Path(__file__).parent / "long_record_phrases.json").read_text("utf-8"))


# The generator


@pytest.mark.parametrize("length", ["2k", "8k", "32k", "128k"])
def test_facts_stand_where_they_are_said_to(length: str) -> None:
    for number in range(5):
        plan = Plan(20241, length, number)
        text = record_text(plan)
        assert 0.97 * plan.characters < len(text) <= plan.characters
        assert text.isascii(), "one byte a character"
        for fact in plan.facts:
            assert text.count(fact.values["doc"]) == 1
            assert text.index(fact.values["doc"]) / plan.characters == pytest.approx(fact.depth / 100, abs=0.04)
        assert "no known drug allergies" in text
        days = re.findall(r"=== DOC-\w{8} \| (\d{4}-\d\d-\d\d)", text)
        assert sum(first > second for first, second in pairwise(days)) <= 7


def test_each_kind_stands_once_at_each_depth() -> None:
    placed = Counter((fact.kind, fact.depth) for number in range(5) for fact in Plan(3, "8k", number).facts)
    assert placed == {(kind, depth): 1 for kind in KINDS for depth in DEPTHS}


def test_a_record_is_the_same_in_every_run_and_known_before_it_is_built() -> None:
    record_text.cache_clear()
    entries = list(module.load(module.TASK.folder / "records.json"))
    assert record_text.cache_info().currsize == 0, "ids and questions need no text"
    assert len({entry.id for entry in entries}) == len(entries) == 6 * 5 * 7
    text = record_text(Plan(1, "2k", 0))
    record_text.cache_clear()
    assert record_text(Plan(1, "2k", 0)) == text
    assert record_text(Plan(2, "2k", 0)) != text


# The rules


def summaries() -> Iterator[tuple[Plan, str, dict[str, str]]]:
    """75 summaries of five sentences, each with what its author says of each fact."""
    pool = {
        kind: cycle([(label, phrase) for label, phrases in labels.items() for phrase in phrases])
        for kind, labels in PHRASES.items()
    }
    for number in range(75):
        plan = Plan(number, "2k", number % 5)
        facts = plan.random("order of the summary").sample(plan.facts, len(plan.facts))
        said, labels = [], {}
        for fact in facts:
            label, phrase = next(pool[fact.kind])
            labels[fact.kind] = label
            sentence = phrase.format(**fact.values)
            said.append(sentence[:1].upper() + sentence[1:])
        yield plan, ("\n" if number % 3 else " ").join(filter(None, said)), labels


def test_the_rules_agree_with_the_authors_of_the_summaries() -> None:
    """Precision and recall of at least 0.95 each, for present, absent and contradicted."""
    pairs = [(labels[fact.kind], finding(fact, text)) for plan, text, labels in summaries() for fact in plan.facts]
    assert len(pairs) == 375
    for name in ("present", "absent", "contradicted"):
        hits = sum(label == found == name for label, found in pairs)
        assert hits >= 0.95 * sum(found == name for _, found in pairs), name
        assert hits >= 0.95 * sum(label == name for label, _ in pairs), name


def test_the_rules_read_sentences_that_were_written_later() -> None:
    """In the styles of models; the rules were widened for them, so that they show what is read and not how well."""
    later = json.loads((Path(__file__).parent / "long_record_phrases_later.json").read_text("utf-8"))
    misread = [
        (fact.kind, label, phrase)
        for number in range(5)
        for fact in Plan(number, "2k", number).facts
        for label, phrases in later[fact.kind].items()
        for phrase in phrases
        if finding(fact, phrase.format(**fact.values)) != label
    ]
    assert misread == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("She takes ramipril 5 mg daily.", []),
        ("She takes ramipril 10 mg daily.", ["dose ramipril 10"]),
        ("Started bisoprolol 2.5 mg.", ["drug bisoprolol"]),
        ("Seen on 1987-01-02.", ["date 1987-01-02"]),
        ("Allergic to atorvastatin.", ["allergy atorvastatin"]),
        ("No known drug allergies, takes pantoprazole.", []),
    ],
)
def test_only_closed_kinds_are_invented(text: str, expected: list[str]) -> None:
    assert invented(text, record_text(Plan(5, "2k", 0))) == expected


@pytest.mark.parametrize("number", range(5))
def test_the_oracle_is_right_and_controls_are_not(number: int) -> None:
    plan = Plan(7, "2k", number)
    record = record_text(plan)
    summary = oracle_summary(plan.facts)
    assert [finding(fact, summary) for fact in plan.facts] == ["present"] * 5
    assert invented(summary, record) == []
    for fact in plan.facts:
        assert pinpointed(fact, oracle_answer(fact)) == {"answer": 1.0, "date": 1.0, "document": 1.0}
        assert pinpointed(fact, "I do not know.") is None
    _, wrong = statements(plan)
    assert sorted_out(plan, json.dumps({"unsupported": wrong})) == 1.0
    for lazy in ([], list(range(1, 10))):
        assert sorted_out(plan, json.dumps({"unsupported": lazy})) == 0.0
    assert sorted_out(plan, "none of them") is None


def test_an_answer_that_names_every_candidate_has_not_answered() -> None:
    plan = Plan(7, "2k", 0)
    fact = next(entry for entry in plan.facts if entry.kind == "allergy")
    from benchmarks.shared.long_record.facts import ALLERGENS

    shotgun = json.dumps({"answer": ", ".join(ALLERGENS), "date": fact.values["date"], "document": "DOC-00000000"})
    assert pinpointed(fact, shotgun) == {"answer": 0.0, "date": 1.0, "document": 0.0}


# Whole runs


RECORD_ENDS = "\n\n=== End of the record ===\n\n"


def test_runs_share_the_record_and_store_it_once(run: Any, pytester: pytest.Pytester) -> None:
    plans = {Plan(20241, "128k", number).document(0): Plan(20241, "128k", number) for number in range(5)}
    answers = {(first, entry.question): entry.answer for first, plan in plans.items() for entry in instances_of(plan)}

    def oracle(body: dict[str, Any]) -> str:
        record, _, question = body["messages"][-1]["content"].partition(RECORD_ENDS)
        return answers[record.partition("=== ")[2].partition(" |")[0], question]

    with MockServer(oracle, models=("doctor",)) as server:
        result = run(
            str(BENCHMARKS / "clinical_note_generation" / "test_long_record.py"), "--medhelm-model=vllm/doctor",
            f"--medhelm-base-url={server.url}", "--medhelm-sub-tasks=128k", "--medhelm-concurrency=1",
        )  # fmt: skip
        assert result.ret == 0
        records = [body["messages"][0]["content"].partition(RECORD_ENDS)[0][:200] for body in server.requests]
    assert len(records) == 35
    assert sum(first == second for first, second in pairwise(records)) == 30, "neighbours share"
    found = cell(leaderboard(pytester.path), "long_record")
    assert found["metrics"]["record_score"]["value"] == 1.0
    assert found["metrics"]["invented"]["value"] == 0.0
    assert set(found["slices"]["depth"]["values"]) == {f"{depth} %" for depth in DEPTHS}
    size = (pytester.path / "medhelm-results/default/responses.sqlite").stat().st_size
    assert size < 2 * 5 * LENGTHS["128k"] * 4, "a record's text is stored once, not for each of its seven requests"


def test_long_texts_are_stored_in_parts_and_come_back_whole() -> None:
    parts: dict[str, str] = {}
    short, long = "x" * 10, "ab" * PART + "end"
    assert divided(short, parts) == short
    stored = divided(long, parts)
    assert len(stored) < 300
    assert whole(stored, parts.__getitem__) == long
    divided(long.replace("end", "other end"), parts)
    assert len(parts) == 3, "the same beginning is the same part"
