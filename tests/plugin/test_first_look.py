"""The first command that anybody types: a dozen benchmarks, a suite of its own, and what to do next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_medhelm.cli.main import main
from pytest_medhelm.tasks.taxonomy import CATEGORIES
from tests.support.benchmark_modules import MODULES
from tests.support.checks import some
from tests.support.paths import BENCHMARKS
from tests.support.suites import leaderboard

QUICK = {module.TASK.name for module in MODULES if module.TASK.quick}


def test_the_quick_ones_are_a_dozen_of_every_category_and_several_kinds() -> None:
    tasks = [module.TASK for module in MODULES if module.TASK.quick]
    assert len(tasks) == 12
    assert {task.category for task in tasks} == set(CATEGORIES)
    assert len({task.kind for task in tasks}) >= 4


def test_a_first_look_has_a_suite_of_its_own_and_says_what_is_next(
    run: Any, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDHELM_CACHE", str(pytester.path / "cache"))
    result = run(BENCHMARKS, "-m", "quick", "--medhelm-model=baseline/lexical", "--medhelm-limit=2")
    assert result.ret == 0
    board = leaderboard(pytester.path, "sample")
    assert {cell["benchmark"] for cell in board["results"]["cells"]} == QUICK
    *_, everything, after, _ = some([line for line in result.outlines if line.strip()])
    assert everything == "medhelm: the quick benchmarks ran; the same command without '-m quick' runs all of them"
    assert "your own server: " in after
    assert "your own data: medhelm new" in after
    assert "your own gate: --medhelm-gate=" in after
    assert not (pytester.path / "medhelm-results/default").exists()


def test_results_on_real_or_fetched_or_own_data_stay_in_their_suite(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDHELM_CACHE", str(pytester.path / "cache"))
    module = BENCHMARKS / "medical_research_assistance/test_race_based_med.py"
    options = ("--medhelm-model=baseline/lexical", "--medhelm-limit=1")
    assert run("test_letters.py", *options, f"--medhelm-data={letters(2)}").ret == 0
    assert [path.name for path in Path("medhelm-results").iterdir() if path.is_dir()] == ["default"]
    assert run(module, *options, "--medhelm-suite=mine").ret == 0
    (pytester.path / "cache/data/pubmed_qa").mkdir(parents=True)
    assert run(module, *options).ret == 0, "something was fetched"
    assert sorted(path.name for path in Path("medhelm-results").iterdir() if path.is_dir()) == ["default", "mine"]


def test_letters_of_the_progress_are_explained(letters: Callable[..., Path], run: Any) -> None:
    from perf.mock_server import MockServer
    from tests.support.servers import vllm

    with MockServer(lambda body: "no letter at all" if "Case 1." in str(body) else "A") as server:
        result = run(*vllm(server), f"--medhelm-data={letters(4)}")
    result.stdout.fnmatch_lines(["medhelm: letters of the progress: , answered; u unparsed"])


def test_a_metrics_own_mistake_is_told_where_no_patients_text_can_be_in_it(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(1)
    path = pytester.path / "test_letters.py"
    text = path.read_text().replace("score.exact_match(", "None.strip(\n        ")
    path.write_text(text)
    options = ("--medhelm-model=baseline/random", f"--medhelm-data={data}")
    assert "'NoneType' object has no attribute 'strip'" in run(*options).stdout.str()
    path.write_text(text.replace('access="public"', 'access="private"'))
    told = run(*options, "--medhelm-suite=private").stdout.str()
    assert "'NoneType'" not in told
    assert "AttributeError at test_letters.py:" in told


def test_a_run_entry_of_medhelm_is_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    entry = "pubmed_qa:model=openai/gpt-4o,max_eval_instances=50,num_output_tokens=4,chatml=true"
    assert main(["convert", f"--entry={entry}"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "pytest benchmarks/ -m pubmed_qa --medhelm-model=openai/gpt-4o --medhelm-limit=50 --medhelm-sampler=helm",
        'num_output_tokens: write max_tokens under [models."..."] of medhelm.toml',
        "chatml: has no counterpart here, and is left out",
    ]
    assert main(["convert", "--entry=medhelm_med_qa:model_deployment=ward/one"]) == 0
    assert capsys.readouterr().out == "pytest benchmarks/ -m med_qa --medhelm-model=ward/one\n"
