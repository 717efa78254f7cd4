"""Billing codes of ICD-10-CM (diagnoses) and ICD-10-PCS (procedures): finding them in an answer, comparing sets.

A diagnosis code is a letter, a digit, a letter or digit, and up to four more letters or digits behind a dot that is
often left away: I10, E11.9, S72.001A, Z3A.00, C7A.00. A procedure code has seven letters and digits without I and O:
02703ZZ. (ICD-10-CM and ICD-10-PCS official guidelines, CMS and NCHS.)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from pytest_medhelm import answers

NO_CODES = frozenset({"B12", "T10", "T11", "T12", "P450", "S100", "S100B"})
"""Words of clinical prose in the form of a code that are none: a vitamin, vertebrae, cytochrome, a protein."""

_CM = re.compile(r"[A-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?")
_PCS = re.compile(r"[0-9BCDFGHX][0-9A-HJ-NP-Z]{6}")

_START, _END = r"(?<![0-9A-Z.])", r"(?![0-9A-Z])"
_DOTTED = r"[A-Z]\d[0-9A-Z]\.[0-9A-Z]{1,4}"
# the few categories whose third character is a letter; a longer code goes on with digits, A, B, C or the filler X
_CATEGORY = r"(?:[A-Z]\d\d|C4A|C7[AB]|D3A|I[15]A|J4A|M1A|O9A|Z3A)"
_LONG = rf"{_CATEGORY}(?:[0-9ABCX]{{1,3}}|[0-9ABCX]{{3}}[0-9A-HJ-NP-SX])"
_PROCEDURE = r"(?=[0-9]*[A-Z])(?=[A-Z]*[0-9])[0-9BCDFGHX][0-9A-HJ-NP-Z]{6}"
_ANYWHERE = re.compile(rf"{_START}(?:{_DOTTED}|{_LONG}|{_PROCEDURE}){_END}")
_LISTED = re.compile(
    r"(?:^[ \t>#•·-]*(?:\d{1,3}[.)][ \t]*)?|[,;:|/=()\[\]{}\"'-][ \t]*|\b(?:CODES?|CODED|AS|AND|OR|CM|IS|ARE)[ \t]+)"
    rf"({_CATEGORY}){_END}(?!\.[0-9A-Z])",
    re.M,
)
_DATE_OR_DOSE = re.compile(
    r"\d\d(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)\d\d|\d+(?:MCG|MG|ML|KG|CM|MM|MEQ|MMHG|BPM|HRS)"
)
_NONE = re.compile(r"(?:there are )?(?:none|no (?:(?:icd[ -]?10|billing|applicable) )*codes?)(?: apply| found)?\.?")
BILLING_CODE_SCORES = ("mimiciv_billing_code_f1", "mimiciv_billing_code_precision", "mimiciv_billing_code_recall")
_HELM = re.compile(r"\b[A-Z]\d{1,3}(?:\.\d{1,4})?\.?\b")


def normal_code(code: str) -> str:
    """A code in the form in which codes are compared: in capitals, without the dot."""
    return code.replace(".", "").strip().upper()


def is_code(text: str) -> bool:
    """Whether a whole text has the form of a diagnosis or procedure code, with or without the dot."""
    folded = text.strip().upper()
    return bool(_CM.fullmatch(folded) or _PCS.fullmatch(folded))


def read_codes(text: str) -> frozenset[str] | None:
    """The codes that an answer names, in their normal form; None when there are none to be read.

    A JSON list, or all lists of a JSON object, count alone when they hold codes. Otherwise all codes of the text
    count, in any usual form. In prose a code without a dot must look like one: of more than three characters it goes
    on with digits, A, B, C or X (so "Q12H" is none); one of three characters ("I10") must stand at the head of a line,
    in a list, in brackets, or behind a colon, a dash or a word such as "code" (so a word between words is none);
    NO_CODES, dates and doses are none. Of a range its two ends count. An empty JSON list, or "none", is the answer
    that no code applies.
    """
    value = answers.read_json(text)
    if isinstance(value, dict):
        lists = [entry for entry in value.values() if isinstance(entry, list)]
        value = [item for entry in lists for item in entry] if lists else None
    if isinstance(value, list):
        codes = frozenset(code for item in value for code in _codes_of_item(item))
        if codes or not value:
            return codes
    codes = _codes_in_prose(text)
    if codes or _NONE.fullmatch(answers.fold(text).strip()):
        return codes
    return None


def _codes_of_item(item: object) -> Iterable[str]:
    if isinstance(item, dict):
        named = [value for key, value in item.items() if "code" in str(key).lower()]
        return [code for value in named for code in _codes_of_item(value)]
    if not isinstance(item, str):
        return []
    return [normal_code(item)] if is_code(item) else _codes_in_prose(item)


def _codes_in_prose(text: str) -> frozenset[str]:
    plain = re.sub(r"[*_`]+", "", answers.fold(text)).upper()
    codes = [*_ANYWHERE.findall(plain), *_LISTED.findall(plain)]
    return frozenset(normal_code(code) for code in codes if not _DATE_OR_DOSE.fullmatch(code)) - NO_CODES


def mimiciv_billing_code(predicted: Collection[str], gold: Collection[str]) -> dict[str, float]:
    """Precision, recall and F1 of one note's set of codes, each from 0.0 to 1.0; a division by zero is 0.0.

    Codes are compared whole, without the dot and in capitals.
    """
    return _set_scores({normal_code(code) for code in predicted}, {normal_code(code) for code in gold})


def mimiciv_billing_code_helm(raw_text: str, gold: Collection[str]) -> dict[str, float]:
    """What MedHELM 0.8.0 scores for the same answer.

    Its pattern knows digits alone, so it cuts T40.2X1A to T40, finds neither I2510 nor Z3A.00, and does the same to
    the right codes.
    """
    return _set_scores(_helm_codes(raw_text), _helm_codes(",".join(gold)))


def _helm_codes(text: str) -> set[str]:
    return {code.rstrip(".") for code in _HELM.findall(text.replace("**", ""))}


def _set_scores(predicted: set[str], gold: set[str]) -> dict[str, float]:
    right = len(predicted & gold)
    precision = right / len(predicted) if predicted else 0.0
    recall = right / len(gold) if gold else 0.0
    f1 = 2 * right / (len(predicted) + len(gold)) if right else 0.0
    return dict(zip(BILLING_CODE_SCORES, (f1, precision, recall), strict=True))
