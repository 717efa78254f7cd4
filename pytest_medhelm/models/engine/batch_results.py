"""Results of a batch, as OpenAI's Batch API and ``vllm run-batch`` write them, into the store of the suite that asked.

A file is taken whole or not at all: every id is looked up before anything is stored.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pytest_medhelm.models.engine.awaited import Awaited
from pytest_medhelm.models.engine.failures import advice
from pytest_medhelm.models.engine.request import Completion, Request
from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.models.engine.transport import Fault, answered, refused
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.files import parse_json
from pytest_medhelm.util.json_types import JsonObject

RUN = "batch"
"""The run that stored answers of batches belong to: no session paid for them."""
AT_ONCE = 500
"""Answers that are stored in one transaction."""


class Result(NamedTuple):
    """One line of a file of results."""

    key: str
    status: int
    body: JsonObject


@dataclass
class Collected:
    """What became of the results of some files."""

    stored: int = 0
    known: int = 0
    """Answered before."""
    failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """Of those that failed."""
    waiting: int = 0
    """Requests of the suite that still have no result."""
    errors: int = 0
    """Requests of the suite whose newest result is an error."""


def collect(files: Sequence[Path], responses: Path) -> Collected:
    """Store the answers in some files; ``responses``: the responses.sqlite of the suite.

    Raises ConfigError, and has stored nothing, when a file holds no results, or results of another suite.
    """
    collected = Collected()
    with closing(ResponseStore(responses)) as store, closing(Awaited(responses)) as awaited:
        _refuse_strangers(files, responses, store, awaited)
        for file in files:
            for batch in _batches(results(file)):
                _store(batch, store, awaited, collected)
        collected.waiting, collected.errors = awaited.count()
    return collected


def results(file: Path) -> Iterator[Result]:
    """The results in a file. Raises ConfigError naming the line that is none."""
    lines = 0
    try:
        with file.open(encoding="utf-8-sig", newline="\n") as text:
            for number, line in enumerate(text, 1):
                if line.strip():
                    lines += 1
                    yield result_of(line, f"{file.name}, line {number}")
    except OSError as error:
        raise ConfigError(f"{file} cannot be read ({error.strerror}): name the file that the batch wrote") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is no text in UTF-8: name the .jsonl file that the batch wrote") from None
    if not lines:
        raise ConfigError(f"{file} is empty: name the file that the batch wrote")


def result_of(line: str, where: str) -> Result:
    """What a line of a file says, which stands at ``where``. Raises ConfigError where it is no result."""
    try:
        parsed = parse_json(line)
    except ValueError:
        raise ConfigError(f"{where} is no JSON (cut off?): fetch the results again; nothing is stored") from None
    if not isinstance(parsed, dict) or not isinstance(parsed.get("custom_id"), str):
        raise ConfigError(f"{where} has no custom_id: name the file of results that the batch wrote")
    if "response" not in parsed and "error" not in parsed:
        what = "is a request" if "body" in parsed else "holds neither response nor error"
        raise ConfigError(f"{where} {what}: name the file of results that the batch wrote")
    response, error = parsed.get("response"), parsed.get("error")
    response = response if isinstance(response, dict) else {}
    body = response.get("body")
    status = response.get("status_code")
    if not isinstance(body, dict) or not body:
        body = {"error": error}
    if not isinstance(status, int) or isinstance(status, bool) or (error and 200 <= status < 300):
        status = 0
    return Result(parsed["custom_id"], status, body)


def _refuse_strangers(files: Sequence[Path], responses: Path, store: ResponseStore, awaited: Awaited) -> None:
    known = {*awaited.keys()}
    for file in files:
        for result in results(file):
            if result.key not in known and store.get(result.key) is None:
                raise ConfigError(
                    f"{file.name} holds results that {responses.parent} never asked for (custom_id "
                    f"{result.key[:12]!r}): name the suite that wrote the batch with --suite=DIR; nothing is stored"
                )


def _batches(results: Iterator[Result]) -> Iterator[list[Result]]:
    batch: list[Result] = []
    for result in results:
        batch.append(result)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _store(batch: Sequence[Result], store: ResponseStore, awaited: Awaited, collected: Collected) -> None:
    answers: dict[str, tuple[Request, Completion]] = {}
    failed: dict[str, str] = {}
    for result in batch:
        request = None if result.key in answers else awaited.get(result.key)
        if request is None:
            collected.known += 1
            continue
        read = read_result(request, result)
        if isinstance(read, Completion):
            answers[result.key] = (request, read)
            failed.pop(result.key, None)
        else:
            failed[result.key] = _why(request, read)
    store.put(answers.values(), run=RUN)
    awaited.settle(answers, failed)
    collected.stored += len(answers)
    collected.failed += len(failed)
    collected.reasons.update(failed.values())


def read_result(request: Request, result: Result) -> Completion | Fault:
    """What a result means, as a reply of a server would; how long it took is not known."""
    raw = json.dumps(result.body).encode()
    if 200 <= result.status < 300:
        return answered(request, raw, 0.0)
    if result.status:
        return refused(request, result.status, raw, None)
    error = result.body.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    named = code if isinstance(code, str) and code.isidentifier() and len(code) < 60 else "without a reason"
    return Fault(f"the batch brought no answer ({named})", "final")


def _why(request: Request, fault: Fault) -> str:
    if fault.kind == "no_form":
        return f'{fault.reason}: write structured = false under [models."{request.model.name}"]'
    hint = advice(request.model, fault)
    return f"{fault.reason}{f': {hint}' if hint else ''}"
