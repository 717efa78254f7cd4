"""A suite for a notebook: its records, cells and leaderboard as objects, and as pandas frames where pandas is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_medhelm.results.leaderboard.aggregate import make_leaderboard, read_cells
from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.results.leaderboard.document import Leaderboard
from pytest_medhelm.results.leaderboard.spending import with_payment
from pytest_medhelm.results.leaderboard.stored_results import earlier
from pytest_medhelm.results.store.opening import open_suite
from pytest_medhelm.scoring.record import Record
from pytest_medhelm.util.errors import ConfigError

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class SuiteView:
    """What a suite holds. It has the instance ids as the data has them, and no texts: mind where a frame is written."""

    path: Path
    records: Sequence[Record] = field(repr=False)
    """One for each instance and model, of the newest evaluation set and settings of its cell (docs/suite.md)."""
    cells: Sequence[Cell] = field(repr=False)
    """One for each benchmark and model, with its metrics, intervals and scores."""
    leaderboard: Leaderboard = field(repr=False)
    """The content of leaderboard.json (docs/leaderboard.schema.json), made anew from the records; the verdicts of
    gates are those that were written last."""

    def records_frame(self) -> pandas.DataFrame:
        """A row for each record; scores and slices are columns score.NAME and slice.NAME. Needs pandas."""
        return _frame(
            {name: record[name] for name in ("benchmark", "model", "instance", "perturbation", "repeat", "status")}
            | {"cluster": record["cluster"], "latency": record["latency"], "cost": record["cost"]}
            | {f"score.{name}": value for name, value in record["scores"].items()}
            | {f"slice.{name}": value for name, value in record["slices"].items()}
            for record in self.records
        )

    def cells_frame(self) -> pandas.DataFrame:
        """A row for each benchmark, model and metric: value, 95 % interval (low, high), n, missing. Needs pandas."""
        shown = ("value", "low", "high", "method", "n", "missing")
        return _frame(
            {"benchmark": cell.benchmark, "model": cell.model, "metric": name, "main": name == cell.main_metric}
            | {key: summary.get(key) for key in shown}
            | {"partial": cell.partial, "sample": cell.sample}
            for cell in self.cells
            for name, summary in cell.metrics.items()
        )

    def leaderboard_frame(self) -> pandas.DataFrame:
        """The main value of each benchmark (rows) and model (columns). Needs pandas."""
        rows: dict[str, dict[str, float | None]] = {}
        for cell in self.cells:
            rows.setdefault(cell.benchmark, {})[cell.model] = cell.value
        frame = _frame(rows.values())
        frame.index = _pandas().Index(rows, name="benchmark")
        return frame


def load_suite(path: str | Path) -> SuiteView:
    """Read the suite in a folder, e.g. "medhelm-results/default". Raises ConfigError saying what is wrong with it."""
    folder = Path(path)
    suite = open_suite(folder)
    try:
        cells, measured, spent = read_cells(suite)
        written = earlier(folder)
        results = written["results"] if written else None
        currency = written["measurements"]["spending"]["currency"] if written else "USD"
        return SuiteView(
            path=folder,
            records=[record for pair in suite.cells() for record in suite.records(*pair)],
            cells=cells,
            leaderboard=make_leaderboard(
                suite,
                cells,
                measured,
                with_payment(spent, currency, None),
                results["gates"] if results else (),
                results["published"] if results else None,
                results["agreement"] if results else None,
                results.get("preferences") if results else None,
            ),
        )
    finally:
        suite.close()


def _frame(rows: Iterable[Mapping[str, object]]) -> pandas.DataFrame:
    return _pandas().DataFrame(list(rows))


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise ConfigError("a frame needs pandas: run pip install pandas") from None
    return pandas
