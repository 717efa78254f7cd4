"""PubMedQA: does the abstract answer the research question with yes, no or maybe?

Asked: the question that a paper's title poses, with the abstract but for its conclusion, and the three
answers as options A, B, C. All 1,000 expert-labelled questions are used, as on the MedHELM leaderboard; the
dataset's own test split is a half of them.
Read: the letter of the option.
Scored: exact match with the experts' answer. A maybe is right only when the experts said maybe.

Source: Jin et al. 2019, https://github.com/pubmedqa/pubmedqa
"""

from pathlib import Path

from pytest_medhelm import DataFile, Instance, Instances, Response, Score, answer_letter, lettered, read_json

from ..shared.templates import MIT, examination

CHOICES = ("yes", "no", "maybe")


def load(path: Path) -> Instances:
    """One instance for each PMID of ori_pqal.json."""
    for row in read_json(path):
        labels, parts = row.take("LABELS", list), row.take("CONTEXTS", list)
        if len(labels) != len(parts):
            raise row.error(f"LABELS names {len(labels)} sections and CONTEXTS holds {len(parts)}")
        yield Instance(
            id=row.key,
            question=row.text("QUESTION"),
            answer=row.letter_of("final_decision", CHOICES),
            context="\n".join(f"{label}: {part}" for label, part in zip(labels, parts, strict=True)),
            choices=CHOICES,
            slices={"year": row.optional("YEAR") or "not stated"},
        )


def paraphrase(instance: Instance) -> str:
    """The same in other words, for the perturbation of this name."""
    return (
        f"A study asked: {instance.question}\n\nThis is what its abstract reports; the conclusion was taken out.\n\n"
        f"{instance.context}\n\n"
        "What is the answer to the study's question? Take maybe where the findings leave it open.\n"
        f"{lettered(instance.choices)}\n\n"
        f"{answer_letter(instance.choices)}"
    )


TASK = examination(
    name="pubmed_qa",
    title="PubMedQA",
    subcategory="Conducting Literature Research",
    files=(
        DataFile(
            "ori_pqal.json",
            "8b3276be8942ebbd77f3ddcda12c1749bf0e490045a736fd8438ee40cf37a41d",
            "https://raw.githubusercontent.com/pubmedqa/pubmedqa/1f00b98d5cc626844bf8c4ca513b6e62c40071ec/"
            "data/ori_pqal.json",
        ),
    ),
    load=load,
    paraphrase=paraphrase,
    source="https://github.com/pubmedqa/pubmedqa",
    attribution="Qiao Jin and others, 2019",
    size=1000,
    chance=1 / 3,
    quick=True,
    **MIT,
)


def prompt(instance: Instance) -> str:
    """The abstract, the question, and the three answers as options."""
    return (
        "Here is the abstract of a study, without its conclusion. From what it reports, decide how its "
        "research question is to be answered. Choose maybe when the findings do not settle it.\n\n"
        f"{instance.context}\n\n"
        f"Question: {instance.question}\n"
        f"{lettered(instance.choices)}\n\n"
        f"{answer_letter(instance.choices)}"
    )


def test_pubmed_qa(instance: Instance, response: Response, score: Score) -> None:
    score.choice(response, instance)
