"""Which of the statements of a text counts: the last settled one, by rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_medhelm.scoring.answers.closed import announced, options, verdicts, words
from pytest_medhelm.scoring.answers.closed.alone import alone
from pytest_medhelm.scoring.answers.closed.context import is_settled
from pytest_medhelm.scoring.answers.closed.corrections import corrected, retracted
from pytest_medhelm.scoring.answers.closed.grammar import BAD, PUNCT, joined_lines
from pytest_medhelm.scoring.answers.closed.options import CITED, NAMED, TEXT
from pytest_medhelm.scoring.answers.closed.statement import Statement, Strength
from pytest_medhelm.scoring.answers.closed.words import rx

_FINDERS = (
    announced.labelled,
    announced.answers,
    announced.chosen,
    announced.contrasted,
    announced.superlatives,
    verdicts.verdicts,
    verdicts.shares,
    alone,
    retracted,
    corrected,
)
_SHORT = 300
"""Characters of a text that may name an option by its text only, in any plain sentence."""
_WHOLE = (
    rf"\s?(?:{PUNCT}*$|[.,;:!](?!\w)|\s(?:is|was|should|would|first|now|today|immediately|next|here|{words.REASON})\b)"
)


def settled(text: str, same: Mapping[int, int]) -> Statement | None:
    """The statement that counts, or None. ``same`` maps each option to the first one with an equal text."""
    text = joined_lines(text)
    said = [
        one._replace(
            options=tuple(dict.fromkeys(same.get(o, o) for o in one.options)), said=max(one.options, default=-1)
        )
        for find in _FINDERS
        for one in find(text)
    ]
    said.sort(key=lambda one: (one.position, -one.strength))
    standing, rejected = _standing(said)
    if standing:
        return _ranked(standing, rejected)
    return None if any(one.retracts for one in said) else _cited(text, same, rejected)


def _standing(said: Sequence[Statement]) -> tuple[list[Statement], set[int]]:
    """What is left when later statements have taken back or corrected earlier ones, and what is rejected."""
    standing: list[Statement] = []
    rejected: set[int] = set()
    for one in said:
        if one.retracts:
            standing.clear()
        elif one.denied:
            rejected.update(one.options)
            weakest = Strength.FORM if one.strength >= Strength.PHRASE else Strength.WEAK
            standing = [other for other in standing if other.strength > weakest or other.options != one.options]
        else:
            if one.corrects:
                standing.clear()
                rejected.difference_update(one.options)
            standing.append(one)
    return standing, rejected


def _ranked(standing: Sequence[Statement], rejected: set[int]) -> Statement | None:
    """The last of the strongest, unless two sentences declare different options correct."""
    top = max((one.corrects, one.strength) for one in standing)
    best = [one for one in standing if (one.corrects, one.strength) == top]
    last = best[-1]
    if top == (False, Strength.WEAK):
        best = [one for one in best if not rejected.issuperset(one.options)]
        return best[-1] if len({one.options for one in best}) == 1 else None
    if last.declared and any(one.declared and one.options != last.options for one in best):
        return None
    return last


def _cited(text: str, same: Mapping[int, int], rejected: set[int]) -> Statement | None:
    """The only option that is cited with its own text; in a short text, the only one whose text is named."""
    for kind in (CITED, TEXT):
        if kind == TEXT and (len(text) > _SHORT or rx(NAMED).search(text) or rx(BAD).search(text)):
            return None
        named: dict[int, int] = {}
        for found in rx(kind).finditer(text):
            index = same.get(options.index(found[0]), options.index(found[0]))
            if index not in rejected and is_settled(text, found.start(), found.end()):
                named.setdefault(index, found.start())
        if len(named) == 1:
            ((index, position),) = named.items()
            whole = kind == CITED or rx(_WHOLE).match(text, position + 1)
            return Statement(position, (index,), Strength.CITED, "citation", said=index) if whole else None
        if named:
            return None
    return None
