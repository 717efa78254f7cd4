"""The one place that turns model output into an answer.

Every reader takes any text, never raises, works in linear time, and returns None rather than a guess.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_medhelm.scoring.answers.choice import Choice, find_choice, read_choice
from pytest_medhelm.scoring.answers.closed.cut import own_turn, whole_turn
from pytest_medhelm.scoring.answers.folding import fold, unwrap_latex
from pytest_medhelm.scoring.answers.helm_output import helm_output
from pytest_medhelm.scoring.answers.json_text import read_json
from pytest_medhelm.scoring.answers.markers import final_readings, json_answer
from pytest_medhelm.scoring.answers.refusal import is_refusal
from pytest_medhelm.scoring.answers.thinking import Thinking, split_thinking, unknown_mark

if TYPE_CHECKING:
    from pytest_medhelm.scoring.answers.dates import read_date
    from pytest_medhelm.scoring.answers.number import Quantity, read_number
    from pytest_medhelm.scoring.answers.stated import split_stated

READER_VERSIONS = {
    "choice": 5,
    "dates": 4,
    "helm_output": 1,
    "json_text": 2,
    "number": 5,
    "refusal": 1,
    "thinking": 3,
    "response": 3,
}
"""By module; ``response``: how scoring/response.py comes to a status. Raised when the same text may be read otherwise
than before; tests/scoring/versions.json holds the code behind each."""

__all__ = [
    "READER_VERSIONS",
    "Choice",
    "Quantity",
    "Thinking",
    "final_readings",
    "find_choice",
    "fold",
    "helm_output",
    "is_refusal",
    "json_answer",
    "own_turn",
    "read_choice",
    "read_date",
    "read_json",
    "read_number",
    "split_stated",
    "split_thinking",
    "unknown_mark",
    "unwrap_latex",
    "whole_turn",
]

_WHEN_NEEDED = {"Quantity": "number", "read_date": "dates", "read_number": "number", "split_stated": "stated"}
"""Most benchmarks read no number and no date, and the rules for these are half of all."""


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _WHEN_NEEDED:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        reader = globals()[name] = getattr(import_module(f"{__name__}.{_WHEN_NEEDED[name]}"), name)
        return reader
