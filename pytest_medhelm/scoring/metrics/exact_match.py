"""Metrics that compare strings: 0 or 1, and F1 over words.

The four matches and the normalisation are those of MedHELM 0.8.0 (HELM's basic metrics), so that values compare.
"""

from __future__ import annotations

import re
import string

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def exact_match(prediction: str, reference: str) -> float:
    """1.0 when prediction and reference are equal apart from spaces at their ends, else 0.0.

    For multiple choice both are letters. MedHELM maps the raw answer text to an option in the same way, so
    that its value for such a benchmark is ``exact_match(response.text, instance.answer)``: anything but the
    bare letter is 0.
    """
    return float(prediction.strip() == reference.strip())


def quasi_exact_match(prediction: str, reference: str) -> float:
    """1.0 when both are equal once normalised, else 0.0."""
    return float(normalised(prediction) == normalised(reference))


def prefix_exact_match(prediction: str, reference: str) -> float:
    """1.0 when the prediction begins with the reference, spaces at their ends aside, else 0.0."""
    return float(prediction.strip().startswith(reference.strip()))


def quasi_prefix_exact_match(prediction: str, reference: str) -> float:
    """1.0 when the normalised prediction begins with the normalised reference, else 0.0.

    A reference that normalises to nothing (an article, punctuation) is matched by nothing but such a prediction;
    in MedHELM everything matches it.
    """
    start = normalised(reference)
    return float(normalised(prediction).startswith(start) if start else not normalised(prediction))


def f1_score(prediction: str, reference: str) -> float:
    """F1 of the two sets of normalised words, 0 to 1: each word counts once; 0 when they share none."""
    predicted, expected = set(normalised(prediction).split()), set(normalised(reference).split())
    shared = len(predicted & expected)
    return 2 * shared / (len(predicted) + len(expected)) if shared else 0.0


def normalised(text: str) -> str:
    """Lower case, without ASCII punctuation, without the words a, an and the, single spaces; in this order."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())
