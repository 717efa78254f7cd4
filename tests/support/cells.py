"""What several test files share."""

from __future__ import annotations

from typing import Any

from pytest_medhelm.results.leaderboard.aggregate import Columns, make_cell


def cell_of(scores: list[float | None], model: str = "m", clusters: list[str] | None = None, **columns: Any) -> Any:
    """A cell of these scores, as the aggregation makes it."""
    names = [f"i{number}" for number in range(len(scores))]
    made = Columns(
        eval_set_hash="e", size=len(names), main_metric="exact_match", ids=names,
        statuses=["ok" if score is not None else "request_error" for score in scores],
        clusters=clusters or names, sub_tasks=[""] * len(names), scores={"exact_match": scores},
        scales={"exact_match": [0.0, 1.0]}, **columns,
    )  # fmt: skip
    return make_cell(
        "b", model, made, {"sub_tasks": [], "data": {"origin": "given"}, "category": "", "subcategory": ""}
    )
