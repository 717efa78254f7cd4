"""Reader of XML files."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from pytest_medhelm.tasks.data.readers import read_bytes
from pytest_medhelm.util.errors import DataError


def read_xml(path: Path, root: str = "") -> ElementTree.Element:
    """The root element of an XML file, of any name or of a given one.

    Raises DataError when the file is not well formed or its root has another name.
    """
    content = read_bytes(path)
    try:
        element = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise DataError(f"{path.name}, line {error.position[0]}: this is not valid XML, or the file is cut") from None
    except (LookupError, ValueError):
        raise DataError(f"{path.name}: this is not XML in a known text encoding") from None
    if root and element.tag != root:
        raise DataError(f"{path.name}: its root element is not <{root}>, so this is not the file that is expected")
    return element


def child_text(element: ElementTree.Element, tag: str) -> str:
    """The text of a child element without spaces around it; empty when there is none."""
    return (element.findtext(tag) or "").strip()
