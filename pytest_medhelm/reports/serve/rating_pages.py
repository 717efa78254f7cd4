"""The rating screens, and the page on which the owner sees how far the raters are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from threading import Lock
from typing import Any
from urllib.parse import quote

from aiohttp import web

from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.reports.html.instance_view import instance_view
from pytest_medhelm.reports.html.templating import template
from pytest_medhelm.reports.serve.answering import aside, page
from pytest_medhelm.reports.serve.guard import RATE, Guard, Refused, start_of
from pytest_medhelm.reports.serve.rating_desk import ADJUDICATOR, CHOICES, Desk, Unusable
from pytest_medhelm.results.agreement.assessment import assess
from pytest_medhelm.results.agreement.preferences import assess_preferences
from pytest_medhelm.results.store.rating_queue import Item, Pair
from pytest_medhelm.scoring.jury.harm import KINDS, SEVERITIES
from pytest_medhelm.scoring.record_types import Record

OVERVIEW = "/rating/"
SCREEN = f"{RATE}{{person}}/"


class RatingPages:
    """Screens of the raters and of the adjudicator, and the owner's overview; each as text."""

    def __init__(self, desk: Desk, store: ResponseStore, guard: Guard) -> None:
        self._desk = desk
        self._store = store
        self._lock = Lock()
        self._guard = guard

    def add_to(self, router: web.UrlDispatcher) -> None:
        """The addresses, and what answers there."""

        async def start(request: web.Request) -> web.StreamResponse:
            return page(await aside(partial(self.start, request["person"])))

        async def screen(request: web.Request) -> web.StreamResponse:
            return page(await aside(partial(self.screen, request["person"], request.match_info["name"])))

        async def save(request: web.Request) -> web.StreamResponse:
            text = await request.text()
            return web.json_response(
                await aside(partial(self.save, request["person"], request.match_info["name"], text))
            )

        async def overview(request: web.Request) -> web.StreamResponse:
            return page(await aside(self.overview))

        router.add_get(SCREEN, start)
        router.add_get(f"{SCREEN}{{name}}", screen)
        router.add_post(f"{SCREEN}{{name}}", save)
        router.add_get(OVERVIEW, overview)

    @staticmethod
    def keep_apart(request: web.Request) -> None:
        """Raters see their own screen and nothing else; the owner does not rate. Raises HTTPFound, or Refused."""
        person = request["person"]
        if request.path.startswith(start_of(person) if person else RATE) == bool(person):
            return
        if request.method == "POST":
            raise Refused(403, "This page belongs to somebody else by now: open your own address again")
        raise web.HTTPFound(quote(start_of(person)) if person else OVERVIEW)

    def start(self, person: str) -> str:
        """Where a person goes on; raises HTTPFound unless all is done."""
        queue = self._desk.queue(person)
        left = next((name for name in queue if not self._desk.is_done(person, name)), "")
        if left:
            raise web.HTTPFound(f"{quote(start_of(person))}{left}")
        return template("rating_done.html").render(person=person, count=len(queue), first=queue[0] if queue else "")

    def screen(self, person: str, name: str) -> str:
        """What one thing to be rated looks like. Raises HTTPNotFound for what a person is not asked."""
        queue = self._desk.queue(person)
        if name not in queue:
            raise web.HTTPNotFound
        index = queue.index(name)
        done = [self._desk.is_done(person, each) for each in queue]
        later = [*queue[index + 1 :], *queue[:index]]
        around = {
            "person": person,
            "name": name,
            "place": index + 1,
            "count": len(queue),
            "done": sum(done),
            "before": queue[index - 1] if index else "",
            # What is not done yet, else the next one that is.
            "after": next((each for each in later if not self._desk.is_done(person, each)), ""),
            "form_word": self._guard.form_word(person),
        }
        pair = self._desk.pairs.get(name)
        return self._pair(person, pair, around) if pair else self._item(person, self._desk.items[name], around)

    def _item(self, person: str, item: Item, around: Mapping[str, object]) -> str:
        return template("rate.html").render(
            **around,
            **self._texts(item.record, shows_reference=item.rubric.shows_reference),
            rubric=item.rubric,
            scale=range(min(item.rubric.scale), max(item.rubric.scale) + 1),
            severities=SEVERITIES,
            kinds=KINDS,
            said=self._desk.said(person, item),
            others=self._desk.others(item) if person == ADJUDICATOR else [],
            wrong=self._desk.wrong(person, item.record),
        )

    def _pair(self, person: str, pair: Pair, around: Mapping[str, object]) -> str:
        second = self._texts(pair.second)["answer"]
        choice = self._desk.choice(person, pair)
        return template("rate_pair.html").render(
            **around, **self._texts(pair.first), second=second, choice=choice, choices=CHOICES
        )

    def _texts(self, record: Record, *, shows_reference: bool = True) -> dict[str, Any]:
        with self._lock:
            view = instance_view(self._store, [record])
        return {
            "messages": view["prompts"][0],
            "reference": view["references"][0] if shows_reference else "",
            "answer": view["records"][0]["answer"],
        }

    def save(self, person: str, name: str, text: str) -> dict[str, object]:
        """Store what a page sent; returns how far the person is. Raises Refused for what cannot be stored."""
        try:
            given = json.loads(text)
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict) or name not in self._desk.queue(person):
            raise Refused(400, "This is no rating: reload the page")
        try:
            if name in self._desk.pairs:
                self._desk.choose(person, self._desk.pairs[name], given)
            else:
                self._desk.save(person, self._desk.items[name], given)
        except Unusable as error:
            raise Refused(400, f"Not stored: {error}") from None
        queue = self._desk.queue(person)
        return {
            "whole": self._desk.is_done(person, name),
            "done": sum(self._desk.is_done(person, each) for each in queue),
            "count": len(queue),
        }

    def overview(self) -> str:
        """How far everybody is, how far they agree, and what is to be settled."""
        desk = self._desk
        people = [*desk.raters, *([ADJUDICATOR] if desk.items else [])]
        queues = {name: desk.queue(name) for name in people}
        far = {name: (sum(desk.is_done(name, each) for each in queue), len(queue)) for name, queue in queues.items()}
        ratings = desk.ratings()
        return template("rating_overview.html").render(
            far=far,
            criteria=assess(ratings).criteria if ratings.scores else (),
            disputed=[(name, desk.is_done(ADJUDICATOR, name)) for name in desk.disputed()],
            preferences=assess_preferences(desk.preferences()) if desk.pairs else None,
        )
