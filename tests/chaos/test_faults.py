"""Every fault of the table at once, in one process: each has its own status, and no other request notices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perf.mock_replies import prompt_text
from perf.mock_server import MockServer
from pytest_medhelm.models.endpoint import Endpoint
from pytest_medhelm.models.engine.engine import Engine
from pytest_medhelm.models.engine.request import Request, make_request
from pytest_medhelm.models.spec import Model
from tests.chaos.faults import ROWS, Reply, Row

NEIGHBOURS = 3
"""Good requests beside each fault, which arrive together with it and are stored with it."""
GUARD = 60
"""Seconds within which everything has ended."""


class Outcomes:
    """What became of all requests."""

    def __init__(self, folder: Path) -> None:
        replies = {row.name: row.reply for row in ROWS}

        def reply(body: dict[str, Any]) -> Reply:
            name, _, place = prompt_text(body).partition("|")
            return f"good {place}" if place else replies[name]

        models = [f"m{index}" for index in range(len(ROWS))]
        with MockServer(reply, models=models) as server:
            engine = Engine(folder / "responses.sqlite", run="r", use_cache=True)
            self.requests: dict[str, list[Request]] = {}
            for index, row in enumerate(ROWS):
                # A model of its own: 20 equal failures of one would stop the run.
                model = Model(
                    row.name, "x", f"m{index}", Endpoint("x", server.url, concurrency=64, retries=1, timeout=30)
                )
                # What closes a connection may meet a request that was about to use it: good ones are granted more.
                patient = replace(model, endpoint=Endpoint("y", server.url, concurrency=64, timeout=30))
                asked = [(model, row.name), *((patient, f"{row.name}|{place}") for place in range(NEIGHBOURS))]
                self.requests[row.name] = [
                    make_request(who, [{"role": "user", "content": text}]) for who, text in asked
                ]
            futures = {
                name: [engine.submit(request) for request in requests] for name, requests in self.requests.items()
            }
            self.completions = {name: [future.result(GUARD) for future in found] for name, found in futures.items()}
            self.asked = {
                name: [server.asked[(r.model.served, _digest(r))] for r in rs] for name, rs in self.requests.items()
            }
            self.notices = list(engine.notices)
            self.stopped = engine.stopped
            engine.close()
            again = Engine(folder / "responses.sqlite", run="s", use_cache=True)
            self.stored = {name: again.store.get(requests[0].key) for name, requests in self.requests.items()}
            again.close()


def _digest(request: Request) -> str:
    import json

    from perf.mock_replies import messages_digest

    return messages_digest(json.loads(request.payload))


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    return Outcomes(tmp_path_factory.mktemp("chaos"))


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_fault_has_its_own_end(row: Row, outcomes: Outcomes) -> None:
    completion = outcomes.completions[row.name][0]
    assert completion.outcome == row.outcome, completion.error
    if row.outcome == "ok":
        assert completion.content == row.content
        assert all(isinstance(count, int) and count >= 0 for count in completion.usage.values())
    assert row.says in completion.error
    assert completion.attempts >= row.attempts
    assert 1 <= outcomes.asked[row.name][0] <= row.attempts
    stored = outcomes.stored[row.name]
    assert (stored is None) == (row.outcome == "request_error"), "errors are never stored, all else is"
    for place, neighbour in enumerate(outcomes.completions[row.name][1:]):
        assert (neighbour.outcome, neighbour.content) == ("ok", f"good {place}")
    assert outcomes.asked[row.name][1:] == [1] * NEIGHBOURS


def test_the_table_is_large_and_nothing_is_lost_in_between(outcomes: Outcomes) -> None:
    assert len(ROWS) >= 80
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert outcomes.notices == []
    assert outcomes.stopped == ""
