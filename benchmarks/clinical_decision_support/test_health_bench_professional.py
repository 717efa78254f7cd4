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
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_medhelm import Instance, Instances, Jury, Message, Response, Score, Task, content_id, files_in, read_jsonl

from ..shared.health_bench import ADDRESS, FOLDER, criteria_of, instance_of, messages_of, overlap, stem
from ..shared.templates import MIT

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


TASK = Task(
    name="health_bench_professional",
    title="HealthBench Professional",
    subcategory="Providing Clinical Knowledge Support",
    access="public",
    kind="jury",
    files=(FOLDER,),
    load=load,
    main_metric="rouge_l",
    rubric="points",
    source="https://github.com/openai/simple-evals",
    attribution="OpenAI 2026",
    how_to_obtain=f"download {ADDRESS}/healthbench_professional/assets.zip and unpack "
    "healthbench_professional_eval.jsonl",
    size=525,
    category_assigned_here=True,
    **MIT,
)
LENGTH_PENALTY = 0.0147
"""For each 500 characters above 2,000 (docs/rubrics.md)."""


def prompt(instance: Instance) -> Sequence[Message]:
    """The conversation."""
    messages: Sequence[Message] = instance.fields["messages"]
    return messages


def test_health_bench_professional(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    if not jury.has_judges:
        overlap(instance, response, score)
    jury.grade(response, length_penalty=LENGTH_PENALTY)
