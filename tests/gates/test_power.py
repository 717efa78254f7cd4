"""medhelm power, and what a comparison can show, said before it is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from pytest_medhelm.gates.baseline import Baseline
from pytest_medhelm.gates.gate_file import gate_of, read_gate
from pytest_medhelm.gates.power_lines import Planned, power_lines
from tests.support.cells import cell_of
from tests.support.checks import some
from tests.support.servers import vllm


def test_the_published_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["power", "--margin=0.02", "--discordance=0.2", "--power=0.8", "--alpha=0.05"]) == 0
    assert "on 3,092 instances" in capsys.readouterr().out
    assert main(["power", "--n=500"]) == 0
    shown = capsys.readouterr().out
    assert "on 3,925 instances" in shown
    assert "less than even" in shown


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--margin=0", "margin must be above 0"),
        ("--margin=nan", "margin must be at most 1, not nan"),
        ("--margin=1.5", "margin must be at most 1, not 1.5"),
        ("--n=0", "n must be at least 1"),
        ("--alpha=0.6", "alpha must lie between"),
        ("--power=0.01", "power must lie between"),
        ("--discordance=2", "discordance must lie between"),
        ("--benchmark=b", "add --baseline=SUITE"),
        ("--baseline=nowhere", "add e.g. --benchmark=pubmed_qa"),
    ],
)
def test_mistakes_end_in_a_sentence(option: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["power", option]) == 1
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_graded_scores_are_not_taken_for_right_or_wrong() -> None:
    """A standard deviation of 0.1: 0.01 * (1.96 + 0.84)^2 / 0.02^2 = 197 instances, by normal theory."""
    mine = cell_of([0.5] * 100, "mine")
    other = cell_of([0.4, 0.6] * 50, "other")
    (found,) = power_lines(
        gate_of(["b >= baseline - 0.02"]), {"b": Planned(197)}, Baseline("mine", Path(), {"b": mine}, [mine, other])
    )
    assert "passes with a chance of 80 % on 197 instances (80 % takes 197; graded scores" in found
    assert "the standard deviation 0.1, as measured between mine and other" in found


def test_comparisons_say_what_they_can_show() -> None:
    gate = gate_of(["b >= baseline - 0.02", "c >= baseline - 0.1", "b >= 0.7", "b >= baseline"])
    small, large = power_lines(gate, {"b": Planned(500), "c": Planned(500)})
    assert small.startswith("b >= baseline - 0.02: an equal model passes with a chance of 16 %")
    assert "80 % takes 3,925" in small
    assert "differing on 20 %, assumed" in small
    assert small.endswith("too few instances to show much")
    assert "too few" not in large
    (less,) = power_lines(gate_of(["b <= baseline + 0.02", "b <= baseline - 0.02"]), {"b": Planned(500)})
    assert less == small.replace(">= baseline -", "<= baseline +"), "the same where less is better"


def test_a_rule_for_several_benchmarks_is_said_of_each() -> None:
    planned = {"b": Planned(500, {"research"}), "c": Planned(4000, {"care"})}
    for rule, names in (("*", ["b", "c"]), ("care", ["c"]), ("elsewhere", [])):
        lines = [*power_lines(gate_of([f"{rule} >= baseline - 0.02"]), planned)]
        assert [line.partition(" on ")[2].partition(":")[0] for line in lines] == names


def test_alternatives_share_the_level(tmp_path: Path) -> None:
    file = tmp_path / "gate.toml"
    file.write_text('[[rule]]\nany_of = ["b >= baseline - 0.02", "b >= baseline - 0.02"]\nalpha = 0.05\nwhy = "w"\n')
    assert all("80 % takes 3,925" in line for line in some(power_lines(read_gate(file), {"b": Planned(500)})))


def test_how_often_models_differ_is_measured_where_two_are_stored() -> None:
    """They differ on 5 of 100, a quarter of what is assumed, and it takes hardly more than a quarter."""
    mine = cell_of([1.0] * 100, "mine")
    other = cell_of([0.0] * 5 + [1.0] * 95, "other")
    alone = Baseline("mine", Path(), {"b": mine}, [mine])
    both = Baseline("mine", Path(), {"b": mine}, [mine, other])
    gate = gate_of(["b >= baseline - 0.02"])
    (assumed,) = power_lines(gate, {"b": Planned(500)}, alone)
    (found,) = power_lines(gate, {"b": Planned(500)}, both)
    assert "assumed" in assumed
    assert "differing on 5 %, as measured between mine and other" in found
    assert "80 % takes 1,046" in found, "982, a quarter of 3,925, give 77.5 % (both by exact sums with scipy)"
    twin = cell_of([1.0] * 100, "twin")
    (never,) = power_lines(gate, {"b": Planned(500)}, Baseline("mine", Path(), {"b": mine}, [mine, twin]))
    assert "differing on 1 %" in never, "that two never differed does not show that they never do"


def test_it_is_said_before_the_run_and_without_one(
    letters: Callable[..., Path],
    run: Any,
    server: MockServer,
    pytester: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = [f"--medhelm-data={letters(40)}", *vllm(server)]
    run(*options, "--medhelm-suite=old")
    old = pytester.path / "medhelm-results" / "old"
    result = run(*options, f"--medhelm-baseline={old}", "--medhelm-gate=* >= baseline - 0.1")
    line = (
        "* >= baseline - 0.1 on letters: an equal model passes with a chance of 22 % on 40 instances*assumed*too few*"
    )
    result.stdout.fnmatch_lines([f"medhelm: [*]{line[1:]}"])
    shown = [entry for entry in result.outlines if "an equal model passes" in entry]
    assert len(shown) == 1, "once"
    gate = pytester.path / "gate.toml"
    gate.write_text('[benchmarks.letters]\nn = 200\n[[rule]]\nrule = "letters >= baseline - 0.1"\nwhy = "w"\n')
    assert main(["gate", "check", str(gate), f"--baseline={old}"]) == 0
    assert "letters >= baseline - 0.1: an equal model passes with a chance of 86 % on 200" in capsys.readouterr().out
    assert main(["gate", "check", str(gate), "--baseline-model=x"]) == 1
    assert "add --baseline=SUITE" in capsys.readouterr().err
