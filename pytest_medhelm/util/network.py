"""Plain requests to web servers."""

from __future__ import annotations

import urllib.request
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this machine."""


def opener(url: str) -> urllib.request.OpenerDirector:
    """With the proxy of the environment, except for this machine: a proxy must not see such requests."""
    if urlsplit(url).hostname in LOOPBACK:
        return urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener()
