"""What the figures of a cell's confidences mean, in sentences for a reader who knows medicine and not statistics."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from pytest_medhelm.results.agreement.estimate import counted
from pytest_medhelm.results.leaderboard.calibration_entry import Calibration
from pytest_medhelm.results.leaderboard.cell_entry import CellEntry, Summary
from pytest_medhelm.results.leaderboard.confidence_column import AGREEMENT
from pytest_medhelm.results.leaderboard.confidence_measure import named

KINDS = {
    "logprobs": "how probable the letter of its answer was among those of all options (probabilities of tokens)",
    "stated": "the probability that the model itself gave for its answer",
    "agreement": "the share of its answers to the same question that chose the same option",
}
"""What each kind of confidence is."""
NAMES = {"logprobs": "token probabilities", "stated": "stated by the model", "agreement": "agreement of repeats"}
FEW = 30
"""Answers under which nothing is said but the numbers."""


def sentences(cell: CellEntry, calibration: Calibration) -> Iterator[str]:
    """One for each figure that is known, from what it is to what could be done about it."""
    yield f"Confidence is {KINDS[calibration['kind']]}{_missing(calibration)}."
    if calibration["mean"] is None or calibration["accuracy"] is None:
        return
    yield (
        f"Over {_answers(cell, calibration)} it is {_percent(calibration['mean'])} sure on average, and right in "
        f"{_percent(calibration['accuracy'])}."
    )
    yield verdict(cell, calibration)
    yield from _selective(cell, calibration)
    yield from _auroc(cell, calibration)
    yield from _losses(cell, calibration)
    yield from _rescaled(cell, calibration)


def figures(cell: CellEntry, calibration: Calibration) -> str:
    """The two figures that decide, and how many answers they are of: for a line of a table."""
    known = [
        (name, _summary(cell, metric, calibration)) for name, metric in (("Brier score", "brier"), ("AUROC", "auroc"))
    ]
    listed = ", ".join(f"{name} {_value(one)}" for name, one in known if _known(one)) or "no value"
    return f"{listed}, {_answers(cell, calibration)}{_missing(calibration)}"


def _answers(cell: CellEntry, calibration: Calibration) -> str:
    """How many answers the figures are of, and which ones where each question has several."""
    steadiness = cell.get("steadiness")
    if calibration["kind"] == AGREEMENT:
        return counted(calibration["n"], "question")
    return counted(calibration["n"], "first answer" if steadiness and steadiness["repeats"] > 1 else "answer")


def verdict(cell: CellEntry, calibration: Calibration) -> str:
    """Whether confidence and accuracy go together: only what chance does not make is called miscalibrated."""
    one, chance = _summary(cell, "ece", calibration), calibration["ece_by_chance"]
    if one is None or one["value"] is None or chance is None or one["low"] is None:
        return "the calibration error is not known"
    error = f"in ten groups confidence and accuracy differ by {_percent(one['value'])} on average (calibration error)"
    made = (
        f"a perfectly calibrated model with {counted(calibration['n'], 'answer')} would show about "
        f"{_percent(chance['mean'])}, and up to {_percent(chance['high'])} in 19 of 20 runs"
    )
    if calibration["n"] < FEW:
        return f"{error}, of which so few answers say nothing: {made}."
    if one["value"] <= chance["high"]:
        return f"{error}, which is no sign of miscalibration: {made}."
    if one["low"] <= 0:
        return f"{error}, a little more than chance makes, which may still be chance: {made}."
    surer = (calibration["mean"] or 0.0) - (calibration["accuracy"] or 0.0)
    how = "surer than it should be" if surer > 0 else "less sure than it could be"
    if abs(surer) < 0.01:
        how = "here surer, there less sure than it should be"
    return f"{error}, more than chance makes ({how}): {made}. Its percentages are not to be taken at their word."


def _selective(cell: CellEntry, calibration: Calibration) -> Iterator[str]:
    half = min(calibration["selective"], key=lambda point: abs(point["kept"] - 0.5))
    one = _summary(cell, "selective_accuracy", calibration)
    if calibration["n"] >= FEW and _known(one):
        yield (
            f"Were the half of which it is least sure left to a person, {_percent(half['accuracy'])} of the rest would "
            f"be right; over all such shares {_value(one)} on average (selective accuracy)."
        )


def _auroc(cell: CellEntry, calibration: Calibration) -> Iterator[str]:
    one = _summary(cell, "auroc", calibration)
    if _known(one):
        yield (
            f"Of a right and a wrong answer the right one has the higher confidence with probability {_value(one)} "
            "(AUROC); 0.5 is tossing a coin, however well calibrated."
        )
    elif calibration["accuracy"] in (0.0, 1.0):
        kind = "right" if calibration["accuracy"] else "wrong"
        yield f"Every answer is {kind}, so that nothing is known of whether confidence tells right from wrong."


def _losses(cell: CellEntry, calibration: Calibration) -> Iterator[str]:
    brier, nll, parts = _summary(cell, "brier", calibration), _summary(cell, "nll", calibration), calibration["parts"]
    if _known(brier) and parts is not None:
        yield (
            f"Brier score {_value(brier)}; 0 is best, and always saying the accuracy would give "
            f"{_plain(parts['uncertainty'])}: telling right from wrong gains {_plain(parts['discrimination'])}, wrong "
            f"percentages cost {_plain(parts['miscalibration'])} (chance makes some of both)."
        )
    share = calibration["accuracy"] or 0.0
    if _known(nll):
        known = -(share * math.log(share) + (1 - share) * math.log(1 - share)) if 0 < share < 1 else 0.0
        yield (
            f"Negative log-likelihood {_value(nll)}; 0 is best, and always saying the accuracy would give {known:.3f}: "
            "it punishes being sure of a wrong answer most."
        )


def _rescaled(cell: CellEntry, calibration: Calibration) -> Iterator[str]:
    after, brier = calibration["rescaled"], _summary(cell, "brier", calibration)
    if after is None or brier is None or brier["value"] is None:
        return
    could = "that would help" if after["high"] < brier["value"] else "no gain is shown"
    yield (
        f"Rescaled by what other answers teach (Platt) the Brier score would be {after['brier']:.3f} "
        f"({after['low']:.3f} to {after['high']:.3f}): {could}."
    )


def _missing(calibration: Calibration) -> str:
    if not calibration["missing"]:
        return ""
    why = "; ".join(f"{reason}: {count}" for reason, count in calibration["reasons"].items())
    missing = calibration["missing"]
    return f"; missing for {missing} of {calibration['n'] + missing}{f' ({why})' if why else ''}"


def _summary(cell: CellEntry, metric: str, calibration: Calibration) -> Summary | None:
    return cell["metrics"].get(named(metric, calibration["kind"]))


def _known(one: Summary | None) -> Any:
    return one is not None and one["value"] is not None


def _value(one: Summary | None) -> str:
    assert one is not None
    ends = "" if one["low"] is None else f" ({one['low']:.3f} to {one['high']:.3f})"
    return f"{one['value']:.3f}{ends}"


def _plain(value: float) -> str:
    return f"{round(value, 3) + 0.0:.3f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.0995 or share == 0 else f"{100 * share:.1f} %"
