"""What is asked costs money: prices, costs apart for model and judges, paid now or earlier, and the budget."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.models.engine.budget import FIRST_ANSWER, Budget
from pytest_medhelm.models.engine.reply import read_usage
from pytest_medhelm.models.engine.request import Completion, Request
from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.models.engine.transport import Fault
from pytest_medhelm.models.price import Price, spent
from pytest_medhelm.models.spec import Model
from pytest_medhelm.results.leaderboard.spending import Party, money, paid_by
from pytest_medhelm.util.config_file import read_config
from tests.support.juries import MEDICATION, ratings
from tests.support.letters import gold
from tests.support.paths import CHECKOUT
from tests.support.suites import cell, leaderboard

USAGE = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}
PRICE = Price(2.0, 10.0)
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
    sentences = result.stdout.str().replace("\n  ", " ").splitlines()
    return [sentence for sentence in sentences if sentence.startswith("cost")]


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
        ("3", "*price = 3 is of the wrong type: it must be a table"),
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


def test_costs_are_kept_and_what_is_stored_is_not_paid_again(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(12)
    (pytester.path / "medhelm.toml").write_text(PRICES)
    with MockServer(counted) as server:
        options = (*vllm(server), f"--medhelm-data={data}")
        first = run(*options, "--medhelm-limit=8")
        assert shown(first) == ["cost: model 0.032 USD (paid now 0.032)"]
        assert spending_of(pytester.path)["models"]["vllm/mock"] == {
            "requests": 8, "tokens": {"completion_tokens": 1600, "prompt_tokens": 8000},
            "cost": 0.032, "paid_now": 0.032, "stored": 0.0, "unknown": 0,
        }  # fmt: skip
        second = run(*options)
        assert shown(second) == ["cost: model 0.048 USD (paid now 0.016)"]
    found = leaderboard(pytester.path)["measurements"]
    assert found["cells"]["letters vllm/mock"]["model"]["stored"] == 0.032
    assert found["spending"]["paid_now"] == 0.016
    page = (pytester.path / "medhelm-results/default/leaderboard.html").read_text()
    assert "The newest run paid 0.016 USD" in page
    assert re.search(
        r'<td class="number">0\.048</td><td class="number">0\.016</td><td class="number">0\.032</td>', page
    )


def test_judges_are_counted_apart(run: Any, pytester: pytest.Pytester) -> None:
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
            "--medhelm-suite=sample", "--medhelm-model=baseline/random",
            f"--medhelm-base-url={server.url}", "--medhelm-limit=5",
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
    page = (pytester.path / "medhelm-results/sample/leaderboard.html").read_text()
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


# The budget


def request_of(body: str, price: Price | None = PRICE) -> Request:
    return Request(Model("vllm/mock", "vllm", "mock", price=price), body, "ab" * 32)


def budget(tmp_path: Path, limit: float = 1.0) -> Budget:
    return Budget(limit, ResponseStore(tmp_path / "responses.sqlite"), "run", set())


def test_the_bound_of_a_request(tmp_path: Path) -> None:
    mine = budget(tmp_path)
    body = json.dumps({"max_tokens": 500, "messages": "x" * 3000})
    expected = (len(body) / 3 * 2 + 500 * 10) / 1e6
    assert mine.bound(request_of(body)) == pytest.approx(expected)
    assert mine.bound(request_of(body, None)) == 0
    open_ended = json.dumps({"messages": "x" * 3000})
    assert mine.bound(request_of(open_ended)) == pytest.approx((len(open_ended) / 3 * 2 + FIRST_ANSWER * 10) / 1e6)
    for tokens in (100, 300):
        mine.settle(request_of(open_ended), Completion("ok", usage={"prompt_tokens": 1, "completion_tokens": tokens}))
    assert mine.bound(request_of(open_ended)) == pytest.approx((len(open_ended) / 3 * 2 + 200 * 10) / 1e6)
    wide = json.dumps({"max_tokens": 0, "max_completion_tokens": 7, "messages": "薬" * 100}, ensure_ascii=False)
    assert mine.bound(request_of(wide)) >= (100 * 2 + 7 * 10) / 1e6, "a token for each sign of three bytes"


@pytest.mark.parametrize(
    ("result", "paid"),
    [
        (Completion("ok", usage=USAGE), EACH),
        (Completion("ok"), "bound"),
        (Completion("request_error", error="HTTP 401"), 0.0),
        (Fault("HTTP 429"), 0.0),
        (Fault("no answer in time", charged=True), "bound"),
        (None, "bound"),
    ],
)
def test_what_an_attempt_is_taken_to_cost(result: Completion | Fault | None, paid: Any, tmp_path: Path) -> None:
    body = json.dumps({"max_tokens": 90_000})
    mine = budget(tmp_path)
    bound = mine.bound(request_of(body))
    assert mine.admit(request_of(body)) == "go"
    assert mine.admit(request_of(body)) == "wait", "two of 0.9 do not fit into 1"
    mine.settle(request_of(body), result)
    left = 1.0 - (bound if paid == "bound" else paid)
    store = ResponseStore(tmp_path / "responses.sqlite")
    assert store.spending.reserve("run", left + 1e-6, 1.0, 3) == "stop"
    assert store.spending.reserve("run", left - 1e-6, 1.0, 3) == "go"
    assert store.spending.answered("run") == 3
    assert store.spending.reserve("next run", 1.0, 1.0, 0) == "go", "a run counts only what it pays itself"


def test_what_a_dead_process_had_in_flight_counts_and_is_not_waited_for(tmp_path: Path) -> None:
    store = ResponseStore(tmp_path / "responses.sqlite")
    assert store.spending.reserve("run", 0.6, 1.0, 0) == "go"
    assert store.spending.reserve("run", 0.6, 1.0, 0) == "wait"
    connection = sqlite3.connect(tmp_path / "responses.sqlite")
    connection.execute("UPDATE spending SET pid = 2147483646")
    connection.commit()
    assert store.spending.reserve("run", 0.6, 1.0, 0) == "stop"
    assert store.spending.reserve("run", 0.3, 1.0, 0) == "go"
    store.spending.settle_all("run")
    assert store.spending.reserve("run", 0.6, 1.0, 0) == "stop"


@pytest.mark.parametrize(
    ("max_tokens", "fewest", "most"),
    [
        # Each request costs 0.004. Bounded by 0.0101 it may be sent while at most 0.0399 is paid: ten requests.
        (1000, 10, 10),
        # Bounded by 0.0031, too low since the server counts 1000 tokens in the prompt: up to the four in flight more.
        (300, 12, 12 + 4),
    ],
)
def test_a_budget_stops_the_run_and_the_next_one_goes_on(
    max_tokens: int,
    fewest: int,
    most: int,
    letters: Callable[..., Path],
    run: Any,
    pytester: pytest.Pytester,
) -> None:
    data = letters(25)
    (pytester.path / "medhelm.toml").write_text(f"{PRICES}max_tokens = {max_tokens}\n")
    with MockServer(counted, latency=0.01) as server:
        options = (
            *vllm(server), f"--medhelm-data={data}", "--medhelm-max-cost=0.05", "--medhelm-concurrency=4",
            "--medhelm-gate=letters >= 0.1",
        )  # fmt: skip
        result = run(*options)
        asked = len(server.requests)
        assert fewest <= asked <= most
        assert result.ret == pytest.ExitCode.INTERRUPTED
        result.stdout.fnmatch_lines(
            [
                "medhelm: budget of this run: 0.05 USD",
                "*PARTIAL: * of 25 have records*",
                f"cost: model {money(asked * EACH)} USD (paid now {money(asked * EACH)})",
                "gate not evaluated: letters >= 0.1: vllm/mock on letters has no value: budget of 0.05 USD reached*",
                f"*Interrupted: budget of 0.05 USD reached after {asked} of 25 requests; raise --medhelm-max-cost and "
                "run the same command to go on*",
            ]
        )
        found = cell(leaderboard(pytester.path), "letters")
        assert found["partial"]
        assert set(found["statuses"]) == {"ok"}, "what was not asked has no record"
        assert run(*options).ret == (pytest.ExitCode.INTERRUPTED if len(server.requests) < 25 else 0)
        last = run(*options)
        assert last.ret == 0
        assert len(server.requests) == 25, "nothing is asked twice"
        last.stdout.fnmatch_lines(["cost: model 0.10 USD (paid now *)", "gate pass: *"])


def test_requests_wait_for_those_in_flight_rather_than_stop(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    # Each may cost 0.04 and costs 0.00012: ten in flight would exceed 0.1, one after the other they do not.
    (pytester.path / "medhelm.toml").write_text(PRICES + "max_tokens = 4000\n")
    data = letters(10)
    small = {"prompt_tokens": 50, "completion_tokens": 2}
    with MockServer(lambda body: {"content": gold(body), "usage": small}, latency=0.05) as server:
        result = run(*vllm(server), f"--medhelm-data={data}", "--medhelm-max-cost=0.1")
        assert result.ret == 0
        assert server.in_flight_peak == 2
        assert len(server.requests) == 10


def test_the_budget_may_end_before_a_judge(run: Any, pytester: pytest.Pytester) -> None:
    (pytester.path / "medhelm.toml").write_text(
        '[models."vllm/doctor"]\nprice = { input = 0, output = 0 }\n'
        '[models."vllm/judge"]\nprice = { input = 2, output = 10 }\nmax_tokens = 200\n'
    )

    def reply(body: dict[str, Any]) -> dict[str, Any]:
        content = "Take it with food." if body["model"] == "doctor" else ratings(5, 4, 3)
        return {"content": content, "usage": USAGE}

    with MockServer(reply, models=("doctor", "judge")) as server:
        options = (
            MEDICATION, "--medhelm-model=vllm/doctor", "--medhelm-judge=vllm/judge",
            f"--medhelm-base-url={server.url}", "--medhelm-limit=6", "--medhelm-concurrency=2",
        )  # fmt: skip
        result = run(*options, "--medhelm-max-cost=0.011")
        judged = sum(body["model"] == "judge" for body in server.requests)
        assert result.ret == pytest.ExitCode.INTERRUPTED
        assert 1 <= judged <= 4
        result.stdout.fnmatch_lines(["*budget of 0.011 USD reached after * of 12 requests; *"])
        found = cell(leaderboard(pytester.path), "medication_qa")
        assert found["partial"]
        assert set(found["statuses"]) == {"ok"}, "an answer without its judge is no judge_error"
        assert run(*options, "--medhelm-max-cost=1").ret == 0
        assert len(server.requests) == 12
    assert cell(leaderboard(pytester.path), "medication_qa")["metrics"]["jury"]["n"] == 6


def test_a_test_that_asks_by_itself_is_not_run_beyond_the_budget(pytester: pytest.Pytester, run: Any) -> None:
    (pytester.path / "medhelm.toml").write_text(PRICES)
    pytester.makepyfile(
        """
        def test_first(model):
            assert model.ask("one", max_tokens=300).text

        def test_second(model):
            assert model.ask("two", max_tokens=300).text
            assert False, "not reached"

        def test_third():
            pass
        """
    )
    with MockServer(lambda body: {"content": "yes", "usage": USAGE}) as server:
        result = run(*vllm(server), "--medhelm-max-cost=0.005")
        assert len(server.requests) == 1
    result.assert_outcomes(passed=1, skipped=1)
    assert result.ret == pytest.ExitCode.INTERRUPTED


@pytest.mark.parametrize(
    ("option", "config", "sentence"),
    [
        ("5", "", '*needs the price of vllm/a: write [[]models."vllm/a"[]] and below it price = *'),
        ("5", '[models."vllm/a"]\nprice = { input = 1, output = 1 }\n', "*needs the price of vllm/j: *"),
        ("0", "", "--medhelm-max-cost: '0' is not an amount above 0; type e.g. 5"),
        ("much", "", "--medhelm-max-cost: 'much' is not an amount above 0*"),
        ("", '[run]\nmax_cost = 0.5\ncurrency = "EUR"\n', "*needs the price of vllm/a: *(EUR per million tokens*"),
    ],
)
def test_a_budget_that_cannot_be_kept_is_one_sentence(
    option: str, config: str, sentence: str, pytester: pytest.Pytester
) -> None:
    (pytester.path / "medhelm.toml").write_text(config)
    amount = [f"--medhelm-max-cost={option}"] if option else []
    result = pytester.runpytest_inprocess("--medhelm-model=vllm/a", "--medhelm-judge=vllm/j", *amount)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: {sentence}"])


def test_the_example_of_the_documentation_is_read(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```toml\n(.*?)^```", (CHECKOUT / "docs/costs.md").read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "medhelm.toml").write_text(example)
    config = read_config(tmp_path / "medhelm.toml")
    assert config.run["max_cost"] == 5
    assert set(config.models["openai/gpt-4o-mini"]["price"]) == {"input", "output", "cached_input", "reasoning"}
