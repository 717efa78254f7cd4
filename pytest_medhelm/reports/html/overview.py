"""What the top of the leaderboard says of each model and of the run, drawn from leaderboard.json alone."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median
from typing import Final, TypedDict

from pytest_medhelm.models.metadata import ModelMetadata
from pytest_medhelm.models.spec import CANDIDATE
from pytest_medhelm.reports.html.charts import Cloud, Point, cloud
from pytest_medhelm.results.leaderboard.document import Leaderboard, MacroAverage, Results, Spent

UNUSABLE: Final = ("unparsed", "refused", "truncated", "too_long", "blocked", "empty")
"""Statuses of answers that count as the worst score."""
LOST: Final = ("request_error", "judge_error", "skipped")
"""Statuses of instances without a score: the plumbing failed, not the model."""
_KINDS = (CANDIDATE, "human", "imported", "baseline")


class ModelRow(ModelMetadata):
    """A model at the top of the page."""

    benchmarks: int
    rate: float | None
    """Mean win rate; None outside of the pool."""
    range: list[float] | None
    """Of the win rate under resampling."""
    macro: MacroAverage | None
    averages: list[float | None]
    """By category, 0 to 1."""
    done: int
    """Instances; as the next two."""
    unusable: int
    lost: int
    severe: int | None
    latency: float | None
    """The median over benchmarks of the median seconds of an answer; None where none was measured (a baseline computes,
    it is not asked)."""
    spent: Spent | None


class ModelCloud(Cloud):
    """A picture of the models."""

    key: str
    unit: str


class RunFacts(TypedDict):
    """The newest run in a few facts."""

    runs: int
    started: str
    version: str
    settings: dict[str, object]


def in_order(results: Results) -> list[ModelMetadata]:
    """The models as columns: candidates by mean win rate and name, then humans, imports, baselines."""
    rates = results["win_rate"]["rates"]
    return sorted(
        results["models"],
        key=lambda facts: (_KINDS.index(facts["kind"]), -(rates.get(facts["name"]) or 0.0), facts["name"]),
    )


def model_rows(leaderboard: Leaderboard, models: Sequence[ModelMetadata]) -> list[ModelRow]:
    """For each model: win rate with its range, category averages, counts of unusable answers, harm, latency, cost."""
    results, measured = leaderboard["results"], leaderboard["measurements"]
    rows: list[ModelRow] = []
    for facts in models:
        name = facts["name"]
        cells = [cell for cell in results["cells"] if cell["model"] == name]
        statuses = [cell["statuses"] for cell in cells]
        times = [measured["cells"][f"{cell['benchmark']} {name}"]["latency_p50"] for cell in cells]
        known = [seconds for seconds in times if seconds]
        harm = [cell["harm"]["counts"]["severe"] for cell in cells if cell["harm"] and cell["harm"]["marked"]]
        rows.append(
            {
                **facts,
                "benchmarks": len(cells),
                "rate": results["win_rate"]["rates"].get(name),
                "range": results["win_rate"]["stability"].get(name),
                "macro": results["win_rate"]["macro"].get(name),
                "averages": [category["averages"].get(name) for category in results["categories"]],
                "done": sum(sum(counts.values()) for counts in statuses),
                "unusable": sum(counts.get(status, 0) for counts in statuses for status in UNUSABLE),
                "lost": sum(counts.get(status, 0) for counts in statuses for status in LOST),
                "severe": sum(harm) if harm else None,
                "latency": median(known) if known else None,
                "spent": measured["spending"]["models"].get(name),
            }
        )
    return rows


def clouds(rows: Sequence[ModelRow], rated: bool) -> list[ModelCloud]:
    """Pictures of the models' seconds and costs against how well they do; one for each that is known of two models.

    How well: the mean win rate where there is one (``rated``), else the plain average of the category averages.
    """
    of_models: list[ModelCloud] = []
    for key, unit in (("latency", "seconds for an answer, median"), ("cost", "cost of the run")):
        points = []
        for row in rows:
            averages = [value for value in row["averages"] if value is not None]
            good = row["rate"] if rated else (fmean(averages) if averages else None)
            amount = row["latency"] if key == "latency" else row["spent"] and row["spent"]["cost"]
            if good is not None and amount is not None:
                ends = row["range"] or (None, None)
                points.append(Point(row["name"], row["kind"], amount, good, *(ends if rated else (None, None))))
        if len(points) > 1:
            of_models.append({"key": key, "unit": unit, **cloud(points)})
    return of_models


def facts_of_run(leaderboard: Leaderboard) -> RunFacts:
    """The newest run in a few facts: when, how many runs the suite has, version, settings that shape the results.

    The settings are those of the newest run that asked, and of the newest import, in the order of leaderboard.json.
    """
    runs = leaderboard["measurements"]["runs"]
    settings = [run["settings"] for run in reversed(runs)]
    asked: dict[str, object] = next((each for each in settings if "models" in each), {})
    imported: dict[str, object] = next((each for each in settings if "imported_runs" in each), {})
    return {
        "runs": len(runs),
        "started": runs[-1]["started"] if runs else "",
        "version": runs[-1]["packages"].get("pytest-medhelm", "") if runs else "",
        "settings": dict(sorted((asked | imported).items())),
    }
