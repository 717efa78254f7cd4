"""Measure the instance browser at 1,000 and 50,000 records: what writing takes, sizes, and how fast the page opens.

    python -m perf.browser [--records 1000 50000] [--keep DIR]

The suites are made directly, with a jury of two and prompts of about 2 KB. The page is opened from disk in headless
Chromium; opening ends with the first rows on the screen. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import fmean
from typing import Any

from pytest_medhelm.models.engine.request import Completion, Request, make_request
from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.models.spec import Model
from pytest_medhelm.reports.html.browser_files import write_browser
from pytest_medhelm.results.store.run_manifest import StoredManifest
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.scoring.jury.harm import merge
from pytest_medhelm.scoring.record import text_hash
from pytest_medhelm.scoring.record_types import Record

MODELS = ("house/small", "house/large")
JUDGES = ("house/judge-a", "house/judge-b")
MANIFEST: StoredManifest = {
    "run": "run", "started": "", "python": "", "platform": "", "packages": {}, "argv": [], "settings": {},
    "models": [], "judges": [],
}  # fmt: skip
CRITERIA = ("accuracy", "completeness", "clarity")
WORDS = ("fever", "cough", "dose", "tablet", "ward", "nurse", "patient", "allergy", "kidney", "heart", "lung", "rest")
FACTS: Any = {
    "name": "advice", "title": "Advice", "subcategory": "Providing Patient Education Resources", "access": "public",
    "kind": "jury", "main_metric": "jury", "scale": [1.0, 5.0], "chance": None, "sub_tasks": [], "positive": "",
    "code": "",
    "data": {"origin": "real", "sha256": {}, "left_out": 0},
}  # fmt: skip


def make_suite(folder: Path, records: int, judges: Sequence[str] = JUDGES, words: int = 300) -> Path:
    """Write suite.sqlite and responses.sqlite of invented records; returns the folder.

    Prompts have this many ``words``. Without judges scores and marks of harm are there all the same, but no verdicts.
    """
    chance = random.Random(0)
    models = [Model(name, "house", name.partition("/")[2]) for name in (*MODELS, *judges)]
    with closing(Suite(folder)) as suite, closing(ResponseStore(folder / "responses.sqlite")) as store:
        suite.begin(
            "run",
            MANIFEST,
            {
                name: {"name": name, "kind": "candidate", "served": "", "body": {}, "system_prompt": ""}
                for name in MODELS
            },
        )
        said: list[tuple[Request, Completion]] = []
        for number in range(records // len(MODELS)):
            prompt = f"Case {number}: {_text(chance, words)}"
            reference = _text(chance, 40)
            store.put_text(text_hash(reference), reference)
            for model in models[: len(MODELS)]:
                asked = _said(said, model, prompt, _text(chance, 60))
                verdicts = [_verdict(said, judge, f"{prompt} {model.name}", chance) for judge in models[len(MODELS) :]]
                given = verdicts or [{"scores": dict.fromkeys(CRITERIA, chance.randint(1, 5)), "harm": _mark(chance)}]
                texts = asked, text_hash(reference)
                suite.add(_record(number, records // len(MODELS), model.name, texts, given, verdicts))
            if len(said) > 1000:
                store.put(said, run="run")
                said.clear()
        store.put(said, run="run")
    return folder


def make_leaderboard(records: int) -> Any:
    """As much of leaderboard.json as the instance browser needs."""
    shared = {
        "benchmark": "advice",
        "main_metric": "jury",
        "n": records // len(MODELS),
        "sample": False,
        "partial": False,
        "metrics": {},
    }
    return {
        "suite": "measured",
        "results": {
            "benchmarks": [FACTS],
            "models": [{"name": name, "kind": "candidate"} for name in MODELS],
            "cells": [shared | {"model": name} for name in MODELS],
            "win_rate": {"rates": {}},
        },
        "measurements": {"spending": {}},
    }


def _text(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(WORDS, k=words))


def _said(said: list[tuple[Request, Completion]], model: Model, prompt: str, reply: str) -> str:
    request = make_request(model, [{"role": "user", "content": prompt}])
    said.append((request, Completion("ok", reply)))
    return request.key


def _mark(chance: random.Random) -> dict[str, Any]:
    return {"severity": chance.choices(("none", "mild", "severe"), (90, 8, 2))[0], "kinds": []}


def _verdict(
    said: list[tuple[Request, Completion]], judge: Model, prompt: str, chance: random.Random
) -> dict[str, Any]:
    scores = {name: float(chance.randint(1, 5)) for name in CRITERIA}
    reasons = ",".join(
        f'"{name}":{{"score":{scores[name]:g},"explanation":"{_text(chance, 12)}"}}' for name in CRITERIA
    )
    key = _said(said, judge, prompt, f"{{{reasons}}}")
    return {
        "judge": judge.name, "served": "", "request": key, "requests": [key], "status": "ok", "scores": scores,
        "harm": _mark(chance), "error": "", "repaired": 0, "latency": 0.5, "cached": False, "usage": {}, "cost": None,
        "paid": None, "prompt": "", "flags": [],
    }  # fmt: skip


def _record(
    number: int, size: int, model: str, texts: tuple[str, str], given: list[dict[str, Any]], verdicts: list[Any]
) -> Record:
    """As results.record makes it; ``given``: scores and marks, with or without verdicts."""
    means = {name: fmean(verdict["scores"][name] for verdict in given) for name in CRITERIA}
    scores = {"jury": fmean(means.values()), **{f"jury_{name}": value for name, value in means.items()}}
    return {
        "benchmark": "advice", "instance": f"case-{number:06d}", "model": model, "perturbation": "", "repeat": 0,
        "public_id": f"case-{number:06d}", "status": "ok", "main_metric": "jury", "scores": scores,
        "not_applicable": [], "absent": {}, "label": None, "scales": {name: [1.0, 5.0] for name in scores},
        "eval_set_hash": "all", "eval_set_size": size, "fingerprint": "same", "cluster": "", "sub_task": "",
        "slices": {"ward": WORDS[number % 7]}, "request": texts[0], "reference": texts[1], "error": "",
        "verdicts": verdicts, "flags": [], "harm": merge([verdict["harm"] for verdict in given]), "latency": 0.5,
        "attempts": 1, "cached": False, "usage": {}, "cost": None, "paid": None,
        "benchmark_metadata": FACTS,
    }  # fmt: skip


def _opened(page: Path) -> dict[str, float]:
    """Milliseconds: until the rows are there, for a filter, a page of the list, one instance, and a search in all."""
    from playwright.sync_api import sync_playwright

    from tests.support.browser import CHROMIUM, FLAGS

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = running.new_page(bypass_csp=True)  # for wait_for_function
        tab.goto("about:blank")
        times = {}
        started = time.perf_counter()
        tab.goto(page.as_uri())
        tab.wait_for_selector("#list-rows tr")
        times["open"] = time.perf_counter() - started
        times["filter"] = _until(tab, "#harm=severe&sort=judges", "document.querySelector('#active').textContent")
        times["page 9"] = _until(tab, "#page=9", "document.querySelector('#pager').textContent.includes('Page 9 ')")
        times["instance"] = _until(tab, "#instance=case-000400", "document.querySelector('#instance article')")
        times["search all"] = _until(
            tab, "#q=no+such+words", "document.querySelector('#said').textContent.startsWith('0 ')"
        )
        times["heap, MB"] = tab.evaluate("performance.memory.usedJSHeapSize") / 1e9
        running.close()
    return {name: 1000 * value for name, value in times.items()}


def _until(tab: Any, address: str, condition: str) -> float:
    started = time.perf_counter()
    tab.evaluate("address => { location.hash = address }", address)
    tab.wait_for_function(condition, timeout=600_000, polling=10)
    return time.perf_counter() - started


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, nargs="+", default=[1000, 50_000], help="sizes (default 1000 50000)")
    parser.add_argument("--keep", type=Path, help="folder to write the suites to; they stay there")
    arguments = parser.parse_args()
    for records in arguments.records:
        with tempfile.TemporaryDirectory() as temporary:
            folder = make_suite((arguments.keep or Path(temporary)) / f"records-{records}", records)
            with closing(Suite(folder)) as suite, closing(ResponseStore(folder / "responses.sqlite")) as store:
                started = time.perf_counter()
                write_browser(suite, store, make_leaderboard(records))
                written = time.perf_counter() - started
            size = {file.stem: file.stat().st_size / 1e6 for file in (folder / "browser").iterdir()}
            first = size.pop("index")
            print(f"{records} records: written in {written:.1f} s")
            print(f"  index {first:.2f} MB, {len(size)} chunks of at most {max(size.values()):.2f} MB", end=", ")
            print(f"{sum(size.values()):.0f} MB in all")
            for name, value in _opened(folder / "instances.html").items():
                print(f"  {name}: {value:.0f}" + ("" if "MB" in name else " ms"))


if __name__ == "__main__":
    main()
