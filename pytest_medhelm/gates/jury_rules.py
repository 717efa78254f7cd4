"""When a jury's value may decide: enough judges, and judges that were seen to agree with clinicians here."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_medhelm.gates.rule import Rule
from pytest_medhelm.gates.verdict import Measured, NotMeasured
from pytest_medhelm.results.agreement.validation import Validation
from pytest_medhelm.results.leaderboard.cell import Cell

RATED_BY_TWO = 30
"""Answers that two clinicians rated, at the least, before agreement with them is believed."""


def agreement(cell: Cell, found: Mapping[str, Validation]) -> Measured | NotMeasured:
    """What a rule on ``jury_agreement`` is about."""
    known = found.get(cell.benchmark)
    lacking = _lacking(known)
    if lacking:
        return NotMeasured(lacking, "inconclusive")
    assert known is not None
    assert known.value is not None
    limits = (known.low, known.high) if known.low is not None and known.high is not None else None
    return Measured(known.value, limits=limits, note=f"{known.answers} answers rated by two clinicians")


def unvalidated(rule: Rule, cell: Cell, found: Mapping[str, Validation]) -> NotMeasured | None:
    """Why a rule on a jury's value is inconclusive; None where it may decide, or is about something else."""
    if not cell.jury.is_jury_metric(rule.metric or cell.main_metric):
        return None
    judges = len(cell.jury.judges)
    if judges < rule.judges:
        return NotMeasured(
            f"{judges} judge{'s' if judges != 1 else ''} rated, {rule.judges} are needed", "inconclusive"
        )
    known = found.get(cell.benchmark)
    lacking = _lacking(known)
    if lacking:
        return NotMeasured(f"these judges are not validated here: {lacking}", "inconclusive")
    assert known is not None
    if known.low is None or known.low < rule.jury_agreement:
        low = "not known" if known.low is None else f"{known.low:.2f}"
        return NotMeasured(
            f"the judges' agreement with clinicians has the lower bound {low}, {rule.jury_agreement:.2f} is needed",
            "inconclusive",
        )
    return None


def _lacking(known: Validation | None) -> str:
    answers = 0 if known is None else known.answers
    if known is None or answers < RATED_BY_TWO or known.value is None:
        return (
            f"{answers} answers were rated by two clinicians, {RATED_BY_TWO} are needed: add their ratings with "
            "'medhelm annotate SUITE --ratings=FILE'"
        )
    return ""
