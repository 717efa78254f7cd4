"""medhelm compare: two models on the same instances, from suites or from leaderboard.json."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_medhelm.reports.compare import browser_of, page, pairs_text, text
from pytest_medhelm.results.analysis.compare import as_json, chosen_models, compare
from pytest_medhelm.results.leaderboard.aggregate import rounded
from pytest_medhelm.results.leaderboard.paired_cells import letter_groups, paired
from pytest_medhelm.results.leaderboard.stored_results import read_stored
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.escaping import visible
from pytest_medhelm.util.files import write_json, write_private


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("first", type=Path, metavar="A", help="suite or leaderboard.json")
    parser.add_argument(
        "second",
        type=Path,
        nargs="?",
        metavar="B",
        help="suite or leaderboard.json (default: A's candidates, every pair)",
    )
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="NAME",
        help="model of both sides; or twice: A's, then B's (default: the only candidate of each)",
    )
    parser.add_argument("--benchmark", action="append", default=[], metavar="NAME", help="only this; may be repeated")
    parser.add_argument(
        "--margin", type=float, metavar="M", help="exit status 1 unless B is shown to be less than M worse everywhere"
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the comparison; 1 when B is shown to be worse, or, with a margin, is not shown not to be.

    Raises ConfigError when a side cannot be read, a name is unknown, nothing is in both, or a file cannot be written.
    """
    margin: float | None = arguments.margin
    if margin is not None and margin <= 0:
        raise ConfigError(f"--margin={margin:g} must be above 0: it is how much worse B may be, e.g. 0.02")
    if arguments.second is None:
        return _every_pair(arguments)
    first, second = read_stored(arguments.first), read_stored(arguments.second)
    models = chosen_models(first, second, arguments.model)
    comparison = compare(first, second, models, arguments.benchmark)
    if not comparison.rows:
        why = "; ".join(comparison.notes) or "no benchmark is in both, so name two suites that share one"
        raise ConfigError(f"there is nothing to compare: {why}")
    print("\n".join(map(visible, text(comparison, margin))))
    html: Path | None = arguments.html
    try:
        if arguments.json is not None:
            write_json(arguments.json, rounded(as_json(comparison)))
        if html is not None:
            browsers = browser_of(arguments.first, html), browser_of(arguments.second, html)
            write_private(html, page(comparison, browsers, margin))
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be written: {error.strerror}") from None
    if html is not None:
        print(f"page: {visible(html)}")
    if margin is None:
        return 1 if any(row.worse for row in comparison.rows) else 0
    short = [row.benchmark for row in comparison.rows if not row.not_worse_by(margin)]
    if short:
        print(f"not shown to be less than {margin:g} worse: {', '.join(short)}")
    return 1 if short else 0


def _every_pair(arguments: argparse.Namespace) -> int:
    """All candidates of one suite with each other; exit status 0, since none of them is the one in use."""
    if arguments.margin is not None or arguments.html is not None:
        raise ConfigError("--margin and --html are of two sides: name B too, which may be A again")
    stored = read_stored(arguments.first)
    chosen = [name for name in stored.candidates if not arguments.model or name in arguments.model]
    if len(chosen) < 2:
        there = ", ".join(stored.candidates) or "none"
        raise ConfigError(f"{arguments.first} has these candidates: {there}; name another suite to compare with")
    cells = [cell for cell in stored.cells if not arguments.benchmark or cell.benchmark in arguments.benchmark]
    rows = paired(cells, chosen)
    letters = letter_groups(cells, rows)
    print("\n".join(map(visible, pairs_text(rows, letters))))
    if arguments.json is not None:
        try:
            write_json(arguments.json, rounded({"format": 1, "rows": rows, "letters": letters}))
        except OSError as error:
            raise ConfigError(f"{error.filename} cannot be written: {error.strerror}") from None
    return 0
