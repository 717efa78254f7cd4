"""MedDialog: say in one sentence what an online consultation between patient and doctor is about.

Asked: the dialogue, and a summary of one sentence.
Read: the whole answer as text.
Scored: overlap with the summary that the site shows (ROUGE); and, when judges are named, a jury that rates
accuracy, completeness and clarity from 1 to 5 with that summary at hand.

Two sub-tasks, one per web site (HealthCareMagic, iCliniq): each has its own value, the benchmark's is their plain
mean. The files have no ids, so an instance's id is the subset with a hash of its texts.

Source: Zeng et al. 2020, with the summaries of Yuan et al. 2022 (BioBART), from CodaLab (test split of both subsets)
"""

from collections import Counter
from pathlib import Path

from pytest_medhelm import DataFile, Instance, Instances, Jury, Response, Score, content_id, read_json

from ..shared.templates import score_text, text_task

SUBSETS = ("healthcaremagic", "icliniq")


def load(*paths: Path) -> Instances:
    """One instance for each dialogue of the two files."""
    for subset, path in zip(SUBSETS, paths, strict=True):
        seen: Counter[str] = Counter()
        for row in read_json(path, "data"):
            dialogue, summary = row.text("src"), row.text("tgt")
            yield Instance(
                id=f"{subset}-{content_id(seen, dialogue, summary)}",
                question="In this dialogue a patient writes to a doctor. Say in one sentence what the patient asks.",
                answer=summary,
                context=dialogue,
                slices={"subset": subset},
            )


TASK = text_task(
    name="med_dialog",
    title="MedDialog",
    subcategory="Patient-Provider Messaging",
    files=tuple(DataFile(f"{subset}/test.json") for subset in SUBSETS),
    load=load,
    licence="none stated upstream; texts of healthcaremagic.com and icliniq.com",
    source="https://worksheets.codalab.org/bundles/0x82f0c47f6d3e4462ae9ef8ea39eebe64",
    attribution="Zeng et al. 2020; Yuan et al. 2022",
    how_to_obtain="download the CodaLab bundle 0x82f0c47f6d3e4462ae9ef8ea39eebe64 and keep its two folders",
    sub_tasks_by="subset",
    sub_tasks=SUBSETS,
)


def prompt(instance: Instance) -> str:
    """The dialogue, and one sentence asked for."""
    return f"{instance.question} Reply with that sentence alone.\n\nDialogue:\n{instance.context}"


def test_med_dialog(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score_text(instance, response, score, jury, source=instance.context)
