"""Who may see a suite: a request that comes from another site or without the token is answered with one sentence.

What it keeps out: other machines (the address that is bound, and a token); a page of another site that makes the
reader's browser ask (Host header, Sec-Fetch-Site, Cross-Origin-Resource-Policy, no CORS; what changes something also
needs a word that only our own page knows); a frame around a page; what a model wrote and would like to run (the pages'
content security policy, here as a header too).
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from aiohttp import web

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "medhelm",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer; a page brings its own content security policy."""
METHODS = ("GET", "HEAD")
RATE = "/rate/"
"""Below it each rater has an address, ``start_of`` their name: several may use one browser."""
FORM_HEADER = "X-Medhelm-Form"
"""What a request that changes something brings: ``Guard.form_word`` of who sends it."""
TOKEN_LENGTH = 16
"""Characters that a token of one's own has at least."""


class Refused(Exception):  # noqa: N818
    """A request that is not answered, with the HTTP status and the sentence that says why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Guard:
    """What a request must bring."""

    port: int
    names: Collection[str]
    """Host names under which the server may be asked, besides IP addresses."""
    token: str = ""
    """The owner's; empty: none is asked for."""
    raters: Mapping[str, str] = field(default_factory=dict)
    """The token of each person who may rate and see nothing else, by name."""
    is_secure: bool = False
    """What is sent is encrypted."""
    session: str = field(default_factory=secrets.token_urlsafe)
    """From which cookies are made: they are good as long as the server runs."""

    def cookie(self, person: str) -> str:
        """The name of a person's: browsers keep the cookies of all ports, and of all who use them, together."""
        mark = f"-{hashlib.sha256(person.encode()).hexdigest()[:12]}" if person else ""
        return f"medhelm-{self.port}{mark}"

    def admit(self, request: web.Request) -> str:
        """The name of the rater who asks; empty for the owner, or for anybody where no token is asked for.

        Who has several cookies is whose address is asked for, else the owner.

        Raises Refused unless the request may be answered, and HTTPSeeOther once the token has been shown.
        """
        if request.method not in METHODS and not (self.raters and request.method == "POST"):
            raise Refused(405, "Nothing can be changed here: this server only shows")
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or not _is_ours(hosts[0], self.names):
            raise Refused(421, "This server is asked under a name that is not its own: type the address it printed")
        if _from_elsewhere(request):
            raise Refused(403, "Another site asked for this: open the page by its own address")
        person = self._person(request) if self.token else ""
        if request.method == "POST" and not _same(request.headers.get(FORM_HEADER, ""), self.form_word(person)):
            raise Refused(403, "This page belongs to somebody else by now: open your own address again")
        return person

    def form_word(self, person: str) -> str:
        """What our own page sends along: another site cannot read it, and it is nobody else's."""
        return self._made("form", person)

    def _person(self, request: web.Request) -> str:
        people = {"": self.token, **self.raters}
        shown = request.query.get("token")
        for person, token in people.items():
            if shown is not None and _same(shown, token):
                # Away from the address line, the history and what a browser hands on; never to another host (//host).
                answer = web.HTTPSeeOther("/" + request.rel_url.raw_path.lstrip("/"))
                answer.set_cookie(
                    self.cookie(person),
                    self._made("cookie", person),
                    httponly=True,
                    samesite="Strict",
                    path="/",
                    secure=self.is_secure,
                )
                raise answer
        held = [
            person
            for person in people
            if _same(request.cookies.get(self.cookie(person), ""), self._made("cookie", person))
        ]
        if held:
            return next((person for person in held if person and request.path.startswith(start_of(person))), held[0])
        raise Refused(403, self._no_token(shown is not None))

    def _no_token(self, is_wrong: bool) -> str:
        what = (
            "The token of this address is not, or no longer, the right one" if is_wrong else "A token is missing here"
        )
        if not self.raters:
            return f"{what}: open the address that medhelm serve printed last, whole"
        return f"{what}: open your own address, whole; who started the server can give it to you anew"

    def _made(self, use: str, person: str) -> str:
        return hmac.digest(self.session.encode(), f"{use} {person}".encode(), "sha256").hex()


def start_of(person: str) -> str:
    """The address below which a person rates, as a browser's request names it once decoded."""
    return f"{RATE}{person}/"


def own_names(host: str) -> frozenset[str]:
    """The names of this machine, and the one that was bound."""
    return frozenset(name.lower() for name in ("localhost", host, socket.gethostname(), socket.getfqdn()))


def _is_ours(host: str, names: Collection[str]) -> bool:
    """An address is: a site that lets its name point to this machine (DNS rebinding) has a name."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return name.lower().rstrip(".") in names
    return True


def _from_elsewhere(request: web.Request) -> bool:
    """A browser says so itself; a link that somebody follows is no harm, where it changes nothing."""
    site, mode = request.headers.get("Sec-Fetch-Site", "none"), request.headers.get("Sec-Fetch-Mode", "navigate")
    return site not in ("none", "same-origin") and (mode != "navigate" or request.method not in METHODS)


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())
