"""The measures of confidences that are no mean over instances: AUROC, selective accuracy, calibration errors.

The Brier score and the negative log-likelihood are means of losses: columns of scores like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from pytest_medhelm.results.leaderboard.confidence_column import AGREEMENT, Answer, ConfidenceColumn
from pytest_medhelm.results.stats.filling import mixtures
from pytest_medhelm.results.stats.intervals import Interval
from pytest_medhelm.results.stats.limits import Limits
from pytest_medhelm.results.stats.losses import WORST_NLL, brier, log_loss

ENOUGH_FOR_ECE = 500
"""Answers under which a rule on a calibration error would decide by chance."""
LOSSES: Mapping[str, tuple[Callable[[float, float], float], tuple[float, float]]] = {
    "brier": (brier, (1.0, 0.0)),
    "nll": (log_loss, (WORST_NLL, 0.0)),
}
"""Losses of one answer, each with its scale."""
_BINNED = (
    "simulated deviations of the bins",
    "a share moves the error by no more than itself; shares drawn from the binomial distribution, seeded",
)


class _Named(NamedTuple):
    scale: tuple[float, float]
    method: str
    """How its limits are found."""
    source: str
    nothing: str = ""
    """Why there is no value of answers that have confidences."""


FIGURES: Mapping[str, _Named] = {
    "auroc": _Named(
        (0.0, 1.0), "Newcombe, method 5", "Newcombe, Stat. Med. 25, 2006",
        "all answers are right, or all are wrong: there is nothing to tell apart",
    ),
    "selective_accuracy": _Named(
        (0.0, 1.0), "Wilson of weighted answers",
        "Wilson, J. Am. Stat. Assoc. 22, 1927; Kish, Survey Sampling, 1965",
    ),
    "ece": _Named((1.0, 0.0), *_BINNED),
    "ece_1": _Named((1.0, 0.0), *_BINNED),
    "ece_debiased": _Named((1.0, 0.0), *_BINNED, "with fewer than 20 answers a bin has a single one"),
}  # fmt: skip
"""What stats.confidence_figures computes, which needs numpy and is imported when there is something to compute."""


SCALES: Mapping[str, tuple[float, float]] = {
    f"{metric}{kind}": scale
    for metric, scale in [
        *((name, scale) for name, (_, scale) in LOSSES.items()),
        *((name, figure.scale) for name, figure in FIGURES.items()),
    ]
    for kind in ("", f"_{AGREEMENT}")
}
"""Worst and best value of every metric of confidences, by the names that rules have for them."""


@dataclass(frozen=True)
class ConfidenceMeasure:
    """A figure of all instances together, sub-tasks pooled."""

    metric: str
    """A key of FIGURES."""
    entries: tuple[Answer, ...]
    clusters: tuple[str, ...]
    off: tuple[int, int] = (0, 0)
    """Of a calibration error with its gaps filled in: by how many answers the error grows (or shrinks), of how many
    that were added."""
    why: str = ""
    """Why confidences are missing, in brackets."""

    right_or_wrong = False

    @property
    def scale(self) -> tuple[float, float]:
        """Worst and best value."""
        return FIGURES[self.metric].scale

    @property
    def n(self) -> int:
        """Instances whose confidences are known."""
        return len(self.entries) - self.missing

    @property
    def missing(self) -> int:
        """Instances whose confidences are not."""
        return len(self.gaps())

    def gaps(self) -> list[int]:
        """Their positions."""
        return [position for position, entry in enumerate(self.entries) if None in entry]

    def why_not(self) -> str:
        """Why there is no value; empty when there is one."""
        if not self.n and not self.off[1]:
            return f"no instance has a confidence{self.why}"
        return "" if self.value() is not None else FIGURES[self.metric].nothing

    def value(self) -> float | None:
        """The value; None where there is none (``why_not``)."""
        if not self.n:
            return self._moved(0.0) if self.off[1] else None
        from pytest_medhelm.results.stats import confidence_figures

        confidences, outcomes, _ = self._answers
        figure = confidence_figures.FIGURES[self.metric].value(confidences, outcomes)
        return None if figure is None else self._moved(figure)

    def _moved(self, value: float) -> float:
        more, added = self.off
        return min(1.0, max(0.0, (self.n * value + more) / (self.n + added))) if added else value

    @property
    def _answers(self) -> tuple[list[float], list[float], list[str]]:
        known = [
            (confidence, right, cluster)
            for entry, cluster in zip(self.entries, self.clusters, strict=True)
            for confidence, right in (entry,)
            if confidence is not None and right is not None
        ]
        return [row[0] for row in known], [row[1] for row in known], [row[2] for row in known]

    def standard_error(self) -> float | None:
        """Not given: the intervals are no multiple of one."""
        return None

    def interval(self, confidence: float) -> Interval | None:
        """The interval that is shown; None without a value."""
        limits = self.limits((1 - confidence) / 2)
        return None if limits is None else Interval(limits.low, limits.high, limits.name)

    def limits(self, alpha: float) -> Limits | None:
        """The two limits that decide, each at the one-sided level alpha; None without a value."""
        value, figure = self.value(), FIGURES[self.metric]
        if value is None or not self.n:
            return None
        from pytest_medhelm.results.stats import confidence_figures

        interval = confidence_figures.FIGURES[self.metric].limits(*self._answers, 1 - 2 * alpha)
        if interval is None:
            return None
        low, high = map(self._moved, interval)
        return Limits(min(low, value), max(high, value), alpha, figure.method, figure.source)

    def no_limits(self) -> str:
        """Why there is no interval where there is a value: there always is one."""
        return ""

    def filled(self, best: Collection[int]) -> ConfidenceMeasure:
        """With every missing confidence as wrong as it could be, those at these positions (``gaps``) as right.

        What is right is known of most answers without a confidence; an answer that is missing itself is wrong at worst
        and right at best, with the model certain of it. In the bins of the others, one more answer moves the sum of
        errors by at most 1.
        """
        gaps = self.gaps()
        if is_calibration_error(self.metric):
            kept = self.only([position for position in range(len(self.entries)) if position not in set(gaps)])
            good = sum(position in best for position in gaps)
            return replace(kept, off=(len(gaps) - 2 * good, len(gaps)))
        entries = list(self.entries)
        for position in gaps:
            entries[position] = _filled(entries[position], position in best)
        return replace(self, entries=tuple(entries))

    def fills(self) -> Iterator[ConfidenceMeasure]:
        """Ways of filling in what is missing, from all at worst to all at best; itself where nothing is."""
        gaps = self.gaps()
        if not gaps:
            yield self
            return
        for best in mixtures(gaps):
            yield self.filled(best)

    def only(self, positions: Sequence[int]) -> ConfidenceMeasure:
        """Some of the instances, as if they were all."""
        return replace(
            self,
            entries=tuple(self.entries[position] for position in positions),
            clusters=tuple(self.clusters[position] for position in positions),
        )


def named(metric: str, kind: str) -> str:
    """What a figure of a kind of confidence is called: agreement, which may stand beside another kind, by its name."""
    return f"{metric}_{kind}" if kind == AGREEMENT else metric


def is_calibration_error(metric: str) -> bool:
    """A metric is a calibration error in bins."""
    return metric.partition("_")[0] == "ece"


def losses(column: ConfidenceColumn, metric: str) -> list[float | None]:
    """The loss of each instance; None where a confidence is missing."""
    loss, _ = LOSSES[metric]
    return [
        loss(confidence, right) if confidence is not None and right is not None else None
        for confidence, right in column.entries
    ]


def confidence_measures(
    confidences: Mapping[str, ConfidenceColumn], clusters: Sequence[str]
) -> dict[str, ConfidenceMeasure]:
    """The figures of every kind of confidence, by the names that rules have for them."""
    return {
        named(metric, kind): ConfidenceMeasure(metric, tuple(column.entries), tuple(clusters), why=column.why)
        for kind, column in confidences.items()
        for metric in FIGURES
    }


def _filled(answer: Answer, best: bool) -> Answer:
    confidence, right = answer
    if confidence is not None and right is not None:
        return answer
    if right is None:
        return 1.0, float(best)
    return (right if best else 1.0 - right), right
