"""HealthQA-BR: a question of Brazilian licensing and residency examinations in medicine and other health professions.

Asked: in Portuguese, the question with its options (mostly four or five).
Read: the letter of the option.
Scored: exact match with the key. Results can be broken down by examination and by profession.

The file holds the question and its options in one text, as 'A': 'first', 'B': 'second' and so on, in places as
lines "A: first" or "A) first". All these are read, with apostrophes and quotation marks inside an option. A row
whose key is not the letter of one of its options, such as an annulled question, cannot be scored and is left
out. MedHELM has the same rule, but reads only the first form and cuts an option at its first apostrophe: it
leaves out more rows, so the number of its questions is not known here (the paper announces 5,632).

Source: D'addario 2025, https://huggingface.co/datasets/Larxel/healthqa-br (all rows)
"""

import re
from pathlib import Path
from string import ascii_uppercase

from pytest_medhelm import DataFile, Excluded, Instance, Instances, Response, Score
from pytest_medhelm import answer_letter, lettered, read_columnar

from ..shared.templates import CC_BY, examination

MARK = re.compile(r"""['"]([A-Z])['"]\s*:\s*|^[ \t]*([A-Z])\s*[:)]\s+""", re.MULTILINE)
"""What stands before an option."""


def load(path: Path) -> Instances:
    """One instance for each row whose key is one of its options."""
    for row in read_columnar(path, ["id", "source", "group", "question", "answer"]):
        question, choices = split_options(row.text("question"))
        answer = row.text("answer").upper()
        if answer not in list(ascii_uppercase[: len(choices)]):
            yield Excluded("the key is not one of the options")
            continue
        yield Instance(
            id=row.text("id"),
            question=question,
            answer=answer,
            choices=choices,
            slices={"examination": row.text("source"), "profession": row.optional("group") or "not stated"},
        )


def split_options(text: str) -> tuple[str, tuple[str, ...]]:
    """The question and its options, which are lettered from A without a gap; no options when none are found."""
    marks: list[re.Match[str]] = []
    for mark in MARK.finditer(text):
        letter = mark[1] or mark[2]
        if letter == "A":
            marks = [mark]
        elif marks and letter == ascii_uppercase[len(marks)]:
            marks.append(mark)
    if len(marks) < 2:
        return text, ()
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    choices = tuple(unquoted(text[mark.end() : end]) for mark, end in zip(marks, ends, strict=True))
    return text[: marks[0].start()].rstrip(" \n\t{"), choices


def unquoted(option: str) -> str:
    """An option without the comma behind it and the quotation marks around it."""
    text = option.strip().rstrip(",}").rstrip()
    quote = text[:1]
    if quote in ("'", '"') and len(text) > 1 and text.endswith(quote):
        return text[1:-1].replace(f"\\{quote}", quote).strip()
    return text


TASK = examination(
    name="healthqa_br",
    version=2,
    title="HealthQA-BR",
    category_assigned_here=True,
    files=(DataFile("healthqa-br.parquet"),),
    load=load,
    source="https://huggingface.co/datasets/Larxel/healthqa-br",
    attribution="Andrew Maranhao Ventura D'addario, 2025",
    how_to_obtain="download the file from https://huggingface.co/datasets/Larxel/healthqa-br",
    language="pt",
    **CC_BY,
)


def prompt(instance: Instance) -> str:
    """The question and its options, with the instructions in Portuguese."""
    return (
        "Esta é uma questão de um exame brasileiro para profissionais de saúde.\n\n"
        f"{instance.question}\n"
        f"{lettered(instance.choices)}\n\n{answer_letter(instance.choices)}"
    )


def test_healthqa_br(instance: Instance, response: Response, score: Score) -> None:
    score.choice(response, instance)
