"""The look-ahead: while a test runs, the responses of the next ones are asked for. A hint, no result depends on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_medhelm.plugin.item_params import params_to_ask
from pytest_medhelm.scoring.jury.jury import calls_about

if TYPE_CHECKING:
    from pytest_medhelm.models.engine.job import Follow, FollowUp
    from pytest_medhelm.models.engine.request import Completion, Request
    from pytest_medhelm.plugin.asking import Asker
    from pytest_medhelm.scoring.record import RecordBuilder


class Prefetcher:
    """Asks for the items that come into a sliding window."""

    def __init__(self, asker: Asker, items: Sequence[pytest.Item], size: int) -> None:
        """``items`` of this process in their order, ``size`` of them in the window."""
        self._asker = asker
        self._window = _Window(items, size)

    def advance_to(self, item: pytest.Item) -> None:
        """An item is about to run: ask for those that come into the window with it."""
        for later in self._window.advance(item):
            if params_to_ask(later) is not None:
                self._ask(later)

    def _ask(self, item: pytest.Item) -> None:
        draft = self._asker.draft(item)
        try:
            messages = draft.benchmark.messages(draft.instance)
            draft.request = self._asker.request(draft.model, messages, draft.instance.id)
        except Exception:
            return  # The test itself will meet the same error, and report it.
        self._asker.engine.submit(draft.request, self._then_judges(item, draft, draft.request))

    def _then_judges(self, item: pytest.Item, draft: RecordBuilder, request: Request) -> Follow | None:
        instance, language = draft.instance, draft.benchmark.task.language
        rubric = self._asker.rubric(draft.benchmark)
        if rubric is None or "jury" not in getattr(item, "fixturenames", ()):
            return None
        from pytest_medhelm.scoring.response import Response

        def follow(completion: Completion) -> Sequence[FollowUp]:
            response = Response(completion, key=request.key, instance=instance, language=language)
            return [call.next for call in calls_about(self._asker.panel, rubric, instance, response)]

        return follow


class _Window:
    """Which items to ask for, now that one of them is reached."""

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
