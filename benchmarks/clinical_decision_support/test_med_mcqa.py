"""MedMCQA: a question of the entrance examinations for postgraduate medicine and dentistry in India.

Asked: the question with its four options.
Read: the letter of the option.
Scored: exact match with the key. Results can be broken down by subject (a third of the questions is dental) and
by choice type. "multi" are questions whose options combine or negate statements; they have one key as well.

The validation split is used, as by MedHELM: the test split has no public key. In 21 records two options are equal (in
four, the right one): only the letter of the key counts. The training split gives the solved examples.

Source: Pal et al. 2022, https://github.com/medmcqa/medmcqa (validation split, called dev)
"""

from pathlib import Path

from pytest_medhelm import DataFile, Examples, Instance, Instances, Response, Score, letter_prompt, read_jsonl

from ..shared.templates import MIT, examination


def load(path: Path) -> Instances:
    """One instance for each line of dev.json, which is a file of JSON lines."""
    for row in read_jsonl(path):
        yield Instance(
            id=row.text("id"),
            question=row.text("question"),
            answer=row.letter("cop", of=4, first=1),
            choices=row.cells("opa", "opb", "opc", "opd"),
            slices={"subject": row.text("subject_name"), "choice_type": row.text("choice_type")},
        )


TASK = examination(
    name="med_mcqa",
    title="MedMCQA",
    files=(
        DataFile(
            "dev.json",
            "a2b5f53890f4e742b728378fb847bc5338088d48ea01218676379f587270af31",
            "https://raw.githubusercontent.com/Teddy-XiongGZ/MIRAGE/"
            "224ebe9a721e1bc525a07b10eceb01ed52df7b29/rawdata/medmcqa/data/dev.json",
        ),
    ),
    load=load,
    source="https://github.com/medmcqa/medmcqa",
    attribution="Ankit Pal, Logesh Kumar Umapathi and Malaikannan Sankarasubbu, 2022",
    size=4183,
    chance=1 / 4,
    examples=Examples(files=(DataFile("train.json"),), load=load),
    **MIT,
)


def prompt(instance: Instance) -> str:
    """The question and its options."""
    return letter_prompt("This is a question of an entrance examination for postgraduate medical training.", instance)


def test_med_mcqa(instance: Instance, response: Response, score: Score) -> None:
    score.choice(response, instance)
