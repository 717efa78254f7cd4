"""Metrics that count the words and word sequences shared with a reference text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

from pytest_medhelm.scoring.metrics.porter import with_the_stemmer_alone

_LONGEST_WORD = 64
"""Longer runs of letters are no English words and are not stemmed."""


def unicode_words(text: str) -> list[str]:
    """The words of a text in any script, in lower case and unstemmed.

    Scripts written without spaces between words (Chinese, Japanese) count by character.
    """
    return re.findall(r"[぀-ヿ㐀-鿿豈-﫿]|[^\W_぀-ヿ㐀-鿿豈-﫿]+", text.lower())


def rouge_english(prediction: str, reference: str) -> dict[str, float]:
    """ROUGE-1, ROUGE-2 and ROUGE-L as F-measures from 0 to 1 (Lin 2004), equal to the rouge-score package's.

    As in MedHELM: lower case, words are runs of a-z and 0-9, words longer than three letters are reduced to
    their Porter stem, and ROUGE-L is the longest common subsequence of the whole texts. The rule for words
    fits English; a text without any such word gives 0.
    """
    return _rouge(_english_words(prediction), _english_words(reference))


def rouge_unicode(prediction: str, reference: str) -> dict[str, float]:
    """ROUGE over the words of any script, without stemming.

    MedHELM's rule for words knows a-z and 0-9 only: in "Schädel" it sees "sch" and "del", in Cyrillic nothing.
    """
    return _rouge(unicode_words(prediction), unicode_words(reference))


class _Split:
    """Words that were found before; what rouge-score calls a tokenizer."""

    def tokenize(self, text: str) -> list[str]:
        return text.split()


class _Stemmer:
    """The Porter stemmer with a memory: stemming is most of the time that ROUGE takes."""

    def __init__(self) -> None:
        self._porter = with_the_stemmer_alone("nltk.stem.porter").PorterStemmer()
        self._remembered = lru_cache(2**15)(self._porter.stem)

    def stem(self, word: str) -> str:
        return str(self._remembered(word)) if len(word) <= _LONGEST_WORD else word


@cache
def _stemmer() -> _Stemmer:
    return _Stemmer()


@cache
def _scorer() -> Any:
    # Imported here: nobody who runs other metrics should wait for it.
    scorer = with_the_stemmer_alone("rouge_score.rouge_scorer")
    return scorer.RougeScorer(["rouge1", "rouge2"], tokenizer=_Split())


def _english_words(text: str) -> list[str]:
    return list(_tokenizer()(text, _stemmer()))


@cache
def _tokenizer() -> Callable[[str, _Stemmer], list[str]]:
    return with_the_stemmer_alone("rouge_score.tokenize").tokenize  # type: ignore[no-any-return]


def _rouge(prediction: Sequence[str], reference: Sequence[str]) -> dict[str, float]:
    scores = _scorer().score(target=" ".join(reference), prediction=" ".join(prediction))
    shared = longest_common_subsequence(prediction, reference)
    return {
        "rouge_1": float(scores["rouge1"].fmeasure),
        "rouge_2": float(scores["rouge2"].fmeasure),
        "rouge_l": _f_measure(shared / len(prediction), shared / len(reference)) if shared else 0.0,
    }


def _f_measure(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall)


def longest_common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """How many words stand in both texts in the same order, with gaps.

    One whole number holds a row of the usual table, one bit for each word of the shorter text (Hyyrö 2004), which is
    a hundred times as fast as the table: 1 MB of text against a short reference takes a fraction of a second.
    """
    short, long = sorted((first, second), key=len)
    positions: dict[str, int] = {}
    for index, word in enumerate(short):
        positions[word] = positions.get(word, 0) | 1 << index
    everything = (1 << len(short)) - 1
    row = everything
    for word in long:
        matches = row & positions.get(word, 0)
        if matches:
            row = ((row + matches) | (row - matches)) & everything
    return len(short) - row.bit_count()
