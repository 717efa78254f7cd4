"""How steady each model is, in sentences that need no statistics; each says of how many instances it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pytest_medhelm.results.agreement.estimate import counted
from pytest_medhelm.results.leaderboard.cell_entry import CellEntry, Summary, WorstSlice


class Line(NamedTuple):
    """One thing that is said."""

    sentence: str
    metric: str = ""
    """The metric that says it; empty for none."""
    basis: str = ""
    """Its interval, and of how many instances it is."""


def is_asked_more(cell: CellEntry) -> bool:
    """Instances were repeated, or asked in other words. Earlier leaderboards do not say so."""
    steadiness = cell.get("steadiness")
    return bool(steadiness and (steadiness["repeats"] > 1 or steadiness["varied"]))


def lines_of(cell: CellEntry) -> Iterator[Line]:
    """What its repeats and variants come to, the most telling first."""
    steadiness = cell["steadiness"]
    if steadiness["repeats"] > 1:
        yield from _of_repeats(cell, steadiness["repeats"])
    if steadiness["varied"]:
        yield from _of_variants(cell)
    if steadiness["worst_slice"] is not None:
        yield from _of_worst_slice(steadiness["worst_slice"])


def in_short(cell: CellEntry) -> str:
    """How often answers change and what other words do beside chance, for one line; empty where that is not known."""
    k, parts = cell["steadiness"]["repeats"], []
    if (flips := _known(cell, "flip_rate")) is not None:
        asked = f"{_percent(flips)} of {counted(flips['n'], 'question')} asked {k} times got more than one answer"
        parts.append(f"{asked}{_ends(flips)}")
    if (right := _known(cell, f"pass_hat_{k}")) is not None:
        parts.append(f"{_percent(right)} of {right['n']} were answered rightly every time{_ends(right)}")
    elif (worst := _known(cell, f"worst_at_{k}")) is not None:
        said = f"the worst of {k} answers scores {worst['value']:.2f} on average{_ends(worst)}"
        parts.append(f"{said}, of {counted(worst['n'], 'question')}")
    for name, where in (("mean_drop", "in other words beyond chance"), ("worst_case_drop", "in the worst of them")):
        if (drop := _known(cell, name)) is not None:
            value = drop["value"] or 0.0
            verb, sign = ("loses", 1) if value > -0.005 else ("gains", -1)
            parts.append(f"{verb} {abs(value):.2f} {where}{_ends(drop, sign)}")
    if (drop := _known(cell, "mean_drop")) is not None:
        parts[-1] += f", of {counted(drop['n'], 'instance')}"
    elif (flips := _known(cell, "perturbed_flip_rate")) is not None:
        questions = counted(flips["n"], "question")
        parts.append(f"in other words {questions} got another answer {_percent(flips)} of the time, chance included")
    return "; ".join(filter(None, (", ".join(parts), *_left_out(cell))))


def _left_out(cell: CellEntry) -> Iterator[str]:
    """How many instances have no part in what is said, or why nothing is: one metric stands for those of its kind."""
    of_variants = "mean_drop" if "mean_drop" in cell["metrics"] else "perturbed_flip_rate"
    counts = []
    for name, where in ((f"worst_at_{cell['steadiness']['repeats']}", "questions"), (of_variants, "in other words")):
        summary = cell["metrics"].get(name)
        if summary is not None and summary["value"] is None:
            yield f"no figure {'of repeats' if where == 'questions' else where}: {summary['note']}"
        elif summary is not None and summary["missing"]:
            counts.append(f"{summary['missing']} of {summary['n'] + summary['missing']} {where}")
    if without := cell["steadiness"].get("without"):
        yield _not_asked(without)
    if counts:
        yield f"left out, since an answer was lost: {', '.join(counts)}"


def _not_asked(sub_tasks: Sequence[str]) -> str:
    return f"no instance of {', '.join(sub_tasks)} could be asked in other words, so that no figure is of it"


def _of_repeats(cell: CellEntry, k: int) -> Iterator[Line]:
    if (flips := _known(cell, "flip_rate")) is not None:
        questions = f"{counted(flips['n'], 'question')} asked {k} times"
        yield Line(f"Of {questions}, {_percent(flips)} got more than one answer.", "flip_rate", basis_of(flips))
    right, most = _known(cell, f"pass_hat_{k}"), _known(cell, "majority_vote")
    once, worst = _known(cell, f"pass_at_{k}"), _known(cell, f"worst_at_{k}")
    if right is not None:
        yield Line(
            f"It was right every time in {_percent(right)} of {counted(right['n'], 'question')}: that is what one can "
            "rely on.",
            f"pass_hat_{k}",
            basis_of(right),
        )
        if once is not None and most is not None:
            yield Line(
                f"It was right at least once in {_percent(once)}; the answer that it gave most often was right in "
                f"{_percent(most)}.",
                f"pass_at_{k}, majority_vote",
            )
    elif worst is not None:
        main = _known(cell, cell["main_metric"])
        score = "" if main is None else f"; all its answers score {main['value']:.2f} on average"
        yield Line(
            f"The worst of {k} answers to a question scores {worst['value']:.2f} on average{score}.",
            f"worst_at_{k}",
            basis_of(worst),
        )
    yield from _unknown(cell, f"worst_at_{k}")


def _of_variants(cell: CellEntry) -> Iterator[Line]:
    steadiness = cell["steadiness"]
    varied, floor = steadiness["varied"], steadiness["noise_floor"]
    asked = f"{counted(varied, 'instance')} {'was' if varied == 1 else 'were'} asked in other words too"
    again = f", and {counted(floor, 'time')} again unchanged, to see what chance alone does"
    none = "; none was asked again unchanged, so that nothing here tells other words from chance"
    yield Line(f"{asked}, {counted(steadiness['variants'], 'request')} in all{again if floor else none}.")
    if without := steadiness.get("without"):
        said = _not_asked(without)
        yield Line(f"{said[0].upper()}{said[1:]}.")
    if (flips := _known(cell, "perturbed_flip_rate")) is not None:
        yield Line(
            f"Put in other words, a question got another answer {_percent(flips)} of the time.",
            "perturbed_flip_rate",
            basis_of(flips),
        )
    yield from _unknown(cell, "perturbed_flip_rate")
    for name, unit, (more, less, alike) in _DIFFERENCES:
        if (summary := _known(cell, name)) is not None:
            value = round(unit * (summary["value"] or 0.0), 0 if unit == 100 else 2)
            said = (alike if not value else more if value > 0 else less).format(f"{abs(value):g}")
            yield Line(_shown(summary, said), name, basis_of(summary))
    yield from _unknown(cell, "mean_drop")


_DIFFERENCES = (
    (
        "excess_flip_rate",
        100,
        (
            "of 100 answers, other words change {} more than chance does",
            "of 100 answers, other words change {} fewer than chance does",
            "other words change answers as often as chance does",
        ),
    ),
    (
        "mean_drop",
        1,
        (
            "other words cost {} of its score on average",
            "other words add {} to its score on average",
            "other words leave its score as it is on average",
        ),
    ),
    (
        "worst_case_drop",
        1,
        (
            "the worst of its answers in other words is worse by {} than the worst of as many unchanged ones",
            "the worst of its answers in other words is better by {} than the worst of as many unchanged ones",
            "the worst of its answers in other words is as good as the worst of as many unchanged ones",
        ),
    ),
)
"""Metrics of which 0 is what chance does, what a value is multiplied by, and how more, less and none is said."""


def _shown(summary: Summary, said: str) -> str:
    """What a difference says; that it may be chance comes first where its interval holds 0."""
    low, high = summary["low"], summary["high"]
    if low is None or high is None or low <= 0 <= high:
        return f"No more than chance could be shown: {said}."
    return f"{'More than' if low > 0 else 'Better than by'} chance: {said}."


def _of_worst_slice(worst: WorstSlice) -> Iterator[Line]:
    if worst["value"] is None:
        return
    chance = ""
    if worst["by_chance"] is not None:
        chance = f"; the worst of so many groups would be about {worst['by_chance']:.2f} by chance alone"
    yield Line(
        f"It does worst where {worst['key'].replace('_', ' ')} is {worst['group']}: {worst['value']:.2f} in "
        f"{worst['n']} instances, the worst of {worst['slices']} groups{chance}.",
        "worst slice",
        f"{worst['low']:.2f} to {worst['high']:.2f}, for all groups together",
    )


def _unknown(cell: CellEntry, name: str) -> Iterator[Line]:
    """What a metric leaves out, or why there is none."""
    summary = cell["metrics"].get(name)
    if summary is not None and summary["value"] is None:
        yield Line(f"There is no figure: {summary['note']}.", name)
    elif summary is not None and summary["missing"] and summary["note"]:
        yield Line(f"{summary['note'][0].upper()}{summary['note'][1:]}.", name)


def _known(cell: CellEntry, name: str) -> Summary | None:
    summary = cell["metrics"].get(name)
    return None if summary is None or summary["value"] is None else summary


def _percent(summary: Summary) -> str:
    return f"{100 * (summary['value'] or 0.0):.0f} %"


def _ends(summary: Summary, sign: int = 1) -> str:
    """The interval in brackets, with ``sign`` -1 that of the opposite."""
    if summary["low"] is None or summary["high"] is None:
        return ""
    low, high = sorted((sign * summary["low"], sign * summary["high"]))
    return f" ({low + 0.0:.2f} to {high + 0.0:.2f})"


def basis_of(summary: Summary) -> str:
    """The interval of a figure, and of how many instances it is."""
    interval = f"95 % interval{_ends(summary).translate(_NO_BRACKETS)}, " if summary["low"] is not None else ""
    return f"{interval}of {counted(summary['n'], 'instance')}"


_NO_BRACKETS = str.maketrans("", "", "()")
