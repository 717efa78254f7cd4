"""One address, one file on disk: resumed where it was cut, tried again a bounded number of times.

The proxy and the certificates are those of the environment (https_proxy, no_proxy, SSL_CERT_FILE).
"""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Protocol

from pytest_medhelm.util.errors import DataError
from pytest_medhelm.util.network import opener, without_credentials

TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as dropped."""
WAITS = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each further try; they start anew whenever a try brought new bytes."""
LONGEST_WAIT = 60.0
"""Seconds; a server may ask for less patience, not for more."""

_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_BLOCK = 1 << 16


class Progress(Protocol):
    """Who watches a download."""

    def at(self, done: int, total: int | None) -> None:
        """Bytes of the file that are here, and of the whole file where the server tells."""

    def note(self, line: str) -> None:
        """Something to know, as a line of its own."""


class NotThere(DataError):  # noqa: N818
    """The server has nothing at this address."""


class _Dropped(Exception):  # noqa: N818
    """A try ended early; another one may succeed."""

    def __init__(self, reason: object, wait: float | None = None) -> None:
        said = reason.strerror if isinstance(reason, OSError) else None
        super().__init__(said or str(reason) or type(reason).__name__)
        self.wait = wait


def download(url: str, part: Path, *, resume: bool, progress: Progress) -> None:
    """Write what ``url`` serves to ``part``.

    ``resume`` goes on behind the bytes that ``part`` already holds, where the server can; without it they are
    dropped first. A download that was cut, by whatever, leaves them there.

    Raises NotThere for HTTP 404 and 410, DataError naming the address when it cannot be had, OSError when ``part``
    cannot be written.
    """
    if not resume:
        part.unlink(missing_ok=True)
    first = most = _size(part)
    failures, validator = 0, ""
    while True:
        try:
            validator = _try(url, part, validator, progress)
            return
        except _Dropped as dropped:
            size = _size(part)
            failures, most = (failures + 1, most) if size <= most else (1, size)
            unreachable = isinstance(dropped.__cause__, urllib.error.URLError) and most == first
            if failures > len(WAITS) or unreachable:
                hint = "; behind a proxy set https_proxy, else name a mirror with --mirror" if unreachable else ""
                kept = f"; {most / 1e6:.1f} MB are kept for the next time" if most else ""
                raise DataError(f"{without_credentials(url)} could not be fetched ({dropped}){hint}{kept}") from None
            wait = WAITS[failures - 1] if dropped.wait is None else dropped.wait
            progress.note(f"{without_credentials(url)}: {dropped}; trying again in {wait:.0f} s")
            time.sleep(wait)


def _try(url: str, part: Path, validator: str, progress: Progress) -> str:
    """One request; returns what identifies this version of the file. ``validator`` is that of the try before."""
    have = _size(part)
    # Compressed on the way, sizes and ranges would not be those of the file.
    headers = {"Accept-Encoding": "identity", "User-Agent": "pytest-medhelm"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if validator:
            headers["If-Range"] = validator
    try:
        reply = opener(url).open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:
            if _total(error.headers.get("Content-Range", "")) == have:
                return validator
            part.unlink()
            raise _Dropped("what is here already is no part of it", 0.0) from None
        raise _refused(url, error) from None
    except urllib.error.URLError as error:
        raise _Dropped(error.reason) from error
    except (OSError, HTTPException) as error:
        raise _Dropped(error) from None
    with reply:
        _receive(reply, part, have, progress)
        tag = str(reply.headers.get("ETag", ""))
        return "" if tag.startswith("W/") else tag or str(reply.headers.get("Last-Modified", ""))


def _receive(reply: HTTPResponse, part: Path, have: int, progress: Progress) -> None:
    goes_on = reply.status == 206 and str(reply.headers.get("Content-Range", "")).startswith(f"bytes {have}-")
    if reply.status == 206 and not goes_on:
        part.unlink()
        raise _Dropped("the server sent another part than was asked for")
    done = have if goes_on else 0
    length = reply.headers.get("Content-Length")
    total = done + int(length) if length and length.isdecimal() else None
    with part.open("ab" if goes_on else "wb") as file:
        while True:
            progress.at(done, total)
            try:
                block = reply.read1(_BLOCK)
            except (OSError, HTTPException, ValueError) as error:
                raise _Dropped(error) from None
            if not block:
                break
            file.write(block)
            done += len(block)
    if total is not None and done < total:
        raise _Dropped(f"the connection ended after {done / 1e6:.1f} of {total / 1e6:.1f} MB")


def _refused(url: str, error: urllib.error.HTTPError) -> Exception:
    if error.code in (404, 410):
        return NotThere(f"{without_credentials(url)} is not there (HTTP {error.code})")
    if error.code in _RETRIED:
        asked = error.headers.get("Retry-After", "")
        return _Dropped(f"HTTP {error.code}", min(float(asked), LONGEST_WAIT) if asked.isdecimal() else None)
    hint = ": it wants a login" if error.code in (401, 403, 407) else ""
    return DataError(f"{without_credentials(url)} answers HTTP {error.code}{hint}")


def _total(content_range: str) -> int | None:
    matched = re.fullmatch(r"bytes \*/(\d+)", content_range)
    return int(matched[1]) if matched else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
