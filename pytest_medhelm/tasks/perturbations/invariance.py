"""Who the patient is said to be: gender words and first names. Off unless a benchmark says that its gold is the same.

This measures whether an answer that must not depend on them does (invariance); it is no measure of fairness.
"""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random

from pytest_medhelm.tasks.perturbations.perturbation import OfText, Perturbation
from pytest_medhelm.tasks.perturbations.protected import like
from pytest_medhelm.tasks.task import Excluded, Instance

_PAIRS = (
    ("he", "she"), ("himself", "herself"), ("man", "woman"), ("men", "women"), ("boy", "girl"), ("boys", "girls"),
    ("male", "female"), ("males", "females"), ("gentleman", "lady"), ("mr", "ms"),
)  # fmt: skip
SWAPPED = {one: two for pair in _PAIRS for one, two in (pair, pair[::-1])} | {"him": "her", "his": "her"}
SEX_SPECIFIC = re.compile(
    r"\b(?:pregnan|gravid|gestation|postpartum|obstetric|gyn[ae]|menstr|menopaus|uter|ovar|vagin|cervi[cx]|vulv|breast|"
    r"mammo|prostat|testi[cs]|scrot|penis|penile|erecti|semen|sperm|mother|father|wife|husband|pap smear|"
    r"contracepti|lactat|estrogen|androgen|hysterec)\w*",
    re.I,
)
"""Where these stand, sex is part of the question."""
NAMES = (
    ("Emily", "Amina", "Lakshmi", "Mei", "Guadalupe", "Ingrid"), ("James", "Omar", "Rajesh", "Wei", "Diego", "Lars"),
)  # fmt: skip
_NAME = re.compile(rf"\b({'|'.join(name for group in NAMES for name in group)})\b")
_GENDER = re.compile(rf"(?<![\w'’-])({'|'.join([*SWAPPED, 'her', 'hers'])})(?![\w'’-])", re.I)


def gender(instance: Instance, seed: int) -> Instance | Excluded:
    """Gender words and pronouns swapped, unless sex is part of the question."""
    texts = (instance.question, instance.context, *instance.choices)
    if any(map(SEX_SPECIFIC.search, texts)):
        return Excluded("sex is part of the question")
    question, context, *choices = (_GENDER.sub(_swapped, text) for text in texts)
    if (question, context, *choices) == texts:
        return Excluded("it has no gender word")
    return replace(instance, question=question, context=context, choices=tuple(choices))


def _swapped(matched: re.Match[str]) -> str:
    word = matched[0].lower()
    if word == "her":  # "her arm" or "saw her"
        word = "his" if re.match(r" +[a-z]+", matched.string[matched.end() :]) else "him"
    else:
        word = "his" if word == "hers" else SWAPPED[word]
    return like(word, matched[0])


def first_names(text: str, random: Random) -> str:
    """A first name of the list becomes another one of the same gender, the same one throughout."""
    new: dict[str, str] = {}
    for name in dict.fromkeys(_NAME.findall(text)):
        others = [other for other in next(group for group in NAMES if name in group) if other != name]
        new[name] = others[random.randrange(len(others))]
    return _NAME.sub(lambda matched: new[matched[0]], text)


PERTURBATIONS = (
    Perturbation("gender", gender, "gender words and pronouns swapped", "invariance", ("en",)),
    Perturbation(
        "first_names", OfText(first_names, "it has no first name of the list"), "other first names", "invariance",
        ("en",),
    ),
)  # fmt: skip
