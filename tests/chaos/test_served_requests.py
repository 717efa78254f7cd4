"""Whatever is sent to medhelm serve: an answer with its policies, or a closed connection; nothing of other files."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pytest_medhelm.reports.serve.guard import Guard
from pytest_medhelm.reports.serve.site import Site
from pytest_medhelm.util.deadline import with_deadline

EXAMPLES = 20_000 if os.environ.get("MEDHELM_NIGHTLY") == "1" else 300
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
        return runner, await loop.create_server(with_deadline(runner.server, 0.3), "127.0.0.1", 0)

    _, server = loop.run_until_complete(begin())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    found = int(server.sockets[0].getsockname()[1])
    yield found
    assert send(found, b"GET /ward/status.json HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 200")
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def send(port: int, request: bytes) -> bytes:
    """What comes back until the first answer is whole, or the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        received = b""
        with suppress(ConnectionError):
            connection.sendall(request)
            while not _is_whole(received, request) and (block := connection.recv(65536)):
                received += block
        return received


def _is_whole(answer: bytes, request: bytes) -> bool:
    head, ended, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(ended) and (request.startswith(b"HEAD") or len(body) >= int(length[1] if length else 0))


paths = st.lists(
    st.sampled_from(
        ["/", "..", "%2e%2e", "%2f", "ward", "secret.txt", "leaderboard.html", "status.json", "browser", "index.js",
         "%00", "letters-0.js", "?version=x", "?token=y", "#", "//evil.example", "\\", "suite.sqlite", "~", "%", "ÿ"]
    ),
    max_size=6,
).map("".join)  # fmt: skip
headers = st.lists(
    st.tuples(
        st.sampled_from(["Host", "Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Cookie", "Range", "Content-Length",
                         "Transfer-Encoding", "Upgrade", "Connection", "Accept-Encoding", "X"]),
        st.sampled_from(["localhost", "127.0.0.1:80", "evil.example", "cross-site", "no-cors",
                         "chunked", "-1", "9" * 30,
                         "bytes=0-99999999999", "websocket", "a=b; medhelm-0=x", "\x00", "é" * 50, "a" * 9000]),
    ),
    max_size=5,
)  # fmt: skip
requests = st.builds(
    lambda method, path, found, body: (
        (f"{method} /{path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in found) + "\r\n").encode(
            "utf-8", "replace"
        )
        + body
    ),
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "CONNECT", "get", "G\x00T"]),
    paths,
    headers,
    st.binary(max_size=20),
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(request=requests | st.binary(max_size=200))
@example(request=b"GET /ward/leaderboard.html HTTP/1.1\r\nHost: evil.example\r\n\r\n")
@example(request=b"GET /../secret.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
@example(request=b"GET /ward/..%2f..%2fsecret.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
def test_any_request_is_answered_or_refused(port: int, request: bytes) -> None:
    answer = send(port, request)
    assert OUTSIDE.encode() not in answer
    assert b"SQLite format 3" not in answer
    assert b"Traceback" not in answer
    if answer.startswith(b"HTTP/1.1 200"):
        assert b"Content-Security-Policy: default-src 'none'" in answer
        assert b"evil.example" not in request.partition(b"Host: ")[2].partition(b"\r\n")[0]
