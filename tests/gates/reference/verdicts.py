"""The verdict on a case, from docs/gates.md: a pass holds with the missing at their worst, a fail with them at best."""

from __future__ import annotations

from collections.abc import Sequence

from tests.gates.reference.corpus import Case
from tests.gates.reference.limits import (
    Ends,
    clopper_pearson,
    mean,
    of_differences,
    of_mean,
    of_share,
    of_shares,
    of_stratified_mean,
    recovered,
)

FEWEST = 10


def verdict(case: Case) -> str:
    if case.kind == "status":
        return _of_status(case)
    if case.kind.startswith("baseline"):
        return _of_baseline(case)
    return _of_labels(case) if case.kind == "labels" else _of_scores(case)


def _met(case: Case, value: float) -> bool:
    return value >= case.threshold - 1e-12 if case.comparison == ">=" else value <= case.threshold + 1e-12


def _decided(case: Case, low: float, high: float) -> str:
    """For a limit, and for a value that missing answers may move between two ends."""
    near, far = (low, high) if case.comparison == ">=" else (high, low)
    return "pass" if _met(case, near) else "inconclusive" if _met(case, far) else "fail"


def _of_status(case: Case) -> str:
    flags = [float(score is None) for score in case.scores]
    if not case.bound:
        return _decided(case, mean(flags), mean(flags))
    return _decided(case, *of_share(flags, case.sources, case.alpha))


def _of_scores(case: Case) -> str:
    parts = case.parts if case.parts and not case.metric.startswith("harm") else None
    known = [place for place, score in enumerate(case.scores) if score is not None]
    if not known or (parts and {parts[place] for place in known} != set(parts)):
        return "not evaluated"
    worst, best = case.scale
    gaps = [place for place, score in enumerate(case.scores) if score is None]
    ends = {score for score in case.scores if score is not None} <= {worst, best}
    fills = []
    alone = len(set(case.sources)) == len(case.sources)
    for good in _mixtures(gaps) if not (ends and alone) else [set(), set(gaps)]:
        fills.append([
            (best if place in good else worst) if score is None else score for place, score in enumerate(case.scores)
        ])  # fmt: skip
    if not case.bound:
        values = [_value(scores, parts) for scores in fills]
        return _decided(case, min(values), max(values))
    limits = [_limits(scores, case.sources, parts, case.alpha, exact=ends) for scores in fills]
    there = [[column[place] for place in known] if column else None for column in (case.scores, case.sources, parts)]
    limits.append(_limits(*there, case.alpha, exact=ends))  # type: ignore[arg-type]
    return _decided(case, min(low for low, _ in limits), max(high for _, high in limits))


def _mixtures(gaps: Sequence[int]) -> list[set[int]]:
    """Which of a few gaps are at their best: so many of the first, or of the last, or every other."""
    found: list[set[int]] = []
    for count in range(len(gaps) + 1):
        found += [set(gaps[:count]), set(gaps[len(gaps) - count :])]
    return [*found, set(gaps[::2]), set(gaps[1::2])] if len(gaps) > 2 else found


def _value(scores: Sequence[float], parts: Sequence[str] | None) -> float:
    if parts is None:
        return mean(scores)
    return mean([mean([s for s, p in zip(scores, parts, strict=True) if p == part]) for part in sorted(set(parts))])


def _limits(
    scores: Sequence[float], sources: Sequence[str], parts: Sequence[str] | None, alpha: float, *, exact: bool
) -> Ends:
    if exact:
        return of_share(scores, sources, alpha) if parts is None else of_shares(scores, sources, parts, alpha)
    return of_mean(scores, sources, alpha) if parts is None else of_stratified_mean(scores, sources, parts, alpha)


# Labels

Row = tuple[str, "str | None", str]


def _of_labels(case: Case) -> str:
    parts = case.parts or [""] * len(case.labels)
    rows = [(right, said, source, part) for (right, said), source, part in
            zip(case.labels, case.sources, parts, strict=True)]  # fmt: skip
    known = [row for row in rows if row[1] is not None]
    if not known or (case.parts and {row[3] for row in known} != set(case.parts)):
        return "not evaluated"
    if case.bound and case.metric == "macro_f1" and (_rare(known) or _rare(rows)):
        return "inconclusive"
    found = {fill: _over_parts(case, rows, fill) for fill in ("worst", "best")}
    found[""] = _over_parts(case, known, "")
    if not case.bound:
        return _decided(case, min(v for v, _, _ in found.values()), max(v for v, _, _ in found.values()))
    return _decided(case, min(low for _, low, _ in found.values()), max(high for _, _, high in found.values()))


