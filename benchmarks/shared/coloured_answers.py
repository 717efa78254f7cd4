"""Reader of a Word document of chatbots' answers in which reviewers coloured what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pytest_medhelm import DataError, read_docx

RED = "FF0000"
_RUN = re.compile(r"\s*Run\s+(\d+):\s*(.*\S)\s*")
_HEADING_WORDS = 9


class Answer(NamedTuple):
    """One answer to a question."""

    question: str
    text: str
    red: bool
    """Some of its text is red."""


def read_answers(path: Path) -> Iterator[Answer]:
    """The answers of a document, in its order.

    A line "Run 1: question" opens an answer, which ends at the next such line. Such a line may stand in one paragraph
    with a heading above it or the beginning of the answer below it. Before a "Run 1", short lines that end in no
    full stop are headings of the next question and dropped. Raises DataError when there is no such line, or one
    without an answer.
    """
    question, lines, red = "", list[str](), False
    for paragraph in read_docx(path):
        for line in paragraph.text.split("\n"):
            if run := _RUN.fullmatch(line):
                if question:
                    yield _answer(path, question, _without_heading(lines) if run[1] == "1" else lines, red)
                question, lines, red = run[2], [], False
            else:
                lines.append(line)
        # Colours are known by paragraph. In one that holds such a line they belong to the answer below it.
        red = red or RED in paragraph.colours
    yield _answer(path, question, lines, red)


def _answer(path: Path, question: str, lines: Sequence[str], red: bool) -> Answer:
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if not question:
        raise DataError(f"{path.name} holds no line 'Run 1: question', so this is not the file that is expected")
    if not text:
        raise DataError(f"{path.name}: a line 'Run 1: question' has no answer below it")
    return Answer(question, text, red)


def _without_heading(lines: Sequence[str]) -> Sequence[str]:
    end = len(lines)
    while end and len(lines[end - 1].split()) <= _HEADING_WORDS and not lines[end - 1].rstrip().endswith(tuple(".!?")):
        end -= 1
    return lines[:end]
