"""The two limits that decide a gate, with the name of the formula that gave them and where it is from."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_medhelm.results.stats.intervals import Interval


@dataclass(frozen=True, slots=True)
class Limits:
    """A lower and an upper limit, each at the one-sided level alpha."""

    low: float
    high: float
    alpha: float
    name: str
    """Of the formula."""
    source: str
    """Where it was published."""
    note: str = ""
    """What to keep in mind."""


CLOPPER_PEARSON = (
    ("Clopper-Pearson", "Clopper and Pearson, Biometrika 26, 1934"),
    (
        "Clopper-Pearson of each sub-task, combined by recovering variances",
        "Clopper and Pearson, Biometrika 26, 1934; Zou and Donner, Stat. Med. 27, 2008",
    ),
)
"""Of a share, and of the unweighted mean of the shares of sub-tasks: name and source."""

_SOURCES = {
    "Student t": "Student's t, Cochran, Sampling Techniques, 1977; Johnson, J. Am. Stat. Assoc. 73, 1978",
    "cluster t": "Student's t over sources; Johnson, J. Am. Stat. Assoc. 73, 1978; Kish, Survey Sampling, 1965",
    "bounded mean": "shares above and below the median, Clopper and Pearson, Biometrika 26, 1934",
    "stratified": (
        "stratified mean, Cochran, Sampling Techniques, 1977; Agresti and Coull, Am. Stat. 52, 1998; not narrower than "
        "sub-tasks combined by recovering variances, Zou and Donner, Stat. Med. 27, 2008"
    ),
    "Wilson": "Wilson, J. Am. Stat. Assoc. 22, 1927; Clopper and Pearson, Biometrika 26, 1934",
}


def of_interval(interval: Interval, alpha: float) -> Limits:
    """The limits of an interval of the confidence 1 - 2 alpha (``mean_interval``)."""
    source = next((text for start, text in _SOURCES.items() if interval.method.startswith(start)), "")
    return Limits(interval.low, interval.high, alpha, interval.method, source, interval.note)
