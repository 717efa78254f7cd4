"""Medbullets: a question in the style of the United States licensing examination steps 2 and 3, with five options.

Asked: the clinical vignette with its question, and options A to E.
Read: the letter of the option.
Scored: exact match with the key.

116 of the 308 vignettes name a figure that upstream does not have: they stay, as on the leaderboard, under the slice
"figure". Ten questions have two addresses: both stay, as one cluster. The end of the address is an instance's id.

Source: Chen et al. 2024, https://github.com/HanjieChen/ChallengeClinicalQA (five options)
"""

from pathlib import Path

from pytest_medhelm import DataFile, Instance, Instances, Response, Score, digest, letter_prompt, read_csv

from ..shared.templates import examination


def load(path: Path) -> Instances:
    """One instance for each row of medbullets_op5.csv."""
    for row in read_csv(path):
        question, answer = row.text("question"), row.letter("answer_idx", of=5)
        choices = row.texts("opa", "opb", "opc", "opd", "ope")
        if choices["ABCDE".index(answer)] != row.text("answer"):
            raise row.error("answer is not the text of the option that answer_idx names")
        name = row.text("link").rpartition("/")[2].rpartition("=")[2]
        slices = {"figure": "named" if "figure" in question.lower() else "none"}
        yield Instance(
            id=name, question=question, answer=answer, choices=choices, cluster=digest(question), slices=slices
        )


TASK = examination(
    name="medbullets",
    title="Medbullets",
    files=(
        DataFile(
            "medbullets_op5.csv",
            "7da4b1397418b4bd15074066ea6a377ac44a599794a959cd8ebc76937ea597e6",
            "https://raw.githubusercontent.com/HanjieChen/ChallengeClinicalQA/"
            "d20bfca3cff061460fc216e85899a86e52da4934/medbullets/medbullets_op5.csv",
        ),
    ),
    load=load,
    licence="none stated upstream; the questions come from a commercial tutoring site",
    source="https://github.com/HanjieChen/ChallengeClinicalQA",
    attribution="Hanjie Chen, Zhouxiang Fang, Yash Singla and Mark Dredze, 2024; Medbullets",
    size=308,
    chance=1 / 5,
)


def prompt(instance: Instance) -> str:
    """The vignette with its question, and the options."""
    return letter_prompt("This is a question of a medical licensing examination. One option is best.", instance)


def test_medbullets(instance: Instance, response: Response, score: Score) -> None:
    score.choice(response, instance)
