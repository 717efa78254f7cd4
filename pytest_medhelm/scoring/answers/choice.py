"""Reads which option of a multiple-choice question was chosen, and how that was said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from pytest_medhelm.scoring.answers.closed import citations, forms, options
from pytest_medhelm.scoring.answers.closed.cut import bounded, turns
from pytest_medhelm.scoring.answers.closed.endings import split_rejections
from pytest_medhelm.scoring.answers.closed.settle import settled
from pytest_medhelm.scoring.answers.closed.wording import in_other_words
from pytest_medhelm.scoring.answers.folding import tidy
from pytest_medhelm.util.patterns import compiled

# The line that prompts ask for, and nothing else.
_ASKED_FORM = r"(?i)(?:\*\*)?answer(?:\*\*)?:(?:\*\*)? {0,2}(?:\*\*)?([A-Z])(?:\*\*)?\.?"
ReadAs = Literal["form", "phrase", "citation", "lone letter"]


class Choice(NamedTuple):
    """An option that was chosen."""

    letter: str
    """A capital letter."""
    read_as: ReadAs
    """A labelled line or a machine form; a phrase in prose; the option's own text; a letter without a word."""


def read_choice(text: str, choices: Sequence[str]) -> str | None:
    """The capital letter of the option that a text chooses, or None: see ``find_choice``."""
    choice = find_choice(text, choices)
    return choice.letter if choice else None


def find_choice(text: str, choices: Sequence[str]) -> Choice | None:
    """The option that a text chooses, or None.

    ``choices`` are the texts of the options A, B, C, ... (the first 26 count). The text is read up to where another
    turn begins. The last settled statement counts: a later correction before the last labelled answer (``Answer: B``,
    a box, JSON, a letter as the last paragraph), that before the last statement in prose. An option that is rejected,
    weighed, hypothetical, second best or somebody else's is no answer; several at once and a letter beside the text
    of another option are None. Of options with equal texts, naming the text names the first.
    """
    count = min(len(choices), 26)
    bare = text.strip()
    if (
        len(bare) == 1
        and bare.upper() in options.LETTERS[:count]
        and all(len(choice.strip()) > 1 for choice in choices)
    ):
        return Choice(bare.upper(), "lone letter")  # What is mostly given; nothing below would read it otherwise.
    form = compiled(_ASKED_FORM).fullmatch(bare)
    if form and form[1].upper() in options.LETTERS[:count]:
        return Choice(form[1].upper(), "form")
    first: dict[str, int] = {}
    same = {number: first.setdefault(tidy(choice).strip().lower(), number) for number, choice in enumerate(choices)}
    for turn in turns(text):
        body, rejected = split_rejections(bounded(turn), count)
        marked = citations.marked(tidy(forms.rewritten(body)), choices[:26], same)
        statement = settled(marked, same)
        if statement is None and not compiled(options.ANY).search(marked):
            number = in_other_words(body, choices[:26])
            if number is not None and options.LETTERS[number] not in rejected:
                return Choice(options.LETTERS[same[number]], "citation")
        if statement and rejected.intersection(options.LETTERS[option] for option in statement.options if option >= 0):
            statement = None
        if statement is not None:
            break
    if statement is None or len(statement.options) != 1 or not 0 <= statement.options[0] < count:
        return None
    number = statement.options[0]
    said = statement.said if same.get(statement.said) == number else number
    return Choice(options.LETTERS[said], statement.read_as)  # type: ignore[arg-type]
