"""The long record: find what matters in an invented patient record of 2,000 to 1,000,000 tokens.

Asked: the whole record, and then one of three things: a summary for the doctor who takes over; a question that one
document decides, with its date and number as evidence; or which of nine statements the record does not support.
Read: the summary as text, sentence by sentence; the other two as JSON.
Scored: the summary by rules for each of five planted facts (present, absent, contradicted) and for what it invents
(drugs, doses, dates, allergies): facts present, less those contradicted and all that is invented, over five. A
question: half for the answer, a quarter each for date and document. Statements: sensitivity + specificity - 1. Judges
grade summaries too, by criteria with points (jury); the main value stays that of the rules.

This project's own benchmark, outside of MedHELM, its win rates and averages; no clinician has reviewed it. Records are
made by a seeded generator. Planted are an allergy mentioned once against copied denials, a medicine stopped and
restarted, a result never followed up, a corrected diagnosis, another patient's note; each once at each of five depths
over five records of a length. Lengths are sub-tasks; 512k and 1m run only when named. Source: docs/long-record.md
"""

from __future__ import annotations

from pathlib import Path

from pytest_medhelm import DataFile, Instance, Instances, Jury, Response, Score, Task

from ..shared.long_record.build import record_text
from ..shared.long_record.facts import KINDS
from ..shared.long_record.findings import finding
from ..shared.long_record.invented import invented
from ..shared.long_record.plan import Plan, plans
from ..shared.long_record.questions import instances_of, pinpointed, sorted_out

MOST_INVENTED = 10
PARTS = ("answer", "date", "document")


def load(path: Path) -> Instances:
    """All that is asked about each record, record by record."""
    for plan in plans(path):
        yield from instances_of(plan)


TASK = Task(
    name="long_record",
    version=4,
    title="The long record",
    subcategory="Documenting Patient Visits",
    access="public",
    kind="generation",
    files=(DataFile("records.json"),),
    load=load,
    main_metric="record_score",
    records=("present", "contradicted", "invented", *PARTS),
    rubric="points",
    main_by_jury=False,
    licence="Apache-2.0",
    source="this repository, docs/long-record.md",
    attribution="pytest-medhelm",
    redistribution=True,
    may_use_hosted_api=True,
    category_assigned_here=True,
    outside_medhelm=True,
    sub_tasks_by="length",
    named_only=("512k", "1m"),
    embedded_only=("2k",),
    map_by=("length", "depth"),
    folder=Path(__file__).parent.parent / "samples" / "long_record",
)


def prompt(instance: Instance) -> str:
    """The record first, so that a server's prefix cache serves all that is asked about it."""
    return f"{record_text(Plan(*instance.fields['plan']))}\n\n=== End of the record ===\n\n{instance.question}"


def test_long_record(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    plan, task = Plan(*instance.fields["plan"]), instance.slices["task"]
    if task == "summary":
        findings = [finding(fact, response.text) for fact in plan.facts]
        made_up = invented(response.text, record_text(plan))
        present, contradicted = findings.count("present"), findings.count("contradicted")
        score.record("record_score", max(0.0, (present - contradicted - len(made_up)) / len(findings)))
        score.record("present", present / len(findings))
        if response.status == "ok":
            score.record("contradicted", contradicted / len(findings), (1.0, 0.0))
            score.record("invented", min(MOST_INVENTED, len(made_up)), (MOST_INVENTED, 0.0))
        else:
            score.not_applicable("contradicted", "invented")
        score.not_applicable(*PARTS)
        jury.grade(response)
        return
    if jury.has_judges:  # they grade summaries alone
        score.not_applicable("jury", "jury_helm", *(f"fact_{kind}" for kind in KINDS))
    score.not_applicable("present", "contradicted", "invented")
    if task == "statements":
        score.record("record_score", response.read(lambda text: sorted_out(plan, text)) or 0.0)
        score.not_applicable(*PARTS)
        return
    fact = next(fact for fact in plan.facts if fact.name == instance.fields["fact"])
    parts = response.read(lambda text: pinpointed(fact, text)) or dict.fromkeys(PARTS, 0.0)
    for name in PARTS:
        score.record(name, parts[name])
    score.record("record_score", parts["answer"] / 2 + parts["date"] / 4 + parts["document"] / 4)
