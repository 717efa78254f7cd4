"""Options that stand alone: as a paragraph, as a sentence, or at the head of the first or the last line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_medhelm.scoring.answers.closed import doubt_words, options, words
from pytest_medhelm.scoring.answers.closed.context import OTHER_CASE, is_settled
from pytest_medhelm.scoring.answers.closed.corrections import announces_correction
from pytest_medhelm.scoring.answers.closed.grammar import (
    BAD,
    INSTEAD,
    LEAD,
    PUNCT,
    SYMBOLS,
    TIGHT_LEAD,
    begins_to_go_through,
    breaks_off,
    goes_through,
    group_at,
    sentences,
)
from pytest_medhelm.scoring.answers.closed.left import asserted
from pytest_medhelm.scoring.answers.closed.options import ANY, NAMED
from pytest_medhelm.scoring.answers.closed.statement import Statement, Strength, read_as
from pytest_medhelm.scoring.answers.closed.words import rx

_ALONE = rf"""
    {LEAD}({ANY})(?:[\s,]*\1)*(?:{PUNCT}
    |,?\s(?:only|alone|i think|i believe|i guess|i would say|for sure|final answer|of course|obviously)\b
    |选项|選項|選択肢|です|입니다|번|이다)*
"""
_CLOSING = rf"""
    ([^\n]*)([:：,→⇒∴]|[-=]>
    |\b(?:but|then|so|hence|thus|nevertheless|nonetheless|still|instead)\b)\s?{LEAD}({ANY}){PUNCT}*
"""
_HEAD = rf"""
    \s{{0,2}}(?:{PUNCT}*$|[.,:;)!|-]|\s?\(|\s-|\s+(?:{words.REASON}|{words.INSTEAD})\b
    |\s+(?:first|followed by)\b|\s+with\s(?:\w+\s)?(?:[0-9]|confidence|certainty))
