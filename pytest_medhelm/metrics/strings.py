"""Metrics that compare strings."""

from __future__ import annotations


def exact_match(prediction: str, reference: str) -> float:
    """1.0 when prediction and reference are equal apart from blanks at their ends, else 0.0.

    For multiple choice both are letters. MedHELM maps the raw answer text to an option in the same way, so
    that its value for such a benchmark is ``exact_match(response.text, instance.answer)``: anything but the
    bare letter is 0.
    """
    return float(prediction.strip() == reference.strip())
