"""Several jobs share an evaluation, and their suites are united: the same as one run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.mock_server import Fault, MockServer
from pytest_medhelm.cli.main import main
from pytest_medhelm.tasks.data.compressed import CompressedInstance
from pytest_medhelm.tasks.sharding import in_shard
from pytest_medhelm.tasks.task import Instance, Task
from pytest_medhelm.util.settings import Shard
from tests.support.juries import named, number_of, rating, talks
from tests.support.letters import gold
from tests.support.servers import vllm
from tests.support.suites import leaderboard

EXAMPLE = Task(
    name="b", title="B", subcategory="Planning Treatments", access="public", kind="generation", files=(),
    load=lambda: iter(()), main_metric="rouge_l", licence="CC0-1.0", source="the tests",
)  # fmt: skip


def packed(lengths: list[int]) -> list[CompressedInstance]:
    """Instances with questions of these lengths."""
    return [
        CompressedInstance(Instance(f"i{number}", "x" * length, "a"), EXAMPLE) for number, length in enumerate(lengths)
    ]


@given(st.lists(st.integers(1, 500), max_size=60), st.integers(1, 9), st.randoms())
def test_parts_are_whole_disjoint_and_balanced(lengths: list[int], count: int, random: Any) -> None:
    instances = packed(lengths)
    parts = [[entry.id for entry in in_shard(instances, Shard(n + 1, count), name="b")] for n in range(count)]
    assert sorted(name for part in parts for name in part) == sorted(entry.id for entry in instances)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    by_name = {entry.id: entry.length for entry in instances}
    loads = [sum(by_name[name] for name in part) for part in parts]
    assert max(loads) - min(loads) <= max(lengths, default=0), "as even as dealing whole instances allows"
    shuffled = random.sample(instances, len(instances))
    again = [{entry.id for entry in in_shard(shuffled, Shard(n + 1, count), name="b")} for n in range(count)]
    assert again == [set(part) for part in parts], "whatever the order of the file"


def shards(run: Any, count: int, *options: object) -> list[str]:
    """Run every part into a suite of its own; returns the suites."""
    for number in range(1, count + 1):
        result = run(*options, f"--medhelm-shard={number}/{count}", f"--medhelm-suite=part-{number}")
        assert result.ret == 0, result.stdout.str()
    return [f"medhelm-results/part-{number}" for number in range(1, count + 1)]


def test_four_parts_merged_are_the_whole_run(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    data = letters(22)
    with MockServer(lambda body: "A" if "Case 7." in str(body) else gold(body)) as server:
        options = (*vllm(server), "--medhelm-model=baseline/random", f"--medhelm-data={data}")
        run(*options)
        asked = len(server.requests)
        parts = shards(run, 4, *options)
        assert len(server.requests) == 2 * asked, "each part asks its own instances and no others"
    assert main(["merge", *parts, "--to=medhelm-results/whole", "--gate=letters >= 0.9"]) == 0
    whole, merged = (leaderboard(pytester.path, suite)["results"] for suite in ("default", "whole"))
    assert merged.pop("gates")[0]["verdict"] == "pass"
    whole.pop("gates")
    assert json.dumps(merged, sort_keys=True) == json.dumps(whole, sort_keys=True)


def test_judged_parts_merged_are_the_whole_run(
    run: Any, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    def reply(body: dict[str, Any]) -> str | Fault:
        if body["model"] == "doctor":
            return f"Answer {number_of(body)}."
        return Fault("status", 400) if number_of(body) == 3 else rating(1 + number_of(body) % 5)

    data = talks(pytester.path, 9, [f"note {number // 2}" for number in range(9)])
    with MockServer(reply, models=("doctor", "calm", "stern")) as server:
        options = (*named(server, "calm", "stern"), data, "--medhelm-gate=*.judge_error <= 0.5")
        run(*options)
        for number in (1, 2, 3):
            alone = run(*options, f"--medhelm-shard={number}/3", f"--medhelm-suite=part-{number}")
            assert alone.ret == 1
            alone.stdout.fnmatch_lines(["gate not evaluated: *: only 3 of 9 instances have records"])
    parts = [f"medhelm-results/part-{number}" for number in (3, 1, 2)]
    assert main(["merge", *parts, "--to=medhelm-results/whole"]) == 0
    assert "9 records of 3 suites" in capsys.readouterr().out
    whole, merged = (leaderboard(pytester.path, suite)["results"] for suite in ("default", "whole"))
    whole["gates"] = []
    assert merged == whole


def test_a_missing_part_passes_no_gate(
    letters: Callable[..., Path], run: Any, server: MockServer, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = shards(run, 3, *vllm(server), f"--medhelm-data={letters(9)}")
    assert main(["merge", *parts[:2], "--to=medhelm-results/two", "--gate=letters >= 0.5"]) == 1
    assert (
        "gate not evaluated: letters >= 0.5: vllm/mock on letters has no value: only 6 of 9" in capsys.readouterr().out
    )


def test_the_verdict_of_a_merge_is_in_junit_and_a_wrong_gate_costs_no_merge(
    letters: Callable[..., Path], run: Any, server: MockServer, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = shards(run, 2, *vllm(server), f"--medhelm-data={letters(8)}")
    for option, sentence in (
        ("--gate=letters > 0.5", "column 9: expected >= or <="),
        ("--gate=none.toml", "there is no such file"),
        ("--baseline=none", "there is neither a suite nor a file"),
    ):
        assert main(["merge", *parts, "--to=medhelm-results/whole", "--gate=letters >= 0.5", option]) == 1
        assert sentence in capsys.readouterr().err
        assert not Path("medhelm-results/whole").exists()
    gates = ("--gate=letters >= 0.5", "--gate=letters <= 0.5")
    assert main(["merge", *parts, "--to=medhelm-results/whole", *gates, "--junitxml=out/gate.xml"]) == 1
    suite = ElementTree.parse("out/gate.xml").getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    gates = ("--medhelm-gate=letters >= 0.5", "--medhelm-gate=letters <= 0.5")
    run(*vllm(server), "--medhelm-data=data", *gates, "--junitxml=session.xml")
    (merged,) = [case for case in suite.iter("testcase") if case.find("failure") is not None]
    (alone,) = [
        case for case in ElementTree.parse("session.xml").getroot().iter("testcase") if case.find("failure") is not None
    ]
    for case in (merged, alone):
        assert (case.get("classname"), case.get("name")) == (
            "medhelm gate", "letters <= 0.5 (vllm/mock, letters)"
        )  # fmt: skip
    assert merged.find("failure").text == alone.find("failure").text  # type: ignore[union-attr]


def test_what_does_not_fit_together_is_refused_and_leaves_nothing(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    data = letters(8)
    with MockServer(gold) as server:
        options = (*vllm(server), f"--medhelm-data={data}")
        parts = shards(run, 2, *options)
        (pytester.path / "medhelm.toml").write_text('[models."vllm/mock"]\ntemperature = 1\n')
        run(*options, "--medhelm-shard=1/2", "--medhelm-suite=warm")
        (pytester.path / "medhelm.toml").unlink()
        run(*options, "--medhelm-limit=4", "--medhelm-suite=few")
    with MockServer(lambda body: "A") as server:
        run(*vllm(server), f"--medhelm-data={data}", "--medhelm-suite=other")
    there = [name for entry in leaderboard(pytester.path, "part-1")["results"]["cells"] for name in entry["instances"]]
    wrong = [name for name in there if int(name[1:]) % 4 != 0]  # the others' letter is A
    for second, sentence in (
        ("warm", "was run with other settings of the model"),
        ("few", "was run with another set of instances"),
        (
            "other",
            f"disagrees with another suite about {len(wrong)} records that both hold, e.g. {wrong[0]} of letters",
        ),
        ("part-1", "a suite is named twice"),
        ("none", "is no suite"),
    ):
        status = main(["merge", parts[0], f"medhelm-results/{second}", "--to=medhelm-results/new"])
        said = capsys.readouterr().err
        assert (status, sentence in said, said.count("\n")) == (1, True, 1), said
        assert not [entry for entry in (pytester.path / "medhelm-results").iterdir() if "new" in entry.name]
    assert main(["merge", *parts, f"--to={parts[0]}"]) == 1
    assert "is there already" in capsys.readouterr().err
    Path("file").write_text("")
    assert main(["merge", *parts, "--to=file/new"]) == 1
    error = capsys.readouterr().err
    assert ("file/new cannot be written" in error, error.count("\n")) == (True, 1)


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "-1/2", "1/0"])
def test_a_wrong_shard_is_one_sentence(text: str, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--medhelm-model=baseline/random", f"--medhelm-shard={text}")
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: --medhelm-shard: '{text}' names no part; type e.g. *"])
