"""Separates what a model thought from what it answered."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_medhelm.util.patterns import compiled

_TAG = r"(?i)<(/?)(?:think|thinking|reasoning)>"
_CHANNEL_MARK = r"<\|(start|channel|message|constrain|end|return|call)\|>"


@dataclass(frozen=True)
class Thinking:
    """A completion in two parts, both stripped of surrounding blanks."""

    reasoning: str
    answer: str
    closed: bool
    """False when the completion ended inside its reasoning: there is no answer yet."""


def split_thinking(content: str, reasoning_content: str | None = None) -> Thinking:
    """Split a completion into reasoning and answer.

    Understands ``<think>``, ``<thinking>`` and ``<reasoning>`` blocks, a closing tag whose opening tag stood
    in the prompt (all before it is reasoning), and the channel markers of OpenAI's harmony format, where only
    the ``final`` channel is the answer. ``reasoning_content`` is the field in which a server hands over
    reasoning that it separated itself; it is put in front.
    """
    split = _split_channels if "<|channel|>" in content else _split_tags
    thoughts, answers, closed = split(content)
    parts = [part.strip() for part in (reasoning_content or "", *thoughts)]
    answer = "".join(answers).strip() if closed else ""
    return Thinking("\n\n".join(part for part in parts if part), answer, closed)


def _split_tags(content: str) -> tuple[list[str], list[str], bool]:
    thoughts: list[str] = []
    answers: list[str] = []
    is_open = False
    start = 0
    for tag in compiled(_TAG).finditer(content):
        before = content[start : tag.start()]
        start = tag.end()
        if tag[1]:
            if not is_open:
                thoughts.extend(answers)
                answers.clear()
            thoughts.append(before)
            is_open = False
        else:
            (thoughts if is_open else answers).append(before)
            is_open = True
    (thoughts if is_open else answers).append(content[start:])
    return thoughts, answers, not is_open


def _split_channels(content: str) -> tuple[list[str], list[str], bool]:
    pieces = compiled(_CHANNEL_MARK).split(content)
    thoughts, answers = [pieces[0]], []
    channel = ""
    has_final = False
    for mark, text in zip(pieces[1::2], pieces[2::2], strict=True):
        if mark == "channel":
            channel = (text.split() or [""])[0]
        elif mark == "message" and channel == "final":
            has_final = True
            answers.append(text)
        elif mark == "message":
            thoughts.append(text)
        elif mark == "start":
            channel = ""
    return thoughts, answers, has_final