def _rare(rows: Sequence[tuple[str, str | None, str, str]]) -> bool:
    seen = {label for row in rows for label in row[:2] if label}
    return any(sum(row[0] == label for row in rows) < FEWEST for label in seen)


def _over_parts(case: Case, rows: Sequence[tuple[str, str | None, str, str]], fill: str) -> tuple[float, float, float]:
    found = []
    for part in sorted({row[3] for row in rows}):
        own = [row[:3] for row in rows if row[3] == part]
        found.append(_of_label_metric(case.metric, own, fill, case.alpha))
    low, high = recovered(found)
    return mean([value for value, _, _ in found]), max(0.0, low), min(1.0, high)


def _of_label_metric(metric: str, rows: Sequence[Row], fill: str, alpha: float) -> tuple[float, float, float]:
    if metric == "micro_f1":
        filled = [(r, (r if fill == "best" else "wrong") if s is None else s, c) for r, s, c in rows]
        hits = _share(filled, alpha)
        usable = [row for row in filled if row[1]]
        right = sum(row[0] == row[1] for row in filled)
        return 2 * right / (len(filled) + len(usable)), hits[1], _share(usable, alpha)[2]
    if metric == "macro_f1":
        labels = sorted({label for row in rows for label in row[:2] if label})
        each = [_of_one(rows, label, fill, alpha, "f1") for label in labels]
        if fill == "worst":  # Each missing answer may say a label that no other has: its F1 is 0.
            each += [(0.0, 0.0, 1.0) for row in rows if row[1] is None]
        return tuple(mean([entry[end] for entry in each]) for end in range(3))  # type: ignore[return-value]
    return _of_one(rows, "y", fill, alpha, metric)


def _of_one(rows: Sequence[Row], label: str, fill: str, alpha: float, metric: str) -> tuple[float, float, float]:
    filled = []
    for right, said, source in rows:
        if said is None:
            # at worst a false alarm, or a case that is not found
            said = right if fill == "best" else ("" if right == label else label)
        filled.append((right, said, source))
    if metric == "recall":
        return _share([row for row in filled if row[0] == label], alpha)
    if metric == "precision":
        return _share([row for row in filled if row[1] == label], alpha)
    either = _share([row for row in filled if label in row[:2]], alpha)
    return tuple(2 * share / (1 + share) for share in either)  # type: ignore[return-value]


def _share(rows: Sequence[Row], alpha: float) -> tuple[float, float, float]:
    if not rows:
        return 0.0, 0.0, 1.0
    right = [float(row[0] == row[1]) for row in rows]
    if len(right) == 1:
        return right[0], *clopper_pearson(right[0], 1, alpha)
    return mean(right), *of_share(right, [row[2] for row in rows], alpha)


# Baselines


def _of_baseline(case: Case) -> str:
    low_of, high_of = min(case.scale), max(case.scale)
    known = [place for place, pair in enumerate(zip(case.scores, case.base, strict=True)) if None not in pair]
    if not known or (case.parts and {case.parts[place] for place in known} != set(case.parts)):
        return "not evaluated"
    gaps = [place for place in range(len(case.scores)) if place not in set(known)]
    span = high_of - low_of
    parts = case.parts or None
    there = [[column[place] for place in known] if column else None for column in (case.scores, case.base)]
    differences = [own - other for own, other in zip(*there, strict=True)]  # type: ignore[arg-type, operator]
    own_sources, own_parts = (
        [case.sources[place] for place in known],
        [parts[place] for place in known] if parts else None,
    )
    limits = [of_differences(differences, own_sources, own_parts, span, case.alpha)]
    for good in _mixtures(gaps):
        values: list[float] = []
        for place, (own, other) in enumerate(zip(case.scores, case.base, strict=True)):
            high = place in good
            mine = (high_of if high else low_of) if own is None else own
            theirs = (low_of if high else high_of) if other is None else other
            gap = mine - theirs
            values.append(0.0 if abs(gap) < 1e-6 else gap)
        limits.append(of_differences(values, case.sources, parts, span, case.alpha))
    return _decided(case, min(low for low, _ in limits), max(high for _, high in limits))
