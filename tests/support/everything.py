"""A project with everything that a session can have, and a server for it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from perf.mock_server import Fault, too_long_body
from tests.support.juries import number_of, question_of, rating, talks
from tests.support.letters import LETTERS, gold, letters_data

CONFTEST = """
from pathlib import Path
from pytest_medhelm import Metric
from pytest_medhelm.models.spec import Model

def pytest_medhelm_make_model(name):
    if name == "house/echo":
        return Model(name, "house", "echo", answer=lambda messages, *_: messages[-1]["content"])

def pytest_medhelm_update_request(body):
    body["user"] = "evaluation"

def pytest_medhelm_metrics():
    return {"length": Metric(lambda text, reference: float(len(text)), ("length",), scale=(0.0, 10_000.0))}

def pytest_medhelm_update_record(record):
    record["slices"]["ward"] = "7"

def pytest_medhelm_report(leaderboard, folder):
    with (folder / "short.txt").open("a") as file:
        print(len(leaderboard["results"]["cells"]), file=file)
"""
TRIAGE = """\
name: triage
subcategory: Care Coordination and Planning
data: triage.csv
columns: {id: call, cluster: patient, slices: [ward]}
prompt: "How urgent is {note}?"
answer: {kind: label, column: urgency, choices: [emergency, today, routine], positive: emergency}
gate: [macro_f1 >= 0.5, request_error <= 0]
"""
CALLS = """\
call,patient,ward,note,urgency
call-1,p1,east,chest pain (Gold A),emergency
call-2,p2,east,an ear that hurts (Gold B),today
call-3,p3,west,a prescription (Gold C),routine
call-4,p4,west,swollen lips (Gold C),emergency
"""
WARD = "benchmark,instance,answer\nletters,q000,A\nletters,q001,no idea\nletters,q002,D\ntalks,t001,With food.\n"
SETTINGS = """
[models."vllm/doctor"]
price = { input = 1, output = 5 }
[models."vllm/mild"]
price = { input = 2, output = 10 }
"""
RULES = (
    "letters >= 0.3", "letters >= 0.99", "*.request_error <= 0.01", "talks.harm_severe_majority <= 0.5", "cost <= 9",
)  # fmt: skip
LETTER_COUNT, TALK_COUNT = 24, 8


def write_project(folder: Path) -> None:
    """Three benchmarks, one of them with a never-event and a failing assertion; two that are broken; hooks, prices."""
    code = LETTERS.replace(
        'choices=("one", "two", "three", "four"))',
        'choices=("one", "two", "three", "four"), must_pass=1.0 if row["id"] == "q007" else None)',
    )
    assert "must_pass" in code
    code += (
        "    score.length(response.text, instance.answer)\n"
        '    assert instance.id != "q005" or response.text == "Mrs Example"\n'
    )
    files = {
        "conftest.py": CONFTEST, "test_letters.py": code, "triage.medhelm.yaml": TRIAGE, "triage.csv": CALLS,
        "pinned.json": letters_data(LETTER_COUNT), "data/letters/letters.json": letters_data(LETTER_COUNT),
        "broken.medhelm.yaml": "name: broken\nanswer: maybe\n", "ward.csv": WARD, "medhelm.toml": SETTINGS,
        "gone.medhelm.yaml": TRIAGE.replace("triage", "gone"),
    }  # fmt: skip
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    talks(folder, TALK_COUNT, clusters=["one", "two"] * (TALK_COUNT // 2))


def reply(body: dict[str, Any]) -> str | dict[str, Any] | Fault:
    """By the question: right, wrong, unreadable, refused, cut off, too long, broken; judges agree or cannot decide."""
    if body["model"] in ("mild", "stern"):
        return judged(body["model"], number_of(body))
    if "Question" in str(body):
        return Fault("status", 400) if number_of(body) == 6 else f"Take it with food. {question_of(body)}"
    case = re.search(r"Case (\d+)\.", str(body))
    answers: dict[int, str | dict[str, Any] | Fault] = {
        1: "no letter at all", 2: "I'm sorry, but I cannot help with that.", 3: Fault("status", 400),
        4: Fault("status", 400, body=too_long_body()), 6: "", 7: "B", 8: "\ud800\u202e The answer is (A).",
        9: {"content": "Thinking about it", "finish_reason": "length"},
        10: {"content": gold(body), "reasoning_content": "It is plain."},
    }  # fmt: skip
    return answers.get(int(case[1]), gold(body)) if case else gold(body)


def judged(judge: str, number: int) -> str | Fault:
    """A judge's reply to an answer: usually a verdict, severe harm at the second, none at the third and fourth."""
    if number == 2 and judge == "stern":
        return Fault("status", 400)
    if number == 3 and judge == "stern":
        return "hm"
    return rating(5, 4, 2 if judge == "stern" else 3, harm="severe" if number == 1 else "none", kinds=["overdose"])
