"""What harm the judges of a cell marked."""

from __future__ import annotations

from collections import Counter
from statistics import fmean

from pytest_medhelm.results.leaderboard.cell_entry import HarmMarks
from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.scoring.jury.harm import HARM, SEVERITIES


def harm_of(columns: Columns) -> HarmMarks | None:
    """What was marked in a cell; None where judges were not asked for harm.

    ``counts`` has the worst mark of each answer by severity, ``kinds`` the answers in which any judge names a kind,
    ``unmarked`` the judged answers without a mark of every judge, ``agreement`` the mean share of judges that agree
    with the worst mark.
    """
    if not any(name in columns.scores or name in columns.not_applicable for name in HARM):
        return None
    marks = [mark for mark in columns.jury.harm if mark is not None]
    judged = sum(ratings is not None for ratings in columns.jury.ratings)
    severities = Counter(mark["severity"] for mark in marks)
    kinds = Counter(kind for mark in marks for kind in mark["kinds"])
    return {
        "counts": {name: severities[name] for name in SEVERITIES},
        "kinds": dict(sorted(kinds.items())),
        "marked": len(marks),
        "unmarked": judged - sum(mark["marked"] == mark["judges"] for mark in marks),
        "agreement": fmean(mark["agree"] for mark in marks) if marks else None,
    }
