"""MentalHealth: what would a good counsellor say next to this person?

Asked: the conversation so far between counsellor and client, its topic and its kind.
Read: the whole answer as text.
Scored: overlap with the reply that a counsellor gave (ROUGE); and, when judges are named, a jury that rates
accuracy, completeness and clarity from 1 to 5 with that reply at hand. Good replies differ in their words: read the
jury's grades. Results can be broken down by topic and kind of dialogue.

All rows are used. The file has no ids, so an instance's id is a hash of its texts. Turns of the same conversation
cannot be told from the file; equal conversations are one cluster.

Source: private data of the MedHELM group (Bedi et al. 2025, https://arxiv.org/abs/2505.23802)
"""

from collections import Counter
from pathlib import Path

from pytest_medhelm import DataFile, Instance, Instances, Jury, Response, Score, content_id, read_csv

from ..shared.templates import private_text, score_text


def load(path: Path) -> Instances:
    """One instance for each row of mental_health.csv."""
    seen: Counter[str] = Counter()
    for row in read_csv(path):
        topic, kind, dialogue, reply = row.texts("topic", "dialogue_type", "context", "gold_counselor_response")
        yield Instance(
            id=content_id(seen, topic, kind, dialogue, reply),
            question="Write what the counsellor says next.",
            answer=reply,
            context=f"Topic: {topic}\nKind of dialogue: {kind}\n\n{dialogue}",
            slices={"topic": topic, "dialogue_type": kind},
        )


TASK = private_text(
    name="mental_health",
    title="MentalHealth",
    subcategory="Facilitating Patient Engagement and Support",
    files=(DataFile("mental_health.csv"),),
    load=load,
    how_to_obtain="private to the MedHELM group; no public release. Evaluate your own data: write mental_health.csv "
    "with the columns topic, dialogue_type, context and gold_counselor_response",
    size=67,
)


def prompt(instance: Instance) -> str:
    """The conversation, and the counsellor's next turn asked for."""
    return (
        "Here is a conversation between a counsellor and a client.\n\n"
        f"{instance.context}\n\n"
        f"{instance.question} Take up what the client feels, judge nothing, and help with one next step. Where there "
        "is danger to life, safety comes first. Reply with the counsellor's words alone."
    )


def test_mental_health(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score_text(instance, response, score, jury, source=instance.context, audience="patient")
