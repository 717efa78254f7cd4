"""The geometry of the page's two kinds of pictures: how scores are distributed, and a cloud of models.

Templates draw them; here are numbers alone, so that the page needs no script and no library for them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, TypedDict

BINS = 10
WIDTH, HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 24, 20, 44
TINY = 1e-6
"""The least end of an axis, in seconds or money."""
_LINE = 18
"""Least distance between two labels, up and down."""
_CHARACTER = 8
"""Width of a character of a label."""
_BESIDE = 14
"""From a mark to its label."""
NAMED = 6
"""Models that are named in the picture; of more, marks have numbers, which leave each other room."""


class Bin(NamedTuple):
    """One bar: scores that are ``label``, or between its two ends."""

    label: str
    number: int
    share: float
    """0..1 of all instances, those without a score included."""


def distribution(scores: Sequence[float | None], scale: Sequence[float]) -> list[Bin]:
    """How often each score occurs, from the worst to the best of ``scale``; the last bar counts what has none.

    Up to ten different scores have a bar each, others fall into ten ranges of equal width that include their lower
    end. A bar for missing scores is there where any is missing.
    """
    known = [score for score in scores if score is not None]
    total = len(scores)
    worst, best = scale
    descending = worst > best
    # Of some metrics the mean alone is kept to the scale.
    ends = min(worst, best, *known), max(worst, best, *known)
    values = sorted(set(known) | {worst, best}, reverse=descending)
    if len(values) <= BINS:
        counts = Counter(known)
        bars = [(f"{value:.3g}", counts[value]) for value in values]
    else:
        low, width = ends[0], (ends[1] - ends[0]) / BINS
        bins = Counter(min(BINS - 1, int((score - low) / width + 1e-9)) for score in known)
        bars = [
            (f"{low + number * width:.3g} to {low + (number + 1) * width:.3g}", bins[number])
            for number in (reversed(range(BINS)) if descending else range(BINS))
        ]
    if total > len(known):
        bars.append(("no score", total - len(known)))
    return [Bin(label, count, count / total if total else 0.0) for label, count in bars]


class Point(NamedTuple):
    """A model in a cloud: ``y`` is 0..1, with ``low`` and ``high`` where there is a range."""

    name: str
    kind: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None


class Mark(TypedDict):
    """A point where it is drawn."""

    point: Point
    text: str
    x: float
    y: float
    left: bool
    """Its label stands on this side of it."""
    ends: tuple[float, float] | None
    label: float
    """How far down."""
    start: float
    """Of the label, across."""
    end: float


class Cloud(TypedDict):
    """A picture of ``WIDTH`` x ``HEIGHT``."""

    marks: list[Mark]
    numbered: list[str]
    """The names of the points in their order, where labels are numbers."""
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    frame: tuple[int, int, int, int]


def cloud(points: Sequence[Point]) -> Cloud:
    """Where the points are drawn.

    The horizontal axis begins at 0. Labels stand beside their marks, moved up or down where two would cover each other.
    They are names, or numbers in the order of the points (``numbered``) where there are many.
    """
    numbered = len(points) > NAMED
    texts = {id(point): str(number) if numbered else point.name for number, point in enumerate(points, 1)}
    most = max((point.x for point in points), default=1.0)
    step = _step(max(most, TINY))
    end = step * max(1, math.ceil(most / step - 1e-9))

    def across(x: float) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * x / end, 1)

    def down(y: float) -> float:
        return round(_TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - y), 1)

    marks: list[Mark] = []
    for point in sorted(points, key=lambda point: (-point.y, point.x, point.name)):
        ends = None if point.low is None or point.high is None else (down(point.high), down(point.low))
        marks.append(_mark(point, texts[id(point)], across(point.x), down(point.y), ends, marks))
    over = max((mark["label"] for mark in marks), default=0.0) - (HEIGHT - _BOTTOM)
    if over > 0:
        for mark in marks:
            mark["label"] = round(mark["label"] - over, 1)
    return {
        "marks": marks,
        "numbered": [point.name for point in points] if numbered else [],
        "x_ticks": [(across(step * number), f"{step * number:.3g}") for number in range(round(end / step) + 1)],
        "y_ticks": [(down(share / 4), f"{share / 4:.2f}") for share in range(5)],
        "frame": (_LEFT, _TOP, WIDTH - _RIGHT, HEIGHT - _BOTTOM),
    }


def _mark(
    point: Point, text: str, x: float, y: float, ends: tuple[float, float] | None, others: Sequence[Mark]
) -> Mark:
    """A point with its label, moved down below those of others that it would cover."""
    left = x > WIDTH * 0.6
    width = _CHARACTER * len(text)
    start = x - _BESIDE - width if left else x + _BESIDE
    label = y + 5
    for other in sorted(others, key=lambda mark: mark["label"]):
        meets = start < other["end"] and other["start"] < start + width
        if meets and abs(label - other["label"]) < _LINE:
            label = other["label"] + _LINE
    return {
        "point": point,
        "text": text,
        "x": x,
        "y": y,
        "left": left,
        "ends": ends,
        "label": round(label, 1),
        "start": start,
        "end": start + width,
    }


def _step(end: float) -> float:
    """A round distance that divides an axis into two to five parts."""
    power = 10.0 ** math.floor(math.log10(end))
    return next(power * part for part in (0.2, 0.5, 1.0, 2.0) if end / (power * part) <= 5)
