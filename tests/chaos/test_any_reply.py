"""Whatever JSON stands in whatever field of a reply: plain values of known types come out, or one declared error."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from hypothesis import given

from pytest_medhelm.models.endpoint import Endpoint
from pytest_medhelm.models.engine.reply import NoReplyError, read_reply, read_usage
from pytest_medhelm.models.engine.request import Completion, make_request
from pytest_medhelm.models.engine.transport import Fault, answered, refused, retry_after
from pytest_medhelm.models.spec import Model
from tests.support.examples import any_bytes, any_json, any_text, drawn, hostile

CANARY = "Jane Roe, born 1950, has a fever of unknown origin"
"""The prompt; whatever a server quotes of it must not be shown."""
REQUEST = make_request(
    Model("x/m", "x", "m", Endpoint("x", "http://127.0.0.1:9/v1"), {"max_tokens": 100}),
    [{"role": "user", "content": CANARY}],
)
REPLY = {
    "id": "1", "object": "chat.completion", "created": 1, "model": "m", "system_fingerprint": "f",
    "choices": [{
        "index": 0, "finish_reason": "stop",
        "message": {
            "role": "assistant", "content": "fine", "reasoning_content": "thought", "refusal": None, "tool_calls": [],
        },
        "logprobs": {"content": [{"token": "fine", "logprob": -0.1, "bytes": [1], "top_logprobs": []}]},
    }],
    "usage": {
        "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2,
        "completion_tokens_details": {"reasoning_tokens": 0}, "prompt_tokens_details": {"cached_tokens": 0},
    },
}  # fmt: skip
PARTS = [{"type": "text", "text": "fine"}, {"type": "thinking", "thinking": "hm"}]
ERROR = {
    "error": {
        "message": "This model's maximum context length is 10 tokens.", "type": "BadRequestError",
        "param": "max_tokens", "code": 400, "innererror": {"code": "x"}, "metadata": {"reasons": ["y"]},
    },
    "detail": [{"msg": "z", "loc": ["body", 0]}],
}  # fmt: skip
TEXTS = ["stop", "length", CANARY, "\ud800", "1e999"]


def value(random: Random) -> Any:
    """Any JSON."""
    return any_json(random, TEXTS)


def paths(value: Any, start: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each value in a JSON value."""
    found = [start] if start else []
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found + [path for key, inner in entries for path in paths(inner, (*start, key))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with another value at the end of a way; where there is no such place any more, the same."""
    if not path:
        return new
    if isinstance(value, dict) and path[0] in value:
        return value | {path[0]: replaced(value[path[0]], path[1:], new)}
    if isinstance(value, list) and isinstance(path[0], int) and path[0] < len(value):
        return [*value[: path[0]], replaced(value[path[0]], path[1:], new), *value[path[0] + 1 :]]
    return value


def with_any_fields(base: Any, random: Random) -> bytes:
    """A JSON text in which one to three fields of a value hold anything."""
    changed = base
    for _ in range(random.randint(1, 3)):
        changed = replaced(changed, random.choice(WAYS[id(base)]), value(random))
    return json.dumps(changed).encode()


def as_bytes(random: Random) -> bytes:
    """Any bytes, or any JSON."""
    return any_bytes(random, 400) if random.random() < 0.5 else json.dumps(value(random)).encode()


def assert_plain(completion: Completion) -> None:
    texts = (completion.content, completion.reasoning, completion.finish_reason, completion.served, completion.error)
    assert all(type(text) is str and text.encode("utf-8") is not None for text in texts)
    assert all(type(count) is int and 0 <= count <= 10**9 + 10**9 for count in completion.usage.values())
    assert all(
        type(token) is str and type(p) is float and math.isfinite(p) and p <= 0 for token, p in completion.logprobs
    )
    json.dumps([completion.usage, list(completion.logprobs)], allow_nan=False)


IN_PARTS = replaced(REPLY, ("choices", 0, "message", "content"), PARTS)
BASES = (REPLY, IN_PARTS, ERROR)
WAYS = {id(base): paths(base) for base in BASES}
BESIDE = [path for path in paths(REPLY) if path[0] != "choices" or path[2:3] == ("logprobs",)]


@hostile
@given(drawn(lambda random: with_any_fields(random.choice([REPLY, IN_PARTS]), random)))
def test_any_field_of_a_reply(replies: list[bytes]) -> None:
    for raw in replies:
        result = answered(REQUEST, raw, 0.1)
        if isinstance(result, Completion):
            assert_plain(result)
        else:
            assert isinstance(result, Fault)
            assert CANARY not in result.reason + result.hint


@hostile
@given(drawn(lambda random: json.dumps(replaced(REPLY, random.choice(BESIDE), value(random))).encode()))
def test_what_is_beside_the_text_never_costs_the_text(replies: list[bytes]) -> None:
    for raw in replies:
        completion = read_reply(raw)
        assert (completion.outcome, completion.content) == ("ok", "fine")


def refusal(random: Random) -> tuple[int, bytes]:
    """A status and a body."""
    body = with_any_fields(ERROR, random) if random.random() < 0.5 else as_bytes(random)
    return random.randrange(200, 600), body


@hostile
@given(drawn(refusal))
def test_any_field_of_a_refusal(refusals: list[tuple[int, bytes]]) -> None:
    for status, raw in refusals:
        result = refused(REQUEST, status, raw, None)
        said = result.error if isinstance(result, Completion) else result.reason + result.hint
        assert CANARY not in said
        assert len(said) < 500
        if isinstance(result, Fault) and result.kind == "less":
            assert 0 < result.room < 100


@hostile
@given(drawn(as_bytes))
def test_any_bytes(bodies: list[bytes]) -> None:
    for raw in bodies:
        with suppress(NoReplyError):
            assert_plain(read_reply(raw))


@hostile
@given(drawn(value))
def test_any_usage(usages: list[Any]) -> None:
    for usage in usages:
        assert all(type(count) is int and count >= 0 for count in read_usage(usage).values())


NAMES = ("Retry-After", "Date")


def header(random: Random) -> str | None:
    """None, a number or a text."""
    return random.choice([None, any_text(random, 30), str(random.uniform(-1e6, 1e6)), str(any_json(random, TEXTS, 0))])


@hostile
@given(drawn(lambda random: (header(random), header(random))))
def test_any_retry_after(headers: list[tuple[str | None, str | None]]) -> None:
    for pair in headers:
        found = retry_after({name: value for name, value in zip(NAMES, pair, strict=True) if value is not None})
        assert found is None or 0 <= found < math.inf


def test_a_date_is_judged_by_the_servers_own_clock() -> None:
    now, later = "Tue, 01 Jan 2019 00:00:00 GMT", "Tue, 01 Jan 2019 00:01:30 GMT"
    assert retry_after({"Retry-After": later, "Date": now}) == 90.0
    assert retry_after({"Retry-After": now, "Date": later}) == 0.0
    assert retry_after({"Retry-After": "1e999", "Date": now}) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "-5"}, 0.0),
        ({"Retry-After": "20s"}, 20.0),
        ({"Retry-After": "90 seconds"}, 90.0),
        ({"Retry-After": "1m30s"}, 90.0),
        ({"Retry-After-Ms": "120", "Retry-After": "1"}, 0.12),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "2001-01-01T00:00:00Z"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_read_in_any_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
