"""MTSamples: what is to be done for this patient? Write the plan that closes a dictated note.

Asked: the note up to its section PLAN and the request to write that section. A note without a plan has its
SUMMARY asked for instead, else its FINDINGS (MedHELM asks for a plan throughout).
Read: the whole answer as text.
Scored: overlap with the section as it was dictated (ROUGE); and, when judges are named, a jury that rates
accuracy, completeness and clarity from 1 to 5 with that section at hand. Another plan can be as good as the one
dictated: read the jury's grades. Results can be broken down by heading.

The reference is the rest of the line behind the heading. Nothing of it stays in the question: where the reference
is a summary or findings MedHELM cuts nothing off, so that there the answer stands in its input. Left out are notes
without a heading (723), with nothing on its line (6), and one where MedHELM fails over a "Findings:" in other
letters: 539 of the 1,269 remain. MedHELM lists the folder with a call that stops at 1,000 names and so sees 427 of
them; the slice "leaderboard" tells these apart.

Source: sample reports of https://mtsamples.com, collected at https://github.com/raulista1997/benchmarkdata
"""

from pathlib import Path

from pytest_medhelm import DataFolder, Excluded, Instance, Instances, Jury, Response, Score, files_in, read_text

from ..shared.sections import cut_section
from ..shared.templates import score_text, text_task

COMMIT = "ebc104a4f96c5b7602242f301e081e9934a23344"
LISTED = 1000

ASKED = {
    "PLAN": "Write a reasonable plan for this patient: further tests, treatment and follow-up.",
    "SUMMARY": "Write the summary that closes this note.",
    "FINDINGS": "Write the findings that are to be expected next in this note.",
}


def load(folder: Path) -> Instances:
    """One instance for each text file that has a plan, a summary or findings."""
    for index, path in enumerate(files_in(folder, "*.txt")):
        section = cut_section(read_text(path))
        if isinstance(section, Excluded):
            yield section
            continue
        yield Instance(
            id=path.name.removesuffix(".txt"),
            question=ASKED[section.heading],
            answer=section.text,
            context=section.before,
            slices={
                "heading": section.heading.lower(),
                "description_cut": "yes" if section.cut else "no",
                "leaderboard": "yes" if index < LISTED else "no",
            },
        )


TASK = text_task(
    name="mtsamples_replicate",
    title="MTSamples",
    subcategory="Planning Treatments",
    files=(
        DataFolder(
            "mtsamples_processed",
            "*.txt",
            "746b88a5158863fc85f74b6892bb34959617d624a8f3c2ffe88f88d71722fd89",
            f"https://codeload.github.com/raulista1997/benchmarkdata/zip/{COMMIT}",
            f"benchmarkdata-{COMMIT}/mtsamples_processed",
        ),
    ),
    load=load,
    licence="none stated; transcribed sample reports of mtsamples.com",
    source="https://github.com/raulista1997/benchmarkdata",
    attribution="MTSamples.com",
    size=427,
)


def prompt(instance: Instance) -> str:
    """The note as far as it goes, and which section comes next."""
    return (
        "Here is the first part of a dictated clinical note.\n\n"
        f"Note:\n{instance.context}\n\n"
        f"{instance.question} Reply with the text of that section alone, as a clinician would dictate it."
    )


def test_mtsamples_replicate(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score_text(instance, response, score, jury, source=instance.context)
