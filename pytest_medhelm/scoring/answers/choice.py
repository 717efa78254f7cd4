"""Reads which option of a multiple-choice question was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from pytest_medhelm.scoring.answers.folding import fold, unwrap_latex
from pytest_medhelm.scoring.answers.markers import final_readings, json_answer
from pytest_medhelm.util.patterns import compiled

# All patterns here work on folded text: lower case, no accents, no emphasis marks.
_MARKUP = r"[*_`$]+"
_COMPARISON = r"([<>≤≥±=])\s{1,3}(?=\d)"
# Words and numbers of an option, with the signs that tell "-1" from "1" and "<5" from ">5".
_TOKEN = r"(?:(?<!\w)-(?=\d))?[^\s!-$&-*,\-./:;?@\[-`{-~«»¿¡·‘-„…、-】]+"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_MAX_LEAD = 12
_ARTICLES = "a an the la el una un le les der die das eine ein o um uma il lo"
_YES_NO = "yes no maybe true false si oui non ja nein sim nao"

_NOUN = r"""(?:(?:options?|choices?|answers?|letter|item|opcion|alternativa|letra|inciso|respuesta|lettre
  |reponse|buchstabe|antwort|opcao|resposta|opzione|lettera|risposta|optie)(?![a-z])|选项|選項|選択肢|选择|答案)"""
_REASON = r"""(?:because|since|as|due|which|given|for|based|but|although|porque|ya\sque|pues|por|parce|car
  |puisque|weil|da|denn|pois|perche|poiche|dado|in\s(?:this|the)|explanation|reason(?:ing)?|rationale
  |justification|explicacion|begrundung|explication|explicacao|spiegazione)\b"""
_IS = r"(?:is|are|es|est|ist|e)"
_CORRECT = r"""(?:(?:the|la|el|a|le|die|der)\s)?(?:single\s)?(?:correct|right|best|most\s(?:likely|appropriate)
  |answer|correct[ae]|corretta|correta|bonne|richtige?|respuesta|reponse|antwort|resposta|risposta)\b"""

_LONE_LETTER = r"([a-z])(?![a-z0-9ß-ɏ+]|['-]\w|\.\w)"
_LETTER = rf"""(?x)
    \W{{0,{_MAX_LEAD}}}
    (?:(?:the|la|el|die|l|either|entweder|both|[ao](?=\s{_NOUN}))\W{{1,2}})?
    (?:{_NOUN}\W{{0,3}}){{0,2}}
    {_LONE_LETTER}
"""
# Not before any word: "B cell lymphoma" and "a beta blocker" name no letter.
_AFTER_LETTER = rf"""(?x)
    \W*\Z | [.,:;)\]}}>!?"'|/\\] | \s+[-:=(\[] | \s+{_REASON} | \s+{_IS}\s+{_CORRECT}
  | \s*[\u3000-\u9fff\uac00-\ud7ff]
"""
_AFTER_TEXT = rf"""(?x)
    \W*\Z
  | [)\]}}"']*(?:[.:;!?](?!\w) | \s*[(\[] | \s+-\s | ,?\s+{_REASON} | \s+{_IS}\s+{_CORRECT})
"""
_CALLED_WRONG = rf"""(?x)
    [.:)\]]{{0,2}}\s{{0,2}}(?:{_IS}\s)?
    (?:incorrect[ae]?|wrong|false|falsch|falsa|falso|fausse|faux|incorreta|errada|sbagliata)\b
"""
_AND = r"""(?x)
    \W{0,3}(?:(?:and/or|and|or|vs|y|o|u|et|ou|und|oder|e)\b|[,/;&+-]|和|或|及|与|與)\W{0,3}
    (?:(?:both|either|maybe)\s)?
"""
_OTHER_LETTER = rf"""{_AND}
    (?:{_NOUN}\W{{1,3}})?{_LONE_LETTER}
    (?:(?<![aeioy]) | (?=\W*\Z|[^\w\s]|\s(?:and|or|are|is|both|y|o|et|ou|und|oder|e)\b))
