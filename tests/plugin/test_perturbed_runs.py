"""Instances asked in other words: what is sent, what it comes to beside chance, and what a user can add."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import Fault, MockServer
from pytest_medhelm.cli.main import main
from tests.support.servers import vllm
from tests.support.suites import cell, leaderboard

Run = Callable[..., pytest.RunResult]

WARD = """
import csv
from pathlib import Path
from pytest_medhelm import DataFile, Instance, Task, answer_letter, lettered

def load(path):
    for row in csv.DictReader(path.open()):
        yield Instance(row["id"], row["question"], row["answer"], row["note"], ("visit", "call", "nothing", "scan"))

TASK = Task(
    name="ward", title="Ward", subcategory="Planning Treatments", access="public", kind="multiple_choice",
    files=(DataFile("ward.csv"),), load=load, main_metric="exact_match", licence="CC0-1.0", source="the tests",
    folder=Path(__file__).parent, keeps_gold=("surface", "options", "wording"),
)

def prompt(instance):
    asked = f"{instance.context}\\n{instance.question}\\n{lettered(instance.choices)}"
    return f"{asked}\\n\\n{answer_letter(instance.choices)}"

def test_ward(instance, response, score):
    score.choice(response, instance)
"""
NOTE = "The patient known as Case-{number} takes 5 mg of Warfarin. The history is what they have told us about it."
HOOK = """
from dataclasses import replace
from pytest_medhelm import Excluded, Perturbation

def politely(instance, seed):
    if instance.id == "w0":
        return Excluded("it is polite already")
    return replace(instance, question=f"Please answer: {instance.question}")

def pytest_medhelm_perturbations():
    return {"politely": Perturbation("politely", politely, "asked politely", family="wording")}
