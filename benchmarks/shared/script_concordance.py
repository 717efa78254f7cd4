"""SCT-Bench: reading a rating from -2 to +2 and holding it against the votes of a panel of experts."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from pytest_medhelm import Row, answers

RATINGS = ("-2", "-1", "0", "+1", "+2")
"""In the order of the panel's weights."""

_HEAD = re.compile(r"[\s:=\"'(\[{]{0,20}" r"([+-]?[0-2])(?![0-9]|[.,/][0-9]|[%])")
_PHRASE = re.compile(r"""(?x)
    \b(?:rating|answer)\b
    [^\S\n]{0,4}(?:\([^()\n]{0,60}\))?["'\s]{0,9}
    (?: : | = | -> | \b(?:is|of|would\sbe|should\sbe|remains)\b | (?<=\n) )
  | \bscore\s?[:=]
  | (?<!not\s)\b(?:i(?:'d|\swould|\swill)?\s)(?:rate|say|give|assign|choose|select|pick|go\swith)\b
    (?:\s(?:it|this|that|the\shypothesis|a|an|as|at|with|rating|of)\b){0,4}(?=\s[("']?[+-]?[0-2])
  | (?::|,\sso|\btherefore|\bhence|→)[,:]?(?=\s?(?:[+-][12]|0)\W{0,3}\Z)
  | \\boxed\s?(?=\{)
""")
_SECOND = re.compile(r"""(?x)
    \s{0,3}(?:/|\bor\b|\bto\b|\band\b(?:\sthen\b)?)\s{0,3}([+-]?[0-2])(?![0-9])
  | \s{0,3},?\s{0,3}([+-][0-2])(?![0-9])
""")
_SIGNED = re.compile(r"(?<![\w.,+-])([+-][12])(?![0-9]|[.,][0-9]|[%])|\(\s?([+-]?[0-2])\s?\)")
_DENIED = re.compile(r"\b(?:not|never|cannot)\b|n't\b")
_FINAL = re.compile(r"\b(?:final|revised|corrected|correction|overall)\b|boxed")
_SIGN_WORDS = {"plus": "+", "positive": "+", "minus": "-", "negative": "-"}
_AFTER_BARE = re.compile(r"\s{0,3}(?:\Z|[.!)\]};:,(\"'-])")
_APART = re.compile(r"(?m)^([+-])\s(?=[12]\W*$)")
_ENDS = re.compile(r"^[^()\d]{1,60}\(\s?([+-][12]|0)\s?\)[\s.!]*\Z")
"""Words with their rating in brackets: "less likely (-1)"."""
_MARKUP = re.compile(r"[*_`$#]+")
_SPELLED = re.compile(r"\b(plus|positive|minus|negative)\s{1,2}(one|two)\b")
_SPELLED_SIGN = re.compile(r"\b(plus|positive|minus|negative)\s{1,2}(?=[12]\b)")


def panel_votes(row: Row) -> tuple[float, ...]:
    """The panel's votes for -2 to +2."""
    try:
        votes = tuple(float(row.text(column)) for column in ("-2", "-1", "0", "1", "2"))
    except ValueError:
        raise row.error("a weight is not a number") from None
    if not all(math.isfinite(vote) and vote >= 0 for vote in votes) or max(votes) == 0:
        raise row.error("the weights are not votes: one is negative, or none is positive")
    return votes


def read_rating(text: str) -> int | None:
    """The rating from -2 to +2 that an answer gives, or None.

    Phrases such as "Rating: +1" or "I would rate this +1" decide, whatever case, emphasis or plus sign. Without
    one, the first and the last line are read if they begin with a bare rating. Two different ratings, a range, a
    denied rating and a number off the scale are None.
    """
    folded = _MARKUP.sub("", answers.fold(answers.unwrap_latex(answers.own_turn(text)))).replace("±", " ± ")
    folded = _SPELLED.sub(lambda match: f"{match[1]} {1 + (match[2] == 'two')}", folded)
    folded = _SPELLED_SIGN.sub(lambda match: _SIGN_WORDS[match[1]], folded)
    folded = _APART.sub(r"\1", folded)
    phrases = list(_PHRASE.finditer(folded))
    stated: set[int] = set()
    several = False
    for number, phrase in enumerate(phrases):
        end = phrases[number + 1].start() if number + 1 < len(phrases) else len(folded)
        lines = folded[phrase.end() : end].lstrip().splitlines()
        given = _stated(lines[0] if lines else "")
        # Two ratings are none, unless the second is called the final one; several at once are no rating yet.
        is_final = bool(_FINAL.search(folded[max(0, phrase.start() - 30) : phrase.end()]))
        joins = len(given) == 1 and not is_final and not several
        stated = stated | given if joins else given or stated
        several = len(given) > 1 or (several and not given)
    if not phrases:
        lines = folded.strip().splitlines()
        stated = {rating for line in (lines[:1] + lines[-1:]) for rating in _bare(line)}
        ends = _ENDS.search(folded) if len(lines) == 1 and not stated else None
        stated = {int(ends[1])} if ends and not _DENIED.search(folded) else stated
    return stated.pop() if len(stated) == 1 else None


def _stated(claim: str) -> set[int]:
    """The ratings at the head of what follows a phrase; without one there, the signed ones of the whole line."""
    head = _HEAD.match(claim)
    if head:
        return {int(head[1]), *_second(claim, head.end())}
    if _DENIED.search(claim):
        return set()
    return {int(match[1] or match[2]) for match in _SIGNED.finditer(claim)}


def _bare(line: str) -> set[int]:
    head = _HEAD.match(line)
    if not head:
        return set()
    others = _second(line, head.end())
    return {int(head[1]), *others} if others or _AFTER_BARE.match(line, head.end()) else set()


def _second(text: str, start: int) -> set[int]:
    match = _SECOND.match(text, start)
    return {int(next(filter(None, match.groups())))} if match else set()


def sct_score(rating: int, weights: Sequence[float]) -> Mapping[str, float]:
    """How far a panel of experts agrees with a rating.

    ``weights`` are the experts' votes for -2, -1, 0, +1, +2 on any scale. ``sct_score`` is the weight of the rating
    over the largest weight (the aggregate scoring of script concordance tests): 1 for what most experts chose, 0 for
    what none did. ``sct_expert_set_membership`` is 1 when at least one expert chose it. Raises ValueError for a
    rating off the scale or weights of which none is positive.
    """
    if rating not in range(-2, 3):
        raise ValueError(f"a rating lies between -2 and 2, not at {rating}")
    if len(weights) != len(RATINGS) or min(weights) < 0 or not max(weights) > 0:
        raise ValueError("the weights of a panel are five numbers, none below 0 and at least one above")
    weight = weights[rating + 2]
    return {"sct_score": weight / max(weights), "sct_expert_set_membership": float(weight > 0)}


def sct_score_helm(text: str, weights: Sequence[float]) -> Mapping[str, float]:
    """The same two scores as MedHELM 0.8.0 computes them from the raw answer.

    It reads the five characters behind the first "Rating: ", joins the ratings in them and takes a one or two
    without its plus sign, another case or a missing blank for no rating, which scores 0.
    """
    _, _, behind = text.partition("Rating: ")
    joined = "".join(re.findall(r"\+2|\+1|0|-1|-2", behind[:5]))
    try:
        rating = int(joined)
        return sct_score(rating, weights)
    except ValueError:
        return {"sct_score": 0.0, "sct_expert_set_membership": 0.0}
