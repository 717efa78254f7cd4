"""What is asked costs money: prices, costs apart for model and judges, paid now or earlier, and the budget."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.engine.transport import read_usage
from pytest_medhelm.leaderboard.spending import Party, money, paid_by
from pytest_medhelm.models.price import Price, spent
from tests.conftest import gold, leaderboard
from tests.test_engine import BOTH
from tests.test_jury import MEDICATION, ratings

USAGE = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}
PRICES = '[models."vllm/mock"]\nprice = { input = 2.0, output = 10.0 }\n'
EACH = 0.004
"""1000 x 2 + 200 x 10 per million."""


def counted(body: dict[str, Any]) -> dict[str, Any]:
    """The right answer, with the token counts that a hosted server would send."""
    return {"content": gold(body), "usage": USAGE}


def vllm(server: MockServer) -> tuple[str, str]:
    return "--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}"


def spending_of(folder: Path) -> Any:
    return leaderboard(folder)["measurements"]["spending"]


def shown(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if line.startswith("cost")]


# Prices


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"prompt_tokens": 1_000_000, "completion_tokens": 0}, 2.0),
        ({"prompt_tokens": 0, "completion_tokens": 1_000_000}, 10.0),
        # 600 fresh at 2, 400 cached at 0.5, 50 of the answer at 10, 150 of thinking at 4.
        (
            {"prompt_tokens": 1000, "cached_tokens": 400, "completion_tokens": 200, "reasoning_tokens": 150},
            (600 * 2 + 400 * 0.5 + 50 * 10 + 150 * 4) / 1e6,
        ),
        # Counts that contradict each other never make a negative amount.
        ({"prompt_tokens": 10, "cached_tokens": 40, "completion_tokens": 5, "reasoning_tokens": 9}, 25e-6),
        ({}, None),
        ({"prompt_tokens": 10}, None),
    ],
)
def test_the_cost_of_a_response(usage: dict[str, int], cost: float | None) -> None:
    assert Price(2.0, 10.0, cached_input=0.5, reasoning=4.0).cost(usage) == (cost and pytest.approx(cost))


def test_cached_input_and_reasoning_cost_as_the_rest_unless_priced() -> None:
    usage = {"prompt_tokens": 1000, "cached_tokens": 400, "completion_tokens": 200, "reasoning_tokens": 150}
    assert Price(2.0, 10.0).cost(usage) == pytest.approx(EACH)
    assert Price(2.0, 10.0, cached_input=0.0).cost(usage) == pytest.approx((600 * 2 + 200 * 10) / 1e6)


def test_several_answers_cost_their_sum_and_what_is_stored_is_not_paid() -> None:
    price = Price(2.0, 10.0)
    assert spent(price, [(USAGE, False), (USAGE, True)]) == {"cost": 2 * EACH, "paid": EACH}
    unknown = {"cost": None, "paid": None}
    assert spent(price, []) == spent(None, [(USAGE, False)]) == spent(price, [(USAGE, False), ({}, False)]) == unknown


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        (
            # OpenAI: thinking is part of the completion.
            {
                "prompt_tokens": 10, "completion_tokens": 50, "total_tokens": 60,
                "completion_tokens_details": {"reasoning_tokens": 40}, "prompt_tokens_details": {"cached_tokens": 8},
            },
            {"prompt_tokens": 10, "completion_tokens": 50, "reasoning_tokens": 40, "cached_tokens": 8},
        ),
        (
            # Others count it apart, which their total gives away.
            {
                "prompt_tokens": 10, "completion_tokens": 50, "total_tokens": 100,
                "completion_tokens_details": {"reasoning_tokens": 40}, "prompt_tokens_details": None,
            },
            {"prompt_tokens": 10, "completion_tokens": 90, "reasoning_tokens": 40},
        ),
        ({"total_tokens": 7}, {}),
    ],
)  # fmt: skip
def test_the_token_counts_of_a_server(usage: dict[str, Any], read: dict[str, int]) -> None:
    assert read_usage(usage) == read


@pytest.mark.parametrize(
    ("price", "sentence"),
    [
        ("{ input = 1 }", '*[[]models."vllm/a"[]] price needs output; write e.g. price = { input = 0.15*'),
        ("{ input = 1, output = -1 }", "*price: output = -1 is no amount of 0 or more*"),
        ("{ input = true, output = 1 }", "*price: input = True is no amount*"),
        ("{ input = 1, output = nan }", "*price: output = nan is no amount*"),
        ("{ input = 1, output = 1, batch = 1 }", "*price has no key 'batch'; known are: input, output, cached_input*"),
        ("3", "*price = 3 is of the wrong type"),
    ],
)
def test_a_wrong_price_is_one_sentence(price: str, sentence: str, pytester: pytest.Pytester) -> None:
    (pytester.path / "medhelm.toml").write_text(f'[models."vllm/a"]\nprice = {price}\n')
    result = pytester.runpytest_inprocess("--medhelm-model=vllm/a")
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: {sentence}"])


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0.00"), (0.12, "0.12"), (12.345, "12.35"), (0.0525, "0.052"), (0.000075, "0.000075")]
)
def test_amounts_keep_two_digits(amount: float, text: str) -> None:
    assert money(amount) == text


def test_a_shared_request_counts_once_whichever_record_paid() -> None:
    party = Party()
    party.add("a", USAGE, EACH, 0.0)
    party.add("a", USAGE, EACH, EACH)
    party.add("b", {}, None, 0.0)
    found = party.summary()
    assert (found["requests"], found["unknown"], found["tokens"]["prompt_tokens"]) == (2, 1, 1000)
    assert (found["cost"], found["paid_now"], found["stored"]) == (EACH, EACH, 0.0)


def test_what_a_run_paid_needs_prices() -> None:
    assert paid_by([("a", USAGE)], {}) is None
    assert paid_by([("a", USAGE), ("b", USAGE), ("a", {})], {"a": {"input": 2.0, "output": 10.0}}) == EACH


# Sessions


@BOTH
def test_costs_are_kept_and_what_is_stored_is_not_paid_again(
    extra: tuple[str, ...], letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(12)
    (pytester.path / "medhelm.toml").write_text(PRICES)
    with MockServer(counted) as server:
        options = (*vllm(server), f"--medhelm-data={data}")
        first = run(*options, "--medhelm-limit=8", *extra)
        assert shown(first) == ["cost: model 0.032 USD (paid now 0.032)"]
        assert spending_of(pytester.path)["models"]["vllm/mock"] == {
            "requests": 8, "tokens": {"completion_tokens": 1600, "prompt_tokens": 8000},
            "cost": 0.032, "paid_now": 0.032, "stored": 0.0, "unknown": 0,
        }  # fmt: skip
        second = run(*options, *extra)
        assert shown(second) == ["cost: model 0.048 USD (paid now 0.016)"]
    found = leaderboard(pytester.path)["measurements"]
    assert found["cells"]["letters vllm/mock"]["model"]["stored"] == 0.032
    assert found["spending"]["paid_now"] == 0.016
    page = (pytester.path / "medhelm-results/default/leaderboard.html").read_text()
    assert "The newest run paid 0.016 USD" in page
    assert re.search(
        r'<td class="number">0\.048</td><td class="number">0\.016</td><td class="number">0\.032</td>', page
    )


@BOTH
def test_judges_are_counted_apart(extra: tuple[str, ...], run: Any, pytester: pytest.Pytester) -> None:
    (pytester.path / "medhelm.toml").write_text(
        '[run]\ncurrency = "EUR"\n'
        '[models."vllm/doctor"]\nprice = { input = 2, output = 10 }\n'
        '[models."vllm/dear"]\nprice = { input = 20, output = 100 }\n'
    )

    def reply(body: dict[str, Any]) -> dict[str, Any]:
        content = "Take it with food." if body["model"] == "doctor" else ratings(5, 4, 3)
        return {"content": content, "usage": USAGE}

    with MockServer(reply, models=("doctor", "dear", "unpriced")) as server:
        result = run(
            MEDICATION, "--medhelm-model=vllm/doctor", "--medhelm-judge=vllm/dear", "--medhelm-judge=vllm/unpriced",
            "--medhelm-model=baseline/random", f"--medhelm-base-url={server.url}", "--medhelm-limit=5", *extra,
        )  # fmt: skip
    board = leaderboard(pytester.path)["measurements"]
    cell = board["cells"]["medication_qa vllm/doctor"]
    assert (cell["model"]["cost"], cell["model"]["requests"]) == (5 * EACH, 5)
    # A judge without a price has no cost; what is known is a lower bound and says so.
    assert (cell["judges"]["cost"], cell["judges"]["requests"], cell["judges"]["unknown"]) == (50 * EACH, 10, 5)
    spending = board["spending"]
    assert set(spending["models"]) == {"vllm/doctor"}, "a baseline asks nobody"
    assert spending["judges"]["vllm/unpriced"]["cost"] is None
    assert spending["judges"]["vllm/unpriced"]["tokens"]["prompt_tokens"] >= 5000
    # The judge also rates the answers of the baseline.
    judged = spending["judges"]["vllm/dear"]["requests"]
    paid = 5 * EACH + judged * 10 * EACH
    assert spending["paid_now"] == pytest.approx(paid)
    unpriced = spending["judges"]["vllm/unpriced"]["requests"]
    assert shown(result) == [
        f"cost: model 0.020 EUR, judges {money(judged * 10 * EACH)} EUR (paid now {money(paid)})",
        f"cost not known, for want of a price or of token counts, of responses: {unpriced} of vllm/unpriced",
    ]
    page = (pytester.path / "medhelm-results/default/leaderboard.html").read_text()
    assert "at least 0.20" in page


@pytest.mark.parametrize("priced", [True, False])
def test_without_price_or_token_counts_there_is_no_cost(
    priced: bool, letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(4)
    if priced:
        (pytester.path / "medhelm.toml").write_text(PRICES)
    with MockServer(lambda body: {"content": gold(body), "usage": None if priced else USAGE}) as server:
        result = run(*vllm(server), f"--medhelm-data={data}")
    entry = spending_of(pytester.path)["models"]["vllm/mock"]
    assert (entry["cost"], entry["paid_now"], entry["stored"], entry["unknown"]) == (None, None, None, 4)
    assert shown(result) == []


def test_a_price_changes_no_result_and_counts_for_stored_responses(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(4)
    with MockServer(counted) as server:
        run(*vllm(server), f"--medhelm-data={data}")
        before = leaderboard(pytester.path)["results"]
        (pytester.path / "medhelm.toml").write_text(PRICES)
        result = run(*vllm(server), f"--medhelm-data={data}")
        assert len(server.requests) == 4
    assert json.dumps(leaderboard(pytester.path)["results"]) == json.dumps(before)
    assert shown(result) == ["cost: model 0.016 USD (paid now 0.00)"]
