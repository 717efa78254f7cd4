"""Every pair of candidates: Holm over the pairs of a benchmark, the letters that follow; a win rate as HELM has it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any, cast

import pytest
from scipy.stats import binomtest

from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from pytest_medhelm.results.leaderboard.document import PairedRow
from pytest_medhelm.results.leaderboard.paired_cells import incomparable, letter_groups, paired
from pytest_medhelm.results.leaderboard.win_rates import win_rates_of
from tests.support.cells import cell_of


def model(name: str, scores: list[float | None], benchmark: str = "b") -> Any:
    cell = cell_of(list(scores))
    return replace(cell, model=name, benchmark=benchmark, metadata={**cell.metadata, "data": {"sha256": {}}})


def losing(count: int) -> list[float | None]:
    """Of 200: so many of the first are wrong."""
    return [0.0] * count + [1.0] * (200 - count)


def test_all_pairs_are_corrected_together_and_lettered() -> None:
    cells = [model("one", losing(10)), model("two", losing(16)), model("three", losing(60)), model("four", losing(21))]
    rows = paired(cells, ["one", "two", "three", "four"])
    assert len(rows) == 6
    found = {tuple(row["models"]): row for row in rows}
    raw = {
        ("one", "two"): 6, ("one", "three"): 50, ("four", "one"): 11, ("four", "two"): 5, ("four", "three"): 39,
        ("three", "two"): 44,
    }  # fmt: skip
    raw = {tuple(sorted(names)): binomtest(0, count).pvalue for names, count in raw.items()}
    order = sorted(raw, key=raw.__getitem__)
    largest = 0.0
    for rank, names in enumerate(order):
        largest = max(largest, min(1.0, (6 - rank) * raw[names]))
        assert found[names]["p"] == pytest.approx(largest)
    # McNemar 0.031 for 6 of 6 and 0.0010 for 11 of 11, times 2 and 3: the first two are not shown to differ.
    assert not found["one", "two"]["differ"]
    assert found["four", "one"]["differ"]
    assert letter_groups(cells, rows) == {"b": {"one": "a", "two": "ab", "four": "b", "three": "c"}}


def test_the_groups_of_many_models_take_no_time_that_doubles() -> None:
    names = [f"m{number:02}" for number in range(60)]
    cells = [model(name, [1.0 - number / 100] * 4) for number, name in enumerate(names)]
    # The first three and the last three are told apart, all others are alike.
    rows = [
        {"benchmark": "b", "models": [one, two], "differ": one in names[:3] and two in names[-3:]}
        for one, two in combinations(names, 2)
    ]
    letters = letter_groups(cells, cast("list[PairedRow]", rows))["b"]
    assert letters == {name: "a" if name in names[:3] else "b" if name in names[-3:] else "ab" for name in names}
    # Each told apart from one other only: 2 to the power of 30 groups, which nobody could read.
    rows = [
        {"benchmark": "b", "models": [one, two], "differ": names.index(two) == names.index(one) + 30}
        for one, two in combinations(names, 2)
    ]
    assert letter_groups(cells, cast("list[PairedRow]", rows)) == {}


def test_a_model_without_a_value_has_no_difference() -> None:
    whole = model("one", [1.0, 0.0] * 20)
    without = replace(whole, model="two", metrics={"exact_match": {**whole.metrics["exact_match"], "value": None}})
    assert incomparable(whole, without).startswith("two has no value")
    assert paired([whole, without], ["one", "two"]) == []


def test_the_mean_win_rate_of_helm_takes_incomplete_columns_and_stands_apart() -> None:
    """b: 0.9, 0.8, 0.1; c: two that tie, the third was not run: 0.75, 0.50 and 0."""
    cells = [
        model(name, [1.0] * right + [0.0] * (10 - right), benchmark)
        for benchmark, values in (("b", {"x": 9, "y": 8, "z": 1}), ("c", {"x": 5, "y": 5}))
        for name, right in values.items()
    ]
    found = win_rates_of(cells, ["x", "y", "z"])
    assert found["helm_style"] == {"x": 0.75, "y": 0.5, "z": 0.0}
    assert found["benchmarks"] == ["b"]
    assert found["rates"] == {"x": 1.0, "y": 0.5, "z": 0.0}


def test_compare_takes_one_suite_and_explain_says_what_a_verdict_rests_on(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    with MockServer(lambda body: "A" if body["model"] == "worse" else "B", models=("better", "worse")) as server:
        models = ("--medhelm-model=vllm/better", "--medhelm-model=vllm/worse")
        run(*models, f"--medhelm-base-url={server.url}", f"--medhelm-data={letters(40)}")
    suite = "medhelm-results/default"
    capsys.readouterr()
    assert main(["compare", suite, "--json=pairs.json"]) == 0
    assert "Models that share a letter" in capsys.readouterr().out
    (row,) = json.loads(Path("pairs.json").read_text())["rows"]
    assert (row["models"], row["n"]) == (["vllm/better", "vllm/worse"], 40)
    assert main(["gate", "explain", suite, "letters.lower >= 0.01", "--model=vllm/better", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["basis"]["limit"] == "Clopper-Pearson"
    assert entry["basis"]["n"] == entry["basis"]["right"] + entry["basis"]["wrong"] == 40
    assert main(["gate", "explain", suite, "letters.lower >= 0.01", "--model=vllm/better"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"- 40 instances: {entry['basis']['right']:g} right, {entry['basis']['wrong']:g} wrong" in text
    assert entry["meaning"] in text
    assert main(["gate", "explain", suite, "letters >= 0.01", "--model=nobody"]) == 1
