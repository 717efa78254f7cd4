"""Each request asked several times: what a suite then says of how steady the answers are."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import Fault, MockServer
from pytest_medhelm.cli.main import main
from tests.support.letters import gold
from tests.support.servers import vllm
from tests.support.suites import cell, leaderboard

Run = Callable[..., pytest.RunResult]
QUESTIONS = 100


def number_of(body: dict[str, Any]) -> int:
    return int(re.search(r"Case (\d+)", body["messages"][-1]["content"])[1])  # type: ignore[index]


def other(letter: str) -> str:
    return "ABCD"["BCDA".index(letter)]


class Fickle:
    """Of the answers to a question so many are right: none to every other one, two of five to the rest."""

    def __init__(self) -> None:
        self.asked: Counter[int] = Counter()

    def __call__(self, body: dict[str, Any]) -> str:
        number = number_of(body)
        self.asked[number] += 1
        return gold(body) if number % 2 and self.asked[number] <= 2 else other(gold(body))


def metric(board: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = cell(board, "letters")["metrics"][name]
    return found


def test_equal_answers_have_the_interval_of_the_instances(
    letters: Callable[..., Path], run: Run, pytester: pytest.Pytester
) -> None:
    with MockServer(lambda body: gold(body) if number_of(body) % 2 else other(gold(body))) as server:
        result = run(
            *vllm(server), f"--medhelm-data={letters(QUESTIONS)}", "--medhelm-repeats=5", "--medhelm-html=none"
        )
        assert result.ret == 0
        assert len(server.requests) == 5 * QUESTIONS
    board = leaderboard(pytester.path)
    main_one = metric(board, "exact_match")
    assert (main_one["value"], main_one["n"]) == (0.5, QUESTIONS)
    assert (main_one["low"], main_one["high"]) == (pytest.approx(0.404, abs=5e-4), pytest.approx(0.596, abs=5e-4))
    assert metric(board, "flip_rate")["value"] == 0
    assert metric(board, "within_variance")["value"] == 0
    for name in ("pass_at_5", "pass_hat_5", "worst_at_5", "majority_vote"):
        assert metric(board, name)["value"] == 0.5, name
    assert cell(board, "letters")["n"] == QUESTIONS
    assert sum(cell(board, "letters")["statuses"].values()) == QUESTIONS
    measured = board["measurements"]["cells"]["letters vllm/mock"]
    assert (measured["asked"], measured["cached"]) == (5 * QUESTIONS, 0)


@pytest.fixture
def fickle(letters: Callable[..., Path], run: Run, pytester: pytest.Pytester) -> dict[str, Any]:
    """A board of ten questions asked five times, one of which is answered rightly twice if its number is odd."""
    gates = ["letters.pass_hat_2 >= 0.04", "*.flip_rate <= 0.4", "letters.worst_at_2 >= 0.06"]
    options = [f"--medhelm-gate={rule}" for rule in gates]
    with MockServer(Fickle()) as server:
        result = run(*vllm(server), f"--medhelm-data={letters(10)}", "--medhelm-repeats=5", *options)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*each request is asked 5 times*"])
    return leaderboard(pytester.path)


def test_two_right_of_five(fickle: dict[str, Any]) -> None:
    # Half of the questions: pass@2 is 1 - C(3,2)/C(5,2) = 0.7 and pass^2 is C(2,2)/C(5,2) = 0.1.
    expected = {
        "exact_match": 0.2, "flip_rate": 0.5, "within_variance": 0.15, "majority_vote": 0.0,
        "pass_at_2": 0.35, "pass_hat_2": 0.05, "worst_at_2": 0.05, "pass_hat_3": 0.0, "pass_at_5": 0.5,
    }  # fmt: skip
    for name, value in expected.items():
        assert metric(fickle, name)["value"] == pytest.approx(value), name
        assert metric(fickle, name)["low"] <= value <= metric(fickle, name)["high"], name
    assert metric(fickle, "flip_rate")["scale"] == [1.0, 0.0]
    assert "pass_at_6" not in cell(fickle, "letters")["metrics"]
    assert [gate["verdict"] for gate in fickle["results"]["gates"]] == ["pass", "fail", "fail"]


def test_scores_again_and_parts_united_are_the_same(
    fickle: dict[str, Any], letters: Callable[..., Path], run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = cell(fickle, "letters")
    assert main(["rescore", "medhelm-results/default", "--to=medhelm-results/again"]) == 0
    again = json.loads(Path("medhelm-results/again/leaderboard.json").read_text())
    assert cell(again, "letters")["scores"] == whole["scores"]
    with MockServer(Fickle()) as server:
        for part in ("1/2", "2/2"):
            options = ("--medhelm-repeats=5", f"--medhelm-shard={part}", f"--medhelm-suite=part{part[0]}")
            run(*vllm(server), f"--medhelm-data={letters(10)}", *options)
        run(*vllm(server), f"--medhelm-data={letters(10)}", "--medhelm-suite=once")
    parts = [f"medhelm-results/part{number}" for number in (1, 2)]
    assert main(["merge", *parts, "--to=medhelm-results/both"]) == 0
    both = json.loads(Path("medhelm-results/both/leaderboard.json").read_text())
    assert cell(both, "letters")["metrics"] == whole["metrics"]
    main(["compare", "medhelm-results/once", "medhelm-results/both"])
    assert "another number of answers to a question" in capsys.readouterr().out
    assert main(["merge", "medhelm-results/once", parts[0], "--to=medhelm-results/mixed"]) != 0


def test_fewer_repeats_do_not_mix_with_what_is_stored(
    fickle: dict[str, Any], pytester: pytest.Pytester, letters: Callable[..., Path], run: Run
) -> None:
    with MockServer(lambda body: gold(body)) as server:
        run(*vllm(server), f"--medhelm-data={letters(10)}", "--medhelm-repeats=2", "--medhelm-no-cache")
    board = leaderboard(pytester.path)
    assert metric(board, "exact_match")["value"] == 1.0
    assert metric(board, "pass_hat_2")["value"] == 1.0
    assert "pass_hat_3" not in cell(board, "letters")["metrics"]


def test_a_seed_grows_with_the_repeat(letters: Callable[..., Path], run: Run, pytester: pytest.Pytester) -> None:
    (pytester.path / "medhelm.toml").write_text('[models."vllm/mock"]\nseed = 7\ntemperature = 0.7\n')
    with MockServer(gold) as server:
        run(*vllm(server), f"--medhelm-data={letters(2)}", "--medhelm-repeats=3", "--medhelm-html=none")
        assert Counter(body["seed"] for body in server.requests) == {7: 2, 8: 2, 9: 2}


def test_a_lost_repeat_leaves_bounds_and_no_number(
    letters: Callable[..., Path], run: Run, pytester: pytest.Pytester
) -> None:
    asked: Counter[int] = Counter()

    def answer(body: dict[str, Any]) -> str | Fault:
        asked[number_of(body)] += 1
        return Fault("status", 400) if (number_of(body), asked[number_of(body)]) == (3, 2) else gold(body)

    with MockServer(answer) as server:
        run(*vllm(server), f"--medhelm-data={letters(10)}", "--medhelm-repeats=2", "--medhelm-html=none")
    board = leaderboard(pytester.path)
    found = metric(board, "exact_match")
    assert (found["value"], found["n"], found["missing"], found["worst"], found["best"]) == (1.0, 9, 1, 0.95, 1.0)
    assert cell(board, "letters")["statuses"] == {"ok": 9, "request_error": 1}
    hat = metric(board, "pass_hat_2")
    assert (hat["n"], hat["missing"], hat["worst"], hat["best"]) == (9, 1, 0.9, 1.0)


LOSS = "lost at least one of the answers that this needs"


@pytest.mark.parametrize(
    ("count", "answered", "expected"),
    [
        (2, 1, [f"each of the 2 instances {LOSS}"] * 3),
        (1, 0, [f"the one instance {LOSS}", *["no instance has all of its 2 answers"] * 2]),
    ],
)
def test_where_all_lose_an_answer_a_rule_says_so(
    count: int, answered: int, expected: list[str], letters: Callable[..., Path], run: Run, pytester: pytest.Pytester
) -> None:
    """Of two questions one has one answer of two and the other none; of one question there is none at all."""
    asked: Counter[int] = Counter()

    def answer(body: dict[str, Any]) -> str | Fault:
        asked[number_of(body)] += 1
        return gold(body) if (number_of(body), asked[number_of(body)]) == (0, answered) else Fault("status", 400)

    rules = ("letters.worst_at_2 >= 0.5", "letters.flip_rate <= 0.5", "letters.pass_hat_2 >= 0.5", "letters.ece <= 0.5",
             "letters.brier_agreement <= 0.5")  # fmt: skip
    gates = [f"--medhelm-gate={rule}" for rule in rules]
    options = (f"--medhelm-data={letters(count)}", "--medhelm-confidence=logprobs", "--medhelm-repeats=2")
    with MockServer(answer) as server:
        run(*vllm(server), *options, *gates, "--medhelm-concurrency=1")
    said = [gate["reason"] for gate in leaderboard(pytester.path)["results"]["gates"]]
    assert said[:3] == expected
    assert said[3].startswith("no instance has a confidence (no option was read (request_error)")
    assert "add --medhelm" not in said[4]
    assert "run with" not in said[4]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--medhelm-gate=letters.pass_hat_3 >= 0.5", "--medhelm-repeats=2"), "--medhelm-repeats=3"),
        (("--medhelm-gate=*.flip_rate <= 0.5",), "--medhelm-repeats=2"),
        (("--medhelm-repeats=0",), "whole number from 1 to 100"),
        (("--medhelm-repeats=100000",), "--medhelm-repeats: '100000' is not a whole number from 1 to 100"),
    ],
)
def test_mistakes_are_one_sentence(letters: Callable[..., Path], run: Run, options: tuple[str, ...], said: str) -> None:
    result = run("--medhelm-model=baseline/random", f"--medhelm-data={letters(2)}", *options)
    assert result.ret == 4
    assert said in result.stderr.str()
    assert "Traceback" not in result.stderr.str()
