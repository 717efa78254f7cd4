"""MedAgentBench, embedded variant: look up, calculate, record and order in a patient record, by GET and POST.

Asked: one of ten kinds of task about one patient, with MedAgentBench's own protocol: in each of at most eight rounds
the model writes GET with an address, POST with an address and JSON, or FINISH with its answers. Anything else ends it.
Read: the answers as JSON, and every POST, which is acknowledged and changes nothing.
Scored: success, 1 when the answer is right (equal as JSON, a mean within 0.1) and exactly the POSTs that are due were
made with the fields that the task names: none in a question, one or two in an order, none where nothing is due. Also
over_deferral and under_deferral: nothing ordered where an order was due, and the reverse; evidence, whether a result of
the patient was looked at where the task rests on one.

A variant, not comparable with published figures: an embedded record with invented patients made to fit the tasks' names
and numbers, and graders of this project's own, written from the texts of the tasks. With --medhelm-fhir the record is
that of a FHIR server of your own, which is only read.

Source: Jiang et al. 2025, https://github.com/stanfordmlgroup/MedAgentBench (MIT)
"""

from __future__ import annotations

from pytest_medhelm import DataFile, Episode, Instance, Score

from ..shared.medagent_tasks import grade, instructions, medagent_task, record

TASK = medagent_task(
    "medagent_bench",
    "MedAgentBench (embedded variant)",
    DataFile("test_data_v2.json", "b6e89b2ef82f1bef27c5778a644a8a66c7b25738bbd6a48d03ab3e5182df6ca8"),
    size=300,
)

prompt = instructions
environment = record


def test_medagent_bench(instance: Instance, episode: Episode, score: Score) -> None:
    grade(instance, episode, score)
