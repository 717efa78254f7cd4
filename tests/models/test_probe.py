"""The look at a server before a session: bounded, followed nowhere, and its sentences."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from typing import Any

import pytest

from perf.mock_server import Fault, MockServer
from pytest_medhelm.models import probe
from pytest_medhelm.models.endpoint import Endpoint
from pytest_medhelm.models.probe import ServedModel, match_served, served_models
from pytest_medhelm.util.errors import ModelError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PACKED = HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n"
LIST = json.dumps({"data": [{"id": "m"}]}).encode()


def raw(data: bytes) -> Fault:
    return Fault("raw", raw=data)


def look(listing: Fault | bytes | None = None, **options: Any) -> list[ServedModel] | None:
    with MockServer(listing=listing, **options) as server:
        return served_models(Endpoint("ward", server.url, {"Authorization": "Bearer secret"}, key_source="$WARD_KEY"))


@pytest.mark.parametrize(
    ("listing", "found"),
    [
        (LIST, [ServedModel("m")]),
        (b'["a", "b"]', [ServedModel("a"), ServedModel("b")]),
        (b'[{"id": "a"}]', [ServedModel("a")]),
        (b'{"models": [{"name": "llama3:latest", "model": "llama3:latest"}]}', [ServedModel("llama3:latest")]),
        (b'{"data": []}', []),
        (b'{"data": [{"id": "a", "root": "org/a", "max_model_len": 2048}]}', [ServedModel("a", "org/a", 2048)]),
        (b'{"data": [{"id": "a", "context_length": 8192}]}', [ServedModel("a", "", 8192)]),
        (b'{"data": [{"id": "a", "context_window": 131072}]}', [ServedModel("a", "", 131072)]),
        (
            b'{"data": [{"id": "a", "loaded_context_length": 4096, "max_context_length": 32768}]}',
            [ServedModel("a", "", 4096)],
        ),
        (b'{"data": [{"id": "a", "meta": {"n_ctx": 512, "n_ctx_train": 8192}}]}', [ServedModel("a", "", 512)]),
        (
            b'{"data": [null, 5, {}, {"id": 7}, {"id": "a", "root": 5, "max_model_len": "many"}, {"id": "b", '
            b'"max_model_len": -1}]}',
            [ServedModel("a"), ServedModel("b")],
        ),
        (Fault("status", 404), None),
        (Fault("status", 405, body='{"detail": "Method Not Allowed"}'), None),
        (raw(PACKED + gzip.compress(LIST)), [ServedModel("m")]),
    ],
)
def test_lists_of_many_servers(listing: Fault | bytes, found: list[ServedModel] | None) -> None:
    assert look(listing) == found


@pytest.mark.parametrize(
    ("listing", "sentence"),
    [
        (raw(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/x\r\nContent-Length: 0\r\n\r\n"), "never followed"),
        (raw(b"HTTP/1.1 308 Moved\r\nLocation: https://elsewhere/x\r\nContent-Length: 0\r\n\r\n"), "never followed"),
        (Fault("status", 401), "check $WARD_KEY of endpoint 'ward'"),
        (Fault("status", 403), "check $WARD_KEY of endpoint 'ward'"),
        (Fault("status", 500), "answers HTTP 500"),
        (Fault("status", 400, body="Client sent an HTTP request to an HTTPS server."), "https://"),
        (raw(b"HELLO\r\n\r\n"), "is not an OpenAI-compatible server"),
        (raw(HEAD + b"Content-Length: 500\r\n\r\n" + LIST), "is not an OpenAI-compatible server"),
        (raw(HEAD + b"".join(b"X-%d: x\r\n" % i for i in range(1000))), "is not an OpenAI-compatible server"),
        (raw(HEAD + b"X: " + b"x" * 100_000 + b"\r\n\r\n"), "is not an OpenAI-compatible server"),
        (Fault("drop"), "is not an OpenAI-compatible server"),
        (b"<html>log in</html>", "does not list models as JSON"),
        (b"", "does not list models as JSON"),
        (b"[" * 100_000, "does not list models as JSON"),
        (b'{"data": "no"}', "does not list models as JSON"),
        (b"5", "does not list models as JSON"),
        (raw(PACKED + gzip.compress(b" " * (9 * 2**20))), "is not an OpenAI-compatible server"),
        (Fault("endless", raw=HEAD + b"Connection: close\r\n\r\n", more=b" " * 2**18, delay=0), "is not"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_one_sentence(listing: Fault | bytes, sentence: str) -> None:
    with pytest.raises(ModelError) as error:
        look(listing)
    assert sentence in str(error.value)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX: ", HEAD + b"Connection: close\r\n\r\n"])
def test_a_server_that_drips_has_a_time_as_a_whole(start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PROBE_TIMEOUT", 0.3)
    with pytest.raises(ModelError, match=r"did not answer within 0\.3 s"):
        look(Fault("endless", raw=start, more=b"X", delay=0.05))


def test_a_server_that_loads_its_model_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "LOOK_AGAIN", 0.01)
    said: list[str] = []
    loading = Fault("status", 503, body={"error": {"message": "Loading model", "code": 503}})
    with MockServer(listing=loading) as server:

        def progress(line: str) -> None:
            said.append(line)
            server.listing = None

        assert served_models(Endpoint("x", server.url), wait=60, progress=progress) == [ServedModel("mock")]
        for listing, wait in ((Fault("status", 503, body="<html>Service Unavailable</html>"), 60), (loading, 0)):
            server.listing = listing
            with pytest.raises(ModelError, match="answers HTTP 503"):
                served_models(Endpoint("x", server.url), wait=wait)
    assert len(said) == 1
    assert "(--medhelm-wait)" in said[0]


def test_tls_to_a_plain_server_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(ModelError, match="write http:// if the server speaks no TLS"):
            served_models(Endpoint("x", f"https://127.0.0.1:{listening.getsockname()[1]}/v1"))
    monkeypatch.setattr(probe, "PROBE_TIMEOUT", 0.2)
    with MockServer() as server, pytest.raises(ModelError, match="write http:// if it speaks no TLS"):
        served_models(Endpoint("x", server.url.replace("http://", "https://")))


def test_a_query_goes_with_every_request() -> None:
    with MockServer() as server:
        served_models(Endpoint("x", f"{server.url}?api-version=2024-10-21"))
        assert server.paths == ["/v1/models?api-version=2024-10-21"]


def test_a_proxy_and_what_stands_in_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            heard.append(connection.recv(10_000))
            connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(LIST) + LIST)
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        monkeypatch.setenv("http_proxy", f"http://door:opens@127.0.0.1:{listening.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "")
        found = served_models(Endpoint("x", "http://ward:secret@models.invalid:8000/a b/v1?é=1"))
    assert found == [ServedModel("m")]
    first, *headers = heard[0].decode().split("\r\n")
    assert first == "GET http://models.invalid:8000/a%20b/v1/models?%C3%A9=1 HTTP/1.1"
    assert "Authorization: Basic d2FyZDpzZWNyZXQ=" in headers  # ward:secret
    assert "Proxy-Authorization: Basic ZG9vcjpvcGVucw==" in headers  # door:opens


def served(*names: str, root: str = "") -> list[ServedModel]:
    return [ServedModel(name, root) for name in names]


@pytest.mark.parametrize(
    ("name", "models", "found"),
    [
        ("llama3", served("llama3", "llama3-guard-8b"), "llama3"),
        ("LLaMA3", served("llama3", "llama3-guard-8b"), "llama3"),
        ("llama3", served("org/llama3", "llama3-guard-8b"), "org/llama3"),
        ("llama3", served("llama3:latest", "llama3-guard:8b"), "llama3:latest"),
        ("llama", served("org/Llama-3-8B"), "org/Llama-3-8B"),
        ("llama-3", served("llama-3-8b", "judge", root="org/x"), "llama-3-8b"),
    ],
)
def test_a_short_name(name: str, models: list[ServedModel], found: str) -> None:
    assert match_served(name, models).id == found


@pytest.mark.parametrize(
    ("name", "models", "sentence"),
    [
        ("llama3", served("llama3-guard-8b", "qwen"), "llama3-guard-8b need not be what is meant"),
        ("llama3", served("llama3-guard-8b", "llama3-8b"), "stands for several served models"),
        ("llama3", served("a/llama3", "b/llama3"), "stands for several served models"),
        ("mistral", served("llama3"), "is not served; the server lists: llama3"),
        ("mistral", [], "the server lists: nothing"),
        ("m", served(*(f"x{i}" for i in range(500))), "and 480 more"),
    ],
)
def test_a_name_that_is_not_clear(name: str, models: list[ServedModel], sentence: str) -> None:
    with pytest.raises(ModelError) as error:
        match_served(name, models)
    assert sentence in str(error.value)
