"""Limits of shares, means, labels and paired differences, each at a one-sided level, as docs/gates.md states them."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from scipy import stats

Ends = tuple[float, float]


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def grouped(values: Sequence[Any], keys: Sequence[Any]) -> list[list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for value, key in zip(values, keys, strict=True):
        found[key].append(value)
    return list(found.values())


# Shares


def clopper_pearson(right: float, n: float, alpha: float) -> Ends:
    """Biometrika 26, 1934; numbers that are not whole as Korn and Graubard, Survey Methodology 24, 1998."""
    low = float(stats.beta.ppf(alpha, right, n - right + 1)) if right > 0 else 0.0
    high = float(stats.beta.ppf(1 - alpha, right + 1, n - right)) if right < n else 1.0
    return low, high


def wilson(share: float, n: float, alpha: float) -> Ends:
    """J. Am. Stat. Assoc. 22, 1927."""
    z = float(stats.norm.ppf(1 - alpha))
    centre, half = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)
    return (0.0 if share == 0 else low), (1.0 if share == 1 else high)


def careful_wilson(share: float, n: float, alpha: float) -> Ends:
    """Wilson's, but the exact limit where it is further out and fewer than 25 cases lie on its side."""
    low, high = wilson(share, n, alpha)
    exact = clopper_pearson(share * n, n, alpha)
    return (
        min(low, exact[0]) if share * n < 25 else low,
        max(high, exact[1]) if (1 - share) * n < 25 else high,
    )


# Sources


def kish(sizes: Sequence[int]) -> float:
    """How many equal sources unequal ones are worth (Kish, Survey Sampling, 1965)."""
    return sum(sizes) ** 2 / sum(size * size for size in sizes)


def design(values: Sequence[float], sources: Sequence[Any], parts: Sequence[Any], informative: int) -> float:
    """The design effect: the jackknife variance of the mean over sources by that of independent scores, at least 1.

    Where fewer sources than ``informative`` hold a score other than the most frequent of their part, every source
    counts once.
    """
    n, names = len(values), sorted(set(sources))
    if len(names) == n:
        return 1.0
    sizes = Counter(parts)
    means = {part: mean([v for v, p in zip(values, parts, strict=True) if p == part]) for part in sizes}
    unusual = set()
    for part in sizes:
        counts = Counter(round(v, 12) for v, p in zip(values, parts, strict=True) if p == part)
        most = max(counts.values())
        top = [value for value, count in counts.items() if count == most]
        for value, source, own in zip(values, sources, parts, strict=True):
            if own == part and (len(top) > 1 or round(value, 12) != top[0]):
                unusual.add(source)
    if len(unusual) < informative:
        return n / len(names)
    weight = {part: 1 / (len(sizes) * sizes[part]) for part in sizes}
    totals: dict[Any, float] = defaultdict(float)
    share: dict[Any, float] = defaultdict(float)
    independent = 0.0
    for value, source, part in zip(values, sources, parts, strict=True):
        deviation = weight[part] * (value - means[part])
        totals[source] += deviation
        share[source] += weight[part]
        independent += deviation * deviation
    k = len(names)
    jackknife = (k - 1) / k * sum((totals[name] / (1 - share[name])) ** 2 for name in names)
    return max(1.0, jackknife / (n / (n - 1) * independent))


def quantile(sources: Sequence[Any], alpha: float) -> float:
    """Student's over as many equal sources as there are, the normal one where every instance stands alone."""
    sizes = list(Counter(sources).values())
    if max(sizes) == 1:
        return float(stats.norm.ppf(1 - alpha))
    return float(stats.t.ppf(1 - alpha, max(1.0, kish(sizes) - 1)))


