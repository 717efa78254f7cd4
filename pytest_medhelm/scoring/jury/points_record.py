"""What a record keeps of an answer graded by criteria with points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_medhelm.scoring.jury.points import (
    Met,
    PointsScore,
    by_tag,
    helm_points_score,
    length_adjustment,
    points_score,
)
from pytest_medhelm.tasks.points import PointsCriterion

if TYPE_CHECKING:
    from pytest_medhelm.scoring.record import RecordBuilder

LENGTH_ADJUSTED = "length_adjusted"
NO_POSITIVE = "its criteria have negative points only"


def record_points(
    draft: RecordBuilder,
    criteria: Sequence[PointsCriterion],
    gradings: Sequence[Met] | None,
    length_penalty: float | None,
    *,
    characters: int,
) -> None:
    """Record ``jury``, the score of each tag, ``jury_helm`` and, with a penalty, ``length_adjusted``.

    ``gradings`` is None for an answer that no judge was asked about: it meets nothing, and nothing is added for its
    length. A tag whose criteria all have negative points is undefined for this example, with that reason.
    """
    given = [[False] * len(criteria)] if gradings is None else gradings
    whole = points_score(criteria, given)
    _add(draft, "jury", whole)
    for name, positions in by_tag(criteria).items():
        of_tag = [[grading[position] for position in positions] for grading in given]
        _add(draft, name, points_score([criteria[position] for position in positions], of_tag))
    helm = helm_points_score(criteria, given)
    if helm is not None:
        draft.judged.add("jury_helm")
        draft.add_unclipped("jury_helm", helm, (min(0.0, helm), max(1.0, helm)))
    if length_penalty is not None:
        _add(draft, LENGTH_ADJUSTED, whole, length_adjustment(characters, length_penalty) if gradings else 0.0)


def _add(draft: RecordBuilder, name: str, score: PointsScore | None, added: float = 0.0) -> None:
    draft.judged.add(name)
    if score is None:
        draft.absent[name] = NO_POSITIVE
        return
    span = (score.lowest + added, 1.0 + added)
    if score.value is None:
        draft.leave_open(name, score.worst + added, score.best + added, span)
    else:
        draft.add_unclipped(name, score.value + added, span)
