"""The geometry of a reliability diagram: confidence to the right, share of right answers upwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pytest_medhelm.results.leaderboard.calibration_entry import Calibration

SIZE = 300
"""Of the square, in units of the drawing."""
LEFT, TOP = 52, 14
BARS = 20
BAR_HEIGHT = 56
"""Of the highest bar below the square."""


class Diagram(NamedTuple):
    """Points and bars in units of the drawing."""

    band: str
    """A polygon: where the curve of a perfectly calibrated model lies in 95 of 100 runs."""
    curve: str
    """A line: the shares of right answers that rise with the confidence and fit best."""
    dots: Sequence[tuple[float, float]]
    """The ends of its steps, so that a single one is seen."""
    ticks: Sequence[tuple[float, float, str]]
    """(across, up, text) of the marks on both axes."""
    bars: Sequence[tuple[float, float]]
    """(left edge, height) of how many answers have each confidence."""
    most: int
    """Answers of the highest bar."""
    bottom: float
    """Where the bars stand."""


def diagram(calibration: Calibration) -> Diagram | None:
    """The picture of a kind of confidence; None where none is known."""
    if not calibration["curve"]:
        return None
    lower = [_point(one["confidence"], one["low"]) for one in calibration["band"]]
    upper = [_point(one["confidence"], one["high"]) for one in calibration["band"]]
    if len(calibration["band"]) == 1:  # A single confidence has a band too, as wide as a stroke.
        lower, upper = ([(x - 3, y), (x + 3, y)] for x, y in (lower[0], upper[0]))
    steps = [_point(end, step["right"]) for step in calibration["curve"] for end in (step["low"], step["high"])]
    known = [value for value in calibration["confidence"] if value is not None]
    counts = [0] * BARS
    for value in known:
        counts[min(BARS - 1, int(value * BARS + 1e-9))] += 1
    most = max(counts)
    marks = [(share / 4, f"{25 * share} %") for share in range(5)]
    return Diagram(
        _line([*lower, *reversed(upper)]),
        _line(steps),
        list(dict.fromkeys(steps)),
        [(LEFT + SIZE * share, TOP + SIZE * (1 - share), text) for share, text in marks],
        [(LEFT + SIZE * bar / BARS, round(BAR_HEIGHT * count / most, 1)) for bar, count in enumerate(counts)],
        most,
        TOP + SIZE + 40 + BAR_HEIGHT,
    )


def _point(confidence: float, share: float) -> tuple[float, float]:
    return round(LEFT + SIZE * confidence, 1), round(TOP + SIZE * (1 - share), 1)


def _line(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)
