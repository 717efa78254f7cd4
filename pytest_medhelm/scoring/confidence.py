"""How sure a model is of the option that it chose, and why that is not known where it is not.

A confidence is the probability, 0 to 1, that the chosen option is right. Each kind is a measurement of its own: they
are never pooled.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import accumulate
from string import ascii_uppercase
from typing import Literal, NamedTuple

from pytest_medhelm.models.engine.reply import letter_of
from pytest_medhelm.models.engine.request import Alternative
from pytest_medhelm.scoring.answers import read_choice
from pytest_medhelm.scoring.response import Response

CONFIDENCE_VERSION = 2
"""Raised when the same answer may get another confidence than before."""
ConfidenceKind = Literal["logprobs", "stated", "agreement"]
"""Probabilities of tokens; what the model says of itself; how far its answers to one question agree."""

_SLACK = 0.01
"""By how much rounding may bring probabilities above 1 together."""
_TRIED = 12
"""Places of the letter that are tried, from the end."""
_BEFORE, _BEHIND = 30, 10
"""Characters around the letter by which it is found among the tokens, where the whole answer is not."""


class Confidence(NamedTuple):
    """Of one answer."""

    kind: ConfidenceKind
    value: float | None
    reason: str = ""
    """Why there is none, in words that quote no text."""


def confidence_of(response: Response, choices: Sequence[str], kind: Literal["logprobs", "stated"]) -> Confidence:
    """The confidence in the option that was read from a response."""
    if not response.letter:
        return Confidence(kind, None, f"no option was read ({response.status})")
    if kind == "stated":
        reason = "" if response.stated is not None else "the answer states no probability"
        return Confidence(kind, response.stated, reason)
    return _of_tokens(response, choices)


def _of_tokens(response: Response, choices: Sequence[str]) -> Confidence:
    tokens = response.logprobs
    if not tokens:
        return Confidence("logprobs", None, "the server gave no usable log-probabilities")
    letters = ascii_uppercase[: len(choices)]
    position = letter_position(response.text, response.letter, choices)
    if position is None:
        return Confidence("logprobs", None, "the answer names the option without its letter")
    number = token_at([token for token, _ in tokens], response.text, position)
    if number is None or letter_of(tokens[number][0]) != response.letter:
        return Confidence("logprobs", None, "the letter is no token of its own")
    listed = response.alternatives.get(number)
    if not listed:
        return Confidence("logprobs", None, "the server lists no other tokens (top_logprobs)")
    share = share_of(response.letter, letters, tokens[number], listed)
    return Confidence("logprobs", share, "" if share is not None else "a probability of an option is unusable")


def share_of(letter: str, letters: str, said: tuple[str, float], listed: Sequence[Alternative]) -> float | None:
    """The probability of a letter among those of the options, " B" and "B" taken together.

    ``said``: the token that stands there, which servers that draw at random may not list. None where the probability
    of an option is none, or all of them together are 0 or above 1: a share among the others would be a wrong number.
    """
    masses: dict[str, float] = {}
    options = frozenset(letters)
    for token, logarithm in dict([said, *listed]).items():
        name = letter_of(token)
        if token and name not in options:
            continue
        if logarithm is None:
            return None
        masses[name] = masses.get(name, 0.0) + math.exp(logarithm)
    whole = math.fsum(masses.values())
    return min(1.0, masses[letter] / whole) if 0 < whole <= 1 + _SLACK else None


def letter_position(text: str, letter: str, choices: Sequence[str]) -> int | None:
    """Where the letter stands that was read: with another one in its place another option, or none, would be read.

    The last such place; capital letters before small ones, which may be articles.
    """
    other = next(name for name in ascii_uppercase if name != letter)
    positions = [match.start() for match in re.finditer(rf"(?i)(?<![^\W_]){letter}(?![^\W_])", text)][-_TRIED:][::-1]
    positions.sort(key=lambda position: not text[position].isupper())
    decides = None
    for position in positions:
        read = read_choice(f"{text[:position]}{other}{text[position + 1 :]}", choices)
        if read == other:
            return position
        if read != letter and decides is None:
            decides = position
    return decides


def token_at(tokens: Sequence[str], text: str, position: int) -> int | None:
    """The number of the token that holds the character at a place of the answer, which is a part of what they spell.

    Only ASCII is compared: characters of several bytes may be divided between tokens. None where it is not found.
    """
    ascii_tokens = [_ascii(token) for token in tokens]
    written = "".join(ascii_tokens)
    for start, end in ((0, len(text)), (max(0, position - _BEFORE), position + _BEHIND)):
        before, wanted = _ascii(text[start:position]), _ascii(text[start:end])
        at = written.rfind(wanted)
        if at >= 0:
            ends = list(accumulate(map(len, ascii_tokens)))
            return next(number for number, last in enumerate(ends) if last > at + len(before))
    return None


def _ascii(text: str) -> str:
    return "".join(character for character in text if character.isascii())
