"""An assessment of judges and clinicians as a JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pytest_medhelm.results.agreement.assessment import Assessment
from pytest_medhelm.results.agreement.columns import COMPOSITE

FORMAT = 1
"""Version of the JSON document."""


def document(assessment: Assessment) -> Mapping[str, object]:
    """The same as plain values for JSON; every statistic has value, low, high, n, raters, method and note."""
    content: dict[str, Any] = asdict(assessment)
    content["criteria"] = {criterion.pop("criterion"): criterion for criterion in content["criteria"]}
    for judged in content["judged"]:
        for model, left in judged["without"].items():
            # properties are no fields
            values = left["without"].values()
            judged["without"][model] = left | {"low": min(values, default=None), "high": max(values, default=None)}
    return {"format": FORMAT, "confidence": 0.95, "composite": COMPOSITE, **content}
