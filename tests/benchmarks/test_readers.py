"""Readers of single benchmarks: MEDEC's findings, SQL, the labels of MedHallu, ratings of SCT-Bench, and dates."""

from __future__ import annotations

from datetime import date

import pytest

from benchmarks.medical_research_assistance.test_medhallu import read_label
from benchmarks.shared.error_detection import Finding, read_finding
from benchmarks.shared.script_concordance import read_rating
from benchmarks.shared.sections import Section, cut_section
from benchmarks.shared.sql import read_sql
from pytest_medhelm.scoring.answers import read_date


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("-1", Finding()),
        ("-1 NA NA", Finding()),
        ("CORRECT", Finding()),
        ('{"error_flag": 0}', Finding()),
        ('{"error_flag": 0, "error_sentence_id": -1, "corrected_sentence": "NA"}', Finding()),
        ('{"error_flag": 1, "error_sentence_id": 3, "corrected_sentence": "Give it."}', Finding(3, "Give it.")),
        ('{"error_flag": "0"}', Finding()),
        ('{"error_flag": false}', Finding()),
        ('{"error_flag": 1}', None),
        ("The text contains no errors.", Finding()),
        ("contains no errors", Finding()),
        ("The note has no errors", Finding()),
        ("This text does not contain any errors.", Finding()),
        ("I found no errors in the text.", Finding()),
        ("There is no error.", Finding()),
        ("INCORRECT", None),
        ("The text is incorrect.", None),
        ("10 or 11", None),
        ("Sentence 10 or 11", None),
        ("10, 11", None),
        ("10/11", None),
        ("10-11", None),
        ("Sentence 10 and sentence 11", None),
        ("3 The patient takes metformin.", Finding(3, "The patient takes metformin.")),
        ("Sentence 3: The patient takes metformin.", Finding(3, "The patient takes metformin.")),
        ("Error flag: 0", Finding()),
        ("Error flag: 1\nError sentence: 4\nCorrected sentence: Give aspirin.", Finding(4, "Give aspirin.")),
        ("text-1 1 3 Give aspirin.", None),
        ("0", Finding(0)),
        ("Not correct", None),
        ("No, it is not correct.", None),
        ("There are errors.", None),
        ("", None),
        ("I cannot tell.", None),
        ("**CORRECT**", Finding()),
        ("Answer: CORRECT", Finding()),
        ("Answer: -1", Finding()),
        ("- 3 The dose is 5 mg.", Finding(3, "The dose is 5 mg.")),
        ("No errors were found.", Finding()),
        ("error-free", Finding()),
    ],
)
def test_medec(text: str, finding: Finding | None) -> None:
    """-1 and the flag 0 are MEDEC's own words for no error."""
    assert read_finding(text) == finding


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("<sql>SELECT 1</sql>", "SELECT 1"),
        ("<SQL>SELECT 1</SQL>", "SELECT 1"),
        ("<sql>SELECT 1<sql>", "SELECT 1"),
        ("<SQL>SELECT 1<SQL>", "SELECT 1"),
        ("SQL Query: SELECT 1", "SELECT 1"),
        ("SQL Query:\nSELECT 1", "SELECT 1"),
        ("SQL: SELECT 1;", "SELECT 1;"),
        ("<sql></sql>", ""),
        ("<sql> </sql>", ""),
        ("<sql>", ""),
        ("<sql>-- not answerable</sql>", ""),
        ("<sql>/* no */</sql>", ""),
        ("-- not answerable", None),
        ("<sql>null</sql>", ""),
        ("```sql\nSELECT 1\n```", "SELECT 1"),
        ("Query: SELECT 1", "SELECT 1"),
        ("The query is: SELECT 1", "SELECT 1"),
        ("<sql>SELECT 1</sql> and <sql>SELECT 2</sql>", "SELECT 2"),
        ("I would write <sql>SELECT 1", "SELECT 1"),
        ("SELECT 1", "SELECT 1"),
        ("**SQL Query:**\n\nSELECT 1", "SELECT 1"),
        ("No idea.", None),
    ],
)
def test_sql(text: str, query: str | None) -> None:
    """Tags in any case, a closing tag without its slash, a label, and what abstains."""
    assert read_sql(text) == query


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("1\n\nThe study of 45 children", "1"),
        ("0\n\nThe study of 45 children", "0"),
        ("1", "1"),
        ("hallucinated", "1"),
        ("true", "0"),
        ("True.", "0"),
        ("The answer is hallucinated.", "1"),
        ("The answer is true.", "0"),
        ("Hallucinated", "1"),
        ("Answer: 1", "1"),
        ("1. The study of 45 children shows it.", "1"),
        ("not hallucinated", "0"),
        ("It is not true.", "1"),
        ("true or hallucinated", None),
        ("0 or 1", None),
        ("2", None),
        ("1 (hallucinated)", "1"),
        ("0 - true", "0"),
        ("1 - true", None),
        ("The study of 45 children", None),
        ("False", None),
        ("**1**", "1"),
        ("Label: 1", "1"),
        ("0.", "0"),
        ("The answer is 1 because 45 children took part.", "1"),
        ("This answer is hallucinated because the study says 12.", "1"),
    ],
)
def test_medhallu(text: str, label: str | None) -> None:
    """A number or a word, and not both with different meanings."""
    assert read_label(text) == label


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        ("I would rate this -2", -2),
        ("I rate it +1.", 1),
        ("I would rate this as -1", -1),
        ("My rating would be 0", 0),
        ("Rating: +1", 1),
        ("-2", -2),
        ("+2", 2),
        ("Rating: +1\nRating: -1", None),
        ("+1 or +2", None),
        ("I would rate this -2 or -1", None),
        ("Rating: -1. My second rating: +1", None),
        ("I'd give it +2", 2),
        ("I'd assign a -1.", -1),
        ("I would choose -2.", -2),
        ("The rating is -1, not +1.", -1),
        ("Score: -1", -1),
        ("between -1 and +1", None),
        ("I would rate this +1 and then -1", None),
        ("3", None),
        ("I would not rate this -2", None),
        ("Rating: **+1**", 1),
        ("The hypothesis becomes less likely: -1", -1),
    ],
)
def test_sct(text: str, rating: int | None) -> None:
    """A rating in a sentence; two ratings are none."""
    assert read_rating(text) == rating


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("08/31/2023 (LMP 11/24/2022)", date(2023, 8, 31)),
        ("The due date is 08/31/2023 (from the last period on 11/24/2022).", date(2023, 8, 31)),
        ("08/31/2023 [11/24/2022]", date(2023, 8, 31)),
        ("08/31/2023 or 09/01/2023", None),
        ("Answer: 08/31/2023 (i.e. August 31, 2023)", date(2023, 8, 31)),
        ("(08/31/2023)", date(2023, 8, 31)),
        ("11/24/2022 + 280 days = 08/31/2023", date(2023, 8, 31)),
        ("Answer: 08/31/2023\nHuman: and 09/01/2023?", date(2023, 8, 31)),
    ],
)
def test_date_beside_another(text: str, day: date | None) -> None:
    """A remark in brackets does not hide the date."""
    assert read_date(text) == day


def test_a_description_that_tells_the_section_is_cut_where_it_overlaps() -> None:
    reference = "The gallbladder was dissected from its bed and removed through the umbilical port without spillage."
    told = "The gallbladder was dissected from its bed and removed through the umbilical port."
    head = f"Description: Laparoscopy for gallstones. {told}\nANESTHESIA: General."
    note = f"{head}\nFINDINGS: {reference}\nDISPOSITION: Home."
    section = cut_section(note)
    assert isinstance(section, Section)
    assert (section.text, section.cut) == (reference, True)
    assert section.before == "Description: Laparoscopy for gallstones.\nANESTHESIA: General."
    other = cut_section(note.replace(told, "The patient did well."))
    assert isinstance(other, Section)
    assert not other.cut
