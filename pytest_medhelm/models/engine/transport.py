"""One attempt: a chat completion over HTTP, and what its outcome means.

This is the hot path. It uses aiohttp because a request through the openai package costs several times its CPU
time (perf/transports.py measures it); the wire format is the same.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from pytest_medhelm.models.engine.request import Completion, Request
from pytest_medhelm.models.spec import Endpoint
from pytest_medhelm.util.network import LOOPBACK

RETRY_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})

# How servers say that a prompt does not fit (OpenAI, vLLM, llama.cpp, Ollama, TGI, LM Studio).
TOO_LONG = (
    "context length", "context_length", "context size", "context window", "exceed_context_size", "maximum context",
    "too many tokens", "prompt is too long", "input is too long", "must have less than", "max_model_len",
)  # fmt: skip
# How servers say that they cannot be told the form of a reply.
NO_FORM = ("response_format", "schema", "guided", "structured output", "structured_output", "grammar", "json_object")
NO_FORM_STATUS = frozenset({400, 404, 415, 422, 500, 501})
BLOCKED = ("content_filter", "content management policy", "responsibleai", "safety system")


@dataclass(frozen=True, slots=True)
class Fault:
    """An attempt that may succeed when it is made again."""

    reason: str
    retry_after: float | None = None
    """Seconds that the server asks to wait."""
    form_refused: bool = False
    """The server cannot be told the form of the reply: ask again without."""
    charged: bool = False
    """The server may have worked on it, and may charge for that."""


class Transport:
    """Keep-alive connections to one endpoint. Belongs to one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._url = f"{endpoint.base_url}/chat/completions"
        self._proxy = proxy_for(endpoint.base_url)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
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
                raw = await reply.read()
                if reply.status != 200:
                    return _refused(reply.status, raw, reply.headers.get("Retry-After"), formed=request.may_drop_form)
            return read_completion(json.loads(raw), time.perf_counter() - started)
        except TimeoutError:
            return Fault("no answer in time", charged=True)
        except (aiohttp.ClientError, OSError) as error:
            reached = not isinstance(error, aiohttp.ClientConnectorError)
            return Fault(f"connection failed ({type(error).__name__})", charged=reached)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            return Fault("malformed answer", charged=True)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()
        await asyncio.sleep(0)


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for an address; never one for this machine itself.

    Worked out once per endpoint: aiohttp's own trust_env looks it up for each request, at twice the CPU time.
    """
    parts = urlsplit(url)
    if parts.hostname is None or parts.hostname in LOOPBACK or proxy_bypass(parts.netloc):
        return None
    return getproxies().get(parts.scheme)


def read_usage(usage: Mapping[str, Any]) -> dict[str, int]:
    """The token counts of a response, as far as the server gives them.

    ``completion_tokens`` includes thinking: servers that count it apart are told by their total.
    """
    counts = {name: usage.get(name) for name in ("prompt_tokens", "completion_tokens")}
    counts["reasoning_tokens"] = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
    counts["cached_tokens"] = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    found = {name: int(count) for name, count in counts.items() if count is not None}
    thought = found.get("reasoning_tokens", 0)
    answered = found.get("prompt_tokens", 0) + found.get("completion_tokens", 0)
    if thought and "completion_tokens" in found and usage.get("total_tokens") == answered + thought:
        found["completion_tokens"] += thought
    return found


def read_completion(answer: dict[str, Any], latency: float) -> Completion:
    """Read a ChatCompletion. Raises ValueError, KeyError, TypeError, ... when it is none."""
    choice = answer["choices"][0]
    message = choice["message"]
    finish = choice.get("finish_reason") or ""
    content = message.get("content") or message.get("refusal") or ""
    if not isinstance(content, str):
        content = "".join(part.get("text", "") for part in content)
    logprobs = (choice.get("logprobs") or {}).get("content") or ()
    return Completion(
        "blocked" if finish == "content_filter" else "ok",
        content,
        message.get("reasoning_content") or message.get("reasoning") or "",
        finish,
        read_usage(answer.get("usage") or {}),
        [(entry["token"], float(entry["logprob"])) for entry in logprobs],
        str(answer.get("model") or ""),
        latency,
    )


def _refused(status: int, raw: bytes, retry_after: str | None, *, formed: bool = False) -> Completion | Fault:
    text = raw[:10_000].decode("utf-8", "replace").lower()
    if status in (400, 413, 422, 500) and any(words in text for words in TOO_LONG):
        return Completion("too_long", error=f"HTTP {status}: the prompt does not fit the model's context")
    if status in (400, 403) and any(words in text for words in BLOCKED):
        return Completion("blocked", error=f"HTTP {status}: stopped by the server's content filter")
    if formed and status in NO_FORM_STATUS and any(words in text for words in NO_FORM):
        return Fault(f"HTTP {status}", form_refused=True)
    if status in RETRY_STATUS:
        return Fault(f"HTTP {status}", _seconds(retry_after))
    return Completion("request_error", error=f"HTTP {status}")


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After is a number of seconds or an HTTP date (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None
