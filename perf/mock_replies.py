"""What the mock server says: answers, error bodies and faults, all decided by hashes of the prompt."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from string import ascii_uppercase
from typing import Any, Literal, cast

FaultKind = Literal["status", "drop", "cut", "truncated", "hang", "slow", "raw", "endless"]

_OPTION_LINE = re.compile(r"^([A-Z])[.)] ", re.MULTILINE)
_IN_MESSAGE = ("content", "reasoning_content", "reasoning", "refusal", "tool_calls", "role")
_IN_CHOICE = ("finish_reason", "logprobs")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong with one request.

    status: an HTTP status with an error body; drop: the connection closes without an answer; cut: it closes
    in the middle of the body; truncated: a complete HTTP 200 whose JSON stops half-way; hang: no answer ever;
    slow: the right answer, `delay` seconds late; raw: the bytes of `raw` in place of a whole HTTP reply, then the
    connection closes; endless: `raw`, then the bytes of `more` again and again until the client goes.
    """

    kind: FaultKind
    status: int = 500
    retry_after: float | None = None
    """Seconds, sent as the Retry-After header of a status fault."""
    body: Mapping[str, Any] | str | None = None
    """Of a status fault: an object is sent as JSON, a string as plain text, None as an OpenAI-style error."""
    delay: float = 1.0
    """Seconds; of endless, between two pieces."""
    raw: bytes = b""
    more: bytes = b""


@dataclass(frozen=True, slots=True)
class Faults:
    """Which prompts fail, and how: decided by a hash of model, messages and seed, so every run is the same.

    A kind is one of FaultKind or an HTTP status as text. A passing fault hits the first one or two attempts
    at a prompt, a sticky one hits all.
    """

    rate: float = 0.2
    """Share of the prompts that fail, 0 to 1."""
    kinds: tuple[str, ...] = ("429", "500", "drop", "truncated")
    sticky: bool = False
    retry_after: float = 0.05
    """Seconds, sent with 429 and 503."""
    seed: int = 0

    def pick(self, key: str, attempt: int) -> Fault | None:
        """The fault of the given attempt (1, 2, ...) at the prompt named by `key`, or None."""
        draw = sha256(f"{self.seed}:{key}".encode()).digest()
        if int.from_bytes(draw[:8], "big") >= self.rate * 2**64:
            return None
        if not self.sticky and attempt > 1 + draw[9] % 2:
            return None
        kind = self.kinds[draw[8] % len(self.kinds)]
        if kind.isdigit():
            return Fault("status", int(kind), self.retry_after if kind in ("429", "503") else None)
        return Fault(cast(FaultKind, kind))


def error_body(message: str, kind: str = "invalid_request_error", code: str | None = None) -> dict[str, Any]:
    """An error as OpenAI's API words it: {"error": {message, type, param, code}}."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def too_long_body(limit: int = 4096, asked: int = 5000) -> dict[str, Any]:
    """The body of the HTTP 400 that refuses a prompt of `asked` tokens where `limit` is the most."""
    message = f"This model's maximum context length is {limit} tokens, but the request has {asked} tokens."
    return error_body(message, code="context_length_exceeded")


def prompt_text(body: Mapping[str, Any]) -> str:
    """The text of all messages of a chat body, joined by newlines."""
    texts: list[str] = []
    for message in body["messages"]:
        content = message.get("content") or ""
        if isinstance(content, str):
            texts.append(content)
        else:
            texts += [part.get("text", "") for part in content]
    return "\n".join(texts)


def messages_digest(body: Mapping[str, Any]) -> str:
    """Sha256 (64 hexadecimal digits) of the messages as JSON with sorted keys: a prompt's name in the log."""
    return sha256(json.dumps(body["messages"], sort_keys=True).encode()).hexdigest()


def default_reply(body: Mapping[str, Any]) -> str:
    """A letter if the prompt lists options (lines "A. ", "B. "), else a short text; by the prompt's hash."""
    prompt = prompt_text(body)
    digest = sha256(f"{body['model']}\n{prompt}".encode()).hexdigest()
    listed = set(_OPTION_LINE.findall(prompt))
    count = next(i for i, letter in enumerate(ascii_uppercase + "#") if letter not in listed)
    if count < 2:
        return f"This is the mock answer {digest[:8]}."
    return ascii_uppercase[int(digest[:8], 16) % count]


def completion(body: Mapping[str, Any], reply: str | Mapping[str, Any], number: int) -> dict[str, Any]:
    """The ChatCompletion object of a reply; usage counts words, 'created' is fixed."""
    given = {"content": reply} if isinstance(reply, str) else dict(reply)
    message = {"role": "assistant", "content": ""}
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    message.update({key: given.pop(key) for key in _IN_MESSAGE if key in given})
    choice.update({key: given.pop(key) for key in _IN_CHOICE if key in given})
    asked, answered = len(prompt_text(body).split()), len((message["content"] or "").split())
    return {
        "id": f"chatcmpl-mock-{number}",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": body["model"],
        "choices": [choice],
        "usage": {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered},
        **given,
    }