"""


def ward(folder: Path, count: int) -> None:
    """A benchmark in which every right answer is the option "call", the second one."""
    rows = [f'w{number},What is due?,B,"{NOTE.format(number=number)}"' for number in range(count)]
    (folder / "ward.csv").write_text("\n".join(["id,question,answer,note", *rows, ""]))
    (folder / "test_ward.py").write_text(WARD)


def text_of(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


def by_option(body: dict[str, Any]) -> str:
    """Finds the right option, wherever it stands and however it is named."""
    return re.search(r"^(\w)\. call$", text_of(body), re.MULTILINE)[1]  # type: ignore[index]


def always_b(body: dict[str, Any]) -> str:
    return "B"


def metric(board: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = cell(board, "ward")["metrics"][name]
    return found


def test_a_steady_model_and_one_that_knows_the_place_only(run: Run, pytester: pytest.Pytester) -> None:
    ward(pytester.path, 6)
    names = "robustness,option_numbers"
    for suite, reply in (("steady", by_option), ("place", always_b)):
        with MockServer(reply) as server:
            result = run(*vllm(server), f"--medhelm-perturb={names}", f"--medhelm-suite={suite}")
            assert result.ret == 0
            asked = [*server.requests]
        assert len(asked) == 6 * (1 + 7 + 7)
    result.stdout.fnmatch_lines([
        "*all instances are asked in other words too: mild_mix, typos, *option_numbers",
        "*noise floor: each of these is asked again unchanged, as often*",
        "*requests: 90 (6 as they are, 42 in other words, 42 unchanged for the noise floor)",
        "*ward: applied to mild_mix 6 of 6, *",
    ])  # fmt: skip
    assert {(text_of(body).count("5 mg "), text_of(body).count(" Warfarin.")) for body in asked} == {(1, 1)}
    steady, place = leaderboard(pytester.path, "steady"), leaderboard(pytester.path, "place")
    for name in ("mean_drop", "excess_flip_rate", "worst_case_drop", "perturbed_flip_rate", "drop_option_numbers"):
        assert metric(steady, name)["value"] == 0, name
    assert metric(steady, "worst_case_helm")["value"] == 1
    assert metric(steady, "exact_match")["value"] == metric(place, "exact_match")["value"] == 1
    moved = metric(place, "drop_option_shuffle")["value"]
    assert moved > 0
    assert metric(place, "drop_typos")["value"] == 0
    assert (
        metric(place, "mean_drop")["low"] <= metric(place, "mean_drop")["value"] <= metric(place, "mean_drop")["high"]
    )
    # The same letter at another place is another answer; at another place the same option is the same answer.
    assert metric(place, "perturbed_flip_rate")["value"] >= moved / 7
    result.stdout.fnmatch_lines(["steadiness: ward vllm/mock: loses 0.* in other words beyond chance (*"])
    page = (pytester.path / "medhelm-results/steady/leaderboard.html").read_text()
    nothing = "No more than chance could be shown: other words leave its score as it is on average"
    for said in ("How steady", nothing, "6 of 6", "the options in another order", "of 6 instances"):
        assert said in page, said
    found = cell(steady, "ward")["steadiness"]
    assert (found["varied"], found["variants"], found["noise_floor"], found["repeats"]) == (6, 42, 42, 1)
    assert found["perturbations"]["mild_mix"] == {"applied": 6, "of": 6, "refused": {}}


def test_a_hook_a_limit_and_no_noise_floor(run: Run, pytester: pytest.Pytester) -> None:
    ward(pytester.path, 6)
    (pytester.path / "conftest.py").write_text(HOOK)
    options = ("--medhelm-perturb=politely,gender", "--medhelm-perturb-limit=4", "--medhelm-noise-floor=off")
    sets = []
    for limit in ("4", "6"):
        with MockServer(by_option) as server:
            result = run(*vllm(server), *options, f"--medhelm-limit={limit}", f"--medhelm-suite=of{limit}")
            sets.append({text_of(body) for body in server.requests if "Please answer" in text_of(body)})
        assert result.ret == 0
    result.stdout.fnmatch_lines([
        "*up to 4 instances of each benchmark, or of each of its sub-tasks, are asked in * too: politely, gender",
        "*noise floor: off*", "*ward: without gender: the benchmark does not say that its answers stay right*",
    ])  # fmt: skip
    assert sets[0] == sets[1], "a seeded sample, the same under another limit"
    board = leaderboard(pytester.path, "of6")
    assert "mean_drop" not in cell(board, "ward")["metrics"]
    found = cell(board, "ward")["steadiness"]["perturbations"]["politely"]
    assert found["of"] == 4
    assert found["applied"] == len(sets[1]) == metric(board, "drop_politely")["n"]
    assert sum(found["refused"].values()) == 4 - found["applied"]


@pytest.mark.parametrize("returned", ["replace(instance, id='other')", "None", "'text'", "Excluded('')"])
def test_a_perturbation_that_returns_something_else_is_named(
    returned: str, run: Run, pytester: pytest.Pytester
) -> None:
    ward(pytester.path, 3)
    changed = HOOK.replace('replace(instance, question=f"Please answer: {instance.question}")', returned)
    (pytester.path / "conftest.py").write_text(changed)
    result = run("--medhelm-model=baseline/random", "--medhelm-perturb=politely")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*the perturbation 'politely' returned neither an Instance of the same id nor Ex*"])
    assert "INTERNALERROR" not in result.stdout.str()


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("[1]", "pytest_medhelm_perturbations must return a dict of Perturbations by name"),
        ("{'p': 3}", "pytest_medhelm_perturbations must return a dict of Perturbations by name"),
        ("{'p': Perturbation('q', politely, 'w')}", "a hook returns 'p' for a perturbation whose name is 'q'"),
        ("{'typos': Perturbation('typos', politely, 'w')}", "the perturbation 'typos' of a hook needs another name*"),
    ],
)
def test_a_hook_that_returns_something_else_is_a_sentence(
    returned: str, said: str, run: Run, pytester: pytest.Pytester
) -> None:
    ward(pytester.path, 3)
    (pytester.path / "conftest.py").write_text(f"{HOOK.partition('    return {')[0]}    return {returned}\n")
    result = run("--medhelm-model=baseline/random", "--medhelm-perturb=typos")
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: {said}"])


def test_every_sub_task_has_its_part_of_the_sample(run: Run, pytester: pytest.Pytester) -> None:
    """One of three wards is always refused: figures are of the other two, and say so."""
    ward(pytester.path, 9)
    module = pytester.path / "test_ward.py"
    text = module.read_text().replace('"scan"))', '"scan"), slices={"floor": str(int(row["id"][1:]) % 3)})')
    module.write_text(text.replace("folder=", 'sub_tasks_by="floor", sub_tasks=("0", "1", "2"), folder='))
    (pytester.path / "conftest.py").write_text(HOOK.replace('instance.id == "w0"', 'instance.slices["floor"] == "2"'))
    options = ("--medhelm-perturb=politely", "--medhelm-perturb-limit=1", "--medhelm-gate=ward.mean_drop <= 0.5")
    with MockServer(by_option) as server:
        result = run(*vllm(server), *options)
        assert len(server.requests) == 9 + 2 + 2
    board = leaderboard(pytester.path)
    found = metric(board, "mean_drop")
    assert (found["value"], found["n"], found["missing"]) == (0.0, 2, 0)
    assert "without the sub-task 2, of which no instance was asked so" in found["note"]
    assert cell(board, "ward")["steadiness"]["perturbations"]["politely"]["of"] == 3
    result.stdout.fnmatch_lines(["*up to 1 instance of each benchmark, or of each of its sub-tasks, is asked*"])
    [gate] = board["results"]["gates"]
    without = "without the sub-task 2, of which no instance was asked so"
    assert f"asked in other words: 2 of 9 instances; {without}" in gate["reason"]
    assert "no instance of 2 could be asked in other words" in " ".join(result.stdout.str().split())
    assert "No instance of 2 could be" in (pytester.path / "medhelm-results/default/leaderboard.html").read_text()


def test_lost_answers_are_counted_beside_every_figure(run: Run, pytester: pytest.Pytester) -> None:
    """Of 6 instances one loses a variant, and all lose another one: that figure is not there, and it is said why."""
    ward(pytester.path, 6)

    def answer(body: dict[str, Any]) -> str | Fault:
        text = text_of(body)
        shuffled = "A. visit" not in text
        polite = "Please" in text
        return Fault("status", 400) if shuffled or (polite and "Case-3 " in text) else by_option(body)

    (pytester.path / "conftest.py").write_text(HOOK.replace('"w0"', '"none"'))
    options = ["--medhelm-gate=ward.drop_option_numbers <= 0.5", "--medhelm-gate=ward.mean_drop <= 0.5"]
    with MockServer(answer) as server:
        result = run(*vllm(server), "--medhelm-perturb=politely", "--medhelm-suite=one", options[1])
        said = " ".join(result.stdout.str().split())
        assert "of 5 instances; left out, since an answer was lost: 1 of 6 in other words" in said
        result = run(*vllm(server), "--medhelm-perturb=politely,option_numbers", *options)
    page = (pytester.path / "medhelm-results/one/leaderboard.html").read_text()
    assert "of 5 instances" in page
    assert "Left out: 1 of 6 instances, which lost at least one of the answers that this needs." in page
    lost = "each of the 6 instances lost at least one of the answers that this needs"
    page = (pytester.path / "medhelm-results/default/leaderboard.html").read_text()
    assert f"There is no figure: {lost}." in page
    board = leaderboard(pytester.path)
    assert [gate["reason"] for gate in board["results"]["gates"]] == [lost, lost]
    assert (metric(board, "drop_politely")["n"], metric(board, "drop_politely")["missing"]) == (5, 1)
    assert f"steadiness: ward vllm/mock: no figure in other words: {lost}" in " ".join(result.stdout.str().split())


def test_again_in_parts_and_rescored(run: Run, pytester: pytest.Pytester) -> None:
    ward(pytester.path, 8)
    options = ("--medhelm-perturb=helm,option_shuffle", "--medhelm-repeats=2", "--medhelm-perturb-limit=5")
    options = (*options, "--medhelm-noise-floor=3")
    flaky: Counter[str] = Counter()

    def answer(body: dict[str, Any]) -> str:
        text = text_of(body)
        flaky[text] += 1
        digest = hashlib.sha256(f"{text}{flaky[text]}".encode()).digest()
        return by_option(body) if digest[0] % 3 else "A"

    with MockServer(answer) as server:
        assert run(*vllm(server), *options).ret == 0
        assert len(server.requests) == 8 * 2 + 5 * (2 + 3)
        asked = len(server.requests)
        assert run(*vllm(server), *options).ret == 0
        assert len(server.requests) == asked, "nothing is asked twice"
        whole = cell(leaderboard(pytester.path), "ward")
        for part in ("1/2", "2/2"):
            run(*vllm(server), *options, f"--medhelm-shard={part}", f"--medhelm-suite=part{part[0]}")
    assert main(["merge", "medhelm-results/part1", "medhelm-results/part2", "--to=medhelm-results/both"]) == 0
    both = cell(json.loads(Path("medhelm-results/both/leaderboard.json").read_text()), "ward")
    assert both["steadiness"]["perturbations"] == whole["steadiness"]["perturbations"]
    assert main(["rescore", "medhelm-results/default", "--to=medhelm-results/again"]) == 0
    again = cell(json.loads(Path("medhelm-results/again/leaderboard.json").read_text()), "ward")
    assert again["scores"] == whole["scores"]
    assert again["metrics"] == whole["metrics"]


def test_rules_on_stored_results_say_what_was_not_asked(
    run: Run, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    ward(pytester.path, 3)
    (pytester.path / "conftest.py").write_text(HOOK.replace("politely", "typically"))
    with MockServer(by_option) as server:
        run(*vllm(server), "--medhelm-suite=plain")
        for words, suite in (("typically,gender", "asked"), ("lower_case", "words")):
            run(*vllm(server), f"--medhelm-perturb={words}", "--medhelm-noise-floor=off", f"--medhelm-suite={suite}")
    for suite, rule, said in (
        (
            "plain",
            "ward.drop_typos <= 0.1",
            "drop_typos needs answers to other words: run with --medhelm-perturb=typos",
        ),
        ("plain", "ward.mean_drop <= 0.1", "mean_drop needs answers to other words: run with --medhelm-perturb=robust"),
        ("asked", "ward.drop_typos <= 0.1", "typos was applied to no instance of it; asked for were: typically"),
        ("asked", "ward.mean_drop <= 0.1", "mean_drop needs the same asked again unchanged: run without --medhelm-noi"),
        ("asked", "ward.mean_drop <= baseline + 0.1", "mean_drop needs the same asked again unchanged"),
        ("words", "ward.worst_case_helm >= baseline - 0.9", "the baseline did not record the metric 'worst_case_helm'"),
        (
            "asked",
            "ward.perturbed_flip_rate <= baseline + 0.9",
            "other words are lower_case there and gender, ty",
        ),
        ("asked", "ward.drop_typically <= 0.5", "pass: ward.drop_typically <= 0.5: vllm/mock on ward has 0.000"),
    ):
        other = "words" if "flip_rate" in rule else "plain"
        baseline = [f"--baseline=medhelm-results/{other}"] if "baseline" in rule else []
        status = main(["gate", "apply", f"medhelm-results/{suite}", rule, *baseline])
        assert said in capsys.readouterr().out, rule
        assert status == (0 if said.startswith("pass") else 1)
    # A perturbation of somebody's own is no misspelt one where the suite knows it, and may be one where nobody does.
    for suite, rule in (("plain", "ward.drop_typoos <= 0.1"), ("asked", "ward.drop_typicaly <= 0.1")):
        assert main(["gate", "apply", f"medhelm-results/{suite}", rule]) == 1
        assert "there is no perturbation 'typ" in capsys.readouterr().err


def test_options_that_change_nothing_are_named(run: Run, pytester: pytest.Pytester) -> None:
    ward(pytester.path, 3)
    options = ["--medhelm-noise-floor=3", "--medhelm-perturb-limit=3", "--medhelm-judge-repeats=2",
               "--medhelm-shuffle-criteria", "--medhelm-confidence=logprobs"]  # fmt: skip
    result = run("--medhelm-model=baseline/random", *options)
    assert result.ret == 0
    result.stdout.fnmatch_lines([
        *(f"medhelm: {option.partition('=')[0]} has no effect here: n*" for option in options[:-1]),
        "medhelm: --medhelm-confidence has no effect on baseline/random, of which no confidence is known",
    ])  # fmt: skip
    result = run("--medhelm-model=baseline/random", "--medhelm-perturb=gender", "-n2")
    assert result.ret == 0
    result.stdout.fnmatch_lines([
        "medhelm: ward: without gender: the benchmark does not say that its answers stay right",
        "medhelm: --medhelm-perturb has no effect here: no selected benchmark allows what it names",
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--medhelm-perturb=typo",),
            "there is no such perturbation (did you mean typos?); name a set (robustness, clinical",
        ),
        (
            ("--medhelm-perturb=",),
            "--medhelm-perturb=: there is no such perturbation; name a set (robustness, clinical",
        ),
        (("--medhelm-noise-floor=-1",), "neither a number from 1 to 100 nor 'off'"),
        (
            ("--medhelm-gate=ward.drop_typo <= 0.1", "--medhelm-perturb=typos"),
            "gate 'ward.drop_typo <= 0.1': there is no perturbation 'typo' (did you mean 'drop_typos'?)",
        ),
        (("--medhelm-gate=ward.worst_case_drop <= 0.1",), "add --medhelm-perturb"),
        (("--medhelm-gate=ward.drop_typos <= 0.1", "--medhelm-perturb=helm"), "add typos to --medhelm-perturb"),
        (
            ("--medhelm-gate=ward.mean_drop <= 0.1", "--medhelm-perturb=helm", "--medhelm-noise-floor=off"),
            "leave out --medhelm-noise-floor=off",
        ),
    ],
)
def test_mistakes_are_one_sentence(run: Run, pytester: pytest.Pytester, options: tuple[str, ...], said: str) -> None:
    ward(pytester.path, 2)
    result = run("--medhelm-model=baseline/random", *options)
    assert result.ret == 4
    assert said in result.stderr.str()
    assert "Traceback" not in result.stderr.str()
