"""Where everything of a trend's line chart stands, in the units of its picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_medhelm.results.analysis.trend import Chart, Line
from pytest_medhelm.util.escaping import visible

LEFT, RIGHT, TOP, BOTTOM = 60.0, 270.0, 30.0, 50.0
"""Margins: for numbers, names of models, numbers of breaks, and names of suites."""
WIDTH, LOWEST = 540.0, 230.0
"""The plot's width, unless many suites take ``NARROWEST`` each, and its height, unless many models need more."""
NARROWEST = 30.0
LABEL_HEIGHT = 19.0
NAME_WIDTH = 100.0
"""What the name of a suite takes below the chart."""
LONGEST = 28
STYLES = 8
"""Shapes and colours; after as many models they begin again, and the lines are dashed otherwise."""
_DASHES = ("", "7 3", "2 3")
_CORNERS = ((4, 45), (3, -90), (4, 0), (3, 90), (6, 0), (3, 0), (5, -90))
"""Regular shapes by their corners and where the first one points, in degrees; before these stands a circle."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A value."""

    suite: int
    shape: str
    """Path of its shape."""
    hollow: bool
    """Sample data, or a run that lacks instances."""
    x: float
    whisker: tuple[float, float] | None
    """Where its interval begins and ends; None without one."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A model."""

    model: str
    style: int
    """Its colour, from 0 to ``STYLES`` - 1."""
    dash: str
    marks: tuple[Mark, ...]
    paths: tuple[str, ...]
    """Points of each unbroken line."""
    bands: tuple[str, ...]
    """Outlines of the intervals along these."""
    label: str
    label_y: float
    key: str
    """Path of the shape beside the label."""
    leader: tuple[float, float, float, float] | None
    """From the last value to the label; None where the newest suite holds no value."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart."""

    width: float
    height: float
    left: float
    right: float
    """Of the plot."""
    top: float
    bottom: float
    ticks: tuple[tuple[float, str], ...]
    """Height and text."""
    positions: tuple[float, ...]
    """Where each suite stands."""
    named: tuple[bool, ...]
    """Whether there is room for its name."""
    breaks: tuple[tuple[float, str], ...]
    """Where values are not joined, and the numbers of the reasons."""
    traces: tuple[Trace, ...]


@dataclass(frozen=True, slots=True)
class _Frame:
    """The plot: from values to heights, from suites to places."""

    low: float
    high: float
    bottom: float
    right: float
    positions: Sequence[float]

    def y(self, value: float) -> float:
        return round(self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - TOP), 1)


def picture(chart: Chart, suites: int) -> Picture:
    """Lay a chart out that holds a value at least; ``suites``: how many there are."""
    step = max(NARROWEST, WIDTH / suites)
    lines = [line for line in chart.lines if line.measured]
    ticks = axis([number for line in lines for number in _numbers(line)])
    frame = _Frame(
        low=ticks[0],
        high=ticks[-1],
        bottom=TOP + max(LOWEST, LABEL_HEIGHT * len(lines)),
        right=round(LEFT + step * suites, 1),
        positions=[round(LEFT + step * (position + 0.5), 1) for position in range(suites)],
    )
    ends = [frame.y(_values(line)[line.measured[-1]]) for line in lines]
    apart = min(13.0, step / 2 / len(lines))
    every = math.ceil(NAME_WIDTH / step)
    return Picture(
        width=frame.right + RIGHT,
        height=frame.bottom + BOTTOM,
        left=LEFT,
        right=frame.right,
        top=TOP,
        bottom=frame.bottom,
        ticks=tuple((frame.y(value), f"{value:g}") for value in ticks),
        positions=tuple(frame.positions),
        named=tuple((suites - 1 - position) % every == 0 for position in range(suites)),
        breaks=tuple(_breaks(chart, frame.positions).items()),
        traces=tuple(
            _trace(number, line, frame, (number - (len(lines) - 1) / 2) * apart, label_y)
            for number, (line, label_y) in enumerate(zip(lines, spaced(ends, TOP, frame.bottom), strict=True))
        ),
    )


