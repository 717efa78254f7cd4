"""When a run is stopped because nothing comes of it: equal final failures in a row, without an answer between them.

Only a request that ended without an answer after all its attempts counts; an answer that is the model's own failure
(too long, blocked) neither counts nor ends a row.
"""

from __future__ import annotations

from dataclasses import dataclass

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


def advice(model: Model, fault: Fault) -> str:
    """What to do about a fault, in words."""
    endpoint = model.endpoint
    key = endpoint.key_source if endpoint else ""
    return fault.hint.format(model=model.name, served=model.served, key=key, url=_address(model))


def _address(model: Model) -> str:
    return model.endpoint.shown_url if model.endpoint else model.name
