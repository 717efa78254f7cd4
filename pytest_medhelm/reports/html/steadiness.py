"""How steady each model is, in sentences that need no statistics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from pytest_medhelm.results.leaderboard.cell_entry import CellEntry, Summary
from pytest_medhelm.results.leaderboard.robustness import DROP
from pytest_medhelm.tasks.metadata import BenchmarkMetadata


class Line(NamedTuple):
    """One thing that is said."""

    sentence: str
    metric: str = ""
    """The metric that says it; empty for none."""
    interval: str = ""


class Change(NamedTuple):
    """What one perturbation does."""

    name: str
    words: str
    applied: int
    of: int
    drop: str
    interval: str
    chart: Markup
    refused: str
    """Why it was not applied to the rest; empty where it was applied to all."""


class Part(NamedTuple):
    """One model on one benchmark."""

    title: str
    model: str
    lines: Sequence[Line]
    changes: Sequence[Change]


def steadiness_parts(cells: Sequence[CellEntry], facts: Mapping[str, BenchmarkMetadata]) -> list[Part]:
    """A part for each cell of which more was asked than each instance once."""
    return [
        Part(facts[cell["benchmark"]]["title"], cell["model"], [*lines_of(cell)], [*_changes(cell)])
        for cell in cells
        if is_asked_more(cell)
    ]


def is_asked_more(cell: CellEntry) -> bool:
    """Instances were repeated, or asked in other words. Earlier leaderboards do not say so."""
    steadiness = cell.get("steadiness")
    return bool(steadiness and (steadiness["repeats"] > 1 or steadiness["varied"]))


def lines_of(cell: CellEntry) -> Iterator[Line]:
    """What its repeats and variants come to, the most telling first."""
    steadiness = cell["steadiness"]
    if steadiness["repeats"] > 1:
        yield from _of_repeats(cell, steadiness["repeats"])
    if steadiness["varied"]:
        yield from _of_variants(cell)
    worst = steadiness["worst_slice"]
    if worst is not None and worst["value"] is not None:
        chance = ""
        if worst["by_chance"] is not None:
            chance = f"; the worst of so many groups would be about {worst['by_chance']:.2f} by chance alone"
        yield Line(
            f"It does worst where {worst['key'].replace('_', ' ')} is {worst['group']}: {worst['value']:.2f} in "
            f"{worst['n']} instances, the worst of {worst['slices']} groups{chance}.",
            "worst slice",
            f"{worst['low']:.2f} to {worst['high']:.2f}, for all groups together",
        )


def _of_repeats(cell: CellEntry, k: int) -> Iterator[Line]:
    metrics = cell["metrics"]
    if line := _line(
        metrics, "flip_rate", "Asked the same questions {k} times, it changed its answer in {percent} of them."
    ):
        yield line._replace(sentence=line.sentence.format(k=k))
    right = metrics.get("pass_hat_" + str(k))
    if right is not None and right["value"] is not None:
        yield Line(
            f"It was right all {k} times in {_percent(right['value'])} of the questions: that is what one can rely on.",
            f"pass_hat_{k}",
            _interval(right),
        )
        once = metrics[f"pass_at_{k}"]["value"]
        most = metrics["majority_vote"]["value"]
        if once is not None and most is not None:
            yield Line(
                f"It was right at least once in {_percent(once)}; the answer that it gave most often was right in "
                f"{_percent(most)}.",
                f"pass_at_{k}, majority_vote",
            )
    elif (worst := metrics.get(f"worst_at_{k}")) is not None and worst["value"] is not None:
        main = metrics[cell["main_metric"]]["value"] if cell["main_metric"] in metrics else None
        score = "" if main is None else f", while its answers score {main:.2f} on average"
        yield Line(
            f"The worst of {k} answers to a question scores {worst['value']:.2f}{score}.",
            f"worst_at_{k}",
            _interval(worst),
        )


def _of_variants(cell: CellEntry) -> Iterator[Line]:
    steadiness, metrics = cell["steadiness"], cell["metrics"]
    floor = steadiness["noise_floor"]
    yield Line(
        f"{steadiness['varied']} instances were asked in other words too, {steadiness['variants']} requests in all"
        + (f", and {floor} times again unchanged, to see what chance alone does." if floor
           else "; none was asked again unchanged, so that nothing here tells other words from chance.")
    )  # fmt: skip
    if line := _line(
        metrics, "perturbed_flip_rate", "Put in other words, questions got another answer {percent} of the time."
    ):
        yield line
    for name, more, less in (
        ("excess_flip_rate", "of 100 answers, other words change {hundredths} more than chance does",
         "of 100 answers, other words change {hundredths} fewer than chance does"),
        ("mean_drop", "other words cost {value} of its score on average", "other words add {value} to its score"),
        ("worst_case_drop", "the worst of the other wordings costs {value} more than the worst of as many unchanged "
         "askings", "the worst of the other wordings costs {value} less than the worst of as many unchanged askings"),
    ):  # fmt: skip
        summary = metrics.get(name)
        if summary is not None and summary["value"] is not None:
            yield Line(_difference(summary, more, less), name, _interval(summary))


def _difference(summary: Summary, more: str, less: str) -> str:
    """What a difference says; that it may be chance comes first where its interval holds 0."""
    value, low, high = summary["value"] or 0.0, summary["low"], summary["high"]
    said = (more if value >= 0 or less == "" else less).format(
        hundredths=f"{abs(100 * value):.0f}", value=f"{abs(value):.2f}"
    )
    if low is None or high is None or low <= 0 <= high:
        return f"No more than chance could be shown: {said}."
    return f"More than chance: {said}." if value > 0 else f"Better than by chance: {said}."


def _line(metrics: Mapping[str, Summary], name: str, sentence: str) -> Line | None:
    summary = metrics.get(name)
    if summary is None or summary["value"] is None:
        return None
    return Line(sentence.replace("{percent}", f"{_percent(summary['value'])}"), name, _interval(summary))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _interval(summary: Summary) -> str:
    low, high = summary["low"], summary["high"]
    return "" if low is None or high is None else f"95 % interval {low:.2f} to {high:.2f}"


def _changes(cell: CellEntry) -> Iterator[Change]:
    worst, best = next(
        iter(summary["scale"] for name, summary in cell["metrics"].items() if name.startswith(DROP)), [1, -1]
    )
    for name, counts in cell["steadiness"]["perturbations"].items():
        from pytest_medhelm.tasks.perturbations.chosen import BUILT_IN

        summary = cell["metrics"].get(DROP + name)
        value = summary["value"] if summary is not None else None
        known = BUILT_IN.get(name)
        yield Change(
            name,
            known.words if known is not None else name.replace("_", " "),
            counts["applied"],
            counts["of"],
            "–" if value is None else _signed(value),
            "–"
            if summary is None or summary["low"] is None
            else f"{_signed(summary['low'])} to {_signed(summary['high'] or 0.0)}",
            _chart(summary, abs(worst - best) / 2),
            "; ".join(f"{count} × {reason}" for reason, count in counts["refused"].items()),
        )


def _signed(value: float) -> str:
    return f"{round(value, 2) + 0.0:+.2f}"


def _chart(summary: Summary | None, reach: float) -> Markup:
    """The interval of a drop on a line from all better to all worse, 0 in the middle."""
    if summary is None or summary["value"] is None or summary["low"] is None or summary["high"] is None:
        return Markup("")
    ends = [90 + 80 * value / reach for value in (summary["value"], summary["low"], summary["high"])]
    return Markup(
        '<svg width="180" height="16" viewBox="0 0 180 16" role="img" aria-label="{label}">'
        '<line class="axis" x1="10" x2="170" y1="8" y2="8"/><line class="axis" x1="90" x2="90" y1="1" y2="15"/>'
        '<line class="span" x1="{low:.1f}" x2="{high:.1f}" y1="8" y2="8"/><circle cx="{value:.1f}" cy="8" r="4"/></svg>'
    ).format(
        label=f"drop {summary['value']:+.2f}, interval {summary['low']:+.2f} to {summary['high']:+.2f}",
        value=ends[0], low=ends[1], high=ends[2],
    )  # fmt: skip
