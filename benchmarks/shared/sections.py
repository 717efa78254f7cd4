"""Dictated notes with headed sections: the section that a model is to write, and what stands before it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Literal, get_args

from pytest_medhelm import Excluded

Heading = Literal["PLAN", "SUMMARY", "FINDINGS"]
HEADINGS: tuple[Heading, ...] = get_args(Heading)
"""In the order in which they are looked for."""

LONG_ENOUGH = 5
"""Words of a section from which on its repetition is no coincidence ("None.", "As above.")."""

_DESCRIPTION = re.compile(r"^(\W{0,3}Description:\s*)(.*)$", re.I | re.M)
_QUALIFIERS = re.compile(r"(?:[A-Z][A-Z/&-]* )+$")


@dataclass(frozen=True, slots=True, repr=False)
class Section:
    """The part of a note that is cut off to be the reference."""

    heading: Heading
    text: str
    """What stands behind the heading on its line."""
    before: str
    """The note up to the heading: it holds nothing of the section, nor of what comes after it."""
    cut: bool = False
    """The note's "Description" told the section, and what it told of it was cut."""


def cut_section(note: str) -> Section | Excluded:
    """The section behind the first "PLAN:", else "SUMMARY:", else "FINDINGS:", as MedHELM looks for them.

    Words in capitals that belong to the heading ("TREATMENT PLAN:", "ASSESSMENT AND PLAN:") go with it, and so does a
    word-for-word repetition of the section further up. A note is left out when it has no such heading, when nothing
    follows on the heading's line or precedes it, and, as MedHELM does, when one of the three headings is only found
    in other letters ("Findings:").
    """
    folded = note.lower()
    headings = [heading for heading in HEADINGS if f"{heading}:" in note]
    if any(f"{heading.lower()}:" in folded for heading in HEADINGS if heading not in headings):
        return Excluded("a heading in other letters only")
    if not headings:
        return Excluded("no heading PLAN, SUMMARY or FINDINGS")
    before, _, rest = note.partition(f"{headings[0]}:")
    text, before = rest.partition("\n")[0].strip(), _without_qualifiers(before)
    if len(text.split()) >= LONG_ENOUGH:
        before = before.replace(text, "")
    if not text or not before.strip():
        return Excluded("nothing on the line of the heading, or nothing before it")
    before, cut = _without_description(before, text)
    return Section(headings[0], text, before.strip(), cut)


def _without_qualifiers(before: str) -> str:
    """A text without words in capitals at its end. They are looked for there alone: a note has many capitals."""
    kept = before.rstrip(f"{ascii_uppercase}/&- \n")
    return kept + _QUALIFIERS.sub("", before[len(kept) :])


def _without_description(before: str, section: str) -> tuple[str, bool]:
    """The note without sentences of its "Description" line that share half of their runs of five words with a section.

    Upstream's site made that line from the note, in many from the very section that is to be written.
    """
    line = _DESCRIPTION.search(before)
    known = _runs(section) if line else set()
    if not line or not known:
        return before, False
    sentences = re.split(r"(?<=[.!?])\s+", line[2])
    kept = [sentence for sentence in sentences if not _repeats(sentence, known)]
    return f"{before[: line.start(2)]}{' '.join(kept)}{before[line.end() :]}", len(kept) < len(sentences)


def _repeats(sentence: str, known: set[tuple[str, ...]]) -> bool:
    runs = _runs(sentence)
    return bool(runs) and len(runs & known) >= len(runs) / 2


def _runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + LONG_ENOUGH]) for at in range(len(words) - LONG_ENOUGH + 1)}


def without(text: str, sections: Iterable[str]) -> tuple[str, int]:
    """A text with some sections cut out, whatever spaces and line breaks lie between their words; and how many were."""
    cuts = 0
    for section in sections:
        text, count = re.subn(r"\s+".join(map(re.escape, section.split())), "", text)
        cuts += bool(count)
    return text, cuts
