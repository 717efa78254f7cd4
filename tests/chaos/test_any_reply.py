"""Whatever JSON stands in whatever field of a reply: plain values of known types come out, or one declared error."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_medhelm.models.endpoint import Endpoint
from pytest_medhelm.models.engine.reply import NoReplyError, read_reply, read_usage
from pytest_medhelm.models.engine.request import Completion, make_request
from pytest_medhelm.models.engine.transport import Fault, answered, refused, retry_after
from pytest_medhelm.models.spec import Model
from tests.support.examples import EXAMPLES

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
NAMES = ["content", "text", "type", "message", "token", "logprob", "prompt_tokens", "code", "error", "reasoning", "x"]

scalars = (
    st.none() | st.booleans() | st.integers() | st.integers(-(10**40), 10**40) | st.floats()
    | st.text(st.characters(codec=None), max_size=20)
    | st.sampled_from(["", "stop", "length", CANARY, "\ud800", "1e999"])
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=8,
)


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


def with_any_fields(base: Any) -> st.SearchStrategy[bytes]:
    """A JSON text in which one to three fields of a value hold anything."""
    changes = st.lists(st.tuples(st.sampled_from(paths(base)), values), min_size=1, max_size=3)

    def changed(made: list[tuple[tuple[Any, ...], Any]]) -> bytes:
        value = base
        for path, new in made:
            value = replaced(value, path, new)
        return json.dumps(value).encode()

    return changes.map(changed)


def assert_plain(completion: Completion) -> None:
    texts = (completion.content, completion.reasoning, completion.finish_reason, completion.served, completion.error)
    assert all(type(text) is str and text.encode("utf-8") is not None for text in texts)
    assert all(type(count) is int and 0 <= count <= 10**9 + 10**9 for count in completion.usage.values())
    assert all(
        type(token) is str and type(p) is float and math.isfinite(p) and p <= 0 for token, p in completion.logprobs
    )
    json.dumps([completion.usage, list(completion.logprobs)], allow_nan=False)


several = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@several
@given(with_any_fields(REPLY) | with_any_fields(replaced(REPLY, ("choices", 0, "message", "content"), PARTS)))
def test_any_field_of_a_reply(raw: bytes) -> None:
    result = answered(REQUEST, raw, 0.1)
    if isinstance(result, Completion):
        assert_plain(result)
    else:
        assert isinstance(result, Fault)
        assert CANARY not in result.reason + result.hint


@settings(parent=several, max_examples=EXAMPLES // 10)
@given(st.sampled_from([path for path in paths(REPLY) if path[0] != "choices" or path[2:3] == ("logprobs",)]), values)
def test_what_is_beside_the_text_never_costs_the_text(path: tuple[Any, ...], value: Any) -> None:
    completion = read_reply(json.dumps(replaced(REPLY, path, value)).encode())
    assert (completion.outcome, completion.content) == ("ok", "fine")


@settings(parent=several, max_examples=EXAMPLES // 4)
@given(st.integers(200, 599), with_any_fields(ERROR) | values.map(lambda value: json.dumps(value).encode()))
def test_any_field_of_a_refusal(status: int, raw: bytes) -> None:
    result = refused(REQUEST, status, raw, None)
    said = result.error if isinstance(result, Completion) else result.reason + result.hint
    assert CANARY not in said
    assert len(said) < 500
    if isinstance(result, Fault) and result.kind == "less":
        assert 0 < result.room < 100


@settings(parent=several, max_examples=EXAMPLES // 10)
@given(st.binary(max_size=400) | values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes(raw: bytes) -> None:
    with suppress(NoReplyError):
        assert_plain(read_reply(raw))


@settings(parent=several, max_examples=EXAMPLES // 10)
@given(values)
def test_any_usage(usage: Any) -> None:
    assert all(type(count) is int and count >= 0 for count in read_usage(usage).values())


@settings(parent=several, max_examples=EXAMPLES // 10)
@given(st.none() | st.text(max_size=30) | st.floats().map(str), st.none() | st.text(max_size=30))
def test_any_retry_after(value: str | None, date: str | None) -> None:
    found = retry_after(value, date)
    assert found is None or 0 <= found < math.inf


def test_a_date_is_judged_by_the_servers_own_clock() -> None:
    now, later = "Tue, 01 Jan 2019 00:00:00 GMT", "Tue, 01 Jan 2019 00:01:30 GMT"
    assert retry_after(later, now) == 90.0
    assert retry_after(now, later) == 0.0
    assert retry_after("1e999", now) is None
