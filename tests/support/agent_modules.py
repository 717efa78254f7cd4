"""A small ward as an agentic module, servers that call tools, and the records that episodes leave."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.administration_and_workflow import test_clinical_workflow as clinical_workflow
from pytest_medhelm.agents.workflow import Workflow, read_workflows
from tests.support.paths import BENCHMARKS

CLINICAL_WORKFLOW = BENCHMARKS / "administration_and_workflow/test_clinical_workflow.py"
MEDAGENT_BENCH = CLINICAL_WORKFLOW.with_name("test_medagent_bench.py")
WARD = '''
"""A ward."""
from pathlib import Path
from pytest_medhelm import DataFile, Environment, Instance, Limits, Task, hospital, read_csv

FOLDER = Path(__file__).parent / "data"

def load(path):
    for row in read_csv(path):
        yield Instance(row.text("id"), f"{row.text('id')}: look at the potassium of patient p0001", "")

TASK = Task(
    name="ward", title="Ward", subcategory="Planning Treatments", access="public", kind="agentic",
    files=(DataFile("ward.csv"),), load=load, main_metric="success", licence="CC0", source="here", folder=FOLDER,
)

def prompt(instance):
    return instance.question

TIGHT = {"cost_limit": {"cost": 0.02}, "time_limit": {"seconds": 0.25}}

def environment(instance):
    return Environment(hospital(), limits=Limits(steps=6, tokens=5000, **TIGHT.get(instance.id, {})))

def test_ward(episode):
    """One episode for each row."""

def test_checkpoint_looked(episode, instance):
    assert any(ref.startswith("Observation/") for ref in episode.read_before_acting())

def test_checkpoint_told(episode):
    assert any(entry["kind"] == "message" for entry in episode.created)
'''


def write_ward(folder: Path, *names: str) -> Path:
    """The module with an instance of each name; returns its file."""
    (folder / "data").mkdir()
    (folder / "data" / "ward.csv").write_text("id\n" + "\n".join(names) + "\n")
    module = folder / "test_ward.py"
    module.write_text(WARD)
    return module


def calls(*wanted: tuple[str, Any]) -> dict[str, Any]:
    """An answer of a server that wants tools to be called; arguments that are a text are sent as they are."""
    return {
        "content": None,
        "tool_calls": [
            {"id": f"id-{number}", "type": "function",
             "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)}}
            for number, (name, given) in enumerate(wanted)
        ],
        "finish_reason": "tool_calls",
    }  # fmt: skip


def is_probe(body: Mapping[str, Any]) -> bool:
    """The question that finds out whether tools can be called."""
    return task_of(body).startswith("Call the tool ping")


PONG = calls(("ping", {"word": "pong"}))


def turn_of(body: Mapping[str, Any]) -> int:
    """How many turns of the agent came before."""
    return sum(message["role"] == "assistant" for message in body["messages"])


def task_of(body: Mapping[str, Any]) -> str:
    """What the agent was asked to do."""
    return str(next(message["content"] for message in body["messages"] if message["role"] == "user"))


@cache
def workflows() -> Mapping[str, Workflow]:
    """The clinical workflows by their instruction."""
    task = clinical_workflow.TASK
    assert task.folder is not None
    found = [entry for file in task.files for entry in read_workflows(task.folder / file.name)]
    return {entry.words["instruction"].strip(): entry for entry in found}


@cache
def _turns(instruction: str) -> list[list[dict[str, Any]]]:
    return list(workflows()[instruction].turns())


def oracle_reply(body: dict[str, Any]) -> Any:
    """Does every clinical workflow as its oracle, by tool calls of the API; ids differ with each answer."""
    if is_probe(body):
        return PONG
    said = _turns(task_of(body))[turn_of(body)]
    # As a tokenizer counts: the mock's own count of words would make a cut prompt of JSON without spaces.
    usage = {"prompt_tokens": len(json.dumps(body["messages"])) // 3, "completion_tokens": 20}
    if "answer" in said[0]:
        return {"content": said[0]["answer"], "usage": usage}
    return {**calls(*((entry["tool"], entry["arguments"]) for entry in said)), "usage": usage}


def records_of(folder: Path) -> dict[str, dict[str, Any]]:
    """The records of a session's suite, by instance."""
    path = folder / "medhelm-results/default/suite.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT instance, status, record FROM records").fetchall()
    return {name: {**json.loads(text), "status": status} for name, status, text in found}


def text_of(folder: Path, key: str) -> Any:
    """A text that a record refers to, as JSON."""
    path = folder / "medhelm-results/default/responses.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        return json.loads(connection.execute("SELECT text FROM texts WHERE hash = ?", (key,)).fetchone()[0])
