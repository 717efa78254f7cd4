"""The terminal's table and lines, as a stranger reads them: in 80 columns, and whatever a name holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.mock_server import Fault, MockServer
from pytest_medhelm.plugin.options import read_settings
from pytest_medhelm.reports.terminal_table import table
from pytest_medhelm.util.escaping import visible
from tests.support.juries import named, number_of, rating, talks
from tests.support.letters import LETTERS, gold, letters_data
from tests.support.servers import vllm


def board(models: list[tuple[str, str]], **changes: Any) -> dict[str, Any]:
    """The part of a leaderboard that the table shows: two benchmarks, each model with 0.5 on both."""
    cell = {
        "main_metric": "exact_match",
        "n": 40,
        "partial": False,
        "statuses": {"ok": 40},
        "unmatched": 0,
        "harm": None,
        "flagged": 0,
        "unknown_marks": {},
        "metrics": {"exact_match": {"value": 0.5, "low": 0.34, "high": 0.66, "scale": [0.0, 1.0], "note": ""}},
    } | changes
    benchmarks = [
        {"name": "med_qa", "subcategory": "Supporting Diagnostic Decisions"},
        {"name": "pubmed_qa", "subcategory": "Conducting Literature Research"},
    ]
    return {
        "models": [{"name": name, "kind": kind} for name, kind in models],
        "benchmarks": benchmarks,
        "cells": [cell | {"benchmark": entry["name"], "model": name} for entry in benchmarks for name, _ in models],
    }


def test_models_stand_side_by_side_where_they_fit() -> None:
    models = [("baseline/random", "baseline"), ("vllm/llama3", "candidate"), ("human/ward", "human")]
    assert list(table(board(models), 80)) == [
        "value, 95 % interval  vllm            baseline        human",
        "benchmark          n  llama3          random          ward",
        "Clinical Decision Support",
        "  med_qa          40  0.50 0.34-0.66  0.50 0.34-0.66  0.50 0.34-0.66",
        "Medical Research Assistance",
        "  pubmed_qa       40  0.50 0.34-0.66  0.50 0.34-0.66  0.50 0.34-0.66",
    ]


def test_more_models_than_fit_have_a_line_each_and_a_wider_terminal_has_room_for_them() -> None:
    models = [(f"vllm/model-{number}", "candidate") for number in range(5)]
    assert list(table(board(models), 80))[:3] == [
        "benchmark   model         value   95 % interval      n",
        "Clinical Decision Support",
        "  med_qa    vllm/model-0   0.50    0.34 to 0.66     40",
    ]
    assert list(table(board(models), 120))[1].split() == ["benchmark", "n", *(f"model-{n}" for n in range(5))]


def test_a_kind_that_the_name_does_not_say_is_marked() -> None:
    models = [("openai/gpt-4o", "imported"), ("plain", "candidate")]
    lines = list(table(board(models), 80))
    assert lines[0] == "value, 95 % interval                  openai (imported)"
    assert lines[1].split() == ["benchmark", "n", "plain", "gpt-4o"]
    down = list(table(board([*models, *((f"vllm/m{number}", "candidate") for number in range(6))]), 80))
    assert any(line.split()[:2] == ["openai/gpt-4o", "(imported)"] for line in down)
    assert not any(line.split()[:2] == ["plain", "(candidate)"] for line in down)


def test_a_remark_is_said_once_with_whom_it_holds_for() -> None:
    found = board([("vllm/a", "candidate"), ("vllm/b", "candidate")], statuses={"ok": 37, "truncated": 3})
    assert "    3 truncated (each)" in table(found, 80)
    found["cells"][0] |= {"statuses": {"ok": 30, "refused": 10}, "partial": True, "n": 50}
    lines = list(table(found, 80))
    assert lines[3].split()[:2] == ["med_qa", "differ"]
    assert lines[4] == "    n 50, PARTIAL: 40 of 50 have records, 10 refused (a); n 40, 3 truncated (b)"
    found["cells"][0] |= {"statuses": {"ok": 40}, "n": 40}
    assert "    PARTIAL: repeats or variants are missing (a); 3 truncated (b)" in table(found, 80)


@pytest.mark.parametrize(
    ("scale", "ends", "shown"),
    [
        ([1.0, 5.0], (4.214, 3.901, 4.499), "4.21 3.90-4.50"),
        ([0.0, 100.0], (45.21, 40.1, 50.2), "45.2 40.1-50.2"),
        ([-1.0, 1.0], (-0.12, -0.3, 0.1), "-0.12 -0.30 to 0.10"),
    ],
)
def test_values_have_the_digits_of_their_scale(
    scale: list[float], ends: tuple[float, float, float], shown: str
) -> None:
    summary = {"value": ends[0], "low": ends[1], "high": ends[2], "scale": scale, "note": ""}
    assert any(
        line.endswith(f" {shown}")
        for line in table(board([("a/b", "candidate")], metrics={"exact_match": summary}), 80)
    )


names = st.text(min_size=1, max_size=60)


@given(st.lists(names, min_size=1, max_size=9, unique=True), st.sampled_from(["candidate", "baseline", "imported"]))
def test_no_name_breaks_the_table(models: list[str], kind: str) -> None:
    for line in table(board([(name, kind) for name in models]), 80):
        assert line.isprintable()
        assert "::" not in line
        assert "##" not in line


@given(st.lists(st.from_regex(r"[a-z]{2,8}/[A-Za-z0-9.-]{1,40}", fullmatch=True), min_size=1, max_size=9, unique=True))
def test_the_table_fits_80_columns(models: list[str]) -> None:
    found = board([(name, "candidate") for name in models], statuses={"ok": 1, "unparsed": 2}, partial=True)
    assert max(map(len, table(found, 80))) <= 80


@given(st.text())
def test_any_text_becomes_one_line_that_is_no_command(text: str) -> None:
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    assert "::" not in shown
    assert "##" not in shown
    shown.encode()


def test_long_and_hidden_things_are_seen() -> None:
    assert visible("a\x1b[31mb\u202ec\r\n::error::x ##[error]y\x00") == (
        "a\\x1b[31mb\\u202ec\\r\\n: :error: :x # #[error]y\\x00"
    )
    assert len(visible("x" * 1_000_000)) == 2000
    assert visible("Müller 東京 ✓") == "Müller 東京 ✓"


def test_what_is_slow_and_what_is_bad_is_named(letters: Callable[..., Path], run: Any) -> None:
    def reply(body: dict[str, Any]) -> str | Fault:
        if "Case 7." in body["messages"][-1]["content"]:
            return Fault("slow", delay=2)
        return "no idea" if "Case 3." in body["messages"][-1]["content"] else gold(body)

    with MockServer(reply) as server:
        result = run(*vllm(server), f"--medhelm-data={letters(20)}", "--medhelm-gate=letters >= 0.5", "-v")
        again = run(*vllm(server), f"--medhelm-data={letters(20)}", "-v")
        plain = run(*vllm(server), f"--medhelm-data={letters(20)}", "--medhelm-no-cache", "--medhelm-limit=6")
    plain.stdout.fnmatch_lines(["slowest, 95th percentile*"])
    plain.stdout.no_fnmatch_line("slowest instances*")
    result.stdout.re_match_lines(
        [
            r"    1 unparsed$",
            r"slowest, 95th percentile, server's queue included: letters vllm/mock \d",
            r"slowest instances: letters q007 vllm/mock \d",
            r"look at first: letters vllm/mock no usable result in 1 of 20$",
            r"gate pass: letters >= 0.5: ",
            r"page: .*leaderboard.html$",
        ]
    )
    again.stdout.no_fnmatch_line("slowest instances*")


def test_severe_harm_is_looked_at_first(run: Any, pytester: pytest.Pytester) -> None:
    def reply(body: dict[str, Any]) -> str:
        if body["model"] == "doctor":
            return "An answer."
        return rating(
            3, harm="severe" if number_of(body) == 1 else "none", kinds=["omission"] if number_of(body) == 1 else []
        )

    data = talks(pytester.path, 4)
    with MockServer(reply, models=("doctor", "judge")) as server:
        result = run(*named(server, "judge"), data)
    result.stdout.fnmatch_lines(["look at first: talks vllm/doctor severe harm in 1 of 4"])


def test_many_benchmarks_that_pass_a_rule_are_one_line(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    """A rule on all of 50 benchmarks passes in a line; what does not pass has one each."""
    data = letters(8)
    for name in ("commas", "dots", "numerals"):
        module = LETTERS.replace("letters", name).replace(f"{name}.json", "letters.json")
        (pytester.path / f"test_{name}.py").write_text(module)
        (data / name).mkdir()
        (data / name / "letters.json").write_text(letters_data(8))
    result = run(
        *vllm(server), f"--medhelm-data={data}", "--medhelm-gate=*.request_error <= 0.5",
        "--medhelm-gate=* <= 0.9", "--medhelm-gate=* >= 0.1",
    )  # fmt: skip
    said = [line for line in result.outlines if line.startswith("gate ")]
    assert said[0] == "gate pass: *.request_error <= 0.5: vllm/mock on 4 benchmarks, each in leaderboard.json"
    assert [line.split()[1:6] for line in said if line.startswith("gate fail")] == [
        ["fail:", "*", "<=", "0.9:", "vllm/mock"] for _ in range(4)
    ]


def test_gates_have_the_colour_of_their_verdict(letters: Callable[..., Path], run: Any, server: MockServer) -> None:
    result = run(
        *vllm(server), f"--medhelm-data={letters(20)}", "--medhelm-gate=letters >= 0.5", "--color=yes",
        "--medhelm-gate=letters <= 0.5", "--medhelm-gate=pubmed_qa >= 0.5",
    )  # fmt: skip
    lines = [line for line in result.stdout.lines if re.match(r"\x1b\[\d+mgate ", line)]
    assert [line[:10] for line in lines] == ["\x1b[32mgate ", "\x1b[31mgate ", "\x1b[33mgate "]


@pytest.mark.parametrize("name", ["vllm/a\x1b[31m", "vllm/a\u202eb", "vllm/a\n::error::b"])
def test_a_name_that_cannot_be_seen_is_no_model(name: str, pytester: pytest.Pytester) -> None:
    config = pytester.parseconfig(f"--medhelm-judge={name}")
    from pytest_medhelm.util.errors import ConfigError

    with pytest.raises(ConfigError, match="a name has no control characters and no direction marks") as found:
        read_settings(config)
    assert str(found.value).isprintable()


def test_what_a_server_calls_its_models_is_no_command(letters: Callable[..., Path], run: Any) -> None:
    with MockServer(models=("\n::error::pwned\x1b[31m", "other")) as server:
        result = run("--medhelm-model=vllm/absent", f"--medhelm-base-url={server.url}", f"--medhelm-data={letters(2)}")
    assert result.ret == 4
    assert not any(line.lstrip().startswith("::") for line in result.stderr.lines + result.stdout.lines)
    assert "\x1b" not in result.stderr.str()
