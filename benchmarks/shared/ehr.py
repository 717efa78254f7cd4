"""Health records in XML: the latest part of one, as text of a stated length."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from pytest_medhelm import read_xml

LEFT_OUT = "[earlier entries left out]\n"


def latest_record(path: Path, characters: int) -> str:
    """A record with one element a line, indented by depth; of a longer one the last ``characters`` characters.

    Records run from the oldest entry to the newest, so what is cut is the oldest. It is cut between lines, or inside
    the last line where that alone is too long, and a first line says so. Raises DataError when the file is no XML.
    """
    text = "\n".join(_lines(read_xml(path)))
    if len(text) <= characters:
        return text
    kept = text[len(text) - characters :]
    return LEFT_OUT + (kept.partition("\n")[2] or kept)


def _lines(element: ElementTree.Element, depth: int = 0) -> Iterator[str]:
    margin = "  " * depth
    opening = " ".join([element.tag, *(f'{name}="{value}"' for name, value in element.attrib.items())])
    text = (element.text or "").strip()
    if len(element):
        yield f"{margin}<{opening}>{text}"
        for child in element:
            yield from _lines(child, depth + 1)
            if child.tail and child.tail.strip():
                yield f"{margin}  {child.tail.strip()}"
        yield f"{margin}</{element.tag}>"
    else:
        yield f"{margin}<{opening}>{text}</{element.tag}>" if text else f"{margin}<{opening}/>"
