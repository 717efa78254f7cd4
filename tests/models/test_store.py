"""responses.sqlite under several processes at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from perf.mock_server import MockServer
from pytest_medhelm.models.engine.engine import Engine
from pytest_medhelm.models.engine.request import Completion, make_request
from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.models.spec import Endpoint, Model
from tests.support.paths import CHECKOUT
from tests.support.servers import until

OPEN_AND_CLAIM = """
import sys
from pathlib import Path
from pytest_medhelm.models.engine.store import ResponseStore
for number in range(15):
    store = ResponseStore(Path(sys.argv[1]) / str(number) / "responses.sqlite")
    assert store.claim(sys.argv[2])
    store.release(sys.argv[2])
    store.close()
"""


def test_processes_that_make_the_same_file_at_once_do_not_collide(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", OPEN_AND_CLAIM, tmp_path, f"key{rank}"], cwd=CHECKOUT)
        for rank in range(4)
    ]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]


def test_a_claim_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "responses.sqlite"
    code = OPEN_AND_CLAIM.replace("    store.release(sys.argv[2])\n", "")
    subprocess.run([sys.executable, "-c", code, tmp_path, "key"], cwd=CHECKOUT, check=True)
    store = ResponseStore(tmp_path / "0" / "responses.sqlite")
    assert store.claim("key")
    store.close()
    other = ResponseStore(path)
    assert other.claim("key")
    other.close()


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
