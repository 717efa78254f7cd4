"""Metrics of labels over a whole set of instances: values, and limits each at a one-sided level.

Precision and recall are shares. So is J = TP / (TP + FP + FN), of which F1 = 2 J / (1 + J) grows. Macro F1, the
unweighted mean of the labels' F1, has the means of their limits, which hold however these depend on each other. Micro
F1, the F1 of all decisions together, lies between the share of right answers of all and that of those with a usable
label. With sub-tasks each value is the unweighted mean of theirs. A division by zero is 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Literal, NamedTuple

from pytest_medhelm.results.stats.exact_limits import share_limits
from pytest_medhelm.results.stats.recovery import recovered

_OTHER = "\0"
"""Stands for any other label than the one that is looked at."""
FEWEST = 10
"""Fewer instances of a label say little of it."""
Fill = Literal["", "worst", "best"]
"""What stands for missing answers: nothing, or the worst or the best that they could say."""


class Labelled(NamedTuple):
    """An instance with a label."""

    right: str
    """Empty where nobody knows it."""
    predicted: str | None
    """Empty where the answer has no usable label, None where it is missing."""
    cluster: str
    sub_task: str
    unseen: str = ""
    """Of an answer that is missing with its right label: which label it may be the only one to have, if any."""


class LabelLimits(NamedTuple):
    """A value with its lower and its upper limit, all in 0..1."""

    low: float
    value: float
    high: float


Metric = Callable[[Sequence[Labelled], str, float, Fill, int], LabelLimits]


def label_limits(
    metric: str, answers: Sequence[Labelled], positive: str, alpha: float, fill: Fill = "", labels: int = 0
) -> LabelLimits:
    """Value and limits of a metric (a key of ``METRICS``) of ``answers``, of which missing ones are filled in.

    ``positive`` is the label of precision, recall and f1; ``labels`` how many labels there are, 0: not known.
    """
    sub_tasks: dict[str, list[Labelled]] = defaultdict(list)
    for answer in answers:
        if fill or answer.predicted is not None:
            sub_tasks[answer.sub_task].append(answer)
    return independent([METRICS[metric](part, positive, alpha, fill, labels) for part in sub_tasks.values()])


def independent(parts: Sequence[LabelLimits]) -> LabelLimits:
    """Of the mean of independent parts, by recovering variances (Zou and Donner, Stat. Med. 27, 2008)."""
    low, high = recovered([(part.value, part.low, part.high) for part in parts])
    return LabelLimits(max(0.0, low), fmean(part.value for part in parts), min(1.0, high))


def seen(answers: Sequence[Labelled]) -> list[str]:
    """The labels that are right or predicted somewhere, sorted."""
    return sorted({label for answer in answers for label in (answer.right, answer.predicted) if label})


def _filled(answers: Sequence[Labelled], label: str, fill: Fill, unknown: str) -> list[Labelled]:
    """Missing answers as bad, or as good, as they can be for one label.

    ``unknown`` is what is right, at worst, where nobody knows it: at best it is the label, which was found.
    """
    filled = []
    for answer in answers:
        if answer.predicted is None:
            right = answer.right or (unknown if fill == "worst" else label)
            if fill == "worst":
                answer = answer._replace(right=right, predicted=label if right != label else "")
            else:
                answer = answer._replace(right=right, predicted=right)
        filled.append(answer)
    return filled


def _share(right: Sequence[bool], answers: Sequence[Labelled], alpha: float) -> LabelLimits:
    """Nothing is known of the share of none, which counts as 0."""
    if not answers:
        return LabelLimits(0.0, 0.0, 1.0)
    scores = [float(each) for each in right]
    low, high = share_limits(scores, [answer.cluster for answer in answers], alpha)
    return LabelLimits(low, fmean(scores), high)


def _hits(answers: Sequence[Labelled], alpha: float) -> LabelLimits:
    """The share of right answers."""
    return _share([answer.right == answer.predicted for answer in answers], answers, alpha)


def _recall(answers: Sequence[Labelled], label: str, alpha: float, fill: Fill, _: int) -> LabelLimits:
    return _hits([answer for answer in _filled(answers, label, fill, label) if answer.right == label], alpha)


def _precision(answers: Sequence[Labelled], label: str, alpha: float, fill: Fill, _: int) -> LabelLimits:
    filled = _filled(answers, label, fill, _OTHER)
    return _hits([answer for answer in filled if answer.predicted == label], alpha)


def _f1(answers: Sequence[Labelled], label: str, alpha: float, fill: Fill, _: int) -> LabelLimits:
    filled = _filled(answers, label, fill, label)
    either = _hits([answer for answer in filled if label in (answer.right, answer.predicted)], alpha)
    return LabelLimits(*(2 * share / (1 + share) for share in either))


def _macro_f1(answers: Sequence[Labelled], _: str, alpha: float, fill: Fill, labels: int) -> LabelLimits:
    known = seen(answers)
    parts = [_f1(answers, label, alpha, fill, labels) for label in known]
    if fill == "worst":
        # A missing answer may have, and may say, a label that no other has: its F1 is 0 and counts like the others.
        right = len({answer.unseen for answer in answers if answer.unseen})
        said = sum(answer.predicted is None for answer in answers)
        further = right + said if not labels else min(right + said, max(0, labels - len(known)))
        parts += [LabelLimits(0.0, 0.0, 1.0)] * further
    return LabelLimits(*map(fmean, zip(*parts, strict=True))) if parts else LabelLimits(0.0, 0.0, 1.0)


def _micro_f1(answers: Sequence[Labelled], _: str, alpha: float, fill: Fill, __: int) -> LabelLimits:
    # A missing answer is at worst a usable label that is wrong.
    right = [answer.right == answer.predicted or (answer.predicted is None and fill == "best") for answer in answers]
    usable = [answer.predicted != "" for answer in answers]
    count = sum(usable)
    value = 2 * sum(right) / (len(answers) + count) if answers else 0.0
    those = [answer for answer, use in zip(answers, usable, strict=True) if use]
    hits = [hit for hit, use in zip(right, usable, strict=True) if use]
    return LabelLimits(_share(right, answers, alpha).low, value, _share(hits, those, alpha).high)


METRICS: dict[str, Metric] = {
    "macro_f1": _macro_f1,
    "micro_f1": _micro_f1,
    "precision": _precision,
    "recall": _recall,
    "f1": _f1,
}
OF_ONE_LABEL = frozenset({"precision", "recall", "f1"})
