"""A YAML file whose every value knows its place, so that each error says where to look and what to type.

Only plain texts, lists and tables are read, as they are typed: ``yes`` stays "yes" and no tag makes an object.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_medhelm.util.errors import DataError
from pytest_medhelm.util.hashing import json_hash

if TYPE_CHECKING:
    import yaml

SCALAR, SEQUENCE, MAPPING = "scalar", "sequence", "mapping"
DEEPEST = 100
"""Brackets within brackets: PyYAML takes a time for them that grows with the square of their number."""


class DocumentError(DataError):
    """Something in a file of an own benchmark that its author can put right."""

    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a file, from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}, column {self.column}"

    def error(self, problem: str) -> DocumentError:
        """The error to raise about this place."""
        error = DocumentError(f"{self}: {problem}")
        error.line, error.column = self.line, self.column
        return error


class Value:
    """A text, a list or a table of the file."""

    def __init__(self, node: yaml.Node, name: str, source: str, file: str) -> None:
        self._node = node
        self._source = source
        self._file = file
        self.name = name
        """What error messages call it: its key."""

    @property
    def position(self) -> Position:
        """Where it begins."""
        return self._position_at(self._node.start_mark.index)

    def _position_at(self, index: int) -> Position:
        line = self._source.count("\n", 0, index)
        return Position(self._file, line + 1, index - (self._source.rfind("\n", 0, index) + 1) + 1)

    def place_of(self, part: str, start: int) -> Position:
        """Where a part of the text stands in the file; ``start`` is its position in the text as YAML reads it."""
        text = str(self._node.value).lstrip()
        begin, end = self._node.start_mark.index, self._node.end_mark.index
        for _ in range(text.count(part, 0, start) + 1):
            index = self._source.find(part, begin, end)
            if index < 0:  # Written with an escape or folded: the value itself is near enough.
                return self.position
            begin = index + len(part)
        return self._position_at(index)

    def error(self, problem: str) -> DocumentError:
        """The error to raise about this value."""
        return self.position.error(problem)

    @property
    def is_table(self) -> bool:
        """It has keys of its own."""
        return _kind(self._node) == MAPPING

    def says(self, text: str) -> bool:
        """It is this text and no list or table."""
        return _kind(self._node) == SCALAR and self._node.value == text

    def text(self) -> str:
        """The text as typed, without spaces around it. DocumentError when it is empty, a list or a table."""
        if _kind(self._node) != SCALAR:
            raise self.error(
                f"{self.name} is a text; a text that begins with {{ or [ belongs in quotes, or indented below "
                f"'{self.name}: |'"
            )
        text = str(self._node.value).strip()
        if not text or (getattr(self._node, "style", None) is None and text in ("~", "null")):
            raise self.error(f"{self.name} has no value; write one behind the colon, or delete the line")
        return text

    def one_of(self, known: Collection[str]) -> str:
        """A text out of a closed list."""
        text = self.text()
        if text not in known:
            raise self.error(f"{self.name} {text!r} is unknown{suggestion(text, known)}")
        return text

    def truth(self) -> bool:
        """``true`` or ``false``."""
        return self.one_of(("true", "false")) == "true"

    def number(self) -> float:
        """A number in decimal notation."""
        text = self.text()
        if not re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
            raise self.error(f"{self.name} is a number, e.g. 0.5")
        return float(text)

    def items(self) -> Sequence[Value]:
        """The entries of a list that is not empty; a single text is a list of one."""
        if _kind(self._node) == SCALAR:
            return (self,)
        if _kind(self._node) == SEQUENCE and not self._node.value:
            raise self.error(
                f"{self.name} is a list, and this one is empty; write what belongs in it, or delete the line"
            )
        if _kind(self._node) != SEQUENCE:
            raise self.error(f"{self.name} is a list, e.g. [first, second]")
        return [Value(node, self.name, self._source, self._file) for node in self._node.value]

    def texts(self) -> list[str]:
        """The texts of a list, each of which occurs once."""
        texts: list[str] = []
        for item in self.items():
            text = item.text()
            if text in texts:
                raise item.error(f"{self.name} names {text!r} twice")
            texts.append(text)
        return texts

    def table(self, known: Collection[str] | None = None) -> Table:
        """Its keys and values; DocumentError for a key that is not known (None: any is) or occurs twice."""
        if _kind(self._node) != MAPPING:
            example = next(iter(known or ()), "key")
            raise self.error(
                f"{self.name} has keys of its own, each on an indented line below it, e.g. '{example}: ...'"
            )
        values: dict[str, Value] = {}
        for key_node, node in self._node.value:
            key = Value(key_node, "a key", self._source, self._file)
            name = key.text()
            if known is not None and name not in known:
                where = f" of {self.name}" if self.name else ""
                raise key.error(f"the key {name!r}{where} is unknown{suggestion(name, known)}")
            if name in values:
                raise key.error(f"the key {name!r} is here a second time")
            values[name] = Value(node, name, self._source, self._file)
        return Table(self, values)


class Table:
    """A value with keys."""

    def __init__(self, value: Value, values: Mapping[str, Value]) -> None:
        self._value = value
        self.values = values

    @property
    def node(self) -> yaml.Node:
        """As YAML composed it."""
        return self._value._node

    def get(self, key: str) -> Value | None:
        """The value of a key, or None without it."""
        return self.values.get(key)

    def need(self, key: str, example: str) -> Value:
        """The value of a key that must be there."""
        if key not in self.values:
            in_table = f" in {self._value.name}" if self._value.name else ""
            raise self._value.error(f"the key {key!r} is missing{in_table}; add e.g. '{key}: {example}'")
        return self.values[key]

    def text(self, key: str, default: str = "") -> str:
        """The text of a key that may be left out."""
        value = self.get(key)
        return default if value is None else value.text()


def read_document(path: Path, known: Collection[str] | None = None) -> Table:
    """The table that a file holds, with known keys (None: any). Raises DocumentError naming file, line and column."""
    try:
        import yaml
    except ImportError:  # pragma: no cover - PyYAML is a dependency; without it only these files cannot be read
        raise DocumentError(f"Reading {path.name} needs PyYAML: run pip install pyyaml") from None
    source = _text(path)
    try:
        node = yaml.compose(source, Loader=yaml_loader())
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(path, source, error) from None
    except yaml.reader.ReaderError as error:
        line = source.count("\n", 0, error.position) + 1
        raise Position(path.name, line, 1).error("a control character; delete it") from None
    except RecursionError:
        raise Position(path.name, 1, 1).error("this is nested too deeply") from None
    if node is None:
        raise Position(path.name, 1, 1).error("the file is empty; 'medhelm new NAME' writes one to start from")
    return Value(node, "", source, path.name).table(known)


@cache
def yaml_loader() -> type[yaml.SafeLoader]:
    """PyYAML's safe loader; it raises RecursionError for what is nested too deeply."""
    import yaml

    class Loader(yaml.SafeLoader):
        flow_level: int

        def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
            if self.flow_level >= DEEPEST:
                raise RecursionError
            super().fetch_flow_collection_start(token)

    return Loader


