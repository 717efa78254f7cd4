"""HEAD-QA: a question of the Spanish examinations for specialist training in six health professions, in English.

Asked: the question with its four options, in the dataset's English translation.
Read: the letter of the option.
Scored: exact match with the official key. Results can be broken down by profession (medicine, nursery,
pharmacology, psychology, biology, chemistry) and by year of the examination.

Questions that refer to an image are left out, since the image is not shown (67 of 2,742, all in medicine), as
on the MedHELM leaderboard. Question numbers are unique only inside an examination, so an instance's id names
both. The file of 2015, which MedHELM does not use, gives the solved examples.

Source: Vilares and Gomez-Rodriguez 2019, https://github.com/aghie/head-qa (English test split: 2016 and 2017)
"""

from pathlib import Path
from string import ascii_uppercase
from typing import Any

from pytest_medhelm import DataFile, Examples, Excluded, Instance, Instances, Response, Row, Score
from pytest_medhelm import letter_prompt, read_json

from ..shared.templates import examination

COPY = "https://raw.githubusercontent.com/claudiaqw/head-qa-afi/16614f5983885c62ba9acc0f70648203b72af160/data"


def load(path: Path) -> Instances:
    """One instance for each question without an image."""
    number = 0
    for exam in read_json(path, records="exams"):
        for record in exam.take("data", list):
            number += 1
            if not isinstance(record, dict):
                raise exam.error("a question is no JSON object")
            question = Row(exam.file, number, record)
            yield Excluded("refers to an image") if question.optional("image") else asked(exam, question)


def asked(exam: Row, question: Row) -> Instance:
    """One question of an examination."""
    answers: list[Any] = question.take("answers", list)
    try:
        options = {str(answer["aid"]): str(answer["atext"]).strip() for answer in answers}
    except (KeyError, TypeError):
        raise question.error("an answer has no aid or no atext") from None
    right = question.text("ra")
    if right not in options or len(options) != len(answers):
        raise question.error("ra is not the number of exactly one answer")
    return Instance(
        id=f"{exam.key}-{question.text('qid')}",
        question=question.text("qtext"),
        answer=ascii_uppercase[list(options).index(right)],
        choices=tuple(options.values()),
        slices={"profession": exam.text("category"), "year": exam.text("year")},
    )


TASK = examination(
    name="head_qa",
    title="HeadQA",
    files=(
        DataFile(
            "HEAD_EN/test_HEAD_EN.json",
            "41f9f178b5d363ecd665f56ecca42deff7834c66f491617cc2687bbcfccd03b7",
            f"{COPY}/HEAD_EN/test_HEAD_EN.json",
        ),
    ),
    load=load,
    licence="MIT for the repository; the questions are public Spanish examinations",
    source="https://github.com/aghie/head-qa",
    attribution="David Vilares and Carlos Gomez-Rodriguez, 2019; Ministerio de Sanidad, Spain",
    redistribution=True,
    may_use_hosted_api=True,
    size=2675,
    chance=1 / 4,
    examples=Examples(
        files=(
            DataFile(
                "HEAD_EN/dev_HEAD_EN.json",
                "4c1b0588d1e1c4c769accdb6cfa6b4fe85cb032baffa9bc6520a454e7cc9f7f8",
                f"{COPY}/HEAD_EN/dev_HEAD_EN.json",
            ),
        ),
        load=load,
        within="profession",
    ),
    quick=True,
)


def prompt(instance: Instance) -> str:
    """The question and its options."""
    return letter_prompt(
        "This is a question of an examination for specialist training in a health profession.", instance
    )


def test_head_qa(instance: Instance, response: Response, score: Score) -> None:
    score.choice(response, instance)
