"""A user's own FHIR server in the hospital's place: it is only read, by GET, and each answer of it is kept.

What was read once in a suite is read from there again, so that every model sees the same record, an episode that is
replayed goes the same way, and scoring again needs no server.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from pytest_medhelm.agents.hospital.elements import Resource
from pytest_medhelm.agents.hospital.errors import FhirError
from pytest_medhelm.agents.hospital.rules import rules
from pytest_medhelm.agents.hospital.state import Key, Population
from pytest_medhelm.models.engine.request import Completion, Request
from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.models.spec import Model
from pytest_medhelm.util.errors import RunStopped
from pytest_medhelm.util.network import opener, shown_address

TOKEN = "MEDHELM_FHIR_TOKEN"
"""Environment variable with the server's token, where it asks for one."""
MOST_AT_ONCE = 8
"""Requests at the server."""
SECONDS = 30.0
"""For one answer, all of it."""
TRIES = 3
MOST_ANSWER = 16_000_000
"""Bytes of one answer."""
MOST_PAGES = 50
"""Of one search that is read to its end."""
MOST_ADDRESS = 4_000
PAUSE = 0.2
"""Seconds before the second try."""
_NO_OUTAGE = (500, 501)
"""What servers answer to a search that they cannot do, too."""
_PATH = re.compile(r"([A-Z][A-Za-z]{1,60})(/[A-Za-z0-9-][A-Za-z0-9.-]{0,63})?")


class FhirServer:
    """Reads a server. Any thread may call it."""

    def __init__(self, base: str, store: Path, *, run: str, use_cache: bool, asks: bool = True) -> None:
        """``store``: the suite's responses.sqlite; ``asks``: False where only what is stored may be read."""
        self._base = base.rstrip("/")
        self._shown = shown_address(self._base)
        self._path = urlsplit(self._base).path
        self._store = ResponseStore(store)
        self._run = run
        self._use_cache = use_cache
        self._asks = asks
        self._read: set[str] = set()
        """Keys of what was read in this session."""
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(MOST_AT_ONCE)
        self._opener = opener(self._base, _NoRedirect())
        self._is_checked = False
        self._dead = ""

    def get(self, address: str) -> Any:
        """The JSON at an address on it, whatever host the address names. Raises FhirError, or RunStopped where the
        server is not there."""
        target = self._target(address)
        key = hashlib.sha256(f"fhir\n{target}".encode()).hexdigest()
        with self._lock:
            one = self._locks.setdefault(key, threading.Lock())
        with one:
            kept = self._kept(key)
            if kept is None:
                kept = self._ask(target)
                self._keep(key, target, kept)
        status, text = int(kept.finish_reason), kept.content
        try:
            resource = json.loads(text)
        except (ValueError, RecursionError):
            resource = None
        if status != 200:
            raise FhirError(status, "processing", _diagnostics(resource) or f"the server answers HTTP {status}")
        if not isinstance(resource, dict) or "resourceType" not in resource:
            raise FhirError(502, "structure", "the server's answer is no FHIR resource as JSON")
        return resource

    def check(self) -> None:
        """Raise RunStopped where no FHIR server answers there."""
        if self._dead:
            raise RunStopped(self._dead)
        if self._asks and not self._is_checked:
            reply = self._ask("metadata")
            if reply.finish_reason != "200" or '"CapabilityStatement"' not in reply.content:
                self._stop(f"{self._shown} is no FHIR base URL (HTTP {reply.finish_reason} at /metadata)")
            self._is_checked = True

    def find_all(self, kind: str, parameters: Sequence[tuple[str, str]]) -> list[Resource]:
        """All that a search finds, over its pages."""
        resources: list[Resource] = []
        address = f"{kind}?{urlencode([*parameters, ('_count', '200')])}"
        for _ in range(MOST_PAGES):
            bundle = self.get(address)
            entries = [entry.get("resource") for entry in bundle.get("entry", ()) if isinstance(entry, dict)]
            resources += [
                resource for resource in entries if isinstance(resource, dict) and resource.get("resourceType") == kind
            ]
            links = [link for link in bundle.get("link", ()) if isinstance(link, dict)]
            address = next((str(link.get("url")) for link in links if link.get("relation") == "next"), "")
            if not address:
                return resources
        raise FhirError(502, "too-costly", f"a search of {kind} has more than {MOST_PAGES} pages")

    def close(self) -> None:
        """Close what is kept."""
        self._store.close()

    def _target(self, address: str) -> str:
        """Path and query below the base URL: of one type, of one resource, or of a search's next page."""
        try:
            parts = urlsplit(address)
            query = [(name, value) for name, value in parse_qsl(parts.query, max_num_fields=40) if name != "_format"]
        except ValueError:
            raise FhirError(400, "invalid", "the address cannot be read") from None
        path = parts.path.removeprefix(self._path) if parts.netloc else parts.path
        path = path.removeprefix("/fhir").strip("/")
        is_page = not path and any(name == "_getpages" for name, _ in query)
        if len(address) > MOST_ADDRESS or not (is_page or _PATH.fullmatch(path)):
            raise FhirError(404, "not-supported", "write a GET as TYPE?parameter=value or TYPE/ID")
        return f"{quote(path)}?{urlencode([*query, ('_format', 'json')])}"

    def _kept(self, key: str) -> Completion | None:
        with self._lock:
            may = self._use_cache or key in self._read or not self._asks
            return self._store.get(key) if may else None

    def _keep(self, key: str, target: str, completion: Completion) -> None:
        request = Request(Model("fhir", "fhir", self._shown), json.dumps({"GET": target}), key)
        with self._lock:
            self._store.put([(request, completion)], run=self._run)
            self._read.add(key)

    def _ask(self, target: str) -> Completion:
        if not self._asks:
            raise RunStopped("an answer of the FHIR server is not stored: run the evaluation again")
        with self._slots:
            for number in range(TRIES):
                if self._dead:
                    raise RunStopped(self._dead)
                try:
                    status, text = self._once(target)
                except OSError as error:
                    problem = _in_words(error)
                else:
                    if status in (401, 403):
                        self._stop(f"{self._shown} refuses access (HTTP {status}): export {TOKEN}=...")
                    if (status < 500 and status != 429) or (status in _NO_OUTAGE and number == TRIES - 1):
                        return Completion("ok", text, finish_reason=str(status), served=self._shown)
                    problem = f"HTTP {status}"
                time.sleep(PAUSE * 2**number)
        self._stop(
            f"the FHIR server at {self._shown} does not answer ({problem}): start it, and the same command goes on"
        )

    def _stop(self, sentence: str) -> NoReturn:
        self._dead = sentence
        raise RunStopped(sentence)

    def _once(self, target: str) -> tuple[int, str]:
        """Status and text of one GET; raises OSError where there is none."""
        headers = {"Accept": "application/fhir+json"}
        if token := os.environ.get(TOKEN, "").strip():
            headers["Authorization"] = f"Bearer {token}"
        address = f"{self._base}/{target}".replace("/?", "?")
        until = time.monotonic() + SECONDS
        try:
            reply = self._opener.open(urllib.request.Request(address, headers=headers, method="GET"), timeout=SECONDS)
        except urllib.error.HTTPError as refusal:
            reply = refusal
        with reply:
            parts: list[bytes] = []
            while part := reply.read1(65_536):
                parts.append(part)
                if time.monotonic() > until:
                    raise TimeoutError
                if sum(map(len, parts)) > MOST_ANSWER:
                    return 413, ""
        return reply.status, b"".join(parts).decode("utf-8", "replace")


