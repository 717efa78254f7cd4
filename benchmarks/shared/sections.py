"""Dictated notes with headed sections: the section that a model is to write, and what stands before it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from pytest_medhelm import Excluded

Heading = Literal["PLAN", "SUMMARY", "FINDINGS"]
HEADINGS: tuple[Heading, ...] = get_args(Heading)
"""In the order in which they are looked for."""

LONG_ENOUGH = 5
"""Words of a section from which on its repetition is no coincidence ("None.", "As above.")."""

_QUALIFIERS = re.compile(r"(?:[A-Z][A-Z/&-]* )+$")


@dataclass(frozen=True, slots=True, repr=False)
class Section:
    """The part of a note that is cut off to be the reference."""

    heading: Heading
    text: str
    """What stands behind the heading on its line."""
    before: str
    """The note up to the heading: it holds nothing of the section, nor of what comes after it."""


def cut_section(note: str) -> Section | Excluded:
    """The section behind the first "PLAN:", else "SUMMARY:", else "FINDINGS:", as MedHELM looks for them.

    Words in capitals that belong to the heading ("TREATMENT PLAN:", "ASSESSMENT AND PLAN:") go with it, and so does a
    word-for-word repetition of the section further up. A note is left out when it has no such heading, when nothing
    follows on the heading's line or precedes it, and, as MedHELM does, when one of the three headings is only found
    in other letters ("Findings:").
    """
    folded = note.lower()
    found = [heading for heading in HEADINGS if f"{heading}:" in note]
    if any(f"{heading.lower()}:" in folded for heading in HEADINGS if heading not in found):
        return Excluded("a heading in other letters only")
    if not found:
        return Excluded("no heading PLAN, SUMMARY or FINDINGS")
    before, _, rest = note.partition(f"{found[0]}:")
    text, before = rest.partition("\n")[0].strip(), _QUALIFIERS.sub("", before)
    if len(text.split()) >= LONG_ENOUGH:
        before = before.replace(text, "")
    if not text or not before.strip():
        return Excluded("nothing on the line of the heading, or nothing before it")
    return Section(found[0], text, before.strip())


def without(text: str, sections: Iterable[str]) -> tuple[str, int]:
    """A text with some sections cut out, whatever spaces and line breaks lie between their words; and how many were."""
    cuts = 0
    for section in sections:
        text, count = re.subn(r"\s+".join(map(re.escape, section.split())), "", text)
        cuts += bool(count)
    return text, cuts
