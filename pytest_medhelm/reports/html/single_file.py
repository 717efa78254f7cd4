"""leaderboard.html as one file for e-mail: the leaderboard, and a sample of the instances in the same browser.

The sample is the same for the same records: in turn the worst harm that is marked and not yet in it, a failed answer,
and an instance of each benchmark in turn; failed and other instances in the order of a hash of their id. It ends at
RECORDS records or BYTES of texts.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import accumulate, chain, zip_longest
from typing import Any, TypeVar, cast

import pytest
from markupsafe import Markup

from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.reports.html.browser import Index, chunk, index
from pytest_medhelm.reports.html.browser_data import Chunk, CodedColumn, IndexData, IndexedBenchmark, InstanceView
from pytest_medhelm.reports.html.browser_files import address, remove_browser
from pytest_medhelm.reports.html.embedding import as_json
from pytest_medhelm.reports.html.first_prompts import first_prompts
from pytest_medhelm.reports.html.leaderboard_page import leaderboard_values
from pytest_medhelm.reports.html.templating import template
from pytest_medhelm.results.leaderboard.document import Leaderboard
from pytest_medhelm.results.store.opening import open_responses
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.util.files import write_private

RECORDS = 200
BYTES = 4_000_000
TEXT = 20_000
"""Characters of one text; a longer one is cut, and says so."""
Entry = TypeVar("Entry")
HARM, FAILED, DRAWN = "with harm marked, the worst first", "with a failed answer", "drawn at random"


class SingleFile:
    """The report."""

    def __init__(self, show_text: bool) -> None:
        """``show_text``: also of gated and private data; else instances of public data alone are in the file."""
        self._show_text = show_text

    @pytest.hookimpl
    def pytest_medhelm_report(self, leaderboard: Leaderboard, suite: Suite) -> list[str]:
        """Write the file, and remove the pages of several files that an earlier run left."""
        page = suite.folder / "leaderboard.html"
        access = {facts["name"]: facts["access"] for facts in leaderboard["results"]["benchmarks"]}
        left = sorted(name for name, kind in access.items() if kind != "public" and not self._show_text)
        with closing(open_responses(suite.folder)) as store:
            sample = sample_of(suite, store, index(suite, store, leaderboard), without=left)
            prompts = first_prompts(suite, store, leaderboard)
        links = {
            (cell["benchmark"], cell["model"]): address(cell["benchmark"], cell["model"], page="")
            for cell in leaderboard["results"]["cells"]
        }
        text = template("single.html").render(**leaderboard_values(leaderboard, links, prompts), sample=sample)
        write_private(page, text)
        remove_browser(suite.folder)
        lines = [f"page: {page}, one file, {sample.records} of {sample.all_records} records"]
        if left:
            lines.append(
                f"no instance of {', '.join(left)} is in it, whose data are not public: type --medhelm-show-text to "
                "send them as a patient's record"
            )
        elif self._show_text:
            lines[0] += ": clinical text, to be sent as a patient's record"
        return lines


@dataclass(frozen=True)
class Sample:
    """What the file holds."""

    records: int
    all_records: int
    instances: int
    all_instances: int
    reasons: Mapping[str, int]
    """How many instances are in it for which reason."""
    data: Mapping[str, Markup]
    """JSON by the key of the index or a chunk."""


def sample_of(suite: Suite, store: ResponseStore, whole: Index, without: Collection[str] = ()) -> Sample:
    """Choose instances, none of the benchmarks ``without``, and take their texts."""
    data = whole.data
    taken: dict[int, InstanceView] = {}
    reasons: Counter[str] = Counter()
    size = records = 0
    for reason, position in _in_turn(data, without):
        if position in taken:
            continue
        view = _view(suite, store, whole, position)
        size += len(as_json(view).encode())
        records += data["counts"][position]
        if taken and (size > BYTES or records > RECORDS):
            break
        taken[position] = view
        reasons[reason] += 1
    chosen = sorted(taken)
    reduced = _reduced(data, chosen)
    chunks: dict[str, Chunk] = {}
    start = 0
    for benchmark in reduced["benchmarks"]:
        positions = chosen[start : start + benchmark["count"]]
        start += benchmark["count"]
        chunks[f"{benchmark['key']}-0"] = {
            "instances": {data["ids"][position]: taken[position] for position in positions}
        }
    return Sample(
        records=sum(data["counts"][position] for position in chosen),
        all_records=sum(data["counts"]),
        instances=len(chosen),
        all_instances=len(data["ids"]),
        reasons={reason: reasons[reason] for reason in (HARM, FAILED, DRAWN) if reasons[reason]},
        data={key: Markup(as_json(value)) for key, value in {"index": reduced, **chunks}.items()},
    )


def _view(suite: Suite, store: ResponseStore, whole: Index, position: int) -> InstanceView:
    """The texts of the instance at a place of the index, long ones cut."""
    first = 0
    for benchmark in whole.data["benchmarks"]:
        if position < first + benchmark["count"]:
            break
        first += benchmark["count"]
    part = whole.slices[f"{benchmark['key']}-{(position - first) // benchmark['per_chunk']}"]
    name = whole.data["ids"][position]
    return cast(InstanceView, _cut(chunk(suite, store, part, {name})["instances"][name]))


def _in_turn(data: IndexData, without: Collection[str]) -> Iterator[tuple[str, int]]:
    """(reason, place) of all instances, by the rule of this module; an instance may come twice."""
    ok = data["statuses"].index("ok")
    drawn: list[list[tuple[str, int]]] = []
    harm: list[tuple[int, str, int]] = []
    failed: list[tuple[str, int]] = []
    record = position = 0
    for benchmark in data["benchmarks"]:
        drawn.append([])
        for _ in range(benchmark["count"]):
            end = record + data["counts"][position]
            digest = hashlib.sha256(
                f"{benchmark['name']}\0{data['ids'][position]}".encode("utf-8", "replace")
            ).hexdigest()
            shown = benchmark["name"] not in without
            worst = max(data["records"]["harm"][record:end])
            if worst > 0 and shown:
                harm.append((-worst, digest, position))
            if shown and any(status != ok for status in data["records"]["status"][record:end]):
                failed.append((digest, position))
            if shown:
                drawn[-1].append((digest, position))
            record, position = end, position + 1
    return _round_robin(
        (
            [(HARM, item[-1]) for item in sorted(harm)],
            [(FAILED, item[-1]) for item in sorted(failed)],
            [(DRAWN, item[-1]) for item in _round_robin(map(sorted, drawn))],
        )
    )


def _round_robin(queues: Iterable[Sequence[Entry]]) -> Iterator[Entry]:
    """One of each queue in turn."""
    return (item for item in chain.from_iterable(zip_longest(*queues)) if item is not None)


def _reduced(data: IndexData, chosen: Sequence[int]) -> IndexData:
    """The index of some instances, by their places in order."""
    starts = [0, *accumulate(data["counts"])]
    kept = [at for position in chosen for at in range(starts[position], starts[position + 1])]
    benchmarks: list[IndexedBenchmark] = []
    first = 0
    for benchmark in data["benchmarks"]:
        positions = [position - first for position in chosen if first <= position < first + benchmark["count"]]
        first += benchmark["count"]
        slices: dict[str, CodedColumn] = {
            name: {"values": column["values"], "codes": [column["codes"][position] for position in positions]}
            for name, column in benchmark["slices"].items()
        }
        benchmarks.append(benchmark | {"count": len(positions), "per_chunk": max(1, len(positions)), "slices": slices})
    records = data["records"]
    return data | {
        "part": True,
        "benchmarks": benchmarks,
        "ids": [data["ids"][position] for position in chosen],
        "counts": [data["counts"][position] for position in chosen],
        "records": {
            "model": [records["model"][at] for at in kept],
            "variant": [records["variant"][at] for at in kept],
            "status": [records["status"][at] for at in kept],
            "score": [records["score"][at] for at in kept],
            "harm": [records["harm"][at] for at in kept],
            "flagged": [records["flagged"][at] for at in kept],
            "spread": [records["spread"][at] for at in kept],
        },
    }


def _cut(value: Any) -> Any:
    """Long texts cut, at any depth."""
    if isinstance(value, str) and len(value) > TEXT:
        return f"{value[:TEXT]}\n[cut in this file: {len(value) - TEXT} characters more in the suite]"
    if isinstance(value, dict):
        return {key: _cut(item) for key, item in value.items()}
    return [_cut(item) for item in value] if isinstance(value, list) else value