class ServerPopulation(Population):
    """What a server holds, in place of the hospital's own patients."""

    is_remote = True

    def __init__(self, server: FhirServer) -> None:
        super().__init__(())
        self.server = server

    def get(self, key: Key) -> Resource | None:
        """A resource, or None where there is none. Raises FhirError where the server does not say so."""
        kind, identifier = key
        if kind not in rules():
            return None
        try:
            resource: Resource = self.server.get(f"{kind}/{identifier}")
        except FhirError as error:
            if error.status in (404, 410):
                return None
            raise
        return resource if resource["resourceType"] == kind else None

    def ids(self, kind: str, patient: str | None = None) -> Iterable[str]:
        """The ids of a type, of one patient's chart where one is named."""
        resources = self.server.find_all(kind, [] if patient is None else [("patient", patient)])
        return [str(resource["id"]) for resource in resources if "id" in resource]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could leave the host that the user named."""

    def redirect_request(self, *_: Any) -> None:
        """None is followed."""


def _diagnostics(outcome: Any) -> str:
    """What an OperationOutcome says."""
    issues = outcome.get("issue", ()) if isinstance(outcome, dict) else ()
    said = [str(issue.get("diagnostics", issue.get("code", ""))) for issue in issues if isinstance(issue, dict)]
    return "; ".join(filter(None, said))[:1000]


def _in_words(error: OSError) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return f"no answer within {SECONDS:g} s"
    return str(getattr(reason, "strerror", None) or type(reason).__name__).lower()
