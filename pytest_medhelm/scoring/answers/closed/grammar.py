"""Pieces of patterns that several finders of statements share.

Options are symbols here (``options``); a blank stands for one to three, and the breaks of wrapped patterns for nothing
(``words.rx``).
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_medhelm.scoring.answers.closed import doubt_words, options, words
from pytest_medhelm.scoring.answers.closed.options import ANY, NAMED
from pytest_medhelm.scoring.answers.closed.words import rx

SYMBOLS = "\ue000-\uf8ff"
"""For use within brackets: every symbol."""
PUNCT = rf"[^\w\n{SYMBOLS}✗✘❌✖]"
"""What says nothing; a cross rejects."""
LEAD_WORD = rf"(?:{words.ARTICLE}|{words.ADVERB}|{words.OPTION})"
LEAD = rf"{PUNCT}{{0,8}}(?:(?:{LEAD_WORD})(?:{PUNCT}{{1,4}}|(?<=[^\x00-\u2fff]))){{0,4}}"
"""What may stand directly before an option: marks, articles, "option"."""
TIGHT_LEAD = rf"[\s\"'(\[]{{0,4}}(?:(?:{LEAD_WORD})[\s\"'(\[]{{1,4}}){{0,4}}"
"""The same without a mark that would end a clause."""
FULL_STOP = rf"(?:{PUNCT}*$|[.,;:!)\]\"'](?!\w)|\s-|\s?\()"
INSTEAD = rf"\s?,?\s?(?:{words.INSTEAD})(?![a-z])"
JOINED = rf"""
    \s{{0,3}}(?:,?\s?(?:{words.AND})(?![a-z])|[/,&+→、]|->|和|或|及|与|與|と|か|または|및|와|과|또는)\s{{0,3}}
    (?:(?:both|either|maybe|perhaps|possibly)\s)?(?!{PUNCT}*(?:with|on|for)\b){LEAD}({ANY})
"""
"""A second option behind a first."""
NEGATION = r"""
    (?:\b(?:not|n't|never|cannot|no|isn't|wasn't|nicht|kein\w*|pas|nao|non|niet|nunca|jamais|bukan|tidak|khong|si|sio
    |siyo|ayisi|asiyo|akusi|не|ليست?|لا|नहीं|না|নয়)\b|\w+n't\b|不|并非|並非|ไม่)
"""
BAD = rf"(?:(?<![\w'])(?:{words.BAD})(?![a-z'])|{words.BAD_UNSPACED})"
_HEADING = 5
"""Words of a heading at most."""
DENIED_AFTER = r"""
    \s{0,2}(?:(?:이|가|은|는|が|は|है|ni|e|is|was|es|est|ist)\s?)?
    (?:is not|isn't|wrong|incorrect|false|not correct|not right|no es|n'est pas|ist nicht|ist falsch|falsch|nao e|non e
    |नहीं|নয়|না|아니|아닙|ではな|ではあり|でな|不是|不对|错|ไม่|አይደለም|ليست?|не)
"""
_AFTER_TEXT = rf"""
    [)\]}}"']{{0,3}}(?:{PUNCT}{{0,6}}$|[.:;!,。、](?!\w)|\s?\(|\s-|\s?[ぁ-ん]
    |\s(?:inheritance|pattern|disorder|disease|syndrome|condition|infection|therapy|treatment)(?:{PUNCT}{{0,6}}$
    |[.:;!,](?!\w))
    |\s(?:until|to|before|after|followed by|during|via|secondary to|caused by)\b
    |,?\s(?:{words.REASON}|rather than|instead of|over|not|in this|here|and not)\b)
"""


_OWN_VERDICT = (
    rf"\s?(?:{words.COPULA})(?!\s?both\b)(?<!are)(?<!were)(?<!sind)(?<!son)(?<!sont)(?<!sao)(?<!sono)(?![a-z])"
)
"""Behind "B, A is a distractor": the second is not named together with the first."""


_ENDS_IN_IS = "(?:is|would be|should be|es|seria|est|serait|ist|ware|e|seria|sarebbe)"
_ONE_BY_ONE = r"""
    \b(?:each|every|all|options|choices|these|following|evaluat\w+|analy[sz]\w+|consider\w*|review|examine|compare
    |go through
    |look at|one by one|step)\b
