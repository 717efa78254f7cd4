"""MedQA: a question of the United States medical licensing examination (USMLE), with four options.

Asked: the clinical vignette with its question, and options A to D.
Read: the letter of the option.
Scored: exact match with the key. Results can be broken down by examination step (step1: basic science;
step2&3: clinical practice).

Upstream left stray quotation marks and line ends around some options; they are cut off. The file has no ids,
so an instance's id is a hash of its question and options. The training split gives the solved examples.

MedHELM draws from the validation and the test split together; with --medhelm-sampler=helm what it draws of the test
split is asked (503 at its limit of 1,000), and the validation split, which is not read, is missing.

Source: Jin et al. 2021, https://github.com/jind11/MedQA (test split with four options)
"""

from collections import Counter
from pathlib import Path

from pytest_medhelm import DataFile, Examples, Instance, Instances, Response, Score
from pytest_medhelm import content_id, letter_prompt, read_jsonl

from ..shared.templates import examination


def load(path: Path) -> Instances:
    """One instance for each line of phrases_no_exclude_test.jsonl."""
    seen: Counter[str] = Counter()
    for row in read_jsonl(path):
        question, options = row.text("question"), row.take("options", dict)
        if sorted(options) != ["A", "B", "C", "D"]:
            raise row.error("options are not lettered A to D")
        choices = tuple(tidy(str(options[letter])) for letter in "ABCD")
        yield Instance(
            id=content_id(seen, question, *choices),
            question=question,
            answer=row.letter("answer_idx", of=4),
            choices=choices,
            slices={"step": row.text("meta_info")},
        )


def tidy(option: str) -> str:
    """An option without the spaces and quotation marks around it; a closing one that is needed stays."""
    text = option.strip(' \n"')
    return f'{text}"' if text.count('"') % 2 else text


TASK = examination(
    name="med_qa",
    title="MedQA",
    files=(
        DataFile(
            "phrases_no_exclude_test.jsonl",
            "c3b905ccfa66152dc25afbcb2c10e86c0bdb208824f0658fcdb2c040f60a2beb",
            "https://raw.githubusercontent.com/Teddy-XiongGZ/MIRAGE/224ebe9a721e1bc525a07b10eceb01ed52df7b29/"
            "rawdata/medqa/data_clean/questions/US/4_options/phrases_no_exclude_test.jsonl",
        ),
    ),
    load=load,
    licence="MIT for the repository; the rights in the examination texts are not stated",
    source="https://github.com/jind11/MedQA",
    attribution="Di Jin and others, 2021",
    helm_validation={"": 1272},
    may_use_hosted_api=True,
    size=1273,
    chance=1 / 4,
    examples=Examples(files=(DataFile("phrases_no_exclude_train.jsonl"),), load=load),
    quick=True,
)


def prompt(instance: Instance) -> str:
    """The vignette with its question, and the options."""
    return letter_prompt("This is a question of a medical licensing examination. One option is best.", instance)


def test_med_qa(instance: Instance, response: Response, score: Score) -> None:
    score.choice(response, instance)
