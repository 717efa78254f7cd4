"""A record: everything known of one instance x model x perturbation x repeat, as plain values without texts."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from string import ascii_uppercase
from typing import TYPE_CHECKING

from pytest_medhelm.models.engine.request import Completion, Request
from pytest_medhelm.models.price import spent
from pytest_medhelm.models.spec import Model
from pytest_medhelm.scoring.answers import unknown_mark
from pytest_medhelm.scoring.confidence import Confidence
from pytest_medhelm.scoring.record_types import HarmMark, VerdictRecord
from pytest_medhelm.scoring.record_types import Record as Record
from pytest_medhelm.scoring.response import Response, Status
from pytest_medhelm.tasks.benchmark import Benchmark
from pytest_medhelm.tasks.public_ids import public_id
from pytest_medhelm.tasks.task import Instance
from pytest_medhelm.tasks.variants import ONCE, Variant

if TYPE_CHECKING:
    from pytest_medhelm.agents.episode import Episode, EpisodeLoop
    from pytest_medhelm.tasks.points import PointsCriterion


@dataclass
class RecordBuilder:
    """A record while its test runs."""

    benchmark: Benchmark
    instance: Instance
    model: Model
    main_metric: str
    fingerprint: str
    """Hash of what shapes the answers and scores besides the data: model settings, benchmark code, judges."""
    variant: Variant = ONCE
    """In which of its ways the instance is asked."""
    repeats: int = 1
    """How often an unchanged instance is asked."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """By perturbation that was meant for the instance why it cannot be applied; empty where it is."""
    moved: Mapping[str, str] = field(default_factory=dict)
    """Where options were moved: by the letter that an option has now the one that it had."""
    request: Request | None = None
    """Built once, by the look-ahead or by the test."""
    response: Response | None = None
    status: Status | None = None
    """Set when the plumbing failed; else the response's own status holds."""
    error: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    scales: dict[str, tuple[float, float]] = field(default_factory=dict)
    binary: set[str] = field(default_factory=set)
    judged: set[str] = field(default_factory=set)
    """Scores that are made of verdicts of judges."""
    not_applicable: set[str] = field(default_factory=set)
    """Scores that do not exist for this instance."""
    absent: dict[str, str] = field(default_factory=dict)
    """Scores that could not be computed, each with the reason in words that quote no text."""
    label: tuple[str, str] | None = None
    """(right, predicted) label; an empty prediction is an answer without a usable label."""
    read: str = ""
    """What was read from the answer, where that is a number or a letter."""
    confidence: Confidence | None = None
    """How sure the model is of the option that it chose; None: not asked for."""
    verdicts: list[VerdictRecord] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    """How the answer tries to steer its judges (jury.fairness)."""
    spans: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Scores that may lie outside of their scale, of which the mean alone is clipped to it: what they can be."""
    limits: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Scores that are missing in part: what they are at worst and at best."""
    criteria: tuple[PointsCriterion, ...] = ()
    """With points, by which the answer was graded."""
    episode_loop: EpisodeLoop | None = None
    """Of an agent: how its episode goes on; made by the look-ahead or by the test."""
    episode: Episode | None = None
    """Of an agent: its finished episode."""
    harm: HarmMark | None = None
    """What the judges mark together: severity, kinds, judges that marked, share that agrees (jury.harm)."""

    def add(self, name: str, value: float, scale: tuple[float, float]) -> None:
        """Record a score. Raises ValueError when it is no number on the scale: a failure is never a number."""
        number = float(value)
        if not math.isfinite(number) or not min(scale) <= number <= max(scale):
            raise ValueError(f"score {name} = {number} is not between {scale[0]} and {scale[1]}")
        self.scores[name] = number
        self.scales[name] = (float(scale[0]), float(scale[1]))

    def add_unclipped(self, name: str, value: float, span: tuple[float, float]) -> None:
        """Record a score of which only the mean is clipped to 0..1; ``span`` is the least and the most it can be.

        Raises ValueError when it is no number in that span.
        """
        if not span[0] - 1e-9 <= value <= span[1] + 1e-9:
            raise ValueError(f"score {name} = {value} is not between {span[0]} and {span[1]}")
        self.scores[name] = float(value)
        self.scales[name] = (0.0, 1.0)
        self.spans[name] = (min(span[0], 0.0), max(span[1], 1.0))

    def leave_open(self, name: str, worst: float, best: float, span: tuple[float, float]) -> None:
        """A score that is missing because verdicts are: it lies between ``worst`` and ``best``."""
        self.scales[name] = (0.0, 1.0)
        self.spans[name] = (min(span[0], 0.0), max(span[1], 1.0))
        self.limits[name] = (worst, best)

    @property
    def usable(self) -> bool:
        """There is an answer that can be scored, or none was asked for."""
        return self.response is None or self.response.status == "ok"

    @property
    def criteria_text(self) -> str:
        """The criteria as JSON, kept in responses.sqlite under the text's hash."""
        return json.dumps([[criterion.text, criterion.points, list(criterion.tags)] for criterion in self.criteria])

    @property
    def final_status(self) -> Status:
        """The status that the record gets."""
        if self.status is not None:
            return self.status
        return self.response.status if self.response is not None else "skipped"

    def record(self) -> Record:
        """The finished record."""
        response, instance, task = self.response, self.instance, self.benchmark.task
        asked = self._answered
        cost, paid = spent(self.model.price, [(each.usage, each.cached) for each in asked]).values()
        record: Record = {
            "benchmark": task.name,
            "instance": instance.id,
            "model": self.model.name,
            "perturbation": self.variant.perturbation,
            "repeat": self.variant.repeat,
            "public_id": public_id(task, instance.id),
            "status": self.final_status,
            "main_metric": self.main_metric,
            "scores": self.scores,
            "judged": sorted(self.judged),
            "not_applicable": sorted(self.not_applicable),
            "absent": self.absent,
            "label": list(self.label) if self.label else None,
            "scales": {name: list(scale) for name, scale in self.scales.items()},
            "eval_set_hash": self.benchmark.eval_set_hash,
            "eval_set_size": len(self.benchmark.instances),
            "fingerprint": self.fingerprint,
            "cluster": instance.cluster,
            "sub_task": instance.slices.get(task.sub_tasks_by, "") if task.sub_tasks_by else "",
            "slices": dict(instance.slices),
            "request": response.key if response else "",
            "reference": text_hash(instance.answer),
            "error": self.error,
            "verdicts": self.verdicts,
            "flags": self.flags,
            "harm": self.harm,
            "latency": math.fsum(each.latency for each in asked),
            "attempts": sum(each.attempts for each in asked),
            "cached": bool(asked) and all(each.cached for each in asked),
            "usage": dict(self.episode.usage) if self.episode else dict(response.usage) if response else {},
            "cost": cost,
            "paid": paid,
        }
        self._add_rest(record)
        return record

    @property
    def _answered(self) -> Sequence[Completion | Response]:
        """What was asked for this record: one response, or the steps of an episode."""
        if self.episode is not None:
            return [step.completion for step in self.episode.steps]
        return [self.response] if self.response is not None else []

    @cached_property
    def episode_text(self) -> str:
        """The timeline of a checked episode as JSON, kept in responses.sqlite under its hash; empty without one."""
        if self.episode is None:
            return ""
        # Here, as below: only agents need what an episode takes place in.
        from pytest_medhelm.agents.timeline import episode_text

        return episode_text(self.episode)

    def _add_rest(self, record: Record) -> None:
        """What only some records have."""
        response, instance = self.response, self.instance
        if self.repeats > 1:
            record["repeats"] = self.repeats
        if self.refused:
            record["perturbations"] = dict(self.refused)
        if self.read:
            record["read"] = self.read
            if self.read in self.moved:
                record["answer"] = self.moved[self.read]
        if response is not None and response.read_as:
            record["read_as"] = response.read_as
        if response is not None and (mark := unknown_mark(response.text)):
            record["unknown_mark"] = mark
        if self.confidence is not None:
            kind, value, reason = self.confidence
            record["confidence"] = {"kind": kind, "value": value, "reason": reason}
        if instance.must_pass is not None:
            record["must_pass"] = instance.must_pass
        if self.spans:
            record["spans"] = {name: list(ends) for name, ends in self.spans.items()}
        if self.limits:
            record["limits"] = {name: list(ends) for name, ends in self.limits.items()}
        if self.episode is not None:
            from pytest_medhelm.agents.timeline import episode_record

            record["episode"] = episode_record(self.episode, text_hash(self.episode_text))
        if self.criteria:
            record["criteria"] = text_hash(self.criteria_text)


def moved_options(before: Instance, after: Instance) -> dict[str, str]:
    """By the letter that an option has now the one that it had; empty where none was moved."""
    if before.choices == after.choices or sorted(before.choices) != sorted(after.choices):
        return {}
    return {
        letter: ascii_uppercase[before.choices.index(text)]
        for letter, text in zip(ascii_uppercase, after.choices, strict=False)
    }


def text_hash(text: str) -> str:
    """The key of a text in responses.sqlite."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
