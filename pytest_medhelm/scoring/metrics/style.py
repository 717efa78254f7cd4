"""How a text is written: reading level, length, hedging, and the headings of a note.

These measures describe. None of them says whether a text is right.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from pytest_medhelm.scoring.metrics.rouge import unicode_words
from pytest_medhelm.scoring.metrics.summarization import Scales
from pytest_medhelm.scoring.metrics.unavailable import Unavailable

TARGET_GRADE = 8.0
"""The highest school grade at which a text for patients is on target. The American Medical Association advises the
sixth grade (Weiss, Health literacy: a manual for clinicians, 2003), the National Institutes of Health none above the
eighth."""
HIGHEST_GRADE = 20.0
"""Grades beyond are recorded as this, grades below 0 as 0."""
LONGEST = 20.0
"""A larger ratio of lengths is recorded as this."""
SMOG_SENTENCES = 10
"""McLaughlin counts three samples of ten sentences each; a shorter text is not even one of them."""

READABILITY: Scales = {"flesch_kincaid_grade": (HIGHEST_GRADE, 0.0)}
SMOG: Scales = {"smog_grade": (HIGHEST_GRADE, 0.0)}
ON_TARGET: Scales = {"reading_level_on_target": (0.0, 1.0)}
LENGTH: Scales = {"length_ratio": (0.0, LONGEST)}
HEDGING: Scales = {"hedging": (0.0, 1.0)}
STRUCTURE: Scales = {"section_structure": (0.0, 1.0)}

HEDGES = frozenset(
    ("apparently", "could", "doubtful", "likely", "maybe", "may", "might", "perhaps", "plausible", "plausibly",
     "possible", "possibly", "presumable", "presumably", "presumed", "probable", "probably", "seem", "seemed", "seems",
     "suggest", "suggested", "suggesting", "suggestive", "suggests", "suspect", "suspected", "suspicious", "uncertain",
     "unclear", "unlikely")
)  # fmt: skip
"""English words that hold back from a statement: of Hyland's list of hedges (Metadiscourse, 2005, appendix) those that
express doubt about a fact, without those of degree, frequency and advice ("about", "often", "should") and without
"indicated", which in medicine says that a treatment is right."""
HEDGING_PHRASES = (
    r"appear(?:s|ed)? to", r"cannot exclude", r"cannot be excluded", r"cannot rule out", r"cannot be ruled out",
    r"(?:not|\w*n['’]t) (?:certain|clear|sure)",
)  # fmt: skip
"""Phrases of doubt, partly from radiology reports (Irvin 2019, CheXpert)."""

_WORD = re.compile(r"\d+(?:[.,/:]\d+)*|[^\W\d_]+(?:['’-][^\W\d_]+)*")
_END = re.compile(r"(?<![.!?])[.!?]++[\"'”’)\]]*+(?=\s)")
_ITEM = re.compile(r"\s*(?:[-*+•–—#>|]+\s*|\(?\d{1,2}[.)]\s+|[A-Za-z][.)]\s+){0,4}")
"""Marks of a list, a heading, a quotation or a table at the start of a line."""
_ABBREVIATIONS = frozenset(
    ("dr", "mr", "mrs", "ms", "prof", "st", "vs", "e.g", "i.e", "eg", "ie", "cf", "approx", "fig")
)
_PHRASE = re.compile(r"\b(?:{})\b".format("|".join(HEDGING_PHRASES)).replace(" ", r"\s+"), re.IGNORECASE)
_MAY = re.compile(r"\bmay\b|^\W*May\b(?![ \t]+\d)|\bMAY\b(?![ \t]+\d)")
"""The verb: not a month ("in May", "May 12")."""
_SPELLED = re.compile(r"[A-Z]{2,5}")
_LONGEST_WORD = 64
_WRAPPED_FROM = 60
"""A line of so many characters that ends in no punctuation may be wrapped."""


def sentences(text: str) -> list[str]:
    """The sentences of a text, English punctuation; those without a word are left out.

    A sentence ends at ".", "!" or "?" before a blank, though not behind a title or another usual abbreviation
    ("Dr. Lee", "e.g. milk"); "2.5 mg" is no end. Headings and the items of a list are
    sentences of their own; a line that is only wrapped goes on.
    """
    return [sentence for block in _blocks(text) for sentence in _cut(block) if _WORD.search(sentence)]


def words(text: str) -> list[str]:
    """The words of an English text as readability counts them: numbers too, and "follow-up" once."""
    return _WORD.findall(text)


def syllables(word: str) -> int:
    """The syllables of an English word, at least 1, by syllapy: its list of 6,400 words, else its rules for vowels.

    A number counts 1, the parts of "follow-up" one by one, and an abbreviation in capitals ("ECG") by its letters.
    """
    return sum(_known_syllables(part) if len(part) <= _LONGEST_WORD else 1 for part in word.split("-"))


def flesch_kincaid_grade(text: str, language: str = "en") -> float:
    """The school grade 0 to 20 that a text needs: 0.39 words per sentence + 11.8 syllables per word - 15.59.

    Kincaid 1975, for the US navy. Raises Unavailable when the text has no words or is not English.
    """
    _english(language)
    counts = _count(text)
    if not counts.words:
        raise Unavailable("the answer has no words")
    grade = 0.39 * counts.words / counts.sentences + 11.8 * counts.syllables / counts.words - 15.59
    return _between(grade, HIGHEST_GRADE)


def smog_grade(text: str, language: str = "en") -> float:
    """The school grade, up to 20, for understanding all of a text: 3.1291 + 1.043 sqrt(30 polysyllables / sentences).

    McLaughlin 1969; polysyllables are words of three syllables or more. Exact from 30 sentences on; shorter texts are
    projected to 30. Raises Unavailable below 10 sentences, or when the text is not English.
    """
    _english(language)
    counts = _count(text)
    if counts.sentences < SMOG_SENTENCES:
        raise Unavailable(f"SMOG needs at least {SMOG_SENTENCES} sentences")
    return _between(3.1291 + 1.043 * math.sqrt(30 * counts.polysyllables / counts.sentences), HIGHEST_GRADE)


def reading_level_on_target(text: str, language: str = "en", target: float = TARGET_GRADE) -> float:
    """1 when the Flesch-Kincaid grade is at most ``target``, else 0. Raises Unavailable as ``flesch_kincaid_grade``."""
    return float(flesch_kincaid_grade(text, language) <= target)


def length_ratio(text: str, reference: str) -> float:
    """Words of the text for each word of the reference, 0 to 20, in any script.

    Raises Unavailable when the reference has no words.
    """
    expected = len(unicode_words(reference))
    if not expected:
        raise Unavailable("the reference has no words")
    return _between(len(unicode_words(text)) / expected, LONGEST)


def hedging(text: str, language: str = "en") -> float:
    """The share of sentences that hold a hedge (HEDGES), 0 to 1.

    Raises Unavailable when the text has no words or is not English.
    """
    _english(language)
    text_sentences = sentences(text)
    if not text_sentences:
        raise Unavailable("the answer has no words")
    return sum(map(_hedges, text_sentences)) / len(text_sentences)


def section_structure(text: str, sections: Sequence[str]) -> float:
    """The share of the expected headings that a note has in the expected order, 0 to 1, in any language.

    A heading is a line, or what stands before a colon at its start, whatever its case, numbering and markdown.
    "Assessment and Plan" is two. Alternatives are separated by "|": ``("Subjective|History", "Plan")``. Of headings in
    another order the longest run of right ones counts. Raises ValueError without sections.
    """
    if not sections:
        raise ValueError("section_structure needs the headings that are expected")
    expected = [{_fold(name) for name in section.split("|")} for section in sections]
    reached = [0] * (len(expected) + 1)
    for heading in _headings(text):
        for index in range(len(expected), 0, -1):
            if heading in expected[index - 1]:
                # The most headings in order that end with this one.
                reached[index] = max(reached[index], max(reached[:index]) + 1)
    return max(reached) / len(expected)


class _Counts(NamedTuple):
    sentences: int
    words: int
    syllables: int
    polysyllables: int


@lru_cache(1)
def _count(text: str) -> _Counts:
    text_sentences = sentences(text)
    each = [syllables(word) for sentence in text_sentences for word in words(sentence)]
    return _Counts(len(text_sentences), len(each), sum(each), sum(number >= 3 for number in each))


def _hedges(sentence: str) -> bool:
    for word in words(sentence):
        if word.lower() in HEDGES and (word.lower() != "may" or _MAY.search(sentence)):
            return True
    return _PHRASE.search(sentence) is not None


def _english(language: str) -> None:
    if language.partition("-")[0] != "en":
        raise Unavailable(f"known for English only, not for language {language!r}")


def _between(value: float, most: float) -> float:
    return min(most, max(0.0, value))


@lru_cache(2**15)
def _known_syllables(word: str) -> int:
    import syllapy

    if _SPELLED.fullmatch(word) and word.lower() not in syllapy.WORD_DICT:
        return len(word) + 2 * word.count("W")
    return max(1, int(syllapy.count(re.sub(r"['’]s?$", "", word))))


def _blocks(text: str) -> Iterator[str]:
    """Lines, with those that are only wrapped put together."""
    block: list[str] = []
    for line in text.splitlines():
        mark, rest = _unmarked(line)
        if block and (mark or not _goes_on(block[-1], rest)):
            yield " ".join(block)
            block = []
        if rest:
            block.append(rest)
    if block:
        yield " ".join(block)


def _unmarked(line: str) -> tuple[str, str]:
    """What marks a line as an item or a heading, and the rest of it."""
    matched = _ITEM.match(line)
    end = matched.end() if matched else 0
    return line[:end].strip(), line[end:].strip()


def _goes_on(before: str, line: str) -> bool:
    wrapped = len(before) >= _WRAPPED_FROM and before[-1] not in ".!?:"
    return bool(line) and (line[0].islower() or line[0].isdigit() or wrapped)


def _cut(block: str) -> Iterator[str]:
    start = 0
    for end in _END.finditer(block):
        before = re.split(r"[\s(]", block[max(start, end.start() - 8) : end.start()])[-1]
        if end.group() == "." and before.lower() in _ABBREVIATIONS:
            continue
        yield block[start : end.end()].lstrip()
        start = end.end()
    yield block[start:].lstrip()


def _headings(text: str) -> Iterator[str]:
    for line in text.splitlines():
        whole = _fold(_unmarked(line)[1][:120].partition(":")[0])
        yield whole
        parts = re.split(r"\s+and\s+|\s*[/&]\s*", whole)
        if len(parts) > 1:
            yield from parts


def _fold(heading: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", heading).casefold().strip(" \t*_#:.").split())
