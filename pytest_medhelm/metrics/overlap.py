"""Metrics that count the words and word sequences shared with a reference text."""

from __future__ import annotations

import re
from functools import cache
from typing import Any


class _UnicodeWords:
    """Words of any script, in lower case and unstemmed; what rouge-score calls a tokenizer."""

    def tokenize(self, text: str) -> list[str]:
        # Scripts written without blanks between words count by character.
        return re.findall(r"[぀-ヿ㐀-鿿豈-﫿]|[^\W_぀-ヿ㐀-鿿豈-﫿]+", text.lower())


@cache
def _scorer(unicode: bool) -> Any:
    # imported here: rouge_score loads nltk, which nobody who runs other metrics should wait for
    from rouge_score.rouge_scorer import RougeScorer

    kinds = ["rouge1", "rouge2", "rougeL"]
    return RougeScorer(kinds, tokenizer=_UnicodeWords()) if unicode else RougeScorer(kinds, use_stemmer=True)


def rouge_english(prediction: str, reference: str) -> dict[str, float]:
    """ROUGE-1, ROUGE-2 and ROUGE-L as F-measures from 0 to 1 (Lin 2004), computed by the rouge-score package.

    As in MedHELM: lower case, words are runs of a-z and 0-9, words longer than three letters are reduced to
    their Porter stem, and ROUGE-L is the longest common subsequence of the whole texts. The rule for words
    fits English; a text without any such word gives 0.
    """
    return _rouge(prediction, reference, unicode=False)


def rouge_unicode(prediction: str, reference: str) -> dict[str, float]:
    """ROUGE over the words of any script, without stemming; beside it ``<name>_helm``, as ``rouge_english``.

    MedHELM's rule for words knows a-z and 0-9 only: in "Schädel" it sees "sch" and "del", in Cyrillic nothing.
    """
    own = _rouge(prediction, reference, unicode=True)
    return own | {f"{name}_helm": value for name, value in rouge_english(prediction, reference).items()}


def _rouge(prediction: str, reference: str, *, unicode: bool) -> dict[str, float]:
    scores = _scorer(unicode).score(target=reference, prediction=prediction)
    return {
        "rouge_1": float(scores["rouge1"].fmeasure),
        "rouge_2": float(scores["rouge2"].fmeasure),
        "rouge_l": float(scores["rougeL"].fmeasure),
    }
