"""What a server's refusal, or the reason why its answer ended, means: decided by the table in servers.toml.

A refusal's message is searched here and never kept: it may quote the prompt.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pytest_medhelm.models.engine.refusal_text import named_in, searchable

Ending = Literal["end", "truncated", "blocked", "broken"]
"""How an answer ended: by itself, for want of tokens, by a filter, by a failure of the server."""

_OF_PROMPT = ("blocked", "too_long", "max_tokens")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "t": 1.0}


class Example(NamedTuple):
    """How one server words it."""

    server: str
    status: int
    body: str
    source: str
    asked: int | None = None
    """max_tokens of the request, where it matters."""
    becomes: str | int | None = None
    """"too_long", "config", or the tokens with which it is asked again."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of refusal."""

    means: str
    status: frozenset[int]
    words: tuple[re.Pattern[str], ...]
    hint: str
    examples: tuple[Example, ...]

    def match(self, status: int, text: str) -> Mapping[str, str] | None:
        """The numbers that the words name, or None when this is not what the server says."""
        if self.status and status not in self.status:
            return None
        if not self.words:
            return {}
        for words in self.words:
            matched = words.search(text)
            if matched:
                return {name: number for name, number in matched.groupdict().items() if number}
        return None


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a refusal means."""

    means: str
    """As in the table; "config": more tokens are asked for than the model can ever give; "less": see ``room``."""
    reason: str
    """For the user: status, code, param and type, never the message."""
    hint: str = ""
    """What to do, with {model}, {served}, {key} and {url} to be filled in."""
    room: int | None = None
    """Tokens that are left for the answer: ask again with them."""
    most: int | None = None
    """The most tokens that may be asked for."""
    context: int | None = None
    """Tokens of the model's context, where the server says them."""
    wait: float | None = None
    """Seconds after which it may be asked again, where its words name them."""


@cache
def table() -> tuple[Row, ...]:
    """The rows in the order in which they are tried; read when a server first refuses something."""
    return tuple(
        Row(
            row["means"],
            frozenset(row["status"]),
            tuple(re.compile(words, re.IGNORECASE | re.DOTALL) for words in row["words"]),
            row.get("hint", ""),
            tuple(Example(*example) for example in row["examples"]),
        )
        for row in _read()["refusal"]
    )


@cache
def endings() -> Mapping[str, Ending]:
    """What each known reason for the end of an answer means."""
    return {reason: row["means"] for row in _read()["finish"] for reason in row["reasons"]}


@cache
def _stems() -> Sequence[tuple[Ending, re.Pattern[str]]]:
    return [(row["means"], re.compile("|".join(row["stems"]))) for row in _read()["finish"]]


def waits() -> Sequence[tuple[str, str, float, str]]:
    """How servers ask to wait: server, body, seconds, source."""
    return [tuple(example) for example in _read()["wait"]["examples"]]


@cache
def _waiting() -> re.Pattern[str]:
    return re.compile(_read()["wait"]["words"], re.IGNORECASE | re.MULTILINE)


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("servers.toml").read_text("utf-8"))


def ending(reason: str) -> Ending:
    """What the reason says for which an answer ended; one in no known words is an end like any other."""
    if reason in ("stop", ""):
        return "end"
    written = reason.lower()
    name = re.sub(r"[^a-z]+", "_", written).strip("_").removeprefix("finish_").removeprefix("reason_")
    # "content_filter: RECITATION" of Gemini's OpenAI-compatible address
    known = endings().get(name) or endings().get(re.split(r"[:/ ]", written, maxsplit=1)[0])
    if known is not None:
        return known
    return next((means for means, stems in _stems() if stems.search(written)), "end")


def read_refusal(
    status: int,
    raw: bytes,
    *,
    prompt: str = "",
    asked: int | None = None,
    formed: bool = False,
    has_system: bool = False,
) -> Refusal:
    """What a refusal means.

    ``prompt``: text of the request, which a message may quote. ``asked``: its max_tokens. ``formed``: it says the form
    of the reply, and can be made without. ``has_system``: it has a system message.
    """
    body = parsed(raw)
    if status == 200:
        status = _status_within(body)
    text = searchable(body, raw, prompt)
    page = body is None and text.lstrip().startswith("<")
    reason = f"HTTP {status}{named_in(body, prompt)}"
    for row in table():
        if row.means == "response_format" and not formed:
            continue
        if row.means == "system_role" and not has_system:
            continue
        if row.means in _OF_PROMPT and page:
            continue  # It is of a proxy in between, which knows nothing of the model.
        numbers = row.match(status, text)
        if numbers is None:
            continue
        if row.means in ("too_long", "max_tokens"):
            limits = {name: int(number.replace(",", "")) for name, number in numbers.items()}
            if "above" in limits:
                limits["most"] = limits.pop("above") - 1
            if row.means == "max_tokens" and asked and asked <= limits.get("most", 0):
                continue  # So many may be asked for: it is the prompt that leaves no room for them.
            return _by_length(row, limits, asked, reason)
        return Refusal(row.means, reason, row.hint, wait=asked_to_wait(text))
    return Refusal("other", reason)


def parsed(raw: bytes) -> Any:
    """The JSON value of a body, or None."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _by_length(row: Row, numbers: Mapping[str, int], asked: int | None, reason: str) -> Refusal:
    """A prompt that does not fit, an answer that can never fit, or both that fit with a shorter answer."""
    context, prompt, most = (numbers.get(name) for name in ("context", "prompt", "most"))
    asked = numbers.get("asked", asked)
    if prompt is None and "total" in numbers and asked:
        prompt = numbers["total"] - asked
    if row.means == "max_tokens":
        return Refusal("config", reason, most=most or context, context=context)
    if context and asked and asked >= context and (prompt or 0) < context and (prompt is None or asked > context):
        return Refusal("config", reason, most=min(context, asked - 1), context=context)
    if context and prompt is not None and asked and prompt < context < prompt + asked:
        return Refusal("less", reason, room=context - prompt, context=context)
    return Refusal("too_long", f"{reason}: the prompt does not fit the model's context", context=context)


def asked_to_wait(text: str) -> float | None:
    """The seconds that a text asks to wait: "in 1m30.5s", "after 20 seconds", "retryDelay" and the like."""
    match = _waiting().search(text)
    if not match:
        return None
    amounts = {unit: amount for unit, amount in match.groupdict().items() if amount}
    try:
        return sum(float(amount) * _SECONDS[unit] for unit, amount in amounts.items()) if amounts else None
    except ValueError:
        return None


def _status_within(body: Any) -> int:
    """The status that an error within a 200 gives itself."""
    error = body.get("error") if isinstance(body, dict) else None
    for holder in (error, body):
        for name in ("code", "status"):
            code = holder.get(name) if isinstance(holder, dict) else None
            if isinstance(code, str) and code.isdecimal() and len(code) == 3:
                code = int(code)
            if isinstance(code, int) and 400 <= code < 600:
                return code
    return 200
