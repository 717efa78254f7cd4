"""Perturbations: what they change, what they never touch (on real data), and what they refuse."""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_medhelm.tasks.perturbations import clinical, invariance, protected, surface
from pytest_medhelm.tasks.perturbations.chosen import (
    BUILT_IN,
    SETS,
    applicable,
    chosen_perturbations,
    perturbed,
    why_not,
)
from pytest_medhelm.tasks.prompts import answer_letter, lettered, renamed, with_letters
from pytest_medhelm.tasks.task import Excluded, Instance
from pytest_medhelm.util.errors import ConfigError, DataError
from tests.support.benchmark_modules import MODULES, load, real_folder
from tests.support.nightly import NIGHTLY

MED_QA = next(module.TASK for module in MODULES if module.TASK.name == "med_qa")
QUESTION = Instance(
    "1", "Which drug is it?", "C", "The patient takes 5 mg of Warfarin daily.", ("a1", "b1", "c1", "d1")
)
OF_SURFACE = [entry for entry in BUILT_IN.values() if entry.family == "surface"]
TEXTS = [
    "The patient does not take Warfarin 5 mg; she is not allergic. It is what they have.",
    "There is no fever. They are on 2.5 mg/kg of THAT-1 and the-drug.",
]
NEGATIONS = re.compile(r"\b(?:no|not|never|without|denies|none|neither|nor|cannot|\w+n't)\b", re.I)
DOSE = re.compile(r"\d[\d.,/-]*\s?(?:mg|mL|ml|mcg|g|kg|mm Hg|mmHg|%|°C|/min|U|IU|mEq|mmol)(?:/\w+)?")


def change(name: str, instance: Instance, seed: int = 1) -> Instance:
    found = BUILT_IN[name].perturb(instance, seed)
    assert isinstance(found, Instance), found
    return found


def refusal(name: str, instance: Instance) -> str:
    found = BUILT_IN[name].perturb(instance, 1)
    assert isinstance(found, Excluded), found
    return found.rule


def is_kept(before: str, after: str) -> bool:
    """All that is protected stands in the changed text, in the same order, and every dose and negation as it was."""
    left = iter(protected._TOKEN.findall(after))
    in_order = all(token in left for token in protected.protected(before))
    return in_order and all(pattern.findall(before) == pattern.findall(after) for pattern in (NEGATIONS, DOSE))


@pytest.fixture(scope="module")
def real_texts() -> list[str]:
    texts: list[str] = []
    for name in ("med_qa", "pubmed_qa", "head_qa"):
        module = next(module for module in MODULES if module.TASK.name == name)
        texts += [text for each in load(module, real_folder(module)) for text in (each.question, each.context) if text]
    return texts


@pytest.mark.parametrize("entry", OF_SURFACE, ids=lambda entry: entry.name)
@settings(max_examples=500 if NIGHTLY else 40)
@given(seed=st.integers(0, 1 << 32), place=st.integers(0, 1 << 20))
def test_the_surface_touches_nothing_that_matters(entry: Any, seed: int, place: int, real_texts: list[str]) -> None:
    for text in (*TEXTS, real_texts[place % len(real_texts)]):
        assert is_kept(text, entry.perturb.change(text, Random(seed)))


def test_a_check_that_can_fail() -> None:
    assert not is_kept("5 mg of Warfarin", "5 mg of warfarin")
    assert not is_kept("5 mg of it", "5  mg of it")
    assert not is_kept("She does not know", "She does know")


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (
            "lower_case",
            "The patient takes Warfarin. It is WHO advice.",
            "the patient takes Warfarin. it is WHO advice.",
        ),
        ("contraction", "It is late. She is not here, they are.", "It's late. She is not here, they're."),
        ("expansion", "It's late and isn't over.", "It is late and isn't over."),
    ],
)
def test_what_is_written(name: str, before: str, after: str) -> None:
    assert getattr(surface, name)(before, Random(1)) == after


def test_one_word_changes_at_least() -> None:
    for name in ("misspelling", "typos", "fillers"):
        texts = {getattr(surface, name)("What is their Warfarin?", Random(seed)) for seed in range(9)}
        assert len(texts) > 1, name
        assert "What is their Warfarin?" not in texts, name


def test_the_mild_mix_is_in_helms_order() -> None:
    text, one, other = "It is what they have and the patient should receive. " * 3, Random(4), Random(4)
    step = text
    for part in (surface.lower_case, surface.contraction, surface.misspelling, surface.extra_spaces):
        step = part(step, one)
    assert surface.mild_mix(text, other) == step
    assert "it's" in step


@given(st.integers(0, 1 << 32))
def test_shuffled_options_carry_the_answer(seed: int) -> None:
    found = change("option_shuffle", QUESTION, seed)
    assert found.choices != QUESTION.choices
    assert sorted(found.choices) == sorted(QUESTION.choices)
    assert found.choices["ABCD".index(found.answer)] == "c1"
    last = change("option_shuffle", replace(QUESTION, choices=("a1", "b1", "c1", "All of the above")), seed)
    assert last.choices[3] == "All of the above"


