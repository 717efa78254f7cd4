"""Mean win rates: how often a model beats the others, counted as in the tables of MedHELM."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from statistics import fmean, stdev

Columns = Mapping[str, Mapping[str, float]]

_SEED = 0


def mean_win_rates(columns: Columns, *, lower_is_better: Collection[str] = ()) -> dict[str, float | None]:
    """The mean win rate of each model, 0..1, from benchmark -> {model: value}.

    In one column a model wins against every strictly worse value and half against every equal one (float
    equality); its win rate is the wins divided by the number of other models. The mean win rate is the
    plain mean over the columns that hold the model. A column with fewer than two values says nothing and is
    left out; a model that occurs in no other has None. A missing value is an absent model or a NaN.
    """
    rates: dict[str, list[float]] = {model: [] for values in columns.values() for model in values}
    for column in _column_win_rates(columns, lower_is_better).values():
        for model, rate in column.items():
            rates[model].append(rate)
    return {model: fmean(of_model) if of_model else None for model, of_model in rates.items()}


def macro_averages(
    columns: Columns, scales: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[float, float | None]]:
    """Of each model the plain mean over benchmarks and its sample standard deviation (ddof 1), as in MedHELM's table.

    ``scales``: by benchmark (worst, best); each value is put on 0 (worst) to 1 (best) first, as (s - 1) / 4 for 1 to 5.
    The deviation is over the benchmarks, which measure unlike things: it is no error of the mean, and None for one.
    """
    rescaled: dict[str, list[float]] = {}
    for name, values in columns.items():
        worst, best = scales[name]
        for model, value in values.items():
            rescaled.setdefault(model, []).append((value - worst) / (best - worst))
    return {
        model: (fmean(of_model), stdev(of_model) if len(of_model) > 1 else None) for model, of_model in rescaled.items()
    }


def win_rate_stability(
    columns: Columns, *, lower_is_better: Collection[str] = (), resamples: int = 2000
) -> dict[str, tuple[float, float]]:
    """Stability under resampling: 2.5 and 97.5 percentiles of each mean win rate over drawn benchmarks.

    As many benchmarks as there are get drawn with replacement, ``resamples`` times, from a fixed seed and
    in the order of their names, so that the result is the same everywhere. It shows how much the choice of
    benchmarks matters; it is not a confidence interval, since benchmarks are not a sample from anything and
    the scores' own uncertainty is not in it. Models in fewer than two usable columns are left out.
    """
    import numpy as np

    table = _column_win_rates(columns, lower_is_better)
    models = sorted({model for column in table.values() for model in column})
    if not table:
        return {}
    rates = np.array([[table[name].get(model, np.nan) for model in models] for name in sorted(table)])
    known = ~np.isnan(rates)
    draws = np.random.default_rng(_SEED).multinomial(len(table), [1 / len(table)] * len(table), size=resamples)
    weight = draws @ known
    with np.errstate(invalid="ignore"):
        means = (draws @ np.where(known, rates, 0.0)) / weight
    stable = {}
    for index, model in enumerate(models):
        if known[:, index].sum() >= 2:
            low, high = np.percentile(means[weight[:, index] > 0, index], (2.5, 97.5))
            stable[model] = (float(low), float(high))
    return stable


def _column_win_rates(columns: Columns, lower_is_better: Collection[str]) -> dict[str, dict[str, float]]:
    """Per benchmark with at least two values, the win rate of each model."""
    table = {}
    for benchmark, values in columns.items():
        sign = -1.0 if benchmark in lower_is_better else 1.0
        signed = {model: sign * value for model, value in values.items() if value == value}
        if len(signed) < 2:
            continue
        others = len(signed) - 1
        table[benchmark] = {
            model: (
                sum(other < signed_value for other in signed.values())
                + (sum(other == signed_value for other in signed.values()) - 1) / 2
            )
            / others
            for model, signed_value in signed.items()
        }
    return table
