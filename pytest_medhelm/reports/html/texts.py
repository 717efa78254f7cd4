"""The texts of records: from the store one by one, or those of several records read together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from pytest_medhelm.models.engine.store import Exchange, ResponseStore
from pytest_medhelm.scoring.record_types import Record


class Texts(Protocol):
    """What ``ResponseStore`` gives of a request and of a text; empty where there is none."""

    def exchange(self, key: str) -> Exchange:
        """The texts of a request and its response, by key."""

    def text(self, digest: str) -> str:
        """A text by its hash."""


class TextsOf:
    """Requests, answers and references of some records, read at once; what else is asked for, the store gives."""

    def __init__(self, store: ResponseStore, records: Iterable[Record]) -> None:
        held = list(records)
        self._store = store
        self._exchanges = store.exchanges(record["request"] for record in held)
        self._texts = store.texts(record["reference"] for record in held)

    def exchange(self, key: str) -> Exchange:
        """As ``ResponseStore.exchange``."""
        return self._exchanges.get(key) or self._store.exchange(key)

    def text(self, digest: str) -> str:
        """As ``ResponseStore.text``."""
        text = self._texts.get(digest)
        return self._store.text(digest) if text is None else text
