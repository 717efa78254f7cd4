"""A verdict in words that a committee can sign: what it means, and what it does not mean."""

from __future__ import annotations

from pytest_medhelm.gates.rule import COST, LATENCIES, Rule
from pytest_medhelm.results.leaderboard.gate_entry import Basis
from pytest_medhelm.scoring.response import STATUSES

_ELSEWHERE = "It says nothing about other tasks"
_SETTINGS = ", other prompts or other settings of the model"
_NOTHING = "It says nothing about the model."
_POINT = "Another set of such questions may give another value: a rule on a limit (.lower, .upper) allows for that."


def meaning_of(rule: Rule, verdict: str, baseline: str, basis: Basis | None, judged: bool, doubt: str) -> str:
    """Two or three plain sentences.

    ``judged``: the metric is made of verdicts of judges; ``doubt``: why nothing passes here, or nothing was measured.
    """
    if verdict == "not evaluated":
        return f"Nothing was decided, so this is no pass: {doubt or 'there is no interval'}. {_NOTHING}"
    metric = rule.metric or (basis["metric"] if basis else "main score")
    if rule.benchmark == COST or metric == COST:
        return _cost(rule, verdict)
    if metric == "must_pass":
        return _never_events(verdict, basis)
    if metric in LATENCIES:
        return _latency(rule, verdict, metric)
    if metric == "jury_agreement":
        return _agreement(rule, verdict)
    closing = f"{_ELSEWHERE}{', or about whether these judges are right' if judged else _SETTINGS}."
    by = " as these judges rate it" if judged else ""
    if rule.baseline or rule.bound:
        where, claim, denied = f"on {_scope(rule)}", *_claims(rule, metric, baseline)
        start = f"With at most {100 * rule.alpha:.3g} % error, "
    else:
        count = basis["n"] + sum(basis["missing"].values()) if basis else 0
        these = "this instance" if count == 1 else f"these {f'{count} ' if basis else ''}instances"
        where, claim, denied = f"on {these}", *_plain_claims(rule, metric)
        start = ""
        closing = f"{_POINT} {closing}"
    if verdict == "inconclusive":
        why = doubt or _left_open(rule, basis)
        return f"It is open, and so no pass, whether {where} {claim}{by}: {why}. {closing}"
    said = claim if verdict == "pass" else denied
    more = ", whatever the missing answers were" if basis and (basis["missing"] or basis["not_paired"]) else ""
    sentence = f"{start}{where} {said}{by}{more}."
    if rule.baseline and verdict == "pass" and _margin(rule) > 0:
        sentence += " It does not say that the model is better."
    return f"{sentence[0].upper()}{sentence[1:]} {closing}"


def figure(value: float, threshold: float, digits: int = 3, sign: str = "") -> str:
    """A number with so many decimals that it stands on the side of the threshold on which it is.

    0.6998 held against 0.7 is no 0.700. ``digits`` at the least, 9 at the most; ``sign`` "+" shows a plus.
    """
    side = (value > threshold) - (value < threshold)
    while digits < 9 and side != ((shown := round(value, digits)) > threshold) - (shown < threshold):
        digits += 1
    return f"{value:{sign}.{digits}f}"


def _left_open(rule: Rule, basis: Basis | None) -> str:
    if basis is None:
        return "these answers do not show it either way"
    if rule.bound or rule.baseline:
        low, high = basis["low_with_missing"], basis["high_with_missing"]
    else:
        low, high = sorted((basis["worst"] or 0.0, basis["best"] or 0.0))
    if low is None or high is None:
        return "these answers do not show it either way"
    what = "a difference of" if rule.baseline else "missing answers leave" if not rule.bound else "these answers leave"
    ends = " to ".join(figure(end, rule.threshold) for end in (low, high))
    return f"{what} {ends} {'is ' if rule.baseline else ''}possible"


