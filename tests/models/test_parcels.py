"""What a worker's store gets reaches the suite's, as it was, whatever its texts are."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_medhelm.models.engine.parcels import TABLES, Outbox, begin_with, stored_answers, unpack
from pytest_medhelm.models.engine.parts import PART
from pytest_medhelm.models.engine.request import Completion, make_request
from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.models.spec import Model

MODEL = Model("x/m", "x", "m")


def test_every_table_of_answers_is_sent(tmp_path: Path) -> None:
    ResponseStore(tmp_path / "responses.sqlite").close()
    with closing(sqlite3.connect(tmp_path / "responses.sqlite")) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {*TABLES, "spending", "awaited"}, "is the new one about answers, or about a run?"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30), st.booleans()), max_size=8))
def test_a_parcel_holds_what_is_new(exchanges: list[tuple[str, str, bool]]) -> None:
    with TemporaryDirectory() as name:
        worker, suite = (Path(name) / place / "responses.sqlite" for place in ("worker", "suite"))
        store, whole = ResponseStore(worker), ResponseStore(suite)
        outbox = Outbox(worker)
        latest = {}
        for question, answer, is_error in exchanges:
            request = make_request(MODEL, [{"role": "user", "content": question}])
            completion = (
                Completion("request_error") if is_error else Completion("ok", answer, usage={"prompt_tokens": 3})
            )
            store.put([(request, completion)], run="r")
            latest[request.key] = store.get(request.key)
            parcel = outbox.take()
            assert sum(len(rows) for _, rows in parcel) <= 1
            unpack(parcel, suite)
        assert outbox.take() == []
        for key, stored in latest.items():
            assert whole.get(key) == stored
            assert whole.exchange(key) == store.exchange(key)
        for opened in (outbox, store, whole):
            opened.close()


def test_a_worker_begins_with_the_answers_that_the_suite_has(tmp_path: Path) -> None:
    suite, worker = tmp_path / "suite/responses.sqlite", tmp_path / "responses.sqlite"
    store = ResponseStore(suite)
    long = make_request(MODEL, [{"role": "user", "content": "patient text " * PART}])
    store.put([(long, Completion("ok", "B", context=100))], run="r")
    begin_with(stored_answers(suite), worker)
    other = ResponseStore(worker)
    assert other.get(long.key) == store.get(long.key)
    assert other.exchange(long.key).payload == "", "prompts stay here"
    assert worker.stat().st_mode & 0o777 == 0o600
    outbox = Outbox(worker)
    assert outbox.take() == [], "what came from the suite is not sent back"
    again = make_request(MODEL, [{"role": "user", "content": "again " * PART}])
    other.put([(again, Completion("ok", "C"))], run="s")
    unpack(outbox.take(), suite)
    assert store.exchange(again.key) == other.exchange(again.key)
    assert store.exchange(again.key).payload == again.payload
    for opened in (outbox, other, store):
        opened.close()
