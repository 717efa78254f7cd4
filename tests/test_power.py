"""medhelm power, and what a comparison can show, said before it is made."""

from __future__ import annotations

import pytest

from pytest_medhelm.cli import main
from pytest_medhelm.gates.gate_file import gate_of
from pytest_medhelm.gates.power_lines import power_lines


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


def test_comparisons_say_what_they_can_show() -> None:
    gate = gate_of(["b >= baseline - 0.02", "c >= baseline - 0.1", "b >= 0.7", "b >= baseline"])
    small, large = power_lines(gate, {"b": 500, "c": 500})
    assert small.startswith("b >= baseline - 0.02: an equal model passes with a chance of 17 %")
    assert "80 % takes 3,925" in small
    assert small.endswith("too few instances to show much")
    assert "too few" not in large
