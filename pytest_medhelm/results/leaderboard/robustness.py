"""What other words do to answers: more columns of scores, for the instances that were asked in other words.

Chance alone changes answers: a model that is right in four of five cases has a worst of eight of 0.17. So each variant
has an unperturbed answer to the same instance beside it (the noise floor), and what counts is the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

from pytest_medhelm.results.leaderboard.answers import LOSS, Answer, Answers
from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.results.stats.repeats import worst_at_k

ABOVE_NOISE = ("mean_drop", "excess_flip_rate", "worst_case_drop")
"""Metrics that need the noise floor; above 0 is worse than chance alone."""
OF_VARIANTS = ("worst_case_helm", "perturbed_flip_rate", *ABOVE_NOISE)
DROP = "drop_"
"""Before the name of a perturbation: what it alone does to the main score."""

OfAnswers = Callable[[Answers], float | None]


def add_variant_scores(columns: Columns) -> Columns:
    """Add what variants do to each instance that has some, where there are any; returns the same columns.

    An instance that has none is left out of these metrics; one of whose answers one is missing has no score.
    """
    varied = [answers for answers in columns.answers if answers is not None and answers.variants]
    if not varied:
        return columns
    worst, best = scale = columns.main_scale
    span = columns.spans.get(columns.main_metric, scale)
    lower, reach = best < worst, max(span) - min(span)
    drop = _Drop(lower)
    _add(columns, "worst_case_helm", _worst_of_all, scale)
    if span != scale:
        columns.spans["worst_case_helm"] = span
    _add(columns, "perturbed_flip_rate", lambda answers: _flips(answers, [*answers.variants.values()]), (1.0, 0.0))
    if any(answers.unperturbed for answers in varied):
        _add(columns, "mean_drop", drop.of_means, (reach, -reach), paired=True)
        _add(columns, "excess_flip_rate", _excess_flips, (1.0, -1.0), paired=True)
        _add(columns, "worst_case_drop", drop.of_worst, (reach, -reach), paired=True)
    for name in sorted({name for answers in varied for name in answers.variants}):
        _add(columns, DROP + name, drop.by(name), (reach, -reach), paired=True, only=name)
    return columns


def _add(
    columns: Columns, name: str, of: OfAnswers, scale: tuple[float, float], *, paired: bool = False, only: str = ""
) -> None:
    """``only``: the perturbation that an instance must have for the metric to exist."""
    there = [
        answers is not None and bool(answers.variants) and (not only or only in answers.variants)
        for answers in columns.answers
    ]
    columns.scores[name] = [
        of(answers) if fits and answers is not None else None
        for fits, answers in zip(there, columns.answers, strict=True)
    ]
    columns.scales[name] = list(scale)
    columns.derived.add(name)
    columns.varied.add(name)
    columns.lost[name] = LOSS
    columns.not_applicable[name] = {row for row, fits in enumerate(there) if not fits}
    columns.not_applicable[name] |= columns.not_applicable.get(columns.main_metric, set())
    if paired:
        columns.paired.add(name)
    if columns.is_judged(columns.main_metric):
        columns.judged.add(name)


def _known(answers: Sequence[Answer]) -> list[float] | None:
    """All scores; None where one is missing or there is no answer."""
    scores = [answer.score for answer in answers if answer.score is not None]
    return scores if scores and len(scores) == len(answers) else None


def _worst_of_all(answers: Answers) -> float | None:
    """HELM's worst case: the smallest score of the instance and its variants, also where lower is better."""
    scores = _known([answers.repeats[0], *answers.variants.values()])
    return None if scores is None else min(scores)


def _flips(answers: Answers, others: Sequence[Answer]) -> float | None:
    """The share of answers that say something else than the first one to the unchanged instance."""
    first = answers.repeats[0].said
    if first is None or not others or any(answer.said is None for answer in others):
        return None
    return fmean(answer.said != first for answer in others)


def _excess_flips(answers: Answers) -> float | None:
    changed, chance = (_flips(answers, others) for others in ([*answers.variants.values()], answers.unperturbed))
    return None if changed is None or chance is None else changed - chance


class _Drop:
    """How much worse variants are than unchanged instances: above 0 is worse."""

    def __init__(self, lower_is_better: bool) -> None:
        self._lower = lower_is_better

    def of_means(self, answers: Answers) -> float | None:
        """The mean of the noise floor less that of the variants."""
        changed, chance = _known([*answers.variants.values()]), _known(answers.unperturbed)
        return None if changed is None or chance is None else self._signed(fmean(chance), fmean(changed))

    def of_worst(self, answers: Answers) -> float | None:
        """The worst of as many of the noise floor as of the variants, less that of the variants."""
        changed, chance = _known([*answers.variants.values()]), _known(answers.unperturbed)
        if changed is None or chance is None:
            return None
        k = min(len(changed), len(chance))
        low = (worst_at_k(scores, k, lower_is_better=self._lower) for scores in (chance, changed))
        return self._signed(*low)

    def by(self, name: str) -> OfAnswers:
        """All unchanged answers less the one to a variant."""

        def drop(answers: Answers) -> float | None:
            changed, chance = answers.variants[name].score, _known([*answers.repeats, *answers.unperturbed])
            return None if changed is None or chance is None else self._signed(fmean(chance), changed)

        return drop

    def _signed(self, unchanged: float, changed: float) -> float:
        return changed - unchanged if self._lower else unchanged - changed
