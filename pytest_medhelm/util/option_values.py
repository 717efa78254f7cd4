"""How the value of an option is read and checked, wherever it was set: each raises ValueError, saying what is wrong.

From the command line and an ini file come texts, from medhelm.toml what TOML knows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pytest_medhelm.util.settings import data_limit_of, shard_of

MOST_REPEATS = 100
"""Answers to one request. More say nothing new, and the figures of all k up to their number take ever longer."""
Read = Callable[[Any, Path], Any]
"""(value, folder that paths are relative to) -> the checked value; ValueError says what is wrong with it."""


def read_text(value: Any, root: Path) -> str | None:
    """Any text; an empty one is as good as none, as where a variable of a CI job is not set."""
    if not isinstance(value, str):
        raise ValueError("is not a text: write it in quotes")
    return value or None


def one_of(*known: str) -> Read:
    def read(value: Any, root: Path) -> str | None:
        if value not in (*known, ""):
            raise ValueError(f"is neither {' nor '.join(map(repr, known))}")
        return value or None

    return read


def count(least: int, most: int | None = None) -> Read:
    def read(value: Any, root: Path) -> int:
        try:
            number = int(str(value))
        except ValueError:
            number = least - 1
        if number < least or (most is not None and number > most):
            ends = f"of at least {least}" if most is None else f"from {least} to {most}"
            raise ValueError(f"is not a whole number {ends}")
        return number

    return read


def read_concurrency(value: Any, root: Path) -> int | Literal["auto"]:
    if value == "auto":
        return "auto"
    try:
        return int(count(1)(value, root))
    except ValueError:
        raise ValueError("is neither a whole number of at least 1 nor 'auto'") from None


def read_limit(value: Any, root: Path) -> int | Literal["all"]:
    if value == "all":
        return "all"
    try:
        return int(count(1)(value, root))
    except ValueError:
        raise ValueError("is neither a positive number nor 'all'; type e.g. 100") from None


def read_noise_floor(value: Any, root: Path) -> int:
    if value in ("off", False):
        return 0
    try:
        return int(count(1, MOST_REPEATS)(value, root))
    except ValueError:
        raise ValueError(f"is neither a number from 1 to {MOST_REPEATS} nor 'off'; type e.g. 6") from None


def read_amount(value: Any, root: Path) -> float:
    try:
        amount = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        amount = math.nan
    if not 0 < amount < math.inf:
        raise ValueError("is not an amount above 0; type e.g. 5")
    return amount


def read_seconds(value: Any, root: Path) -> float:
    try:
        seconds = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ValueError("is not a number of seconds, 0 or more; type e.g. 300")
    return seconds


def read_flag(value: Any, root: Path) -> bool:
    text = str(value).lower()
    if text in ("false", "no", "0", "off"):
        return False
    if text in ("true", "yes", "1", "on"):
        return True
    raise ValueError("is neither true nor false")


def read_address(value: Any, root: Path) -> str | None:
    text = read_text(value, root)
    if text:
        from pytest_medhelm.util.network import complete_address

        for address in text.split(","):
            complete_address(address)
    return text


def read_server(value: Any, root: Path) -> str | None:
    """The base URL of a server, as it is."""
    text = read_text(value, root)
    if text:
        from urllib.parse import urlsplit

        try:
            parts = urlsplit(text)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or not text.isprintable() or " " in text or parts.query or parts.username:
            raise ValueError("is not the base URL of a server; type e.g. http://localhost:8080/fhir")
    return text


def read_path(value: Any, root: Path) -> Path | None:
    text = read_text(value, root)
    return root / Path(text).expanduser() if text else None


def read_new_file(value: Any, root: Path) -> Path:
    """An empty name is none of a file: what was to be written would be asked, and paid for, instead."""
    path = read_path(value, root)
    if path is None:
        raise ValueError("names no file; type e.g. --medhelm-batch=requests.jsonl")
    return path


def read_folder(value: Any, root: Path) -> Path | None:
    path = read_path(value, root)
    if path is not None and not path.is_dir():
        raise ValueError("is no folder that is there; name the one that holds <benchmark>/<file>")
    return path


def read_file(value: Any, root: Path) -> Path | None:
    path = read_path(value, root)
    if path is not None and not path.is_file():
        raise ValueError("is no file that is there; name an existing TOML file")
    return path


def read_name_or_folder(value: Any, root: Path) -> str | None:
    """A local folder as its whole path; anything else is the name of a model."""
    path = read_path(value, root)
    return str(path) if path is not None and path.is_dir() else read_text(value, root)


def read_shard(value: Any, root: Path) -> Any:
    text = read_text(value, root)
    return shard_of(text) if text else None


def read_data_limit(value: Any, root: Path) -> Any:
    """Bytes; from TOML also as a number."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else read_text(value, root)
    return data_limit_of(text) if text else None


def read_suite(value: Any, root: Path) -> str | None:
    text = read_text(value, root)
    if text and (text in (".", "..") or any(character in text for character in "/\\\0")):
        raise ValueError("is not a plain folder name; type e.g. 2026-11")
    return text


def read_texts(value: Any, root: Path) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        raise ValueError('is not a list of texts; write e.g. ["one", "two"]')
    return tuple(value)


def read_comma_list(value: Any, root: Path) -> tuple[str, ...]:
    texts = value.split(",") if isinstance(value, str) else read_texts(value, root)
    return tuple(filter(None, map(str.strip, texts)))


def read_perturbations(value: Any, root: Path) -> tuple[str, ...]:
    """An empty text is kept as a name that nothing has: who typed the option is told of all names."""
    return read_comma_list(value, root) or (("",) if isinstance(value, str) else ())


def read_names(value: Any, root: Path) -> tuple[str, ...]:
    names = read_texts(value, root)
    for name in names:
        if not name.isprintable():
            raise ValueError(f"names {name!r}: a name has no control characters and no direction marks")
        if names.count(name) > 1:
            raise ValueError(f"names {name!r} twice; name each once")
    return names


def read_rules(value: Any, root: Path) -> tuple[str, ...]:
    """Rules as they stand, gate files by their whole path."""
    return tuple(str(root / text) if text.endswith(".toml") else text for text in read_texts(value, root))
