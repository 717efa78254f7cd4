"""A metric that compares a number with a reference."""

from __future__ import annotations


def number_accuracy(prediction: float, reference: float, tolerance: float = 0.0) -> float:
    """1.0 when the prediction is within the tolerance of the reference, ends included, else 0.0.

    Rounding errors of the last digits of a float do not count: 0.3 is 0.1 + 0.2.
    """
    slack = 1e-9 * max(1.0, abs(reference))
    return float(abs(prediction - reference) <= tolerance + slack)
