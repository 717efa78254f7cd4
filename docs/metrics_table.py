"""Write docs/metrics.md from the metrics that the code declares: python docs/metrics_table.py"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

from pytest_medhelm import Metric
from pytest_medhelm.scoring.metrics import METRICS, TEXT_METRICS
from pytest_medhelm.tasks.catalogue import catalogue

PAGE = Path(__file__).parent / "metrics.md"
WORDS: dict[str, str] = json.loads((files("pytest_medhelm") / "reports/html/metric_words.json").read_text("utf-8"))
"""What the pages say of a score."""


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    own = [
        (Metric.of(metric), f"`{entry.task.name}`, {entry.task.source}")
        for entry in sorted(catalogue().entries, key=lambda entry: entry.task.name)
        for metric in entry.task.metrics
    ]
    yield "# Metrics"
    yield ""
    yield "<!-- Written by docs/metrics_table.py from pytest_medhelm/scoring/metrics and the benchmarks. -->"
    yield ""
    yield "`scale` is worst to best; `name_helm` beside a score is the value as MedHELM 0.8.0 computes it. A version is"
    yield "raised when the same answer may get another score than before. A metric of your own is a function that your"
    yield "benchmark declares: [own-benchmarks.md](own-benchmarks.md#a-metric-of-your-own)."
    yield ""
    yield "## Built in"
    yield ""
    yield "Each is a method of the `score` fixture. `rouge` takes one of the two by the language of the task."
    yield ""
    yield from _table((metric, metric.source) for metric in METRICS.values())
    yield ""
    yield "## Texts"
    yield ""
    yield "`score.overlap` and `score.style` record these: [text-metrics.md](text-metrics.md)."
    yield ""
    yield from _table((metric, metric.source) for metric in TEXT_METRICS.values())
    yield ""
    yield "## Of one benchmark"
    yield ""
    yield "`score.metric(function, ...)`; the functions stand in `benchmarks/shared/`."
    yield ""
    yield from _table(own)
    yield ""
    yield "## Of the whole set, of judges, and recorded by a benchmark's test itself"
    yield ""
    listed = {name for metric in (*METRICS.values(), *TEXT_METRICS.values()) for name in metric.names}
    listed |= {name for metric, _ in own for name in metric.names}
    yield "| score | meaning |"
    yield "|---|---|"
    yield from (f"| `{name}` | {_cell(WORDS[name])} |" for name in WORDS if name not in listed)


def _table(metrics: Iterable[tuple[Metric, str]]) -> Iterator[str]:
    yield "| scores | scale | meaning | source | version |"
    yield "|---|---|---|---|---|"
    for metric, source in metrics:
        stated = _cell(source or "this project")
        names = ", ".join(f"`{name}`" for name in metric.names)
        worst, best = metric.scale
        scale = f"{worst:g} or {best:g}" if metric.binary else f"{worst:g} to {best:g}"
        yield f"| {names} | {scale} | {_cell(_meaning(metric))} | {stated} | {metric.version} |"


def _meaning(metric: Metric) -> str:
    """What the pages say of a single score, else the first sentence of its function's docstring."""
    words = WORDS.get(metric.names[0]) if len(metric.names) == 1 else None
    said = " ".join((inspect.getdoc(metric.compute) or "").split("\n\n")[0].split())
    return words or re.split(r"(?<=\.) (?=[A-Z])", said)[0]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
