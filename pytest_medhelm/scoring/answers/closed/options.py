"""Turns every mention of an option into one symbol, so that what is said about it can be matched.

A letter, an option's text, and a letter together with its own text (a citation) become three kinds of symbols, from
the private use area of Unicode. What stands for no option stays text: "Hepatitis B", "a patient", "I think".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from pytest_medhelm.scoring.answers.closed import letter_words, words
from pytest_medhelm.scoring.answers.folding import tidy, unaccent
from pytest_medhelm.util.patterns import compiled

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LETTER_AT, CITED_AT, TEXT_AT = 0xE000, 0xE100, 0xE200
"""Where the symbols of letters, citations and texts begin."""
CONFLICT = "\ue300"
"""A letter beside the text of another option."""
LETTER = "[\ue000-\ue019]"
CITED = "[\ue100-\ue119]"
TEXT = "[\ue200-\ue219]"
NAMED = "[\ue000-\ue019\ue100-\ue119\ue300]"
"""A letter, with or without its text."""
ANY = "[\ue000-\ue019\ue100-\ue119\ue200-\ue219\ue300]"

_PRIVATE = "[\ue000-\uf8ff]"
_GAP = r"[\s!-$&-*,\-./:;?@\[-`{-~«»¿¡·‘-„…、-】]"
# Words and numbers of an option, with the signs that tell "-1" from "1" and "<5" from ">5".
_TOKEN = r"(?:(?<!\w)-(?=\d))?[^\s!-$&-*,\-./:;?@\[-`{-~«»¿¡·‘-„…、-】]+"
_MAX_TOKENS = 40
_OPTION, _ANSWER, _COPULA = (words.spaced(pattern) for pattern in (words.OPTION, words.ANSWER, words.COPULA))
_LATIN = r"A-Za-z0-9ß-ɏ"
_UNSPACED = r"[\u0e00-\u0eff\u1000-\u109f\u3040-\u9fff\uac00-\ud7ff]"

# Capital letters that are clearly apart; the words around decide whether one is an option.
_CAPITAL = rf"(?<![{_LATIN}_^&-])(?<![A-Z0-9]\.)(?<![{_LATIN}]['/])([A-Z])(?![{_LATIN}_+&^]|['-]\w|\.\w|/[a-z])"
_HYPHENATED = rf"(?i:\b(?:{letter_words.PREFIXES})-)([A-Z])(?![{_LATIN}_])"
_RANGE_BEFORE = (
    r"(?i)[0-9]\s?(?:to|bis|until|a|à|bis zu|al?|до|sampai|hadi|đến|and|or|et|ou|y|o|und|oder|,|[-–~～至到])\s?$"
)
_RANGE = rf"(?<![{_LATIN}-])([A-Z])\s?-\s?([A-Z])(?![{_LATIN}-])(?!\s(?:is|was|isn't|would|has|does)\b)"
_SLASHED = r"(?<![\w/])([A-Z])/([A-Z])(?![\w/])"
_SMALL = rf"""(?x)
    (?P<bracket>[(\[]\s?)([a-z])(?=\s?[)\]])
  | (?P<line>^[^\w\n]{{0,6}})([a-z])(?=[.):](?:\s|$)|[^\w\n]*$)
  | (?P<noun>(?i:\b(?:{_OPTION}|{_ANSWER}|it's|its|it\sis)(?:\s{{1,2}}(?:{_COPULA}))?(?:\s?[:=]\s{{0,2}}|\s{{1,2}})
      (?:(?:{_OPTION})\s)?["'(]?))([a-z])(?=["')\].,;:!]|\s*$|\s(?:because|since|as|due)\b)
"""
_ARTICLE_LIKE = rf"(?i)[^\S\n]{{1,3}}(?!(?:{letter_words.AFTER_ARTICLE_LETTER})\b)[{_LATIN}]"

_COMPOUND = rf"(?i)[^\S\n](?:{letter_words.COMPOUND})\b"
_CARRIER = rf"(?i)(?<!\bthis\s)(?<!\bour\s)\b(?:{letter_words.CARRIER})[^\S\n]$"
_INTRODUCED = (
    rf"(?i)(?:(?:{words.OPTION}|{words.ANSWER})\W{{0,3}}|[:=(]\s?|'s\s|\b(?:is|was|be|choose|select|pick)\W{{1,3}})$"
)
_PRONOUN = r"[^\S\n]{0,3}(?:$|[.)\]:](?!\w)|,?[^\S\n](?:because|since|given|due)\b|[^\S\n](?:is|was)\b)"


def mark(text: str, choices: Sequence[str]) -> str:
    """The text with symbols for its mentions of options; ``text`` has gone through ``tidy``."""
    options = [_tokens(choice) for choice in choices[:26]]
    text = compiled(_PRIVATE).sub(" ", text)
    if compiled(r"(?:^|\s)a\)\s").search(text) and compiled(r"\sb\)\s").search(text):
        text = compiled(r"(?:(?<=\s)|^)([a-j])\)(?=\s)").sub(lambda match: match[1].upper() + ")", text)
    words_alone = "|".join(sorted(letter_words.COMMON))
    text = compiled(rf"(?i)\((?:{words_alone})(?:\s?[/|,]\s?(?:{words_alone}))+\)").sub(
        "", text
    )  # "Answer (yes/no): no".
    text = _mark_texts(text, options, choices)
    if any(choice.strip().lower() in letter_words.COMMON for choice in choices):
        text = compiled(rf"(?m)^(\W{{0,4}}{TEXT})\s?(?:[-:]\s|(?=\())").sub(r"\1, ", text)  # "No - there was none".
    text = compiled(_RANGE).sub(lambda match: CONFLICT if match[1] < match[2] else match[0], text)
    text = compiled(_SLASHED).sub(_apart(len(options)), text)
    return _mark_letters(text, options)


def _apart(count: int) -> Callable[[re.Match[str]], str]:
    """Sets the two options of "A/C" apart; "N/A" stays."""

    def apart(match: re.Match[str]) -> str:
        both = all(LETTERS.index(letter) < count for letter in match.groups())
        return f"{match[1]} / {match[2]}" if both else match[0]

    return apart


def index(symbol: str) -> int:
    """Which option a symbol stands for, from 0; -1 for a conflict."""
    return -1 if symbol == CONFLICT else ord(symbol) & 0xFF


def is_text(symbol: str) -> bool:
    """The symbol stands for an option's text without its letter."""
    return TEXT_AT <= ord(symbol) < TEXT_AT + 26


def is_cited(symbol: str) -> bool:
    """The symbol stands for a letter together with its own text."""
    return CITED_AT <= ord(symbol) < CITED_AT + 26


def _tokens(choice: str) -> tuple[str, ...]:
    tidied = tidy(choice)
    return tuple(compiled(_TOKEN).findall(tidied)) or (tidied.strip(),)


def _is_weak(tokens: Sequence[str]) -> bool:
    """Too short or too common to be looked for in the middle of a sentence."""
    joined = "".join(tokens)
    if len(tokens) == 1 and joined.lower() in letter_words.COMMON:
        return True
    return len(joined) < (2 if compiled(_UNSPACED).search(joined) else 4) or joined.replace(".", "").isdigit()


def _mark_texts(text: str, options: Sequence[tuple[str, ...]], choices: Sequence[str]) -> str:
    by_text: dict[str, int] = {}
    for number, tokens in enumerate(options):
        by_text.setdefault(" ".join(tokens).lower(), number)
    strong: list[tuple[str, int]] = []
    weak: list[tuple[str, int]] = []
    for number, tokens in enumerate(options):
        if not tokens[0] or by_text[" ".join(tokens).lower()] != number:
            continue
        if len(tokens) == 1 and len(tokens[0]) == 1 and tokens[0].isalpha() and tokens[0].isascii():
            continue  # The options of a blood group are letters themselves.
        (weak if _is_weak(tokens) else strong).append(
            (_pattern(tokens, asks=choices[number].strip().endswith("?")), number)
        )
        if short := _abbreviated(tokens):
            strong.append((short, number))
    if strong:
        text = _substitute(text, "", strong, "")
    if weak:
        before = (
            rf"^[^\w\n+<>≤≥±-]{{0,12}}(?:-\s)?|[:=]\s?[^\w\n+<>≤≥±-]{{0,6}}|[A-Za-z][.):,]{{1,2}}\s{{0,2}}[(]?"
            rf"|(?:\b(?:so|thus|hence|therefore|answer|says?|towards?|choose|select|pick|probably|definitely|certainly)|[.!?→])[,:]?\s"
            rf"|\b(?:{words.COPULA})\s(?:(?:about|around|approximately|roughly)\s)?[^\w\n+<>≤≥±-]{{0,4}}|\b[A-Za-z]\s{{1,2}}[(-]?\s?|\("
        )
        after = (
            rf"(?=[^\w\n/%]*$|\s-{{1,2}}\s|[.,;:!?)\]\"'}}](?!\d)|\s+(?:{words.REASON})"
            rf"|\s?\()"
        )
        text = _substitute(text, before, weak, after)
    return text


def _substitute(text: str, before: str, patterns: Sequence[tuple[str, int]], after: str) -> str:
    ordered = sorted(patterns, key=lambda pattern: -len(pattern[0]))
    groups = "|".join(f"(?P<o{group}>{pattern})" for group, (pattern, _) in enumerate(ordered))
    whole = re.compile(f"(?im)(?P<before>{before})(?:{groups}){after}")

    def symbol(match: re.Match[str]) -> str:
        group = int((match.lastgroup or "o0")[1:])
        start = match.end("before")
        if text[start].isdigit() and compiled(_RANGE_BEFORE).search(text[max(0, start - 12) : start]):
            return match[0]  # "4 to 6 weeks" is none of the options "4 weeks" and "6 weeks".
        return match["before"] + chr(TEXT_AT + ordered[group][1])

    return whole.sub(symbol, text)


def _pattern(tokens: Sequence[str], *, asks: bool = False) -> str:
    asked = r"\?{0,2}" if asks else ""  # The option's own question mark casts no doubt on it.
    parts = [re.escape(token) for token in tokens[:_MAX_TOKENS]]
    if len(tokens) > 2:  # An article more or less makes no other option.
        parts = [part for part in parts if part.lower() not in ("a", "an", "the")] or parts
    article = r"(?:(?:an?|the|and|with)[^\S\n])?" if len(tokens) > 2 else ""
    body = f"{_GAP}{{1,6}}{article}".join(parts)
    if len(parts) == 2 and parts[0][-1].isdigit() and parts[1].isalpha():
        body = f"{parts[0]}{_GAP}{{0,6}}{parts[1]}"  # "20mg" for "20 mg".
    first, last = tokens[0][0], tokens[-1][-1]
    start = r"(?<![\w<>≤≥±])"
    if compiled(_UNSPACED).match(first):
        start = ""
    elif first in "-<>≤≥±+":
        start = r"(?<![\w+<>≤≥±])"
    elif first.isdigit():
        start = r"(?<![\w<>≤≥±.-])"
    end = "" if compiled(_UNSPACED).match(last) else r"(?![\w%]|/\w|[.,]\d|-\d)"
    if last.isalpha():
        end = r"(?!\w|/\w)" if not compiled(_UNSPACED).match(last) else ""
    return f"{start}{body}{end}{asked}"


def _abbreviated(tokens: Sequence[str]) -> str:
    """The short form of a species: C. albicans for Candida albicans."""
    if len(tokens) != 2 or not all(token.isalpha() and token.isascii() and len(token) > 3 for token in tokens):
        return ""
    if not (tokens[0][0].isupper() and tokens[1].islower()):
        return ""
    return rf"(?<!\w)(?-i:{tokens[0][0]})\.\s?{re.escape(tokens[1])}(?!\w)"


def _mark_letters(text: str, options: Sequence[tuple[str, ...]]) -> str:
    lettered = {
        tokens[0].upper(): number for number, tokens in enumerate(options) if len(tokens) == 1 and len(tokens[0]) == 1
    }

    def capital(match: re.Match[str]) -> str:
        letter, start, end = match[1], match.start(1), match.end(1)
        before = text[max(0, start - 40) : start]
        prefix = text[match.start() : start]
        introduced = bool(compiled(_INTRODUCED).search(before))
        if not _names_option(text, letter, before, end, len(options), introduced=introduced):
            return match[0]
        number = LETTERS.index(letter)
        other = lettered.get(letter)
        if other is not None and other != number and not compiled(rf"(?i)(?:{words.OPTION})\W{{0,3}}$").search(before):
            return prefix + (CONFLICT if number < len(options) else chr(TEXT_AT + other))
        return prefix + chr(LETTER_AT + number)

    def small(match: re.Match[str]) -> str:
        letter = next(group for group in (match[2], match[4], match[6]) if group)
        number = LETTERS.index(letter.upper())
        if number >= len(options) or lettered.get(letter.upper(), number) != number:
            return match[0]
        return match[0][:-1] + chr(LETTER_AT + number)

    text = _latin_letters(text)
    text = compiled("(?m)" + _CAPITAL).sub(capital, text)
    text = compiled(_HYPHENATED).sub(lambda match: match[0][:-1] + chr(LETTER_AT + LETTERS.index(match[1])), text)
    return compiled("(?m)" + _SMALL).sub(small, text)


# Letters by which options are named in other alphabets; В and Е are left out, which look like B and E and are C and F.
_ALPHABETS = ("АБ\0ГД", "أبجده", "ابجدە", "कखगघङ", "কখগঘঙ", "กขคงจ", "ΑΒΓΔΕ", "አበገደሀ")
_LOCAL = {
    letter: LETTERS[n] for alphabet in _ALPHABETS for n, letter in enumerate(unaccent(alphabet)) if letter != "\0"
}
_LOCAL |= {"С": "C"}
_LOCAL_LETTER = rf"""(?xm)
    (^[^\w\n]{{0,6}}|[:：(—-]\s{{0,2}}|(?:\b|(?<=[ก-๿]))(?:{_ANSWER}|{_OPTION}|{_COPULA})\s[("']{{0,2}})([{"".join(_LOCAL)}])(?=[^\w\n]*$|[).。،,;]|\s[A-Za-z(-])
"""


def _latin_letters(text: str) -> str:
    """Letters of other alphabets that stand where an option is named, as A, B, C."""
    return text if text.isascii() else compiled(_LOCAL_LETTER).sub(lambda match: match[1] + _LOCAL[match[2]], text)


def _names_option(text: str, letter: str, before: str, end: int, count: int, *, introduced: bool) -> bool:
    inside = LETTERS.index(letter) < count
    following = text[end : end + 40]
    if letter == "I":
        if compiled(r"(?m)^\W{0,6}II\b").search(text):
            return False  # Roman numerals.
        opens = not before.strip() or before.endswith("\n") or introduced or before.endswith(("(", "["))
        return inside and opens and bool(compiled("(?m)" + _PRONOUN).match(following))
    if compiled(_CARRIER).search(before) or compiled(rf"\.\s?(?:{letter_words.SPECIES})\b").match(following):
        return False
    if compiled(r"[^\S\n]{0,3}[\ue200-\ue219]").match(following):
        return letter not in "AO" or ord(following.strip()[0]) == TEXT_AT + LETTERS.index(letter)
    if compiled(r"[^\S\n]{1,3}[0-9]").match(following):
        return bool(compiled(r"[^\S\n]{1,3}(?:[0-9.]{1,6}\s?%|[0-9]{1,2}[.)]\s)").match(following))
    if compiled(r"[^\S\n][A-Z](?![\w'+-])").match(following):
        return True
    if letter not in "AO":
        return not compiled(_COMPOUND).match(following)
    inside_sentence = compiled(r"(?<!\bis)(?<!\bwas)(?<=[a-z,;])[^\S\n]{1,2}$").search(before)
    return bool(inside_sentence) or not compiled(_ARTICLE_LIKE).match(following)