"""
_LISTED = rf"(?xm)^[^\w\n]{{0,8}}(?:{_NOUN}\s)?([a-z])[.):](?=\s|$)"
_DECLARED = rf"""(?xm)
    (?:^|[.:;,(]\s{{0,2}}|(?:\b(?:so|thus|therefore|hence|la|also)|{_NOUN})\s)
    \(?([a-z])\)?\s{{1,2}}{_IS}\s{{1,2}}{_CORRECT}
"""
_JSON_KEY = r"""\W{0,12}?\{\s{0,3}["']"""
_NOTHING = r"[\s.!)}\]\"'>。】]*"


class _Option(NamedTuple):
    letter: str
    tokens: tuple[str, ...]


class _Named(NamedTuple):
    """The options, more than one if their texts are alike, whose text stands at the head of a stretch."""

    options: list[_Option]
    end: int

    @property
    def letters(self) -> list[str]:
        return [option.letter for option in self.options]


def read_choice(text: str, choices: Sequence[str]) -> str | None:
    """The capital letter of the option that a text chooses, or None.

    ``choices`` are the texts of the options A, B, C, ... (the first 26 count). Case, accents and punctuation
    do not matter. The last final-answer phrase decides, by letter or by the text of an option; without one,
    the first and the last line are read. Several letters, a letter beyond the options, a denied letter and
    a letter that contradicts the option text beside it are None.
    """
    bare = text.strip().lower()
    if bare in _LETTERS[: len(choices)] and len(bare) == 1 and all(len(choice.strip()) > 1 for choice in choices):
        return bare.upper()  # What is asked for and mostly given; nothing below would read it otherwise.
    answer = json_answer(text)
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if isinstance(answer, str | int) and not isinstance(answer, bool):
        text = str(answer)
    folded = _fold(unwrap_latex(text))
    options = [_option(letter, choice) for letter, choice in zip(_LETTERS, choices, strict=False)]
    readings = final_readings(folded, lambda claim: _head(claim, options))
    if readings is None:
        readings = _unannounced(folded, options)
    if len(readings) != 1 or readings[0] not in (option.letter for option in options):
        return None
    return readings[0].upper()


def _fold(text: str) -> str:
    return compiled(_COMPARISON).sub(r"\1", compiled(_MARKUP).sub("", fold(text)))


def _option(letter: str, choice: str) -> _Option:
    folded = _fold(choice)
    return _Option(letter, tuple(compiled(_TOKEN).findall(folded)) or (folded.strip(),))


def _named(text: str, start: int, options: list[_Option]) -> _Named:
    """The longest option whose text stands at a position, an article before it aside."""
    longest = max((len(option.tokens) for option in options), default=0)
    found = list(islice(compiled(_TOKEN).finditer(text, start), longest + 1))
    if not found or found[0].start() > start + _MAX_LEAD:
        return _Named([], start)
    words = tuple(token[0] for token in found)
    has_article = words[0] in _ARTICLES.split() and text[found[0].end() : found[0].end() + 1].isspace()
    heads = (words, words[1:]) if has_article else (words,)
    for skipped, head in enumerate(heads):
        matches = [option for option in options if head[: len(option.tokens)] == option.tokens]
        if matches:
            size = max(len(option.tokens) for option in matches)
            return _Named([o for o in matches if len(o.tokens) == size], found[skipped + size - 1].end())
    return _Named([], start)


def _head(claim: str, options: list[_Option]) -> list[str]:
    """The distinct letters that the head of a line names: none, one, or several in contradiction."""
    if compiled(_JSON_KEY).match(claim):
        return []
    named = _named(claim, 0, options)
    lettered = compiled(_LETTER).match(claim)
    if not lettered:
        return _by_text(claim, named, options)
    letter, end = lettered[1], lettered.end()
    beside = _named(claim, end, options)
    if letter in beside.letters:
        return [letter]
    is_known = letter in (option.letter for option in options)
    is_bare_letter = is_known and named.end == end and bool(named.options)
    by_text = [] if is_bare_letter else _by_text(claim, named, options)
    if by_text:
        return by_text
    by_letter = _by_letter(claim, letter, end)
    if by_letter and is_bare_letter and compiled(_NOTHING).fullmatch(claim, end):
        return _distinct([letter, *named.letters])
    if by_letter and beside.options and compiled(_NOTHING).fullmatch(claim, beside.end):
        return _distinct([letter, *beside.letters])
    return by_letter


def _by_letter(claim: str, letter: str, end: int) -> list[str]:
    """The letter that ends here if it stands for an option, with a second one that follows it."""
    if other := compiled(_OTHER_LETTER).match(claim, end):
        return _distinct([letter, other[1]])
    if compiled(_CALLED_WRONG).match(claim, end) or not compiled(_AFTER_LETTER).match(claim, end):
        return []
    return [letter]


def _by_text(claim: str, named: _Named, options: list[_Option]) -> list[str]:
    """The letters of a named option text if it is the whole statement, with those of a second one."""
    if not named.options:
        return []
    both = compiled(_AND).match(claim, named.end)
    others = _named(claim, both.end(), options).letters if both else []
    is_yes_no = named.options[0].tokens[0] in _YES_NO.split() and claim[named.end : named.end + 1] == ","
    if others or is_yes_no or compiled(_AFTER_TEXT).match(claim, named.end):
        return _distinct([*named.letters, *others])
    return []


def _unannounced(text: str, options: list[_Option]) -> list[str]:
    """The distinct letters of a text without a final-answer phrase.

    The first and the last line may name one, and so may a declaration ("B is correct") anywhere. Letters that
    open the lines between count against them: they are a list of the options.
    """
    lines = text.strip().splitlines() or [""]
    letters = [letter for line in (lines[0], lines[-1]) for letter in _head(line, options)]
    letters += (found[1] for found in compiled(_DECLARED).finditer(text))
    if letters:
        letters += (found[1] for found in compiled(_LISTED).finditer("\n".join(lines[1:-1])))
    return _distinct(letters)


def _distinct(letters: list[str]) -> list[str]:
    return list(dict.fromkeys(letters))
