"""MedMCQA: a question of the entrance examinations for postgraduate medicine and dentistry in India.

Asked: the question with its four options.
Read: the letter of the option.
Scored: exact match with the key. Results can be broken down by subject (a third of the questions is dental) and
by choice type. "multi" are questions whose options combine or negate statements; they have one key as well.

The validation split is used, as on the MedHELM leaderboard: the test split has no public key. In 21 records two
options are equal, in four of them the right one: only the letter of the key counts. The key counts from 1 in this
file. The training split gives the solved examples.

Source: Pal et al. 2022, https://github.com/medmcqa/medmcqa (validation split, called dev)
"""

from collections.abc import Iterator
from pathlib import Path

from pytest_medhelm import DataFile, Examples, Instance, Response, Score, Task, letter_prompt, read_jsonl


def load(path: Path) -> Iterator[Instance]:
    """One instance for each line of dev.json, which is a file of JSON lines."""
    for row in read_jsonl(path):
        key = row.take("cop", int)
        if key not in (1, 2, 3, 4):
            raise row.error("cop is not a number from 1 to 4")
        yield Instance(
            id=row.text("id"),
            question=row.text("question"),
            answer="ABCD"[key - 1],
            choices=tuple(row.take(f"op{letter}", str).strip() for letter in "abcd"),
            slices={"subject": row.text("subject_name"), "choice_type": row.text("choice_type")},
        )


TASK = Task(
    name="med_mcqa",
    title="MedMCQA",
    subcategory="Providing Clinical Knowledge Support",
    access="public",
    kind="multiple_choice",
    files=(
        DataFile(
            "dev.json",
            "a2b5f53890f4e742b728378fb847bc5338088d48ea01218676379f587270af31",
            "https://raw.githubusercontent.com/Teddy-XiongGZ/MIRAGE/"
            "224ebe9a721e1bc525a07b10eceb01ed52df7b29/rawdata/medmcqa/data/dev.json",
        ),
    ),
    load=load,
    main_metric="exact_match",
    licence="MIT",
    source="https://github.com/medmcqa/medmcqa",
    attribution="Ankit Pal, Logesh Kumar Umapathi and Malaikannan Sankarasubbu, 2022",
    redistribution=True,
    may_use_hosted_api=True,
    size=4183,
    chance=1 / 4,
    examples=Examples(files=(DataFile("train.json"),), load=load),
)


def prompt(instance: Instance) -> str:
    """The question and its options."""
    return letter_prompt("This is a question of an entrance examination for postgraduate medical training.", instance)


def test_med_mcqa(instance: Instance, response: Response, score: Score) -> None:
    score.choice(response, instance)
