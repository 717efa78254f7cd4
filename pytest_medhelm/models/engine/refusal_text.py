"""What stands in the body of a refusal: the words to be searched, and the names that may be shown.

Its message is searched and never kept: it may quote the prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

SEARCHED = 3000
"""Characters of a refusal that are looked at: its words are searched with patterns, and may be hostile."""
BEGINNING, END = 1500, 500
"""Of a text within it, where it is longer than both."""
QUOTED = 20
"""Characters from which on a piece of a message that stands in the request too is taken for a quotation."""
_FIELDS = (
    "code", "type", "param", "status", "error", "error_type", "error_code", "message", "msg", "detail", "reason",
    "details", "innererror", "metadata", "reasons", "errors", "object", "title", "promptFeedback", "prompt_feedback",
    "raw", "base_resp", "status_msg", "error_msg", "error_message", "finishReason", "loc", "retryDelay",
    "description",
)  # fmt: skip
_BLOCKS = ("blockReason", "block_reason")
_COUNTS = ("n_prompt_tokens", "n_ctx", "retry_after")
_SHOWN = ("code", "param", "type")
_IDENTIFIER = re.compile(r"[A-Za-z][\w.\[\]/:-]{0,59}|\d{1,5}")
SETTINGS: Sequence[str] = (
    "temperature", "top_p", "seed", "max_tokens", "max_completion_tokens", "logprobs", "top_logprobs", "messages",
    "model", "stop", "stream", "response_format", "reasoning_effort", "n", "frequency_penalty", "presence_penalty",
    "input_tokens", "input_text", "prompt", "tools", "tool_choice",
)  # fmt: skip
"""Names of parameters, shown also where the prompt happens to hold the word."""


def searchable(body: Any, raw: bytes, prompt: str) -> str:
    """The words of a body, as JSON or as it came, without what they quote of the prompt."""
    if body is None:
        return _unquoted(raw[: 4 * SEARCHED].decode("utf-8", "replace"), prompt)[:SEARCHED]
    counts: list[str] = []
    said = [_shortened(_unquoted(text, prompt)) for text in _texts(body, counts, 0)]
    return "\n".join([*said, " ".join(counts)])[:SEARCHED]


def _texts(value: Any, counts: list[str], depth: int) -> Iterator[str]:
    """The texts of an error's known fields; token counts go to ``counts``."""
    if isinstance(value, str):
        yield value[: 100 * SEARCHED]
    elif isinstance(value, list) and depth < 6:
        for item in value[:20]:
            yield from _texts(item, counts, depth + 1)
    elif isinstance(value, dict) and depth < 6:
        for name in _COUNTS:
            if isinstance(value.get(name), int | float):
                counts.append(f"{name} {value[name]}")
        if any(name in value for name in _BLOCKS):
            yield "block_reason"
        for name in _FIELDS:
            if name in value:
                yield from _texts(value[name], counts, depth + 1)


def _shortened(text: str) -> str:
    return text if len(text) <= BEGINNING + END else f"{text[:BEGINNING]}\n{text[-END:]}"


def _unquoted(text: str, prompt: str) -> str:
    """A message without what it quotes of the request."""
    text = re.split(r"input_value=|'input': |\"input\": ", text, maxsplit=1)[0]
    if not prompt:
        return text
    pieces = re.split(r"""([`"'\n]|(?<=[.!?:]) )""", text)
    return "".join(piece for piece in pieces if len(piece) < QUOTED or piece.strip() not in prompt)


def named_in(body: Any, prompt: str) -> str:
    """ " (code C, param P, type T)" of an error, as far as these are names and no text."""
    holder: Any = body
    if isinstance(holder, list) and holder:
        holder = holder[0]
    if isinstance(holder, dict) and isinstance(holder.get("error"), dict):
        holder = holder["error"]
    if not isinstance(holder, dict):
        return ""
    said = []
    for name in _SHOWN:
        value = holder.get(name)
        shown = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        # A number that is the HTTP status says nothing; a word of the prompt may be a patient's name.
        if (
            _IDENTIFIER.fullmatch(shown)
            and not shown.isdecimal()
            and (name != "param" or not _stands_in(shown, prompt))
        ):
            said.append(f"{name} {shown}")
    return f" ({', '.join(said)})" if said else ""


def _stands_in(word: str, prompt: str) -> bool:
    return word not in SETTINGS and word in prompt
