"""How far the confidences of a cell are right: what leaderboard.json has of it beside the metrics."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from pytest_medhelm.results.leaderboard.calibration_entry import Calibration, Rescaled
from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.results.leaderboard.confidence_column import ConfidenceColumn
from pytest_medhelm.results.stats.calibration import expected_by_chance
from pytest_medhelm.results.stats.discrimination import selective_curve
from pytest_medhelm.results.stats.intervals import mean_interval
from pytest_medhelm.results.stats.losses import brier, log_loss
from pytest_medhelm.results.stats.platt import cross_fitted, fit
from pytest_medhelm.results.stats.reliability import consistency_band, curve, decomposition

CONFIDENCE = 0.95


def calibrations_of(columns: Columns) -> list[Calibration]:
    """One entry for each kind of confidence of a cell."""
    return [_calibration(kind, column, columns.clusters) for kind, column in columns.confidences.items()]


def _calibration(kind: str, column: ConfidenceColumn, clusters: Sequence[str]) -> Calibration:
    answers = [(*answer, name) for answer, name in zip(column.entries, clusters, strict=True)]
    known = [
        (confidence, outcome, name)
        for confidence, outcome, name in answers
        if confidence is not None and outcome is not None
    ]
    confidences, outcomes, names = [row[0] for row in known], [row[1] for row in known], [row[2] for row in known]
    calibration: Calibration = {
        "kind": kind,
        "n": len(known),
        "missing": len(answers) - len(known),
        "reasons": dict(sorted(column.reasons.items())),
        "confidence": [confidence for confidence, _ in column.entries],
        "mean": None, "accuracy": None, "parts": None, "ece_by_chance": None,
        "curve": [], "band": [], "selective": [], "rescaled": None,
    }  # fmt: skip
    if known:
        mean, high = expected_by_chance(confidences)
        parts = decomposition(confidences, outcomes)
        calibration |= {
            "mean": fmean(confidences),
            "accuracy": fmean(outcomes),
            "parts": {
                "miscalibration": parts.miscalibration,
                "discrimination": parts.discrimination,
                "uncertainty": parts.uncertainty,
            },
            "ece_by_chance": {"mean": mean, "high": high},
            "curve": [
                {"low": step.low, "high": step.high, "right": step.right, "answers": step.answers}
                for step in curve(confidences, outcomes)
            ],
            "band": [
                {"confidence": point.confidence, "low": point.low, "high": point.high}
                for point in consistency_band(confidences)
            ],
            "selective": [
                {"kept": kept, "accuracy": accuracy} for kept, accuracy in selective_curve(confidences, outcomes)
            ],
            "rescaled": _rescaled(confidences, outcomes, names),
        }
    return calibration


def _rescaled(confidences: Sequence[float], outcomes: Sequence[float], clusters: Sequence[str]) -> Rescaled | None:
    rescaled = cross_fitted(confidences, outcomes, clusters)
    if rescaled is None:
        return None
    losses = [*map(brier, rescaled, outcomes)]
    interval = mean_interval(losses, scale=(1.0, 0.0), clusters=clusters, confidence=CONFIDENCE)
    assert interval is not None
    platt = fit(confidences, outcomes)
    return {
        "slope": platt.slope,
        "intercept": platt.intercept,
        "brier": fmean(losses),
        "low": interval.low,
        "high": interval.high,
        "nll": fmean(map(log_loss, rescaled, outcomes)),
    }
