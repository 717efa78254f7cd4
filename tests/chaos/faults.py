"""What a server may do wrong, one row each, and what becomes of the one request that meets it.

The words with which servers refuse are in models/engine/servers.toml; here is all else: what comes over the wire, and
fields of a reply that hold what they should not.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import Any

from perf.mock_server import Fault

Reply = str | bytes | dict[str, Any] | Fault
REFUSED = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

GZIP = OK + b"Content-Encoding: gzip\r\n"
CLOSING = OK + b"Connection: close\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Row:
    """A fault: what the server sends at each attempt, and what the engine makes of it."""

    name: str
    reply: Reply
    outcome: str
    content: str | None = "fine"
    """Of an answer; None: whatever it is."""
    attempts: int = 1
    """How often it is asked, with one retry granted."""
    says: str = ""
    """A part of the error."""


def message(**fields: Any) -> dict[str, Any]:
    return {
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "fine", **fields}}
        ]
    }


def choice(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": "fine"}, **fields}]}


def top(**fields: Any) -> dict[str, Any]:
    return message() | fields


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def sent(data: bytes, head: bytes = OK) -> Fault:
    return Fault("raw", raw=head + f"Content-Length: {len(data)}\r\n\r\n".encode() + data)


GOOD = body(message())
BOMB = gzip.compress(b" " * (80 * 2**20))

# Side fields hold what they should not: the answer is kept.
KEPT = {
    "usage is text": top(usage="many"),
    "usage is a list": top(usage=[1, 2]),
    "usage counts are text": top(usage={"prompt_tokens": "12", "completion_tokens": "many"}),
    "usage is negative": top(usage={"prompt_tokens": -12, "completion_tokens": -3}),
    "usage is enormous": top(usage={"prompt_tokens": 10**30, "completion_tokens": 3}),
    "usage is a fraction": top(usage={"prompt_tokens": 1.5, "completion_tokens": 3}),
    "usage is true": top(usage={"prompt_tokens": True, "completion_tokens": False}),
    "usage details are text": top(usage={"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": "no"}),
    "usage details are a list": top(usage={"completion_tokens_details": [{"reasoning_tokens": 5}]}),
    "usage is Infinity": GOOD[:-1] + b', "usage": {"prompt_tokens": Infinity, "completion_tokens": 1}}',
    "usage is NaN": GOOD[:-1] + b', "usage": {"prompt_tokens": NaN, "completion_tokens": 1}}',
    "usage is 1e999": GOOD[:-1] + b', "usage": {"prompt_tokens": 1e999, "completion_tokens": 1}}',
    "usage is a number of 5,000 digits": GOOD[:-1] + b', "usage": {"prompt_tokens": ' + b"9" * 5000 + b"}}",
    "created is a number of 5,000 digits": GOOD[:-1] + b', "created": ' + b"9" * 5000 + b"}",
    "reasoning is a list": message(reasoning=[{"type": "text", "text": "thought"}]),
    "reasoning is an object": message(reasoning={"effort": "high"}),
    "reasoning is a number": message(reasoning_content=7),
    "reasoning is deep": message(reasoning=[{"text": [{"text": [{"text": [{"text": [{"text": []}]}]}]}]}]),
    "reasoning is true": message(reasoning_content=True),
    "model is a number": top(model=5),
    "model is an object": top(model={"id": "x"}),
    "model is a surrogate": GOOD[:-1] + b', "model": "a\\ud800b"}',
    "model is very long": top(model="m" * 100_000),
    "finish reason is an object": choice(finish_reason={"type": "stop"}),
    "finish reason is a list": choice(finish_reason=["stop"]),
    "finish reason is a number": choice(finish_reason=3),
    "finish reason is null": choice(finish_reason=None),
    "finish reason is missing": choice(),
    "logprob is null": choice(logprobs={"content": [{"token": "fine", "logprob": None}]}),
    "logprob is text": choice(logprobs={"content": [{"token": "fine", "logprob": "-1"}]}),
    "logprob is positive": choice(logprobs={"content": [{"token": "fine", "logprob": 5.0}]}),
    "logprob token is a number": choice(logprobs={"content": [{"token": 5, "logprob": -1.0}]}),
    "logprobs are a list": choice(logprobs=[["fine", -1.0]]),
    "logprobs content is text": choice(logprobs={"content": "fine"}),
    "logprobs entry is null": choice(logprobs={"content": [None]}),
    "tool calls are text": message(tool_calls="none"),
    "refusal is an object": message(refusal={"reason": "no"}),
    "content in parts": message(content=[{"type": "text", "text": "fi"}, {"type": "text", "text": "ne"}]),
    "a part without text": message(content=[{"type": "text", "text": None}, {"type": "text", "text": "fine"}]),
    "a part is null": message(content=[None, {"type": "text", "text": "fine"}]),
    "a part is an image": message(content=[{"type": "image_url", "image_url": {}}, {"type": "text", "text": "fine"}]),
    "parts are texts": message(content=["fi", "ne"]),
    "a thinking part": message(content=[{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "fine"}]),
    "an error beside an answer": top(error={"message": "a warning", "code": 500}),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "blanks around": b"\r\n\r\n  " + GOOD + b"\n\n",
    "a filter that let it pass": top(prompt_filter_results=[{"content_filter_results": {"hate": {"filtered": False}}}]),
    "a filter that only looked at it": choice(content_filter_results={"hate": {"filtered": True}}),
    "another name for its end": choice(finish_reason="stop", native_finish_reason="completed"),
    "unknown fields": top(service_tier=None, system_fingerprint={}, metrics=[], prompt_logprobs="x"),
    "id is an object": top(id={}, created="yesterday", object=None),
    "several choices": {"choices": [*message()["choices"], {"message": None}, 5]},
    "status 201": sent(GOOD, b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"),
    "no content type": sent(GOOD, b"HTTP/1.1 200 OK\r\n"),
    "a wrong content type": sent(GOOD, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"),
    "gzip": sent(gzip.compress(GOOD), GZIP),
    "chunks": Fault("raw", raw=CHUNKED + f"{len(GOOD):x}\r\n".encode() + GOOD + b"\r\n0\r\n\r\n"),
    "until the end of the connection": Fault("raw", raw=CLOSING + GOOD),
}  # fmt: skip

# There is no answer in it: asked again, then a request_error.
UNREADABLE = {
    "nothing": sent(b""),
    "a web page": b"<!doctype html><html>log in</html>",
    "a stream": b'data: {"choices": [{"delta": {"content": "fine"}}]}\n\ndata: [DONE]\n\n',
    "half of the JSON": GOOD[: len(GOOD) // 2],
    "two JSON values": GOOD + GOOD,
    "deep JSON": b"[" * 100_000 + b"]" * 100_000,
    "deep JSON in a field": GOOD[:-1] + b', "x": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
    "null": b"null",
    "a number": b"42",
    "a text": b'"fine"',
    "a list": b"[]",
    "an empty object": b"{}",
    "no choices": body({"choices": []}),
    "choices are an object": body({"choices": {"0": message()["choices"][0]}}),
    "choices are null": body({"choices": None}),
    "a choice is text": body({"choices": ["fine"]}),
    "the message is null": body({"choices": [{"message": None}]}),
    "the message is text": body({"choices": [{"message": "fine"}]}),
    "the message is a list": body({"choices": [{"message": [{"content": "fine"}]}]}),
    "no UTF-8": GOOD.replace(b"fine", b"fi\xff\xfene"),
    "UTF-16": GOOD.decode().encode("utf-16")[:-3],
    "binary": bytes(range(256)),
    "broken off by the server": choice(finish_reason="error"),
    "aborted by the server": choice(finish_reason="abort"),
    "a wrong length": Fault("raw", raw=OK + b"Content-Length: 5000\r\n\r\n" + GOOD),
    "a bad status line": Fault("raw", raw=b"HELLO\r\n\r\n"),
    "no HTTP": Fault("raw", raw=b"SSH-2.0-OpenSSH_9.6\r\n"),
    "a bad header": Fault("raw", raw=b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"),
    "a header of 100,000 bytes": Fault("raw", raw=OK + b"X: " + b"x" * 100_000 + b"\r\n\r\n"),
    "1,000 headers": Fault("raw", raw=OK + b"".join(b"X-%d: x\r\n" % i for i in range(1000)) + b"\r\n"),
    "a bad chunk": Fault("raw", raw=CHUNKED + b"zz\r\n" + GOOD),
    "chunks without an end": Fault("raw", raw=CHUNKED + b"5\r\n{\"cho\r\n"),
    "broken gzip": sent(b"\x1f\x8b" + b"no gzip at all", GZIP),
    "an unknown encoding of an empty body": sent(b"", OK + b"Content-Encoding: zstd\r\n"),
    "a negative length": Fault("raw", raw=OK + b"Content-Length: -1\r\n\r\n"),
    "two lengths": Fault("raw", raw=OK + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\n"),
    "the connection is dropped": Fault("drop"),
    "the connection is cut": Fault("cut"),
    "the JSON is cut": Fault("truncated"),
    "status 500": Fault("status", 500),
    "status 502": Fault("status", 502, body="<html>Bad Gateway</html>"),
    "status 504": Fault("status", 504, body=""),
    "status 529": Fault("raw", raw=b"HTTP/1.1 529 Overloaded\r\nContent-Length: 0\r\n\r\n"),
    "status 429": Fault("status", 429, retry_after=0.01),
    "status 429 in negative seconds": Fault("status", 429, retry_after=-5),
    "status 408": Fault("status", 408),
    "an error within a 200": body({"error": {"code": 502, "message": "Provider returned error"}}),
}  # fmt: skip

# Stands at once.
FINAL = {
    "status 204": Row("", Fault("raw", raw=b"HTTP/1.1 204 No Content\r\n\r\n"), "request_error", attempts=2),
    "status 304": Row("", Fault("raw", raw=b"HTTP/1.1 304 Not Modified\r\n\r\n"), "request_error", says="HTTP 304"),
    "status 302": Row(
        "",
        Fault("raw", raw=b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/secret\r\nContent-Length: 0\r\n\r\n"),
        "request_error",
        says="redirects, which is never followed",
    ),
    "status 400 without a body": Row("", Fault("status", 400, body=""), "request_error", says="HTTP 400"),
    "status 400, deep": Row("", Fault("raw", raw=REFUSED + b"[" * 90_000), "request_error"),
    "status 400, large": Row("", Fault("raw", raw=REFUSED + b"x" * (3 * 2**20)), "request_error"),
    "status 418": Row("", Fault("status", 418, body=None), "request_error", says="HTTP 418"),
    "an error of unknown kind within a 200": Row("", body({"error": "no"}), "request_error"),
    "unpacked larger than 64 MB": Row("", sent(BOMB, GZIP), "request_error", says="larger than 64 MB"),
    "an endless body": Row(
        "", Fault("endless", raw=CLOSING, more=b" " * 2**20, delay=0), "request_error", says="larger than 64 MB"
    ),
    "too long": Row("", Fault("status", 400, body={"error": "prompt is too long"}), "too_long", None),
    "blocked": Row("", Fault("status", 400, body={"error": {"code": "content_filter"}}), "blocked", None),
    "blocked in the middle": Row("", choice(finish_reason="SAFETY"), "blocked", None),
    "blocked without a choice": Row("", body({"promptFeedback": {"blockReason": "SAFETY"}}), "blocked", None),
    "blocked, the prompt": Row(
        "",
        body({"choices": [], "prompt_filter_results": [{"content_filter_results": {"jailbreak": {"filtered": True}}}]}),
        "blocked",
        None,
    ),
    "blocked, the answer": Row(
        "",
        choice(
            finish_reason="stop",
            message={"role": "assistant", "content": ""},
            content_filter_results={"violence": {"filtered": True}},
        ),
        "blocked",
        None,
    ),
    "blocked by the provider behind": Row(
        "", choice(finish_reason="stop", native_finish_reason="SAFETY"), "blocked", None
    ),
    "broken off by the provider behind": Row(
        "",
        choice(finish_reason="stop", native_finish_reason="network_error"),
        "request_error",
        attempts=2,
        says="broke the answer off",
    ),
    "cut by its length": Row("", choice(finish_reason="MAX_TOKENS"), "ok"),
    "no content": Row("", message(content=None), "ok", ""),
    "content is an object": Row("", message(content={"text": "fine"}), "ok", ""),
    "content is a number": Row("", message(content=5), "ok", ""),
    "content is a surrogate": Row("", GOOD.replace(b"fine", b"a\\ud800b"), "ok", "a?b"),
    "content with a NUL": Row("", GOOD.replace(b"fine", b"a\\u0000b"), "ok", "a\0b"),
    "an answer of a megabyte": Row("", message(content="fine" * 2**18), "ok", "fine" * 2**18),
}  # fmt: skip

ROWS = [
    *(Row(name, body(reply) if isinstance(reply, dict) else reply, "ok") for name, reply in KEPT.items()),
    *(
        Row(name, body(reply) if isinstance(reply, dict) else reply, "request_error", attempts=2)
        for name, reply in UNREADABLE.items()
    ),
    *(
        Row(
            name,
            body(row.reply) if isinstance(row.reply, dict) else row.reply,
            row.outcome,
            row.content,
            row.attempts,
            row.says,
        )
        for name, row in FINAL.items()
    ),
]
