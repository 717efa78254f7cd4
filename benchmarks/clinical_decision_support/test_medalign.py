"""MedAlign: do what a clinician asks of a patient's whole health record.

Asked: the record as XML, one element a line, and the clinician's question or instruction. Of a record longer than
300,000 characters (about 100,000 tokens) the latest part is shown; MedHELM cuts from the left too, by tokens.
Read: the whole answer as text.
Scored: overlap with the answer of the first annotator, a clinician (ROUGE); and, when judges are named, a jury that
rates accuracy, completeness and clarity from 1 to 5 with that answer at hand.

An instance is an instruction that both tables know, under its own id (the table of reviewed model answers repeats
it for each model). Without an answer by Annotator_1 it is left out. Instructions about one person are one cluster.

Source: Fleming et al. 2024, https://arxiv.org/abs/2308.14089 (reviewed instructions)
"""

from functools import cache
from pathlib import Path

from pytest_medhelm import DataFile, DataFolder, Excluded, Instance, Instances, Jury, Response, Score
from pytest_medhelm import digest, files_in, read_csv, unnamed

from ..shared.ehr import latest_record
from ..shared.templates import score_text, text_task

ANNOTATOR = "Annotator_1"
CHARACTERS = 300_000


def load(reviewed: Path, answers: Path, records: Path) -> Instances:
    """One instance for each instruction of the first table that Annotator_1 answered."""
    references: dict[str, str] = {}
    for row in read_csv(answers, delimiter="\t"):
        name, text = row.text("instruction_id"), row.cell("clinician_response")
        if row.text("annotator_num") == ANNOTATOR and text:
            references.setdefault(name, text)
    files = {path.name: (path, number) for number, path in enumerate(files_in(records, "*.xml"), start=1)}

    @cache
    def record(name: str) -> str:
        path, number = files[name]
        with unnamed(path, number):
            return latest_record(path, CHARACTERS)

    asked: dict[str, tuple[str, str]] = {}
    for row in read_csv(reviewed, delimiter="\t"):
        name, question, person = row.text("instruction_id"), row.text("question"), row.text("person_id")
        if name in asked:
            if asked[name] != (question, person):
                raise row.error("the instruction stands further up with another question or person")
            continue
        asked[name] = question, person
        if f"{person}.xml" not in files:
            raise row.error(f"{records.name} lacks the record of this person")
        if name not in references:
            yield Excluded(f"no answer by {ANNOTATOR}")
            continue
        yield Instance(name, question, references[name], record(f"{person}.xml"), cluster=digest(person))


TASK = text_task(
    name="medalign",
    title="MedAlign",
    subcategory="Providing Clinical Knowledge Support",
    access="gated",
    files=(
        DataFile("clinician-reviewed-model-responses.tsv"),
        DataFile("clinician-instruction-responses.tsv"),
        DataFolder("medalign_ehr_xml", "*.xml"),
    ),
    load=load,
    licence="Stanford's data use agreement for MedAlign",
    source="https://arxiv.org/abs/2308.14089",
    attribution="Fleming et al. 2024",
    redistribution=False,
    may_use_hosted_api=False,
    how_to_obtain="request MedAlign from Stanford on redivis.com, sign its data use agreement and unpack the release",
)


def prompt(instance: Instance) -> str:
    """The record, then the instruction."""
    return (
        "Here is a patient's health record in XML, from the oldest entry to the latest.\n\n"
        f"{instance.context}\n\n"
        f"A clinician who treats this patient asks:\n{instance.question}\n\n"
        "Answer from the record, briefly. Say so when the record does not tell."
    )


def test_medalign(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score_text(instance, response, score, jury)
