"""Which of the statements of a text counts: the last settled one, by rank."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pytest_medhelm.scoring.answers.closed import announced, citations, doubt_words, options, verdicts, words
from pytest_medhelm.scoring.answers.closed.alone import alone
from pytest_medhelm.scoring.answers.closed.context import SENTENCE, scope
from pytest_medhelm.scoring.answers.closed.corrections import corrected, reconsidered, retracted
from pytest_medhelm.scoring.answers.closed.endings import without_rejections
from pytest_medhelm.scoring.answers.closed.grammar import (
    BAD,
    PUNCT,
    SYMBOLS,
    goes_through,
    joined_lines,
)
from pytest_medhelm.scoring.answers.closed.left import asserted, left_standing, since_option
from pytest_medhelm.scoring.answers.closed.named import LEFT_OPEN, cited
from pytest_medhelm.scoring.answers.closed.options import ANY
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
    reconsidered,
    corrected,
)
_NEAR = 400
"""Characters behind the beginning of a second look in which its outcome stands."""
_SET_AGAINST = rf"""
    \b(?:but|however|yet|though|although|whereas|nevertheless|so|therefore|thus|hence|here|final(?:ly)?|overall
    |conclu\w+
    |in this|now|actually|pero|sin embargo|aqui|entonces|portanto|porem|mas|mais|donc|ici|aber|jedoch|also|hier|ma
    |quindi
    |maar|dus|tetapi|jadi|nhung|vay|lakini|но|однако|поэтому|значит)\b|[但却因所故]|しかし|よって|하지만|그러나|따라서|لكن|लेकिन
    |{doubt_words.CORRECTION}
