"""Baselines: models that are plain functions and know nothing of medicine.

A clinical model that does not beat them has shown nothing. They see what a real model sees (the prompt), the
options, and for ``majority`` the answers of the whole dataset.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from string import ascii_uppercase
from typing import TYPE_CHECKING

from pytest_medhelm.models.agent_baselines import AGENTS
from pytest_medhelm.tasks.prompts import Message
from pytest_medhelm.tasks.task import Instance
from pytest_medhelm.tasks.taxonomy import OPEN_ENDED
from pytest_medhelm.util.errors import ConfigError

if TYPE_CHECKING:
    from pytest_medhelm.tasks.benchmark import Benchmark

Baseline = Callable[[Sequence[Message], "Instance | None", "Benchmark | None"], "str | None"]

LEAD_SENTENCES = 3


def baseline(name: str) -> Baseline:
    """The baseline of that name. Raises ConfigError listing the known ones."""
    answering = {"random": random_answer, "majority": majority_answer, "lexical": lexical_answer}
    known: dict[str, Baseline] = {**answering, **AGENTS}
    if name not in known:
        near = get_close_matches(name, known, n=1, cutoff=0.6)
        meant = f" (did you mean baseline/{near[0]}?)" if near else ""
        raise ConfigError(
            f"baseline/{name} is unknown{meant}: type one of {', '.join(f'baseline/{key}' for key in known)}"
        )
    return known[name]


def random_answer(messages: Sequence[Message], instance: Instance | None, benchmark: Benchmark | None) -> str:
    """An option, a number of the text or a sentence of it, drawn by a hash of the prompt: the same each time."""
    text = _text(messages, instance)
    options = _options(text, instance, benchmark)
    return options[int(hashlib.sha256(text.encode()).hexdigest(), 16) % len(options)]


def majority_answer(messages: Sequence[Message], instance: Instance | None, benchmark: Benchmark | None) -> str:
    """The most frequent reference of the whole data file; lead sentences where answers are free text."""
    if benchmark is not None and benchmark.task.kind not in OPEN_ENDED:
        return benchmark.majority
    return lexical_answer(messages, instance, benchmark)


def lexical_answer(messages: Sequence[Message], instance: Instance | None, benchmark: Benchmark | None) -> str:
    """The option that shares most words with the context and question; where answers are numbers the most repeated
    one of the text, where they are labels or of another fixed form the most frequent one; else lead sentences."""
    text = _text(messages, instance)
    if instance is not None and instance.choices:
        words = set(_words(text))
        shares = [len(words & set(_words(choice))) / (len(set(_words(choice))) or 1) for choice in instance.choices]
        return ascii_uppercase[shares.index(max(shares))]
    if _is_calculation(benchmark):
        numbers = Counter(_numbers(text))
        return max(numbers, key=lambda number: (numbers[number], number)) if numbers else "0"
    if benchmark is not None and benchmark.task.kind not in OPEN_ENDED:
        return benchmark.majority
    return " ".join(_sentences(text)[:LEAD_SENTENCES])


def _options(text: str, instance: Instance | None, benchmark: Benchmark | None) -> Sequence[str]:
    if instance is not None and instance.choices:
        return ascii_uppercase[: len(instance.choices)]
    if _is_calculation(benchmark):
        return _numbers(text) or ["0"]
    if benchmark is not None and benchmark.labels:
        return benchmark.labels
    return _sentences(text) or ["..."]


def _is_calculation(benchmark: Benchmark | None) -> bool:
    return benchmark is not None and benchmark.task.kind == "calculation"


def _text(messages: Sequence[Message], instance: Instance | None) -> str:
    if instance is not None:
        return f"{instance.context} {instance.question}".strip()
    return " ".join(message["content"] for message in messages)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+(?:\.\d+)?", text)


def _sentences(text: str) -> list[str]:
    return [sentence for sentence in re.split(r"(?<=[.!?])\s+", text) if sentence]