def believed(sources: Sequence[Any]) -> int:
    return max(5, min(25, len(set(sources)) // 2))


# Means of scores on 0..1


def regular(deviations: Sequence[float]) -> bool:
    """Cochran's rule (Sampling Techniques, section 2.15)."""
    count = len(deviations)
    if count < 10 or max(abs(each) for each in deviations) * count < 1e-9:
        return False
    return count > 25 * skewness(deviations) ** 2


def skewness(deviations: Sequence[float]) -> float:
    second = mean([each**2 for each in deviations])
    return mean([each**3 for each in deviations]) / second**1.5


def of_mean(values: Sequence[float], sources: Sequence[Any], alpha: float, informative: int = 5) -> Ends:
    """Of graded scores (or right-or-wrong ones that share sources, as the page has them)."""
    n, whole = len(values), [0] * len(values)
    effect, q = design(values, sources, whole, informative), quantile(sources, alpha)
    middle, m = mean(values), n / effect
    binary = set(values) <= {0.0, 1.0}
    totals: dict[Any, float] = defaultdict(float)
    for value, source in zip(values, sources, strict=True):
        totals[source] += (value - middle) / n
    by_t: Ends | None = None
    if not binary and regular(list(totals.values())):
        t = q if len(totals) < n else float(stats.t.ppf(1 - alpha, m - 1))
        error = math.sqrt(sum((value - middle) ** 2 for value in values) / (n - 1) / m)
        # Johnson, J. Am. Stat. Assoc. 73, 1978; and room for extreme scores too rare to have been seen
        shift = skewness(list(totals.values())) * (1 + 2 * min(t, 7.0) ** 2) / (6 * math.sqrt(len(totals)))
        unseen = 1 - alpha ** (1 / m)
        shared = len(totals) < n  # over sources it widens one end and narrows none
        by_t = (
            min(middle + error * ((min(shift, 0.0) if shared else shift) - t), middle * (1 - unseen)),
            max(middle + error * ((max(shift, 0.0) if shared else shift) + t), middle + (1 - middle) * unseen),
        )
        if by_t[0] >= 0 and by_t[1] <= 1:
            return by_t
    m *= (float(stats.norm.ppf(1 - alpha)) / q) ** 2
    if binary:
        return careful_wilson(middle, m, alpha)
    ordered = sorted(values)
    median = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    above = mean([max(value - median, 0) for value in values]) / (1 - median) if median < 1 else 0.0
    below = mean([max(median - value, 0) for value in values]) / median if median > 0 else 0.0
    up, down = careful_wilson(min(above, 1.0), m, alpha), careful_wilson(min(below, 1.0), m, alpha)
    low = median + (1 - median) * up[0] - median * down[1]
    high = median + (1 - median) * up[1] - median * down[0]
    if by_t is not None:
        low, high = min(low, max(0.0, by_t[0])), max(high, min(1.0, by_t[1]))
    return max(0.0, low), min(1.0, high)


def of_stratified_mean(
    values: Sequence[float], sources: Sequence[Any], parts: Sequence[Any], alpha: float, informative: int = 5
) -> Ends:
    """The unweighted mean of the means of sub-tasks: Cochran's standard error, Agresti and Coull where t is unfit."""
    if len(set(parts)) == 1:
        return of_mean(values, sources, alpha, informative)
    z = float(stats.norm.ppf(1 - alpha))
    variance, means = 0.0, []
    for group in grouped(values, parts):
        n, middle = len(group), mean(group)
        means.append(middle)
        if not set(group) <= {0.0, 1.0} and regular([value - middle for value in group]):
            square, df = sum((value - middle) ** 2 for value in group) / (n - 1), n - 1
        else:
            share = (sum(group) + z * z / 2) / (n + z * z)
            square, df = share * (1 - share), n + 3
        variance += square / n * (float(stats.t.ppf(1 - alpha, df)) / z) ** 2
    effect = design(values, sources, parts, informative)
    half = quantile(sources, alpha) * math.sqrt(variance * effect) / len(means)
    low, high = mean(means) - half, mean(means) + half
    if not set(values) <= {0.0, 1.0}:
        # graded: not narrower than each sub-task's own, as if they had no source in common
        found = []
        for group in grouped(list(zip(values, sources, strict=True)), parts):
            own = [value for value, _ in group]
            found.append((mean(own), *of_mean(own, [source for _, source in group], alpha, informative)))
        apart = recovered(found)
        low, high = min(low, apart[0]), max(high, apart[1])
    return max(0.0, low), min(1.0, high)


def recovered(parts: Sequence[tuple[float, float, float]]) -> Ends:
    """Of a mean of independent parts (value, low, high): Zou and Donner, Stat. Med. 27, 2008."""
    k, middle = len(parts), mean([value for value, _, _ in parts])
    down = math.sqrt(sum((value - low) ** 2 for value, low, _ in parts)) / k
    up = math.sqrt(sum((high - value) ** 2 for value, _, high in parts)) / k
    return middle - down, middle + up


def of_share(right: Sequence[float], sources: Sequence[Any], alpha: float) -> Ends:
    """Right-or-wrong scores: exact; never narrower than the page's where instances share a source."""
    n, whole = len(right), [0] * len(right)
    z, q = float(stats.norm.ppf(1 - alpha)), quantile(sources, alpha)
    m = n / design(right, sources, whole, 5) * min(1.0, z / q) ** 2
    low, high = clopper_pearson(mean(right) * m, m, alpha)
    if len(set(sources)) == n:
        return low, high
    page = of_mean(right, sources, alpha, believed(sources))
    return min(low, page[0]), max(high, page[1])


def of_shares(right: Sequence[float], sources: Sequence[Any], parts: Sequence[Any], alpha: float) -> Ends:
    """Of the unweighted mean over sub-tasks."""
    found = []
    for group in grouped(list(zip(right, sources, strict=True)), parts):
        own = [value for value, _ in group]
        found.append((mean(own), *of_share(own, [source for _, source in group], alpha)))
    low, high = recovered(found)
    page = of_stratified_mean(right, sources, parts, alpha)
    return max(0.0, min(low, page[0])), min(1.0, max(high, page[1]))


# Paired differences


def tango(better: int, worse: int, n: int, z: float) -> Ends:
    """Stat. Med. 17, 1998: where the score of a supposed difference is z, and -z."""

    def score(difference: float) -> float:
        a, b = 2 * n, (2 * n - better + worse) * difference - better - worse
        c = -worse * difference * (1 - difference)
        share = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
        variance = n * (2 * share + difference * (1 - difference))
        gap = better - worse - n * difference
        if variance <= 1e-15:
            return math.copysign(math.inf, gap) if gap else 0.0
        return gap / math.sqrt(variance)

    def crossing(target: float, low: float, high: float) -> float:
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if score(middle) > target else (low, middle)
        return (low + high) / 2

    estimate = (better - worse) / n
    low = -1.0 if estimate == -1 else crossing(z, -1.0, estimate)
    return low, 1.0 if estimate == 1 else crossing(-z, estimate, 1.0)


def of_pairs(better: int, worse: int, n: int, alpha: float) -> Ends:
    """Tango's at the level alpha (1 - 12 / n), at least 0.8 alpha, not beyond what as many differences in one direction
    alone leave possible."""
    z = float(stats.norm.ppf(1 - alpha * max(0.8, 1 - 12 / n)))

    def reach(towards: int, against: int) -> float:
        score = tango(towards, against, n, z)[1]
        alone = [count for count in range(n + 1) if tango(count, 0, n, z)[1] <= score + 1e-12]
        return max(score, clopper_pearson(max(alone), n, alpha)[1]) if alone else score

    return -reach(worse, better), reach(better, worse)


def of_differences(
    values: Sequence[float], sources: Sequence[Any], parts: Sequence[Any] | None, span: float, alpha: float
) -> Ends:
    n = len(values)
    whole = [0] * n if parts is None else parts
    if len(set(sources)) == n and all(abs(abs(value) - span) < 1e-9 or value == 0 for value in values):
        found = []
        for group in grouped(values, whole):
            better, worse = sum(value > 0 for value in group), sum(value < 0 for value in group)
            found.append(((better - worse) / len(group), *of_pairs(better, worse, len(group), alpha)))
        low, high = recovered(found)
        return span * max(-1.0, low), span * min(1.0, high)
    unit = [(value + span) / (2 * span) for value in values]
    alone = len(set(sources)) == n
    informative = believed(()) if alone else believed(sources)
    low, high = (
        of_mean(unit, sources, alpha, informative)
        if parts is None
        else of_stratified_mean(unit, sources, parts, alpha, informative)
    )
    low, high = 2 * span * low - span, 2 * span * high - span
    if parts is not None and len(set(parts)) > 1:
        found = []
        for rows in grouped(list(zip(values, sources, strict=True)), parts):
            own = [value for value, _ in rows]
            found.append((mean(own), *of_differences(own, [source for _, source in rows], None, span, alpha)))
        apart = recovered(found)
        return max(-span, min(low, apart[0])), min(span, max(high, apart[1]))
    unusual = n - max(Counter(values).values())
    single = parts is None or len(set(parts)) == 1
    if alone and single and 2 * unusual < n and is_student(unit, alpha):
        middle = mean(values)
        wider = float(stats.t.ppf(1 - alpha, max(1, unusual - 1)) / stats.t.ppf(1 - alpha, n - 1))
        low, high = max(-span, middle - wider * (middle - low)), min(span, middle + wider * (high - middle))
    return low, high


def is_student(unit: Sequence[float], alpha: float) -> bool:
    """Whether Student's t was taken: graded, regular, and inside the scale."""
    middle, n = mean(unit), len(unit)
    if set(unit) <= {0.0, 1.0} or not regular([(value - middle) / n for value in unit]):
        return False
    t = float(stats.t.ppf(1 - alpha, n - 1))
    error = math.sqrt(sum((value - middle) ** 2 for value in unit) / (n - 1) / n)
    shift = skewness([value - middle for value in unit]) * (1 + 2 * min(t, 7.0) ** 2) / (6 * math.sqrt(n))
    unseen = 1 - alpha ** (1 / n)
    low = min(middle + error * (shift - t), middle * (1 - unseen))
    high = max(middle + error * (shift + t), middle + (1 - middle) * unseen)
    return low >= 0 and high <= 1
