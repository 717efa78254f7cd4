"""MedXpertQA Text: an expert-level question of specialty boards, with ten options.

Asked: the question, mostly a clinical vignette, and options A to J.
Read: the letter of the option.
Scored: exact match with the key. Results can be broken down by question type (Reasoning or Understanding).

Upstream repeats the options at the end of the question ("Answer Choices: ..."). MedHELM shows them twice; here they
are cut off and shown once, from the list of options. Where the two differ (two records) the list of options decides.

The two files are a copy that another project made from the test split, with upstream's ids; upstream's own format (a
list of options and a label) is read as well.

Source: Zuo et al. 2025, https://github.com/TsinghuaC3I/MedXpertQA (configuration Text, test split)
"""

from pathlib import Path
from typing import Any

from pytest_medhelm import DataFile, Instance, Instances, Response, Row, Score, letter_prompt, read_jsonl

from ..shared.templates import MIT, examination

COPY = "https://raw.githubusercontent.com/xk-huang/medagents-benchmark/68b27432973029b4fd5b4b7fa03910d38688b1d8/data"
LETTERS = list("ABCDEFGHIJ")


def load(reasoning: Path, understanding: Path) -> Instances:
    """One instance for each line of the two files."""
    for path, question_type in ((reasoning, "Reasoning"), (understanding, "Understanding")):
        for row in read_jsonl(path):
            yield asked(row, question_type)


def asked(row: Row, question_type: str) -> Instance:
    """One question, in the format of the copy or of upstream."""
    options = options_of(row)
    labels: Any = row.values.get("answer_idx", row.values.get("label"))
    answer = labels[0] if isinstance(labels, list) and len(labels) == 1 else labels
    if sorted(options) != LETTERS or answer not in LETTERS:
        raise row.error("the options are not lettered A to J, or the answer is none of them")
    return Instance(
        id=row.text("realidx" if "realidx" in row.values else "id"),
        question=row.text("question").partition("\nAnswer Choices:")[0].rstrip(),
        answer=answer,
        choices=tuple(options[letter] for letter in LETTERS),
        slices={"question_type": row.optional("question_type") or question_type},
    )


def options_of(row: Row) -> dict[str, str]:
    """The options by letter, which upstream keeps as a list or as an object."""
    options: Any = row.take("options", object)
    if isinstance(options, list):
        try:
            options = {option["letter"]: option["content"] for option in options}
        except (KeyError, TypeError):
            raise row.error("an option has no letter or no content") from None
    if not isinstance(options, dict) or not all(isinstance(text, str) for text in options.values()):
        raise row.error("the column 'options' holds no texts by letter")
    return {letter: text.strip() for letter, text in options.items()}


TASK = examination(
    name="medxpert_qa_text",
    title="MedXpertQA",
    subcategory="Supporting Diagnostic Decisions",
    category_assigned_here=True,
    files=(
        DataFile(
            "medagents-benchmark/medxpertqa-r/test.jsonl",
            "9b87b291f5eba0a192c46b3b9acc5f7e2f9f85f1b7d57e9389a75d46d510d6a2",
            f"{COPY}/medxpertqa-r/test.jsonl",
        ),
        DataFile(
            "medagents-benchmark/medxpertqa-u/test.jsonl",
            "968974f3d1df977b93dd61ee6749709e5bf17ffd088f8b54973bd65fa168ec76",
            f"{COPY}/medxpertqa-u/test.jsonl",
        ),
    ),
    load=load,
    source="https://github.com/TsinghuaC3I/MedXpertQA",
    attribution="Yuxin Zuo and others, 2025",
    size=2450,
    chance=1 / 10,
    **MIT,
)


def prompt(instance: Instance) -> str:
    """The question and its ten options."""
    return letter_prompt("This is a question of a medical specialty board. One option is best.", instance)


def test_medxpert_qa_text(instance: Instance, response: Response, score: Score) -> None:
    score.choice(response, instance)
