"""Where a server listens: an address of this machine, a free port, and what to type in a browser."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import socket
import ssl
from collections.abc import Callable

from aiohttp import web

from pytest_medhelm.util.deadline import with_deadline
from pytest_medhelm.util.errors import ConfigError

PORT = 8000
PORTS = 100
"""Ports that are tried, from the first one on."""


def stays_here(host: str) -> bool:
    """Whether only this machine reaches an address."""
    return all(ipaddress.ip_address(address[0]).is_loopback for _, address in _addresses(host))


def _addresses(host: str) -> list[tuple[int, tuple[str, int]]]:
    try:
        addresses = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ConfigError(
            f"--host={host} is no address of this machine: leave it out, or type its IP address"
        ) from None
    return [(family, (str(address[0]), 0)) for family, _, _, _, address in addresses]


def listen(host: str, port: int | None) -> socket.socket:
    """A listening socket on the port, or on the first free one from 8000 on."""
    family, (address, _) = min(_addresses(host))
    for attempt in [port] if port is not None else range(PORT, PORT + PORTS):
        try:
            if port is None and _taken_as_localhost(attempt):
                continue
            return socket.create_server((address, attempt), family=family)
        except OverflowError:
            raise ConfigError(f"--port={port} is no port: type a number from 1 to 65535") from None
        except OSError as error:
            if error.errno == errno.EADDRINUSE and port is None:
                continue
            raise ConfigError(_refusal(host, attempt, error)) from None
    raise ConfigError(f"all ports from {PORT} to {PORT + PORTS - 1} are taken: type --port=0 for any that is free")


def _refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"--port={port} is taken by another program: leave it out to get the next free one"
    if error.errno == errno.EACCES:
        return f"--port={port} is not allowed to you: type one above 1023"
    return f"--host={host} cannot be bound ({error.strerror}): leave it out, or type an IP address of this machine"


def _taken_as_localhost(port: int) -> bool:
    """Whether another program has the port under IPv6, to which browsers go first when they read localhost."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("::1", port))
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    return False


def shown(host: str) -> str:
    """What to type in a browser."""
    if stays_here(host):
        return "localhost" if host in ("127.0.0.1", "localhost") else f"[{host}]" if ":" in host else host
    return socket.gethostname() if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host


async def serve(
    application: web.Application,
    listener: socket.socket,
    ready: Callable[[], None],
    tls: ssl.SSLContext | None = None,
) -> None:
    """Answer until cancelled; what was asked for by then is not waited for."""
    quiet = logging.Logger("medhelm", logging.CRITICAL + 1)
    runner = web.AppRunner(application, access_log=None, logger=quiet, shutdown_timeout=0.1)
    await runner.setup()
    try:
        assert runner.server is not None
        server = await asyncio.get_running_loop().create_server(with_deadline(runner.server), sock=listener, ssl=tls)
        ready()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
    finally:
        await runner.cleanup()
