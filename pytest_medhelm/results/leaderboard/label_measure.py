"""The measure of a metric of labels (``measure``): no mean of instance scores, but one number of a whole set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.results.stats.intervals import Interval
from pytest_medhelm.results.stats.label_limits import (
    FEWEST,
    METRICS,
    OF_ONE_LABEL,
    Fill,
    Labelled,
    LabelLimits,
    label_limits,
    seen,
)
from pytest_medhelm.results.stats.limits import Limits
from pytest_medhelm.tasks.metadata import BenchmarkMetadata

_NAMES = {
    "precision": "Clopper-Pearson",
    "recall": "Clopper-Pearson",
    "f1": "Clopper-Pearson of TP / (TP + FP + FN), carried over to F1",
    "macro_f1": "mean of the limits of each label's F1",
    "micro_f1": "Clopper-Pearson of all answers and of those with a usable label",
}
_SOURCE = "Clopper and Pearson, Biometrika 26, 1934"
_OVER_SUB_TASKS = "; Zou and Donner, Stat. Med. 27, 2008"


@dataclass(frozen=True)
class LabelMeasure:
    """A metric of labels, such as recall of the positive one."""

    metric: str
    entries: tuple[Labelled, ...]
    """All instances; those whose answer is missing have their right label, where it is known."""
    positive: str
    wanted: frozenset[str]
    """The sub-tasks without which there is no value; empty where there are none."""
    labels: int = 0
    """How many labels the data have; 0: not known."""
    fill: Fill = ""

    scale = (0.0, 1.0)

    @property
    def n(self) -> int:
        """Answers that are known."""
        return len(self.entries) - len(self.gaps())

    @property
    def missing(self) -> int:
        """Answers that are not."""
        return 0 if self.fill else len(self.gaps())

    right_or_wrong = True

    def gaps(self) -> list[int]:
        """The positions of missing answers."""
        return [position for position, answer in enumerate(self.entries) if answer.predicted is None]

    @property
    def _used(self) -> list[Labelled]:
        return [answer for answer in self.entries if self.fill or answer.predicted is not None]

    def why_not(self) -> str:
        """Why there is no value; empty when there is one."""
        if not self._used:
            return "nothing was measured"
        return "a sub-task is missing" if self.wanted and {e.sub_task for e in self._used} != self.wanted else ""

    def value(self) -> float | None:
        """The value; None where there is none (``why_not``)."""
        return None if self.why_not() else self._limits(0.025).value

    def standard_error(self) -> float | None:
        """Its standard error, by leaving out one source at a time."""
        from pytest_medhelm.results.stats.labels import jackknife_error

        return None if self.why_not() else jackknife_error(self.metric, self._used, self.positive)

    def interval(self, confidence: float) -> Interval | None:
        """The interval that is shown: the exact limits, each at half the error; None where none would hold."""
        limits = self.limits((1 - confidence) / 2)
        return None if limits is None else Interval(limits.low, limits.high, limits.name, limits.note)

    def limits(self, alpha: float) -> Limits | None:
        """The two limits that decide, each at the one-sided level alpha; None where there is none that holds."""
        if self.why_not() or self.no_limits():
            return None
        low, _, high = self._limits(alpha)
        name = _NAMES[self.metric] + (", sub-tasks combined by recovering variances" if self.wanted else "")
        return Limits(low, high, alpha, name, _SOURCE + (_OVER_SUB_TASKS if self.wanted else ""), self.few())

    def _limits(self, alpha: float) -> LabelLimits:
        return label_limits(self.metric, self.entries, self.positive, alpha, self.fill, self.labels)

    def few(self) -> str:
        """That there are few instances to say anything about the label; empty where there are enough."""
        if self.metric not in OF_ONE_LABEL:
            return ""
        right = sum(answer.right == self.positive for answer in self._used)
        said = sum(answer.predicted == self.positive for answer in self._used)
        number = {"recall": right, "precision": said}.get(self.metric, min(right, said))
        what = {"recall": "are", "precision": "were called"}.get(self.metric, "are, or were called,")
        return f"only {number} instances {what} {self.positive!r}" if number < FEWEST else ""

    def no_limits(self) -> str:
        """Why no interval would hold; empty where one does.

        Of a label with a handful of instances F1 may be anything, and it counts as much as the others in their mean.
        """
        if self.metric != "macro_f1":
            return ""
        counts = Counter(answer.right for answer in self._used)
        rare = [f"{label!r} has {counts[label]}" for label in seen(self._used) if counts[label] < FEWEST]
        if rare:
            return f"no interval: a label needs {FEWEST} instances, {', '.join(rare[:3])}"
        if len(counts) < self.labels:
            return f"no interval: {len(counts)} of the {self.labels} labels occur"
        return ""

    def filled(self, best: Collection[int]) -> LabelMeasure:
        """With every missing answer as bad as it could be, or, where any is to be at its best, all as good."""
        return replace(self, fill="best" if best else "worst")

    def fills(self) -> Iterator[LabelMeasure]:
        """Ways of filling in what is missing, between which all others lie; itself where nothing is."""
        if not self.missing:
            yield self
            return
        yield self.filled(())
        yield self.filled((0,))

    def only(self, positions: Sequence[int]) -> LabelMeasure:
        """Some of the instances, as if they were all."""
        return replace(self, entries=tuple(self.entries[position] for position in positions))


def label_measures(columns: Columns, metadata: BenchmarkMetadata) -> dict[str, LabelMeasure]:
    """The metrics of the labels of a cell; none without labels."""
    if not any(columns.labels):
        return {}
    told_apart = bool(metadata["sub_tasks"])
    gold = _gold(columns)
    known = tuple(
        Labelled(
            pair[0] if pair else gold.get(columns.references[position], "") if columns.references else "",
            pair[1] if pair else None,
            columns.clusters[position],
            columns.sub_tasks[position] if told_apart else "",
        )
        for position, pair in enumerate(columns.labels)
    )
    entries = _with_unseen(known, columns.references, metadata.get("label_count", 0))
    positive = metadata["positive"]
    there = positive in seen(entries)
    return {
        name: LabelMeasure(name, entries, positive, frozenset(metadata["sub_tasks"]), metadata.get("label_count", 0))
        for name in METRICS
        if there or name not in OF_ONE_LABEL
    }


def _with_unseen(entries: tuple[Labelled, ...], references: Sequence[str], labels: int) -> tuple[Labelled, ...]:
    """Missing answers whose right label is not known may have labels that no other has: one for each reference.

    There are no more of these than the ``labels`` of the data (0: not known) that were not seen.
    """
    unknown = [position for position, answer in enumerate(entries) if answer.predicted is None and not answer.right]
    codes: dict[str, int] = {}
    filled = list(entries)
    for position in unknown:
        code = codes.setdefault(references[position] if references else str(position), len(codes))
        if not labels or code < labels - len(seen(entries)):
            filled[position] = entries[position]._replace(unseen=str(code))
    return tuple(filled)


def _gold(columns: Columns) -> dict[str, str]:
    """The right label by the hash of the reference: an answer that is missing still has its reference."""
    references: dict[str, set[str]] = {}
    if not columns.references:
        return {}
    for pair, reference in zip(columns.labels, columns.references, strict=True):
        if pair and reference:
            references.setdefault(reference, set()).add(pair[0])
    return {reference: labels.pop() for reference, labels in references.items() if len(labels) == 1}