"""
_TEXT_HEAD = rf"\s?(?:[.,:;!(]|-\s|\s(?:{words.REASON}|{words.INSTEAD})\b)"
_NO_LABEL = rf"\b(?:{words.NOT_A_LABEL}|{words.LESSER.replace('|not|', '|')}|{words.ANSWER}|{words.LABEL})\b"
_HEDGED = rf"\s?,?\s?\(?(?:or )?(?:possibly|perhaps|maybe){LEAD}{ANY}"
_REASON = rf"\b(?:{words.REASON.replace('which|', '')})\b"
_OPENS_LINE = rf"^(?:{PUNCT}|[0-9]{{1,2}}[.)]\s|(?:{words.OPTION})\s)*({NAMED})(?=\s?[.):,-]|\s?$|\s)"
_NUMBERED = rf"(?:^{PUNCT}{{0,6}}|[\s,;])[0-9]{{1,2}}[.)]\s{{0,3}}{ANY}(?=[\s,;.]|$)"
"""A ranking of options."""
_THUS = r"\b(?:so|thus|therefore|hence|donc|por tanto|por lo tanto|portanto|also|quindi|jadi|поэтому)$"
_NOT_SAID = r"\b(?:would|could|might|may|if|helps? to|than)\b"
_WORDS = 7

Listed = Sequence[tuple[int, int]]
"""The options that open a line, each with its position."""


def alone(text: str) -> Iterator[Statement]:
    """Every option that stands alone where that makes it the answer."""
    listed = [(options.index(match[1]), match.start(1)) for match in rx(_OPENS_LINE).finditer(text)]
    yield from _sentences(text, listed)
    yield from _closing(text)
    lines = [line for line in text.splitlines() if line.strip()]
    for line in dict.fromkeys((lines[0], lines[-1]) if lines else ()):
        for statement in _head(text, line, listed):
            yield statement if line == lines[0] else statement._replace(strength=Strength.WEAK)


def _sentences(text: str, listed: Listed) -> Iterator[Statement]:
    every = list(sentences(text))
    ranked = len(rx(_NUMBERED).findall(text)) > 1
    for number, (start, sentence) in enumerate(every):
        match = rx(_ALONE).fullmatch(sentence.strip())
        if match and number and number == len(every) - 1 and rx(r"[:,(]$").search(sentence.strip()):
            continue  # It was to go on.
        if match and not ranked and not sentence.strip(" .,;").endswith("?"):
            position = start + sentence.index(match[1])
            index = options.index(match[1])
            said = Statement(position, (index,), Strength.PHRASE, read_as(match[1], "lone letter"))
            if number and announces_correction(every[number - 1][1]):
                yield said._replace(corrects=True)
            elif number == len(every) - 1:
                own_line = text[:start].endswith("\n") or not text[:start].strip()
                begins_list = number and index == 0 and begins_to_go_through(every[number - 1][1])
                if not own_line and not is_settled(text, position, position + 1):
                    continue
                if not (own_line and (begins_list or _continues_list(listed, index, position))):
                    yield said._replace(strength=Strength.FORM) if own_line else said
            elif number == 0 and not _is_list(text, listed):
                yield said


def _closing(text: str) -> Iterator[Statement]:
    """ "They are not: B" as the last sentence."""
    for start, sentence in list(sentences(text))[-1:]:
        match = rx(_CLOSING).fullmatch(sentence.strip())
        if not match:
            continue
        label = match[1].strip()
        end, chosen = start + len(sentence), options.index(match[3])
        if any(start <= one.start() < end and options.index(one[0]) != chosen for one in asserted(text)):
            continue
        position = start + sentence.rindex(match[3])
        concludes = rx(_THUS).search(label) and not rx(r"\bif\b").search(label)
        is_sentence = match[2] == "→" and len(label.split()) > _WORDS
        names_answer = (
            label and label.lower() != "not" and (concludes or is_sentence or not rx(_NO_LABEL).search(label))
        )
        elsewhere = match[2] in (",", "，") and rx(OTHER_CASE).search(label)
        if elsewhere and rx(ANY).search(text, max(0, start - 200), start):
            continue  # "In children A; at term, B".
        if match[2] == "→" and (rx(BAD).search(label) or rx(_NOT_SAID).search(label)):
            continue
        weighed = match[2] != "but" and rx(rf"(?<![\w'])(?:{doubt_words.WEIGHED})").search(label)
        names_answer = names_answer and not weighed and not rx(words.ANSWER_LOOSE).search(label)
        if names_answer and is_settled(text, position, position + 1):
            yield Statement(position, (options.index(match[3]),), Strength.PHRASE, "phrase")


def _head(text: str, line: str, listed: Listed) -> Iterator[Statement]:
    """ "B because ...", "B: it lowers glucose"."""
    opening = rx(rf"{LEAD}({ANY})").match(line)
    if not opening or not rx(_HEAD).match(line, opening.end()) or rx(rf"{PUNCT}*").fullmatch(line, opening.end()):
        return
    symbol, rest = opening[1], line[opening.end() :]
    start = text.rfind(line)
    cited_first = options.is_cited(symbol) and options.index(symbol) == 0
    if cited_first and (breaks_off(text, start + opening.end()) or goes_through(text[:start][-120:])):
        return
    if options.is_text(symbol) and not rx(_TEXT_HEAD).match(rest):
        return
    if rx(rf"{ANY}\s?[:?=]").search(rest) or (
        rx(r"\W{0,4}[0-9.]+").match(rest) and rx(rf"{ANY}\W{{0,4}}[0-9.]").search(rest)
    ):
        return  # A verdict on each option.
    if {index for index, _ in listed} - {options.index(symbol)}:
        return
    named, stop = group_at(line, symbol, opening.end())
    if len(named) > 1 and rx(rf"\s(?:{words.COPULA}|sont|sind|son|sao|sono|all|both|have|can|could|may)\b").match(
        line, stop
    ):
        return  # "A, B and C are ..."
    remark = rx(rf"\s?\((?:{words.LESSER}|{words.NOT_A_LABEL})\b[^()\n]*{ANY}[^()\n]*\)").match(line, stop)
    stop = remark.end() if remark else stop
    said = rx(rf"{_REASON}|{INSTEAD}(?={TIGHT_LEAD}{ANY})").split(line[stop:].lstrip(" .,:)-"), maxsplit=1)[0]
    said = " ".join(rx(rf"[^.!;{SYMBOLS}]*").match(said)[0].split()[:_WORDS])  # type: ignore[index]
    answers_yes_no = options.is_text(symbol) and rest.startswith(",") and len(named) == 1
    position = text.rfind(line) + opening.start(1)
    if (not answers_yes_no and rx(BAD).search(said)) or not is_settled(text, position, position + 1):
        return
    if rx(_HEDGED).match(rest):
        if not rx(r"\b(?:probably|likely)\b").search(line[: opening.start(1)]):
            return
        named = named[:1]
    yield Statement(position, named, Strength.PHRASE, read_as(symbol, "lone letter"))


def _is_list(text: str, listed: Listed) -> bool:
    """Several lines, two from A on or three from any, say nothing but an option each."""
    bare = [index for index, position in listed if rx(rf"{ANY}{PUNCT}*$").match(text, position)]
    return len(set(bare)) > (1 if bare and bare[0] == 0 else 2)


def _continues_list(listed: Listed, index: int, position: int) -> bool:
    """The option is the next one of a list of options: a list that ends is no answer."""
    before = [other for other, at in listed if at < position]
    return bool(before) and before[-1] == index - 1 and index not in before
