"""The border where a server's reply becomes plain values of known types.

The text of the answer is what counts: side fields that are malformed (usage, logprobs, model, thinking) are left out
and the answer is kept. What has no readable answer is no reply.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

from pytest_medhelm.models.engine.request import Alternative, Completion, ToolCall
from pytest_medhelm.models.engine.servers import ending

MOST_TOKENS = 1_000_000_000
"""A count above that is no count."""
LONGEST_NAME = 200
"""Characters of a model's name and of a finish reason that are kept."""
MOST_LISTED = 100
"""Alternatives to a token that are looked at."""
LEAST_LOGPROB = -1e12
"""Below that it is no logarithm of a probability; that of 0 counts as this."""
LOGPROB_SLACK = 1e-3
"""Rounding puts the logarithm of a probability of 1 a little above 0."""


class NoReplyError(ValueError):
    """What came is no chat completion; its text says why in words of our own."""


class ErrorReplyError(NoReplyError):
    """What came says that it is an error, although the HTTP status is 200."""


def read_reply(raw: bytes, latency: float = 0.0) -> Completion:
    """Read a ChatCompletion. Raises NoReplyError, and nothing else, when it is none."""
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError):
        answer = _with_long_numbers(raw)
    if not isinstance(answer, dict):
        raise NoReplyError("malformed answer (no JSON object)")
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        if _filtered(answer):
            return Completion("blocked", error="the server's content filter stopped the prompt", latency=latency)
        if answer.get("error") or _refuses(answer):
            raise ErrorReplyError("an error within HTTP 200")
        raise NoReplyError("malformed answer (no message)")
    reason = choice.get("finish_reason")
    # SGLang's own interface gives {"type": "length", "length": 5}.
    finish = _text(reason.get("type") if isinstance(reason, dict) else reason)[:LONGEST_NAME]
    content = _content(message.get("content")) or _content(message.get("refusal"))
    reasoning = _reasoning(message)
    # A gateway may call "stop" what its own provider gives another reason for.
    finish = _native(choice) if ending(finish) == "end" != ending(_native(choice)) else finish
    if not content and (_filtered(answer) or _filtered(choice)):
        finish = "content_filter"
    end = ending(finish)
    if end == "broken":
        raise NoReplyError(f"the server broke the answer off ({_named(finish)})")
    if answer.get("error") and not content:
        raise ErrorReplyError("an error within HTTP 200")
    return Completion(
        "blocked" if end == "blocked" else "ok",
        content,
        reasoning,
        # Known names of one thing become one name.
        "length" if end == "truncated" else finish,
        read_usage(answer.get("usage")),
        _logprobs(choice.get("logprobs")),
        _alternatives(choice.get("logprobs")),
        _text(answer.get("model"))[:LONGEST_NAME],
        latency,
        tool_calls=_tool_calls(message.get("tool_calls")),
    )


def _native(choice: Mapping[str, object]) -> str:
    """OpenRouter's name for the reason of the provider behind it."""
    return _text(choice.get("native_finish_reason"))[:LONGEST_NAME]


def _filtered(holder: Mapping[str, object]) -> bool:
    """Azure says for prompt and answer what its filter found; only what it held back is marked as filtered."""
    results = holder.get("prompt_filter_results"), holder.get("content_filter_results")
    return any(_marked(result) for result in results)


def _marked(value: object, depth: int = 4) -> bool:
    if isinstance(value, dict):
        return value.get("filtered") is True or bool(depth and any(_marked(item, depth - 1) for item in value.values()))
    return isinstance(value, list) and bool(depth) and any(_marked(item, depth - 1) for item in value[:MOST_LISTED])


def read_usage(usage: object) -> dict[str, int]:
    """The token counts of a reply, as far as the server gives usable ones.

    ``completion_tokens`` includes thinking: servers that count it apart are told by their total. Where prompt or
    completion is counted absurdly (below 0, no whole number, beyond MOST_TOKENS) nothing of it is believed.
    """
    if not isinstance(usage, dict):
        return {}
    details = {
        "reasoning_tokens": _inside(usage, "completion_tokens_details", "reasoning_tokens"),
        "cached_tokens": _inside(usage, "prompt_tokens_details", "cached_tokens"),
    }
    given = {name: usage.get(name) for name in ("prompt_tokens", "completion_tokens")}
    counts = {name: _count(value) for name, value in given.items()}
    if any(given[name] is not None and count is None for name, count in counts.items()):
        return {}
    tokens = {name: count for name, count in counts.items() if count is not None}
    tokens |= {name: count for name, value in details.items() if (count := _count(value)) is not None}
    thought = tokens.get("reasoning_tokens", 0)
    answered = tokens.get("prompt_tokens", 0) + tokens.get("completion_tokens", 0)
    if thought and "completion_tokens" in tokens and _count(usage.get("total_tokens")) == answered + thought:
        tokens["completion_tokens"] += thought
    return tokens


def _with_long_numbers(raw: bytes) -> object:
    """The JSON value with numbers of more digits than Python reads (they become infinite, and no count)."""
    try:
        return json.loads(raw, parse_int=lambda digits: int(digits) if len(digits) < LONGEST_NAME else math.inf)
    except (ValueError, RecursionError):
        raise NoReplyError(_unreadable(raw)) from None


