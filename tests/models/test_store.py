"""responses.sqlite under several processes at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from perf.mock_server import MockServer
from pytest_medhelm.models.endpoint import Endpoint
from pytest_medhelm.models.engine.claims import Claims, is_alive, process_name
from pytest_medhelm.models.engine.engine import Engine
from pytest_medhelm.models.engine.read_ahead import AT_ONCE, ReadAhead
from pytest_medhelm.models.engine.request import Completion, make_request
from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.models.spec import Model
from tests.support.paths import CHECKOUT
from tests.support.servers import until

OPEN_AND_WRITE = """
import sys
from pathlib import Path
from pytest_medhelm.models.engine.store import ResponseStore
for number in range(15):
    store = ResponseStore(Path(sys.argv[1]) / str(number) / "responses.sqlite")
    store.put_text(sys.argv[2], "a text")
    store.close()
"""

CLAIM = """
import sys
from pathlib import Path
from pytest_medhelm.models.engine.claims import Claims, is_alive, process_name
claims = Claims(Path(sys.argv[1]))
print(claims.take(7), flush=True)
sys.stdin.read()
"""


def test_processes_that_make_the_same_file_at_once_do_not_collide(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", OPEN_AND_WRITE, tmp_path, f"key{rank}"], cwd=CHECKOUT)
        for rank in range(4)
    ]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]


def test_a_claim_ends_with_its_process_also_when_nobody_fetches_that(tmp_path: Path) -> None:
    path = tmp_path / "responses.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", CLAIM, path], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "True"
    claims = Claims(path)
    assert not claims.take(7)
    assert claims.take(8), "other requests are free"
    holder.kill()
    until(lambda: claims.take(7))
    assert holder.returncode is None, "it is a zombie here: nobody has fetched its end"
    holder.communicate()
    claims.close()


def test_two_engines_of_one_process_keep_their_claims_apart(tmp_path: Path) -> None:
    first, second = (Claims(tmp_path / "responses.lock") for _ in range(2))
    assert first.take(1)
    assert not second.take(1)
    first.release(1)
    assert second.take(1)
    second.close()
    assert first.take(1)
    first.close()


def test_a_process_is_known_by_its_start_too(tmp_path: Path) -> None:
    own = process_name()
    assert is_alive(own)
    pid, _, start = own.partition(":")
    if start:
        assert not is_alive(f"{pid}:{int(start) + 1}"), "another process that had this number"
        child = subprocess.Popen([sys.executable, "-c", ""])
        child_name = f"{child.pid}:{Path(f'/proc/{child.pid}/stat').read_text().rpartition(') ')[2].split()[19]}"
        until(lambda: not is_alive(child_name))
        child.wait()
    assert not is_alive("")


def test_errors_are_not_stored_and_texts_survive(tmp_path: Path) -> None:
    model = Model("x/m", "x", "m", Endpoint("x", "http://127.0.0.1:9/v1"))
    good, bad = (make_request(model, [{"role": "user", "content": text}]) for text in ("good", "bad"))
    store = ResponseStore(tmp_path / "responses.sqlite")
    store.put([(good, Completion("ok", "yes")), (bad, Completion("request_error", error="HTTP 500"))], run="r")
    store.put_text("hash", "a reference \ud800")
    store.close()
    again = ResponseStore(tmp_path / "responses.sqlite")
    found = again.get(good.key)
    assert found is not None
    assert (found.content, found.cached) == ("yes", True)
    assert again.get(bad.key) is None
    assert '"bad"' in again.exchange(bad.key).payload
    assert again.text("hash") == "a reference ?"
    again.close()


def test_stored_answers_are_read_ahead_whatever_is_asked_for(tmp_path: Path) -> None:
    store = ResponseStore(tmp_path / "responses.sqlite")
    model = Model("x/m", "x", "m", Endpoint("x", "http://127.0.0.1:9/v1"))
    requests = [make_request(model, [{"role": "user", "content": str(n)}]) for n in range(3 * AT_ONCE)]
    store.put([(request, Completion("ok", f"said {n}")) for n, request in enumerate(requests)], run="r")
    ahead = ReadAhead(store)
    noted = [n for n in range(len(requests)) if n % 5]
    for n in noted:
        ahead.note(requests[n].key)
    ahead.note("nobody answered this")
    # In order, with some that nobody noted, some passed over, and one asked for twice.
    for n in [0, *range(1, 20), 60, 59, 60, *range(61, len(requests))]:
        taken = ahead.take(requests[n].key)
        assert taken is not None
        assert taken.content == f"said {n}"
    assert ahead.take("nobody answered this") is None
    store.close()


def test_the_key_depends_on_what_may_change_the_answer() -> None:
    def key(**changes: object) -> str:
        settings: dict[str, object] = {"name": "x/m", "served": "m", "body": {"temperature": 0}, "system_prompt": ""}
        model = Model(provider="x", **{**settings, **changes})  # type: ignore[arg-type]
        return make_request(model, [{"role": "user", "content": "?"}], instance="1").key

    keys = [
        key(),
        key(name="y/m"),
        key(served="m2"),
        key(body={"temperature": 0, "max_tokens": 5}),
        key(system_prompt="Be brief."),
        key(endpoint=Endpoint("x", "http://elsewhere/v1")),
    ]
    assert len(set(keys)) == 5, "only the address is not part of it"
    assert keys[0] == keys[5]


def test_closing_ends_what_hangs(tmp_path: Path) -> None:
    from perf.mock_server import Fault

    with MockServer(lambda body: Fault("hang")) as server:
        model = Model("x/m", "x", "mock", Endpoint("x", server.url, concurrency=4))
        engine = Engine(tmp_path / "responses.sqlite", run="r", use_cache=True)
        futures = [engine.submit(make_request(model, [{"role": "user", "content": str(n)}])) for n in range(20)]
        until(lambda: server.in_flight == 4)
        engine.close()
    assert len(server.requests) == 4
    assert all(future.cancelled() for future in futures)
