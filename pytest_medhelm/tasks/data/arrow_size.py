"""What the batches of an Arrow stream say that they unpack to, read without unpacking one.

pyarrow unpacks a whole batch at once, so that a small file can ask for any memory. Each packed buffer begins with its
unpacked size; where the buffers lie stands in the message before them, a FlatBuffer
(https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

ROW = 8
"""Bytes that a row takes at least."""
_CONTINUES = b"\xff\xff\xff\xff"
_DICTIONARY, _BATCH = 2, 3
"""Kinds of messages (Message.fbs, MessageHeader)."""


def batch_sizes(raw: memoryview) -> Iterator[int]:
    """Bytes to which each batch of a stream unpacks, in its order, until the stream ends or is none any more.

    Raises ValueError or struct.error where a message is damaged.
    """
    at = 0
    while at + 8 <= len(raw):
        at += 4 * (raw[at : at + 4] == _CONTINUES)
        length = _number("<i", raw, at)
        message = raw[at + 4 : at + 4 + max(0, length)]
        at += 4 + length
        if length <= 0 or len(message) < length:
            return
        root = _number("<I", message, 0)
        body_at, kind = _field(message, root, 3), _field(message, root, 1)
        body = _number("<q", message, body_at) if body_at else 0
        if body < 0:
            raise ValueError("a message of negative size")
        header = _table(message, root, 2)
        holds = _number("<B", message, kind) if header and kind else 0
        if holds in (_DICTIONARY, _BATCH):
            batch = _table(message, header, 1) if holds == _DICTIONARY else header
            yield _unpacked(message, batch, raw[at : at + body])
        at += body


def _unpacked(message: memoryview, batch: int, body: memoryview) -> int:
    buffers, packed = _table(message, batch, 2), bool(_field(message, batch, 3))
    # A column without buffers (of nulls) has rows all the same.
    length_at = _field(message, batch, 0)
    size = ROW * _number("<q", message, length_at) if length_at else 0
    for number in range(_number("<I", message, buffers) if buffers else 0):
        start, length = struct.unpack_from("<qq", message, buffers + 4 + 16 * number)
        # -1 says that a buffer of a packed batch is not packed.
        said = _number("<q", body, start) if packed and length >= 8 else length
        size += max(said, length)
    return size


def _field(message: memoryview, table: int, number: int) -> int:
    """Where a field of a table stands; 0 when it is left out."""
    fields = table - _number("<i", message, table)
    if 4 + 2 * number >= _number("<H", message, fields):
        return 0
    offset = _number("<H", message, fields + 4 + 2 * number)
    return table + offset if offset else 0


def _table(message: memoryview, table: int, number: int) -> int:
    """Where that begins to which a field points; 0 when it is left out."""
    at = _field(message, table, number)
    return at + _number("<I", message, at) if at else 0


def _number(kind: str, raw: memoryview, at: int) -> int:
    if at < 0:
        raise ValueError("a place before the beginning")
    value: Any = struct.unpack_from(kind, raw, at)[0]
    return int(value)
