"""The mock server answers like an OpenAI-compatible one and fails in the ways it is told to."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from perf.mock_server import Fault, Faults, MockServer, too_long_body


def chat(text: str, model: str = "mock") -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}]}


def post(
    server: MockServer, body: dict[str, Any], key: str = "", timeout: float = 60
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def get(port: int, path: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def outcome(server: MockServer, text: str) -> str:
    """How one request ended, in one word."""
    try:
        status, _, data = post(server, chat(text))
    except (ConnectionError, http.client.HTTPException):
        return "dropped"
    try:
        json.loads(data)
    except ValueError:
        return "truncated"
    return str(status)


def test_a_plain_reply_is_a_complete_chat_completion() -> None:
    with MockServer(lambda body: "two words") as server:
        status, _, data = post(server, chat("three short words"))
        assert server.requests == [chat("three short words")]
        assert server.headers[0]["content-length"] == str(len(json.dumps(chat("three short words"))))
    answer = json.loads(data)
    assert (status, answer["object"], answer["model"]) == (200, "chat.completion", "mock")
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "two words"}
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def test_an_object_reply_is_spread_over_message_choice_and_top_level() -> None:
    reply = {
        "content": "B",
        "reasoning_content": "because",
        "finish_reason": "length",
        "logprobs": {"content": []},
        "usage": {"total_tokens": 9},
    }
    with MockServer(lambda body: reply) as server:
        answer = json.loads(post(server, chat("x"))[2])
    choice = answer["choices"][0]
    assert (choice["message"]["content"], choice["message"]["reasoning_content"]) == ("B", "because")
    assert (choice["finish_reason"], choice["logprobs"]) == ("length", {"content": []})
    assert answer["usage"] == {"total_tokens": 9}


def test_the_default_reply_is_one_of_the_listed_letters_and_depends_on_the_prompt_only() -> None:
    def answers() -> list[str]:
        with MockServer() as server:
            prompts = [f"Question {i}?\nA. one\nB. two\nC. three\nE. not in sequence" for i in range(30)]
            return [
                json.loads(post(server, chat(text))[2])["choices"][0]["message"]["content"]
                for text in [*prompts, "Summarise.", "Translate."]
            ]

    *letters, summary, translation = answers()
    assert set(letters) == {"A", "B", "C"}
    assert len(summary) > 1
    assert summary != translation
    assert answers() == [*letters, summary, translation]


@pytest.mark.parametrize(
    ("path", "body", "key", "status", "code"),
    [
        ("/v1/chat/completions", chat("x"), "wrong", 401, "invalid_api_key"),
        ("/v1/chat/completions", chat("x", model="other"), "right", 404, "model_not_found"),
        ("/v1/chat/completions", {"model": "mock"}, "right", 400, None),
        ("/v1/completions", chat("x"), "right", 404, None),
    ],
)
def test_wrong_requests_get_an_openai_style_error(
    path: str, body: dict[str, Any], key: str, status: int, code: str | None
) -> None:
    with MockServer(api_key="right") as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        error = json.loads(answer.read())["error"]
        connection.close()
        assert (answer.status, error["code"]) == (status, code)
        assert post(server, chat("x"), key="right")[0] == 200


def test_models_are_listed_and_probes_counted() -> None:
    with MockServer(models=("a", "b")) as server:
        status, listed = get(server.port, "/v1/models")
        assert (status, [model["id"] for model in listed["data"]]) == (200, ["a", "b"])
        assert server.probes == 1
        assert server.requests == []


def test_status_faults_carry_body_and_retry_after() -> None:
    faults = {
        "long": Fault("status", 400, body=too_long_body(limit=10, asked=12)),
        "busy": Fault("status", 429, retry_after=0.5),
        "proxy": Fault("status", 502, body="<html>bad gateway</html>"),
    }
    with MockServer(lambda body: faults[body["messages"][0]["content"]]) as server:
        status, _, data = post(server, chat("long"))
        error = json.loads(data)["error"]
        assert (status, error["code"]) == (400, "context_length_exceeded")
        assert "maximum context length is 10 tokens" in error["message"]
        status, headers, _ = post(server, chat("busy"))
        assert (status, headers["Retry-After"]) == (429, "0.5")
        assert post(server, chat("proxy"))[::2] == (502, b"<html>bad gateway</html>")
        assert len(server.requests) == 3


def test_transport_faults() -> None:
    def reply(body: dict[str, Any]) -> Fault:
        return Fault(body["messages"][0]["content"], delay=0.01)

    with MockServer(reply) as server:
        with pytest.raises(http.client.RemoteDisconnected):
            post(server, chat("drop"))
        with pytest.raises(http.client.IncompleteRead):
            post(server, chat("cut"))
        with pytest.raises(TimeoutError):
            post(server, chat("hang"), timeout=0.2)
        status, headers, data = post(server, chat("truncated"))
        assert (status, int(headers["Content-Length"])) == (200, len(data))
        with pytest.raises(ValueError, match=r"\w"):
            json.loads(data)
        assert json.loads(post(server, chat("slow"))[2])["object"] == "chat.completion"


def test_an_error_in_the_reply_function_is_an_http_500_that_names_it() -> None:
    with MockServer(lambda body: body["no such key"]) as server:
        status, _, data = post(server, chat("x"))
    assert status == 500
    assert "KeyError('no such key')" in json.loads(data)["error"]["message"]


def test_passing_faults_hit_the_same_share_of_prompts_each_time_and_end_within_two_attempts() -> None:
    prompts = [f"prompt {i}" for i in range(120)]

    def attempts() -> list[list[str]]:
        with MockServer(faults=Faults(rate=0.3)) as server:
            return [[outcome(server, text) for text in prompts] for _ in range(3)]

    first, second, third = attempts()
    assert set(first) == {"200", "429", "500", "dropped", "truncated"}
    assert 21 <= len(prompts) - first.count("200") <= 51  # 36 expected, standard deviation 5
    assert 0 < len(prompts) - second.count("200") < len(prompts) - first.count("200")
    assert set(third) == {"200"}
    assert attempts() == [first, second, third]


def test_sticky_faults_never_pass_and_another_seed_hits_other_prompts() -> None:
    prompts = [f"prompt {i}" for i in range(60)]
    with MockServer(faults=Faults(rate=0.3, kinds=("500",), sticky=True)) as server:
        rounds = [[outcome(server, text) for text in prompts] for _ in range(4)]
    with MockServer(faults=Faults(rate=0.3, kinds=("500",), sticky=True, seed=1)) as server:
        other = [outcome(server, text) for text in prompts]
    assert set(rounds[0]) == {"200", "500"}
    assert rounds.count(rounds[0]) == 4
    assert other != rounds[0]


def test_connections_are_kept_and_requests_in_flight_counted() -> None:
    async def ask(server: MockServer) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=5)) as session:

            async def one(i: int) -> None:
                async with session.post(f"{server.url}/chat/completions", json=chat(str(i))) as answer:
                    await answer.json()

            await asyncio.gather(*map(one, range(40)))

    with MockServer(latency=0.05) as server:
        asyncio.run(ask(server))
        assert len(server.requests) == 40
        assert (server.in_flight_peak, server.connections) == (5, 5)
    # The last answer is read before the server has counted its request down: only the stopped server is sure of it.
    assert server.in_flight == 0


def test_a_stopped_server_refuses_and_starts_again_on_its_port() -> None:
    server = MockServer(lambda body: "yes")
    with server:
        url = server.url
    with pytest.raises(ConnectionRefusedError):
        post(server, chat("x"))
    with server:
        assert server.url == url
        assert post(server, chat("x"))[0] == 200


def test_a_taken_port_is_an_os_error() -> None:
    with MockServer() as server, pytest.raises(OSError, match="in use"):
        MockServer(port=server.port).start()


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent in another way on Windows")
def test_as_a_process_it_logs_counts_and_stays_quiet_when_clients_vanish(tmp_path: Path) -> None:
    log = tmp_path / "asked.log"
    command = [sys.executable, "-m", "perf.mock_server", "--latency-ms", "50", "--log", str(log)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith("listening on http://127.0.0.1:")
        port = int(first.split(":")[-1].split("/")[0])
        data = json.dumps(chat("again")).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(data)
        for sent in (head + data, head + data[:10], head[:20], b"nonsense\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port)) as client:
                linger = b"\x01\0\0\0\0\0\0\0"  # close with a reset, as a killed client may
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                client.sendall(sent)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for text in ("again", "once"):
            connection.request("POST", "/v1/chat/completions", json.dumps(chat(text)))
            assert connection.getresponse().read()
        connection.close()
        stats = get(port, "/stats")[1]
    finally:
        process.send_signal(signal.SIGINT)
        output, noise = process.communicate(timeout=60)
    asked = {
        text: sha256(f'[{{"content": "{text}", "role": "user"}}]'.encode()).hexdigest() for text in ("again", "once")
    }
    lines = log.read_text().splitlines()
    assert lines[-1] == f"{asked['once']} mock"
    assert set(lines[:-1]) == {f"{asked['again']} mock"}
    assert (stats["requests"], stats["distinct"]) == (len(lines), 2)
    assert (process.returncode, output, noise) == (0, "", "")
