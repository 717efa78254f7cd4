"""What the terminal shows at the end: the table, costs, warnings, what is slow or bad, gates."""

from __future__ import annotations

import shutil
import textwrap
from collections import defaultdict
from collections.abc import Iterator, Sequence

import pytest

from pytest_medhelm.gates.ledger.attempts import sentences
from pytest_medhelm.hookspecs import Line
from pytest_medhelm.reports.calibration_words import NAMES, figures
from pytest_medhelm.reports.first_look import first_looks
from pytest_medhelm.reports.rule_matrix import verdict_of
from pytest_medhelm.reports.steadiness_words import in_short, is_asked_more
from pytest_medhelm.reports.terminal_table import table
from pytest_medhelm.results.leaderboard.document import Leaderboard, Published, Results, SuiteSpending
from pytest_medhelm.results.leaderboard.gate_entry import GateEntry
from pytest_medhelm.results.leaderboard.same_model import same_model_sentences
from pytest_medhelm.results.leaderboard.spending import money
from pytest_medhelm.results.leaderboard.win_rates import win_rate_sentences
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.util.escaping import visible

LISTED = 3
"""Cells or names that a line lists."""


class Terminal:
    """The report for the terminal; ``verbose``: with single instances, as -v asks for."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose

    @pytest.hookimpl
    def pytest_medhelm_report(self, leaderboard: Leaderboard, suite: Suite) -> Iterator[Line]:
        """The leaderboard, what to look at, and the gates last: they decide."""
        return lines(leaderboard, suite, verbose=self._verbose)


def lines(leaderboard: Leaderboard, suite: Suite, *, verbose: bool = False) -> Iterator[Line]:
    """What is shown, line by line."""
    results = leaderboard["results"]
    width = max(80, shutil.get_terminal_size().columns)
    if results["cells"]:
        yield from table(results, width)
    for sentence in (*closing(leaderboard), *_slowest(leaderboard, suite, verbose), *_worst(results)):
        yield from textwrap.wrap(sentence, width, subsequent_indent="  ", break_on_hyphens=False)
    attempt = leaderboard["measurements"].get("attempt")
    if attempt and (results["gates"] or attempt["number"] > 1):
        for sentence in sentences(attempt):
            yield visible(sentence), {"yellow": attempt["post_hoc"]}
    for verdict, sentence in _verdicts(results["gates"]):
        yield f"gate {visible(sentence)}", {_COLOUR.get(verdict, "yellow"): True}
    yield from _of_models(results)


def _of_models(results: Results) -> Iterator[Line]:
    """What each model comes to, in one line; nothing where there is but one rule."""
    for facts in results["models"]:
        counts = verdict_of(results["gates"], facts["name"])
        if counts and sum(counts.values()) > 1:
            passed = counts.keys() == {"pass"}
            listed = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
            verb = "passes" if passed else "does not pass"
            line = f"{visible(facts['name'])} {verb}: {listed} of {sum(counts.values())} rules"
            yield line, {"green" if passed else "red": True}


def _verdicts(gates: Sequence[GateEntry]) -> Iterator[tuple[str, str]]:
    """Verdict and sentence of each result, and one for all benchmarks on which a model passes a rule, where many."""
    passed: dict[tuple[str, str], list[GateEntry]] = defaultdict(list)
    for gate in gates:
        if gate["verdict"] == "pass":
            passed[gate["rule"], gate["model"]].append(gate)
    for gate in gates:
        alike = passed[gate["rule"], gate["model"]]
        if gate not in alike or len(alike) <= LISTED:
            yield gate["verdict"], gate["sentence"]
        elif gate is alike[0]:
            yield "pass", f"pass: {gate['rule']}: {gate['model']} on {len(alike)} benchmarks, each in leaderboard.json"


_COLOUR = {"pass": "green", "fail": "red"}
"""By verdict; what is not shown either way is neither."""


def _slowest(leaderboard: Leaderboard, suite: Suite, verbose: bool) -> Iterator[str]:
    """Where requests took longest here: cells by their 95th percentile, with -v single instances of the newest run."""
    measured = leaderboard["measurements"]["cells"]
    imported = {facts["name"] for facts in leaderboard["results"]["models"] if facts["kind"] == "imported"}
    timed = [
        (seconds, f"{cell['benchmark']} {cell['model']}")
        for cell in leaderboard["results"]["cells"]
        if cell["model"] not in imported
        and (seconds := measured[f"{cell['benchmark']} {cell['model']}"]["latency_p95"])
    ]
    if timed:
        listed = [f"{visible(name)} {_time(seconds)}" for seconds, name in sorted(timed, key=lambda row: -row[0])]
        yield f"slowest, 95th percentile, server's queue included: {', '.join(listed[:LISTED])}"
    instances = [
        f"{visible(benchmark)} {visible(instance)} {visible(model)} {_time(seconds)}"
        for benchmark, instance, model, seconds in suite.slowest(LISTED if verbose else 0)
    ]
    if instances:
        yield f"slowest instances: {', '.join(instances)}"


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _worst(results: Results) -> Iterator[str]:
    """Where to look first."""
    worst = [f"{visible(look.benchmark)} {visible(look.model)} {look.what}" for look in first_looks(results)[:LISTED]]
    if worst:
        yield f"look at first: {'; '.join(worst)}"


def closing(leaderboard: Leaderboard) -> Iterator[str]:
    """Win rates, costs and warnings."""
    results = leaderboard["results"]
    yield from map(visible, same_model_sentences(results["several_names"]))
    yield from win_rate_sentences(results["win_rate"], visible)
    # Of more than two candidates the page and leaderboard.json have every pair.
    for row in results["paired"] if len({*results["win_rate"]["pool"]}) == 2 else []:
        first, second = map(visible, row["models"])
        yield (
            f"{row['benchmark']}: {first} minus {second} = {row['difference']:+.3f} "
            f"(95 % {row['low']:+.3f} to {row['high']:+.3f}, n {row['n']})"
        )
    yield from _steadiness(results)
    for cell in results["cells"]:
        for calibration in cell["calibration"]:
            about = f"{visible(cell['benchmark'])} {visible(cell['model'])}"
            yield f"confidence ({NAMES[calibration['kind']]}): {about} {figures(cell, calibration)}"
    yield from _cost(leaderboard["measurements"]["spending"])
    if results["published"]:
        yield _published(results["published"], len(results["benchmarks"]))
    covered = sum(bool(row["benchmarks"]) for row in results["coverage"])
    yield f"coverage: {covered} of {len(results['coverage'])} subcategories have a benchmark here"
    sample = sorted({cell["benchmark"] for cell in results["cells"] if cell["sample"]})
    if sample:
        yield f"SAMPLE DATA in {_list(sample)}: these values show that it works, not how good a model is"
    # What was asked for and could not be had is said; what nobody asked for stands on the page.
    reasons = {absence["reason"] for cell in results["cells"] for absence in cell["absent"].values()}
    yield from (f"absent: {visible(reason)}" for reason in sorted(reasons) if reason.startswith("--medhelm-"))


def _steadiness(results: Results) -> Iterator[str]:
    for cell in results["cells"]:
        if is_asked_more(cell) and (said := in_short(cell)):
            yield f"steadiness: {visible(cell['benchmark'])} {visible(cell['model'])}: {visible(said)}"


def _published(published: Published, benchmarks: int) -> str:
    """Where the paper's figures stand beside ours; on the page, since they are no part of this table."""
    reasons = "; ".join(f"{len(names)} {reason}" for reason, names in published["left_out"].items())
    return (
        f"published: {len(published['models'])} models of the MedHELM paper beside {len(published['cells'])} of "
        f"{benchmarks} benchmarks{f' ({reasons})' if reasons else ''}"
    )


def _cost(spending: SuiteSpending) -> Iterator[str]:
    """What the suite cost, what this run paid of it, and whose cost is not known; nothing without prices."""
    parts, gaps = [], []
    for one, many, parties in (("model", "models", spending["models"]), ("judge", "judges", spending["judges"])):
        known = [amounts["cost"] for amounts in parties.values() if amounts["cost"] is not None]
        if known:
            parts.append(f"{one if len(parties) == 1 else many} {money(sum(known))} {spending['currency']}")
        gaps += [f"{amounts['unknown']} of {name}" for name, amounts in parties.items() if amounts["unknown"]]
    if parts:
        paid = f" (paid now {money(spending['paid_now'])})" if spending["paid_now"] is not None else ""
        yield f"cost: {', '.join(parts)}{paid}"
        if gaps:
            yield f"cost not known, for want of a price or of token counts, of responses: {_list(gaps)}"


def _list(names: list[str]) -> str:
    shown = ", ".join(map(visible, names[:LISTED]))
    return shown if len(names) <= LISTED else f"{shown} and {len(names) - LISTED} more"
