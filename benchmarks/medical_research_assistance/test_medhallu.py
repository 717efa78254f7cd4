"""MedHallu: is this answer to a biomedical question true to the study, or made up?

Asked: the text of a study's abstract, a question about it, and one answer: either the true one or a plausible
invention. The model replies 0 (true) or 1 (hallucinated).
Read: the number 0 or 1.
Scored: exact match with the label; also F1, and precision and recall of "hallucinated". Slices: difficulty, kind, label

Each of the 1,000 records gives two instances, one with either answer; they share a cluster. MedHELM shows the abstract
as the text of a Python list; here its parts are paragraphs. Without ids in the file an id is a hash of the texts.

Source: Pandit et al. 2025, https://huggingface.co/datasets/UTAustin-AIHealth/MedHallu (configuration pqa_labeled)
"""

import re
from collections import Counter
from pathlib import Path

from pytest_medhelm import DataFile, Instance, Instances, Response, Score, Task
from pytest_medhelm import answers, content_id, digest, read_columnar

from ..shared.templates import MIT

LABELS = {"0": "true", "1": "hallucinated"}
SHOWN = {"0": "Ground Truth", "1": "Hallucinated Answer"}
COLUMNS = ("Question", "Knowledge", *SHOWN.values(), "Difficulty Level", "Category of Hallucination")


def load(path: Path) -> Instances:
    """Two instances for each record: the true answer and the hallucinated one."""
    seen: Counter[str] = Counter()
    for row in read_columnar(path, COLUMNS):
        question, paragraphs = row.text("Question"), row.take("Knowledge", list)
        if not paragraphs or not all(isinstance(text, str) for text in paragraphs):
            raise row.error("Knowledge is not a list of texts")
        for label, column in SHOWN.items():
            shown, kind = row.text(column), row.text("Category of Hallucination")
            yield Instance(
                id=content_id(seen, question, shown, label),
                question=f"{question}\n\nAnswer to judge: {shown}",
                answer=label,
                context="\n\n".join(text.strip() for text in paragraphs),
                cluster=digest(question),
                slices={"difficulty": row.text("Difficulty Level"), "hallucination": kind, "label": LABELS[label]},
            )


def read_label(text: str) -> str | None:
    """The 0 or 1 that an answer gives, as a number or as the word true or hallucinated; None for neither or both."""
    plain = re.sub(r"\bfactual(?:ly (?:accurate|correct))?\b", "true", answers.fold(text))
    plain = re.sub(r"\b(?:an? )?hallucinations?\b|(?<=\bis )false\b", "hallucinated", plain)
    plain = re.sub(r"\bnot (?:(hallucinated)|true)\b", lambda match: "true" if match[1] else "hallucinated", plain)
    both = r"\b(?:0\W{1,3}hallucinated|1\W{1,3}true|true (?:or|and) hallucinated|hallucinated (?:or|and) true)\b"
    numbers = answers.read_choice(plain, ("0", "1")) if re.search(r"\b[01]\b", plain) else None
    words = answers.read_choice(plain, ("true", "hallucinated")) if re.search(r"true|hallucinated", plain) else None
    said = {"AB".index(letter) for letter in (numbers, words) if letter}
    return str(said.pop()) if len(said) == 1 and not re.search(both, plain) else None


TASK = Task(
    name="medhallu",
    version=4,
    title="MedHallu",
    subcategory="Ensuring Clinical Research Quality",
    access="public",
    kind="classification",
    files=(
        DataFile(
            "MedHallu_pqa_labeled/train/data-00000-of-00001.arrow",
            "f5725cf91f540abf5c4ec06f42cba165f90b6a57df2d3141c17f5d633fb526e6",
            "https://raw.githubusercontent.com/askerlee/MedHallu/c57590fe523338bffda24078cfaf0dc7b4194b86/"
            "Detection/MedHallu_pqa_labeled/train/data-00000-of-00001.arrow",
        ),
    ),
    load=load,
    main_metric="exact_match",
    source="https://huggingface.co/datasets/UTAustin-AIHealth/MedHallu",
    attribution="Shrey Pandit and others, 2025; PubMedQA",
    size=2000,
    chance=1 / 2,
    positive="hallucinated",
    **MIT,
)


def prompt(instance: Instance) -> str:
    """The abstract, the question and the answer to judge."""
    return (
        "Someone answered a question about a study. Judge from the study's text and from what is known in medicine "
        "whether the answer is true or hallucinated, that is made up or distorted.\n\n"
        f"Study:\n{instance.context}\n\n"
        f"Question: {instance.question}\n\n"
        "Reply with 0 if the answer is true, with 1 if it is hallucinated, and with nothing else."
    )


def test_medhallu(instance: Instance, response: Response, score: Score) -> None:
    label = response.read(read_label)
    score.exact_match(label, instance.answer)
    score.label(label and LABELS[label], LABELS[instance.answer])
    score.helm("exact_match", answers.helm_output(response.text, 5) == instance.answer)
