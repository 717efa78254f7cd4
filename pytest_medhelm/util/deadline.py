"""A connection that does not say what it wants is closed: a request must be whole within seconds.

aiohttp waits for them as long as a byte comes now and then, so that a few slow clients could hold all descriptors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

SECONDS = 10.0
"""From the connection, or from the first byte of a further request, until it is whole."""


class Deadline(asyncio.Protocol):
    """Between a connection and aiohttp, to which it hands on everything."""

    def __init__(self, inner: asyncio.Protocol, seconds: float = SECONDS) -> None:
        self._inner = inner
        self._seconds = seconds
        self._transport: asyncio.BaseTransport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def request_came(self) -> None:
        """A request is whole: what it is answered with may take its time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait."""
        self._transport = transport
        self._wait()
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Begin to wait for the next request, unless one is waited for."""
        if self._timer is None:
            self._wait()
        self._inner.data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        """Wait no more."""
        self.request_came()
        self._inner.connection_lost(error)

    def eof_received(self) -> bool | None:
        """Hand on."""
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """Hand on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Hand on."""
        self._inner.resume_writing()

    def _wait(self) -> None:
        assert isinstance(self._transport, asyncio.Transport)
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._transport.abort)


def with_deadline(server: Callable[[], asyncio.Protocol], seconds: float = SECONDS) -> Callable[[], Deadline]:
    """What makes the protocol of each connection."""
    return lambda: Deadline(server(), seconds)


def request_came(request: web.Request) -> None:
    """To be called once there is as much of a request as will be read: its headers, or its body too."""
    protocol = request.transport.get_protocol() if request.transport is not None else None
    if isinstance(protocol, Deadline):
        protocol.request_came()
