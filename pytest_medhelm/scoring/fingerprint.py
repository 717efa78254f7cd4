"""What answers and scores were made with besides the data: kept once per hash, so that results can be compared.

Results are comparable while their scores mean the same. For what the package brings this is said by versions (of a
Task, a metric, an answer reader, a rubric), which a test holds to the code behind them: a comment or a release changes
nothing. Code that others bring has no such test, so that a hash of what it does stands beside its version.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_medhelm.scoring.answers import READER_VERSIONS
from pytest_medhelm.scoring.metrics import MEASURE_VERSIONS
from pytest_medhelm.scoring.record_types import FingerprintInputs
from pytest_medhelm.tasks.benchmark import is_packaged
from pytest_medhelm.tasks.data.sampling import rank
from pytest_medhelm.tasks.metric import Metric
from pytest_medhelm.util.hashing import code_hash, json_hash

if TYPE_CHECKING:
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.tasks.benchmark import Benchmark


def fingerprint_inputs(
    model: Model, benchmark: Benchmark, metrics: Mapping[str, Metric], options: Mapping[str, object], jury: Any
) -> FingerprintInputs:
    """What shapes answers and scores besides the data, as plain values for JSON.

    ``options``: settings that change scores; ``jury``: judges, rubric and how they are asked, None without a jury.
    """
    of_task = [Metric.of(metric) for metric in benchmark.task.metrics]
    versions = {
        name: _identity(metric) for name, metric in {**metrics, **{each.name: each for each in of_task}}.items()
    }
    facts = {
        "model": model.settings(),
        "code": benchmark.code,
        "prompt": prompt_digest(benchmark),
        "scoring": json_hash([READER_VERSIONS, MEASURE_VERSIONS, versions, dict(options)]),
        "jury": jury,
    }
    # TOML has dates, which neither JSON nor xdist can carry.
    inputs: FingerprintInputs = json.loads(json.dumps(facts, default=str))
    return inputs


def fingerprint_of(facts: FingerprintInputs) -> str:
    """The hash by which records say that they were made alike."""
    return json_hash(facts)


def prompt_digest(benchmark: Benchmark) -> str:
    """Hash of one prompt as sent: of the instance that every limit keeps. Empty where it cannot be written."""
    name = benchmark.task.name
    first = min(benchmark.instances, key=lambda instance: rank(name, instance.id), default=None)
    if first is None:
        return ""
    try:
        instance = first.unpack()
        asked: list[Any] = list(benchmark.messages(instance))
        if benchmark.environment is not None:
            asked.append([tool.schema for tool in benchmark.environment(instance).tools])
        return json_hash(asked)
    except Exception:
        return ""  # The tests themselves will meet the same error, and report it.


def _identity(metric: Metric) -> str:
    """Its version; for a metric that a conftest or a plugin brings also what its code does."""
    version = f"v{metric.version}"
    compute = inspect.unwrap(metric.compute)
    if not inspect.isroutine(compute) or _is_of_package(compute):
        return version
    with contextlib.suppress(OSError):  # Written at a prompt: it has no file.
        return f"{version} {code_hash(inspect.getsource(compute))}"
    return version


def _is_of_package(compute: Any) -> bool:
    """Also a packaged benchmark's own metric, which in a checkout has another module name than in a wheel."""
    module = str(compute.__module__)
    file = getattr(sys.modules.get(module), "__file__", None)
    return module.partition(".")[0] == "pytest_medhelm" or bool(file and is_packaged(Path(file)))
