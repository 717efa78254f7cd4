"""A gate file to start from: the evaluation set of a suite, and rules to be changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_medhelm.models.spec import gated_of
from pytest_medhelm.results.leaderboard.aggregate import read_cells
from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.util.errors import ConfigError

PROPOSED = {
    "flip_rate": ("upper", "<=", 0.1),
    "worst_case_drop": ("upper", "<=", 0.1),
    "brier": ("upper", "<=", 0.25),
}
"""Rules beside the main one, where a suite has these figures: how steady answers are, and how right confidences."""
PLACEHOLDER = "say here why this is good enough"
"""The reason that somebody has to replace before the file may be locked."""
_HEAD = """\
# What decides a promotion, and on which evaluation set. Sign it before the run: medhelm gate lock {name}
title = "Promotion of a model"
alpha = 0.025                     # one-sided, as at each end of a 95 % interval
"""


def starter(suite: Suite) -> str:
    """The text of a gate file. Raises ConfigError when the suite holds no result on real data.

    The evaluation set is that of the candidates, or of the baselines where no candidate was run yet.
    """
    models = gated_of({name: facts["kind"] for name, facts in suite.models().items()})
    cells = {cell.benchmark: cell for cell in read_cells(suite)[0] if cell.model in models and not cell.sample}
    if not cells:
        raise ConfigError(f"{suite.folder} holds no result on real data: run a model with --medhelm-data=DIR first")
    return "\n".join(_lines(list(cells.values()), suite.runs()[-1]["settings"]))


def _lines(cells: list[Cell], run: Mapping[str, Any]) -> Iterator[str]:
    yield _HEAD.format(name="FILE")
    yield from _asked(run)
    for cell in cells:
        yield f"[benchmarks.{cell.benchmark}]"
        yield f"n = {cell.size}"
        yield f"data = {{ {', '.join(f'{_text(file)} = {_text(sha)}' for file, sha in sorted(_data(cell).items()))} }}"
        yield f"set = {_text(cell.eval_set_hash)}"
        prompt = cell.provenance["prompt"]
        if prompt:
            yield f"prompt = {_text(prompt)}"
        yield ""
    yield '[[rule]]\nrule = "*.request_error <= 0.01"\n'
    for cell in cells:
        worst, best = _scale(cell)
        sign, end = (">=", "lower") if best > worst else ("<=", "upper")
        yield "[[rule]]"
        # A jury's value is named: without judges the main metric has another scale.
        metric = ".jury" if cell.main_metric == "jury" else ""
        yield from _rule(f"{cell.benchmark}{metric}.{end} {sign} {_somewhat_below(cell):g}")
        for name, (end, sign, threshold) in PROPOSED.items():
            if name in cell.metrics:
                yield "[[rule]]"
                yield from _rule(f"{cell.benchmark}.{name}.{end} {sign} {threshold:g}")


def _rule(text: str) -> Iterator[str]:
    yield f'rule = "{text}"      # change me'
    yield f'why = "{PLACEHOLDER}"\n'


def _asked(run: Mapping[str, Any]) -> Iterator[str]:
    """How often, and in which other words, each instance is asked."""
    stated = {key: run[key] for key in ("repeats", "perturbations") if run.get(key) not in (None, 1, [], ())}
    if run.get("perturbations"):
        stated["perturb_limit"] = run.get("perturb_limit") or "all"
    if stated:
        yield "[evaluation]"
        yield from (f"{key} = {json.dumps(value)}" for key, value in stated.items())
        yield ""


def _somewhat_below(cell: Cell) -> float:
    """Between chance, or the worst value, and the best: a threshold that is plainly there to be changed."""
    worst, best = _scale(cell)
    return round((worst + best) / 2, 2)


def _scale(cell: Cell) -> tuple[float, float]:
    """Worst and best of the main metric, as it was recorded: a threshold off the scale decides nothing."""
    worst, best = cell.metrics[cell.main_metric]["scale"] if cell.scored else cell.metadata["scale"]
    return float(worst), float(best)


def _data(cell: Cell) -> dict[str, str]:
    return dict(cell.metadata["data"]["sha256"])


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are a part of TOML's."""
    return json.dumps(value)
