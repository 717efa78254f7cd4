"""Numbers written as words, where a word is all that is given as the answer."""

from __future__ import annotations

from functools import cache

from pytest_medhelm.util.patterns import compiled

_UNTIL_TWENTY = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen twenty",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis"
    " diecisiete dieciocho diecinueve veinte",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept"
    " dix-huit dix-neuf vingt",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn"
    " siebzehn achtzehn neunzehn zwanzig",
    "pt": "zero um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis dezessete"
    " dezoito dezenove vinte",
    "it": "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici"
    " sedici diciassette diciotto diciannove venti",
    "zh": "零 一 二 三 四 五 六 七 八 九 十",
}
_TENS = {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_LABEL = (
    r"(?i)(?:\A|[\n.:=]|\b(?:is|was|es|est|ist|é|è|be|of)\s|是|为)[^\w\n-]{0,6}((?:minus|negative)\s)?"
    r"([^\W\d_]{1,20}(?:-[a-z]{1,8})?)"
    r"(?!\spoint\s[a-z])(?=[^\w\n-]{0,4}(?:\Z|\n)|\s(?:points?|mg|mcg|g|ml|l|units?|tablets?|mmol|puntos?|punkte?|pontos?|punti)\b|分|点)"
)


def as_digits(text: str, language: str | None) -> str:
    """The text with a number word in figures where nothing but it is given: as the whole, or behind a label.

    A text with any figure stays as it is, and so does a word in a sentence ("two factors", "no one").
    """
    if compiled(r"[0-9]").search(text) or len(text) > 500:
        return text
    words = _words((language or "en").lower().replace("_", "-").partition("-")[0])
    spans = [match for match in compiled(_LABEL).finditer(text) if match[2].lower() in words]
    for match in reversed(spans):
        figure = f"{'-' if match[1] else ''}{words[match[2].lower()]}"
        start = match.start(1) if match[1] else match.start(2)
        text = text[:start] + figure + text[match.end(2) :]
    return text


@cache
def _words(language: str) -> dict[str, int]:
    words = {word: number for number, word in enumerate(_UNTIL_TWENTY.get(language, "").split())}
    if language == "en":
        words |= _TENS
        units = list(words)[1:10]
        tens = {"twenty": 20, **_TENS}
        words |= {f"{ten}-{unit}": tens[ten] + words[unit] for ten in tens for unit in units}
    return words
