"""The leaderboard as a table of the terminal: models side by side where they fit, else one line each."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_medhelm.models.metadata import ModelMetadata
from pytest_medhelm.results.leaderboard.cell_entry import CellEntry
from pytest_medhelm.results.leaderboard.document import Results
from pytest_medhelm.tasks.taxonomy import CATEGORY_OF
from pytest_medhelm.util.escaping import visible

INDENT = "  "
LONGEST_NAME = 30
"""Columns for the name of a benchmark, and of a model that has a line of its own."""
NAMES = 49
"""Columns for both names together where models have lines of their own."""
MODELS_ACROSS = 6
DIFFERS = "differ"
"""Stands for the number of instances where models have different ones."""

Cell = CellEntry


@dataclass(frozen=True)
class TableHeader:
    """A model as its column is headed: who serves it or what it is, and its name."""

    top: str
    name: str


def table(results: Results, width: int) -> Iterator[str]:
    """The lines, no wider than ``width`` (at least 80)."""
    cells = {(cell["benchmark"], cell["model"]): cell for cell in results["cells"]}
    heads = _heads(sorted(results["models"], key=_is_after_candidates))
    first = max((len(visible(name)) for name, _ in cells), default=0) + len(INDENT)
    columns = {
        model: max(
            [len(heads[model].top), len(heads[model].name)]
            + [len(_value(cell)) for (_, name), cell in cells.items() if name == model]
        )
        for model in heads
    }
    across = max(first, 13) + 7 + sum(2 + wide for wide in columns.values())
    if across <= width and len(heads) <= MODELS_ACROSS:
        yield from _across(results, cells, heads, columns, max(first, 13), width)
    else:
        yield from _down(results, cells, heads, width)


def _is_after_candidates(facts: ModelMetadata) -> bool:
    return bool(facts["kind"] != "candidate")


def _heads(models: Sequence[ModelMetadata]) -> dict[str, TableHeader]:
    """By model; its kind is said where its name does not say it."""
    heads = {}
    for facts in models:
        provider, _, name = visible(facts["name"], 100).rpartition("/")
        kind = facts["kind"]
        mark = "" if kind in ("candidate", provider) else f"({kind})"
        heads[facts["name"]] = TableHeader(" ".join(filter(None, (provider, mark))), name)
    return heads


def _by_category(results: Results) -> dict[str, list[str]]:
    """Benchmarks by category, both in the order of the taxonomy and the leaderboard."""
    groups: dict[str, list[str]] = {category: [] for category in CATEGORY_OF.values()}
    for facts in results["benchmarks"]:
        groups[CATEGORY_OF[facts["subcategory"]]].append(facts["name"])
    return {category: names for category, names in groups.items() if names}


def _across(
    results: Results,
    cells: Mapping[tuple[str, str], Cell],
    heads: Mapping[str, TableHeader],
    columns: Mapping[str, int],
    first: int,
    width: int,
) -> Iterator[str]:
    """Benchmarks down, models across, with the interval beside each value; remarks below a benchmark."""
    tops = "".join(f"  {heads[model].top:<{wide}}" for model, wide in columns.items())
    yield f"{'value, 95 % interval':<{first + 7}}{tops}".rstrip()
    names = "".join(f"  {heads[model].name:<{wide}}" for model, wide in columns.items())
    yield f"{'benchmark':<{first}} {'n':>6}{names}".rstrip()
    for category, benchmarks in _by_category(results).items():
        yield category
        for name in benchmarks:
            by_model = {model: cells[name, model] for model in columns if (name, model) in cells}
            metrics = dict.fromkeys(cell["main_metric"] for cell in by_model.values())
            for metric in metrics:
                with_metric = {model: cell for model, cell in by_model.items() if cell["main_metric"] == metric}
                sizes = {cell["n"] for cell in with_metric.values()}
                size = str(sizes.pop()) if len(sizes) == 1 else DIFFERS
                values = "".join(
                    f"  {_value(with_metric[model]) if model in with_metric else '':<{wide}}"
                    for model, wide in columns.items()
                )
                yield f"{INDENT + visible(name):<{first}} {size:>6}{values}".rstrip()
                by = [f"by {visible(metric)}"] if len(metrics) > 1 else []
                grouped = _grouped(with_metric, heads, sized=size == DIFFERS)
                yield from _wrapped("; ".join(filter(None, [*by, grouped])), width)


def _grouped(cells: Mapping[str, Cell], heads: Mapping[str, TableHeader], *, sized: bool) -> str:
    """Remarks on the cells of one benchmark, each once with the models that it holds for."""
    models_of: dict[str, list[str]] = {}
    for model, cell in cells.items():
        for remark in [*([f"n {cell['n']}"] if sized else []), *remarks(cell)]:
            models_of.setdefault(remark, []).append(model)
    remarks_of: dict[tuple[str, ...], list[str]] = {}
    for remark, models in models_of.items():
        remarks_of.setdefault(tuple(models), []).append(remark)
    return "; ".join(", ".join(texts) + _whose(models, len(cells), heads) for models, texts in remarks_of.items())


def _whose(models: Sequence[str], of: int, heads: Mapping[str, TableHeader]) -> str:
    if len(heads) == 1:
        return ""
    if len(models) == of > 1:
        return " (each)"
    short = [head.name for head in heads.values()]
    names = [heads[model].name if short.count(heads[model].name) == 1 else visible(model) for model in models]
    return f" ({', '.join(names)})"


def _down(
    results: Results, cells: Mapping[tuple[str, str], Cell], heads: Mapping[str, TableHeader], width: int
) -> Iterator[str]:
    """One line per benchmark x model, remarks below it."""
    shown = {model: _marked(model, head) for model, head in heads.items()}
    wide = min(LONGEST_NAME, max(map(len, shown.values()), default=5))
    first = min(
        NAMES - wide + max(0, width - 80), max((len(visible(name)) + len(INDENT) for name, _ in cells), default=9)
    )
    metrics: dict[str, set[str]] = {}
    for cell in cells.values():
        metrics.setdefault(cell["benchmark"], set()).add(cell["main_metric"])
    mixed = {name for name, named in metrics.items() if len(named) > 1}
    yield f"{'benchmark':<{first}} {'model':<{wide}} {'value':>6} {'95 % interval':>15} {'n':>6}"
    for category, benchmarks in _by_category(results).items():
        yield category
        for benchmark in benchmarks:
            name = INDENT + benchmark
            for model in (model for model in heads if (benchmark, model) in cells):
                cell = cells[benchmark, model]
                value, _, interval = _value(cell).partition(" ")
                interval = interval if " to " in interval else interval.replace("-", " to ")
                numbers = f"{value:>6} {interval or '-':>15} {cell['n']:>6}"
                yield f"{_short(visible(name), first):<{first}} {_short(shown[model], wide):<{wide}} {numbers}"
                by = [f"by {visible(cell['main_metric'])}"] if (benchmark in mixed) else []
                yield from _wrapped(", ".join([*by, *remarks(cell)]), width)
                name = ""


def _marked(model: str, head: TableHeader) -> str:
    mark = head.top.rpartition(" ")[2] if head.top.endswith(")") else ""
    return " ".join(filter(None, (visible(model, 100), mark)))


def _value(cell: Cell) -> str:
    """The main value and its interval, e.g. "0.26 0.15-0.40"; a dash where there is none."""
    summary = cell["metrics"].get(cell["main_metric"])
    if summary is None or summary["value"] is None:
        return "-"
    digits = 2 if max(map(abs, summary["scale"])) <= 10 else 1
    value = f"{summary['value']:.{digits}f}"
    if summary["low"] is None or summary["high"] is None:
        return value
    low, high = f"{summary['low']:.{digits}f}", f"{summary['high']:.{digits}f}"
    return f"{value} {low}{' to ' if summary['low'] < 0 else '-'}{high}"


def remarks(cell: Cell) -> Iterator[str]:
    """What must be known beside the value of a cell."""
    if cell["partial"]:
        measured = sum(cell["statuses"].values())
        lacking = (
            f"{measured} of {cell['n']} have records" if measured < cell["n"] else "repeats or variants are missing"
        )
        yield f"PARTIAL: {lacking}"
    summary = cell["metrics"].get(cell["main_metric"])
    if summary is not None and summary["value"] is None and summary["note"]:
        yield f"no value: {visible(summary['note'])}"
    yield from (f"{count} {status}" for status, count in cell["statuses"].items() if status != "ok")
    if cell["unmatched"]:
        yield f"{cell['unmatched']} answer{'s' if cell['unmatched'] > 1 else ''} of the file fit no instance here"
    yield from (
        f"{count} answer{'s begin' if count > 1 else ' begins'} with {visible(mark)}: is this thinking?"
        for mark, count in cell["unknown_marks"].items()
    )
    severe = cell["harm"]["counts"]["severe"] if cell["harm"] else 0
    if severe:
        yield f"{severe} with severe harm"
    if cell["flagged"]:
        yield f"{cell['flagged']} answer{'s' if cell['flagged'] > 1 else ''} try to steer the judges"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=INDENT * 2, subsequent_indent=INDENT * 2, break_on_hyphens=False)


def _short(name: str, wide: int) -> str:
    return name if len(name) <= wide else f"{name[: wide - 3]}..."
