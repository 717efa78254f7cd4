"""What single judges do to the values of a suite: leave one out, let one alone decide, look for favour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_medhelm.models.vendor import family
from pytest_medhelm.results.agreement.columns import by_rater, instances
from pytest_medhelm.results.agreement.estimate import Estimate
from pytest_medhelm.results.agreement.judges import LeaveOneOut, Ordering, leave_one_out, orderings, self_preference
from pytest_medhelm.results.store.ratings import Rating


@dataclass(frozen=True, slots=True)
class JudgeInfluence:
    """What single judges do to the values of one benchmark."""

    benchmark: str
    without: Mapping[str, LeaveOneOut]
    """By model: the mean, and the means without one judge."""
    full: Mapping[str, float]
    orderings: tuple[Ordering, ...]


def single_judges(scores: Sequence[Rating]) -> tuple[JudgeInfluence, ...]:
    """Every benchmark that judges rated, by name."""
    cells: dict[str, dict[str, list[Rating]]] = defaultdict(lambda: defaultdict(list))
    for rating in scores:
        if rating.kind == "judge":
            cells[rating.answer.benchmark][rating.answer.model].append(rating)
    judged = []
    for benchmark, models in sorted(cells.items()):
        panel = {rating.rater for ratings in models.values() for rating in ratings}
        tables = {model: by_rater(ratings, panel) for model, ratings in sorted(models.items())}
        full, ordered = orderings(tables)
        without = {model: leave_one_out(table) for model, table in tables.items()}
        judged.append(JudgeInfluence(benchmark, without, full, tuple(ordered)))
    return tuple(judged)


def favours(scores: Sequence[Rating]) -> dict[str, Estimate]:
    """By judge: what it gives its own family, which the estimate names; nothing for a single judge."""
    judgements = [rating for rating in scores if rating.kind == "judge"]
    judges = sorted({rating.rater for rating in judgements})
    if len(judges) < 2:
        return {}
    pooled: dict[str, list[Rating]] = defaultdict(list)
    for rating in judgements:
        pooled[rating.answer.model].append(rating)
    tables = {model: by_rater(ratings) for model, ratings in sorted(pooled.items())}
    clusters = {model: instances(table) for model, table in tables.items()}
    families = {name: family(name) for name in (*tables, *judges)}
    return {
        judge: replace(
            self_preference(judge, tables, clusters, families), name=f"self-preference, family {families[judge]}"
        )
        for judge in judges
    }
