"""One attempt: a chat completion over HTTP, and what its outcome means.

This is the hot path. It uses aiohttp because a request through the openai package costs several times its CPU
time (perf/transports.py measures it); the wire format is the same. Reads are bounded, and no redirect is followed.
"""

from __future__ import annotations

import asyncio
import errno
import math
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Literal

import aiohttp
from aiohttp.connector import Connection

from pytest_medhelm.models.endpoint import Endpoint
from pytest_medhelm.models.engine.prompt_cut import cut_silently
from pytest_medhelm.models.engine.reply import ErrorReplyError, NoReplyError, read_reply
from pytest_medhelm.models.engine.request import SYSTEM, Completion, Request
from pytest_medhelm.models.engine.servers import Refusal, asked_to_wait, read_refusal
from pytest_medhelm.util.network import proxy_for

MOST_BYTES = 64 * 2**20
"""Of a reply, after unpacking."""
MOST_ERROR_BYTES = 2**20
"""Of a refusal, after unpacking."""

OVERLOAD = (429, 503)
"""Statuses with which a server says that it has too much to do."""
_OF_ADDRESS = ("key", "no_access", "quota", "unknown_model", "path", "tls", "redirect")
"""What a refusal means that any other request would get at this address."""

FaultKind = Literal[
    "passing", "away", "late", "no_form", "no_logprobs", "no_system", "less", "crowded", "final", "config"
]  # fmt: skip
"""passing: tried again some times; away: nobody there, waited for; late: no answer in time, tried once more;
no_form: asked without the form of the reply; no_logprobs: asked without log-probabilities; no_system: asked with the
system's text in the user's turn; less: asked with fewer tokens; crowded: too few file descriptors here; final: stands;
config: stands, and so would every other request."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An attempt that brought no answer."""

    reason: str
    """Without any text of the request."""
    kind: FaultKind = "passing"
    hint: str = ""
    """What to do about it, with {model}, {served}, {key} and {url} to be filled in."""
    refuses_key: bool = False
    of_address: bool = False
    """Of kind "final": any other request would fail alike at this address."""
    overload: bool = False
    """The server has too much to do."""
    retry_after: float | None = None
    """Seconds that the server asks to wait."""
    charged: bool = False
    """The server may have worked on it, and may charge for that."""
    room: int = 0
    """Of kind "less": tokens that are left for the answer."""
    context: int | None = None


class _TooLargeError(Exception):
    pass


