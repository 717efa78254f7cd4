"""What answers and scores were made with besides the data: kept once per hash, so that results can be compared."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_medhelm.scoring.record_types import FingerprintInputs
from pytest_medhelm.tasks.data.sampling import rank

if TYPE_CHECKING:
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.tasks.benchmark import Benchmark
    from pytest_medhelm.tasks.metric import Metric

PACKAGE = Path(__file__).parent
_SCORING = ("answers", "metrics")
"""Folders of the package that turn a completion into scores."""


def fingerprint_inputs(
    model: Model, benchmark: Benchmark, metrics: Mapping[str, Metric], options: Mapping[str, Any], jury: Any
) -> FingerprintInputs:
    """What shapes answers and scores besides the data, as plain values for JSON.

    ``options``: settings that change scores; ``jury``: judges, rubric and how they are asked, None without a jury.
    """
    facts = {
        "model": model.settings(),
        "code": benchmark.code,
        "prompt": prompt_digest(benchmark),
        "scoring": _digest([scoring_code(), _code_of_others(metrics), dict(options)]),
        "jury": jury,
    }
    # TOML has dates, which neither JSON nor xdist can carry.
    plain: FingerprintInputs = json.loads(json.dumps(facts, default=str))
    return plain


def fingerprint_of(facts: FingerprintInputs) -> str:
    """The hash by which records say that they were made alike."""
    return _digest(facts)


def prompt_digest(benchmark: Benchmark) -> str:
    """Hash of one prompt as sent: of the instance that every limit keeps. Empty where it cannot be written."""
    name = benchmark.task.name
    first = min(benchmark.instances, key=lambda entry: rank(name, entry.id), default=None)
    if first is None:
        return ""
    try:
        return _digest(list(benchmark.messages(first.unpack())))
    except Exception:
        return ""  # The tests themselves will meet the same error, and report it.


@cache
def scoring_code() -> str:
    """Hash of the package's own code that reads answers and computes metrics, with its version."""
    files = sorted(path for folder in _SCORING for path in (PACKAGE / folder).glob("*.py"))
    texts = {path.relative_to(PACKAGE).as_posix(): path.read_text("utf-8") for path in files}
    return _digest([version("pytest-medhelm"), texts])


def _code_of_others(metrics: Mapping[str, Metric]) -> dict[str, str]:
    """By name the source of the metrics that a conftest or a plugin brings."""
    sources = {}
    for name, metric in sorted(metrics.items()):
        compute = inspect.unwrap(metric.compute)
        if not inspect.isroutine(compute) or str(compute.__module__).partition(".")[0] == "pytest_medhelm":
            continue
        with contextlib.suppress(OSError):  # Written at a prompt: it has no file.
            sources[name] = inspect.getsource(compute)
    return sources


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
