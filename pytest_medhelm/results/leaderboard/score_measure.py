"""The measure of a metric of scores (``measure``): their mean, with sub-tasks the unweighted mean of theirs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import overload

from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.results.stats.exact_limits import mean_limits, share_limits
from pytest_medhelm.results.stats.filling import mixtures
from pytest_medhelm.results.stats.intervals import Interval, mean_interval, standard_error
from pytest_medhelm.results.stats.limits import CLOPPER_PEARSON, Limits, of_interval
from pytest_medhelm.results.stats.paired import paired_interval
from pytest_medhelm.results.stats.paired_limits import difference_limits
from pytest_medhelm.scoring.jury.harm import HARM
from pytest_medhelm.tasks.metadata import BenchmarkMetadata

ONE_SIDED = 0.95
"""Level of each of the two bounds that are shown of harm."""
MISSING_AT_MOST = 0.2
"""Criteria with points: with more verdicts missing than this share the others say too little, and there is no value."""


@dataclass(frozen=True)
class ScoreMeasure:
    """A mean of scores; with sub-tasks the unweighted mean of theirs."""

    scores: tuple[float | None, ...]
    clusters: tuple[str, ...]
    sub_tasks: tuple[str, ...] | None
    """None: they are not told apart."""
    wanted: frozenset[str]
    """The sub-tasks without which there is no value."""
    scale: tuple[float, float]
    """Worst and best value."""
    span: tuple[float, float]
    """What one score can be: the scale, but for points, of which the mean alone is clipped to the scale."""
    open: Mapping[int, tuple[float, float]]
    """By position, what a score that is missing in part is at worst and at best."""
    exact: bool = False
    """Shown with exact bounds, each one-sided (harm)."""
    paired: bool = False
    """Scores are differences between two ways of asking an instance."""
    refusal: str = ""
    """Why there is no value, whatever the scores are."""
    lost: str = ""
    """What an instance without a score did, where that is known: a verb in the past."""
    without: tuple[str, ...] = ()
    """Sub-tasks that have no instance for which the metric exists, and are no part of it."""

    @property
    def n(self) -> int:
        """Scores that are known."""
        return len(self.scores) - self.missing

    @property
    def missing(self) -> int:
        """Scores that are not."""
        return self.scores.count(None)

    @property
    def right_or_wrong(self) -> bool:
        """Every known score is at one of the ends of the scale."""
        return bool(self.n) and not self.paired and self.span == self.scale and set(self._known) <= set(self.scale)

    @property
    def _known(self) -> list[float]:
        return [score for score in self.scores if score is not None]

    @property
    def _known_positions(self) -> list[int]:
        return [position for position, score in enumerate(self.scores) if score is not None]

    def why_not(self) -> str:
        """Why there is no value; empty when there is one."""
        if self.refusal:
            return self.refusal
        if not self.n:
            return self._all_lost()
        sub_tasks = self._known_sub_tasks
        if sub_tasks is None or set(sub_tasks) == self.wanted:
            return ""
        return f"a sub-task is missing: all its instances {self.lost}" if self.lost else "a sub-task is missing"

    def _all_lost(self) -> str:
        if not self.lost or not self.missing:
            return "nothing was measured"
        who = "the one instance" if self.missing == 1 else f"each of the {self.missing} instances"
        return f"{who} {self.lost}"

    def note(self) -> str:
        """What the value leaves out; empty where that is nothing, or is not known."""
        left_out = f"left out: {self.missing} of {len(self.scores)} instances, which {self.lost}"
        plural = "s" if len(self.without) > 1 else ""
        others = f"without the sub-task{plural} {', '.join(self.without)}, of which no instance was asked so"
        said = (left_out if self.lost and self.missing else "", others if self.without else "")
        return "; ".join(filter(None, said)) if self.n else ""

    @property
    def _known_sub_tasks(self) -> list[str] | None:
        return None if self.sub_tasks is None else [self.sub_tasks[position] for position in self._known_positions]

    @property
    def _sources(self) -> list[str]:
        return [self.clusters[position] for position in self._known_positions]

    def value(self) -> float | None:
        """The value; None where there is none (``why_not``)."""
        if self.why_not():
            return None
        return self._clipped(mean_of(self._known, self._known_sub_tasks))

    def standard_error(self) -> float | None:
        """Its standard error, before clipping."""
        return None if self.why_not() else standard_error(self._known, self.span, self._sources, self._known_sub_tasks)

    def interval(self, confidence: float) -> Interval | None:
        """The interval that is shown; None without a value."""
        if self.why_not():
            return None
        if self.exact:
            limits = self.limits(1 - ONE_SIDED)
            assert limits is not None
            return Interval(limits.low, limits.high, f"exact bounds, each one-sided {100 * ONE_SIDED:.6g} %")
        if self.paired:
            interval = paired_interval(
                self._known, numbered(self._sources), span=max(self.scale), confidence=confidence,
                strata=numbered(self._known_sub_tasks),
            )  # fmt: skip
        else:
            interval = self._mean_interval(confidence)
        assert interval is not None
        return self._clip(interval)

    def _mean_interval(self, confidence: float) -> Interval | None:
        return mean_interval(
            self._known,
            scale=self.span,
            clusters=self._sources,
            strata=self._known_sub_tasks,
            confidence=confidence,
        )

    def limits(self, alpha: float) -> Limits | None:
        """The two limits that decide, each at the one-sided level alpha; None without a value."""
        if self.why_not():
            return None
        if self.paired:
            sub_tasks = numbered(self._known_sub_tasks)
            return difference_limits(self._known, numbered(self._sources), sub_tasks, span=max(self.scale), alpha=alpha)
        if not (self.right_or_wrong or self.exact):
            interval = self._mean_interval(1 - 2 * alpha)
            assert interval is not None
            return of_interval(self._clip(interval), alpha)
        least, most = sorted(self.scale)
        right = [(score - least) / (most - least) for score in self._known]
        codes = self._known_sub_tasks
        low, high = (
            share_limits(right, self._sources, alpha)
            if codes is None
            else mean_limits(right, self._sources, codes, alpha)
        )
        reach = most - least
        return Limits(least + reach * low, least + reach * high, alpha, *CLOPPER_PEARSON[codes is not None])

    def no_limits(self) -> str:
        """Why there is no interval where there is a value: there always is one."""
        return ""

    def filled(self, best: Collection[int]) -> ScoreMeasure:
        """With every missing score at its worst, those at these positions (``gaps``) at their best."""
        ends = {position: self.open.get(position, self.span) for position in self.gaps()}
        scores = list(self.scores)
        for position, (worst, good) in ends.items():
            scores[position] = good if position in best else worst
        return replace(self, scores=tuple(scores), refusal="")

    def gaps(self) -> list[int]:
        """The positions of missing scores."""
        return [position for position, score in enumerate(self.scores) if score is None]

    def fills(self) -> Iterator[ScoreMeasure]:
        """Ways of filling in what is missing, from all at worst to all at best; itself where nothing is.

        Of right-or-wrong scores of instances that stand alone the two ends bound the limits of all others. Else a limit
        also widens, so that a mixture may reach further than either end.
        """
        gaps = self.gaps()
        if not gaps:
            yield self
        elif self.right_or_wrong and len(set(self.clusters)) == len(self.clusters):
            yield self.filled(())
            yield self.filled(gaps)
        else:
            for best in mixtures(gaps):
                yield self.filled(best)

    def only(self, positions: Sequence[int]) -> ScoreMeasure:
        """Some of the instances, as if they were all."""
        row = {position: index for index, position in enumerate(positions)}
        return replace(
            self,
            scores=tuple(self.scores[position] for position in positions),
            clusters=tuple(self.clusters[position] for position in positions),
            sub_tasks=None if self.sub_tasks is None else tuple(self.sub_tasks[position] for position in positions),
            open={row[position]: ends for position, ends in self.open.items() if position in row},
        )

    def _clipped(self, value: float) -> float:
        if self.span == self.scale:
            return value
        return min(max(value, min(self.scale)), max(self.scale))

    def _clip(self, interval: Interval) -> Interval:
        if self.span == self.scale:
            return interval
        method = f"{interval.method}, clipped to {min(self.scale):g}..{max(self.scale):g}"
        return Interval(self._clipped(interval.low), self._clipped(interval.high), method, interval.note)


@overload
def numbered(names: Sequence[str]) -> list[int]: ...


@overload
def numbered(names: None) -> None: ...


@overload
def numbered(names: Sequence[str] | None) -> list[int] | None: ...


def numbered(names: Sequence[str] | None) -> list[int] | None:
    """A number for each name, in order of appearance; None for none."""
    known: dict[str, int] = {}
    return None if names is None else [known.setdefault(name, len(known)) for name in names]


def mean_of(values: Sequence[float], groups: Sequence[str] | None) -> float:
    """The mean, with groups the unweighted mean of theirs. Raises StatisticsError for no values."""
    if groups is None:
        return fmean(values)
    parts: dict[str, list[float]] = {}
    for group, value in zip(groups, values, strict=True):
        parts.setdefault(group, []).append(value)
    return fmean(map(fmean, parts.values()))


def measure_of(name: str, columns: Columns, metadata: BenchmarkMetadata) -> ScoreMeasure:
    """The measure of a metric of scores.

    An instance for which the metric does not exist is left out. Harm is pooled over sub-tasks: an event counts,
    wherever it happens. So are losses of confidences, as all figures of them.
    """
    inapplicable = columns.not_applicable.get(name, set())
    kept = [position for position in range(len(columns.ids)) if position not in inapplicable]
    row = {position: index for index, position in enumerate(kept)}
    scale = (columns.scales[name][0], columns.scales[name][1])
    told_apart = bool(metadata["sub_tasks"]) and name not in HARM and name not in columns.pooled
    wanted = frozenset(metadata["sub_tasks"])
    if name in columns.varied:
        wanted &= {columns.sub_tasks[position] for position in kept}
    return ScoreMeasure(
        scores=tuple(columns.scores[name][position] for position in kept),
        clusters=tuple(columns.clusters[position] for position in kept),
        sub_tasks=tuple(columns.sub_tasks[position] for position in kept) if told_apart else None,
        wanted=wanted,
        scale=(0.0, 1.0) if name in columns.spans else scale,
        span=columns.spans.get(name, scale),
        open={row[position]: ends for position, ends in columns.limits.get(name, {}).items() if position in row},
        exact=name in HARM,
        paired=name in columns.paired,
        refusal=_refusal(columns) if name in columns.spans else "",
        lost=columns.lost.get(name, ""),
        without=tuple(sub_task for sub_task in metadata["sub_tasks"] if sub_task not in wanted),
    )


def _refusal(columns: Columns) -> str:
    asked = sum(count for count, _ in columns.jury.items)
    missing = sum(count for _, count in columns.jury.items)
    if asked and missing > MISSING_AT_MOST * asked:
        return f"{missing} of {asked} verdicts on criteria are missing, more than {MISSING_AT_MOST:.0%}"
    return ""
