"""What each metric says, in one sentence for a reader who knows medicine and not metrics."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files


@cache
def _words() -> dict[str, str]:
    found: dict[str, str] = json.loads((files("pytest_medhelm") / "reports" / "metric_words.json").read_text("utf-8"))
    return found


def words_of(metric: str) -> str:
    """One sentence; empty for a metric of someone's own benchmark that is not known here."""
    if metric in _words():
        return _words()[metric]
    if metric.endswith("_helm"):
        own = metric.removesuffix("_helm")
        return f"{own} as MedHELM 0.8.0 computes it, faults included: for comparison with published figures alone."
    if metric.startswith("jury_"):
        return f"Mean rating of the judges for {metric.removeprefix('jury_').replace('_', ' ')}."
    return ""
