"""What pytest itself would refuse without saying what was meant: our options misspelt, and lists of names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

import pytest

from pytest_medhelm.util.options import CONFIG, OPTIONS

PREFIX = "--medhelm-"
_LIST = re.compile(r"\s*\w+(?:\s*,\s*\w+)+\s*")


def refuse_unknown_options(arguments: Sequence[str]) -> None:
    """Raises UsageError for an option that begins as ours do and is none."""
    known = [option.flag for option in (*OPTIONS, CONFIG)]
    for argument in arguments:
        if argument == "--":
            return
        name = argument.partition("=")[0]
        if name.startswith(PREFIX) and name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.7)
            hint = f"did you mean {near[0]}? " if near else ""
            raise pytest.UsageError(f"there is no option {name}: {hint}'pytest --help' lists all")


def refuse_lists(config: pytest.Config) -> None:
    """Raises UsageError for names with commas, which is no expression."""
    for option, given in (("-m", config.option.markexpr), ("-k", config.option.keyword)):
        if _LIST.fullmatch(given or ""):
            joined = " or ".join(name.strip() for name in given.split(","))
            raise pytest.UsageError(f"{option} {given!r} is a list: type {option} {joined!r}")
