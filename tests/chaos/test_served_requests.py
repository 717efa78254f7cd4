"""Whatever is sent to medhelm serve: an answer with its policies, or a closed connection; nothing of other files."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random

import pytest
from aiohttp import web
from hypothesis import example, given

from pytest_medhelm.reports.serve.guard import Guard
from pytest_medhelm.reports.serve.site import Site
from pytest_medhelm.util.deadline import with_deadline
from tests.support.examples import any_bytes, drawn, hostile

OLD = Path(__file__).parents[1] / "results" / "unversioned_suite"
OUTSIDE = "a file beside the suites"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Of a server of one suite, in a thread; it must still answer in the end."""
    root = tmp_path_factory.mktemp("served")
    (root / "secret.txt").write_text(OUTSIDE)
    shutil.copytree(OLD, root / "results" / "ward")
    loop = asyncio.new_event_loop()

    async def begin() -> tuple[web.AppRunner, asyncio.Server]:
        runner = web.AppRunner(Site(root / "results", Guard(0, {"localhost"})).application(), access_log=None)
        await runner.setup()
        assert runner.server is not None
        return runner, await loop.create_server(with_deadline(runner.server, 0.1), "127.0.0.1", 0)

    _, server = loop.run_until_complete(begin())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    found = int(server.sockets[0].getsockname()[1])
    yield found
    status = b"GET /ward/status.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert any(exchange(found, [status])[0].startswith(b"HTTP/1.1 200") for _ in range(20)), "one may come late"
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def exchange(port: int, requests: list[bytes]) -> list[bytes]:
    """What comes back to each, all being asked at once: until an answer is whole, or the server closes."""
    with ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60)) for _ in requests]
        for connection, request in zip(connections, requests, strict=True):
            with suppress(ConnectionError):
                connection.sendall(request)
        return [received(connection, request) for connection, request in zip(connections, requests, strict=True)]


def received(connection: socket.socket, request: bytes) -> bytes:
    """An answer."""
    answer = b""
    with suppress(ConnectionError):
        while not _is_whole(answer, request) and (block := connection.recv(65536)):
            answer += block
    return answer


def _is_whole(answer: bytes, request: bytes) -> bool:
    head, ended, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(ended) and (request.startswith(b"HEAD") or len(body) >= int(length[1] if length else 0))


PATHS = [
    "/", "..", "%2e%2e", "%2f", "ward", "secret.txt", "leaderboard.html", "status.json", "browser", "index.js", "%00",
    "letters-0.js", "?version=x", "?token=y", "#", "//evil.example", "\\", "suite.sqlite", "~", "%", "ÿ",
]  # fmt: skip
NAMES = [
    "Host", "Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Cookie", "Range", "Content-Length", "Transfer-Encoding",
    "Upgrade", "Connection", "Accept-Encoding", "X",
]  # fmt: skip
VALUES = [
    "localhost", "127.0.0.1:80", "evil.example", "cross-site", "no-cors", "chunked", "-1", "9" * 30,
    "bytes=0-99999999999", "websocket", "a=b; medhelm-0=x", "\x00", "é" * 50, "a" * 9000,
]  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "CONNECT", "get", "G\x00T"]
FOREIGN = b"GET /ward/leaderboard.html HTTP/1.1\r\nHost: evil.example\r\n\r\n"
UPWARDS = b"GET /../secret.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"
ENCODED = b"GET /ward/..%2f..%2fsecret.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"


def any_request(random: Random) -> bytes:
    """A request that is one, nearly one, or none."""
    if random.random() < 0.3:
        return any_bytes(random, 200)
    path = "".join(random.choices(PATHS, k=random.randrange(7)))
    headers = [(random.choice(NAMES), random.choice(VALUES)) for _ in range(random.randrange(6))]
    if random.random() < 0.5:
        headers.insert(0, ("Host", "localhost"))
    head = f"{random.choice(METHODS)} /{path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers)
    return (head + "\r\n").encode("utf-8", "replace") + any_bytes(random, 20)


@hostile
@given(requests=drawn(any_request))
@example(requests=[FOREIGN, UPWARDS, ENCODED])
def test_any_request_is_answered_or_refused(port: int, requests: list[bytes]) -> None:
    for request, answer in zip(requests, exchange(port, requests), strict=True):
        assert OUTSIDE.encode() not in answer
        assert b"SQLite format 3" not in answer
        assert b"Traceback" not in answer
        if answer.startswith(b"HTTP/1.1 200"):
            assert b"Content-Security-Policy: default-src 'none'" in answer
            assert b"evil.example" not in request.partition(b"Host: ")[2].partition(b"\r\n")[0]
