"""A mock OpenAI-compatible server: deterministic answers, fixed latency, faults on demand.

In a test, in a thread of the same process:

    with MockServer(lambda body: "B", latency=0.05) as server:
        ask(server.url)
        assert len(server.requests) == 1

As a process of its own, whose first line of output says where it listens:

    python -m perf.mock_server --port 0 --latency-ms 50
"""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import IO, Any

from perf.mock_replies import (
    Fault,
    Faults,
    completion,
    default_reply,
    error_body,
    messages_digest,
    too_long_body,
)

__all__ = ["Fault", "Faults", "MockServer", "too_long_body"]

Reply = Callable[[dict[str, Any]], str | bytes | dict[str, Any] | Fault]


def _http(
    status: int, body: Mapping[str, Any] | Sequence[Any] | str | bytes, retry_after: float | None = None
) -> bytes:
    kind = "text/plain" if isinstance(body, str) else "application/json"
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        body = json.dumps(body).encode()
    wait = "" if retry_after is None else f"Retry-After: {retry_after:g}\r\n"
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {kind}\r\n{wait}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _refusal(status: int, message: str, code: str | None = None) -> Fault:
    return Fault("status", status, body=error_body(message, code=code))


class MockServer:
    """The server: a context manager that runs its own event loop in a daemon thread.

    `reply` gets the parsed chat body and returns the text of the answer, or an object, or a Fault, or bytes, which
    are the body of a 200 as they are. Of an object, content, reasoning_content, refusal and tool_calls go into the
    message, finish_reason and logprobs into the choice and the rest (usage, ...) to the top level. It runs in the
    server's thread; what it raises becomes an HTTP 500. `latency` is in seconds. `log` gets a line
    "SHA256-OF-MESSAGES MODEL" for each chat request. `listing` is what GET /v1/models gets in place of the list,
    `entry` more fields of each model in it.
    """

    def __init__(
        self,
        reply: Reply | None = None,
        *,
        models: Sequence[str] = ("mock",),
        latency: float = 0.0,
        faults: Faults | None = None,
        api_key: str | None = None,
        port: int = 0,
        log: IO[str] | None = None,
        keep: bool = True,
        listing: Fault | bytes | None = None,
        entry: Mapping[str, Any] | None = None,
    ) -> None:
        self.reply: Reply = reply or default_reply
        self.models, self.latency, self.faults, self.api_key, self.port = (
            models,
            latency,
            faults,
            api_key,
            port,
        )
        self.log, self.keep = log, keep
        self.listing, self.entry = listing, dict(entry or {})
        self.requests: list[dict[str, Any]] = []
        """Bodies of all chat requests received, in order, also those that failed; empty with keep=False."""
        self.headers: list[dict[str, str]] = []
        """Their headers, names in lower case."""
        self.asked: Counter[tuple[str, str]] = Counter()
        """How often each (model, messages_digest) was asked."""
        self.probes = 0
        """Number of GET /v1/models."""
        self.paths: list[str] = []
        """Paths of all requests with their query."""
        self.connections = 0
        self.in_flight = 0
        self.in_flight_peak = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The base URL, ending in /v1; after start()."""
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        """Listen; OSError if the port is taken. A stopped server starts again on the same port."""
        self._loop = asyncio.new_event_loop()
        self._tasks = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mock-server", daemon=True)
        self._thread.start()
        opening = asyncio.start_server(self._connection, "127.0.0.1", self.port, backlog=1024)
        try:
            self._server = asyncio.run_coroutine_threadsafe(opening, self._loop).result()
        except OSError:
            self._stop_loop()
            raise
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Close the port and every connection, answered or not."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._stop_loop()

    def settle(self) -> None:
        """Wait until every client that has gone is noticed and all that they had sent is counted.

        Of what a killed client has sent, some may still be on its way: only then do the counts stay as they are.
        Clients that stay connected are waited for too, up to a minute (TimeoutError).
        """
        asyncio.run_coroutine_threadsafe(self._settled(), self._loop).result(60)

    async def _settled(self) -> None:
        # Connections are taken up in turn: once this one is answered, all earlier ones are known.
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET /stats HTTP/1.1\r\nConnection: close\r\n\r\n")
        await reader.read()
        writer.close()
        while self._tasks:
            await asyncio.sleep(0.005)

    def __enter__(self) -> MockServer:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stats(self) -> dict[str, int]:
        """What GET /stats returns."""
        return {
            "requests": self.asked.total(),
            "distinct": len(self.asked),
            "in_flight_peak": self.in_flight_peak,
            "probes": self.probes,
            "connections": self.connections,
        }

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        await asyncio.sleep(0)  # what was accepted before has its task in the next turn of the loop
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the transports close in the next turn of the loop

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, EOFError, ValueError, asyncio.LimitOverrunError):
            pass  # the client went away, or speaks no HTTP
        except asyncio.CancelledError:
            pass  # only stop() cancels, and the task ends here in any case
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; False if the connection is to be closed."""
        first, *lines = (await reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        data = await reader.readexactly(int(headers.get("content-length", 0)))
        self.paths.append(path)
        path = path.partition("?")[0]
        if not (method == "POST" and path.endswith("/chat/completions")):
            listing = self._get(method, path, headers)
            if isinstance(listing, Fault):
                self.probes += 1
                return await self._answer((listing, {}), reader, writer)
            writer.write(listing)
            return headers.get("connection") != "close"
        self.in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, self.in_flight)
        try:
            kept_open = await self._answer(self._chat(data, headers), reader, writer)
        finally:
            self.in_flight -= 1
        return kept_open and headers.get("connection") != "close"

    def _get(self, method: str, path: str, headers: Mapping[str, str]) -> bytes | Fault:
        if (method, path) == ("GET", "/stats"):
            return _http(200, self.stats())
        if isinstance(self.listing, Fault):
            return self.listing
        if not (method == "GET" and path.endswith("/models")):
            return _http(404, error_body(f"There is nothing at {method} {path}."))
        self.probes += 1
        if not self._admits(headers):
            return _http(401, error_body("The API key is wrong.", code="invalid_api_key"))
        if self.listing is not None:
            return _http(200, self.listing)
        listed = [
            {"id": name, "object": "model", "created": 0, "owned_by": "mock"} | self.entry for name in self.models
        ]
        return _http(200, {"object": "list", "data": listed})

    def _admits(self, headers: Mapping[str, str]) -> bool:
        return self.api_key is None or headers.get("authorization") == f"Bearer {self.api_key}"

    def _chat(self, data: bytes, headers: dict[str, str]) -> tuple[Fault | None, dict[str, Any] | bytes]:
        """What goes wrong with this request, if anything, and the completion it gets otherwise."""
        try:
            body: dict[str, Any] = json.loads(data)
            key = (body["model"], messages_digest(body))
        except (ValueError, KeyError, TypeError):
            return _refusal(400, "The body must be a JSON object with 'model' and 'messages'."), {}
        self.asked[key] += 1
        if self.keep:
            self.requests.append(body)
            self.headers.append(headers)
        if self.log:
            self.log.write(f"{key[1]} {key[0]}\n")
        if not self._admits(headers):
            return _refusal(401, "The API key is wrong.", "invalid_api_key"), {}
        if body["model"] not in self.models:
            return _refusal(404, f"The model {body['model']!r} is not served.", "model_not_found"), {}
        if body.get("stream"):
            return _refusal(400, "This server does not stream."), {}
        fault = self.faults.pick(":".join(key), self.asked[key]) if self.faults else None
        try:
            reply = self.reply(body)
        except Exception as error:
            return Fault("status", 500, body=error_body(f"The reply function raised {error!r}.")), {}
        if isinstance(reply, Fault):
            fault, reply = reply, default_reply(body)
        if isinstance(reply, bytes):
            return fault, reply
        return fault, completion(body, reply, self.asked.total())

    async def _answer(
        self,
        outcome: tuple[Fault | None, dict[str, Any] | bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        fault, answer = outcome
        if self.latency:
            await asyncio.sleep(self.latency)
        match fault:
            case None:
                writer.write(_http(200, answer))
            case Fault(kind="status", status=status, retry_after=wait, body=body):
                writer.write(_http(status, error_body(f"Mock fault {status}.") if body is None else body, wait))
            case Fault(kind="truncated"):
                text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                writer.write(_http(200, text[: len(text) // 2]))
            case Fault(kind="slow", delay=delay):
                await asyncio.sleep(delay)
                writer.write(_http(200, answer))
            case Fault(kind="hang"):
                await reader.read()  # until the client gives up
                return False
            case Fault(kind="cut"):
                writer.write(_http(200, answer)[:-40])
                return False
            case Fault(kind="raw", raw=raw):
                writer.write(raw)
                return False
            case Fault(kind="endless", raw=raw, more=more, delay=delay):
                writer.write(raw)
                while True:
                    writer.write(more)
                    await writer.drain()
                    await asyncio.sleep(delay)
            case _:  # drop
                return False
        await writer.drain()
        return True


def main() -> None:
    """The command line; runs until it is interrupted."""
    parser = argparse.ArgumentParser(prog="python -m perf.mock_server", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--fault-rate", type=float, default=0.0, help="share of the prompts that fail, 0 to 1")
    parser.add_argument("--sticky", action="store_true", help="those prompts always fail")
    parser.add_argument("--models", nargs="+", default=["mock"])
    parser.add_argument("--api-key")
    parser.add_argument("--log", help="file that gets a line 'SHA256-OF-MESSAGES MODEL' per chat request")
    options = parser.parse_args()
    server = MockServer(
        models=options.models,
        latency=options.latency_ms / 1000,
        faults=Faults(options.fault_rate, sticky=options.sticky) if options.fault_rate else None,
        api_key=options.api_key,
        port=options.port,
        log=open(options.log, "a", buffering=1, encoding="utf-8") if options.log else None,  # noqa: SIM115
        keep=False,
    )
    try:
        with server:
            print(f"listening on {server.url}", flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
