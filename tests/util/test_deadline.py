"""A client that does not say what it wants is let go; one that waits for its answer is not."""

from __future__ import annotations

import asyncio

from aiohttp import web

from pytest_medhelm.util.deadline import request_came, with_deadline

WHOLE = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def slow_answer(request: web.Request) -> web.Response:
    request_came(request)
    await asyncio.sleep(0.5)
    return web.Response(text="an answer")


async def ask(*parts: bytes) -> bytes:
    """What a server with a deadline of 0.2 s sends to a client that sends these parts, 0.1 s between them."""
    application = web.Application()
    application.router.add_get("/", slow_answer)
    runner = web.AppRunner(application)
    await runner.setup()
    assert runner.server is not None
    server = await asyncio.get_running_loop().create_server(with_deadline(runner.server, 0.2), "127.0.0.1", 0)
    try:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        received = asyncio.create_task(reader.read(10_000))
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.1)
        try:
            return await asyncio.wait_for(received, 10)
        except ConnectionError:
            return b""
        finally:
            writer.close()
    finally:
        server.close()
        await runner.cleanup()


def test_headers_that_never_end_close_the_connection() -> None:
    slow = [WHOLE[at : at + 1] for at in range(20)]  # 2 s, a byte at a time
    assert asyncio.run(ask(*slow)) == b""
    assert asyncio.run(ask(b"")) == b""


def test_an_answer_may_take_its_time() -> None:
    assert asyncio.run(ask(WHOLE)).endswith(b"an answer")
    assert asyncio.run(ask(WHOLE[:10], WHOLE[10:])).endswith(b"an answer")
