"""The pages that are served, and the one table of their addresses."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from pytest_medhelm.reports.html.browser_files import instances_page
from pytest_medhelm.reports.html.leaderboard_page import leaderboard_page, links
from pytest_medhelm.reports.html.templating import template
from pytest_medhelm.reports.serve.answering import aside, message, page, set_headers
from pytest_medhelm.reports.serve.guard import Guard, Refused
from pytest_medhelm.reports.serve.progress import Served, gone, in_words, progress
from pytest_medhelm.reports.serve.rating_pages import RatingPages
from pytest_medhelm.reports.serve.source import NotYet, Source, Status, is_suite
from pytest_medhelm.reports.serve.suite_list import suite_facts
from pytest_medhelm.util.deadline import request_came
from pytest_medhelm.util.errors import DataError, DataMissing

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """The suites of a folder: itself, or those in it."""

    def __init__(self, root: Path, guard: Guard, *, verbose: bool = False, rating: RatingPages | None = None) -> None:
        self._root = root
        self._guard = guard
        self._verbose = verbose
        self._sources: dict[Path, Source] = {}
        self._rating = rating
        self.routes: Mapping[str, Handler] = {
            "/": self._start,
            "/{suite}/": self._suite,
            "/{suite}/leaderboard.html": self._leaderboard,
            "/{suite}/instances.html": self._instances,
            "/{suite}/browser/index.js": self._index,
            "/{suite}/browser/{key}.js": self._chunk,
            "/{suite}/status.json": self._status,
        }

    def application(self) -> web.Application:
        """The server's side of it; raises nothing for what a request asks."""

        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._answer(request, handler)

        application = web.Application(middlewares=[answer])
        application.on_response_prepare.append(set_headers)
        if self._rating is not None:
            self._rating.add_to(application.router)
        for address, handler in self.routes.items():
            application.router.add_get(address, handler)
        return application

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """What every request goes through: admitted, answered, and if need be with a sentence."""
        answer: web.StreamResponse
        request_came(request)
        try:
            request["person"] = self._guard.admit(request)
            if self._rating is not None:
                self._rating.keep_apart(request)
            answer = await handler(request)
        except Refused as error:
            body = {"sentence": str(error)}
            is_sent = request.method == "POST" and self._rating is not None
            answer = web.json_response(body, status=error.status) if is_sent else message(error.status, str(error))
        except web.HTTPNotFound:
            back = "open your own address again" if request.get("person") else "go back to the leaderboard"
            answer = message(404, f"There is no such page: {back}")
        except web.HTTPException as error:
            answer = error
        except DataError as error:
            status = 200 if isinstance(error, NotYet) else 503 if isinstance(error, DataMissing) else 500
            answer = message(status, str(error), gone(error))
        except Exception as error:
            # Its words may hold clinical text.
            print(f"medhelm: {_printable(request)} failed with {type(error).__name__}", file=sys.stderr)
            answer = message(500, "The page could not be made: medhelm report says whether the suite is whole")
        if self._verbose:
            print(f"{request.method} {_printable(request)} {answer.status}", file=sys.stderr, flush=True)
        return answer

    def _current_sources(self) -> dict[str, Source]:
        """The suites that there are now, by name."""
        folders = {self._root.resolve().name: self._root}
        if not is_suite(self._root) and self._root.is_dir():
            folders = {folder.name: folder for folder in sorted(self._root.iterdir()) if is_suite(folder)} or folders
        return {name: self._sources.setdefault(folder, Source(folder)) for name, folder in folders.items()}

    def _source(self, request: web.Request) -> Source:
        source = self._current_sources().get(request.match_info["suite"])
        if source is None:
            raise web.HTTPNotFound
        return source

    def _served(self, status: Status) -> Served:
        """What a page says of itself."""
        return {**in_words(status), "several": len(self._current_sources()) > 1}

    async def _start(self, request: web.Request) -> web.StreamResponse:
        sources = self._current_sources()
        if len(sources) == 1:
            raise web.HTTPFound(f"/{quote(next(iter(sources)), safe='')}/leaderboard.html")
        suites = [
            (
                name,
                quote(name, safe=""),
                await aside(partial(progress, source)),
                await aside(partial(suite_facts, source.folder)),
            )
            for name, source in sources.items()
        ]
        return page(template("suites.html").render(suites=suites))

    async def _suite(self, request: web.Request) -> web.StreamResponse:
        self._source(request)
        raise web.HTTPFound("leaderboard.html")

    async def _leaderboard(self, request: web.Request) -> web.StreamResponse:
        source = self._source(request)
        board = await aside(source.board)
        served = self._served(board.status)
        return page(
            await aside(lambda: leaderboard_page(board.leaderboard, links(board.leaderboard), board.prompts, served))
        )

    async def _instances(self, request: web.Request) -> web.StreamResponse:
        source = self._source(request)
        served = self._served(await aside(source.status))
        return page(instances_page(source.folder.resolve().name, served))

    async def _index(self, request: web.Request) -> web.StreamResponse:
        return _script(await aside(self._source(request).index))

    async def _chunk(self, request: web.Request) -> web.StreamResponse:
        source, key = self._source(request), request.match_info["key"]
        chunk = await aside(lambda: source.chunk(key, request.query.get("version", "")))
        if chunk is None:
            raise web.HTTPNotFound
        return _script(chunk)

    async def _status(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(await aside(partial(progress, self._source(request))))


def _script(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/javascript")


def _printable(request: web.Request) -> str:
    """The path without what follows it (a token), and without anything that a terminal obeys."""
    return ascii(request.rel_url.raw_path)[1:-1]
