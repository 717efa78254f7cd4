"""One option: its declaration, and what somebody gave for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple

from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.option_values import Read, read_address, read_flag, read_server


class Option(NamedTuple):
    """One option, in all places where it can be set."""

    name: str
    """On the command line, behind ``--medhelm-``."""
    metavar: str
    """What its value looks like; empty for a flag."""
    read: Read
    default: Any
    help: str
    shape: Literal["one", "list", "flag"] = "one"
    plural: str = ""
    """Its key where that is not its name: a list is named by the plural in a file."""

    @property
    def flag(self) -> str:
        """As typed."""
        return f"--medhelm-{self.name}"

    @property
    def key(self) -> str:
        """In ``[run]`` of medhelm.toml, and the field of Settings."""
        return self.plural or self.name.replace("-", "_")

    @property
    def ini(self) -> str:
        """In the ini file."""
        return f"medhelm_{self.key}"

    @property
    def dest(self) -> str:
        """Where the parser of the command line keeps it."""
        return "medhelm_" + self.name.replace("-", "_")


def switch(name: str, text: str) -> Option:
    """An option that is on or off, off by default."""
    return Option(name, "", read_flag, False, text, shape="flag")


class Given(NamedTuple):
    """A value as the user gave it, and where."""

    value: Any
    source: str
    """What an error calls it, e.g. "--medhelm-limit"."""


def read_option(option: Option, given: Given, root: Path) -> Any:
    """The checked value; ``root`` is what relative paths are relative to. Raises ConfigError naming the source."""
    try:
        return option.read(given.value, root)
    except ValueError as problem:
        # A password in an address is not shown.
        is_address = option.read in (read_address, read_server) and isinstance(given.value, str)
        shown = given.value.rpartition("@")[2] if is_address else given.value
        raise ConfigError(f"{given.source}: {shown!r} {problem}") from None
