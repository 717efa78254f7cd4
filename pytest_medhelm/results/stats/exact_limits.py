"""Limits that decide a gate on shares and on what is made of them, each end at the one-sided level alpha.

Clopper-Pearson, where the page shows Wilson's, which misses more often on one side than alpha allows
(``python -m perf.gates``), or the jackknife's, which is right for many instances alone.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import NamedTuple

from pytest_medhelm.results.stats.intervals import mean_interval, share_bounds
from pytest_medhelm.results.stats.paired import believed_from


class Limits(NamedTuple):
    """A value with its lower and its upper limit, all in 0..1."""

    low: float
    value: float
    high: float


class Labelled(NamedTuple):
    """An instance with a label."""

    right: str
    predicted: str
    """Empty where the answer has no usable label."""
    cluster: str
    sub_run: str


def share_limits(right: Sequence[float], clusters: Sequence[str] | None, alpha: float) -> tuple[float, float]:
    """Limits of a share; ``right`` holds 0 and 1. Those of clusters are never narrower than the page's.

    Raises ValueError without scores.
    """
    low, high = share_bounds(right, clusters, 1 - alpha)
    sources = len(set(clusters or ()))
    if clusters is None or sources == len(right) or "" in clusters:
        return low, high
    careful = mean_interval(
        right, scale=(0.0, 1.0), clusters=clusters, confidence=1 - 2 * alpha, informative=believed_from(sources)
    )
    assert careful is not None
    return min(low, careful.low), max(high, careful.high)


def mean_limits(
    right: Sequence[float], clusters: Sequence[str], strata: Sequence[int], alpha: float
) -> tuple[float, float]:
    """As ``share_limits`` for the unweighted mean of the shares of sub-runs.

    The stratified interval of the page passes a model at a true 0.98 in 6.8 % at alpha 0.05 with two sub-runs of 250.
    """
    groups: dict[int, list[int]] = defaultdict(list)
    for place, stratum in enumerate(strata):
        groups[stratum].append(place)
    found = _independent(
        [
            _share([right[place] for place in places], [clusters[place] for place in places], alpha)
            for places in groups.values()
        ]
    )
    return found.low, found.high


def label_limits(
    metric: str, labelled: Sequence[Labelled], positive: str | None, alpha: float
) -> tuple[float, float] | None:
    """The limits of a metric of labels (``leaderboard.labels``); None for other metrics.

    Precision and recall are shares. So is J = TP / (TP + FP + FN), of which F1 = 2 J / (1 + J) grows. Macro F1 has the
    means of its labels' limits, which hold however these depend on each other. Micro F1 lies between the share of right
    answers of all and that of those with a usable label.
    """
    measured = _LABEL_METRICS.get(metric)
    if measured is None:
        return None
    sub_runs: dict[str, list[Labelled]] = defaultdict(list)
    for entry in labelled:
        sub_runs[entry.sub_run].append(entry)
    found = _independent([measured(entries, positive, alpha) for entries in sub_runs.values()])
    return found.low, found.high


def _independent(parts: Sequence[Limits]) -> Limits:
    """Of the mean of independent parts, by recovering variances (Zou and Donner, Stat. Med. 27, 2008)."""
    mean, count = fmean(part.value for part in parts), len(parts)
    down = math.hypot(*(part.value - part.low for part in parts)) / count
    up = math.hypot(*(part.high - part.value for part in parts)) / count
    return Limits(max(0.0, mean - down), mean, min(1.0, mean + up))


def _share(right: Sequence[float], clusters: Sequence[str], alpha: float) -> Limits:
    """Nothing is known of the share of none, which counts as 0."""
    if not right:
        return Limits(0.0, 0.0, 1.0)
    low, high = share_limits(right, clusters, alpha)
    return Limits(low, fmean(right), high)


def _hits(entries: Sequence[Labelled], alpha: float) -> Limits:
    """The share of right answers."""
    right = [float(entry.right == entry.predicted) for entry in entries]
    return _share(right, [entry.cluster for entry in entries], alpha)


def _recall(entries: Sequence[Labelled], label: str | None, alpha: float) -> Limits:
    return _hits([entry for entry in entries if entry.right == label], alpha)


def _precision(entries: Sequence[Labelled], label: str | None, alpha: float) -> Limits:
    return _hits([entry for entry in entries if entry.predicted == label], alpha)


def _f1(entries: Sequence[Labelled], label: str | None, alpha: float) -> Limits:
    either = _hits([entry for entry in entries if label in (entry.right, entry.predicted)], alpha)
    return Limits(*(2 * share / (1 + share) for share in either))


def _macro_f1(entries: Sequence[Labelled], _: str | None, alpha: float) -> Limits:
    parts = [_f1(entries, label, alpha) for label in sorted(_labels(entries))]
    return Limits(*map(fmean, zip(*parts, strict=True)))


def _micro_f1(entries: Sequence[Labelled], _: str | None, alpha: float) -> Limits:
    usable = [entry for entry in entries if entry.predicted]
    right = sum(entry.right == entry.predicted for entry in entries)
    value = 2 * right / (len(entries) + len(usable))
    return Limits(_hits(entries, alpha).low, value, _hits(usable, alpha).high)


def _labels(entries: Sequence[Labelled]) -> Iterator[str]:
    yield from {label for entry in entries for label in (entry.right, entry.predicted)} - {""}


_LABEL_METRICS: dict[str, Callable[[Sequence[Labelled], str | None, float], Limits]] = {
    "macro_f1": _macro_f1,
    "micro_f1": _micro_f1,
    "precision": _precision,
    "recall": _recall,
    "f1": _f1,
}