@pytest.mark.parametrize(
    ("choices", "answer", "said"),
    [
        (("a1", "b1", "Both A and B", "c1"), "C", "names another"),
        (("a1", "b1", "A and B", "c1"), "C", "names another"),
        (("a1", "All of the above", "b1"), "A", "does not stand last"),
        (("a1", "a1", "b1"), "A", "alike"),
        ((), "7", "no lettered options"),
        (("a1", "b1"), "E", "no lettered options"),
    ],
)
def test_options_that_cannot_be_moved(choices: tuple[str, ...], answer: str, said: str) -> None:
    assert said in refusal("option_shuffle", replace(QUESTION, choices=choices, answer=answer))


def test_options_under_other_names() -> None:
    text = f"Which?\n{lettered(QUESTION.choices)}\n\n{answer_letter(QUESTION.choices)}"
    assert change("option_numbers", QUESTION).form == "options 1"
    other = renamed(text, QUESTION.choices, "123456789")
    assert "2. b1" in other
    assert "(1, 2, 3, 4)" in other
    assert "B. b1" not in other
    assert renamed(text, QUESTION.choices, "abcdef").count("a. a1") == 1
    with pytest.raises(DataError, match="lettered"):
        renamed("Which?", QUESTION.choices, "abcd")
    assert "a letter or a number" in refusal("option_numbers", replace(QUESTION, choices=("1", "2", "3", "4")))


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("2", "B"), ("(3)", "C"), ("Answer: 2", "Answer: B"), ("The answer is 4.", "The answer is D."),
        ("**Answer:** 1", "**Answer:** A"), ("Answer: 2.5 mg", "Answer: 2.5 mg"), ("give 2 tablets", "give 2 tablets"),
    ],
)  # fmt: skip
def test_numbers_are_read_as_letters(said: str, read: str) -> None:
    assert with_letters(said, "options 1") == read
    assert with_letters(said, "") == said


def test_the_clinical_family_knows_one_meaning_only() -> None:
    assert clinical.abbreviations("MS, RA and PT; COPD on MRI.", Random(1)) == (
        "MS, RA and PT; chronic obstructive pulmonary disease on magnetic resonance imaging."
    )
    assert clinical.units("80/50 mm Hg, 5 mL, 126/min, 3 mg/kg", Random(1)) == (
        "80/50 mmHg, 5 milliliters, 126 per minute, 3 mg/kg"
    )


def test_who_the_patient_is() -> None:
    he = replace(QUESTION, question="A man says his arm hurts. His doctor saw him.", context="", choices=("a", "b"))
    she = change("gender", he)
    assert she.question == "A woman says her arm hurts. Her doctor saw her."
    assert change("gender", she).question == he.question
    assert "part of the question" in refusal("gender", replace(he, context="The prostate is large."))
    assert invariance.first_names("Emily met James; Emily left.", Random(2)).count("Emily") == 0


def test_context_and_order() -> None:
    first = change("question_first", QUESTION)
    assert first.question == f"{QUESTION.question}\n\n{QUESTION.context}"
    assert QUESTION.context in change("irrelevant_sentence", QUESTION).context
    assert "no text" in refusal("question_first", replace(QUESTION, context=""))


@pytest.mark.parametrize("entry", BUILT_IN.values(), ids=lambda entry: entry.name)
def test_the_same_seed_gives_the_same_instance(entry: Any) -> None:
    text = "Emily is a woman; it's what they have: COPD, 5 mL. The patient should receive it."
    instance = replace(QUESTION, context=text)
    assert entry.perturb(instance, 5) == entry.perturb(instance, 5)
    assert perturbed(entry, instance, MED_QA) == perturbed(entry, instance, MED_QA)
    assert instance.context == text


def test_which_are_for_a_benchmark() -> None:
    assert why_not(BUILT_IN["typos"], MED_QA) == ""
    assert "does not say" in why_not(BUILT_IN["gender"], MED_QA)
    assert "not in en" in why_not(BUILT_IN["typos"], replace(MED_QA, language="pt-BR"))
    assert why_not(BUILT_IN["option_shuffle"], replace(MED_QA, language="pt-BR")) == ""
    assert "no other wording" in why_not(BUILT_IN["paraphrase"], MED_QA)
    only = replace(MED_QA, keeps_gold=("extra_spaces",))
    assert [entry.name for entry in BUILT_IN.values() if not why_not(entry, only)] == ["extra_spaces"]


def test_fields_that_a_benchmark_declares() -> None:
    task = replace(MED_QA, perturbed_fields=("choices",))
    found = perturbed(BUILT_IN["lower_case"], replace(QUESTION, choices=("The one", "This other")), task)
    assert isinstance(found, Instance)
    assert found.choices == ("the one", "this other")
    assert found.context == QUESTION.context


def test_names_and_sets() -> None:
    assert {name for names in SETS.values() for name in names} <= BUILT_IN.keys()
    chosen = chosen_perturbations(("helm", "typos", "helm"), BUILT_IN)
    assert [entry.name for entry in chosen] == ["mild_mix", "typos"]
    with pytest.raises(ConfigError, match="name a set"):
        chosen_perturbations(("typo",), BUILT_IN)
    assert applicable(chosen, QUESTION, MED_QA) == {"mild_mix": "", "typos": ""}


def test_no_benchmark_names_a_family_that_is_not() -> None:
    known = {*BUILT_IN, *(entry.family for entry in BUILT_IN.values())}
    assert {name for module in MODULES for name in module.TASK.keeps_gold} <= known
