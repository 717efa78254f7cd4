"""What a run means, told before anything is asked: how much the judges get to do, and what no model can take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_medhelm.plugin.item_params import item_params

if TYPE_CHECKING:
    from pytest_medhelm.models.roster import Roster
    from pytest_medhelm.util.settings import Settings

WORTH_TELLING = 100
"""Requests: of fewer nothing is said."""
TOKEN = 4
"""Characters."""
ANSWER, INSTRUCTIONS, CRITERION, VERDICT = 2000, 1500, 200, 300
"""Characters that an answer, what a judge is told, a criterion and a verdict are taken to have."""


def judge_lines(items: Sequence[pytest.Item], settings: Settings, roster: Roster) -> Iterator[str]:
    """How many requests the judges will get, over how many criteria, and with prices about what that costs.

    The sum is an estimate: prompts are measured, answers and verdicts taken to be of usual length, and four characters
    a token. --medhelm-max-cost holds whatever it says.
    """
    if not roster.judges:
        return
    from pytest_medhelm.results.leaderboard.spending import money
    from pytest_medhelm.scoring.jury.jury import requests_about
    from pytest_medhelm.tasks.rubric_files import rubric_of_task

    answers = criteria = calls = characters = 0
    for item in items:
        params = item_params(item) if "jury" in getattr(item, "fixturenames", ()) else None
        rubric = rubric_of_task(settings.config, params.benchmark.task) if params is not None else None
        if params is None or rubric is None:
            continue
        about = requests_about(rubric, params.packed.criteria, settings.rubric_calls)
        answers += about > 0
        criteria += len(rubric.criteria) or params.packed.criteria
        calls += about
        characters += about * (params.packed.length + ANSWER + INSTRUCTIONS + CRITERION)
    askings = len(roster.judges) * settings.judge_repeats
    if calls * askings < WORTH_TELLING:
        return
    prices = [judge.price for judge in roster.judges]
    cost = sum(
        price.bound(characters / TOKEN, calls * VERDICT / TOKEN) for price in prices if price is not None
    ) * settings.judge_repeats  # fmt: skip
    about_cost = f", about {money(cost)} {settings.currency}" if cost and None not in prices else ""
    yield (
        f"judges get {calls * askings:,} requests about {answers:,} answers by {criteria / max(1, answers):.1f} "
        f"criteria each{about_cost}"
    )


def context_lines(items: Sequence[pytest.Item], roster: Roster) -> Iterator[str]:
    """Of which benchmarks some prompts are longer than what a server says its model can take."""
    if all(model.context is None for model in roster.models):
        return
    longer: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for item in items:
        params = item_params(item)
        context = params.model.context if params is not None else None
        if params is not None and context is not None and params.packed.length > context * TOKEN:
            longer[params.benchmark.task.name, params.model.name, context].add(params.packed.id)
    for (benchmark, model, context), ids in sorted(longer.items()):
        yield (
            f"{len(ids)} instances of {benchmark} are longer than the {context:,} tokens of {model}, at four "
            "characters a token: they count as too_long"
        )
