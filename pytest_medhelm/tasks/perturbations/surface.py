"""Spelling, spaces, capitals, contractions: what people type. As HELM's perturbations, but for protected words.

Each is a function of a text; which words may change is in ``protected.py``.
"""

from __future__ import annotations

import re
from functools import cache
from random import Random

from pytest_medhelm.tasks.perturbations.perturbation import OfText, Perturbation
from pytest_medhelm.tasks.perturbations.protected import FILLERS, MISSPELT, common_words, gaps, like, replaced, some_of

# A negation is no word to be shortened: "is not" stays, and so does "isn't".
CONTRACTIONS = {
    "it is": "it's", "that is": "that's", "there is": "there's", "what is": "what's", "who is": "who's",
    "she is": "she's", "he is": "he's", "they are": "they're", "we are": "we're", "you are": "you're", "i am": "I'm",
    "they have": "they've", "we have": "we've", "you have": "you've", "i have": "I've", "she will": "she'll",
    "he will": "he'll", "they will": "they'll", "it will": "it'll", "we will": "we'll", "you will": "you'll",
}  # fmt: skip
_EXPANSIONS = {short.lower(): long for long, short in CONTRACTIONS.items()}
SHARE = 0.1
"""Of the words that may change, as HELM misspells and fills in; at least one does."""
ENGLISH = ("en",)
NOTHING = "it has no word that may change"


@cache
def _pattern(*words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w'’-])({'|'.join(map(re.escape, words))})(?![\w'’-])(?! not\b)", re.IGNORECASE)


def _exchanged(text: str, words: dict[str, str]) -> str:
    return _pattern(*words).sub(lambda matched: like(words[matched[0].lower().replace("’", "'")], matched[0]), text)


def lower_case(text: str, random: Random) -> str:
    """Common words lose their capitals; names, drugs and abbreviations keep theirs."""
    return replaced(text, common_words(text), str.lower)


def contraction(text: str, random: Random) -> str:
    """What is spoken: "it is" becomes "it's"."""
    return _exchanged(text, CONTRACTIONS)


def expansion(text: str, random: Random) -> str:
    """What is written: "it's" becomes "it is"."""
    return _exchanged(text, _EXPANSIONS)


def misspelling(text: str, random: Random) -> str:
    """One common word in ten is spelt as people misspell it."""
    words = [word for word in common_words(text) if word[0].lower() in MISSPELT]
    return replaced(text, some_of(words, SHARE, random), lambda word: like(MISSPELT[word.lower()], word))


def typos(text: str, random: Random) -> str:
    """In one common word in ten two neighbouring letters, not the first one, change places."""

    def change(word: str) -> str:
        positions = [position for position in range(1, len(word) - 1) if word[position] != word[position + 1]]
        position = positions[random.randrange(len(positions))]
        return word[:position] + word[position + 1] + word[position] + word[position + 2 :]

    words = [word for word in common_words(text) if len(set(word[0][1:])) > 2]
    return replaced(text, some_of(words, SHARE, random), change)


def extra_spaces(text: str, random: Random) -> str:
    """One to three spaces in place of one, between common words."""
    parts, last = [], 0
    for start, end in gaps(text):
        parts += [text[last:start], " " * (1 + random.randrange(3))]
        last = end
    return "".join([*parts, text[last:]])


def fillers(text: str, random: Random) -> str:
    """Before one common word in ten stands a word that says nothing: "um", "you know"."""
    words = some_of([word for word in common_words(text) if word[0].islower()], SHARE, random)
    return replaced(text, words, lambda word: f"{FILLERS[random.randrange(len(FILLERS))]} {word}")


def mild_mix(text: str, random: Random) -> str:
    """HELM's mixture in its order: lower case, contraction, misspelling, spaces."""
    for change in (lower_case, contraction, misspelling, extra_spaces):
        text = change(text, random)
    return text


PERTURBATIONS = tuple(
    Perturbation(change.__name__, OfText(change, nothing), words, "surface", ENGLISH)
    for change, nothing, words in (
        (lower_case, "it has no common word in capitals", "common words without capitals"),
        (contraction, "it has nothing to contract", "it is -> it's"),
        (expansion, "it has no contraction", "it's -> it is"),
        (misspelling, NOTHING, "common words misspelt"),
        (typos, NOTHING, "neighbouring letters swapped in common words"),
        (extra_spaces, NOTHING, "more spaces between words"),
        (fillers, NOTHING, 'filler words such as "um"'),
        (mild_mix, NOTHING, "lower case, contractions, misspellings and spaces together, as HELM mixes them"),
    )
)
