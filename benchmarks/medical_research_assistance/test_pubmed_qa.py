"""PubMedQA: does the abstract answer the research question with yes, no or maybe?

Asked: the question that a paper's title poses, with the abstract but for its conclusion, and the three
answers as options A, B, C. All 1,000 expert-labelled questions are used, as on the MedHELM leaderboard; the
dataset's own test split is a half of them.
Read: the letter of the option.
Scored: exact match with the experts' answer. A maybe is right only when the experts said maybe.

Source: Jin et al. 2019, https://github.com/pubmedqa/pubmedqa
"""

from collections.abc import Iterator
from pathlib import Path

from pytest_medhelm import DataFile, Instance, Response, Score, Task, answer_letter, lettered, read_json

CHOICES = ("yes", "no", "maybe")


def load(path: Path) -> Iterator[Instance]:
    """One instance for each PMID of ori_pqal.json."""
    for row in read_json(path):
        decision = row.text("final_decision")
        if decision not in CHOICES:
            raise row.error("final_decision is not one of yes, no, maybe")
        labels, parts = row.take("LABELS", list), row.take("CONTEXTS", list)
        if len(labels) != len(parts):
            raise row.error(f"LABELS names {len(labels)} sections and CONTEXTS holds {len(parts)}")
        yield Instance(
            id=row.key,
            question=row.text("QUESTION"),
            answer="ABC"[CHOICES.index(decision)],
            context="\n".join(f"{label}: {part}" for label, part in zip(labels, parts, strict=True)),
            choices=CHOICES,
            slices={"year": row.optional("YEAR") or "not stated"},
        )


TASK = Task(
    name="pubmed_qa",
    title="PubMedQA",
    subcategory="Conducting Literature Research",
    access="public",
    kind="multiple_choice",
    files=(
        DataFile(
            "ori_pqal.json",
            "8b3276be8942ebbd77f3ddcda12c1749bf0e490045a736fd8438ee40cf37a41d",
            "https://raw.githubusercontent.com/pubmedqa/pubmedqa/1f00b98d5cc626844bf8c4ca513b6e62c40071ec/"
            "data/ori_pqal.json",
        ),
    ),
    load=load,
    main_metric="exact_match",
    licence="MIT",
    source="https://github.com/pubmedqa/pubmedqa",
    attribution="Qiao Jin and others, 2019",
    redistribution=True,
    may_use_hosted_api=True,
    size=1000,
    chance=1 / 3,
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
