"""Addresses of web servers: which of them are this machine, how they may be shown, and plain requests to them."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    import urllib.request

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this machine."""
_COMMON = re.compile(
    r"v\d+\w{0,8}|api|openai|chat|completions|models|deployments|engines|serve|inference", re.IGNORECASE
)
"""Parts of a path that many servers have; any other may be a key."""

_OPERATIONS = ("chat/completions", "completions", "models", "responses", "embeddings")
"""What comes after a base URL; users copy it along."""


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own, which no packet leaves."""
    name = host.strip("[]").rstrip(".").lower()
    if name in LOOPBACK:
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def host_of(address: str) -> str:
    """The host of an address in small letters; empty where there is none."""
    return (urlsplit(address).hostname or "").rstrip(".")


def shown_address(address: str) -> str:
    """An address as it may be shown and stored: without user, password and query, a path that may be a key hashed.

    The same address is shown the same way everywhere, so that two can be told apart.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    path = "/".join(part if not part or _COMMON.fullmatch(part) else _hashed(part) for part in parts.path.split("/"))
    return f"{parts.scheme}://{host}{port}{path}" + (f"?{_hashed(parts.query)}" if parts.query else "")


def without_credentials(address: str) -> str:
    """An address without user, password and query, its path as it is: of public data, where the path is no secret."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def shown_addresses(text: str) -> str:
    """A text, e.g. an argument of a command line, in which every address of a server is as it may be shown."""
    return re.sub(r"https?://(?:(?!,https?://)[^\s'\"<>])+", lambda matched: shown_address(matched[0]), text)


def _hashed(text: str) -> str:
    return f"~{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def opener(url: str, *handlers: urllib.request.BaseHandler) -> urllib.request.OpenerDirector:
    """With the proxy of the environment, except for this machine: a proxy must not see such requests."""
    import urllib.request  # Here: it is costly, and every pytest session imports this module.

    if is_loopback(host_of(url)):
        return urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)
    return urllib.request.build_opener(*handlers)


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for an address; never one for this machine itself.

    Worked out once per endpoint: aiohttp's own trust_env looks it up for each request, at twice the CPU time.
    """
    from urllib.request import getproxies, proxy_bypass  # Here, as above.

    parts = urlsplit(url)
    if parts.hostname is None or is_loopback(parts.hostname) or proxy_bypass(parts.netloc):
        return None
    return getproxies().get(parts.scheme)


def complete_address(url: str) -> str:
    """An address with /v1 where it has no path. Raises ValueError that says what is wrong, without the address."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and url.isprintable()
    except ValueError:  # a port beyond 65535, half an IPv6 address
        usable = False
    if not usable or " " in url:
        raise ValueError("is not an address; type e.g. http://localhost:8000/v1")
    path = parts.path.rstrip("/")
    for operation in _OPERATIONS:
        if path.endswith(f"/{operation}"):
            shorter = shown_address(urlunsplit(parts._replace(path=path.removesuffix(f"/{operation}"))))
            raise ValueError(f"goes on after the base address; it ends before /{operation}: type {shorter}")
    return urlunsplit(parts._replace(path=path or "/v1", fragment=""))
