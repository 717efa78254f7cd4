"""A candidate against a stored baseline, on the same instances."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from pytest_medhelm.gates.basis import basis_of_pairs
from pytest_medhelm.gates.not_there import why_not_there
from pytest_medhelm.gates.rule import BESIDE_METRICS, Rule
from pytest_medhelm.gates.same_askings import other_askings
from pytest_medhelm.gates.verdict import Measured, NotMeasured
from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.results.leaderboard.paired_cells import difference_at, largest_difference
from pytest_medhelm.results.leaderboard.score_measure import measure_of
from pytest_medhelm.results.leaderboard.stored_results import read_stored
from pytest_medhelm.results.stats.filling import mixtures
from pytest_medhelm.results.stats.limits import Limits
from pytest_medhelm.results.stats.paired import paired_mean
from pytest_medhelm.results.stats.paired_limits import difference_limits
from pytest_medhelm.scoring.response import STATUSES
from pytest_medhelm.util.errors import ConfigError

_LONGEST = 40
"""Signs of a setting that a sentence shows."""
_MUST_AGREE = (
    ("data", "data checksum"),
    ("eval_set_hash", "set of instances"),
    ("prompt", "prompt"),
    ("scoring", "scoring code"),
    ("code", "benchmark module"),
)
"""What belongs to the measurement. What belongs to the model (sampling, system prompt) may differ."""


@dataclass(frozen=True)
class Baseline:
    """The stored results of one model."""

    model: str
    source: Path
    cells: Mapping[str, Cell]
    """By benchmark."""
    candidate_cells: Sequence[Cell] = ()
    """The cells of all candidates that are stored with it, which tell how often models differ."""


class Pair(NamedTuple):
    """What is known of one instance: the difference, or how low and how high it could be."""

    low: float
    high: float
    cluster: int
    sub_task: int | None
    """None: they are pooled."""

    @property
    def known(self) -> bool:
        return self.low == self.high


def read_baseline(path: Path, model: str | None = None) -> Baseline:
    """A baseline from a suite or a leaderboard.json.

    Raises ConfigError when it cannot be read, or holds several models and none of them is named.
    """
    stored = read_stored(path)
    names = sorted({cell.model for cell in stored.cells})
    chosen = model or _only(stored.candidates or names, path)
    if chosen not in names:
        raise ConfigError(f"{path} holds no results of {chosen!r}; it holds {', '.join(names)}")
    candidates = [cell for cell in stored.cells if cell.model in stored.candidates]
    return Baseline(chosen, path, {cell.benchmark: cell for cell in stored.cells if cell.model == chosen}, candidates)


def _only(names: Sequence[str], path: Path) -> str:
    if len(names) != 1:
        raise ConfigError(
            f"{path} holds several models ({', '.join(names)}): name one with --medhelm-baseline-model=NAME (medhelm: "
            "--baseline-model)"
        )
    return names[0]


def compared_with_baseline(rule: Rule, cell: Cell, baseline: Baseline | None) -> Measured | NotMeasured:
    """The mean difference, candidate minus baseline, with limits each at the rule's one-sided level.

    Missing scores count as the worst for the candidate and the best for the baseline, and the other way round.
    """
    if baseline is None:
        return NotMeasured("there is no baseline: name its suite with --medhelm-baseline=PATH (medhelm: --baseline)")
    base = baseline.cells.get(cell.benchmark)
    if base is None:
        return NotMeasured(f"the baseline {baseline.model} in {baseline.source} has no records of it")
    metric = rule.metric or cell.main_metric
    refusal = _refusal(cell, base, metric)
    if refusal is not None:
        return NotMeasured(refusal)
    return _reading(rule, cell, base, metric)


def _reading(rule: Rule, cell: Cell, base: Cell, metric: str) -> Measured | NotMeasured:
    scale = cell.metrics[metric].get("span", cell.metrics[metric]["scale"])
    measure = measure_of(metric, cell.columns, cell.metadata)
    sub_tasks = None if measure.sub_tasks is None else cell.sub_tasks
    pairs = [*_pairs(cell, base, metric, (scale[0], scale[1]), sub_tasks)]
    known = [pair for pair in pairs if pair.known]
    if not known:
        return NotMeasured("no instance was measured for both")
    if sub_tasks is not None and len({pair.sub_task for pair in known}) < len(measure.wanted):
        return NotMeasured("a sub-task has no instance that was measured for both")
    differences = [pair.low for pair in known]
    span = largest_difference(cell, base, metric)
    limits = _limits(known, differences, span, rule.alpha)
    outer = _outer(limits, pairs, span)
    missing = len(pairs) - len(known)
    count = f"{len(known)} pairs{f', {missing} missing' if missing else ''}"
    return Measured(
        paired_mean(differences, _strata(known)),
        limits=limits,
        outer=outer,
        note="; ".join([count, *_other_settings(cell, base)]),
        baseline=base.model,
        basis=basis_of_pairs(rule, cell, differences, missing, limits, outer),
    )


def _strata(pairs: Sequence[Pair]) -> list[int] | None:
    strata = [pair.sub_task for pair in pairs if pair.sub_task is not None]
    return strata if len(strata) == len(pairs) else None


def _limits(pairs: Sequence[Pair], values: Sequence[float], span: float, alpha: float) -> Limits:
    return difference_limits(values, [pair.cluster for pair in pairs], _strata(pairs), span=span, alpha=alpha)


def _outer(known: Limits, pairs: Sequence[Pair], span: float) -> Limits:
    """The lowest low and the highest high limit that what is missing leaves possible, those of known pairs included.

    Computed again with it filled in, from all at its lowest to all at its highest: a limit also widens.
    """
    gaps = [position for position, pair in enumerate(pairs) if not pair.known]
    if not gaps:
        return known
    ways = (
        [pair.high if position in best else pair.low for position, pair in enumerate(pairs)] for best in mixtures(gaps)
    )
    filled = [known, *(_limits(pairs, values, span, known.alpha) for values in ways)]
    return replace(known, low=min(limits.low for limits in filled), high=max(limits.high for limits in filled))


def _pairs(
    cell: Cell, base: Cell, metric: str, scale: tuple[float, float], sub_tasks: Sequence[int] | None
) -> Iterator[Pair]:
    """Every instance of the candidate for which the score exists; ``sub_tasks``: None where they are pooled."""
    inapplicable = cell.columns.not_applicable.get(metric, set())
    base_positions = {name: position for position, name in enumerate(base.instances)}
    worst, best = min(scale), max(scale)
    base_scores = base.scores.get(metric, [None] * len(base.instances))
    clusters = cell.clusters or range(len(cell.instances))
    for position, name in enumerate(cell.instances):
        base_position = base_positions.get(name)
        if position in inapplicable or base_position is None:
            continue
        score, base_score = cell.scores[metric][position], base_scores[base_position]
        known = difference_at(cell, position, base, base_position, metric)
        if known is not None:
            yield Pair(known, known, clusters[position], None if sub_tasks is None else sub_tasks[position])
        else:
            low = (worst if score is None else score) - (best if base_score is None else base_score)
            high = (best if score is None else score) - (worst if base_score is None else base_score)
            yield Pair(low, high, clusters[position], None if sub_tasks is None else sub_tasks[position])


def _refusal(cell: Cell, base: Cell, metric: str) -> str | None:
    """Why the two cannot be compared, naming the difference."""
    if metric in STATUSES or metric in BESIDE_METRICS:
        return f"{metric} is not compared with a baseline: compare it with a number"
    if metric not in cell.metrics:
        return why_not_there(cell, metric)
    if metric not in cell.scores:
        return f"metric {metric!r} has no score for each instance, so that there is nothing to pair"
    if metric not in base.scores:
        return f"the baseline did not record the metric {metric!r}"
    if base.sample:
        return "the baseline ran on sample data"
    if base.partial:
        return f"the baseline is incomplete: {sum(base.statuses.values())} of {base.size} instances have records"
    for key, what in _MUST_AGREE:
        candidate, baseline = cell.provenance.get(key), base.provenance.get(key)
        if candidate != baseline:
            return f"the baseline has another {what}{_both(candidate, baseline)}{_HINTS.get(key, '')}"
    if other := other_askings(metric, cell.provenance, base.provenance):
        return f"{metric} is compared only where the same was asked: {other}"
    return _other_jury(cell.provenance.get("jury"), base.provenance.get("jury"), metric)


def _other_settings(cell: Cell, base: Cell) -> Iterator[str]:
    """What belongs to the models and differs, side by side: it may, but who decides must see it."""
    candidate, baseline = (_settings(each) for each in (cell, base))
    differences = [
        f"{name} {candidate.get(name, 'not set')} here, {baseline.get(name, 'not set')} there"
        for name in sorted(candidate.keys() | baseline.keys())
        if candidate.get(name) != baseline.get(name)
    ]
    if differences:
        yield f"settings of the models differ: {', '.join(differences)}"


def _settings(cell: Cell) -> dict[str, str]:
    """The settings of a model in a few signs each; a long one by its hash."""
    model = cell.provenance["model"]
    if model is None:
        return {}
    others = {key: value for key, value in model.items() if key not in ("body", "served") and value}
    settings = {**model["body"], **others}
    if not cell.model.endswith(model["served"]):
        settings["served name"] = model["served"]
    texts = {
        key: value if isinstance(value, str) else json.dumps(value, sort_keys=True) for key, value in settings.items()
    }
    return {
        key: text if len(text) <= _LONGEST else hashlib.sha256(text.encode()).hexdigest()[:12]
        for key, text in texts.items()
    }


_HINTS = dict.fromkeys(("scoring", "code"), ": 'medhelm rescore' computes its scores again, asking nothing")


def _both(candidate: Any, baseline: Any) -> str:
    if isinstance(candidate, str) and isinstance(baseline, str):
        return f" ({baseline[:12]} there, {candidate[:12]} here)"
    return " than this run" if baseline is not None else ", as far as is known"


def _other_jury(candidate: Any, baseline: Any, metric: str) -> str | None:
    if not metric.startswith(("jury", "harm")) or candidate == baseline:
        return None
    for key, what in (("judges", "judges"), ("rubric", "rubric"), ("wording", "wording of the judges' prompt")):
        if (candidate or {}).get(key) != (baseline or {}).get(key):
            return f"the baseline has other {what}"
    return "the baseline was judged in another way"
