"""A small ward as an agentic module, a server's tool calls, and the records that episodes leave."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

WARD = '''
"""A ward."""
from pytest_medhelm import Environment, Instance, Task, hospital, read_csv

def load(path):
    for patient in ("p0001", "p0002", "p0003"):
        yield Instance(patient, f"Look at the potassium of patient {patient}", "")

from pathlib import Path
Path("data").mkdir(exist_ok=True); Path("data/ward").mkdir(exist_ok=True); Path("data/ward/x.csv").write_text("a\\n1\\n")
from pytest_medhelm import DataFile
TASK = Task(name="ward", title="Ward", subcategory="Planning Treatments", access="public", kind="agentic",
    files=(DataFile("x.csv"),), load=load, main_metric="success", licence="CC0", source="here", folder=Path("data/ward").absolute())

def prompt(instance):
    return instance.question

def environment(instance):
    return Environment(hospital())

def test_ward(episode):
    """One episode for each patient."""

def test_checkpoint_looked(episode, instance):
    assert any(ref.startswith("Observation/") for ref in episode.read_before_acting())

def test_checkpoint_told(episode):
    assert any(entry["kind"] == "message" for entry in episode.created)

def test_checkpoint_ordered(episode):
    assert any(entry["kind"] == "medicine_order" for entry in episode.created)
'''


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


def turn_of(body: dict[str, Any]) -> int:
    """How many turns of the agent came before."""
    return sum(message["role"] == "assistant" for message in body["messages"])


def records_of(folder: Path) -> list[dict[str, Any]]:
    """The records of a session's suite, by instance."""
    path = folder / "medhelm-results/default/suite.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        found = [json.loads(text) for (text,) in connection.execute("SELECT record FROM records")]
    return sorted(found, key=lambda record: str(record["public_id"]))


def text_of(folder: Path, key: str) -> Any:
    """A text that a record refers to, as JSON."""
    path = folder / "medhelm-results/default/responses.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        return json.loads(connection.execute("SELECT text FROM texts WHERE hash = ?", (key,)).fetchone()[0])
