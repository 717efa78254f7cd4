"""When nothing comes of asking on, and what is odd about answers that are fine by themselves.

A run is stopped by equal final failures in a row, without an answer between them. Only a request that ended without an
answer after all its attempts counts; an answer that is the model's own failure (too long, blocked) neither counts nor
ends a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_medhelm.models.engine.job import Job
from pytest_medhelm.models.engine.request import Completion
from pytest_medhelm.models.engine.transport import Fault
from pytest_medhelm.models.spec import Model

EQUAL_FAILURES = 20
KEY_REFUSALS = 3


@dataclass(slots=True)
class _Row:
    reason: str = ""
    length: int = 0


class Failures:
    """The rows of failures of all models."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}

    def answered(self, model: Model, completion: Completion) -> None:
        """A request has an answer."""
        if completion.outcome == "ok":
            self._rows.pop(model.name, None)

    def failed(self, model: Model, fault: Fault) -> str | None:
        """A request has none, for good; returns the sentence with which the run stops, or None."""
        row = self._rows.setdefault(model.name, _Row())
        if row.reason != fault.reason:
            row.reason, row.length = fault.reason, 0
        row.length += 1
        if fault.kind == "config":
            return f"{advice(model, fault)} ({fault.reason})"
        most = KEY_REFUSALS if fault.refuses_key else EQUAL_FAILURES
        if row.length < most:
            return None
        return (
            f"{row.length} requests in a row to {model.name} at {_address(model)} failed alike ({fault.reason}): "
            f"{advice(model, fault) or 'look into the log of the server'}; the same command goes on from here"
        )


class Remarks:
    """What is odd about answers that are fine by themselves."""

    def __init__(self) -> None:
        self._answering_as: dict[tuple[str, str], dict[str, str]] = {}
        """(address, name in the answer) -> served ids, and the models asked by them."""

    def on(self, model: Model, completion: Completion) -> Iterator[str]:
        """Lines for the user about an answer; the same one may come again."""
        if completion.outcome != "ok":
            return
        if completion.reasoning and not completion.content and completion.finish_reason == "stop":
            yield (
                f"{model.name} gives answers that are all thinking: the reasoning parser of the server at "
                f"{_address(model)} takes the answer too"
            )
        if completion.served and model.endpoint is not None:
            others = self._answering_as.setdefault((model.endpoint.base_url, completion.served), {})
            others.setdefault(model.served, model.name)
            if len(others) > 1:
                yield f"{' and '.join(others.values())} are one model: at {_address(model)} they answer by one name"


def advice(model: Model, fault: Fault) -> str:
    """What to do about a fault, in words."""
    endpoint = model.endpoint
    key = endpoint.key_source if endpoint else ""
    return fault.hint.format(model=model.name, served=model.served, key=key, url=_address(model))


def final_error(job: Job, fault: Fault) -> str:
    """Why a request ends without an answer, and what to do about it."""
    tried = f" after {job.attempts} attempts" if fault.kind not in ("final", "config") else ""
    hint = advice(job.request.model, fault)
    return f"{fault.reason}{tried}{f': {hint}' if hint else ''}"


def _address(model: Model) -> str:
    return model.endpoint.shown_url if model.endpoint else model.name
