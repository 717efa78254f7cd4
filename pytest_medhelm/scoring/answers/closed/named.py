"""The only option that is cited with its own text; in a short text, the only one whose text is named."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_medhelm.scoring.answers.closed import options, words
from pytest_medhelm.scoring.answers.closed.context import SENTENCE, is_settled, scope
from pytest_medhelm.scoring.answers.closed.grammar import BAD, PUNCT, SYMBOLS, goes_through
from pytest_medhelm.scoring.answers.closed.left import asserted
from pytest_medhelm.scoring.answers.closed.options import CITED, NAMED, TEXT
from pytest_medhelm.scoring.answers.closed.statement import Statement, Strength
from pytest_medhelm.scoring.answers.closed.words import rx

_SHORT = 300
"""Characters of a text that may name an option by its text only, in any plain sentence."""
_LEADS_TO_TEXT = rf"""
    (?:^|[(:,→=>«"'-]|[^\x00-\x7f]|(?<![a-z])(?:{words.COPULA}|of|for|to|by|with|via|through|ha[sd]|have|having|needs?|requires?
    |receives?|gives?|given?|start|get|use
    |(?:give|start|treat|put|offer|prescribe) (?:(?:this|the|our) patient|him|her|them)(?: on| with)?
    |shows?|suggests?|indicates?|confirms?|causes?|below|above|about|around|would|should|must|will|d|type [a-z]
    |called|as|du|des|del?|da|do|di|con|com
    |mit|um|eine?[rmns]?|une?|una|um[a]?|por|para|sugere[m]?|sugieren?|suggere))\s?(?:(?:{words.ARTICLE})\s)?['"(]?$
"""
_NO_CHOICE = r"\b(?:doubt|cross(?:ed)? out|hold|allergic to|(?:already|currently) (?:takes?|taking|on|receiv\w+))\b"
"""Before an option that is named for another reason than to choose it."""
LEFT_OPEN = r"""
    \b(?:diagnosis|answer|question|matter|cause|choice|case)\b[^.!?\n]{0,40}\b(?:remains?|is|stays?)\b[^.!?\n]{0,20}
    \b(?:open|unclear|uncertain|undetermined|undecided|unknown)\b
    |\b(?:more|further) (?:information|tests?|testing|data|history|work-?up|investigations?|details?)\b[^.!?\n]{0,20}
    \b(?:needed|required|necessary)\b[^.!?\n]{0,30}(?:[.!?]\s*\Z|\bbefore\b)
    |\b(?:cannot|can't|can not) (?:yet )?be (?:determined|decided|told|made)\b
"""
_FEW = 4
_WHOLE = (
    rf"\s?(?:{PUNCT}*$|[.,;:!](?!\w)"
    rf"|\s(?:until|to|followed by|the patient|this patient|daily|once|twice|orally|per|before|(?:should|would|must) be"
    rf"|first|now|today|immediately|urgently|promptly"
    rf"|(?:inheritance|pattern|disorder|disease|syndrome|infection|therapy|treatment)(?=\W*$)"
    rf"|[0-9][0-9.,]*\s?(?:mg|mcg|µg|g|ml|iu|units?)|(?:two|three|four|[0-9]+) times|every|next|here|{words.REASON})\b)"
)


def cited(text: str, same: Mapping[int, int], rejected: set[int]) -> Statement | None:
    """The only option that is cited with its own text; in a short text, the only one whose text is named."""
    if rx(LEFT_OPEN).search(text):
        return None
    for kind in (CITED, TEXT):
        if kind == TEXT and (len(text) > _SHORT or rx(NAMED).search(text) or rx(BAD).search(_without_contrast(text))):
            return None
        named: dict[int, int] = {}
        for match in rx(kind).finditer(text):
            index = same.get(options.index(match[0]), options.index(match[0]))
            compared = rx(rf"\b(?:{words.INSTEAD})\s(?:the\s|an?\s)?$").search(scope(text, match.start(), SENTENCE))
            if index not in rejected and not compared and is_settled(text, match.start(), match.end()):
                named.setdefault(index, match.start())
        others = {options.index(one[0]) for one in asserted(text) if not options.is_text(one[0])}
        if len(named) == 1 and not others - set(named) - rejected:
            ((index, position),) = named.items()
            whole = _is_named(text, position) and (kind == CITED or rx(_WHOLE).match(text, position + 1))
            return Statement(position, (index,), Strength.CITED, "citation", said=index) if whole else None
        if named:
            return None
    return None


def _is_named(text: str, position: int) -> bool:
    """A mention that says more than the beginning of a list, and is no half of an alternative."""
    before, after = scope(text, position, SENTENCE), text[position + 1 :].rstrip()
    if rx(r"(?:\b(?:or|vs\.?|versus)|/)\s?(?:the )?$").search(before) or rx(BAD).search(before):
        return False
    if options.is_text(text[position]) and not rx(_LEADS_TO_TEXT).search(before):
        return False
    if rx(_NO_CHOICE).search(before) or rx(r"\s(?:could|might|may|used to|seemed|was considered)\b").match(
        text, position + 1
    ):
        return False
    if options.index(text[position]) == 0 and not before.strip(" *(-") and goes_through(text[:position][-120:]):
        return False
    unfinished = after and not rx(rf"[.!?。)\]{SYMBOLS}\"'\d]").match(after[-1])
    if unfinished and (after[0] == ":" or goes_through(text[max(0, position - 120) : position])):
        return False
    return not unfinished or len(after.split()) < _FEW or bool(rx(rf"\s(?:{words.REASON})\b").match(after))


def _without_contrast(text: str) -> str:
    """Without what an option is set against at the end: "..., not oral antibiotics"."""
    return rx(rf",?\s(?:{words.INSTEAD})(?![a-z])[^.,;\n{SYMBOLS}]{{0,60}}\W*\Z").sub("", text)
