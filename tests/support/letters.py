"""A small benchmark whose questions name the right letter, so that a server can be right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LETTERS = '''
"""Ten questions whose right answer is the letter named in the question."""
import hashlib, json
from pathlib import Path
from pytest_medhelm import DataFile, Instance, Task, answer_letter, lettered

def load(path):
    for row in json.loads(path.read_text()):
        yield Instance(row["id"], row["question"], row["answer"], choices=("one", "two", "three", "four"))

TASK = Task(
    name="letters", title="Letters", subcategory="Planning Treatments", access="public", kind="multiple_choice",
    files=(DataFile("letters.json", hashlib.sha256((Path(__file__).parent / "pinned.json").read_bytes()).hexdigest()),),
    load=load, main_metric="exact_match", licence="CC0-1.0", source="the tests", chance=0.25,
)

def prompt(instance):
    return f"{instance.question}\\n{lettered(instance.choices)}\\n{answer_letter(instance.choices)}"

def test_letters(instance, response, score):
    score.exact_match(response.choice, instance.answer)
    score.helm("exact_match", float(response.text == instance.answer))
'''


def letters_data(count: int) -> str:
    """Rows of the small benchmark; the gold letter stands in the question, so that a server can be right."""
    return json.dumps(
        [
            {
                "id": f"q{number:03d}",
                "question": f"Case {number}. Gold {'ABCD'[number % 4]}.",
                "answer": "ABCD"[number % 4],
            }
            for number in range(count)
        ]
    )


def write_letters(folder: Path, count: int) -> Path:
    """Write the benchmark below a folder as real (not sample) data; returns the folder for --medhelm-data."""
    (folder / "test_letters.py").write_text(LETTERS)
    for name in ("pinned.json", "data/letters/letters.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(letters_data(count))
    return folder / "data"


def gold(body: dict[str, Any]) -> str:
    """The right letter of a prompt of the small benchmark."""
    return str(body["messages"][-1]["content"]).partition("Gold ")[2][0]
