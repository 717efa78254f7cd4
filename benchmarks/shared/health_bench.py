"""HealthBench's files: conversations, each with criteria that carry points (Arora et al. 2025, arXiv:2505.08775)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pytest_medhelm import (
    ConfigError,
    DataFolder,
    Excluded,
    Instance,
    Jury,
    Message,
    PointsCriterion,
    Response,
    Row,
    Score,
    Task,
    digest,
    files_in,
    read_jsonl,
)

from .templates import MIT

ADDRESS = "https://openaipublic.blob.core.windows.net/simple-evals"
REPEATED = "the same line stands in the file before"
FOLDER = DataFolder(".", "*.jsonl*")
"""The set's file, plain or gzipped; instances are keyed by its name, so any name will do."""
ROLES = ("system", "developer", "user", "assistant")

conversations = partial(
    Task,
    subcategory="Providing Clinical Knowledge Support",
    access="public",
    kind="jury",
    files=(FOLDER,),
    main_metric="rouge_l",
    rubric="points",
    source="https://github.com/openai/simple-evals",
    category_assigned_here=True,
    **MIT,
)
"""Answers to conversations, graded by criteria that carry points."""


def examples(folder: Path) -> Iterator[Instance | Excluded]:
    """The examples of all files in a folder. An id is that of the file and the prompt.

    Where a file has a prompt with several lists of criteria, the id ends in a digest of the list; a line that repeats
    another one word for word is left out.
    """
    for path in files_in(folder, FOLDER.pattern):
        rows = list(read_jsonl(path))
        prompt_ids, lists = [], []
        for row in rows:
            prompt_ids.append(row.text("prompt_id"))
            lists.append(criteria_of(row, "rubrics", "criterion"))
        keys = list(zip(prompt_ids, map(_criteria_digest, lists), strict=True))
        prompts = Counter(prompt for prompt, _ in set(keys))
        seen: set[tuple[str, str]] = set()
        for row, key, criteria in zip(rows, keys, lists, strict=True):
            if key in seen:
                yield Excluded(REPEATED)
                continue
            seen.add(key)
            name = key[0] if prompts[key[0]] == 1 else "-".join(key)
            yield _example(row, f"{stem(path)}/{name}", criteria)


def stem(path: Path) -> str:
    """A file's name without its endings."""
    return path.name.removesuffix(".gz").removesuffix(".jsonl")


def _example(row: Row, name: str, criteria: tuple[PointsCriterion, ...]) -> Instance:
    ideal = row.values.get("ideal_completions_data") or {}
    tags = [tag for tag in row.take("example_tags", list) if isinstance(tag, str)]
    return instance_of(
        name,
        messages_of(row, row.take("prompt", list)),
        reference=str(ideal.get("ideal_completion") or "") if isinstance(ideal, Mapping) else "",
        cluster=row.text("prompt_id"),
        slices=dict(tag.split(":", 1) for tag in tags if ":" in tag),
        criteria=criteria,
    )


def instance_of(
    name: str,
    messages: Sequence[Message],
    *,
    reference: str,
    cluster: str,
    slices: Mapping[str, str],
    criteria: tuple[PointsCriterion, ...],
) -> Instance:
    """A conversation that ends with the user's turn, as an instance."""
    earlier = "\n\n".join(f"{entry['role']}: {entry['content']}" for entry in messages[:-1])
    return Instance(
        id=name,
        question=f"user: {messages[-1]['content']}" if earlier else messages[-1]["content"],
        answer=reference,
        context=earlier,
        cluster=cluster,
        slices=slices,
        fields={"messages": list(messages)},
        criteria=criteria,
    )


def messages_of(row: Row, given: Sequence[Any]) -> list[Message]:
    """The chat messages of a record. Raises DataError when they are none, or do not end with the user's turn."""
    messages: list[Message] = []
    for entry in given:
        role, content = (entry.get("role"), entry.get("content")) if isinstance(entry, Mapping) else (None, None)
        if role not in ROLES or not isinstance(content, str):
            raise row.error("its conversation holds something else than messages with a role and a text")
        messages.append({"role": role, "content": content})
    if not messages or messages[-1]["role"] != "user":
        raise row.error("its conversation does not end with a message of the user")
    return messages


def criteria_of(row: Row, column: str, text: str) -> tuple[PointsCriterion, ...]:
    """The criteria of a record, whose wording stands under the key ``text``. Raises DataError when one is malformed."""
    found = []
    for entry in row.take(column, list):
        if not isinstance(entry, Mapping):
            raise row.error(f"an entry of {column!r} is no object")
        wording, points, tags = entry.get(text), entry.get("points"), entry.get("tags")
        if not isinstance(wording, str) or isinstance(points, bool) or not isinstance(points, int | float):
            raise row.error(f"an entry of {column!r} has no text under {text!r}, or no number under 'points'")
        named = tags if isinstance(tags, list) else ()
        try:
            groups = tuple(tag for tag in named if isinstance(tag, str) and PointsCriterion.is_tag(tag))
            found.append(PointsCriterion(wording, points, groups))
        except ConfigError as error:
            raise row.error(f"in {column!r}, {error}") from None
    if not any(entry.points > 0 for entry in found):
        raise row.error(f"none of its {column!r} has positive points")
    return tuple(found)


def conversation(instance: Instance) -> Sequence[Message]:
    """The request: the conversation as it stands in the file."""
    messages: Sequence[Message] = instance.fields["messages"]
    return messages


def grade(instance: Instance, response: Response, score: Score, jury: Jury, length_penalty: float) -> None:
    """By the criteria when judges are named; also by ROUGE where there are none and a physician's answer is given.

    ``length_penalty``: taken off the score for each 500 characters above 2,000 (docs/rubrics.md).
    """
    if not jury.has_judges:
        _overlap(instance, response, score)
    jury.grade(response, length_penalty=length_penalty)


def _overlap(instance: Instance, response: Response, score: Score) -> None:
    if instance.answer:
        score.rouge(response.text, instance.answer)
    else:
        score.not_applicable("rouge_1", "rouge_2", "rouge_l")


def _criteria_digest(criteria: Sequence[PointsCriterion]) -> str:
    return digest(*(f"{entry.points}{entry.text}" for entry in criteria))