"""
_GROUNDS = "because|since|as|due|given|for|which|porque|ya que|pois|car|parce|weil|da|denn"
_DOUBTED = r"""
    \b(?:but|though|although|however|yet)\b[^.!?\n]*\b(?:not (?:so |entirely |really )?(?:convinced|sold)|disagree|doubt
    |(?:don't|do not) (?:agree|think so|believe)|wrong|mistaken)\b
"""
_NO = "no|nope|non|nein|nao|nee|нет|아니|아니요|いいえ|不|不对|لا|nahi|hapana|khong|tidak"
_BESIDE = 4
"""Characters between a letter and what stands beside it."""


def settled(text: str, same: Mapping[int, int]) -> Statement | None:
    """The statement that counts, or None. ``same`` maps each option to the first one with an equal text.

    Closing sentences that only reject options change nothing, unless they reject the very one that was read.
    """
    text = joined_lines(text)
    body = without_rejections(text)
    cut = len(body)
    if cut < len(text):
        ends = " ;,(-" if "\n" in text[cut : cut + 2] else " ;,:(-"  # "ATN:" on a line of its own breaks off.
        body = citations.join(body.rstrip(ends))  # What stood in front of the rejection ends the text now.
    statement = _settled(body, same)
    if statement is None or _ends_badly(text, statement):
        return None
    if cut == len(text):
        return statement
    denials = [one for find in _FINDERS for one in _alike(find(text), same) if one.denied and one.position >= cut]
    needed = min(statement.strength, Strength.PHRASE)
    return None if any(one.options == statement.options and one.strength >= needed for one in denials) else statement


def _ends_badly(text: str, statement: Statement) -> bool:
    """Prose whose clause goes on with a rejection and names no other option: "Opting for D is a blunder, not ..."."""
    if (
        statement.strength >= Strength.FORM
        or statement.corrects
        or (statement.declared and statement.strength == Strength.WEAK)
    ):
        return False
    following = rx(rf"[^.!?;,:()\n{SYMBOLS}]{{0,80}}").match(text, statement.position + 1)
    said = rx(rf"\b(?:{words.REASON}|{words.INSTEAD})\b").split(following[0], maxsplit=1)[0] if following else ""
    return bool(rx(BAD).search(said))


def _settled(text: str, same: Mapping[int, int]) -> Statement | None:
    said = [one for find in _FINDERS for one in _alike(find(text), same)]
    said.sort(key=lambda one: (one.position, -one.strength))
    standing, rejected = _standing(said)
    if standing:
        statement = _ranked(text, standing, rejected)
        doubts = (_is_taken_back, _has_rival, _is_looked_at_again)
        if statement and any(doubt(text, statement, rejected) for doubt in doubts):
            return None
        if statement and _was_excluded(statement, said):
            return None
        if statement and statement.strength == Strength.WEAK and rx(LEFT_OPEN).search(text):
            return None
        return statement
    return None if any(one.retracts for one in said) else cited(text, same, rejected) or left_standing(text)


def _is_taken_back(text: str, statement: Statement, rejected: set[int]) -> bool:
    """A second look behind it, in the same sentence, ends with another option: "B, wait, hot nodule: D".

    So does a no that follows at once, in any words: "Réponse : A. Non, ...: B".
    """
    denied = rx(rf"{PUNCT}*\s(?:{_NO})[,.!:，].*").match(text, statement.position + 1)
    if (
        denied
        and not statement.corrects
        and {options.index(one[0]) for one in rx(ANY).finditer(denied[0])} - {*statement.options}
    ):
        return True
    if statement.corrects or statement.strength >= Strength.FORM:
        return False
    sentence = rx(r"[^.!?\n]*").match(text, statement.position)
    after = rx(r"\b(?:wait|hold on|on second thought|scratch that|hmm+)\b").split(
        sentence[0] if sentence else "", maxsplit=1
    )
    others = {options.index(one[0]) for one in rx(ANY).finditer(after[-1])} if len(after) > 1 else set()
    doubted = sentence and not rx(ANY).search(sentence[0][1:]) and rx(_DOUBTED).search(sentence[0])
    return bool(doubted or others - rejected - set(statement.options))


def _is_looked_at_again(text: str, statement: Statement, rejected: set[int]) -> bool:
    """A correction begins behind it and asserts another option alone, in words that no rule knows."""
    begins = rf"(?:[.!?]\s|\n){PUNCT}{{0,6}}(?:{doubt_words.RECONSIDERS})(?![a-z])"
    again = rx(begins).search(text, statement.position)
    later = [one for one in asserted(text) if again and again.end() <= one.start() < again.end() + _NEAR]
    named = {options.index(one[0]) for one in later} - rejected
    return bool(named) and not named.intersection(statement.options)


def _was_excluded(statement: Statement, said: Sequence[Statement]) -> bool:
    """One of several that were excluded together, described afterwards: "A, C and D are out. C is ascending"."""
    if statement.corrects or statement.strength >= Strength.FORM or statement.declared:
        return False
    together = [one for one in said if one.denied and one.position < statement.position and len(one.options) > 1]
    return any({*statement.options} <= {*one.options} for one in together)


def _has_rival(text: str, statement: Statement, rejected: set[int]) -> bool:
    """Another option is asserted further on in the same sentence: "A in the first trimester and B afterwards"."""
    if statement.corrects or statement.strength >= Strength.FORM:
        return False
    *_, last = rx(ANY).finditer(text)
    breaks_off = rx(r"\s?:\s(?:[^.!?\s]+ ){2,}[^.!?\s]*[\w,]\Z").match(text, last.end())
    mentions = [options.index(one[0]) for one in rx(ANY).finditer(text, 0, statement.position)]
    item = options.is_cited(text[statement.position]) and not scope(text, statement.position, SENTENCE).strip()
    if (
        item
        and mentions
        and mentions[-1] == statement.options[0] - 1
        and goes_through(text[: statement.position][:300])
    ):
        return True  # The next of the options that are gone through.
    if breaks_off and statement.strength == Strength.WEAK and options.index(last[0]) not in statement.options:
        return True  # A list of options.
    sentence = rx(rf"[^.!?\n]*?(?=[.!?\n(]|,?\s(?:{_GROUNDS})\b|\Z)").match(text, statement.position + 1)
    end = sentence.end() if sentence else statement.position
    return any(
        statement.position < one.start() < end
        and options.index(one[0]) not in rejected.union(statement.options)
        and rx(rf"\b(?:{words.AND}|but|while|whereas)\b|;").search(since_option(text[statement.position : one.start()]))
        for one in asserted(text)
    )


def _alike(said: Iterable[Statement], same: Mapping[int, int]) -> Iterator[Statement]:
    """Statements about options with equal texts become statements about the first of them."""
    for one in said:
        named = tuple(dict.fromkeys(same.get(option, option) for option in one.options))
        yield one._replace(options=named, said=max(one.options, default=-1))


def _standing(said: Sequence[Statement]) -> tuple[list[Statement], set[int]]:
    """What is left when later statements have taken back or corrected earlier ones, and what is rejected."""
    standing: list[Statement] = []
    rejected: set[int] = set()
    second_look = -_NEAR
    for one in said:
        if one.corrects and not one.options:
            second_look = one.position
        elif one.retracts:
            standing.clear()
        elif one.denied:
            rejected.update(one.options)
            weakest = Strength.FORM if one.strength >= Strength.PHRASE else Strength.WEAK
            standing = [other for other in standing if other.strength > weakest or other.options != one.options]
        else:
            if one.strength >= Strength.PHRASE and one.position - second_look < _NEAR:
                one = one._replace(corrects=True)
            if one.corrects:
                standing.clear()
                rejected.difference_update(one.options)
            standing.append(one)
    return standing, rejected


def _ranked(text: str, standing: Sequence[Statement], rejected: set[int]) -> Statement | None:
    """The last of the strongest; None where prose leaves two standing side by side."""
    top = max((one.corrects, one.strength) for one in standing)
    best = [one for one in standing if (one.corrects, one.strength) == top]
    last = best[-1]
    if len(last.options) > 1 and last.strength < Strength.FORM:
        after = [one for one in standing if one.position > last.position and len(one.options) == 1]
        last = after[-1] if after else last
    if top == (False, Strength.FORM) and _is_contradicted(last, standing):
        return None
    if top == (False, Strength.WEAK):
        best = [one for one in best if not rejected.issuperset(one.options)]
        alike = len({one.options for one in best}) == 1
        return best[-1] if alike or (best and _prefers(text, best[0].position, best[-1].position)) else None
    apart = [one for one in best if one.position + _BESIDE < last.position or ";" in text[one.position : last.position]]
    rivals = [one for one in apart if one.options != last.options]
    if top == (False, Strength.PHRASE) and rivals and not _concludes(text, rivals[-1].position, last.position):
        return None
    if last.declared and any(one.declared and one.options != last.options for one in best):
        return None
    return last


def _is_contradicted(form: Statement, standing: Sequence[Statement]) -> bool:
    """Another option is called the answer behind a labelled one: which of the two is meant is not said."""
    later = [one for one in standing if one.position > form.position and one.strength >= Strength.PHRASE]
    return any(form.options != one.options for one in later)


def _prefers(text: str, earlier: int, last: int) -> bool:
    """ "C is good, but D is better"."""
    comparative = rx(rf"[^.!?;,\n{SYMBOLS}]*\b(?:better|best|preferred|superior|safer|stronger|more)\b").match(
        text, last + 1
    )
    return bool(comparative and rx(r"\b(?:but|however|yet|whereas|while)\b").search(text, earlier, last))


def _concludes(text: str, earlier: int, last: int) -> bool:
    """Whether the last of two different answers is set against the earlier one, or named as the answer once more."""
    between = text[earlier + 1 : last]
    again = rx(rf"\b(?:{words.ANSWER})\b").search(between) and rx(SENTENCE).search(between)
    return bool(rx(_SET_AGAINST).search(between) or again)
