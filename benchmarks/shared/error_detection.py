"""MEDEC: reading whether a clinical text is called correct, or which sentence is wrong and what it should say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pytest_medhelm import answers

CORRECT = "CORRECT"
"""The answer that no sentence is wrong."""


@dataclass(frozen=True, slots=True, repr=False)
class Finding:
    """What is said of a text: an error in one sentence, or none."""

    sentence: int | None = None
    """Number of the wrong sentence; None when the text is called correct."""
    correction: str = ""
    """What the sentence should say; empty when it is not said."""

    @property
    def has_error(self) -> bool:
        """Whether an error is flagged."""
        return self.sentence is not None

    @property
    def label(self) -> Literal["error", "correct"]:
        """The answer as one of two labels."""
        return "error" if self.has_error else "correct"


_SUBJECT = (
    r"(?:(?:(?:the|this|all|every) )?(?:(?:clinical|medical) )?(?:text|note|vignette|sentences?|case)|everything|it)"
)
_NO_ERROR = re.compile(
    rf"(?:yes, )?(?:(?:{_SUBJECT} (?:is|are|appears?(?: to be)?|seems?(?: to be)?) "
    r"(?:(?:medically|factually|clinically|all|entirely) )?)?"
    r"(?:correct|accurate)(?: as (?:it is|written))?(?:[.!]|$|\s-\s)"
    rf"|(?:there (?:is|are) |(?:{_SUBJECT} )?(?:contains?|has|have) |i (?:find|found|see|saw|detect(?:ed)?) )?"
    r"(?:no|not any|without) (?:(?:medical|clinical|factual) )?(?:errors?|mistakes?)"
    r"(?: (?:(?:was|were|is|are) )?(?:found|detected|present|identified))?(?: in (?:the|this) (?:text|note))?(?:[.!]|$)"
    rf"|(?:{_SUBJECT} )?does not (?:contain|have) (?:any|an) (?:(?:medical|clinical|factual) )?"
    r"(?:errors?|mistakes?)(?:[.!]|$)"
    rf"|(?:none of (?:the|these) sentences|no sentence) (?:contains?|has|have) (?:an?|any) "
    r"(?:(?:medical|clinical|factual) )?"
    r"(?:errors?|mistakes?)(?:[.!]|$)"
    rf"|(?:{_SUBJECT} is )?(?:error-free|free of errors)(?:[.!]|$))"
)
# MEDEC's own notation: the sentence -1, or the flag 0, is no error. A flag of 1 alone names no sentence.
_MINUS_ONE = re.compile(
    r"(?im)^([^\w\n-]{0,6}(?:[a-z_ ]{1,24}:\s?)?)-\s?1(?:[\s,;]{1,3}(?:na|n/a|none|null))*(?:\s?\([^)\n]*\))?[^\w\n]*$"
)
_FLAG = re.compile(r"(?im)^[^\w\n]{0,6}error[ _]flag\W{0,4}[:=]\W{0,4}([01])\W*$")
_KEYED = re.compile(r"(?im)^[^\w\n]{0,6}(?:error[ _]flag|(?:error[ _])?sentence[ _]id)\W{0,4}[:=].*$")
_SENTENCE_KEY = re.compile(r"(?im)^[^\w\n]{0,6}(?:error[ _])?sentence[ _]id\W{0,4}[:=]\W{0,4}(\d{1,3})\W*$")
_ANOTHER = re.compile(r"(?:or|and|/|,|-|–|&|to)\s{0,2}(?:sentence\s{0,2})?\d")
_LABEL = (
    r"(?:the )?(?:(?:an )?(?:error|mistake) (?:is |was )?(?:found |detected )?in |(?:error|mistake): |"
    r"(?:wrong|incorrect|erroneous|error) )?"
    r"(?:sentence|line)(?: (?:number|id|no\.?))?(?: (?:with|containing) the (?:error|mistake))?(?: is)?(?: number)?"
)
_NUMBERED = re.compile(
    rf"(?:{_LABEL}\s{{0,3}}[:#]?\s{{0,3}}#?(\d{{1,3}})(?!\d)\s{{0,3}}[.:)\]-]{{0,2}}"
    r"|[\[(#]?(\d{1,3})(?:\s{0,3}[.:)\]]{1,2}(?!\d)|\s[–—-](?=\s)|(?=\s)|$))\s{0,3}(.*)"
)
_FINE = re.compile(
    r"\W{0,3}(?:(?:is|are|seems|looks|appears) )?(?:also |medically |factually )?"
    r"(?:fine|correct|ok|okay|right|accurate)\b"
)
_NEXT = re.compile(r"(?<=[.!?;])\s+(?=sentence\s\d)", re.I)
_ERROR = re.compile(r"\b(?:errors?|mistakes?|incorrect|wrong|erroneous|inaccurate)\b")
_SENTENCE = re.compile(r"\bsentence(?: (?:number|id|no\.?))?\s?#?(\d{1,3})\b")
_DENIAL = re.compile(r"\b(?:no|not|none|never|neither|without|nor)\b|n't\b")
_NO_MISTAKE = re.compile(
    r"\b(?:no|without|(?:not|n't) (?:contain|have|find|see|detect) (?:any|an)) (?:\w+ )?(?:errors?|mistakes?)\b"
)
_ALL_RIGHT = re.compile(
    rf"\b{_SUBJECT} (?:is|are|appears?(?: to be)?|seems?(?: to be)?) (?:\w+ )?(?:correct|accurate)\b|^\W*correct\W*$"
)
_DOUBT = re.compile(r"\b(?:may|might|could|possibly|perhaps|either|if|unsure|can't tell)\b|\d\s?(?:,|or|and)\s?\d")
_KEYS_IN_LINE = re.compile(
    r"[,;]\s{0,3}(?=(?:error|corrected|sentence)[ _](?:flag|sentence|id)[ _a-z]*\W{0,3}[:=])", re.I
)
_LEAD = re.compile(r"(?:the )?(?:final )?answer(?: is)?\s{0,3}:\s{0,3}")
_CORRECTION = re.compile(
    r"(?:the )?(?:corrected (?:sentence|version|text)|correct(?:ed)? sentence|correction|corrected)"
    r"(?: (?:is|should be|should read))?\s{0,3}:\s{0,3}"
)
_MARKUP = re.compile(r"[*`]+|^(?:[ \t>#•]|-(?!\d))+(?=\S)", re.M)


def read_finding(text: str) -> Finding | None:
    """What an answer says of a text; None when it says nothing, or several things.

    Read are "CORRECT" and sentences that say as much ("The text is correct.", "No errors found"), the number of a
    sentence with its correction ("3 ...", "Sentence 3: ...", "**3.** ...", the correction also behind "Corrected
    sentence:"), and the same as JSON. A line that begins with "Answer:" goes before all others.
    """
    text = answers.own_turn(text)
    value = answers.read_json(text) if "{" in text else None
    if isinstance(value, dict):
        return _from_json(value)
    text = _KEYS_IN_LINE.sub("\n", text)
    text = _MINUS_ONE.sub(rf"\1{CORRECT}", text)
    text = _FLAG.sub(lambda match: CORRECT if match[1] == "0" else "", text)
    keyed = {int(entry) for entry in _SENTENCE_KEY.findall(text)}
    if len(keyed) == 1 and min(keyed) >= 0:
        text = f"{_KEYED.sub('', text)}\n{keyed.pop()}"
    lines = [
        line
        for raw in _NEXT.sub("\n", _MARKUP.sub("", text)).splitlines()
        if (line := raw.strip().strip("\"'“”").strip())
    ]
    final = [line for line in lines if _LEAD.match(answers.fold(line))]
    findings = _in_lines([line[_length(_LEAD, line) :] for line in final[-1:]]) if final else _in_lines(lines)
    findings = findings or _in_sentences(lines)
    if len(findings) != 1:
        return None
    finding = findings[0]
    given = [line[length:].strip() for line in lines if (length := _length(_CORRECTION, line))]
    if finding.has_error and len(given) == 1:
        return Finding(finding.sentence, given[0].strip("\"'“”"))
    return finding


def _length(pattern: re.Pattern[str], line: str) -> int:
    """How much of a line a lead takes up; 0: it has none."""
    match = pattern.match(line.lower())
    return match.end() if match else 0


def _in_lines(lines: Iterable[str]) -> list[Finding]:
    """The different findings of some lines."""
    findings: dict[int | None, Finding] = {}
    for line in lines:
        if _NO_ERROR.match(answers.fold(line)):
            findings[None] = Finding()
        elif match := _NUMBERED.match(line.lower()):
            number = int(match[1] or match[2])
            if _ANOTHER.match(match[3].lstrip()):
                return []
            said = match[3]
            unmarked = match[0][: match.start(3)].rstrip()[-1:].isdigit()
            tells = unmarked and not _ERROR.search(said) and "should" not in said
            if match[1] and said and (tells or _FINE.match(said)):
                continue  # "Sentence 3 is fine", "Sentence 3 describes ...": gone through.
            correction = line[match.start(3) :].strip().strip("\"'“”")
            findings.setdefault(number, Finding(number, correction))
    return list(findings.values())


def _in_sentences(lines: Iterable[str]) -> list[Finding]:
    """What sentences say of errors in passing: "I found an error in sentence 11", "... so the note is correct"."""
    numbers_named: set[int | None] = set()
    for sentence in re.split(r"(?<=[.!?])\s+|\n", answers.fold("\n".join(lines))):
        numbers = {int(number) for number in _SENTENCE.findall(sentence)}
        if _ERROR.search(sentence) and _DOUBT.search(sentence):
            return []
        if _ERROR.search(sentence) and len(numbers) == 1 and not _DENIAL.search(sentence):
            numbers_named |= numbers
        elif not numbers and (
            _NO_MISTAKE.search(sentence) or (_ALL_RIGHT.search(sentence) and not _DENIAL.search(sentence))
        ):
            numbers_named.add(None)
    return [Finding(number) for number in numbers_named]


def _from_json(value: Mapping[str, object]) -> Finding | None:
    texts = {answers.fold(key): entry for key, entry in value.items()}
    flags = [texts.pop(key) for key in list(texts) if "flag" in key]
    if len(flags) == 1 and str(flags[0]).lower() in ("0", "false"):
        sentences = [entry for entry in texts.values() if _is_number(entry) and int(str(entry)) >= 0]
        return None if sentences else Finding()
    numbers = {int(str(entry)) for entry in texts.values() if _is_number(entry)}
    words = [entry for entry in texts.values() if isinstance(entry, str) and not _is_number(entry)]
    if any(_NO_ERROR.match(answers.fold(word.strip())) for word in words) or _denied(texts):
        return None if any(number >= 0 for number in numbers) else Finding()
    if len(numbers) != 1 or min(numbers) < 0:
        return None
    corrections = [entry for key, entry in texts.items() if "correct" in key and isinstance(entry, str)]
    return Finding(numbers.pop(), corrections[0].strip() if len(corrections) == 1 else "")


def _is_number(entry: object) -> bool:
    return not isinstance(entry, bool) and re.fullmatch(r"-?\d{1,3}", str(entry)) is not None


def _denied(texts: Mapping[str, object]) -> bool:
    return any("error" in key and entry is False for key, entry in texts.items())


def medec(prediction: Finding, gold: Finding) -> dict[str, float]:
    """Accuracy of the error flag and of the sentence, each 0.0 or 1.0 (Ben Abacha et al. 2024).

    The flag is right when both say that there is an error, or both that there is none. The sentence is right when
    both flag the same sentence, or neither any.
    """
    return {
        "medec_error_flag_accuracy": float(prediction.has_error == gold.has_error),
        "medec_error_sentence_accuracy": float(prediction.sentence == gold.sentence),
    }


def medec_helm(raw_text: str, gold: Finding) -> dict[str, float]:
    """What MedHELM 0.8.0 scores for the same answer.

    Any text other than the bare word CORRECT flags an error, and a wrong text never scores for its sentence: the
    number of the right one is read from the whole reference and so never found.
    """
    flagged = raw_text.strip() != CORRECT
    return {
        "medec_error_flag_accuracy": float(flagged == gold.has_error),
        "medec_error_sentence_accuracy": float(not flagged and not gold.has_error),
    }
