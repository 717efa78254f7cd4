"""The look-ahead: while a test runs, the responses of the next ones are asked for. A hint, no result depends on it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from pytest_medhelm.plugin.item_params import ItemParams, asks, item_params

if TYPE_CHECKING:
    from pytest_medhelm.models.engine.job import Follow, FollowUp
    from pytest_medhelm.models.engine.request import Completion, Request
    from pytest_medhelm.plugin.recorder import Recorder
    from pytest_medhelm.plugin.request_builder import RequestBuilder
    from pytest_medhelm.scoring.record import RecordBuilder


REFILL = 8
"""The window is filled up when this part of it is free: handing requests over one by one costs more than asking some
together."""
FARTHEST = 8
"""Windows ahead of a test that waits: else one answer that takes forty times as long leaves all slots idle."""
MOST_TEXT = 64_000_000
"""Characters of prompts that the window holds at most: few of a million tokens, and all that else it would."""


class Prefetcher:
    """Asks for the items that come into a sliding window."""

    def __init__(
        self,
        requests: RequestBuilder,
        recorder: Recorder,
        items: Sequence[pytest.Item],
        size: Callable[[], int],
        farthest: int,
    ) -> None:
        """``items`` of this process in their order, ``size`` of them in the window at a moment; while a test waits it
        may grow ``farthest`` times as long."""
        self._requests = requests
        self._recorder = recorder
        self._window = _Window(items, size, farthest)

    def advance_to(self, item: pytest.Item) -> None:
        """An item is about to run: ask for those that come into the window with it."""
        self._ask_for(self._window.advance(item))

    def fill_up(self, unanswered: int) -> None:
        """A test waits for its answer: ask for more where few requests that were handed over have none yet."""
        # Another item's test meets the same error, and reports it.
        with suppress(Exception):
            self._ask_for(self._window.fill_up(unanswered))

    def _ask_for(self, items: Iterator[tuple[pytest.Item, ItemParams | None]]) -> None:
        for later, params in items:
            if params is not None and asks(later, params):
                self._ask(later, params)

    def _ask(self, item: pytest.Item, params: ItemParams) -> None:
        record = self._recorder.builder(item, params)
        if record.benchmark.environment is not None:
            self._ask_agent(record)
            return
        try:
            messages = record.benchmark.messages(record.instance)
            record.request = self._requests.request_of(record, messages)
        except Exception:
            return  # The test itself will meet the same error, and report it.
        self._requests.engine.prefetch(record.request, self._then_judges(item, record, record.request))

    def _ask_agent(self, record: RecordBuilder) -> None:
        from pytest_medhelm.plugin.episodes import follow_episode, start_episode, start_outside

        try:
            if record.model.is_outside:
                start_outside(self._requests, record)
                return
            loop = start_episode(self._requests, record)
        except Exception:
            return  # As above.
        self._requests.engine.prefetch(loop.requests[0], follow_episode(loop))

    def _then_judges(self, item: pytest.Item, record: RecordBuilder, request: Request) -> Follow | None:
        instance, language = record.instance, record.benchmark.task.language
        stated = record.benchmark.states_confidence
        rubric = self._recorder.rubric(record.benchmark)
        if rubric is None or "jury" not in getattr(item, "fixturenames", ()):
            return None
        from pytest_medhelm.scoring.jury.jury import calls_about
        from pytest_medhelm.scoring.response import Response

        def follow(completion: Completion) -> Sequence[FollowUp]:
            response = Response(completion, key=request.key, instance=instance, language=language, stated=stated)
            return [call.next for call in calls_about(self._requests.panel, rubric, instance, response)]

        return follow


class _Window:
    """Which items to ask for, now that one of them is reached: a number of them, and no more than so much text."""

    def __init__(
        self, items: Sequence[pytest.Item], size: Callable[[], int], farthest: int = 1, most: int = MOST_TEXT
    ) -> None:
        self._items = items
        self._size = size
        self._farthest = farthest
        self._most = most
        self._index = -1
        """Of the item that was reached last."""
        self._end = 0
        """Behind the last item that came into the window."""
        self._lengths: deque[int] = deque()
        """Of the items from the present one to the last."""
        self._held = 0

    def advance(self, item: pytest.Item) -> Iterator[tuple[pytest.Item, ItemParams | None]]:
        """Yield the items that came into the window and what they measure; each item is yielded once."""
        size = self._size()
        index = self._find(item) if size else None
        if index is None:
            return
        self._index = index
        if index > self._end:
            self._end = index
            self._lengths.clear()
        while len(self._lengths) > max(0, self._end - index):
            self._held -= self._lengths.popleft()
        self._held = self._held if self._lengths else 0
        if self._end - index > size - size // REFILL:
            return
        yield from self._grow(index + size)

    def fill_up(self, unanswered: int) -> Iterator[tuple[pytest.Item, ItemParams | None]]:
        """Yield as many items more as have their answers already, behind the one that is waited for."""
        size = self._size()
        free = size - unanswered
        if self._index >= 0 and free > size // REFILL:
            yield from self._grow(min(self._end + free, self._index + self._farthest * size))

    def _grow(self, end: int) -> Iterator[tuple[pytest.Item, ItemParams | None]]:
        end = min(len(self._items), end)
        while self._end < end:
            if self._held >= self._most and self._end > self._index:
                return
            later = self._items[self._end]
            params = item_params(later)
            self._end += 1
            # As far as that is known without building it.
            self._lengths.append(0 if params is None else params.packed.length)
            self._held += self._lengths[-1]
            yield later, params

    def _find(self, item: pytest.Item) -> int | None:
        """Where an item is, nearly always behind the last one; None: it belongs to another process."""
        following = self._index + 1
        if following < len(self._items) and self._items[following] is item:
            return following
        return self._places.get(item.nodeid)

    @cached_property
    def _places(self) -> dict[str, int]:
        """Made when it is first needed: tens of thousands of items have large ids."""
        return {item.nodeid: index for index, item in enumerate(self._items)}
