"""HealthBench Professional: what clinicians ask a chat assistant at work, care consults, documentation and research.

Asked: the conversation as it stands in the file, as chat messages; the last one is the clinician's.
Read: the whole answer as text.
Scored: when judges are named, each criterion of the example is met or not met; the points of those that are met,
negative ones included, are divided by the sum of the positive points, and the mean over examples is kept to 0..1;
beside it the same adjusted for length, which is the set's own main score. Without judges: overlap with the
physician's answer (ROUGE), where there is one.

Results can be broken down by use case, type, difficulty and specialty. MedHELM turns negative points round
(jury_helm) and averages that with a judge's comparison with the physician's answer, which is not asked here. An
instance's id is the file's name and the example's id. A canary string stays in the data and is never printed.

Source: HealthBench Professional (OpenAI), 525 examples in the file healthbench_professional_eval.jsonl
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from pytest_medhelm import Instance, Instances, Jury, Response, Score, content_id, files_in, read_jsonl

from ..shared.health_bench import (
    ADDRESS,
    FOLDER,
    conversation,
    conversations,
    criteria_of,
    grade,
    instance_of,
    messages_of,
    stem,
)

GROUPS = ("use_case", "type", "difficulty", "specialty")


def load(folder: Path) -> Instances:
    """One instance for each example of the files."""
    for path in files_in(folder, FOLDER.pattern):
        seen: Counter[str] = Counter()
        for row in read_jsonl(path):
            talk = row.values.get("conversation")
            given = talk.get("messages") if isinstance(talk, Mapping) else row.values.get("conversation.messages")
            messages = messages_of(row, given if isinstance(given, list) else [])
            name = row.optional("id") or content_id(seen, *(entry["content"] for entry in messages))
            yield instance_of(
                f"{stem(path)}/{name}",
                messages,
                reference=row.optional("physician_response"),
                cluster="",
                slices={key: str(row.values[key]) for key in GROUPS if row.values.get(key)},
                criteria=criteria_of(row, "rubric_items", "criterion_text"),
            )


TASK = conversations(
    name="health_bench_professional",
    title="HealthBench Professional",
    load=load,
    attribution="OpenAI 2026",
    how_to_obtain=f"download {ADDRESS}/healthbench_professional/assets.zip and unpack "
    "healthbench_professional_eval.jsonl",
    size=525,
)

prompt = conversation


def test_health_bench_professional(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    grade(instance, response, score, jury, length_penalty=0.0147)