def _trace(number: int, line: Line, frame: _Frame, shift: float, label_y: float) -> Trace:
    """``shift``: how far beside its suite a model stands, so that the intervals of several can be told apart."""
    values, limits = _values(line), _limits(line)
    x = {position: round(frame.positions[position] + shift, 1) for position in values}
    last = line.measured[-1]
    newest = last == len(frame.positions) - 1
    return Trace(
        model=line.model,
        style=number % STYLES,
        dash=_DASHES[number // STYLES % len(_DASHES)],
        marks=tuple(
            Mark(
                suite=position,
                shape=shape(number, x[position], frame.y(value)),
                hollow=_hollow(line, position),
                x=x[position],
                whisker=(frame.y(limits[position][0]), frame.y(limits[position][1])) if position in limits else None,
            )
            for position, value in values.items()
        ),
        paths=tuple(
            " ".join(f"{x[position]},{frame.y(values[position])}" for position in stretch)
            for stretch in stretches(line)
        ),
        bands=tuple(
            " ".join(
                [f"{x[position]},{frame.y(limits[position][1])}" for position in stretch]
                + [f"{x[position]},{frame.y(limits[position][0])}" for position in reversed(stretch)]
            )
            for stretch in stretches(line)
            if all(position in limits for position in stretch)
        ),
        label=visible(line.model, LONGEST),
        label_y=label_y,
        key=shape(number, frame.right + 20, label_y),
        leader=(x[last] + 8, frame.y(values[last]), frame.right + 11, label_y) if newest else None,
    )


def stretches(line: Line) -> list[list[int]]:
    """The suites whose values are joined, two or more each."""
    runs: list[list[int]] = []
    for position, joined in enumerate(line.joined):
        if joined and runs and runs[-1][-1] == position - 1:
            runs[-1].append(position)
        elif joined:
            runs.append([position - 1, position])
    return runs


def _breaks(chart: Chart, positions: Sequence[float]) -> dict[float, str]:
    numbers: dict[int, list[str]] = {}
    for number, event in enumerate(chart.breaks, 1):
        numbers.setdefault(event.after, []).append(str(number))
    return {
        round((positions[after - 1] + positions[after]) / 2, 1): ", ".join(names)
        for after, names in sorted(numbers.items())
    }


def _values(line: Line) -> Mapping[int, float]:
    values = {position: None if point is None else point.value for position, point in enumerate(line.points)}
    return {position: value for position, value in values.items() if value is not None}


def _limits(line: Line) -> Mapping[int, tuple[float, float]]:
    return {
        position: (point.low, point.high)
        for position, point in enumerate(line.points)
        if point is not None and point.low is not None and point.high is not None and point.value is not None
    }


def _hollow(line: Line, position: int) -> bool:
    point = line.points[position]
    return point is not None and (point.sample or point.partial)


def _numbers(line: Line) -> list[float]:
    return [*_values(line).values(), *(end for ends in _limits(line).values() for end in ends)]


def axis(numbers: Sequence[float]) -> list[float]:
    """Round numbers, equally far apart, that enclose some: three to seven of them."""
    low, high = min(numbers), max(numbers)
    if high - low < 1e-9 * max(1.0, abs(high)):
        low, high = low - 0.05, high + 0.05
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(position * step, 12) for position in range(first, last + 1)]


def spaced(heights: Sequence[float], top: float, bottom: float) -> list[float]:
    """Heights for labels that would stand at these: ``LABEL_HEIGHT`` apart, in their order, in the plot if they fit."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    tops = [0.0] * len(heights)
    free = top
    for index in order:
        tops[index] = max(heights[index], free)
        free = tops[index] + LABEL_HEIGHT
    room = bottom
    for index in reversed(order):
        tops[index] = round(min(tops[index], room), 1)
        room = tops[index] - LABEL_HEIGHT
    return tops


def shape(number: int, x: float, y: float, size: float = 5.5) -> str:
    """The path of a marker."""
    kind = number % STYLES
    if kind == 0:
        r = size - 0.5
        return f"M{x - r:.1f},{y:.1f}a{r},{r} 0 1,0 {2 * r},0a{r},{r} 0 1,0 {-2 * r},0z"
    corners, turned = _CORNERS[kind - 1]
    angles = [math.radians(turned + 360 * corner / corners) for corner in range(corners)]
    return "M" + "L".join(f"{x + size * math.cos(a):.1f},{y + size * math.sin(a):.1f}" for a in angles) + "z"
