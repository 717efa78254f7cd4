"""A comparison in the terminal and as a page."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pytest_medhelm.reports.html.templating import template
from pytest_medhelm.results.analysis.compare import Comparison, Row
from pytest_medhelm.results.leaderboard.document import PairedRow
from pytest_medhelm.util.escaping import visible

WIDTH = 80
_NAME = 24


def text(comparison: Comparison, margin: float | None = None) -> Iterator[str]:
    """Lines of at most 80 columns."""
    yield f"A: {comparison.first[1]} in {comparison.first[0]}"
    yield f"B: {comparison.second[1]} in {comparison.second[0]}"
    yield ""
    yield f"{'benchmark':<{_NAME}} {'A':>6} {'B':>6} {'B - A':>7} {'95 % interval':>17} {'n':>6}"
    for row in comparison.rows:
        yield from _lines(row, margin)
        for warning in row.warnings:
            yield from textwrap.wrap(f"! {warning}", WIDTH, initial_indent="  ", subsequent_indent="    ")
    for name, side in ((comparison.only_first, "A"), (comparison.only_second, "B")):
        if name:
            yield from textwrap.wrap(f"only in {side}: {', '.join(name)}", WIDTH, subsequent_indent="  ")
    for note in comparison.notes:
        yield from textwrap.wrap(f"not compared: {note}", WIDTH, subsequent_indent="  ")
    yield ""
    yield from textwrap.wrap(verdict(comparison, margin), WIDTH)
    yield from textwrap.wrap(
        "+3 -1 changed: three instances became better, one worse. Better or WORSE is shown where p is below 0.05 after "
        "Holm's correction over all rows, and the interval leaves 0 out: equal models seldom seem to differ anywhere.",
        WIDTH,
    )


def pairs_text(rows: Sequence[PairedRow], letters: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Every pair of candidates, benchmark by benchmark, and the groups that are not shown to differ."""
    for benchmark, groups in letters.items():
        yield benchmark
        yield from textwrap.wrap(
            ", ".join(f"{model} {group}" for model, group in groups.items()), WIDTH,
            initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False,
        )  # fmt: skip
        for row in rows:
            if row["benchmark"] == benchmark:
                first, second = row["models"]
                yield f"  {first} minus {second}"
                mark = "  differ" if row["differ"] else ""
                yield (
                    f"    {row['difference']:+.3f} (95 % {row['low']:+.3f} to {row['high']:+.3f}), "
                    f"n {row['n']}, p {_p(row['p'])}{mark}"
                )
    if not rows:
        yield "no two candidates were measured on the same instances of a benchmark"
    yield ""
    yield from textwrap.wrap(
        "Models that share a letter are not shown to differ, which does not say that they are equal; a is a group of "
        "the best. p is two-sided and corrected over the pairs of a benchmark (Holm); each interval holds by itself.",
        WIDTH,
    )


def verdict(comparison: Comparison, margin: float | None = None) -> str:
    """What is shown, in a sentence: how many benchmarks, and their titles."""
    better = [row.title for row in comparison.rows if row.better]
    worse = [row.title for row in comparison.rows if row.worse]
    rest = [row for row in comparison.rows if not row.better and not row.worse]
    alike = [row.title for row in rest if margin is not None and row.alike_within(margin)]
    open_ = [row.title for row in rest if row.title not in alike]
    parts = [f"better on {_listed(better)}", f"worse on {_listed(worse)}"]
    parts += [f"equal within {margin:g} on {_listed(alike)}"] if margin is not None else []
    many = f"{len(comparison.rows)} benchmark{'s' if len(comparison.rows) != 1 else ''}"
    return f"Of {many}, B is shown to be {', '.join(parts)}; undecided on {_listed(open_)}."


def shown(row: Row, margin: float | None = None) -> str:
    """What is shown on one benchmark: never that there is no difference, unless within a margin that was stated."""
    if row.better or row.worse:
        return f"B is {'better' if row.better else 'worse'}"
    if margin is not None and row.alike_within(margin):
        return f"equal within {margin:g}"
    excluded = not row.low <= 0 <= row.high
    before = f" ({row.difference:+.3f}, {row.low:+.3f} to {row.high:+.3f} before correction)" if excluded else ""
    return f"not shown{before}"


def warned(comparison: Comparison) -> dict[str, list[str]]:
    """What is not alike on the two sides, and the titles of the benchmarks where."""
    titles: dict[str, list[str]] = {}
    for row in comparison.rows:
        for warning in row.warnings:
            titles.setdefault(warning, []).append(row.title)
    return titles


def _lines(row: Row, margin: float | None) -> Iterator[str]:
    name = row.benchmark if len(row.benchmark) <= _NAME else f"{row.benchmark[: _NAME - 3]}..."
    interval = f"{row.low:+.3f} to {row.high:+.3f}"
    mark = "better" if row.better else "WORSE" if row.worse else shown(row, margin).partition(" (")[0]
    changed = f"+{len(row.up)} -{len(row.down)}"
    p = "" if row.p is None else f"  p {_p(row.p)}"
    values = f"{_number(row.first)} {_number(row.second)} {row.difference:>+7.3f}"
    yield f"{name:<{_NAME}} {values} {interval:>17} {row.n:>6}"
    yield f"  {changed} changed{p}  {mark}"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _number(value: float | None) -> str:
    return f"{'-':>6}" if value is None else f"{value:>6.3f}"


def _listed(names: list[str]) -> str:
    return f"{len(names)} ({', '.join(names)})" if names else "none"


def page(comparison: Comparison, links: tuple[str, str], margin: float | None = None) -> str:
    """The page; ``links``: the address of each suite's instance browser, empty where there is none.

    ``margin``: within which models count as equal, if one was stated.
    """
    values = {"comparison": comparison, "links": links, "margin": margin}
    return template("compare.html").render(**values, verdict=verdict, shown=shown, warned=warned, visible=visible)


def browser_of(path: Path, other: Path) -> str:
    """The address of a suite's instance browser as seen from a page, empty where there is none."""
    target = (path if path.is_dir() else path.parent) / "instances.html"
    return Path(os.path.relpath(target, other.parent)).as_posix() if target.is_file() else ""
