"""The several answers of a model to one instance, as far as their steadiness is concerned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pytest_medhelm.scoring.record_types import Record
from pytest_medhelm.scoring.response import Status
from pytest_medhelm.tasks.variants import NOISE_FLOOR

UNKNOWN = frozenset({"request_error", "judge_error", "skipped"})
"""Statuses of answers of which nothing can be said."""


class Answer(NamedTuple):
    """One answer."""

    score: float | None
    """Of the main metric, for one of labels whether the label is right; None: missing."""
    said: str | None
    """What was said, in words that can be compared; empty for no usable answer, None where that is not known."""


class Answers(NamedTuple):
    """All answers to one instance."""

    repeats: Sequence[Answer]
    """To the instance as it is, as many as were to be asked."""
    variants: Mapping[str, Answer]
    """To the instance as changed, by perturbation."""
    unperturbed: Sequence[Answer]
    """To the instance as it is, asked again beside the variants: what chance alone does."""


LOST = Answer(None, None)
LOSS = "lost at least one of the answers that this needs"
"""What an instance did that has no score in a metric of several answers."""


def answers_of(records: Sequence[Record], wanted: int) -> Answers:
    """``records``: all of an instance, ``wanted`` of which are to be of it as it is."""
    by_name: dict[str, list[Answer]] = {"": [], NOISE_FLOOR: []}
    for record in records:
        by_name.setdefault(record.get("perturbation", ""), []).append(answer_of(record))
    repeats, unperturbed = by_name.pop(""), by_name.pop(NOISE_FLOOR)
    variants = {name: answers[0] for name, answers in by_name.items()} | dict.fromkeys(lacking(records), LOST)
    return Answers([*repeats, *[LOST] * (wanted - len(repeats))], dict(sorted(variants.items())), unperturbed)


def lacking(records: Sequence[Record]) -> list[str]:
    """The perturbations that apply to an instance, and of which its records have none."""
    planned = next((record["perturbations"] for record in records if "perturbations" in record), {})
    there = {record.get("perturbation", "") for record in records}
    return [name for name, refused in planned.items() if not refused and name not in there]


def answer_of(record: Record) -> Answer:
    """A record's answer. Where neither a label nor a letter nor a number was read, the score stands for it."""
    if record["status"] in UNKNOWN:
        return LOST
    label = record.get("label")
    score = record["scores"].get(record["main_metric"])
    if score is None and label is not None and record["main_metric"] not in record["absent"]:
        score = float(label[0] == label[1])
    if record["status"] != "ok":
        return Answer(score, "")
    said = record.get("answer") or (label[1] if label is not None else record.get("read", ""))
    return Answer(score, said or (None if score is None else f"={score:.6g}"))


def status_of(repeats: Sequence[Record]) -> Status:
    """The status of an instance: what keeps it from being measured, else the most frequent one, the first of equals."""
    statuses = [record["status"] for record in repeats]
    for status in ("request_error", "judge_error", "skipped"):
        if status in statuses:
            return status
    return Counter(statuses).most_common(1)[0][0]