class _Connections(aiohttp.TCPConnector):
    """Keeps connections alive, and lets go of one on which something came that nobody asked for: it would be taken
    for the answer to the next request."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[aiohttp.tracing.Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """A connection on which nothing waits to be read; the time of the request ends the search for one."""
        while True:
            connection = await super().connect(req, traces, timeout)
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            connection.close()


class Transport:
    """Keep-alive connections to one endpoint. Belongs to one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._url = endpoint.url("chat/completions")
        self._proxy = proxy_for(endpoint.base_url)
        self._session = aiohttp.ClientSession(
            connector=_Connections(limit=0),
            timeout=aiohttp.ClientTimeout(total=endpoint.timeout),
            headers={"Content-Type": "application/json", **endpoint.headers},
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def attempt(self, request: Request) -> Completion | Fault:
        """Send a request once."""
        started = time.perf_counter()
        try:
            async with self._session.post(
                self._url,
                data=request.payload.encode("utf-8", "replace"),
                proxy=self._proxy,
                allow_redirects=False,  # A redirect could leave the hosts that the user allowed.
            ) as reply:
                ok = 200 <= reply.status < 300
                raw = await read_bounded(reply, MOST_BYTES if ok else MOST_ERROR_BYTES, cut=not ok)
                latency = time.perf_counter() - started
                if not ok:
                    wait = retry_after(reply.headers)
                    return refused(request, reply.status, raw, wait)
        except TimeoutError:
            return Fault(
                "no answer in time",
                "late",
                "raise timeout of the endpoint in medhelm.toml",
                charged=True,
                overload=True,
            )
        except _TooLargeError:
            return Fault(f"its reply is larger than {MOST_BYTES // 2**20} MB", "final", charged=True)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _unreached(error)
        return answered(request, raw, latency)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()
        await asyncio.sleep(0)


async def read_bounded(reply: aiohttp.ClientResponse, most: int, *, cut: bool) -> bytes:
    """The body, unpacked, of at most so many bytes; what is longer is ``cut`` there or raises."""
    chunks, size = [], 0
    async for chunk in reply.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > most:
            if cut:
                return b"".join(chunks)[:most]
            raise _TooLargeError
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def answered(request: Request, raw: bytes, latency: float) -> Completion | Fault:
    """What a body means that came with a status of success."""
    try:
        completion = read_reply(raw, latency)
    except ErrorReplyError:
        return refused(request, 200, raw, None)
    except NoReplyError as error:
        return Fault(str(error), charged=True)
    cut = cut_silently(request, completion)
    if cut:
        return replace(completion, outcome="too_long", content="", error=cut, context=completion.usage["prompt_tokens"])
    if completion.finish_reason == "length" and request.model.context:
        used = completion.usage.get("prompt_tokens", 0) + completion.usage.get("completion_tokens", 0)
        if used >= request.model.context:
            return replace(completion, context=request.model.context)
    return completion


def refused(request: Request, status: int, raw: bytes, wait: float | None) -> Completion | Fault:
    """What a refusal means for the request."""
    refusal = read_refusal(
        status,
        raw,
        prompt=request.text,
        asked=request.max_tokens,
        formed=request.may_drop_form,
        has_system=SYSTEM in request.payload,
    )
    reason, hint = refusal.reason, refusal.hint
    wait = refusal.wait if wait is None else wait
    match refusal.means:
        case "too_long":
            return Completion("too_long", error=reason, context=refusal.context or request.model.context)
        case "blocked":
            return Completion("blocked", error=f"{reason}: stopped by the server's content filter")
        case "response_format":
            return Fault(reason, "no_form")
        case "logprobs" if request.may_drop_logprobs:
            return Fault(reason, "no_logprobs")
        case "system_role":
            return Fault(reason, "no_system")
        case "less":
            assert refusal.room is not None
            return Fault(reason, "less", room=refusal.room, context=refusal.context)
        case "config":
            return Fault(reason, "config", _lower(refusal))
        case "busy":
            overload = status in OVERLOAD
            return Fault(reason, "passing", hint, retry_after=wait, charged=status == 200, overload=overload)
        case "quota" if status == HTTPStatus.TOO_MANY_REQUESTS and wait is not None:
            # Gemini says so of what it grants a minute.
            return Fault(reason, "passing", hint, retry_after=wait, overload=True)
        case "loading" | "unavailable":
            return Fault(reason, "away", hint, retry_after=wait, overload=status in OVERLOAD)
        case means:
            return Fault(
                reason, "final", hint, refuses_key=means in ("key", "no_access"), of_address=means in _OF_ADDRESS
            )


def _lower(refusal: Refusal) -> str:
    most = f"to at most {refusal.most}" if refusal.most else "below the model's context"
    return (
        f'max_tokens of {{model}} is more than the model can give: lower max_tokens {most} under [models."{{model}}"]'
    )


def _unreached(error: Exception) -> Fault:
    """What a connection means that failed."""
    number = getattr(getattr(error, "os_error", error), "errno", None)
    if number in (errno.EMFILE, errno.ENFILE):
        return Fault("too few file descriptors", "crowded", "raise the limit of open files (ulimit -n)")
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        hint = "{url} cannot be reached with TLS: check its certificate; a server without TLS is reached with http://"
        return Fault("no TLS connection", "final", hint, of_address=True)
    if isinstance(error, aiohttp.ClientConnectorError):
        return Fault("connection refused", "away", "nobody answers at {url}: start the server")
    if isinstance(error, aiohttp.InvalidURL) or not isinstance(error, aiohttp.ClientError | OSError):
        return Fault(
            f"it cannot be sent ({type(error).__name__})",
            "final",
            "check address, headers and key of {url}",
            of_address=True,
        )
    return Fault(f"connection failed ({type(error).__name__})", charged=True)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: a number, or an HTTP date (RFC 9110, 10.2.3), which the server's own clock judges.

    OpenAI and Azure also say milliseconds, and some servers write a unit.
    """
    value, least = headers.get("Retry-After", ""), headers.get("Retry-After-Ms", "")
    try:
        seconds = float(least) / 1000 if least else float(value)
    except ValueError:
        until, now = _moment(value), _moment(headers.get("Date", ""))
        if until is None:
            return asked_to_wait(f"retry in {value}")
        seconds = until - (time.time() if now is None else now)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _moment(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