def plain(text: str) -> str:
    """A text that can be stored and sent: a lone surrogate (broken model output) becomes "?"."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _text(value: object) -> str:
    return plain(value) if isinstance(value, str) else ""


def _content(value: object) -> str:
    """The text of a content: a string, or parts of which the text ones count."""
    if isinstance(value, list):
        return "".join(
            _text(part) if isinstance(part, str) else _text(part.get("text"))
            for part in value
            if isinstance(part, str) or (isinstance(part, dict) and part.get("type", "text") in ("text", "output_text"))
        )
    return _text(value)


def _reasoning(message: Mapping[str, object]) -> str:
    """Thinking that the server hands over apart: a text, parts or an object with one."""
    for name in ("reasoning_content", "reasoning", "thinking"):
        value = message.get(name)
        if isinstance(value, dict):
            value = next((value[key] for key in ("text", "content", "summary") if key in value), None)
        if isinstance(value, list):
            value = "".join(_thought(part) for part in value)
        if text := _text(value):
            return text
    content = message.get("content")
    return "".join(_thought(part) for part in content if _is_thinking(part)) if isinstance(content, list) else ""


def _is_thinking(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") in ("thinking", "reasoning")


def _thought(part: object, depth: int = 4) -> str:
    if isinstance(part, dict):
        thought = next((part[key] for key in ("text", "thinking", "content", "summary") if key in part), None)
        if isinstance(thought, list) and depth:
            return "".join(_thought(piece, depth - 1) for piece in thought)
        return _text(thought)
    return _text(part)


def _inside(usage: Mapping[str, object], name: str, count: str) -> object:
    details = usage.get(name)
    return details.get(count) if isinstance(details, dict) else None


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not value.is_integer():
        return None
    return int(value) if 0 <= value <= MOST_TOKENS else None


def _logprobs(value: object) -> list[tuple[str, float]]:
    """(token, log-probability) of each token; none at all where one is unusable, since they belong together."""
    entries = value.get("content") if isinstance(value, dict) else None
    logprobs: list[tuple[str, float]] = []
    for entry in entries if isinstance(entries, list) else ():
        read = _token(entry)
        if read is None:
            return []
        logprobs.append(read)
    return logprobs


def _tool_calls(value: object) -> list[ToolCall]:
    """The calls of functions that can be read as such; some servers send arguments as an object."""
    calls = []
    for call in value if isinstance(value, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            arguments = function.get("arguments")
            text = arguments if isinstance(arguments, str) else json.dumps(arguments if arguments is not None else {})
            calls.append(ToolCall(plain(function["name"])[:LONGEST_NAME], plain(text)))
    return calls


def _alternatives(value: object) -> dict[int, list[Alternative]]:
    """Of tokens that are one letter the letters that the server lists in their place: what an option may be named by.

    Nothing else of the lists is kept, which are many times as long as the answer. A letter whose log-probability is
    unusable is kept as such, and so is what cannot be read at all, which may have been any letter.
    """
    entries = value.get("content") if isinstance(value, dict) else None
    alternatives: dict[int, list[Alternative]] = {}
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        listed = entry.get("top_logprobs") if isinstance(entry, dict) else None
        # One that is listed alone is the token itself: nothing is said of the others.
        if isinstance(listed, list) and len(listed) > 1 and letter_of(_text(entry.get("token"))):
            read = map(_alternative, listed[:MOST_LISTED])
            if letters := [each for each in read if each is not None]:
                alternatives[index] = letters
    return alternatives if _logprobs(value) else {}


def _alternative(entry: object) -> Alternative | None:
    """None for what is no letter; an empty token where nobody knows what it is.

    Minus infinity, which a server may give for what it does not allow, is the logarithm of 0.
    """
    token = entry.get("token") if isinstance(entry, dict) else None
    if not isinstance(token, str):
        return "", None
    if not letter_of(token):
        return None
    if isinstance(entry, dict) and entry.get("logprob") == -math.inf:
        return plain(token), LEAST_LOGPROB
    return _token(entry) or (plain(token), None)


def _token(entry: object) -> tuple[str, float] | None:
    """(token, log-probability), or None where it is unusable."""
    token = entry.get("token") if isinstance(entry, dict) else None
    number = entry.get("logprob") if isinstance(entry, dict) else None
    if not isinstance(token, str) or isinstance(number, bool) or not isinstance(number, int | float):
        return None
    if not LEAST_LOGPROB <= number <= LOGPROB_SLACK or not math.isfinite(number):
        return None
    return plain(token), min(0.0, float(number))


def letter_of(token: str) -> str:
    """The capital letter that a token stands for, such as " b", "(B" or "B."; empty for any other token."""
    letters = [character for character in token if character.isalnum()]
    return letters[0].upper() if len(letters) == 1 and letters[0].isascii() and letters[0].isalpha() else ""


def _named(reason: str) -> str:
    """A finish reason that may be shown: a name and no text."""
    return reason if re.fullmatch(r"[\w .:-]{1,40}", reason) else "without a usable reason"


def _refuses(answer: Mapping[str, object]) -> bool:
    """Gemini's own words for a prompt that was stopped, MiniMax's for any refusal, and Qianfan's and others'."""
    feedback = answer.get("promptFeedback") or answer.get("prompt_feedback")
    refused = answer.get("base_resp")
    return (
        (isinstance(feedback, dict) and bool(feedback.get("blockReason") or feedback.get("block_reason")))
        or (isinstance(refused, dict) and bool(refused.get("status_code")))
        or any(answer.get(name) for name in ("error_code", "error_msg", "errors", "detail", "code"))
    )


def _unreadable(raw: bytes) -> str:
    start = raw[:200].lstrip().lower()
    if not start:
        return "malformed answer (empty)"
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<")):
        return "malformed answer (a web page instead of JSON: is a proxy or a login in between?)"
    if start.startswith((b"data:", b"event:", b": ")):
        return "malformed answer (a stream, although none was asked for: turn streaming off at the server)"
    return "malformed answer (no JSON)"
