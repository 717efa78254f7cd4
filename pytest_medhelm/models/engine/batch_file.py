"""A batch file in the engine's place: what has no stored answer is written to it, and nobody is asked.

A line of it is a request as OpenAI's Batch API and ``vllm run-batch`` take it; its ``custom_id`` is the request's key.
Both run one model a file, so that each model has a file of its own where several have requests.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pytest_medhelm.models.engine.awaited import Awaited
from pytest_medhelm.models.engine.job import Follow
from pytest_medhelm.models.engine.request import Completion, Request
from pytest_medhelm.models.engine.store import ResponseStore, short_key
from pytest_medhelm.util.errors import AwaitsBatch
from pytest_medhelm.util.files import create_private

AT_ONCE = 500
"""Requests that are noted in one transaction."""
MOST_REQUESTS, MOST_BYTES = 50_000, 200_000_000
"""That the hosted service takes in one file."""


@dataclass(slots=True)
class _Part:
    """The requests to one model, until they are in their place."""

    path: Path
    file: BinaryIO
    count: int = 0


class BatchFile:
    """Answers requests from the store and writes all others down. Belongs to the main thread."""

    in_flight = 0
    adaptive_limit = 0
    stopped = ""

    def __init__(self, responses: Path, file: Path) -> None:
        """``responses``: the suite's responses.sqlite; ``file``: where the requests go, mode 0600."""
        self.store = ResponseStore(responses)
        self.notices: deque[str] = deque()
        self.meanwhile: Callable[[int], object] = lambda unanswered: None
        """No test waits here."""
        self._awaited = Awaited(responses)
        self._errors = self._awaited.errors()
        self._file = file
        self._parts: dict[str, _Part] = {}
        """By model."""
        self._keys: set[int] = set()
        """Short, of what is written."""
        self._unnoted: list[Request] = []
        self._waiting = 0
        self.lines: list[str] = []
        """What the user should know once it is closed."""

    @property
    def waiting(self) -> str:
        """Why the run is not at its end, as a sentence; empty where each request has an answer or an error."""
        if not self._waiting:
            return ""
        wait = "request waits" if self._waiting == 1 else "requests wait"
        return f"{self._waiting:,} {wait} for the answers to {self._file.name}"

    def prefetch(self, request: Request, follow: Follow | None = None) -> None:
        """Nothing is under way: the test itself has its requests written."""

    def submit(self, request: Request, follow: Follow | None = None, *, first: bool = False) -> None:
        """Write the request down, or what follows from its stored answer, as far as these are not answered."""
        stored = self._stored(request)
        if stored is None:
            self._write(request)
            return
        for later in follow(stored) if follow else ():
            self.submit(*later.both)

    def ask(self, request: Request) -> Completion:
        """The stored completion, or the error of an earlier batch as ``request_error``; it is written down again.

        Raises AwaitsBatch for a request that has neither.
        """
        stored = self._stored(request)
        if stored is not None:
            return stored
        self._write(request)
        if error := self._errors.get(request.key):
            return Completion("request_error", error=error)
        raise AwaitsBatch(f"its request stands in {self._file.name}: run the batch, then 'medhelm batch collect'")

    def close(self) -> None:
        """Put the file in its place and note what it holds."""
        self._note()
        self._awaited.close()
        self.store.close()
        for model, part in self._parts.items():
            self._put_in_place(model, part)
        self._parts.clear()

    def discard(self) -> None:
        """Keep nothing of the file: the run was stopped, and a file that lacks requests looks like a whole one."""
        for part in self._parts.values():
            part.file.close()
            part.path.unlink(missing_ok=True)
        self._parts.clear()

    def _put_in_place(self, model: str, part: _Part) -> None:
        size = part.file.tell()
        part.file.close()
        target = self._target(model)
        if target.exists():
            self.lines.append(f"{target} is there already and stays as it is: the requests are in {part.path}")
            return
        part.path.replace(target)
        many = "request to {} is" if part.count == 1 else "requests to {} are"
        self.lines.append(f"{part.count:,} {many.format(model)} written to {target}")
        if part.count > MOST_REQUESTS or size > MOST_BYTES:
            self.lines.append(
                f"a hosted service takes {MOST_REQUESTS:,} requests and {MOST_BYTES // 10**6} MB a file: divide it, "
                f"e.g. split -l {MOST_REQUESTS} {target.name}"
            )

    def _stored(self, request: Request) -> Completion | None:
        return self.store.get(request.key, context=request.model.context)

    def _write(self, request: Request) -> None:
        key = short_key(request.key)
        if key in self._keys:
            return
        self._keys.add(key)
        self._waiting += request.key not in self._errors
        name = request.model.name
        line = (
            f'{{"custom_id":"{request.key}","method":"POST","url":"/v1/chat/completions","body":{request.payload}}}\n'
        )
        part = self._parts.get(name) or self._begin(name)
        part.file.write(line.encode("utf-8", "replace"))
        part.count += 1
        self._unnoted.append(request)
        if len(self._unnoted) >= AT_ONCE:
            self._note()

    def _note(self) -> None:
        self._awaited.add(self._unnoted)
        self._unnoted.clear()

    def _begin(self, model: str) -> _Part:
        path = self._file.with_name(f"{self._file.name}.{len(self._parts)}.part")
        path.unlink(missing_ok=True)
        self._parts[model] = part = _Part(path, os.fdopen(create_private(path), "wb"))
        return part

    def _target(self, model: str) -> Path:
        if len(self._parts) == 1:
            return self._file
        return file_of_model(self._file, model)


def file_of_model(file: Path, model: str) -> Path:
    """Where the requests to a model go if there are some to others too."""
    name = re.sub(r"[^\w.-]+", "-", model)
    return file.with_name(f"{file.stem}.{name}{file.suffix}")
