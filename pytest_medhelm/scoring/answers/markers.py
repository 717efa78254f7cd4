"""Phrases that announce a final answer: "Answer:", "la respuesta es", a LaTeX box, a JSON key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import TypeVar

from pytest_medhelm.scoring.answers.json_text import read_json

Reading = TypeVar("Reading")

_JSON_KEYS = (
    "final_answer",
    "answer",
    "answer_choice",
    "correct_answer",
    "choice",
    "option",
    "letter",
    "result",
    "value",
    "respuesta",
    "réponse",
    "antwort",
    "resposta",
    "risposta",
)

# "Result" is an everyday word of clinical notes ("lab result: 5"): it counts only with an article or "final",
# or at the start of a line.
_NOUN = r"""(?:
    answers? | (?:correct|right|best|final|my)\s(?:option|choice|letter)
  | respuesta | opción\scorrecta | alternativa\scorrecta
  | réponse | bonne\soption
  | antwort | richtige\soption
  | resposta | alternativa\scorreta | opção\scorreta | gabarito
  | risposta | opzione\scorretta | antwoord
  | (?:final|the|el|o|il|le|das|^[^\w\n]{0,6})\s?
    (?:result|resultado|résultat|risultato|ergebnis)(?:\sfinale?)?
)\b"""

_FILLER = r"""(?:\s{1,3}(?:
    choice | option | letter | value | here | now | would | should | must | will | then | therefore | thus
  | (?:to|for)\s(?:this|the|your)(?:\s(?:question|case|problem|patient))?
  | correct[ae]? | corretta | correta | exact[ae] | giusta | certa
  | finale? | definitiva | richtige | option | muss | sería | debe | ser
)\b){0,4}"""

_COPULA = r"""(?:
    is | be | was | remains | equals | es | sería | est | serait | ist | lautet | wäre | will\sbe
  | (?:foi|seria|é|è)(?=\s{1,3}\S)(?:\s{1,2}a(?=\s{1,2}[^\w\n]{0,3}\w\b(?!\s\w)))?
)\b"""

_ADVERB = r"""(?:\s{1,2}(?:therefore|thus|then|clearly|indeed|actually|(?:most\s)?likely|probably|simply
  |certainly|definitely)\b)?"""

_PHRASE = rf"""
    (?P<box>\\boxed\s{{0,3}}\{{)
  | (?P<tag><(?:final_?)?answer>)
  | (?<!\w)(?P<wrong>(?:incorrect|wrong|false)\s)?{_NOUN}
    (?:
        {_FILLER}
        (?:
            ["'*_`)\]]{{0,4}}\s{{0,3}}(?:[:=]|->|→)
          | \s{{1,3}}(?P<denied>(?:cannot|can\snot|can['’]t|no|não|non)\s(?:be|es|é|è|est)|(?:is|was)n['’]t)\b
          | \s{{1,3}}n['’]est\s(?P<pas>pas)\b
          | (?:\s{{1,3}}{_COPULA}|['’]s\b){_ADVERB}
            (?P<negated>[\s*_]{{1,4}}(?:not|nicht|keine?)\b)?\s{{0,2}}:?
        )
      | [^\w\n]{{0,6}}$                               # a heading; the answer is on the next line
      | \s(?=[^\w\n]{{0,3}}\w\b[^\w\n]{{0,4}}$)       # "Answer B", "Answer 5" at the end of a line
    )
  | \bI(?:['’]d|\s(?:would|will))?\s(?:choose|select|pick|go\swith|opt\sfor)\b
  | \b(?:elijo|escojo|je\schoisis|ich\swähle|escolho|scelgo)\b
  | (?:정답|답변|답)\s?(?:은|는)?\s?[:：]?
  | คำตอบ(?:ที่ถูกต้อง)?\s?(?:คือ|[:：])
  | (?:उत्तर|जवाब|উত্তর|الإجابة|الاجابة|الجواب)(?:\s\w{{1,12}}){{0,2}}?\s{{0,2}}[:：]?\s(?=[^\w\n]{{0,4}}[0-9-])
  | \b(?:ответ|jawaban|jawabannya|jibu|impendulo|cevap|đáp\sán)(?:\s\w{{1,12}}){{0,2}}?
      \s{{0,2}}(?:[:：]|adalah\b|là\b|ni\b)
  | (?:^|[.!?;,]\s)[^\w\n]{{0,4}}(?:(?:grand\s)?total|sum|overall|final|rounded(?:\sto[\w\s]{1, 30}?)?)
      (?:\s(?:score|points|value|result|dose|volume|amount))?[*_]{{0,2}}\s?[:=]
  | (?:^|[.!?]\s)(?:correction|corrected(?:\svalue)?|revised(?:\svalue)?
      |korrektur|corrección|correção|correzione)\s?[:：]
  | (?:答案|正确选项|正確選項|答え|正解|正答)[】\]]?\s{{0,3}}(?:应该|應該|应|應)?
    (?P<bu>不|并不|並不)?(?:是|为|為|选|選|は|은)?\s{{0,3}}[:：]?
  | (?:故|应|應|因此|所以)(?:选|選)(?:择|擇)?[:：]?
"""

_CLOSERS = {"box": "}", "tag": "</"}
_ACCENTED = dict(zip("áàâãéèêíóôõúüäöçñ", "aaaaeeeiooouuaocn", strict=True))


@cache
def _phrase() -> re.Pattern[str]:
    """Compiled on first use, since importing must stay cheap. Every accent is optional, as in folded text."""
    pattern = re.sub(f"[{''.join(_ACCENTED)}]", lambda match: f"(?:{match[0]}|{_ACCENTED[match[0]]}\u0301?)", _PHRASE)
    return re.compile(pattern, re.VERBOSE | re.IGNORECASE | re.MULTILINE)


def _claims(text: str) -> Iterator[tuple[str, bool]]:
    """What stands behind each announcing phrase, up to the end of its line, and whether it is denied."""
    phrases = list(_phrase().finditer(text))
    for number, phrase in enumerate(phrases):
        end = phrases[number + 1].start() if number + 1 < len(phrases) else len(text)
        lines = text[phrase.end() : end].lstrip().splitlines()
        claim = lines[0] if lines else ""
        named = phrase.groupdict()
        for kind, closer in _CLOSERS.items():
            if named[kind]:
                claim = claim.partition(closer)[0]
        yield claim, any(named[name] for name in ("wrong", "denied", "pas", "negated", "bu"))


def final_readings(text: str, read: Callable[[str], list[Reading]]) -> list[Reading] | None:
    """The distinct readings of the last final-answer phrase that says something readable.

    ``read`` gives the distinct readings of a stretch of text: none, one, or several that contradict each
    other. The result is None when the text has no such phrase, and empty when the answer was only denied
    or taken back ("the answer is not B").
    """
    stated: list[Reading] | None = None
    for claim, denied in _claims(text):
        readings = read(claim)
        if not denied and readings:
            stated = readings
        elif denied and stated in (None, readings):
            stated = []
    return stated


def json_answer(text: str) -> object | None:
    """The value of the answer key when the text is, or ends with, a JSON object; else None."""
    if not text.rstrip().rstrip("`").rstrip().endswith("}"):
        return None
    value = read_json(text)
    if not isinstance(value, dict):
        return None
    by_name = {str(key).lower().replace(" ", "_"): content for key, content in value.items()}
    return next((by_name[key] for key in _JSON_KEYS if key in by_name), None)
