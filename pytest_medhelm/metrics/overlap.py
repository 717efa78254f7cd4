"""Metrics that count the words and word sequences shared with a reference text."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def _scorer() -> Any:
    # imported here: rouge_score loads nltk, which nobody who runs other metrics should wait for
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)


def rouge(prediction: str, reference: str) -> dict[str, float]:
    """ROUGE-1, ROUGE-2 and ROUGE-L as F-measures from 0 to 1 (Lin 2004), computed by the rouge-score package.

    As in MedHELM: lower case, words are runs of a-z and 0-9, words longer than three letters are reduced to
    their Porter stem, and ROUGE-L is the longest common subsequence of the whole texts. The rule for words
    fits English; a text without any such word gives 0.
    """
    scores = _scorer().score(target=reference, prediction=prediction)
    return {
        "rouge_1": float(scores["rouge1"].fmeasure),
        "rouge_2": float(scores["rouge2"].fmeasure),
        "rouge_l": float(scores["rougeL"].fmeasure),
    }
