"""Long texts are stored in parts, each once: prompts about one long record begin with the same parts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, MutableMapping

PART = 1 << 16
"""Characters."""
MARK = "parts "
"""How the list of a text's parts begins; a request's JSON never does."""


def divided(text: str, parts: MutableMapping[str, str]) -> str:
    """What is stored in the place of a text, whose ``parts`` are added by hash; a text of few parts stays whole."""
    if len(text) <= 2 * PART:
        return text
    names = []
    for start in range(0, len(text), PART):
        piece = text[start : start + PART]
        name = hashlib.sha256(piece.encode()).hexdigest()
        parts[name] = piece
        names.append(name)
    return MARK + " ".join(names)


def whole(stored: str, part: Callable[[str], str]) -> str:
    """The text again; ``part`` finds one by its hash."""
    return "".join(map(part, stored.removeprefix(MARK).split(" "))) if stored.startswith(MARK) else stored
