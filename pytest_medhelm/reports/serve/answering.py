"""What a server of pages answers with, and work that it does beside its event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from html import unescape
from typing import TypeVar

from aiohttp import web

from pytest_medhelm.reports.html.templating import template
from pytest_medhelm.reports.serve.guard import HEADERS
from pytest_medhelm.reports.serve.progress import Progress

Answer = TypeVar("Answer")


def page(text: str, status: int = 200) -> web.Response:
    """A page; the policy that it states itself goes into the header too, where frames can be refused as well."""
    policy = unescape(text.partition('http-equiv="Content-Security-Policy" content="')[2].partition('"')[0])
    return web.Response(
        text=text,
        status=status,
        content_type="text/html",
        headers={"Content-Security-Policy": f"{policy}; frame-ancestors 'none'"},
    )


def message(status: int, sentence: str, served: Progress | None = None) -> web.Response:
    waits = served and {**served, "progress": "waiting", "mark": "Waiting", "text": "this page looks again by itself"}
    shown = sentence[0].upper() + sentence[1:]
    answer = page(template("message.html").render(sentence=shown, served=waits), status)
    if status == 405:
        answer.headers["Allow"] = "GET, HEAD"
    return answer


async def set_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        if name not in response.headers or name == "Server":
            response.headers[name] = value


async def aside(work: Callable[[], Answer]) -> Answer:
    """Do it beside the event loop, in a thread that nobody waits for when the server is stopped."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Answer] = loop.create_future()

    def settle(result: Answer | None, error: BaseException | None) -> None:
        if not done.cancelled():
            done.set_exception(error) if error is not None else done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result: Answer | None = None
        problem: BaseException | None = None
        try:
            result = work()
        except BaseException as error:
            problem = error
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, result, problem)

    threading.Thread(target=run, daemon=True).start()
    return await done
