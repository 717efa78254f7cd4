"""MTSamples Procedures: what was found, and what follows? Continue the dictated note of a procedure.

Asked: the note up to its section PLAN, else up to its SUMMARY, else up to its FINDINGS, and the request to write
that section (MedHELM asks for a plan throughout).
Read: the whole answer as text.
Scored: overlap with the section as it was dictated (ROUGE); and, when judges are named, a jury that rates
accuracy, completeness and clarity from 1 to 5 with that section at hand. Results can be broken down by heading:
findings are most of it and can only be guessed from what precedes them, so read the plans on their own.

The reference is the rest of the line behind the heading; it and all that follows are cut off the question. The
298 notes without a heading are left out: 131 of 429 remain (27 plans, 6 summaries, 98 findings). The published
cost table counts 128.

Source: sample reports of https://mtsamples.com, collected at https://github.com/raulista1997/benchmarkdata
"""

from pathlib import Path

from pytest_medhelm import DataFolder, Excluded, Instance, Instances, Jury, Response, Score, files_in, read_text

from ..shared.sections import cut_section
from ..shared.templates import score_text, text_task

COMMIT = "c4c252443fa9c52afb6960f53e51be278639bea2"

ASKED = {
    "PLAN": "Write the plan that follows from this procedure: treatment, instructions and follow-up.",
    "SUMMARY": "Write the summary of the procedure.",
    "FINDINGS": "Write the findings of the procedure.",
}


def load(folder: Path) -> Instances:
    """One instance for each text file that has a plan, a summary or findings."""
    for path in files_in(folder, "*.txt"):
        section = cut_section(read_text(path))
        if isinstance(section, Excluded):
            yield section
            continue
        yield Instance(
            id=path.name.removesuffix(".txt"),
            question=ASKED[section.heading],
            answer=section.text,
            context=section.before,
            slices={"heading": section.heading.lower(), "description_cut": "yes" if section.cut else "no"},
        )


TASK = text_task(
    name="mtsamples_procedures",
    title="MTSamples Procedures",
    subcategory="Recording Procedures",
    files=(
        DataFolder(
            "mtsample_procedure",
            "*.txt",
            "f882b8173b2d449529ef3ed7f57a7df7b4ca064a7b6cc09e34be2ee52c07a38a",
            f"https://codeload.github.com/raulista1997/benchmarkdata/zip/{COMMIT}",
            f"benchmarkdata-{COMMIT}/mtsample_procedure",
        ),
    ),
    load=load,
    licence="none stated; transcribed sample reports of mtsamples.com",
    source="https://github.com/raulista1997/benchmarkdata",
    attribution="MTSamples.com",
    size=131,
)


def prompt(instance: Instance) -> str:
    """The note as far as it goes, and which section comes next."""
    return (
        "Here is the first part of the dictated note of a procedure.\n\n"
        f"Note:\n{instance.context}\n\n"
        f"{instance.question} Reply with the text of that section alone, as the operator would dictate it."
    )


def test_mtsamples_procedures(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score_text(instance, response, score, jury, source=instance.context)
