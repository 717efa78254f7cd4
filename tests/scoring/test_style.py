"""Writing style: readability, hedging, length and headings, against hand-worked and published values."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_medhelm.scoring.metrics.style import (
    TARGET_GRADE,
    flesch_kincaid_grade,
    hedging,
    length_ratio,
    reading_level_on_target,
    section_structure,
    sentences,
    smog_grade,
    syllables,
    words,
)
from pytest_medhelm.scoring.metrics.unavailable import Unavailable
from tests.support.nightly import NIGHTLY

# 11 words in 2 sentences; syllables 1+2+1+3+1+1+3 and 4+2+1+4
ADMITTED = "The patient was admitted to the hospital. Medication reduced the inflammation."
GRADE = 0.39 * 11 / 2 + 11.8 * 23 / 11 - 15.59


def test_flesch_kincaid_by_hand() -> None:
    assert flesch_kincaid_grade(ADMITTED) == pytest.approx(GRADE)
    assert pytest.approx(11.23, abs=0.005) == GRADE
    # 4 words of one syllable: 0.39 * 4 + 11.8 - 15.59 is below the first grade
    assert flesch_kincaid_grade("Take one pill now.") == 0
    assert flesch_kincaid_grade("Otorhinolaryngological hypercholesterolemia.") == 20


def test_marks_of_a_list_do_not_change_the_grade() -> None:
    listed = "## Course\n\n1. **The patient was admitted to the hospital.**\n2. Medication reduced the inflammation"
    assert flesch_kincaid_grade(listed.replace("## Course", "")) == pytest.approx(GRADE)
    assert sentences(listed)[0] == "Course"


POLYSYLLABLES = {2: 4, 6: 5, 12: 6, 20: 7, 30: 8, 42: 9, 56: 10, 72: 11, 90: 12, 110: 13, 132: 14, 156: 15, 182: 16}


@pytest.mark.parametrize(("polysyllables", "grade"), POLYSYLLABLES.items())
def test_smog_agrees_with_the_published_table(polysyllables: int, grade: int) -> None:
    """The conversion table for 30 sentences rounds the root down to a whole number; the formula does not."""
    text = "".join(
        " ".join(["Pain", *["hospital"] * (polysyllables // 30 + (number < polysyllables % 30)), "now. "])
        for number in range(30)
    )
    assert grade <= smog_grade(text) + 0.5
    assert smog_grade(text) < grade + 1.5
    assert smog_grade(text) == pytest.approx(3.1291 + 1.043 * polysyllables**0.5)


def test_smog_of_few_sentences() -> None:
    # 10 polysyllables in 10 sentences are 30 in 30
    assert smog_grade("The hospital is near. " * 10) == pytest.approx(3.1291 + 1.043 * 30**0.5)
    with pytest.raises(Unavailable, match="at least 10 sentences"):
        smog_grade("The hospital is near. " * 9)


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("pain", 1), ("patient", 2), ("medication", 4), ("hospital", 3), ("table", 2), ("take", 1), ("Prednisone", 3),
        ("follow-up", 3), ("ECG", 3), ("COPD", 4), ("SYMPTOMS", 2), ("500", 1), ("2.5", 1), ("mg", 1),
        ("doctor's", 2), ("patients’", 2), ("x" * 1000, 1),
    ],
)  # fmt: skip
def test_syllables(word: str, number: int) -> None:
    assert syllables(word) == number


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Take 2.5 mg. Call us!", ["Take 2.5 mg.", "Call us!"]),
        ("See Dr. Lee (vs. me), e.g. today. Really?", ["See Dr. Lee (vs. me), e.g. today.", "Really?"]),
        ("Take vitamin C. Then rest.", ["Take vitamin C.", "Then rest."]),
        ('He said "stop." She did.', ['He said "stop."', "She did."]),
        ("Wait... what?!", ["Wait...", "what?!"]),
        ("- Rest\n- Drink\n1) Call", ["Rest", "Drink", "Call"]),
        ("This line is\nonly wrapped at\n500 mg.", ["This line is only wrapped at 500 mg."]),
        ("This line is so long that it was wrapped where a name of\nParis stood.",
         ["This line is so long that it was wrapped where a name of", "Paris stood."]),
        ("This much longer line is so long that it was wrapped before the name\nof Paris.",
         ["This much longer line is so long that it was wrapped before the name of Paris."]),
        ("Plan\n\nrest at home", ["Plan", "rest at home"]),
        ("---\n***\n...", []),
        ("", []),
    ],
)  # fmt: skip
def test_sentences(text: str, found: Sequence[str]) -> None:
    assert sentences(text) == found


def test_words_with_numbers_and_hyphens() -> None:
    assert words("A follow-up at 10:30, 1,000 mg & don't_worry") == [
        "A", "follow-up", "at", "10:30", "1,000", "mg", "don't", "worry",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("This may be flu. Rest well.", 1 / 2),
        ("Your visit is in May. On May 12 call us. See you May 3.", 0),
        ("May cause drowsiness. MAY REPEAT.", 1),
        ("It is indicated. It appears on the skin. It appears to heal.", 1 / 3),
        ("We cannot rule out a clot. It is not clear. It isn't certain.", 1),
        ("Findings suggest\npneumonia.", 1),
        ("Dismay is certain.", 0),
        ("Take one pill. Drink water. You might feel sick. Sleep. It is POSSIBLY flu.", 2 / 5),
    ],
)
def test_hedging(text: str, share: float) -> None:
    assert hedging(text) == pytest.approx(share)


def test_reading_level_on_target() -> None:
    assert TARGET_GRADE == 8
    assert reading_level_on_target("Take one pill now.") == 1
    assert reading_level_on_target(ADMITTED) == 0
    assert reading_level_on_target(ADMITTED, target=12) == 1


def test_length_ratio() -> None:
    assert length_ratio("one two three", "one two") == 1.5
    assert length_ratio("Der Schädel schmerzt", "Größe") == 3
    assert length_ratio("患者有发烧", "发烧") == 2.5
    assert length_ratio("word " * 100, "word") == 20
    assert length_ratio("", "word") == 0
    with pytest.raises(Unavailable, match="reference has no words"):
        length_ratio("word", "...")


SOAP = ("Subjective", "Objective", "Assessment", "Plan")


@pytest.mark.parametrize(
    ("text", "sections", "share"),
    [
        ("Subjective: a\nObjective: b\nAssessment: c\nPlan: d", SOAP, 1),
        ("# SUBJECTIVE\na\n**Objective:** b\n3. Assessment & Plan\nc", SOAP, 1),
        ("ASSESSMENT AND PLAN:\nrest", SOAP, 1 / 2),
        ("Plan: d\nSubjective: a\nObjective: b", SOAP, 1 / 2),
        ("Plan: d\nAssessment: c\nObjective: b\nSubjective: a", SOAP, 1 / 4),
        ("Plan: a\nPlan: b\nPlan: c", SOAP, 1 / 4),
        ("The plan is to rest. Her assessment: stable", SOAP, 0),
        ("History: a\nPlan: b", ("Subjective|History", "Plan"), 1),
        ("Anamnese: a\nBEURTEILUNG:\nb", ("Anamnese", "Befund", "Beurteilung"), 2 / 3),
        ("Plan: a\nReview: b\nPlan: c", ("Plan", "Review", "Plan"), 1),
        ("", SOAP, 0),
    ],
)
def test_section_structure(text: str, sections: Sequence[str], share: float) -> None:
    assert section_structure(text, sections) == pytest.approx(share)


def test_section_structure_needs_sections() -> None:
    with pytest.raises(ValueError, match="headings"):
        section_structure("Plan: a", ())


@pytest.mark.parametrize("language", ["de", "pt", "zh", "mul"])
def test_what_is_made_for_english_is_absent_elsewhere(language: str) -> None:
    for measure in (flesch_kincaid_grade, smog_grade, hedging, reading_level_on_target):
        with pytest.raises(Unavailable, match="English only"):
            measure(ADMITTED, language)
    assert flesch_kincaid_grade(ADMITTED, "en-GB") == flesch_kincaid_grade(ADMITTED, "en")


@pytest.mark.parametrize("text", ["", " \n", "...", "\0", "**", "---\n1. "])
def test_a_text_without_words_has_no_style(text: str) -> None:
    for measure in (flesch_kincaid_grade, hedging, reading_level_on_target):
        with pytest.raises(Unavailable, match="no words"):
            measure(text)


HOSTILE = {
    "one word": "x" * 1_000_000,
    "stops": "." * 1_000_000,
    "quotes behind stops": '."' * 500_000,
    "items": "a. " * 330_000,
    "numbers": "1. " * 330_000,
    "lines": "\n" * 1_000_000,
    "hyphens": "a-" * 500_000,
    "NUL": "\0" * 1_000_000,
    "blanks": " " * 1_000_000,
    "headings": "Plan:\n" * 160_000,
    "hedges": "cannot be " * 100_000,
    "months": "May " * 250_000,
    "titles": "dr. " * 250_000,
    "joined": "a and " * 160_000,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_takes_seconds(name: str) -> None:
    text = HOSTILE[name] if NIGHTLY else HOSTILE[name][:200_000]
    assert 0 <= section_structure(text, ("Plan", "A")) <= 1
    assert 0 <= length_ratio(text, "one") <= 20
    for measure in (flesch_kincaid_grade, smog_grade, hedging):
        try:
            value = measure(text)
        except Unavailable:
            continue
        assert 0 <= value <= 20
