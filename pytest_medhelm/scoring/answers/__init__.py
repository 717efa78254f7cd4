"""The one place that turns model output into an answer.

Every reader takes any text, never raises, works in linear time, and returns None rather than a guess.
"""

from __future__ import annotations

from pytest_medhelm.scoring.answers.choice import read_choice
from pytest_medhelm.scoring.answers.dates import read_date
from pytest_medhelm.scoring.answers.folding import fold, unwrap_latex
from pytest_medhelm.scoring.answers.json_text import read_json
from pytest_medhelm.scoring.answers.markers import final_readings, json_answer
from pytest_medhelm.scoring.answers.number import Quantity, read_number
from pytest_medhelm.scoring.answers.refusal import is_refusal
from pytest_medhelm.scoring.answers.thinking import Thinking, split_thinking

READER_VERSIONS = {
    "choice": 1,
    "dates": 1,
    "json_text": 1,
    "number": 1,
    "refusal": 1,
    "thinking": 1,
    "response": 1,
}
"""By module; ``response``: how scoring/response.py comes to a status. Raised when the same text may be read otherwise
than before; tests/scoring/versions.json holds the code behind each."""

__all__ = [
    "READER_VERSIONS",
    "Quantity",
    "Thinking",
    "final_readings",
    "fold",
    "is_refusal",
    "json_answer",
    "read_choice",
    "read_date",
    "read_json",
    "read_number",
    "split_thinking",
    "unwrap_latex",
]
