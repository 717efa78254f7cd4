# mypy: ignore-errors
"""What perf.peers has inspect_ai run, in its own environment: ``inspect eval inspect_tasks.py@choices``."""

import json
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import choice, model_graded_qa
from inspect_ai.solver import generate, multiple_choice

ROWS = [json.loads(line) for line in Path("rows.jsonl").read_text("utf-8").splitlines()]
JUDGES = ["openai-api/mock/judge-a", "openai-api/mock/judge-b", "openai-api/mock/judge-c"]


@task
def choices() -> Task:
    """Yes, no or maybe."""
    samples = [
        Sample(id=row["id"], input=row["question"], choices=["yes", "no", "maybe"], target=row["target"])
        for row in ROWS
    ]
    config = GenerateConfig(temperature=0, max_tokens=16)
    return Task(dataset=MemoryDataset(samples), solver=[multiple_choice()], scorer=choice(), config=config)


@task
def jury() -> Task:
    """An open answer that three judges grade."""
    samples = [Sample(id=row["id"], input=row["open"], target=row["reference"]) for row in ROWS]
    config = GenerateConfig(temperature=0, max_tokens=512)
    grading = model_graded_qa(model=JUDGES)
    return Task(dataset=MemoryDataset(samples), solver=[generate()], scorer=grading, config=config)
