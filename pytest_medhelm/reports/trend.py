"""A trend in the terminal and as a page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from pytest_medhelm.reports.html.templating import template
from pytest_medhelm.reports.html.trend_chart import picture
from pytest_medhelm.results.analysis.trend import PARTIAL, Chart, Event, Line, Point, Trend
from pytest_medhelm.util.escaping import visible

WIDTH = 80
_NAME, _SPARK = 24, 15
BLOCKS, DIGITS = "▁▂▃▄▅▆▇█", "12345678"

WORDS = {
    "data": ("other data", "other data files"),
    "eval_set_hash": ("other instances", "another set of instances"),
    "prompt": ("other prompt", "another prompt"),
    "code": ("other module", "another version of the benchmark's module"),
    "scoring": ("other scoring", "other scoring code"),
    "jury": ("other judges", "other judges, or the same asked otherwise"),
    PARTIAL: ("incomplete", "instances without a record"),
    "model": ("", "other settings of the model, or another name at the server"),
    "versions": ("", "another version of pytest-medhelm"),
}
"""What a change is called in a table, and in a sentence."""


def levels_for(encoding: str | None) -> str:
    """The eight signs of the plain-text lines: blocks where they can be written, else digits."""
    try:
        BLOCKS.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return DIGITS
    return BLOCKS


def text(trend: Trend, levels: str = BLOCKS) -> Iterator[str]:
    """Lines of at most 80 columns."""
    order = "in order of time" if trend.by_time else "in the order given, since of some no time is known"
    suites = ", ".join(_dated(trend, position) for position in range(len(trend.suites)))
    yield from textwrap.wrap(f"{len(trend.suites)} suites {order}: {suites}", WIDTH, subsequent_indent="  ")
    for chart in trend.charts:
        yield ""
        yield from _chart(chart, trend, levels)
    yield ""
    if trend.alone:
        yield from _wrapped(f"only in one suite, and not shown: {', '.join(map(visible, trend.alone))}")
    yield from textwrap.wrap(
        "Change: last minus first, on the instances that both have measured. 'other ...' says why there is none: "
        "these values were made differently. trend: one character per suite, on the range of all intervals of the "
        "benchmark; | marks a break, a space no value. Each interval stands alone: what is shown to be better or "
        "worse says medhelm compare.",
        WIDTH,
    )


def _chart(chart: Chart, trend: Trend, levels: str) -> Iterator[str]:
    lower = " (lower is better)" if chart.lower_is_better else ""
    yield visible(f"{chart.benchmark}: {chart.metric}{lower}", WIDTH)
    yield f"{'model':<{_NAME}} {'first':>6} {'last':>6}  {'change':>6} {'95 % interval':>17}  trend"
    for line in chart.lines:
        if not line.measured:
            yield f"{visible(line.model, _NAME):<{_NAME}} {'-':>6} {'-':>6}  no value"
            continue
        values = [point.value for point in line.points if point is not None and point.value is not None]
        row = f"{visible(line.model, _NAME):<{_NAME}} {number(values[0]):>6} {number(values[-1]):>6}"
        yield f"{row} {_change(line):<25}  {spark(line, chart, levels)}".rstrip()
        if line.change is not None and line.whole is None:
            change = line.change
            yield from _wrapped(
                f"since {visible(trend.suites[change.since].name, 40)}: {signed(change.difference)} "
                f"({signed(change.low)} to {signed(change.high)}), n {change.n}",
                "  ",
            )
    for event in chart.breaks:
        yield from _wrapped(f"| {event_sentence(event, trend)}", "  ")
    for event in chart.remarks:
        yield from _wrapped(f"! {event_sentence(event, trend)}", "  ")
    for sentence in _marks(chart, trend):
        yield from _wrapped(f"! {sentence}", "  ")


def _change(line: Line) -> str:
    if line.whole is not None:
        interval = f"{signed(line.whole.low)} to {signed(line.whole.high)}"
        return f"{signed(line.whole.difference):>7} {interval:>17}"
    return f" {why_no_change(line)}"


def why_no_change(line: Line) -> str:
    """In a word or two, why there is no change from the first value to the last."""
    if len(line.measured) < 2:
        return "one value" if line.measured else "no value"
    if not line.differs:
        return "no common instance"
    return WORDS[line.differs[0]][0] + (" and more" if len(line.differs) > 1 else "")


def spark(line: Line, chart: Chart, levels: str) -> str:
    """A sign per suite, the newest ones if there are too many; | where values may not be joined."""
    ends = [
        number
        for other in chart.lines
        for point in other.points
        if point is not None and point.value is not None
        for number in (point.value, point.low, point.high)
        if number is not None
    ]
    low, span = min(ends), (max(ends) - min(ends)) or 1.0
    signs = ""
    for position, point in enumerate(line.points):
        if point is None or point.value is None:
            signs += " "
            continue
        broken = any(event.after == position and line.model in (event.models or [line.model]) for event in chart.breaks)
        partial = position > 0 and not line.joined[position] and line.points[position - 1] is not None
        signs += "|" * (broken or (partial and line.measured[0] != position))
        signs += levels[min(len(levels) - 1, int((point.value - low) / span * len(levels)))]
    return signs if len(signs) <= _SPARK else f"..{signs[2 - _SPARK :]}"


def _marks(chart: Chart, trend: Trend) -> Iterator[str]:
    """What is said of single values: sample data, missing instances, no value."""
    for position, suite in enumerate(trend.suites):
        said: dict[str, list[str]] = {}
        held = [line for line in chart.lines if line.points[position] is not None]
        for line in held:
            for words in remarks_of(line.points[position]):
                said.setdefault(words, []).append(visible(line.model, 60))
        for words, models in said.items():
            whose = "" if len(models) == len(held) else f" ({', '.join(models)})"
            yield f"{visible(suite.name, 40)}: {words}{whose}"


def remarks_of(point: Point | None) -> list[str]:
    """What must be said of a value in words."""
    if point is None:
        return []
    trend = ["sample data"] if point.sample else []
    if point.partial:
        trend.append(f"incomplete, {point.recorded} of {point.size} instances")
    if point.value is None:
        trend.append(f"no value: {visible(point.note, 200)}")
    elif point.n < point.recorded:
        trend.append(f"{point.recorded - point.n} of {point.recorded} not measured")
    return trend


def event_sentence(event: Event, trend: Trend) -> str:
    """What became different, between which suites, and for whom."""
    before, after = (visible(trend.suites[position].name, 40) for position in (event.before, event.after))
    whose = f" ({', '.join(visible(model, 60) for model in event.models)})" if event.models else ""
    return f"{before} -> {after}: {_listed([WORDS[fact][1] for fact in event.facts])}{whose}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _dated(trend: Trend, position: int) -> str:
    suite = trend.suites[position]
    return visible(suite.name, 60) + (f" ({date(suite.started)})" if suite.started else "")


def date(started: str) -> str:
    """The day of a time in ISO 8601, to be shown."""
    return visible(started[:10])


def moment(started: str) -> str:
    """Likewise the minute."""
    return visible(started[:16]).replace("T", " ")


def number(value: float | None) -> str:
    """Three decimals, fewer for large values."""
    return "-" if value is None else f"{value:.3f}" if abs(value) < 100 else f"{value:.1f}"


def signed(value: float) -> str:
    """A difference, likewise."""
    return f"{value:+.3f}" if abs(value) < 100 else f"{value:+.1f}"


def _wrapped(sentence: str, indent: str = "") -> list[str]:
    return textwrap.wrap(sentence, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ")


def page(trend: Trend) -> str:
    """The page."""
    charts = [(chart, picture(chart, len(trend.suites))) for chart in trend.charts]
    return template("trend.html").render(
        trend=trend,
        charts=charts,
        date=date,
        moment=moment,
        number=number,
        signed=signed,
        visible=visible,
        remarks_of=remarks_of,
        event_sentence=event_sentence,
        why_no_change=why_no_change,
    )
