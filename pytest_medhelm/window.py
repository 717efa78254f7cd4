"""The sliding window: which items to ask for, now that one of them is reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest


class Window:
    """The items of this process in their order, and how far ahead they have been asked for."""

    def __init__(self, items: Sequence[pytest.Item], size: int) -> None:
        self._items = items
        self._size = size
        self._place = {item.nodeid: index for index, item in enumerate(items)} if size else {}
        self._asked = 0

    def advance(self, item: pytest.Item) -> Iterator[pytest.Item]:
        """Yield the items that came into the window; each item is yielded once."""
        place = self._place.get(item.nodeid)
        if place is None:
            return
        end = min(len(self._items), place + self._size)
        start, self._asked = max(self._asked, place), max(self._asked, end)
        yield from self._items[start:end]
