"""What an own benchmark may be called: its name is a mark, an id and part of a Python function's name."""

from __future__ import annotations

import keyword
import re
from typing import get_args

from pytest_medhelm.tasks.taxonomy import CATEGORIES, Access, Kind, slug

MARKS = (
    "parametrize", "skip", "skipif", "xfail", "usefixtures", "filterwarnings", "tryfirst", "trylast", "timeout", "slow",
)  # fmt: skip
"""Names that pytest and its usual plugins use."""


def name_problem(name: str) -> str:
    """Why this cannot be the name of a benchmark; empty when it can."""
    marks = {slug(category) for pair in CATEGORIES.items() for category in (pair[0], *pair[1])}
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        return (
            f"the name {name!r} is not made of small letters, digits and _, beginning with a letter, e.g. ward_triage"
        )
    if keyword.iskeyword(name) or name in {*marks, *get_args(Access), *get_args(Kind), *MARKS}:
        return f"the name {name!r} has a meaning of its own in pytest or Python; choose another, e.g. own_{name}"
    return ""