def _claims(rule: Rule, metric: str, baseline: str) -> tuple[str, str]:
    """What the rule demands of the true value, and what a fail shows in its place."""
    words = f"this model's true {_words(metric)}"
    if not rule.baseline:
        sides = ("at least", "below") if rule.comparison == ">=" else ("at most", "above")
        return f"{words} is {sides[0]} {rule.threshold:.10g}", f"{words} is {sides[1]} {rule.threshold:.10g}"
    other, margin = f"that of {baseline or 'the baseline'}", _margin(rule)
    lower, higher = ("lower", "higher") if rule.comparison == ">=" else ("higher", "lower")
    if margin > 0:
        return (
            f"{words} is not {lower} than {other} by {margin:.10g} or more",
            f"{words} is {lower} than {other} by more than {margin:.10g}",
        )
    if margin < 0:
        return (
            f"{words} is {higher} than {other} by {-margin:.10g} or more",
            f"{words} is not {higher} than {other} by {-margin:.10g} or more",
        )
    return f"{words} is not {lower} than {other}", f"{words} is {lower} than {other}"


def _plain_claims(rule: Rule, metric: str) -> tuple[str, str]:
    sides = ("at least", "below") if rule.comparison == ">=" else ("at most", "above")
    words = f"the model's {_words(metric)}"
    return f"{words} is {sides[0]} {rule.threshold:.10g}", f"{words} is {sides[1]} {rule.threshold:.10g}"


def _margin(rule: Rule) -> float:
    """How far on the wrong side of the baseline a rule lets a model be."""
    return -rule.threshold if rule.comparison == ">=" else rule.threshold


def _words(metric: str) -> str:
    if metric in STATUSES:
        return f"share of answers with the status {metric}"
    known = {
        "exact_match": "accuracy (share of right answers)",
        "jury": "mean score by the judges",
        "harm_severe": "share of answers marked as severely harmful",
        "harm_moderate": "share of answers marked as moderately harmful or worse",
        "recall": "recall (share of the positive cases that are found)",
        "precision": "precision (share of the alarms that are right)",
        "brier": "Brier score (squared distance of its confidence from being right or wrong)",
        "nll": "negative log-likelihood of its confidences",
        "auroc": "AUROC (how often a right answer has the higher confidence of a right and a wrong one)",
        "selective_accuracy": "mean accuracy among its surest answers",
        "ece": "calibration error in ten bins",
    }
    return known.get(metric, metric.replace("_", " "))


def _scope(rule: Rule) -> str:
    if rule.slice is None:
        return "questions like these"
    key, value = rule.slice
    return f"questions like these, of each {key}" if value == "*" else f"questions like these with {key} = {value}"


def _never_events(verdict: str, basis: Basis | None) -> str:
    if basis is None:
        return "Not every never-event was tried, so this is a fail. It says nothing about those that were."
    low = basis["low"] or 0.0
    if verdict == "pass":
        return (
            f"None of the {basis['n']} never-events happened. That is no proof of safety: with at most "
            f"{100 * basis['alpha']:.3g} % error, up to {100 * (1 - low):.1f} % of cases like these could go wrong."
        )
    return "A never-event happened, or could not be measured. One is enough: no share of good answers makes up for it."


def _latency(rule: Rule, verdict: str, metric: str) -> str:
    share = f"{100 * LATENCIES[metric]:g} % of first attempts"
    outcome = {"pass": "were answered", "fail": "were not answered"}.get(verdict, "may or may not be answered")
    return (
        f"In these runs {share} {outcome} within {rule.threshold:.10g} seconds. "
        "The wait in the server's queue counts, behind all that this run had in flight. It says nothing about another "
        "server, another load or longer records."
    )


def _cost(rule: Rule, verdict: str) -> str:
    outcome = {"pass": "cost at most", "fail": "cost more than"}.get(verdict, "may cost more than")
    return (
        f"At the prices in the configuration the answers and their judging {outcome} {rule.threshold:.10g}. "
        "It says nothing about what later use will cost."
    )


def _agreement(rule: Rule, verdict: str) -> str:
    claim = f"these judges agree with clinicians, ICC(2,1), to {rule.threshold:.10g} or better on answers like these"
    if verdict == "pass":
        start = (
            f"With at most {100 * rule.alpha:.3g} % error, {claim}" if rule.bound else f"On the answers rated {claim}"
        )
    elif verdict == "fail":
        start = f"It is not so that {claim}"
    else:
        start = f"It is open, and so no pass, whether {claim}"
    return f"{start}. It says nothing about the model that they judge, or about judges on other tasks."
