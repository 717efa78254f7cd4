"""Early stop: nothing is asked that can change no verdict, and the verdicts are those of a whole run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from pytest_medhelm.gates.baseline import Baseline
from pytest_medhelm.gates.gate_file import gate_of
from pytest_medhelm.gates.judge import Evidence, is_settled, judge
from pytest_medhelm.results.leaderboard.aggregate import make_cell
from tests.support.cells import cell_of
from tests.support.letters import gold
from tests.support.servers import vllm
from tests.support.suites import cell, leaderboard


def wrong(body: dict[str, Any]) -> str:
    """Never the right letter."""
    return "A" if gold(body) != "A" else "B"


@pytest.fixture
def bad() -> Iterator[MockServer]:
    """A server that is always wrong."""
    with MockServer(wrong) as running:
        yield running


def curtailed(folder: Path, suite: str = "default") -> dict[str, int] | None:
    """What the only cell says of it."""
    found: dict[str, int] | None = cell(leaderboard(folder, suite), "letters")["curtailed"]
    return found


def verdicts(folder: Path, suite: str = "default") -> list[tuple[str, str]]:
    """Rule and verdict of each gate."""
    return [(gate["rule"], gate["verdict"]) for gate in leaderboard(folder, suite)["results"]["gates"]]


def test_a_model_that_is_always_wrong_is_asked_no_longer_than_it_takes(
    letters: Callable[..., Path], run: Any, bad: MockServer, pytester: pytest.Pytester
) -> None:
    options = [
        f"--medhelm-data={letters(100)}", *vllm(bad), "--medhelm-concurrency=2", "--medhelm-prefetch=2",
        "--medhelm-gate=letters >= 0.9", "--medhelm-gate=letters.lower >= 0.8", "--medhelm-gate=letters.ok >= 0.1",
    ]  # fmt: skip
    whole = run(*options, "--medhelm-suite=whole")
    asked = len(bad.requests)
    result = run(*options, "--medhelm-curtail")
    assert result.ret == whole.ret == 1
    found = curtailed(pytester.path)
    assert found is not None
    assert found["of"] == 100
    assert found["asked"] < 50
    assert len(bad.requests) - asked < 60
    assert verdicts(pytester.path) == verdicts(pytester.path, "whole")
    board = cell(leaderboard(pytester.path), "letters")
    assert (board["partial"], board["statuses"]) == (False, {"ok": found["asked"]})
    skipped = 100 - found["asked"]
    assert result.parseoutcomes()["skipped"] == skipped
    result.stdout.fnmatch_lines(
        [f"*CURTAILED: {found['asked']} of 100 asked*", "gate fail: letters >= 0.9:*curtailed*"]
    )
    folder = pytester.path / "medhelm-results" / "default"
    assert not list(folder.glob(".curtail-*"))
    assert "Curtailed" in (folder / "leaderboard.html").read_text()
    assert "curtailed" in (folder / "summary.md").read_text()


def test_a_model_that_is_always_right_passes_early(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    result = run(
        f"--medhelm-data={letters(100)}", *vllm(server), "--medhelm-prefetch=0", "--medhelm-curtail",
        "--medhelm-gate=letters >= 0.5", "--medhelm-gate=letters.lower >= 0.3",
    )  # fmt: skip
    assert result.ret == 0
    found = curtailed(pytester.path)
    assert found is not None
    assert 50 <= found["asked"] < 80, "half must be right for a mean of 0.5 whatever follows"
    folder = pytester.path / "medhelm-results" / "default"
    # Another rule that the half does not decide is no pass, and no fail either.
    assert main(["gate", "apply", str(folder), "letters >= 0.9"]) == 1
    assert verdicts(pytester.path) == [("letters >= 0.9", "not evaluated")]
    # Without the option the rest is asked, and nothing twice.
    before = len(server.requests)
    again = run(f"--medhelm-data={pytester.path / 'data'}", *vllm(server), "--medhelm-gate=letters >= 0.9")
    assert again.ret == 0
    assert len(server.requests) - before == 100 - found["asked"]
    assert curtailed(pytester.path) is None


@pytest.mark.parametrize("rule", ["*.p95_latency <= 20", "*.request_error <= 0", "letters >= 0.995", "other >= 0.1"])
def test_what_only_a_whole_run_decides_is_never_curtailed(
    rule: str, letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    run(
        f"--medhelm-data={letters(20)}", *vllm(server), "--medhelm-curtail", f"--medhelm-gate={rule}",
        *(["--medhelm-gate=letters >= 0.1"] if rule != "other >= 0.1" else []),
    )  # fmt: skip
    assert curtailed(pytester.path) is None
    assert cell(leaderboard(pytester.path), "letters")["statuses"] == {"ok": 20}


def test_a_curtailed_run_is_no_baseline(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    options = [f"--medhelm-data={letters(40)}", *vllm(server)]
    run(*options, "--medhelm-curtail", "--medhelm-gate=letters >= 0.1")
    stored = pytester.path / "medhelm-results" / "default" / "leaderboard.json"
    for baseline in (stored, stored.parent):
        result = run(
            *options, "--medhelm-suite=new", f"--medhelm-baseline={baseline}",
            "--medhelm-gate=letters >= baseline - 0.5", "--medhelm-curtail",
        )  # fmt: skip
        assert result.ret == 1
        result.stdout.fnmatch_lines(["*the baseline is curtailed*"])


@pytest.mark.parametrize("option", ["--medhelm-shard=1/2", "--medhelm-strict"])
def test_options_that_contradict_each_other_are_refused(option: str, letters: Callable[..., Path], run: Any) -> None:
    result = run(f"--medhelm-data={letters()}", "--medhelm-model=baseline/random", "--medhelm-curtail", option)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--medhelm-curtail*leave one option out"])


RULES = ("b >= {bar}", "b.lower >= {bar}", "b >= baseline - {bar}", "b >= baseline", "b.ok >= {bar}")


@given(
    st.lists(st.sampled_from([0.0, 1.0, None]), min_size=2, max_size=40),
    st.lists(st.booleans(), min_size=40, max_size=40),
    st.integers(1, 39),
    st.integers(0, 20),
    st.sampled_from(RULES),
)
def test_what_is_settled_is_what_the_whole_comes_to(
    scores: list[float | None], old: list[bool], cut: int, bar: int, rule: str
) -> None:
    """Any scores, cut anywhere: where a verdict is settled, it is that of the whole. The rest is measured."""
    cut = min(cut, len(scores) - 1)
    scores = [*scores[:cut], *(score or 0.0 for score in scores[cut:])]
    whole = cell_of([*scores])
    baseline = Baseline("old", Path(), {"b": cell_of([float(entry) for entry in old[: len(scores)]])})
    columns = whole.columns
    made = replace(
        columns.only(range(cut)),
        size=len(scores),
        unasked=[[name, "", "", {}] for name in columns.ids[cut:]],
        binary=frozenset({"exact_match"}),
    )
    part = make_cell("b", "m", made, whole.facts)
    gate = gate_of([rule.format(bar=bar / 20)])
    if any(entry is None for entry in scores[:cut]) and len(set(scores[:cut])) == 1:
        return  # Nothing was measured yet: there is no score to complete.
    evidence = Evidence([part], selected={"b"}, baseline=baseline)
    (full,) = judge(gate, Evidence([whole], selected={"b"}, baseline=baseline), ["m"])
    (found,) = judge(gate, evidence, ["m"])
    if is_settled(gate, evidence, part, 3):
        assert found.verdict == full.verdict
    if found.verdict != "not evaluated":
        assert found.verdict == full.verdict


def test_a_never_event_is_always_asked(
    letters: Callable[..., Path], run: Any, bad: MockServer, pytester: pytest.Pytester
) -> None:
    data = letters(40)
    module = pytester.path / "test_letters.py"
    module.write_text(
        module.read_text().replace(
            'choices=("one", "two", "three", "four"))',
            'choices=("one", "two", "three", "four"), must_pass=1.0 if row["id"] == "q030" else None)',
        )
    )
    result = run(
        f"--medhelm-data={data}", *vllm(bad), "--medhelm-curtail", "--medhelm-gate=letters >= 0.9",
        "--medhelm-gate=*.must_pass >= 1",
    )  # fmt: skip
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*q030*", "must_pass: exact_match is 0*"])
    found = curtailed(pytester.path)
    assert found is None or found["asked"] > 30
    assert ("*.must_pass >= 1", "fail") in verdicts(pytester.path)


def test_two_candidates_against_a_baseline_come_to_what_they_come_to_in_full(
    letters: Callable[..., Path], run: Any, server: MockServer, bad: MockServer,
    pytester: pytest.Pytester,
) -> None:  # fmt: skip
    (pytester.path / "medhelm.toml").write_text(
        f'[endpoints.good]\nbase_url = "{server.url}"\n[endpoints.bad]\nbase_url = "{bad.url}"\n'
        '[models."good/a"]\nendpoint = "good"\nmodel = "mock"\n[models."bad/b"]\nendpoint = "bad"\nmodel = "mock"\n'
    )
    data = f"--medhelm-data={letters(100)}"
    run(data, *vllm(server), "--medhelm-suite=old")
    options = [
        data, "--medhelm-model=good/a", "--medhelm-model=bad/b", "--medhelm-gate=letters >= baseline - 0.5",
        "--medhelm-baseline=medhelm-results/old",
    ]  # fmt: skip
    run(*options, "--medhelm-suite=whole")
    run(*options, "--medhelm-curtail", "--medhelm-no-cache")
    board = leaderboard(pytester.path)
    asked = {entry["model"]: entry["curtailed"]["asked"] for entry in board["results"]["cells"]}
    assert asked["good/a"] < 100
    assert asked["bad/b"] < 100
    assert board["results"]["win_rate"]["benchmarks"] == []
    assert verdicts(pytester.path) == verdicts(pytester.path, "whole") == [
        ("letters >= baseline - 0.5", "pass"), ("letters >= baseline - 0.5", "fail"),
    ]  # fmt: skip
