"""Each server's own words for what it refuses, one test a row of models/engine/servers.toml."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from pytest_medhelm.models.engine.request import make_request
from pytest_medhelm.models.engine.servers import Example, Row, ending, endings, read_refusal, table, waits
from pytest_medhelm.models.engine.transport import Fault, refused
from pytest_medhelm.models.spec import Model

PROMPT = "A patient with fever asks whether the context window of the trial is too long for safety."
ROWS = [(row, example) for row in table() for example in row.examples]


@pytest.mark.parametrize(("row", "example"), ROWS, ids=[f"{row.means}: {example.server}" for row, example in ROWS])
def test_what_a_server_says_is_what_it_means(row: Row, example: Example) -> None:
    refusal = read_refusal(
        example.status,
        example.body.encode(),
        prompt=PROMPT,
        asked=example.asked,
        formed=row.means == "response_format",
        has_system=row.means == "system_role",
    )
    if example.becomes is None:
        assert refusal.means == row.means
    elif isinstance(example.becomes, int):
        assert (refusal.means, refusal.room) == ("less", example.becomes)
    else:
        assert refusal.means == example.becomes
    if refusal.means == "config":
        assert refusal.most, "the sentence says how many tokens may be asked for"
    message = json.dumps(example.body)
    assert not any(piece in message for piece in refusal.reason.split(": ")[1:]), "the message itself is never shown"


@pytest.mark.parametrize(("server", "body", "seconds"), [example[:3] for example in waits()])
def test_how_long_a_server_asks_to_wait(server: str, body: str, seconds: float) -> None:
    assert read_refusal(429, body.encode(), prompt=PROMPT).wait == pytest.approx(seconds)


@pytest.mark.parametrize(
    "page",
    [
        "<html><title>ERROR</title>Access Denied. Blocked by your organization's security policy.</html>",
        "<!DOCTYPE html><h1>Sorry, you have been blocked</h1> sensitive content, guardrail, content filter",
        "\n<html>the request is too large: maximum request length exceeded</html>",
    ],
)
def test_a_page_of_a_proxy_in_between_is_no_word_of_the_model(page: str) -> None:
    for status in (400, 403, 413, 422, 451, 500):
        assert read_refusal(status, page.encode()).means not in ("blocked", "too_long", "config")


def test_a_quota_that_comes_back_is_waited_for() -> None:
    (gemini,) = (json.loads(body) for server, body, *_ in waits() if server == "Gemini")
    gemini[0]["error"]["message"] = "You exceeded your current quota, please check your plan and billing details."
    spec = Model("m", "x", "m")
    request = make_request(spec, [{"role": "user", "content": "?"}])
    fault = refused(request, 429, json.dumps(gemini).encode(), None)
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.retry_after) == ("passing", 34.0)
    del gemini[0]["error"]["details"]
    fault = refused(request, 429, json.dumps(gemini).encode(), None)
    assert isinstance(fault, Fault)
    assert fault.kind == "final"


def test_the_table_is_large_and_every_row_has_a_source() -> None:
    assert len(ROWS) >= 80
    assert all(example.source for _, example in ROWS)
    kinds = Counter(row.means for row, _ in ROWS)
    assert min(kinds[means] for means in ("too_long", "blocked", "max_tokens", "temperature", "loading", "key")) >= 4
    assert len({example.server.split(",")[0] for _, example in ROWS}) >= 25


@pytest.mark.parametrize("reason", sorted(endings()))
def test_a_known_reason_is_known_however_it_is_written(reason: str) -> None:
    meaning = endings()[reason]
    for written in (reason, reason.upper(), reason.replace("_", "-"), f"FINISH_REASON_{reason.upper()}"):
        assert ending(written) == meaning


def test_other_reasons_are_an_end() -> None:
    assert {ending(reason) for reason in ("stop", "", "eos", "end_turn", "STOP", "tool_calls", "eos_token")} == {"end"}
    assert ending("content_filter: RECITATION") == "blocked"


@pytest.mark.parametrize(
    ("reasons", "meaning"),
    [
        (("ContentFilter", "content_moderation", "sensitive_content", "PolicyViolation", "unsafe"), "blocked"),
        (
            ("LengthLimit", "context_length_exceeded", "MaxTokensReached", "token budget", "output_incomplete"),
            "truncated",
        ),
        (("internal_error", "EngineFailure", "request_cancelled", "connection interrupted"), "broken"),
        (("StopSequence", "finished", "eos_token", "unspecified", "tool_use"), "end"),
    ],
)
def test_a_reason_that_no_row_names_is_read_by_its_words(reasons: tuple[str, ...], meaning: str) -> None:
    assert not {reason.lower() for reason in reasons} & set(endings()) - {"eos_token"}
    assert {ending(reason) for reason in reasons} == {meaning}


@pytest.mark.parametrize(
    "quoted",
    ["maximum context length", "content_filter", "temperature", "max_completion_tokens", "model is loading"],
)
def test_what_a_message_quotes_of_the_prompt_decides_nothing(quoted: str) -> None:
    prompt = f"The note of this patient says: {quoted} is what the nurse wrote down, and nothing else of note."
    body = {"error": {"message": f"1 validation error: cannot read '{prompt}'", "type": "Bad Request", "code": 400}}
    assert read_refusal(400, json.dumps(body).encode(), prompt=prompt).means == "other"
    body = {"error": {"message": "Invalid value", "code": "Jane Roe of ward 7", "param": "Jane", "type": "Jane\nRoe"}}
    reason = read_refusal(400, json.dumps(body).encode(), prompt="Jane Roe").reason
    assert reason == "HTTP 400"


@pytest.mark.parametrize(
    "hostile",
    [
        "maximum context length is 1 " * 5000,
        "maximum context length is 1 requested a total of 2 tokens 3 has 4 (" * 2000,
        "max_tokens is too large: 1. " * 5000,
        "keep the first 1 tokens " * 5000,
        "given: 1 " * 9000,
        "max_new_tokens must be <= 1. given: 2 " * 5000,
        "`" * 100_000,
        "'a. b: " * 20_000,
        "request too large " * 5000,
    ],
)
@pytest.mark.timeout(60)
def test_hostile_words_end_in_a_short_reason(hostile: str) -> None:
    """A pattern that explodes takes minutes."""
    for body in (hostile.encode(), json.dumps({"error": {"message": hostile, "code": hostile}}).encode()):
        for status in (400, 429):
            reason = read_refusal(status, body, prompt=hostile[:3000], asked=10).reason
            assert reason.startswith(f"HTTP {status}")
            assert len(reason) < 500
