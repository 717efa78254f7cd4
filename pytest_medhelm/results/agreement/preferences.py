"""What clinicians say who name the better one of two answers: how often each model is preferred, and how sure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from pytest_medhelm.results.agreement.preference_entries import PreferenceSection, PreferredModel, PreferredPair
from pytest_medhelm.results.stats.bradley_terry import LEAST_INSTANCES, Choice, Strengths, bradley_terry

SHARES = {"first": 1.0, "tie": 0.5, "second": 0.0}


class Preference(NamedTuple):
    """A rater's choice between two models' answers to an instance."""

    rater: str
    benchmark: str
    instance: str
    first: str
    second: str
    choice: str
    """first, second or tie."""


def assess_preferences(given: Sequence[Preference]) -> PreferenceSection | None:
    """All choices as one; None without any."""
    if not given:
        return None
    fitted = bradley_terry(
        [
            Choice(
                f"{preference.benchmark}\0{preference.instance}",
                preference.first,
                preference.second,
                SHARES[preference.choice],
            )
            for preference in given
        ]
    )
    names = sorted({name for preference in given for name in (preference.first, preference.second)})
    models = [_model(name, given, fitted) for name in names]
    models.sort(key=lambda model: -(model["value"] or 0))
    both, same = _alike(given)
    instances = len({(preference.benchmark, preference.instance) for preference in given})
    return {
        "raters": len({preference.rater for preference in given}),
        "choices": len(given),
        "instances": instances,
        "both": both,
        "same": same / both if both else None,
        "models": models,
        "pairs": _pairs(given, fitted),
        "note": _note(fitted, instances),
    }


def _note(fitted: Strengths | None, instances: int) -> str:
    if fitted is None:
        return "no strength can be computed: a model was never, or always, preferred to all others"
    if fitted.quantile is None:
        return f"no interval: {instances} instances are too few, {LEAST_INSTANCES} are needed"
    return ""


def _model(name: str, given: Sequence[Preference], fitted: Strengths | None) -> PreferredModel:
    counts = Counter(
        "tied"
        if preference.choice == "tie"
        else "preferred"
        if getattr(preference, preference.choice) == name
        else "other"
        for preference in given
        if name in (preference.first, preference.second)
    )
    value, low, high = fitted.chance_over(name) if fitted else (None, None, None)
    return {
        "model": name,
        "preferred": counts["preferred"],
        "tied": counts["tied"],
        "other": counts["other"],
        "value": value,
        "low": low,
        "high": high,
    }


def _pairs(given: Sequence[Preference], fitted: Strengths | None) -> list[PreferredPair]:
    counts = Counter(tuple(sorted((preference.first, preference.second))) for preference in given)
    pairs: list[PreferredPair] = []
    for (first, second), count in sorted(counts.items()):
        value, low, high = fitted.chance_over(first, second) if fitted else (None, None, None)
        pairs.append({"models": [first, second], "compared": count, "value": value, "low": low, "high": high})
    return pairs


def _alike(given: Sequence[Preference]) -> tuple[int, int]:
    """How often two raters saw the same two answers, and how often they then chose alike."""
    seen: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for preference in given:
        chosen = "tie" if preference.choice == "tie" else str(getattr(preference, preference.choice))
        seen[preference.benchmark, preference.instance, *sorted((preference.first, preference.second))].append(chosen)
    both = [one == other for chosen in seen.values() for one, other in combinations(chosen, 2)]
    return len(both), sum(both)
