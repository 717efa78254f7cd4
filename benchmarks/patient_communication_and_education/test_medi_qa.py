"""MEDIQA: answer a health question that a consumer put to a medical question-answering system.

Asked: the question as it was typed, misspellings included.
Read: the whole answer as text.
Scored: overlap with the answer that experts ranked first among those found on public health sites (ROUGE); and, when
judges are named, a jury that rates accuracy, completeness and clarity from 1 to 5 with that answer at hand. References
run from a sentence to several thousand words, so ROUGE says little of a short good answer: read the jury's grades.
Results can be broken down by how the experts judged the reference ("grade": 4 excellent, 3 correct but incomplete).

Two questions occur twice, with other answers; each pair is one cluster. Solved examples come from the 25 questions for
validation.

Source: Ben Abacha et al. 2019, https://github.com/abachaa/MEDIQA2019 (task 3, test set with labels)
"""

from pathlib import Path

from pytest_medhelm import DataError, DataFile, Examples, Instance, Instances, Jury, Response, Score
from pytest_medhelm import child_text, read_xml

from ..shared.templates import score_text, text_task

REPOSITORY = "https://raw.githubusercontent.com/abachaa/MEDIQA2019"


def load(path: Path) -> Instances:
    """One instance for each question of the test set."""
    yield from questions(path, "MEDIQA2019-Task3-QA-TestSet")


def load_examples(path: Path) -> Instances:
    """One instance for each question of the validation set."""
    yield from questions(path, "MEDIQA2019-Task3-QA-ValidationSet")


def questions(path: Path, root: str) -> Instances:
    """One instance for each element Question, with the answer whose ReferenceRank is 1."""
    for number, element in enumerate(read_xml(path, root).findall("Question"), start=1):
        name, question = element.get("QID", ""), child_text(element, "QuestionText")
        best = [answer for answer in element.findall("AnswerList/Answer") if answer.get("ReferenceRank") == "1"]
        if len(best) != 1 or not all((name, question, child_text(best[0], "AnswerText"))):
            raise DataError(f"{path.name}, question {number}: a QID, a text and one answer of rank 1 are not all there")
        grade = best[0].get("ReferenceScore", "")
        yield Instance(name, question, child_text(best[0], "AnswerText"), slices={"grade": grade or "not stated"})


TASK = text_task(
    name="medi_qa",
    title="MEDIQA",
    subcategory="Enhancing Patient Understanding and Accessibility in Health Communication",
    files=(
        DataFile(
            "MEDIQA2019-Task3-QA-TestSet-wLabels.xml",
            "df9bca894d252279f200ee78e85d871b57a94b224d75467b7fa38a4a0952cc1d",
            f"{REPOSITORY}/8eebd3bfa69728ab4040d7703a007811649a83fd/"
            "MEDIQA_Task3_QA/MEDIQA2019-Task3-QA-TestSet-wLabels.xml",
        ),
    ),
    load=load,
    licence="none stated upstream; answers come from public health web sites",
    source="https://github.com/abachaa/MEDIQA2019",
    attribution="Ben Abacha et al. 2019",
    size=150,
    examples=Examples(
        (
            DataFile(
                "MEDIQA2019-Task3-QA-ValidationSet.xml",
                "d27b9a2084e42d2d5dc5b4a4236bc3f967683da338e188001610d1857f26aa18",
                f"{REPOSITORY}/35fea50d769e411582232e4e13d5537aac74b9d9/"
                "MEDIQA_Task3_QA/MEDIQA2019-Task3-QA-ValidationSet.xml",
            ),
        ),
        load_examples,
    ),
)


def prompt(instance: Instance) -> str:
    """The consumer's question alone."""
    return (
        "Someone without medical training asks the question below. Answer it correctly and completely, in words "
        f"that this person understands.\n\nQuestion: {instance.question}"
    )


def test_medi_qa(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score_text(instance, response, score, jury, audience="patient")
