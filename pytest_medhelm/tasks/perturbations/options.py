"""The options of a question in another order, or under other names: the right answer moves with its option."""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random
from string import ascii_uppercase

from pytest_medhelm.tasks.perturbations.perturbation import Perturb, Perturbation
from pytest_medhelm.tasks.task import Excluded, Instance

LAST = re.compile(r"\W*(?:(?:all|none|any) of the (?:above|other|others)|(?:all|none) of (?:these|them))\b.*", re.I)
"""Says something of all options before it: it stays last."""
NAMES_OTHERS = re.compile(
    r"\b(?:both|either|neither|only|options?|answers?|choices?)\s+\(?[A-E1-5]\)?(?![\w'-])"
    r"|^\W*\(?[A-E1-5]\)?\s*(?:,|and|or|&)\s*\(?[A-E1-5]\)?\b|\b(?:two|three|all) of the (?:first|last|following)\b"
    r"|\b(?:above|below|preceding|previous)\b",
    re.I,
)
"""Names other options by their places."""


def shuffle(instance: Instance, seed: int) -> Instance | Excluded:
    """The options in another order; "all of the above" stays last, and what names other options is left out."""
    refusal = _unfit(instance)
    if refusal:
        return Excluded(refusal)
    last = [position for position, text in enumerate(instance.choices) if LAST.fullmatch(text)]
    movable = [position for position in range(len(instance.choices)) if position not in last]
    if len(movable) < 2 or last != list(range(len(movable), len(instance.choices))):
        return Excluded("an option speaks of those above it and does not stand last")
    if any(NAMES_OTHERS.search(instance.choices[position]) for position in movable):
        return Excluded("an option names another by its place")
    order = _another_order(movable, Random(seed)) + last
    answer = ascii_uppercase[order.index(ascii_uppercase.index(instance.answer))]
    return replace(instance, choices=tuple(instance.choices[position] for position in order), answer=answer)


def _another_order(positions: list[int], random: Random) -> list[int]:
    order = positions
    while order == positions:
        order = sorted(positions, key=lambda position: random.random())
    return order


def _unfit(instance: Instance) -> str:
    count = len(instance.choices)
    if count < 2 or instance.answer not in list(ascii_uppercase[:count]):
        return "it has no lettered options"
    if len(set(instance.choices)) < count:
        return "two of its options are alike"
    if re.search(r"\b[Oo]ptions? [A-E1-5]\b", instance.question):
        return "its question names an option by its place"
    return ""


def _named(form: str) -> Perturb:
    def rename(instance: Instance, seed: int) -> Instance | Excluded:
        refusal = _unfit(instance) or ("it has more than nine options" if len(instance.choices) > 9 else "")
        if not refusal and any(NAMES_OTHERS.search(text) for text in instance.choices):
            refusal = "an option names another by its place"
        if not refusal and any(re.fullmatch(r"\W*(?:[A-Za-z]|\d+)\W*", text) for text in instance.choices):
            refusal = "an option is itself a letter or a number"
        return Excluded(refusal) if refusal else replace(instance, form=form)

    return rename


PERTURBATIONS = (
    Perturbation("option_shuffle", shuffle, "the options in another order", "options"),
    Perturbation("option_numbers", _named("options 1"), "options named 1, 2, 3 in place of A, B, C", "options"),
    Perturbation("option_small", _named("options a"), "options named a, b, c in place of A, B, C", "options"),
)
