"""A letter beside the text of an option: the citation of that option, or a conflict."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pytest_medhelm.scoring.answers.closed import options, words
from pytest_medhelm.scoring.answers.closed.options import (
    ANY,
    CITED_AT,
    CONFLICT,
    LETTER,
    LETTER_AT,
    LETTERS,
    NAMED,
    TEXT,
    TEXT_AT,
)
from pytest_medhelm.util.patterns import compiled

_SEPARATOR = r"[.)\]:,/。、]{0,2}[^\S\n]{0,2}[-=(\[\"'→>]{0,2}[^\S\n]{0,2}(?:(?i:the|an?)\s)?"
_LETTER_THEN_TEXT = rf"[(\[]?({LETTER}){_SEPARATOR}({TEXT})[)\]\"']{{0,2}}"
_TEXT_THEN_LETTER = (
    rf"({TEXT})[^\S\n]{{0,2}}[,;:-]?[^\S\n]{{0,2}}(?:[(\[]\s?(?i:(?:the|which\sis|i\.?e\.?,?|=)\s)?(?i:(?:{words.OPTION}|{words.ANSWER})\W{{0,3}})?({LETTER})\s?[)\]]"
    rf"|(?i:(?:{words.OPTION})\s)({LETTER})|(?:-|→|->|=|(?<=,))\s?({LETTER})(?=\W*$))"
)


def marked(text: str, choices: Sequence[str], same: Mapping[int, int]) -> str:
    """``options.mark``, then joined; ``same`` maps each option to the first one with an equal text."""
    return join(_with_equal_texts(options.mark(text, choices), same))


def _with_equal_texts(text: str, same: Mapping[int, int]) -> str:
    """A text beside a letter stands for that letter's option, where several options have this text."""
    for number, first in same.items():
        if first != number < len(LETTERS):
            letter, shared, own = chr(LETTER_AT + number), chr(TEXT_AT + first), chr(TEXT_AT + number)
            text = compiled(rf"({letter}[)\]]?{_SEPARATOR}){shared}").sub(rf"\1{own}", text)
            text = compiled(rf"{shared}(?=[^\w\n]{{1,4}}(?:(?i:{words.OPTION})\s)?{letter}\s?[)\]])").sub(own, text)
    return text


def join(text: str) -> str:
    """Letter and own text beside each other as a citation; a letter in brackets without them."""

    def cited(match: re.Match[str]) -> str:
        letter, named = ord(match[1]) - LETTER_AT, ord(match[2]) - TEXT_AT
        if letter == named:
            article = LETTERS[letter] in "AO" and match[0][1:-1].isspace()
            return chr((TEXT_AT if article else CITED_AT) + letter)  # "A sífilis" is the disease with its article.
        closes = compiled(
            r"(?m)[^\S\n]*(?:$|[.;)](?:\s|$)|,|\(|(?:not|rather|instead|over|and|but|as|because|since)\b)"
        ).match(text, match.end())
        return CONFLICT if closes else match[0]

    def reversed_(match: re.Match[str]) -> str:
        named, letter = ord(match[1]) - TEXT_AT, ord(next(group for group in match.groups()[1:] if group)) - LETTER_AT
        return chr(CITED_AT + letter) if letter == named else CONFLICT

    text = compiled(_LETTER_THEN_TEXT).sub(cited, text)
    text = compiled("(?m)" + _TEXT_THEN_LETTER).sub(reversed_, text)
    text = compiled(rf"(?<=\w)\s\((?:(?:{words.OPTION})\s)?({NAMED})\)(?=[.!\s]*\Z)").sub(r" → \1", text)  # "AIN (C)".
    text = compiled(rf"[(\[]\s?({NAMED})\s?[)\]]|[\"']({NAMED})[\"']").sub(lambda match: match[1] or match[2], text)
    text = compiled(rf"({NAMED})\s?[)\]][.:]?[^\S\n]{{0,3}}(?=\w)").sub(r"\1: ", text)
    text = compiled(rf"(?m)^([^\w\n\ue000-\uf8ff]{{0,4}}{NAMED})[^\S\n]{{0,9}}\|(?![^\S\n]*$)").sub(r"\1: ", text)
    text = compiled(rf"\((?:{ANY}[\s/,|]{{0,3}}){{2,}}\)(?=\s?[:=])").sub("", text)  # "Answer (yes/no): no".
    aside = r"(?!(?i:if|when|should|unless|however|but|wait|although|though|otherwise)\b)"
    return compiled(rf"(?m)^([^\w\n\ue000-\uf8ff]{{0,8}}{NAMED})\.[^\S\n]{{1,3}}(?=\w){aside}").sub(r"\1: ", text)
