"""One GET with the standard library: bounded in bytes, and in time as a whole; nothing is followed to another host.

aiohttp takes longer to import than a session of stored answers needs for all else that is ours: it is for asking.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
import zlib
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import NamedTuple
from urllib.parse import SplitResult, quote, unquote, urlsplit

from pytest_medhelm.util.network import proxy_for

CHUNK = 2**16
_UNPACKING = {"gzip": 31, "x-gzip": 31, "deflate": 47}
"""zlib's ``wbits`` by content encoding."""


class Reply(NamedTuple):
    """What a server answered."""

    status: int
    body: bytes
    """Unpacked."""


class UnreachedError(OSError):
    """Nobody accepts a connection at the address."""


def get(url: str, headers: Mapping[str, str], *, seconds: float, most: int) -> Reply:
    """The reply to a GET; its body has at most so many bytes after unpacking.

    Raises TimeoutError after so many ``seconds``, also where the look-up of a host's address has no end;
    UnreachedError, ssl.SSLError, another OSError, or ValueError for what is no HTTP or too large.
    """
    look = _Look(urlsplit(url), headers, seconds, most)
    thread = threading.Thread(target=look.run, name="medhelm-look", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        look.abandon()
        raise TimeoutError
    if look.error is not None:
        raise look.error
    assert look.reply is not None
    return look.reply


class _Look:
    """What a thread does: a look at a name server or a socket cannot be told when to end."""

    def __init__(self, url: SplitResult, headers: Mapping[str, str], seconds: float, most: int) -> None:
        self._most = most
        self._connection, self._target, of_proxy = _connection_to(url, seconds)
        self._headers = {"Accept-Encoding": "gzip, deflate", **of_proxy, **_credentials(url), **headers}
        self.reply: Reply | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.reply = self._ask()
        except HTTPException as error:
            self.error = ValueError(type(error).__name__)
        except Exception as error:
            self.error = error
        finally:
            self._connection.close()

    def abandon(self) -> None:
        """Have ``run`` end soon, if it waits for a server."""
        with contextlib.suppress(Exception):
            self._connection.sock.shutdown(2)

    def _ask(self) -> Reply:
        connection = self._connection
        try:
            connection.connect()
        except (ssl.SSLError, TimeoutError):
            raise
        except OSError as error:
            raise UnreachedError(error.errno, error.strerror or type(error).__name__) from None
        connection.putrequest("GET", self._target, skip_accept_encoding=True)
        for name, value in self._headers.items():
            connection.putheader(name, value.encode())
        connection.endheaders()
        response = connection.getresponse()
        return Reply(response.status, _body(response, self._most))


def _connection_to(url: SplitResult, seconds: float) -> tuple[HTTPConnection, str, dict[str, str]]:
    """A connection, by way of the environment's proxy where there is one, what to ask it for, headers for a proxy."""
    host, port = url.hostname or "", url.port
    path = quote(url.path or "/", safe="/%:;=@&+$,!~*'()")
    target = f"{path}?{quote(url.query, safe='/%:;=@&+$,!~*()?[]')}" if url.query else path
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    address = proxy_for(url.geturl())
    if address is None:
        return kind(host, port, timeout=seconds), target, {}
    proxy = urlsplit(address if "://" in address else f"http://{address}")
    connection = kind(proxy.hostname or "", proxy.port, timeout=seconds)
    credentials = {f"Proxy-{name}": value for name, value in _credentials(proxy).items()}
    if url.scheme == "https":
        connection.set_tunnel(host, port, headers=credentials)
        return connection, target, {}
    return connection, f"http://{url.netloc.rpartition('@')[2]}{target}", credentials


def _credentials(url: SplitResult) -> dict[str, str]:
    """User and password of an address as a header."""
    if url.username is None:
        return {}
    pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def _body(response: HTTPResponse, most: int) -> bytes:
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    unpacking = zlib.decompressobj(_UNPACKING[encoding]) if encoding in _UNPACKING else None
    body = b""
    while chunk := response.read1(CHUNK):
        try:
            body += chunk if unpacking is None else unpacking.decompress(chunk, most + 1)
        except zlib.error:
            raise ValueError("a body that cannot be unpacked") from None
        if len(body) > most:
            raise ValueError(f"a body of more than {most // 2**20} MB")
    if response.length:
        raise ValueError("a body that was cut off")
    return body
