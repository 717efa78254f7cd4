"""medhelm serve: show suites in the browser, from their databases, also while a run adds to them."""

from __future__ import annotations

import argparse
import asyncio
import errno
import ipaddress
import logging
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from pytest_medhelm.reports.serve.guard import TOKEN_LENGTH, Guard, own_names
from pytest_medhelm.reports.serve.site import Site
from pytest_medhelm.reports.serve.source import Source, is_suite
from pytest_medhelm.util.deadline import with_deadline
from pytest_medhelm.util.errors import ConfigError, DataMissing

PORT = 8000
PORTS = 100
"""Ports that are tried, from the first one on."""
DEFAULT = Path("medhelm-results/default")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "suite", nargs="?", type=Path, help="folder of a suite, or of several (default: medhelm-results/default)"
    )
    parser.add_argument("--port", type=int, metavar="N", help="default: 8000, or the next one that is free")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="address to bind (default: 127.0.0.1)")
    parser.add_argument(
        "--token",
        nargs="?",
        const="",
        metavar="TOKEN",
        help="let in only who has the address with this token (alone: one is made up); other --host need it",
    )
    parser.add_argument("--open", action="store_true", help="open the browser as well")
    parser.add_argument("--verbose", action="store_true", help="print every request: method, path, status")


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C. Raises ConfigError or DataError when there is nothing to serve or no address for it."""
    folder = _folder(arguments.suite)
    host: str = arguments.host
    token = _token(arguments.token)
    if not token and not _stays_here(host):
        raise ConfigError(f"--host={host} lets other machines in, so it needs a token: type --host={host} --token")
    with _listen(host, arguments.port) as listener:
        port = listener.getsockname()[1]
        site = Site(folder, Guard(port, own_names(host), token), verbose=arguments.verbose)
        address = f"http://{_shown(host)}:{port}/{f'?token={quote(token)}' if token else ''}"
        asyncio.run(_serve(site.application(), listener, lambda: _say(arguments, folder, address, port)))
    return 0


def _say(arguments: argparse.Namespace, folder: Path, address: str, port: int) -> None:
    taken = f"port {PORT} is taken; " if arguments.port is None and port != PORT else ""
    # A space after the address: terminals would take a character for a part of it.
    print(f"medhelm: {folder} is shown at {address} ({taken}Ctrl-C ends it)")
    if not _stays_here(arguments.host):
        print("medhelm: other machines can open it with this token; what they read travels unencrypted")
    elif "?" not in address:
        print("medhelm: other accounts of this machine can open it too, unless you add --token")
    sys.stdout.flush()
    if arguments.open:
        threading.Thread(target=_open, args=(address,), daemon=True).start()


def _open(address: str) -> None:
    if not webbrowser.open(address):
        print("medhelm: --open found no browser: open the address yourself", file=sys.stderr)


def _folder(given: Path | None) -> Path:
    """A suite that can be read, or a folder that holds some."""
    folder = given or DEFAULT
    if is_suite(folder):
        with suppress(DataMissing):  # its run has just begun
            Source(folder).status()
        return folder
    inside = sorted(path for path in folder.iterdir() if is_suite(path)) if folder.is_dir() else []
    if inside:
        return folder
    suites = sorted(path for path in DEFAULT.parent.iterdir() if is_suite(path)) if DEFAULT.parent.is_dir() else []
    hint = f"name one of {', '.join(map(str, suites))}" if suites else "run pytest with --medhelm-model=... first"
    raise ConfigError(f"{folder} is no suite, and holds none: {hint}")


def _token(given: str | None) -> str:
    """The token to ask for: none, one made up, or the user's."""
    if given is None:
        return ""
    if not given:
        return secrets.token_urlsafe()
    if len(given) < TOKEN_LENGTH:
        raise ConfigError(
            f"--token={given} could be guessed: type {TOKEN_LENGTH} characters or more, or --token alone to get one"
        )
    return given


def _stays_here(host: str) -> bool:
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


def _listen(host: str, port: int | None) -> socket.socket:
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


def _shown(host: str) -> str:
    """What to type in a browser."""
    if _stays_here(host):
        return "localhost" if host in ("127.0.0.1", "localhost") else f"[{host}]" if ":" in host else host
    return socket.gethostname() if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host


async def _serve(application: web.Application, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Answer until cancelled; what was asked for by then is not waited for."""
    quiet = logging.Logger("medhelm", logging.CRITICAL + 1)
    runner = web.AppRunner(application, access_log=None, logger=quiet, shutdown_timeout=0.1)
    await runner.setup()
    try:
        assert runner.server is not None
        server = await asyncio.get_running_loop().create_server(with_deadline(runner.server), sock=listener)
        ready()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
    finally:
        await runner.cleanup()
