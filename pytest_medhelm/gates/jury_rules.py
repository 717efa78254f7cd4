"""When what judges say may decide: enough judges, and judges that were seen to agree with clinicians here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_medhelm.gates.rule import Rule
from pytest_medhelm.gates.verdict import Measured, NotMeasured
from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.results.stats.limits import Limits

if TYPE_CHECKING:
    from pytest_medhelm.results.agreement.validation import Validation

RATED_BY_TWO = 30
"""Answers that two clinicians rated, at the least, before agreement with them is believed."""
SOURCE = "McGraw and Wong, Psychol. Methods 1, 1996"


def agreement(rule: Rule, known: Validation | None) -> Measured | NotMeasured:
    """What a rule on ``jury_agreement`` is about; ``known`` has limits at the rule's level."""
    lacking = _lacking(known)
    if lacking:
        return NotMeasured(lacking, "inconclusive")
    assert known is not None
    assert known.value is not None
    limits = None
    if known.low is not None and known.high is not None:
        limits = Limits(known.low, known.high, rule.alpha, "F interval of ICC(2,1)", SOURCE)
    return Measured(known.value, limits=limits, note=f"{known.answers} answers rated by two clinicians")


def is_judged(rule: Rule, cell: Cell) -> bool:
    """What a rule is about is made of verdicts of judges; never-events are about the main metric."""
    named = "" if rule.metric == "must_pass" else rule.metric
    return cell.columns.is_judged(named or cell.main_metric)


def doubt_about(rule: Rule, cell: Cell, known: Validation | None) -> str:
    """Why a metric that is made of verdicts lets nothing pass; empty where it may, or is made of something else.

    A fail may rest on judges that nobody validated, a pass may not, unless the rule says so with its reason.
    """
    if not is_judged(rule, cell):
        return ""
    judges = len(cell.jury.judges)
    if judges < rule.judges:
        return f"{judges} judge{'s' if judges != 1 else ''} rated, {rule.judges} are needed"
    if rule.validated:
        return ""
    lacking = _lacking(known)
    if lacking:
        return f"these judges are not validated here: {lacking}"
    assert known is not None
    if known.low is None or known.low < rule.jury_agreement:
        low = "not known" if known.low is None else f"{known.low:.2f}"
        return f"the judges' agreement with clinicians has the lower bound {low}, {rule.jury_agreement:.2f} is needed"
    return ""


def _lacking(known: Validation | None) -> str:
    answers = 0 if known is None else known.answers
    if known is None or answers < RATED_BY_TWO or known.value is None:
        return (
            f"{answers} answers were rated by two clinicians, {RATED_BY_TWO} are needed: let them rate with "
            "'medhelm serve SUITE --rate', or add a table with 'medhelm annotate SUITE --ratings=FILE'"
        )
    return ""
