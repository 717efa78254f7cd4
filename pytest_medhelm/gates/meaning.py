"""A verdict in words that a committee can sign: what it means, and what it does not mean."""

from __future__ import annotations

from pytest_medhelm.gates.rule import COST, LATENCIES, Rule
from pytest_medhelm.results.leaderboard.gate_entry import Basis
from pytest_medhelm.scoring.response import STATUSES

_ELSEWHERE = "It says nothing about other tasks"


def meaning_of(rule: Rule, verdict: str, reason: str, baseline: str, basis: Basis | None, judged: bool) -> str:
    """Two or three plain sentences. ``judged``: the metric is made of verdicts of judges."""
    if verdict == "not evaluated":
        return f"Nothing was decided, so this is no pass: {reason}. It says nothing about the model."
    metric = rule.metric or (basis["metric"] if basis else "main score")
    if rule.benchmark == COST or metric == COST:
        return _cost(rule, verdict)
    if metric == "must_pass":
        return _never_events(verdict, basis)
    if metric in LATENCIES:
        return _latency(rule, verdict, metric)
    if metric == "jury_agreement":
        return _agreement(rule, verdict)
    scope = _scope(rule)
    limit = ", or about whether these judges are right" if judged else ""
    if metric not in STATUSES and not judged:
        limit = ", other prompts or other settings of the model"
    closing = f"{_ELSEWHERE}{limit}."
    if basis is None and verdict == "inconclusive":
        return f"It is open, and so no pass, whether {_claim(rule, metric, baseline)}: {reason}. {closing}"
    if rule.baseline or rule.bound:
        return _by_limits(rule, verdict, metric, baseline, scope, judged, reason, closing)
    return _by_value(rule, verdict, metric, basis, judged, reason, closing)


def _by_limits(
    rule: Rule, verdict: str, metric: str, baseline: str, scope: str, judged: bool, reason: str, closing: str
) -> str:
    error = f"With at most {100 * rule.alpha:.3g} % error"
    by = " as these judges rate it" if judged else ""
    if verdict == "pass":
        more = " It does not say that the model is better." if rule.baseline and _margin(rule) > 0 else ""
        return f"{error}, on {scope} {_claim(rule, metric, baseline)}{by}.{more} {closing}"
    if verdict == "fail":
        return f"{error}, on {scope} it is not so that {_claim(rule, metric, baseline)}{by}. {closing}"
    return (
        f"It is open, and so no pass, whether on {scope} {_claim(rule, metric, baseline)}{by} ({reason}): these "
        f"answers show neither that it is so nor that it is not. {closing}"
    )


def _by_value(
    rule: Rule, verdict: str, metric: str, basis: Basis | None, judged: bool, reason: str, closing: str
) -> str:
    where = f"On these {basis['n'] + sum(basis['missing'].values())} instances" if basis else "On these instances"
    side = "at least" if rule.comparison == ">=" else "at most"
    claim = f"the model's {_words(metric)} is {side} {rule.threshold:g}"
    by = " as these judges rate it" if judged else ""
    other = "Another set of such questions may give another value: a rule on a limit (.lower, .upper) allows for that."
    missing = ", whatever the missing answers were" if basis and basis["missing"] else ""
    if verdict == "pass":
        return f"{where} {claim}{by}{missing}. {other} {closing}"
    if verdict == "fail":
        return f"{where} it is not so that {claim}{by}{missing}. {other} {closing}"
    return f"It is open, and so no pass, whether {where[0].lower()}{where[1:]} {claim}{by}: {reason}. {closing}"


def _claim(rule: Rule, metric: str, baseline: str) -> str:
    """What the rule demands, as a sentence without a stop."""
    words = _words(metric)
    if not rule.baseline:
        side = "at least" if rule.comparison == ">=" else "at most"
        return f"this model's true {words} is {side} {rule.threshold:g}"
    other = baseline or "the baseline"
    margin = _margin(rule)
    if margin > 0:
        return f"this model's true {words} is not worse than that of {other} by {margin:g} or more"
    if margin < 0:
        return f"this model's true {words} is better than that of {other} by {-margin:g} or more"
    return f"this model's true {words} is at least as good as that of {other}"


def _margin(rule: Rule) -> float:
    """How much worse than the baseline a rule lets a model be."""
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
        f"In these runs {share} {outcome} within {rule.threshold:g} seconds. "
        "It says nothing about another server, another load or longer records."
    )


def _cost(rule: Rule, verdict: str) -> str:
    outcome = {"pass": "cost at most", "fail": "cost more than"}.get(verdict, "may cost more than")
    return (
        f"At the prices in the configuration the answers and their judging {outcome} {rule.threshold:g}. "
        "It says nothing about what later use will cost."
    )


def _agreement(rule: Rule, verdict: str) -> str:
    claim = f"these judges agree with clinicians, ICC(2,1), to {rule.threshold:g} or better on answers like these"
    if verdict == "pass":
        start = (
            f"With at most {100 * rule.alpha:.3g} % error, {claim}" if rule.bound else f"On the answers rated {claim}"
        )
    elif verdict == "fail":
        start = f"It is not so that {claim}"
    else:
        start = f"It is open, and so no pass, whether {claim}"
    return f"{start}. It says nothing about the model that they judge, or about judges on other tasks."
