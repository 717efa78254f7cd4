"""The hospital over HTTP: a FHIR base URL for each episode, in a thread of its own.

A visit is one episode's state behind a path and a token of its own; what was asked is kept, so that it can be replayed.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import secrets
import ssl
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiohttp import web

from pytest_medhelm.agents.hospital.http_face import CONDITIONS, MEDIA_TYPE, MOST_BODY, respond
from pytest_medhelm.agents.hospital.state import Hospital
from pytest_medhelm.util.deadline import SECONDS, request_came, with_deadline

MOST_REQUESTS, MOST_SENT = 500, 20_000_000
"""Requests of one visit, and characters of their bodies together; more are refused."""
MOST_VISITS = 10_000
_METHODS = ("GET", "POST", "PUT", "DELETE")


class Asked(NamedTuple):
    """One request."""

    method: str
    target: str
    body: str
    condition: str
    """A header under whose condition something is written, with its value; empty for none."""


@dataclass(slots=True)
class Visit:
    """One episode at the server."""

    path: str
    """Below which its FHIR base URL lies."""
    token: str
    """Empty: none is asked for."""
    state: Hospital
    by: str = "agent"
    requests: list[Asked] = field(default_factory=list)
    """Each request that was let in, in order."""
    recorded: bool = True
    """Its requests are kept, and are so many at most."""
    closed: bool = False


class HospitalServer:
    """Serves visits; a context manager. Each visit sees its own state and no other."""

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None, *, patience: float = SECONDS
    ) -> None:
        """``patience``: seconds within which a request must be whole."""
        self._host = host
        self._patience = patience
        self._port = port
        self._tls = tls
        self._visits: dict[str, Visit] = {}
        self.address = ""
        """Scheme, host and port; once it has started."""

    def __enter__(self) -> HospitalServer:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="medhelm-hospital", daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def admit(self, state: Hospital, *, path: str = "", token: str | None = None, recorded: bool = True) -> Visit:
        """A new visit, with a path and a token that nobody can guess unless they are given."""
        token = secrets.token_urlsafe() if token is None else token
        visit = Visit(path or secrets.token_hex(16), token, state, recorded=recorded)
        if len(self._visits) >= MOST_VISITS:
            raise RuntimeError("too many visits at once")
        self._visits[visit.path] = visit
        return visit

    def dismiss(self, visit: Visit) -> None:
        """End a visit: whatever still asks gets no answer any more."""
        visit.closed = True
        self._visits.pop(visit.path, None)

    def base_url(self, visit: Visit) -> str:
        """The FHIR base URL of a visit."""
        return f"{self.address}/{visit.path}/fhir"

    async def _open(self) -> None:
        application = web.Application(client_max_size=MOST_BODY, middlewares=[_whole])
        application.router.add_route("*", "/{path}/fhir{target:.*}", self._answer)
        quiet = logging.Logger("medhelm", logging.CRITICAL + 1)
        self._runner = web.AppRunner(application, access_log=None, logger=quiet, shutdown_timeout=0.1)
        await self._runner.setup()
        assert self._runner.server is not None
        self._server = await self._loop.create_server(
            with_deadline(self._runner.server, self._patience), self._host, self._port, ssl=self._tls,
            ssl_handshake_timeout=self._patience if self._tls else None,
        )  # fmt: skip
        port = self._server.sockets[0].getsockname()[1]
        shown = f"[{self._host}]" if ":" in self._host else self._host
        self.address = f"{'https' if self._tls else 'http'}://{shown}:{port}"

    async def _close(self) -> None:
        self._server.close()
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        visit = self._visits.get(request.match_info["path"])
        if visit is None:
            return _outcome(404, "not-found", "there is no such hospital")
        if not _is_admitted(visit, request):
            return _outcome(401, "login", "this hospital asks for a token: send Authorization: Bearer TOKEN")
        if request.method not in _METHODS:
            return _outcome(405, "not-supported", f"use one of {', '.join(_METHODS)}")
        sent = sum(len(asked.body) for asked in visit.requests)
        if len(visit.requests) >= MOST_REQUESTS or sent >= MOST_SENT:
            return _outcome(429, "throttled", f"a visit has at most {MOST_REQUESTS} requests, and {MOST_SENT:,} bytes")
        try:
            body = (await request.read()).decode()
        except UnicodeError:
            return _outcome(400, "structure", "the body is not in UTF-8")
        # The path as it was sent: what is decoded twice could lead elsewhere.
        target = request.raw_path.split("/fhir", 1)[1]
        condition = next((f"{name}: {request.headers[name]}" for name in CONDITIONS if name in request.headers), "")
        if visit.recorded:
            visit.requests.append(Asked(request.method, target, body, condition))
        answer = respond(
            visit.state, request.method, target, body, visit.by, condition=condition, base=self.base_url(visit)
        )
        visit.state = answer.state
        return _response(answer.status, answer.body, dict(answer.headers))


@web.middleware
async def _whole(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Read a request to its end before anything is answered."""
    try:
        await request.read()
    except web.HTTPRequestEntityTooLarge:
        return _too_long()
    request_came(request)
    return await handler(request)


def _too_long() -> web.Response:
    return _outcome(413, "too-long", f"a body has at most {MOST_BODY:,} bytes")


def _is_admitted(visit: Visit, request: web.Request) -> bool:
    if not visit.token:
        return True
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    return hmac.compare_digest(given.encode("utf-8", "replace"), visit.token.encode())


def _response(status: int, body: Any, headers: dict[str, str]) -> web.Response:
    # Headers hold nothing that came from a request but ids of known form.
    text = "" if body is None else json.dumps(body, ensure_ascii=False)
    return web.Response(
        status=status, text=text, content_type=MEDIA_TYPE, headers={**headers, "Cache-Control": "no-store"}
    )


def _outcome(status: int, code: str, sentence: str) -> web.Response:
    issue = [{"severity": "error", "code": code, "diagnostics": sentence}]
    return _response(status, {"resourceType": "OperationOutcome", "issue": issue}, {})
