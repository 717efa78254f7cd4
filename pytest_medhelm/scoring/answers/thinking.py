"""Separates what a model thought from what it answered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from pytest_medhelm.util.patterns import compiled

# Harmony's channels where a server left out the marks and kept their names.
_BARE_CHANNELS = r"(?s)\s{0,9}analysis(?=[A-Z])((?:(?!assistantfinal).)*+)assistantfinal"
_CHANNEL_MARK = r"<\|(start|channel|message|constrain|end|return|call)\|>"


class Marks(NamedTuple):
    """How a family of models marks its thinking; both are regular expressions without groups."""

    models: str
    opening: str
    closing: str


FAMILIES: Sequence[Marks] = (
    Marks(
        "DeepSeek R1, Qwen 3, QwQ, GLM, Phi-4 reasoning, Nemotron, MiniMax, SmolLM 3",
        r"<think(?:\s[^<>\n]{0,40})?>",
        r"</think\s?>",
    ),
    Marks(
        "models prompted for it, Granite, HuatuoGPT-o1",
        r"<(?:thinking|reasoning)(?:\s[^<>\n]{0,40})?>",
        r"</(?:thinking|reasoning)\s?>",
    ),
    Marks("EXAONE Deep, Gemini-style prompts", "<thoughts?>", "</thoughts?>"),
    Marks("Reflection 70B", "<reflection>", "</reflection>"),
    Marks(
        "chat templates with special tokens",
        r"<\|(?:begin_of_|start_)?(?:think|thinking|reasoning)\|>",
        r"<\|(?:/|end_of_|end_)(?:think|thinking|reasoning)\|>|<\|(?:think|thinking|reasoning)_end\|>",
    ),
    Marks("prompts in the style of Anthropic's", "<scratchpad>", "</scratchpad>"),
    Marks("prompts that ask for an analysis first", "<analysis>", "</analysis>"),
    Marks("Claude", "<(?:antml:|ant)thinking>", "</(?:antml:|ant)thinking>"),
    Marks("MedGemma", r"<unused94>(?:thought\b)?", "<unused95>"),
    Marks("Gemma 4", r"<\|channel>thought\b", r"<channel\|>"),
    Marks("Magistral", r"\[THINK\]", r"\[/THINK\]"),
    Marks("Kimi-VL, Kimi K1.5", "◁think▷", "◁/think▷"),
    Marks("Seed-OSS", "<seed:think>", "</seed:think>"),
    Marks("MiniMax", "<mm:think>", "</mm:think>"),
    Marks("LongCat", "<longcat_think>", "</longcat_think>"),
    Marks("Command A Reasoning", r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),
    Marks("OpenThinker, Sky-T1", r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    Marks("Apertus", r"<\|inner_prefix\|>", r"<\|inner_suffix\|>"),
)
"""Every mark closes every other: a model that mixes two has still ended its thinking."""
MARK_STARTS = ("<", "[T", "[t", "[/", "◁")
"""With one of these every mark begins; the lists of a judge's JSON do not."""

# Marks around an answer that some of these families write: they hold no thinking and fall off.
_AROUND_ANSWER = r"(?i)<\|(?:START|END)_(?:RESPONSE|TEXT)\|>|<\|(?:begin|end)_of_solution\|>"
# Marks with which an answer may well begin.
_NO_THINKING = r"""(?xi)
    (?:final_?|correct_?)?(?:answer|response|result|output|choice|option|summary|sql|query|json|code|pre|xml|note)
  | /?(?:p|b|i|u|s|em|strong|ul|ol|li|br|div|span|html|head|body|table|tr|td|th|h[1-6]|details|center|font|blockquote)
  | inst|letter|report|document|text|patient|instructions?|plan|assessment
"""
_FIRST_MARK = r"\A\s*+(?:<(\|?[a-zA-Z][\w:.|-]{1,30})>|\[([A-Z][A-Z_]{2,30})\])"


@dataclass(frozen=True)
class Thinking:
    """A completion in two parts, both stripped of surrounding blanks."""

    reasoning: str
    answer: str
    closed: bool
    """False when the completion ended inside its reasoning: there is no answer yet."""


def split_thinking(content: str, reasoning_content: str | None = None) -> Thinking:
    """Split a completion into reasoning and answer.

    Understands the marks of FAMILIES, a closing mark whose opening one stood in the prompt (all before it is
    reasoning), and the channel markers of OpenAI's harmony format, where only the ``final`` channel is the answer.
    ``reasoning_content`` is the field in which a server hands over reasoning that it separated itself; it is put in
    front. Splitting the answer again gives the answer.
    """
    if not any(map(content.__contains__, MARK_STARTS)) and "analysis" not in content:
        return Thinking((reasoning_content or "").strip(), content.strip(), True)
    thoughts: list[str] = []
    answers, closed = [content], True
    if "<|channel|>" in content:
        thoughts, answers, closed = _split_channels(content)
    elif bare := compiled(_BARE_CHANNELS).match(content):
        thoughts, answers = [bare[1]], [content[bare.end() :]]
    further, answers, is_closed = _split_marks(_joined(answers))
    parts = [part.strip() for part in (reasoning_content or "", *thoughts, *further)]
    answer = compiled(_AROUND_ANSWER).sub(" ", _joined(answers)).strip() if closed and is_closed else ""
    return Thinking("\n\n".join(part for part in parts if part), answer, closed and is_closed)


def unknown_mark(answer: str) -> str:
    """The name of a paired mark around the first part of an answer that no family is known by, or "".

    Such a mark may hold thinking of a model that is not in the table.
    """
    opening = compiled(_FIRST_MARK).match(answer)
    if not opening:
        return ""
    name = opening[1] or opening[2]
    closing = f"</{name}>" if opening[1] else f"[/{name}]"
    if name.startswith("|"):
        name = name.strip("|")
        closing = f"<|/{name}|>"
    end = answer.find(closing, opening.end())
    if end < 0 or not answer[end + len(closing) :].strip() or compiled(_NO_THINKING).fullmatch(name):
        return ""
    return opening[0].strip()


def _joined(pieces: Sequence[str]) -> str:
    """Pieces in a row, with a blank where two would grow together to a new word or mark."""
    text = ""
    parts: list[str] = []
    for piece in pieces:
        if text and piece and not text[-1:].isspace() and not piece[:1].isspace():
            parts.append(" ")
        parts.append(piece)
        text = piece or text
    return "".join(parts)


@cache
def _mark() -> re.Pattern[str]:
    opening = "|".join(family.opening for family in FAMILIES)
    closing = "|".join(family.closing for family in FAMILIES)
    return re.compile(f"(?P<closing>{closing})|(?:{opening})", re.IGNORECASE)


def _split_marks(content: str) -> tuple[list[str], list[str], bool]:
    thoughts: list[str] = []
    answers: list[str] = []
    is_open = False
    start = 0
    for mark in _mark().finditer(content):
        before = content[start : mark.start()]
        start = mark.end()
        if mark["closing"]:
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
