"""A small benchmark answered in free text, and judges to rate it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from perf.mock_server import MockServer
from tests.support.paths import BENCHMARKS

TALKS = '''
"""Questions that are answered in free text."""
import hashlib, json
from pathlib import Path
from pytest_medhelm import DataFile, Instance, Task

HERE = Path(__file__).parent

def load(path):
    for row in json.loads(path.read_text()):
        yield Instance(row["id"], row["question"], "An expert's answer.", cluster=row.get("cluster", ""))

TASK = Task(
    name="talks", title="Talks", subcategory="Planning Treatments", access="public", kind="jury",
    files=(DataFile("talks.json", hashlib.sha256((HERE / "data/talks/talks.json").read_bytes()).hexdigest()),),
    load=load, main_metric="rouge_l", licence="CC0-1.0", source="the tests",
    rubric="accuracy_completeness_clarity",
)

def prompt(instance):
    return instance.question

def test_talks(instance, response, score, jury):
    score.rouge(response.text, instance.answer)
    jury.rate(response, instance.answer)
'''

NAMES = ("accuracy", "completeness", "clarity")


def talks(folder: Path, questions: int | Sequence[str], clusters: Sequence[str] = ()) -> str:
    """Write the benchmark as real (not sample) data below a session's folder; returns the option that names it."""
    texts = [f"Question {number}?" for number in range(questions)] if isinstance(questions, int) else questions
    data = folder / "data" / "talks"
    data.mkdir(parents=True, exist_ok=True)
    rows = [
        {"id": f"t{number:03d}", "question": text, "cluster": clusters[number] if clusters else ""}
        for number, text in enumerate(texts)
    ]
    (data / "talks.json").write_text(json.dumps(rows))
    (folder / "test_talks.py").write_text(TALKS)
    return f"--medhelm-data={folder / 'data'}"


def rating(*scores: float, harm: str | None = "none", kinds: Iterable[str] = (), names: Sequence[str] = NAMES) -> str:
    """A judge's reply as it should be; one number for all criteria, or one for each."""
    given = scores * len(names) if len(scores) == 1 else scores
    reply: dict[str, Any] = {
        name: {"score": score, "explanation": f"why {name}"} for name, score in zip(names, given, strict=True)
    }
    if harm is not None:
        reply["harm"] = {"severity": harm, "kinds": list(kinds), "explanation": "as seen"}
    return json.dumps(reply)


def question_of(body: dict[str, Any]) -> str:
    """The question that a model was asked, or that a judge was shown."""
    text = next(message["content"] for message in body["messages"] if message["role"] == "user")
    return str(text).removeprefix("Task given to the assistant:\n").partition("\n")[0]


def number_of(body: dict[str, Any]) -> int:
    """N of "Question N?"."""
    return int(question_of(body).removeprefix("Question ").removesuffix("?"))


def named(server: MockServer, *judges: str, models: Sequence[str] = ("doctor",)) -> list[str]:
    """The options that name models and judges of a mock server."""
    return [
        *(f"--medhelm-model=vllm/{name}" for name in models),
        *(f"--medhelm-judge=vllm/{name}" for name in judges),
        f"--medhelm-base-url={server.url}",
    ]


def records(folder: Path, suite: str = "") -> list[dict[str, Any]]:
    """The records of a suite, by model and instance; of the one that there is where none is named."""
    suite = suite or ("default" if (folder / "medhelm-results/default").is_dir() else "sample")
    connection = sqlite3.connect(folder / "medhelm-results" / suite / "suite.sqlite")
    rows = connection.execute("SELECT record, status, instance, model FROM records ORDER BY model, instance").fetchall()
    connection.close()
    return [
        json.loads(text) | {"status": status, "instance": name, "model": model} for text, status, name, model in rows
    ]


FACTS: dict[str, Any] = {"sub_tasks": [], "positive": "", "data": {"origin": "data", "sha256": {"f": "0"}}}


FAILED = "failed"


Row = Mapping[str, float | Sequence[float] | None] | str
"""By judge: a score, one for each criterion, or None for no verdict. Or FAILED: no judge was asked."""


def record(number: int, row: Row, cluster: str = "", stratum: str = "", **more: Any) -> dict[str, Any]:
    """A record as the jury fixture makes it, of judges that rate accuracy, completeness and clarity."""
    verdicts = []
    scores: dict[str, float] = {}
    if isinstance(row, str):
        scores = dict.fromkeys(("jury", "jury_helm", *(f"jury_{name}" for name in NAMES)), 1.0)
    else:
        for judge, given in row.items():
            values = [given] * 3 if isinstance(given, int | float) else given
            found = dict(zip(NAMES, values, strict=True)) if values else {}
            verdicts.append(
                {"judge": judge, "status": "ok" if found else "judge_error", "scores": found, "usage": {}, "latency": 0}
            )
        usable = [verdict["scores"] for verdict in verdicts if verdict["scores"]]
        if usable:
            scores["jury_helm"] = fmean(value for entry in usable for value in entry.values())
        if len(usable) == len(verdicts):
            scores["jury"] = scores["jury_helm"]
            scores |= {f"jury_{name}": fmean(entry[name] for entry in usable) for name in NAMES}
    whole = "jury" in scores
    return {
        "instance": f"i{number}", "public_id": f"i{number}", "model": "m", "request": "", "main_metric": "jury",
        "status": "empty" if row == FAILED else "ok" if whole else "judge_error", "eval_set_hash": "e",
        "eval_set_size": 0, "fingerprint": "f",
        "cluster": cluster, "sub_task": stratum, "scores": scores, "verdicts": verdicts,
        "scales": {name: [1.0, 5.0] for name in scores}, "usage": {}, "cached": False, "attempts": 0, "latency": 0.0,
    } | more  # fmt: skip


MEDICATION = BENCHMARKS / "patient_communication_and_education" / "test_medication_qa.py"


def ratings(accuracy: int, completeness: int, clarity: int) -> str:
    """A judge's reply as it should be."""
    scores = {"accuracy": accuracy, "completeness": completeness, "clarity": clarity}
    return json.dumps({name: {"score": score, "explanation": "because"} for name, score in scores.items()})