def document_hash(path: Path) -> str:
    """Hash of what a file says: comments, blank lines and quotes do not count. Raises DocumentError."""
    return json_hash(_as_data(read_document(path).node))


def _kind(node: yaml.Node) -> str:
    """What PyYAML calls it, which is imported only where a file is read."""
    kind: str = node.id  # type: ignore[attr-defined]
    return kind


def _as_data(node: yaml.Node) -> Any:
    if _kind(node) == MAPPING:
        return [[_as_data(key), _as_data(value)] for key, value in node.value]
    return [_as_data(item) for item in node.value] if _kind(node) == SEQUENCE else node.value


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{path.name} cannot be read ({error.strerror})") from None
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        column = error.start - (before.rfind(b"\n") + 1) + 1
        where = Position(path.name, before.count(b"\n") + 1, column)
        raise where.error("this is not UTF-8 text; save the file as UTF-8") from None


def _syntax_error(path: Path, source: str, error: yaml.MarkedYAMLError) -> DocumentError:
    for number, line in enumerate(source.split("\n"), start=1):
        indent = line[: len(line) - len(line.lstrip())]
        if "\t" in indent:
            return Position(path.name, number, indent.index("\t") + 1).error("a tab; indent with spaces")
    mark = error.problem_mark or error.context_mark
    where = Position(path.name, mark.line + 1, mark.column + 1) if mark else Position(path.name, 1, 1)
    if "single document" in str(error.context):
        return where.error("a second document begins with '---'; write one benchmark a file")
    problem = str(error.problem or "").split("'\\")[0]
    return where.error(
        f"this is not valid YAML ({problem}); a text that holds ': ' or ' #' or begins with a special character "
        "belongs in quotes, or indented below 'key: |'"
    )


def suggestion(text: str, known: Collection[str]) -> str:
    """What to type instead: the likeliest name, else all that are known."""
    return nearest(text, known) or f"; known are: {', '.join(known)}"


def nearest(text: str, known: Collection[str]) -> str:
    """The name that was probably meant; empty when none is near."""
    close = difflib.get_close_matches(text.lower(), known, n=1, cutoff=0.75)
    return f"; did you mean {close[0]!r}?" if close else ""
