"""Names that come from files and servers, as one line of a terminal or a log that shows them and does nothing."""

from __future__ import annotations

import re

LONGEST = 2000
"""Characters of a name or sentence that are shown."""


def visible(text: object, longest: int = LONGEST) -> str:
    """Any text on one line: what cannot be seen (control characters, marks of direction) as its code, no command of CI.

    GitHub acts on lines that begin with ``::`` and on ``##[`` anywhere, Azure on ``##vso[``, TeamCity on
    ``##teamcity[``: a blank between the two signs keeps them readable and without effect.
    """
    line = str(text)
    if len(line) > longest:
        line = f"{line[: longest - 3]}..."
    if not line.isprintable():
        line = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in line)
    return re.sub(r"([:#])(?=\1)", r"\1 ", line)
