"""Names that come from files and servers, as one line of a terminal or a log that shows them and does nothing."""

from __future__ import annotations

import re

LONGEST = 2000
"""Characters of a name or sentence that are shown."""


def visible(text: object, longest: int = LONGEST) -> str:
    """Any text on one line: what cannot be seen (control characters, marks of direction) as its code, no command of CI.

    GitHub acts on lines that begin with ``::``: a space between the two keeps them readable and without effect.
    """
    return re.sub(r":(?=:)", ": ", inert(text, longest))


def inert(text: object, longest: int = LONGEST) -> str:
    """As ``visible``, where the text does not begin a line, so that ``::`` may stay as it is.

    GitHub acts on ``##[`` anywhere, Azure on ``##vso[``, TeamCity on ``##teamcity[``.
    """
    line = str(text)
    if len(line) > longest:
        line = f"{line[: longest - 3]}..."
    if not line.isprintable():
        line = "".join(
            character if character.isprintable() else character.encode("unicode_escape").decode() for character in line
        )
    return re.sub(r"#(?=#)", "# ", line)
