r"""Answers in a form made for machines (JSON, ``\boxed{}``, a tag), rewritten as a line ``Answer: X``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from pytest_medhelm.scoring.answers.folding import unwrap_latex
from pytest_medhelm.util.patterns import compiled

LABEL = "\nAnswer: "
_KEYS = (
    r"(?:final|correct|selected|chosen|best|predicted|model|my)?_?"
    r"(?:answer|option|choice|letter|selection|prediction|response|result|value)(?:_?(?:choice|letter|option|key|label|index|idx|id))?"
    r"|selected|chosen|final|best|prediction|label|respuesta|reponse|réponse|antwort|resposta|risposta|答案|correct"
)
_NOT_KEYS = r"wrong|your|user|second|alternative|incorrect|student"
_BOX = r"\\(?:boxed|fbox|framebox)\s{0,3}\{((?:[^{}\n]|\{(?:[^{}\n]|\{[^{}\n]{0,200}\}){0,200}\}){0,400})\}"
_TAG = r"(?i)<(?:final_?|correct_?)?(?:answer|choice|option)>\s{0,20}([^<]{0,300}?)\s{0,20}(?:</[a-z_]{1,20}>|$)"
_MARKUP = r"<(?:(?![A-Z]>)|/)[a-zA-Z][a-zA-Z0-9_]{0,15}\s?/?>"
_MAX_OBJECTS = 20


def rewritten(text: str) -> str:
    """The text with every machine form that names an answer as a line of its own."""
    if "{" in text:
        text = _objects(text)
    if "\\" in text:
        text = compiled(r"\\[()\[\]]|\\[,;!]|\\quad|\\left|\\right").sub(" ", unwrap_latex(unwrap_latex(text)))
        text = compiled(_BOX).sub(lambda match: f"{LABEL}{match[1].strip()}\n", text)
    if LABEL in text:
        text = compiled(rf"\n\s{{0,9}}((?:or|and|o|y|ou|et|oder|und|e|,|或|和)\b)\s{{0,9}}{LABEL}").sub(r" \1 ", text)
    text = compiled(r"(?i)\[(/?)((?:final_?)?answer)\](?=[^\[\n]{0,300}\[/|[^\w\n]*$)").sub(r"<\1\2>", text)
    if "<" in text:
        text = compiled(_TAG).sub(lambda match: f"{LABEL}{match[1]}\n", text)
        text = compiled(_MARKUP).sub(" ", text)
    return text


def _objects(text: str) -> str:
    """JSON objects that stand in the text, replaced by what they give as answer."""
    decoder = json.JSONDecoder()
    parts: list[str] = []
    position = 0
    for _ in range(_MAX_OBJECTS):
        start = text.find("{", position)
        if start < 0:
            break
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            parts.append(text[position : start + 1])
            position = start + 1
            continue
        parts.append(text[position:start])
        parts.append(_said(value))
        position = end
    return "".join(parts) + text[position:]


def _said(value: object) -> str:
    if not isinstance(value, Mapping):
        return " "
    given = list(_given(value))
    if given:
        return "".join(f"{LABEL}{item}\n" for item in given)
    if value and all(len(str(key)) == 1 and isinstance(item, bool | int | float | str) for key, item in value.items()):
        return "".join(f"\n{key}: {_verdict(item)}" for key, item in value.items()) + "\n"
    nested = [item for item in value.values() if isinstance(item, Mapping)]
    return _said(nested[0]) if len(nested) == 1 and nested[0] is not value else " "


def _verdict(item: object) -> str:
    if isinstance(item, bool):
        return "yes" if item else "no"
    if isinstance(item, float) and 0 <= item <= 1:
        return f"{100 * item:g}%"
    return str(item)


def _given(value: Mapping[object, object]) -> Iterator[str]:
    """What stands under the answer keys: the most final one where there are several."""
    by_name: dict[str, object] = {}
    for key, item in value.items():
        name = re.sub(r"[\s-]+", "_", str(key).strip().lower())
        if compiled(f"(?:{_KEYS})").fullmatch(name) and not compiled(_NOT_KEYS).search(name):
            by_name[name] = item
    finals = {name: item for name, item in by_name.items() if "final" in name}
    answers = {name: item for name, item in by_name.items() if "answer" in name or len(by_name) == 1}
    for item in (finals or answers or by_name).values():
        if isinstance(item, list):
            yield ", ".join(str(part) for part in item)
        elif isinstance(item, Mapping):
            yield from _given(item)
        elif item is not None and not isinstance(item, bool):
            yield str(item)
