"""Raters of one kind among themselves: clinicians against each other, judges against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pytest_medhelm.results.agreement.coefficients import alpha, weighted_kappa
from pytest_medhelm.results.agreement.columns import instances
from pytest_medhelm.results.agreement.differences import Difference, differences
from pytest_medhelm.results.agreement.estimate import Estimate
from pytest_medhelm.results.agreement.icc import agreement, icc, one_way
from pytest_medhelm.results.agreement.interpretation import meaning
from pytest_medhelm.results.agreement.judges import Bias, biases
from pytest_medhelm.results.agreement.pairs import Pair, over_pairs
from pytest_medhelm.results.agreement.sample_size import SampleSize, needed
from pytest_medhelm.results.agreement.table import COMPLETE, Table, design, standardised

_FEW_RATERS = 4
"""Up to so many raters, every pair's difference is shown: 6 pairs."""


@dataclass(frozen=True, slots=True)
class Group:
    """Raters of one kind among themselves."""

    kind: str
    raters: int
    answers: int
    ratings: int
    design: str
    agreement: Estimate
    meaning: str
    others: tuple[Estimate, ...]
    biases: tuple[Bias, ...]
    pairs: tuple[Pair, ...]
    """Of ICC(2,1), with the number of answers in common."""
    differences: Mapping[str, Difference]
    """First minus second of every pair, where there are few raters."""
    needed: SampleSize | None


def among(kind: str, table: Table, *, zscore: bool, precision: float | None) -> Group | None:
    """The raters of a table, a ``kind`` in the plural; None without any.

    ``precision``: the wanted half-width of the interval of their agreement.
    """
    if not table.raters:
        return None
    scaled = standardised(table) if zscore else table
    rated = table.rated()
    headline = agreement(scaled)
    kind_of_design = design(table) if len(table.raters) > 1 else "a single rater"
    mean, pairs = over_pairs(scaled, lambda pair: icc(pair, "ICC(2,1)"))
    kappa, _ = over_pairs(table, weighted_kappa)
    others: list[Estimate] = []
    if kind_of_design == COMPLETE:
        others += [icc(scaled, "ICC(3,1)"), icc(scaled, "ICC(3,k)"), icc(scaled, "ICC(1,1)")]
    elif headline.name != "ICC(1,1)":
        others.append(one_way(scaled))
    whole = bool((table.scores[rated] == np.rint(table.scores[rated])).all())
    others += [mean, alpha(scaled, "interval"), *((alpha(table, "ordinal"), kappa) if whole else ())]
    twice = rated.sum(axis=1)
    typical = max(2, round(float(twice[twice >= 2].mean()))) if (twice >= 2).any() else 2
    apart = {}
    if 2 <= len(table.raters) <= _FEW_RATERS:
        for pair in pairs:
            common = table.columns(*pair.raters)
            apart[" minus ".join(pair.raters)] = differences(common, instances(common))
    return Group(
        kind,
        len(table.raters),
        len(table.answers),
        int(rated.sum()),
        kind_of_design,
        headline,
        meaning(headline, f"one {kind.removesuffix('s')}'s score", "another's"),
        tuple(others),
        tuple(biases(table, instances(table))),
        tuple(pairs),
        apart,
        needed(headline, precision, raters=typical),
    )
