"""How far a jury can be trusted, as text that fits 80 columns and as JSON: interval first, then the value."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from pytest_medhelm.results.agreement.assessment import Assessment, CriterionAssessment
from pytest_medhelm.results.agreement.comparison import Comparison
from pytest_medhelm.results.agreement.differences import Difference
from pytest_medhelm.results.agreement.estimate import Estimate, counted
from pytest_medhelm.results.agreement.group import Group
from pytest_medhelm.results.agreement.harm import HarmAssessed
from pytest_medhelm.results.agreement.judge_influence import JudgeInfluence
from pytest_medhelm.results.agreement.judges import Bias
from pytest_medhelm.results.agreement.sample_size import SampleSize
from pytest_medhelm.results.agreement.table import COMPLETE

_WIDTH = 80
_NAME = 34


def text(assessment: Assessment) -> Iterator[str]:
    """The lines to print."""
    yield from _wrapped(
        f"{counted(assessment.answers, 'answer')} of {counted(len(assessment.models), 'model')} in "
        f"{_listed(assessment.benchmarks)}; {counted(len(assessment.clinicians), 'clinician')}, "
        + (counted(len(assessment.judges), "judge") if assessment.judges else "judges not named one by one")
    )
    if assessment.standardised:
        yield from _wrapped("z-scores: ICC and alpha compare each rater's scores minus the mean, over the spread.")
    yield from (line for note in assessment.notes for line in _wrapped(f"Note: {note}."))
    for assessed in assessment.criteria:
        yield from ("", f"== {assessed.criterion} {'=' * (_WIDTH - 4 - len(assessed.criterion))}"[:_WIDTH])
        yield from _criterion(assessed)
    for judged in assessment.judged:
        yield from _judged(judged)
    for harm in assessment.harm:
        yield from _harm(harm)
    if assessment.self_preference:
        yield from _section("Does a judge favour its own family? (0: no)")
        for judge, estimate in assessment.self_preference.items():
            yield from _row(f"{judge} ({estimate.name.rpartition(' ')[2]})", estimate)
    yield ""
    yield from _wrapped(
        "n counts answers, or models where those are ordered. Words by convention (Koo and Li 2016): poor under 0.5, "
        "moderate under 0.75, good under 0.9. ICC(2,1), ICC(1,1): one score for another. ICC(3,1): the same, level "
        "aside. ICC(3,k): reliability of the average of all, always higher. docs/agreement.md explains each number."
    )


def _criterion(assessed: CriterionAssessment) -> Iterator[str]:
    if assessed.jury is not None:
        yield from _comparison(assessed.jury, "The jury against clinicians")
    elif assessed.clinicians is None:
        yield from _wrapped("No clinician's ratings: how far the jury agrees with clinicians is not known.")
    else:
        yield from _wrapped("No judge's scores to hold against the clinicians'.")
    if len(assessed.single_judges) > 1:
        yield from _section("Single judges against clinicians")
        for judge in assessed.single_judges:
            yield from _row(f"{judge.rater}, ICC(2,1)", judge.agreement)
    if assessed.metrics:
        yield from _section("Metrics against clinicians: do they order answers alike?")
        for metric in assessed.metrics:
            yield from _row(f"{metric.metric}, Spearman", metric.spearman)
            yield from _row(f"{metric.metric}, Kendall", metric.kendall)
            yield from _row("the jury there, Spearman", metric.jury)
    for group in (assessed.judges, assessed.clinicians):
        if group is not None:
            yield from _group(group)


def _comparison(compared: Comparison, title: str) -> Iterator[str]:
    yield from _section(title, "each averaged over those who rated the answer")
    yield from _headline(compared.agreement, compared.meaning)
    yield from _difference(f"{compared.rater} minus clinicians", compared.difference)
    for estimate in compared.others:
        yield from _row(estimate.name, estimate)
    for benchmark, estimate in compared.by_benchmark.items():
        yield from _row(f"ICC(2,1) in {benchmark}", estimate)
    yield from _more(compared.needed, compared.note)


def _group(group: Group) -> Iterator[str]:
    title = f"{group.kind.capitalize()} against each other"
    yield from _section(
        title,
        f"{counted(group.ratings, 'rating')} of {counted(group.answers, 'answer')} by "
        f"{counted(group.raters, 'rater')}; {group.design}",
    )
    yield from _headline(group.agreement, group.meaning)
    if group.raters < 2:
        return
    for name, difference in group.differences.items():
        yield from _difference(name, difference)
    for estimate in group.others:
        yield from _row(estimate.name, estimate)
    for bias in group.biases:
        yield from _row(f"{bias.rater} minus mean of all", bias.bias, _spread(bias))
    if group.design != COMPLETE and group.pairs:
        shared = [pair.n for pair in group.pairs]
        every = group.raters * (group.raters - 1) // 2
        yield from _wrapped(
            f"{len(shared)} of {every} pairs of raters share answers: {min(shared)} to {max(shared)} each.", "  "
        )
    yield from _more(group.needed, "")


def _harm(harm: HarmAssessed) -> Iterator[str]:
    yield from _section(f"Harm in {harm.benchmark}", "an answer counts with its worst mark")
    for name, side in (("clinicians", harm.clinicians), ("judges", harm.judges)):
        if side is None:
            yield from _wrapped(f"{name}: nothing marked", "  ")
            continue
        counts = ", ".join(f"{count} {severity}" for severity, count in side.counts.items())
        kinds = "; ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in side.kinds.items())
        yield from _wrapped(
            f"{name} ({side.raters}), {counted(side.answers, 'answer')}: {counts}; severe in at most "
            f"{100 * side.severe_at_most:.1f} % (one-sided 95 %){f'; {kinds}' if kinds else ''}",
            "  ",
        )
    if harm.same is not None and harm.kappa is not None:
        yield from _wrapped(
            f"both marked {counted(harm.both, 'answer')}: the same severity in {100 * harm.same:.0f} %; "
            f"{harm.missed} severe to clinicians and not to a judge",
            "  ",
        )
        yield from _row(harm.kappa.name, harm.kappa)


def _spread(bias: Bias) -> str:
    return "" if bias.spread is None else f"sd {bias.spread:.2f}"


def _judged(judged: JudgeInfluence) -> Iterator[str]:
    if any(left.without for left in judged.without.values()):
        yield from _section(f"{judged.benchmark}: the mean of all judges, and its range without one", interval="range")
        for model, left in judged.without.items():
            if left.value is None or left.low is None or left.high is None:
                yield from _wrapped(f"{model}: no value; {left.note}", "  ")
                continue
            yield _line(model, f"{left.low:.2f} to {left.high:.2f}", f"{left.value:.2f}", str(left.n))
            if left.note:
                yield from _wrapped(left.note, "    ")
    if len(judged.orderings) > 1 and len(judged.without) > 1:
        yield from _section(f"{judged.benchmark}: would one judge order the models alike?")
        for ordering in judged.orderings:
            yield from _row(f"{ordering.judge}, Spearman", ordering.spearman)
            yield from _wrapped(_order(ordering.values), "    ")


def _order(values: Mapping[str, float]) -> str:
    """E.g. "a > b = c", best first."""
    shown, before = "", None
    for model in sorted(values, key=lambda name: (-round(values[name], 9), name)):
        link = "" if before is None else (" = " if round(values[model], 9) == before else " > ")
        shown, before = f"{shown}{link}{model}", round(values[model], 9)
    return shown


def _section(title: str, about: str = "", interval: str = "95 % interval") -> Iterator[str]:
    yield ""
    yield from _wrapped(title)
    yield from _wrapped(about, "  ")
    yield _line("", interval, "value", "n")


def _headline(estimate: Estimate, meaning: str) -> Iterator[str]:
    yield from _row(estimate.name, estimate, quiet=True)
    yield from _wrapped(f"{meaning}.", "    ")
    if estimate.value is not None and estimate.low is not None and estimate.note:
        yield from _wrapped(f"{estimate.note}.", "    ")


def _difference(name: str, difference: Difference) -> Iterator[str]:
    yield from _row(name, difference.mean)
    if difference.sd:
        yield from _row("  95 % of answers: from", difference.lower)
        yield from _row("  95 % of answers: to", difference.upper)


def _row(name: str, estimate: Estimate, extra: str = "", quiet: bool = False) -> Iterator[str]:
    interval = "-" if estimate.low is None or estimate.high is None else f"{_signed(estimate.low)} to "
    if interval != "-" and estimate.high is not None:
        interval += _signed(estimate.high)
    value = "-" if estimate.value is None else _signed(estimate.value)
    yield _line(name, interval, value, str(estimate.n), extra)
    if estimate.note and not quiet:
        yield from _wrapped(estimate.note, "      ")


def _signed(value: float) -> str:
    # no minus before a zero
    return f"{round(value, 2) + 0.0:.2f}"


def _line(name: str, interval: str, value: str, n: str, extra: str = "") -> str:
    short = name if len(name) <= _NAME else f"{name[: _NAME - 3]}..."
    return f"  {short:<{_NAME}} {interval:>15} {value:>6} {n:>6}  {extra}".rstrip()


def _more(size: SampleSize | None, note: str) -> Iterator[str]:
    if note:
        yield from _wrapped(f"{note}.", "  ")
    if size is not None:
        yield from _wrapped(
            f"For an interval of +-{size.half_width:g} (assurance 80 %, ICC {size.expected:.2f}, "
            f"{size.raters} ratings each): {size.answers} answers; here are {size.now}.",
            "  ",
        )


def _wrapped(sentence: str, indent: str = "") -> list[str]:
    return textwrap.wrap(sentence, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:4])} and {len(names) - 4} more"
