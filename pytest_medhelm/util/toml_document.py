"""A TOML file whose every value knows its place, as ``document`` has it of YAML.

tomllib tells no places: they are found by looking for the keys one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_medhelm.util.document import Table, Value
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.toml_text import parse_toml

if TYPE_CHECKING:
    import yaml


def read_toml_document(path: Path, keys: Collection[str]) -> Table:
    """The table of a TOML file, as ``document`` has it of YAML. Raises ConfigError when there is none to read."""
    try:
        source = path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
        content = parse_toml(source)
    except OSError as error:
        raise ConfigError(f"{path.name} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path.name} is not UTF-8 text; save the file as UTF-8") from None
    except ValueError as error:
        raise ConfigError(f"{path.name} is not valid TOML: {error}") from None
    return Value(_Positions(source).node(content, 0), "", source, path.name).table(keys)


class _Positions:
    """Turns values that tomllib read into YAML nodes that know where they stand."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0

    def node(self, value: Any, start: int) -> yaml.Node:
        import yaml

        mark = self._mark(start)
        if isinstance(value, Mapping):
            pairs = []
            for key, entry in value.items():
                position = self._find(key)
                head = yaml.ScalarNode("", key, self._mark(position), self._mark(position), style='"')
                pairs.append((head, self._entries(key, entry, position)))
            return yaml.MappingNode("", pairs, mark, mark)
        if isinstance(value, list):
            return yaml.SequenceNode("", [self.node(entry, start) for entry in value], mark, mark)
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return yaml.ScalarNode("", text, mark, mark, style='"')

    def _entries(self, key: str, entry: Any, position: int) -> yaml.Node:
        """The tables of an array each begin with a heading of their own."""
        import yaml

        if not isinstance(entry, list) or not all(isinstance(item, Mapping) for item in entry):
            return self.node(entry, position)
        nodes = []
        for number, item in enumerate(entry):
            nodes.append(self.node(item, position if number == 0 else self._find(key)))
        return yaml.SequenceNode("", nodes, self._mark(position), self._mark(position))

    def _mark(self, position: int) -> yaml.Mark:
        import yaml

        return yaml.Mark("", position, 0, 0, None, 0)

    def _find(self, key: str) -> int:
        """Where a key stands next: before its equals sign, or in a heading; else the last place."""
        name = re.escape(key)
        matched = re.compile(
            rf"""(?m)(?:(?<![\w-])["']?{name}["']?\s*=|^\s*\[\[?\s*(?:[\w.]+\.)?{name}\s*\]\]?)"""
        ).search(self._source, self._at)
        if matched is None:
            return self._at
        self._at = matched.end()
        start = matched.start()
        return start + len(matched[0]) - len(matched[0].lstrip())
