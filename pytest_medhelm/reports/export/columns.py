"""The columns of the exported tables; docs/export.md says what each holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_medhelm.scoring.response import STATUSES

Kind = Literal["text", "integer", "number", "flag"]


@dataclass(frozen=True)
class Column:
    """A column: its name, and what its cells are where they are not empty."""

    name: str
    kind: Kind = "text"


def _of(kind: Kind, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for name in names)


_BENCHMARK = _of("text", "benchmark", "category", "subcategory", "model", "model_kind")
_IDENTITY = (
    *_BENCHMARK,
    *_of("text", "instance", "perturbation"),
    *_of("integer", "repeat"),
)
_GROUPS = _of("text", "cluster", "sub_task", "slices")
_DATA = _of("flag", "sample", "partial")
_TOKENS = _of("integer", "prompt_tokens", "completion_tokens", "reasoning_tokens")

SCORES = (
    *_IDENTITY,
    *_of("text", "metric"),
    *_of("flag", "main_metric"),
    *_of("number", "score"),
    *_of("text", "state"),
    *_of("number", "scale_worst", "scale_best"),
    *_of("text", "status"),
    *_of("number", "confidence"),
    *_of("text", "confidence_kind"),
    *_GROUPS,
    *_DATA,
    *_of("number", "latency"),
    *_of("integer", "attempts"),
    *_of("flag", "cached"),
    *_TOKENS,
    *_of("number", "cost", "paid"),
    *_of("text", "eval_set_hash", "fingerprint"),
)
VERDICTS = (
    *_IDENTITY,
    *_of("text", "status", "judge", "judge_served", "verdict_status", "criterion"),
    *_of("number", "score"),
    *_of("integer", "tries", "repaired"),
    *_of("text", "harm_severity", "harm_kinds"),
    *_DATA,
    *_of("number", "latency"),
    *_TOKENS,
    *_of("number", "cost", "paid"),
)
CELLS = (
    *_BENCHMARK,
    *_of("text", "metric"),
    *_of("flag", "main_metric"),
    *_of("number", "value", "low", "high", "standard_error", "answered", "worst", "best", "scale_worst", "scale_best"),
    *_of("integer", "n", "missing", "size"),
    *_DATA,
    *_of("integer", *(f"status_{status}" for status in STATUSES)),
    *_of("text", "method", "note"),
)
AGGREGATE = (
    *_BENCHMARK,
    *_of("integer", "size"),
    *_DATA,
    *_of("text", "kind", "name"),
    *_of("flag", "main_metric"),
    *_of("number", "scale_worst", "scale_best", "low", "high"),
    *_of("text", "suppressed"),
)
TEXTS = _of("text", "prompt", "answer", "reasoning", "reference", "error")
"""What ``--text`` adds to scores and verdicts."""
REASONS = _of("text", "verdict_error", "reason")
"""What ``--text`` adds to verdicts besides."""
