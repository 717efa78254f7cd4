"""A request to a model, its key, and the completion that comes back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from pytest_medhelm.models.spec import Model
from pytest_medhelm.tasks.prompts import Message
from pytest_medhelm.util import quick_json

KEY_VERSION = 1
FORM = "response_format"
SYSTEM = '"role":"system"'
"""How a system message shows in a payload."""

Outcome = Literal["ok", "too_long", "blocked", "request_error", "skipped"]
"""``skipped``: a model that is a function has no answer to this."""

_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode
"""Not orjson's: keys of stored responses go by every character of it."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent to a model. Two requests with the same key are the same question and are asked once."""

    model: Model
    payload: str = field(repr=False)
    """The JSON body as sent."""
    key: str
    may_drop_form: bool = False
    """The form of the reply in the body is a wish: a server that refuses to be told one is asked without."""
    may_drop_logprobs: bool = False
    """Log-probabilities are a wish: a server that refuses to give them is asked without."""

    @property
    def max_tokens(self) -> int | None:
        """The most tokens that the answer may have, where the body says it."""
        asked = self._body_value("max_completion_tokens") or self._body_value("max_tokens")
        return asked if isinstance(asked, int) and not isinstance(asked, bool) else None

    @property
    def text(self) -> str:
        """The text of the messages."""
        messages = self._body_value("messages")
        contents = [message.get("content") for message in messages if isinstance(message, dict)] if messages else []
        return "\n".join(content for content in contents if isinstance(content, str))

    def _body_value(self, name: str) -> Any:
        return quick_json.loads(self.payload).get(name)


Alternative = tuple[str, float | None]
"""A token and the logarithm of its probability; None: what the server sent is none. Empty: it cannot be read."""


class ToolCall(NamedTuple):
    """A tool that a model wants to be called."""

    name: str
    arguments: str
    """As the model wrote them: JSON, or what it takes for it."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back, before anything is read from it."""

    outcome: Outcome
    content: str = field(default="", repr=False)
    reasoning: str = field(default="", repr=False)
    """Thinking that the server sends apart from the content."""
    finish_reason: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)
    """Token counts: prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens where the server tells."""
    logprobs: Sequence[tuple[str, float]] = field(default=(), repr=False)
    """(token, natural logarithm of its probability) of each output token, where asked for and given."""
    alternatives: Mapping[int, Sequence[Alternative]] = field(default_factory=dict, repr=False)
    """By the place of a token that is one letter: the letters that might have stood there, as in ``logprobs``, where
    the server lists them."""
    served: str = ""
    """The model id in the answer."""
    latency: float = 0.0
    """Seconds of the attempt that succeeded."""
    attempts: int = 1
    error: str = ""
    """Why there is no answer; never holds text of the request."""
    cached: bool = False
    tool_calls: Sequence[ToolCall] = field(default=(), repr=False)
    """In the order in which the model wants them."""
    context: int | None = None
    """Tokens of the context that bounded this answer, where it did and is known: a larger one may give another."""


def make_request(
    model: Model,
    messages: Sequence[Message],
    *,
    instance: str = "",
    repeat: int = 0,
    form: Mapping[str, object] | None = None,
    **sampling: Any,
) -> Request:
    """Build a request and its key.

    The key is the SHA-256 of: key version, model name as the user wrote it, the body as sent (served model id,
    messages, sampling, extra_body), the repeat index and, where answers are drawn at random (temperature above 0
    or left to the server), the instance id, so that two instances with equal prompts get independent answers.
    The address of the server is not part of it: a server may move.

    A seed in the body grows with the repeat index: K repeats with one seed would be one answer.

    ``form`` is a ``response_format``, sent as the model's setting ``structured`` says. It is part of the key wherever
    it is asked for, also where the server then refuses it and is asked without: what a key stands for must not depend
    on what a server can do today.
    """
    if model.system_prompt:
        messages = [{"role": "system", "content": model.system_prompt}, *messages]
    body = {"model": model.served, "messages": list(messages), **model.body, **sampling}
    if repeat and isinstance(body.get("seed"), int):
        body["seed"] += repeat
    formed = form is not None and model.structured is not False and FORM not in body
    payload = _encode(body)
    if formed:
        # Unsorted: servers that enforce a schema write its properties in the order in which they stand.
        written = json.dumps(form, ensure_ascii=False, separators=(",", ":"))
        payload = f'{payload[:-1]},"{FORM}":{written}}}'
    drawn = body.get("temperature", 1) != 0
    salt = json.dumps([KEY_VERSION, model.name, repeat, instance if drawn else ""])
    digest = hashlib.sha256(f"{salt}\n{payload}".encode("utf-8", "surrogatepass")).hexdigest()
    return Request(model, payload, digest, formed and model.structured == "auto")


def without_form(request: Request) -> Request:
    """The same request, under the same key, that leaves the form of the reply to the model."""
    body = json.loads(request.payload)
    body.pop(FORM, None)
    return replace(request, payload=_encode(body), may_drop_form=False)


def without_logprobs(request: Request) -> Request:
    """The same request, under the same key, that asks for no log-probabilities."""
    body = json.loads(request.payload)
    for name in ("logprobs", "top_logprobs"):
        body.pop(name, None)
    # Not sorted again: a form of the reply keeps its order.
    payload = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return replace(request, payload=payload, may_drop_logprobs=False)


def without_system(request: Request) -> Request:
    """The same request, under the same key, with what its system messages say in front of the user's first turn."""
    body = json.loads(request.payload)
    system = [message["content"] for message in body["messages"] if message["role"] == "system"]
    turns = [dict(message) for message in body["messages"] if message["role"] != "system"]
    if turns and turns[0]["role"] == "user":
        turns[0]["content"] = "\n\n".join([*system, turns[0]["content"]])
    else:
        turns.insert(0, {"role": "user", "content": "\n\n".join(system)})
    # Not sorted again: a form of the reply keeps its order.
    body["messages"] = turns
    return replace(request, payload=json.dumps(body, ensure_ascii=False, separators=(",", ":")))


def with_room(request: Request, tokens: int) -> Request:
    """The same request, under the same key, with so many tokens left for the answer."""
    body = json.loads(request.payload)
    name = "max_completion_tokens" if "max_completion_tokens" in body else "max_tokens"
    # Not sorted again: a form of the reply keeps its order.
    body[name] = tokens
    return replace(request, payload=json.dumps(body, ensure_ascii=False, separators=(",", ":")))
