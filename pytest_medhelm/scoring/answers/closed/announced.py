"""Options that are announced as the answer: "Answer: B", "I choose B", "the most likely diagnosis is B"."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_medhelm.scoring.answers.closed import options, words
from pytest_medhelm.scoring.answers.closed.context import CLAUSE, OTHER_CASE, PHRASE, is_settled, scope
from pytest_medhelm.scoring.answers.closed.grammar import (
    BAD,
    DENIED_AFTER,
    FULL_STOP,
    JOINED,
    LEAD,
    LEAD_WORD,
    NEGATION,
    PUNCT,
    SYMBOLS,
    options_at,
    stands,
)
from pytest_medhelm.scoring.answers.closed.options import ANY
from pytest_medhelm.scoring.answers.closed.statement import Statement, Strength, read_as
from pytest_medhelm.scoring.answers.closed.words import rx

_NOUN = rf"(?<![\w-])(?:{words.ANSWER})(?![a-z])(?:\.(?=\s?{ANY}))?|(?:{words.ANSWER_LOOSE})"
_LOOSE = rf"(?:{words.ANSWER_LOOSE})"
_GAP = rf"([^\n.!?;。{SYMBOLS}]{{0,90}}?)({ANY})"
_MAX_WORDS = 12
_LABEL = rf"(?:[:=：]|->|→|\s-)\s{{0,3}}{LEAD}$"
_LINK = rf"""
    (?:[:=：]|->|→|-|—|(?:\b|(?<=[^\x00-\x7f]))(?:{words.COPULA})(?:(?: (?:{words.ADVERB}))){{0,2}}:?|'s)
    (?: to (?:start|begin|give|administer|initiate|use|order|perform|obtain|prescribe|add|do|get|measure|check|proceed
    with|switch to))?\s{{0,3}}{LEAD}$
"""
_ALLOWED = rf"(?:(?:{words.FILLER}|{words.COPULA}|{LEAD_WORD})\b|[\s\"'()\[\]*:,-])*"
_LESSER = (
    rf"\b(?:{words.LESSER})\b(?:\W+(?:best|correct|likely|choice|most|right|proposed|possible|good))?\W*(?:\w+\W+)?$"
)
_LESSER_WITHIN = r"""
    \b(?:second|alternative|least|worst|wrong|incorrect|eliminated
    |rejected|runner-?up|other|another|tempting|popular|remaining)\b
"""
_WRONG_BEFORE = r"\b(?:incorrect|wrong|false|not|неправильный|неверный|错误)\W*(?:the\W*)?(?:\w+\W+)?$"
_REMARK_LIST = rf"\s?\([^()\n]{{1,80}}\)\s?[,;]\s?{ANY}"
"""Options with a remark each."""
_GERUND = ("choosing", "selecting", "picking", "opting")
_LESSER_LABEL = rf"\b(?:{words.LESSER.replace('|first|', '|')}|2nd|3rd)\b"
_SHORT_GAP = rf"""
    {LEAD}(?:(?:{words.FILLER}|{words.ANSWER}|{words.COPULA}|{LEAD_WORD}|that|us)\b{PUNCT}{{1,4}}){{0,6}}{LEAD}({ANY})
"""
_AFTER_IDENTIFIED = rf"""
    {FULL_STOP}|\s(?:{words.REASON})\b|[^\x00-\x7f]|,|\s(?:{words.INSTEAD})\b|\s?\?|{JOINED}
"""
_NOT_BEFORE = rf"""
    {NEGATION}|\b(?:not|never|no|cannot|doubt|disagree|hardly|mistakes?|mistaken(?:ly)?|errors?|traps?|pitfalls?
    |temptation
    |nothing|nobody|no one|none|little|lack|against|wrong(?:ly)?|incorrect(?:ly)?|erroneous(?:ly)?
    |unwise|harmful|dangerous|fool\w*|refuse|avoid)\b
"""
_SUPERLATIVE = rf"(?:(?<![\w-])|(?<=[฀-๿぀-鿿가-힣]))(?:{words.SUPERLATIVE})(?![A-Za-z])"
_STRONG = r"(?:correct|right|best)(?: (?:answer|option|choice|one|letter|response))?|correct[ao]|opcion correcta"


_LIKEWISE = r"(?:^|[.!?;,]\s|\n)\W*so (?:is|are|was|does|do|did|would|could|can|may|might|will)\s(?:option\s)?\Z"
"""Before an option: "So is B", no better and no worse than the one before."""


def labelled(text: str) -> Iterator[Statement]:
    """ "Final choice: B" or "A: B" as a line of its own."""
    line = rf"""
        (?:^|;\s|\.\s)({PUNCT}{{0,6}}[^\n:;.{SYMBOLS}]{{0,40}}?\b(?:{words.LABEL})){PUNCT}{{0,4}}
        (?:[:=→]|->|\s-){LEAD}({ANY})(?={PUNCT}*$|[;.])
    """
    for match in rx(line).finditer(text):
        label, symbol = match[1], match[2]
        if any(rx(pattern).search(label) for pattern in (NEGATION, BAD, _LESSER_LABEL)):
            continue
        if is_settled(text, match.start(), match.end(2)):
            yield Statement(match.start(2), (options.index(symbol),), Strength.FORM, "form")
    # A for answer, R for respuesta, réponse, resposta and risposta.
    initial = rf"^{PUNCT}{{0,6}}(?:[AR]|\ue000|\ue011)\s?[:.]\s?{PUNCT}{{0,4}}({ANY}){PUNCT}*$"
    for match in rx(initial).finditer(text):
        yield Statement(match.start(1), (options.index(match[1]),), Strength.FORM, "form")


def answers(text: str) -> Iterator[Statement]:
    """ "Answer: B", "the answer is B", in any language."""
    for noun in rx(_NOUN).finditer(text):
        gap = rx(_GAP).match(text, noun.end())
        if not gap or not stands(text, gap[2], gap.end()) or not _leads_to(text, noun[0], gap[1], gap.end()):
            continue
        between, symbol, start, end = gap[1], gap[2], gap.start(2), gap.end()
        before = scope(text, noun.start(), CLAUSE)
        named = options_at(text, symbol, end)
        if rx(NEGATION).search(between) or rx(DENIED_AFTER).match(text, end) or rx(_WRONG_BEFORE).search(before):
            yield Statement(start, named, Strength.PHRASE, "phrase", denied=True)
        elif not _is_lesser(before, between) and not _is_elsewhere(before, between):
            if rx(_NOT_BEFORE).search(rx(r"\bno doubt\b").sub("", scope(text, noun.start(), PHRASE))):
                continue
            if not is_settled(text, noun.start(), end):
                continue
            form = bool(rx(_LABEL).search(between))
            strength = Strength.FORM if form else Strength.PHRASE
            yield Statement(start, named, strength, read_as(symbol, "form" if form else "phrase"))


def _leads_to(text: str, noun: str, between: str, end: int) -> bool:
    """Whether what stands between a noun and an option makes the option the noun's."""
    count = len(between.split())
    allowed = bool(rx(_ALLOWED).fullmatch(between))
    if count > _MAX_WORDS or (rx(_NOUN).search(between) and not allowed):
        return False
    loose = bool(rx(_LOOSE).fullmatch(noun))
    direct = allowed and (loose or bool(rx(FULL_STOP).match(text, end)))
    return bool(rx(_LINK).search(between)) or direct or (loose and count <= 5)


def _is_lesser(before: str, between: str) -> bool:
    """Second best, worst, somebody's: the noun is not the answer."""
    return bool(rx(_LESSER).search(before) or rx(_LESSER_WITHIN).search(between))


def _is_elsewhere(before: str, between: str) -> bool:
    """ "At term the answer would be D": said of another case than this one."""
    generally = rx(r"\b(?:patients|people|adults|children|cases|women|men|infants|pregnancy)\b").search(before)
    return bool((generally or rx(r"\bwould\b").search(between)) and rx(OTHER_CASE).search(before))


def chosen(text: str) -> Iterator[Statement]:
    """ "I choose B", "it is B", "so B"."""
    for verb in rx(rf"(?:(?<![\w'])|(?<=[぀-鿿]))(?:{words.CHOOSE})").finditer(text):
        leans = "lean" in verb[0].lower()
        gap = rx(_SHORT_GAP).match(text, verb.end())
        if gap and verb[0].lower().startswith(_GERUND) and not rx(_AFTER_IDENTIFIED).match(text, gap.end()):
            continue  # "Choosing C delays treatment."
        yield from _chosen(text, verb.start(), verb.end(), Strength.WEAK if leans else Strength.PHRASE)
    for verb in rx(rf"(?<![\w'])(?:{words.IDENTIFY})").finditer(text):
        gap = rx(_SHORT_GAP).match(text, verb.end())
        if gap and rx(_AFTER_IDENTIFIED).match(text, gap.end()) and not rx(_REMARK_LIST).match(text, gap.end()):
            weak = options.is_text(gap[1])
            yield from _chosen(text, verb.start(), verb.end(), Strength.WEAK if weak else Strength.PHRASE)


def _chosen(text: str, start: int, verb_end: int, strength: Strength) -> Iterator[Statement]:
    gap = rx(_SHORT_GAP).match(text, verb_end)
    if not gap or rx(NEGATION).search(gap[0]) or not stands(text, gap[1], gap.end()):
        return
    if rx(rf"\s(?:{words.COPULA}|would)\s[^.!?;,\n{SYMBOLS}]{{0,30}}?{BAD}").match(text, gap.end()):
        return  # "Choosing D would be a mistake".
    if rx(_LIKEWISE).search(text, 0, gap.start(1)):
        yield Statement(start, (), Strength.PHRASE, "phrase", retracts=True)
        return
    if not rx(_NOT_BEFORE).search(scope(text, start, PHRASE)) and is_settled(text, start, gap.end()):
        yield Statement(gap.start(1), options_at(text, gap[1], gap.end()), strength, read_as(gap[1], "phrase"))


def contrasted(text: str) -> Iterator[Statement]:
    """ "Not A but B"."""
    but = rf"""
        \b(?:not|no|nicht|pas|nao|non|niet|bukan|khong phai|si)(?: (?:{words.COPULA}))?{LEAD}{ANY}(?: after all)?\s?,?
        \s(?:but|sino|pero|sondern|mais|mas|ma|maar|tetapi|melainkan|e sim|ma la|bali)(?: rather| que)?
        {LEAD}({ANY})
        |\b(?:weder|neither|ni|nem|ne|nao)\b{LEAD}{ANY}\s?,?\s(?:noch|nor|ni|nem|ne)\b{LEAD}{ANY}\s?,?
        \s(?:but|sino|sondern|mais|mas|ma){LEAD}({ANY})
        |\bnie{LEAD}{ANY}(?: nie)?,? maar{LEAD}({ANY})
        |\b(?:rather than|instead of){LEAD}{ANY},\s?{LEAD}({ANY})(?={PUNCT}*$)
        |(?:^|[.!?]\s)\W*not{LEAD}{ANY}[,;]\s{LEAD}({ANY})(?={PUNCT}*$|[.!]\s)
        |(?:不是|并非|並非){ANY}[,、]?\s?(?:而)?是\s?({ANY})|{ANY}(?:이|가)?\s?아니라\s?({ANY})|{ANY}ではなく[,、]?\s?({ANY})
        |(?:не|ليست?)\s{ANY},?\s(?:а|بل)\s({ANY})
    """
    here = rf"""
        (?:,?\s(?:but|yet|pero|mais|mas|aber|ma)\s|[;.,]\s)(?:here|for now|at present|in this (?:case|patient|setting
    |situation|scenario)|aqui|ici|hier|qui)
        (?:,?\s(?:it's|it is|es|c'est|ist es))?{LEAD}({ANY})(?={PUNCT}*(?:$|[.;!]))
    """
    swap = rf"""
        \b(?:(?:switch|chang|mov|cross|convert)\w*(?: (?:my|the) \w+)?(?: from)?{LEAD}{ANY} to
        |replac\w+{LEAD}{ANY} (?:with|by)
        |(?:stop|discontinu|withhold|hold)\w*{LEAD}{ANY},?(?: and)?(?: then)? (?:start|begin|give|use|add|initiate
        |switch to|change to))
        {LEAD}({ANY})
        |\b(?:start|begin|give|add|initiate){LEAD}({ANY}),? and (?:stop|discontinue|withhold|hold){LEAD}{ANY}
    """
    swapped = [one for one in rx(swap).finditer(text) if not rx(NEGATION).search(scope(text, one.start(), CLAUSE))]
    for match in [*rx(but).finditer(text), *rx(here).finditer(text), *swapped]:
        number = match.lastindex or 1
        symbol, start, end = match[number], match.start(number), match.end()
        before = match.start() if match.re is rx(here) else 0  # "But here" ends what was supposed.
        if stands(text, symbol, end) and is_settled(text[before:], match.start() - before, end - before):
            yield Statement(start, (options.index(symbol),), Strength.PHRASE, read_as(symbol, "phrase"))


def superlatives(text: str) -> Iterator[Statement]:
    """ "The most likely diagnosis is C"."""
    for subject in rx(_SUPERLATIVE).finditer(text):
        gap = rx(_GAP).match(text, subject.end())
        if not gap or len(gap[1].split()) > _MAX_WORDS or rx(_LESSER_WITHIN).search(subject[0]):
            continue
        direct = rx(LEAD).fullmatch(gap[1]) and rx(rf"{PUNCT}*$|[,.;]").match(text, gap.end())
        if not direct and not rx(_LINK).search(gap[1]):
            continue
        between, symbol, start, end = gap[1], gap[2], gap.start(2), gap.end()
        if not stands(text, symbol, end):
            continue
        named = options_at(text, symbol, end)
        before = scope(text, subject.start(), CLAUSE)
        if rx(NEGATION).search(between):
            yield Statement(start, named, Strength.WEAK, "phrase", denied=True)
        elif not _is_lesser(before, between) and is_settled(text, subject.start(), end):
            strong = rx(_STRONG).match(text, subject.start()) or not options.is_text(symbol)
            strength = Strength.PHRASE if strong else Strength.WEAK
            yield Statement(start, named, strength, read_as(symbol, "phrase"))
