"""One spelling for texts that mean the same: case, accents, full-width forms, quotes and dashes."""

from __future__ import annotations

import unicodedata

from pytest_medhelm.util.patterns import compiled

_SAME = {"‘": "'", "’": "'", "ʼ": "'", "“": '"', "”": '"', "−": "-", "‐": "-", "‑": "-", "–": "-", "—": "-"}


class _Folding(dict[int, str]):
    """A table for str.translate that learns a character when it first meets it.

    Folding one character at a time keeps the work linear: normalising a whole text sorts its combining
    marks, which takes quadratic time on a long run of them.
    """

    def __init__(self, *, keep_case: bool = False) -> None:
        self._keep_case = keep_case

    def __missing__(self, code: int) -> str:
        char = chr(code)
        folded = _SAME.get(char) or unicodedata.normalize("NFKC", char)
        if not self._keep_case:
            folded = folded.casefold()
        parts = unicodedata.normalize("NFD", folded)
        if not parts or parts[0].isalpha() or _is_accent(parts[0]):
            folded = unicodedata.normalize("NFC", "".join(part for part in parts if not _is_accent(part)))
        self[code] = folded
        return folded


def _is_accent(char: str) -> bool:
    return "\u0300" <= char <= "\u036f"


_FOLDING = _Folding()
_UNACCENTED = _Folding(keep_case=True)
_LATEX_TEXT = r"\\(?:text|textbf|textit|mathrm|mathbf|mathsf|mathit|mbox|bf|rm)\s{0,2}\{([^{}]*)\}"
_COMPARISON = r"([<>≤≥±=])\s{1,3}(?=\d)"


def fold(text: str) -> str:
    """The text without case, accents and typographic variants; punctuation and line ends stay."""
    return text.translate(_FOLDING)


def unaccent(text: str) -> str:
    """As ``fold``, with capitals left as they are: they tell the option A from an article."""
    return text.translate(_UNACCENTED)


def tidy(text: str) -> str:
    """Without emphasis and typographic variants, capitals kept."""
    text = compiled(r"[^\S\n]?\[[0-9]{1,2}(?:[,–-]\s?[0-9]{1,2}){0,5}\]").sub("", text)  # References.
    text = compiled(r"(?<=\b[A-Z])['’](?:[dt][ıiuü]r)\b").sub("", text)  # A'dır, Turkish for "is A".
    text = compiled(r"(?<=[A-Za-z])_(?=[A-Za-z])|(?<=[0-9])[^\S\n](?=%)").sub(
        lambda match: "" if match[0] != "_" else " ", text.replace("É ", "é ")
    )
    text = compiled("[➡➜➔➝⟶⇒👉]\ufe0f?").sub("→", text)
    text = compiled(r"~~[^~\n]{1,200}~~|(?m:^[-=*_~#>\s]{3,}$)").sub("", text)
    if not text.isascii():
        text = text.translate({ord("√"): "✓", ord("☐"): "✗", ord("☒"): "✓", ord("☑"): "✓"})
        text = compiled(r"(?<=[A-Z])\s?×(?!\s?[0-9])").sub(" ✗", text)
    text = compiled(r"\[[xX✓✔]\]").sub("✓ ", compiled(r"\[\s?\]").sub("✗ ", text))
    return compiled(_COMPARISON).sub(r"\1", compiled(r"[*_`$#]+").sub("", unaccent(text)))


def unwrap_latex(text: str) -> str:
    r"""The text with wrappers such as ``\text{mg}`` replaced by what they hold."""
    return compiled(_LATEX_TEXT).sub(r"\1", text) if "\\" in text else text
