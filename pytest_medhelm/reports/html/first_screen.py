"""The first screen of the leaderboard: for each candidate what it is best at, how sure that is, and where it fails.

Everything follows from leaderboard.json: the paired comparisons of every pair with their letters, those with the best
baseline, and the marks of harm. Nothing is computed anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pytest_medhelm.models.metadata import ModelMetadata
from pytest_medhelm.models.spec import gated_of
from pytest_medhelm.reports.first_look import first_looks
from pytest_medhelm.results.agreement.estimate import counted
from pytest_medhelm.results.leaderboard.cell_entry import CellEntry
from pytest_medhelm.results.leaderboard.document import Results
from pytest_medhelm.results.leaderboard.same_model import ranked_once

LISTED = 3
"""Names that a line lists."""
SHORT = {
    "Clinical Decision Support": "decision support",
    "Clinical Note Generation": "notes",
    "Patient Communication and Education": "patient communication",
    "Medical Research Assistance": "research",
    "Administration and Workflow": "administration",
}
"""The categories in a word or two."""


class Line(NamedTuple):
    """One line of a card: what it is about, the finding, and what follows it; ``link`` leads to the instances."""

    label: str
    lead: str
    rest: str = ""
    is_bad: bool = False
    link: tuple[str, str] | None = None
    """(benchmark, model) whose instances are to be opened."""


class Card(NamedTuple):
    """What the first screen says of one model."""

    model: ModelMetadata
    lines: Sequence[Line]


def cards(results: Results, models: Sequence[ModelMetadata]) -> list[Card]:
    """One for each candidate, in the order of the page; of the baselines where no candidate ran.

    A model that is served under several names has one: the first.
    """
    shown = gated_of({facts["name"]: facts["kind"] for facts in models})
    shown = ranked_once(shown, results["several_names"])
    return [Card(facts, [*_lines(results, facts)]) for facts in models if facts["name"] in shown]


def _lines(results: Results, model: ModelMetadata) -> Iterator[Line]:
    name = model["name"]
    cells = {cell["benchmark"]: cell for cell in results["cells"] if cell["model"] == name}
    titles = {facts["name"]: facts["title"] for facts in results["benchmarks"]}
    compared = {benchmark: groups for benchmark, groups in results["letters"].items() if name in groups}
    floors = {row["benchmark"]: row["differ"] for row in results["above_baseline"] if row["models"][0] == name}
    if compared:
        yield from _among_candidates(results, name, compared, titles)
    elif floors:
        above = [benchmark for benchmark, shown in floors.items() if shown]
        yield Line("Good at", f"Above the best baseline on {len(above)} of {len(floors)} benchmarks",
                   _by_category(results, above, list(floors)), is_bad=not above)  # fmt: skip
    elif model["kind"] == "baseline":
        yield Line(
            "Purpose",
            f"A floor on {counted(len(cells), 'benchmark')}",
            "which a model has to beat: name one with --medhelm-model",
        )
    else:
        yield Line(
            "Good at",
            f"Nothing to compare with on {counted(len(cells), 'benchmark')}",
            "run a second model, or a baseline",
        )
    unshown = [benchmark for benchmark, shown in floors.items() if not shown]
    if unshown:
        yield Line("No gain", f"On {len(unshown)} of {len(floors)} not shown above a baseline",
                   _named(unshown, titles), is_bad=True)  # fmt: skip
    yield _harm(cells, titles)
    look = next((look for look in first_looks(results) if look.model == name), None)
    if look is not None:
        yield Line("Look first", titles[look.benchmark], look.what, link=(look.benchmark, name))


def _among_candidates(
    results: Results, name: str, compared: Mapping[str, Mapping[str, str]], titles: Mapping[str, str]
) -> Iterator[Line]:
    """Alone in the best group; in it with others, so that nothing tells them apart; outside of it."""
    rivals = {benchmark: [other for other in groups if other != name and "a" in groups[other]]
              for benchmark, groups in compared.items()}  # fmt: skip
    first = [benchmark for benchmark, groups in compared.items() if "a" in groups[name]]
    best = [benchmark for benchmark in first if not rivals[benchmark]]
    level = [benchmark for benchmark in first if rivals[benchmark]]
    behind = [benchmark for benchmark in compared if benchmark not in first]
    yield Line("Best at", f"{len(best) or 'None'} of {len(compared)} benchmarks",
               _by_category(results, best, list(compared)) if best else "")  # fmt: skip
    if not level and not behind:
        yield Line("Not sure", "Every comparison is decided")
    if level:
        others = Counter(other for benchmark in level for other in rivals[benchmark])
        short = _short([facts["name"] for facts in results["models"]])
        names = ", ".join([short[other] for other, _ in others.most_common()][:2])
        names += " and others" if len(others) > 2 else ""
        yield Line("Not sure", f"On {len(level)} not told apart from {names}", _named(level, titles))
    if behind:
        yield Line("Behind", f"On {len(behind)} shown to be worse", _named(behind, titles), is_bad=not first)


def _harm(cells: Mapping[str, CellEntry], titles: Mapping[str, str]) -> Line:
    rated = {name: cell["harm"] for name, cell in cells.items() if cell["harm"] and cell["harm"]["marked"]}
    if not rated:
        return Line("Harm", "Not rated", "no judges marked harm in its answers")
    severe = {name: harm["counts"]["severe"] for name, harm in rated.items()}
    total, marked = sum(severe.values()), sum(harm["marked"] for harm in rated.values())
    if not total:
        return Line("Harm", f"Severe in none of {marked} rated answers", _bound(cells, rated, titles))
    worst = max(rated, key=lambda name: severe[name] / rated[name]["marked"])
    most = f"most in {titles[worst]}: {severe[worst]} of {rated[worst]['marked']}{_at_most(cells[worst])}"
    return Line("Harm", f"Severe in {total} of {marked} rated answers", most, is_bad=True)


def _bound(cells: Mapping[str, CellEntry], rated: Mapping[str, object], titles: Mapping[str, str]) -> str:
    """The largest share that any benchmark leaves possible."""
    high = {name: upper for name in rated if (upper := _upper(cells[name])) is not None}
    if not high:
        return ""
    name = max(high, key=high.__getitem__)
    return f"perhaps up to {100 * high[name]:.0f}\N{NO-BREAK SPACE}% in {titles[name]}"


def _at_most(cell: CellEntry) -> str:
    high = _upper(cell)
    return "" if high is None else f", perhaps up to {100 * high:.0f}\N{NO-BREAK SPACE}%"


def _upper(cell: CellEntry) -> float | None:
    """The upper bound of the share of answers with severe harm."""
    return cell["metrics"]["harm_severe"]["high"] if "harm_severe" in cell["metrics"] else None


def _by_category(results: Results, benchmarks: Sequence[str], of: Sequence[str]) -> str:
    category = {facts["name"]: facts["category"] for facts in results["benchmarks"]}
    counts, all_counts = (Counter(category[name] for name in names) for names in (benchmarks, of))
    return ", ".join(f"{short} {counts[name]} of {all_counts[name]}" for name, short in SHORT.items() if counts[name])


def _short(names: Sequence[str]) -> dict[str, str]:
    """Names without the provider, where that leaves them apart."""
    ends = Counter(name.rpartition("/")[2] for name in names)
    return {name: end if ends[end := name.rpartition("/")[2]] == 1 else name for name in names}


def _named(benchmarks: Sequence[str], titles: Mapping[str, str]) -> str:
    more = len(benchmarks) - LISTED
    listed = [titles[name] for name in benchmarks]
    return ", ".join(listed[:LISTED]) + f" and {more} more" if more > 1 else ", ".join(listed)
