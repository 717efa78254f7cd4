"""medhelm serve: show suites in the browser, from their databases, also while a run adds to them."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import threading
import webbrowser
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from pytest_medhelm.cli import serve_rating
from pytest_medhelm.cli.listening import PORT, listen, serve, shown, stays_here
from pytest_medhelm.cli.tls import add_tls, tls_context
from pytest_medhelm.reports.serve.guard import TOKEN_LENGTH, Guard, own_names
from pytest_medhelm.reports.serve.site import Site
from pytest_medhelm.reports.serve.source import Source, is_suite
from pytest_medhelm.util.errors import ConfigError, DataMissing

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
    add_tls(parser)
    serve_rating.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C. Raises ConfigError or DataError when there is nothing to serve or no address for it."""
    folder = _folder(arguments.suite)
    host: str = arguments.host
    token, tls = _token(arguments.token), tls_context(arguments)
    if serve_rating.is_wanted(arguments):
        return serve_rating.run(arguments, folder, token, tls)
    if not token and not stays_here(host):
        raise ConfigError(f"--host={host} lets other machines in, so it needs a token: type --host={host} --token")
    with listen(host, arguments.port) as listener:
        port = listener.getsockname()[1]
        site = Site(folder, Guard(port, own_names(host), token, is_secure=tls is not None), verbose=arguments.verbose)
        scheme = "https" if tls else "http"
        address = f"{scheme}://{shown(host)}:{port}/{f'?token={quote(token)}' if token else ''}"
        asyncio.run(serve(site.application(), listener, lambda: _say(arguments, folder, address, port), tls))
    return 0


def _say(arguments: argparse.Namespace, folder: Path, address: str, port: int) -> None:
    taken = f"port {PORT} is taken; " if arguments.port is None and port != PORT else ""
    # A space after the address: terminals would take a character for a part of it.
    print(f"medhelm: {folder} is shown at {address} ({taken}Ctrl-C ends it)")
    if not stays_here(arguments.host):
        line = "" if address.startswith("https") else "; what they read travels unencrypted"
        print(f"medhelm: other machines can open it with this token{line}")
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