"""
_ANNOUNCES = r"""
    :[*_\s]*$|\b(?:let's|let us|let me|we(?:'ll|'d| will| need| must| can| should| have)|i(?:'ll| will| need)
    |here (?:is|are)|step by step|one by one|in turn|to (?:answer|determine|solve|decide|find|identify))\b
"""
"""Options that are gone through one after the other, and that this is to begin."""


def goes_through(text: str) -> bool:
    """Whether a sentence or a heading announces that options are gone through one after the other."""
    return bool(rx(_ONE_BY_ONE).search(text))


def begins_to_go_through(text: str) -> bool:
    """The same of a sentence that says what comes, not one that looks back: "This explains all findings"."""
    return goes_through(text) and bool(rx(_ANNOUNCES).search(text) or len(text.split()) <= _HEADING)


def breaks_off(text: str, end: int) -> bool:
    """ "A. Vancomycin: this drug is used for": options that are gone through, cut off in the first."""
    described = rx(r"\s?[:-]\s\w[^\n]{30,}").match(text, end)
    return bool(described) and not rx(ANY).search(text, end) and not rx(r"[.!?)。]\W*$").search(text[-4:])


def stands(text: str, symbol: str, end: int) -> bool:
    """Whether a symbol is the whole of what is named: "metformin toxicity" is not the option metformin."""
    return bool(rx(_AFTER_TEXT).match(text, end)) if options.is_text(symbol) else True


def options_at(text: str, symbol: str, end: int) -> tuple[int, ...]:
    """The option of a symbol that ends here, and those joined to it by "and", "or" and the like."""
    return group_at(text, symbol, end)[0]


def group_at(text: str, symbol: str, end: int) -> tuple[tuple[int, ...], int]:
    """The options of ``options_at``, and where the last of them ends."""
    group = [options.index(symbol)]
    while not rx(INSTEAD).match(text, end):
        other = rx(JOINED).match(text, end) or rx(rf"[^\S\n]?({NAMED})").match(text, end)
        if not other or ("," in other[0] and rx(_OWN_VERDICT).match(text, other.end())):
            break
        group.append(options.index(other[1]))
        end = other.end()
    return tuple(dict.fromkeys(group)), end


def sentences(text: str) -> Iterator[tuple[int, str]]:
    """Each sentence with its position; a line end ends one."""
    start = 0
    for end in rx(r"(?<=[.!?;。！？])\s+(?![✗✘❌✖✓✔✅☑])|\n+|(?<=[。！？])(?=\S)").finditer(text):
        if text[start : end.start()].strip():
            yield start, text[start : end.start()]
        start = end.end()
    if text[start:].strip():
        yield start, text[start:]


def joined_lines(text: str) -> str:
    """The text with a heading or a label on one line with the option that stands below it, "as is B" beside its A."""
    text = rx(rf"({ANY})(\s[^.;\n{SYMBOLS}]{{0,80}}?),?(?: and)? (?:as|so) (?:is|are|does|do|would) ({ANY})").sub(
        r"\1 and \3\2", text
    )
    heading = rf"""
        ^([^\n{SYMBOLS}]{{0,80}}\b(?:{words.ANSWER}|option|choice|{doubt_words.CORRECTION})\b[^\n.:={SYMBOLS}]{{0,60}}?)
        [^\w\n.!?{SYMBOLS}]*\n\s*(?={LEAD}{ANY})
    """
    bare = rf"^([^\w\n]{{0,8}}(?:{words.ANSWER})\s?)[^\w\n{SYMBOLS}]*\n\s*(?={LEAD}{ANY})"
    sentence = rf"^([^\n{SYMBOLS}]{{0,200}}?\b{_ENDS_IN_IS})[^\w\n.!?{SYMBOLS}]*\n\s*(?={LEAD}{ANY})"
    text = rx(sentence).sub(r"\1: ", text)  # "The most likely diagnosis is:" above the option.
    for pattern in (heading, bare):
        text = rx(pattern).sub(lambda match: match[0] if goes_through(match[1]) else f"{match[1]}: ", text)
    return text
