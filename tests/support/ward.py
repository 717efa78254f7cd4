"""A suite as a hospital has it: three models of known quality, three baselines, thirteen benchmarks, three judges.

``python -m tests.support.ward FOLDER [N] [--gate]`` makes it in a folder from N instances of each benchmark's real data
(or sample data, with ``--sample``), by a scripted server on loopback that knows the references.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from perf.mock_server import MockServer
from pytest_medhelm.tasks.loading import load_benchmark
from pytest_medhelm.tasks.task import Instance
from pytest_medhelm.util.config_file import ConfigFile
from pytest_medhelm.util.option import Given
from pytest_medhelm.util.options import make_settings
from tests.support.paths import BENCHMARKS
from tests.support.real_data import DATA

QUALITY = {"good-70b": 0.9, "mid-13b": 0.7, "small-3b": 0.4}
"""The share of answers that are right, or as good as the reference."""
BASELINES = ("lexical", "majority", "random")
JUDGES = ("judge-a", "judge-b", "judge-c")
NAMES = (
    "aci_bench", "head_qa", "med_mcqa", "med_qa", "medcalc_bench", "medec", "medi_qa", "medication_qa",
    "mtsamples_procedures", "mtsamples_replicate", "pubmed_qa", "race_based_med", "sct_bench",
)  # fmt: skip
GATE = """\
title = "Promotion of a ward model"

[[rule]]
rule = "medical_research_assistance.lower >= 0.5"
why = "Below it the residents' own answers are as good"

[[rule]]
rule = "pubmed_qa.exact_match >= 0.7"
why = "The library's search reaches it"

[[rule]]
rule = "patient_communication_and_education.lower >= 3"
why = "Adequate by the rubric"

[[rule]]
rule = "aci_bench.harm_severe_majority.upper <= 0.05"
why = "What the safety board accepts"

[[rule]]
rule = "*.request_error <= 0.01"
why = "Else too much is missing"
"""


def write_ward(
    folder: Path, limit: int, *, gate: str = "", data: Path | None = DATA, names: Sequence[str] = NAMES
) -> int:
    """Run everything in a folder, into its suite medhelm-results/ward; pytest's exit status."""
    folder.mkdir(parents=True, exist_ok=True)
    with MockServer(Ward(limit, data, names), models=(*QUALITY, *JUDGES), latency=0.002) as server:
        endpoint = f'[endpoints.ward]\nbase_url = "{server.url}"\nconcurrency = 64\n'
        (folder / "medhelm.toml").write_text(endpoint)
        (folder / "gate.toml").write_text(gate)
        modules = [str(path) for name in names for path in BENCHMARKS.glob(f"*/test_{name}.py")]
        models = [
            *(f"ward/{name}" for name in QUALITY),
            *(f"baseline/{name}" for name in ("lexical", "majority", "random")),
        ]
        return subprocess.run(
            [
                sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *modules, "--medhelm-suite=ward",
                f"--medhelm-limit={limit}", *(f"--medhelm-model={name}" for name in models),
                *(f"--medhelm-judge=ward/{name}" for name in JUDGES), *([f"--medhelm-data={data}"] if data else []),
                *(["--medhelm-gate=gate.toml"] if gate else []),
            ],
            cwd=folder, check=False,
        ).returncode  # fmt: skip


class Ward:
    """The server's replies: by the share of its quality a model says what the reference says."""

    def __init__(self, limit: int, data: Path | None, names: Sequence[str]) -> None:
        given = {"limit": Given(str(limit), "the limit")} | ({"data": Given(str(data), "the data")} if data else {})
        settings = make_settings(given, Path.cwd(), config=ConfigFile())
        self._known: dict[str, Instance] = {}
        for name in names:
            (path,) = BENCHMARKS.glob(f"*/test_{name}.py")
            module = import_module(f"benchmarks.{path.parent.name}.{path.stem}")
            benchmark = load_benchmark(module, settings)
            for packed in benchmark.instances:
                instance = packed.unpack()
                self._known[_key(benchmark.messages(instance))] = instance

    def __call__(self, body: dict[str, Any]) -> str:
        if body["model"] in JUDGES:
            return verdict(body)
        instance = self._known[_key(body["messages"])]
        is_right = _draw(instance.id) < QUALITY[body["model"]]
        return right(instance) if is_right else wrong(instance)


def _key(messages: Sequence[Mapping[str, Any]]) -> str:
    return hashlib.sha256(json.dumps([entry["content"] for entry in messages]).encode()).hexdigest()


def _draw(*texts: str) -> float:
    """0 to 1, the same for the same texts: a model that is better is right wherever a worse one is."""
    return int(hashlib.sha256("\0".join(texts).encode()).hexdigest()[:8], 16) / 2**32


def right(instance: Instance) -> str:
    """What the reference says."""
    if "weights" in instance.fields:
        with suppress(TypeError, ValueError):
            return f"Rating: {max(instance.fields['weights'], key=instance.fields['weights'].__getitem__)}"
    gold = instance.fields.get("gold")
    if gold is not None and hasattr(gold, "has_error"):
        return f"{gold.sentence} {gold.correction}" if gold.has_error else "CORRECT"
    return f"The answer is ({instance.answer})." if instance.choices else instance.answer


def wrong(instance: Instance) -> str:
    """Another option, another number, or a text that says little."""
    if instance.choices:
        letters = "ABCDEFGHIJ"[: len(instance.choices)]
        return f"The answer is ({letters[letters.index(instance.answer) - 1]})."
    if "weights" in instance.fields:
        return "Rating: 0"
    if len(instance.answer) < 20:
        return "Answer: 0.0001" if any(map(str.isdigit, instance.answer)) else "no"
    return "Please ask your doctor. Drink enough and rest, and take twice the dose if it does not help."


def verdict(body: dict[str, Any]) -> str:
    """By the share of the reference's words that the answer has; severe harm is seen in some that have few."""
    system, asked = (message["content"] for message in body["messages"][-2:])
    answer = re.search(r"<answer-(\w+)>\n(.*)\n</answer-\1>", asked, re.DOTALL)
    reference = re.search(r"Reference answer by an expert:\n(.*?)\n\n<answer-", asked, re.DOTALL)
    said = set(re.findall(r"\w+", answer[2].lower())) if answer else set()
    expected = set(re.findall(r"\w+", reference[1].lower())) if reference else {"?"}
    share = len(said & expected) / len(expected or {"?"})
    draw = _draw(asked, body["model"])
    score = 5 - (draw < 0.3) if share > 0.8 else 3 - (draw < 0.4) if share > 0.2 else 2 - (draw < 0.3)
    reply: dict[str, Any] = {
        name: {"score": score, "explanation": "by the reference"}
        for name in re.findall(r"^- (\w+): ", system, re.MULTILINE)
    }
    severity = "none" if share > 0.2 else "severe" if _draw(asked) < 0.25 else "moderate" if draw < 0.2 else "none"
    kinds = [] if severity == "none" else ["wrong_patient_or_dose"]
    return json.dumps(reply | {"harm": {"severity": severity, "kinds": kinds, "explanation": "by the dose"}})


def main() -> int:
    """Make it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("limit", type=int, nargs="?", default=30)
    parser.add_argument("--gate", action="store_true")
    parser.add_argument("--sample", action="store_true")
    given = parser.parse_args()
    return write_ward(given.folder, given.limit, gate=GATE if given.gate else "", data=None if given.sample else DATA)


if __name__ == "__main__":
    sys.exit(main())
