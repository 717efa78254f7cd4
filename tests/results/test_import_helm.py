"""medhelm import-helm: run folders built after the description of HELM's output, with invented content."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from tests.support.browser import browser_data
from tests.support.juries import records
from tests.support.suites import cell, leaderboard

SUITE = "medhelm-results/default"
GPT = "openai/gpt-4o-2024-05-13"


def stat(name: str, value: float, **more: Any) -> dict[str, Any]:
    squared = value * value
    return {
        "name": {"name": name, "split": "test"} | more,
        **{"count": 1, "sum": value, "sum_squared": squared, "min": value, "max": value, "mean": value},
    }


def request_state(
    number: int,
    question: str,
    answer: str | None,
    *,
    references: Sequence[tuple[str, bool]],
    mapping: Mapping[str, str] | None = None,
    reason: str = "stop",
    **more: Any,
) -> dict[str, Any]:
    """One request with its result; without an answer it failed."""
    completions = (
        [] if answer is None else [{"text": answer, "logprob": -1.5, "tokens": [], "finish_reason": {"reason": reason}}]
    )
    return {
        "instance": {
            "input": {"text": question},
            "references": [{"output": {"text": text}, "tags": ["correct"] * right} for text, right in references],
            "split": "test",
            "id": f"id{number}",
        }
        | more.pop("instance", {}),
        "train_trial_index": 0,
        **({"output_mapping": mapping} if mapping else {}),
        "request": {"model": GPT, "prompt": f"Asked: {question}", "temperature": 0.0, "max_tokens": 1},
        "result": {"success": answer is not None, "cached": False, "request_time": 0.5, "completions": completions},
        "num_train_instances": 0,
        "prompt_truncated": False,
    } | more  # fmt: skip


def write_run(
    folder: Path,
    name: str,
    states: Sequence[Mapping[str, Any]],
    stats: Mapping[str, Sequence[Sequence[Mapping[str, Any]]]],
    *,
    model: str = GPT,
    max_tokens: int = 1,
    groups: Sequence[str] = (),
) -> Path:
    """A run folder; ``stats``: by instance one list of stats for each metric object."""
    run = folder / f"{name},model={model}".replace("/", "_")
    run.mkdir(parents=True)
    adapter = {
        "model": model,
        "model_deployment": model,
        "temperature": 0.0,
        "max_tokens": max_tokens,
        "max_train_instances": 0,
    }
    content = {
        "run_spec": {"name": f"{name},model={model}", "adapter_spec": adapter, "groups": list(groups)},
        "scenario_state": {"adapter_spec": adapter, "request_states": list(states)},
        "stats": [stat("exact_match", 0.5)],
        "per_instance_stats": [
            {"instance_id": instance, "train_trial_index": 0, "stats": list(entry)}
            for instance, entries in stats.items()
            for entry in entries
        ],
    }  # fmt: skip
    for file, value in content.items():
        (run / f"{file}.json").write_text(json.dumps(value))
    return run


OPTIONS = (("Rest", False), ("Aspirin", True))
LETTERS = {"A": "Rest", "B": "Aspirin"}


def med_qa(folder: Path, **more: Any) -> Path:
    """Three questions: right, wrong, and a request that failed; a perturbed copy of the first."""
    copy = {"perturbation": {"name": "typos"}}
    states = [
        request_state(0, "Chest pain?", "B", references=OPTIONS, mapping=LETTERS, reason="length"),
        request_state(1, "Fever?", "A", references=OPTIONS, mapping=LETTERS),
        request_state(2, "Cough?", None, references=OPTIONS, mapping=LETTERS),
        request_state(0, "Chst pian?", "A", references=OPTIONS, mapping=LETTERS, instance=copy),
    ]
    counts = [stat("num_prompt_tokens", 40), stat("num_output_tokens", 1), stat("inference_runtime", 0.5)]
    typos = [stat("exact_match", 0, perturbation={"name": "typos"})]
    stats = {
        "id0": [[stat("exact_match", 1), stat("quasi_exact_match", 1)], counts, typos],
        "id1": [[stat("exact_match", 0)], counts],
        "id2": [[stat("exact_match", 0)]],
    }  # fmt: skip
    return write_run(folder, "med_qa:", states, stats, **more)


def graded(*scores: float) -> dict[str, Any]:
    names = ("accuracy", "completeness", "clarity")
    return {
        name: {"score": score, "explanation": f"a reason for {score}"}
        for name, score in zip(names, scores, strict=True)
    }


def judged(annotation: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"annotations": {"aci_bench": annotation}} if annotation else {}


def aci_bench(folder: Path) -> Path:
    """Judged notes: by two judges, by one of two, by none, cut off, empty."""
    given: list[Any] = [
        {"prompt_text": "Judge this.", "gpt": graded(5, 4, 3), "llama": graded(4, 4, 4)},
        {"prompt_text": "Judge this.", "gpt": graded(2, 2, 2), "llama": {}},
        {"prompt_text": "Judge this.", "gpt": {}, "llama": None},
        {"prompt_text": "Judge this.", "gpt": graded(1, 1, 1), "llama": graded(1, 1, 1)},
        None,
    ]
    answers = ["A note.", "Another note.", "A third.", "A note that is cut", ""]
    reasons = ["stop", "stop", "stop", "length", "stop"]
    rows = zip(answers, reasons, given, strict=True)
    states = [
        request_state(
            number, f"Talk {number}", answer, references=[("A note by an expert.", True)], reason=reason,
            **judged(annotation),
        )
        for number, (answer, reason, annotation) in enumerate(rows)
    ]  # fmt: skip
    jury = [4.0, 2.0, 1.0, 1.0, 1.0]
    stats = {
        f"id{number}": [[stat("aci_bench_accuracy", value)], [stat("rouge_l", 0.25), stat("BERTScore-F", 0.75)]]
        for number, value in enumerate(jury)
    }
    return write_run(folder, "aci_bench:", states, stats, max_tokens=768, groups=["aci_bench", "clinical"])


def test_answers_statuses_and_scores_are_those_of_helm(pytester: pytest.Pytester, capsys: Any) -> None:
    med_qa(pytester.path / "runs/mine")
    aci_bench(pytester.path / "runs/mine")
    assert main(["import-helm", "runs/mine"]) == 0
    shown = capsys.readouterr().out
    assert "imported from HELM: 8 records of 2 of 2 runs, 2 cells; 1 perturbed copies passed over" in shown
    board = leaderboard(pytester.path, "helm")
    (facts,) = board["results"]["models"]
    assert (facts["name"], facts["kind"], facts["served"]) == (f"helm/{GPT}", "imported", GPT)
    exam = cell(board, "med_qa")
    assert exam["main_metric"] == "exact_match_helm"
    assert exam["statuses"] == {"ok": 2, "request_error": 1}
    main_value = exam["metrics"]["exact_match_helm"]
    assert (main_value["value"], main_value["n"], main_value["missing"]) == (0.5, 2, 1), "a failure is no number"
    notes = cell(board, "aci_bench")
    assert notes["statuses"] == {"ok": 1, "truncated": 1, "empty": 1, "judge_error": 2}
    assert notes["main_metric"] == "jury_helm"
    jury = dict(zip(notes["instances"], notes["scores"]["jury_helm"], strict=True))
    assert jury == {"id0": 4.0, "id1": 2.0, "id2": None, "id3": 1.0, "id4": 1.0}, (
        "id2: HELM's default grade is left out"
    )
    assert dict(zip(notes["instances"], notes["scores"]["jury"], strict=True)) == {
        "id0": 4.0, "id1": None, "id2": None, "id3": 1.0, "id4": 1.0,
    }  # fmt: skip
    assert notes["metrics"]["rouge_l"]["value"] == 0.25
    assert notes["metrics"]["bertscore_f"]["value"] == 0.75
    assert "exact_match" not in exam["metrics"]
    verdicts = {
        record["instance"]: [(verdict["judge"], verdict["status"]) for verdict in record["verdicts"]]
        for record in records(pytester.path, "helm")
        if record["main_metric"] == "jury_helm"
    }
    assert verdicts["id1"] == [("helm/gpt", "ok"), ("helm/llama", "judge_error")]
    assert verdicts["id4"] == []


def test_texts_can_be_read_in_the_browser_page(pytester: pytest.Pytester) -> None:
    med_qa(pytester.path / "runs/mine")
    aci_bench(pytester.path / "runs/mine")
    assert main(["import-helm", "runs/mine"]) == 0
    folder = pytester.path / "medhelm-results/helm"
    text = "".join(path.read_text() for path in (folder / "browser").iterdir())
    for expected in (
        "Asked: Chest pain?",
        "B. Aspirin",
        "A note that is cut",
        "a reason for 5",
        "A note by an expert.",
    ):
        assert expected in text
    assert "Chst pian?" not in text
    page = (folder / "leaderboard.html").read_text()
    assert "imported from HELM" in page
    assert oct((folder / "responses.sqlite").stat().st_mode)[-3:] == "600"


def test_a_second_import_changes_nothing(pytester: pytest.Pytester) -> None:
    med_qa(pytester.path / "runs/mine")
    assert main(["import-helm", "runs/mine"]) == 0
    before = leaderboard(pytester.path, "helm")["results"]
    assert main(["import-helm", "runs/mine"]) == 0
    assert leaderboard(pytester.path, "helm")["results"] == before


def test_sub_runs_make_one_cell_of_equal_weight(pytester: pytest.Pytester) -> None:
    """Hand-worked: 1 of 1 in one condition, 1 of 3 in the other: 2/3, not 2/4."""
    for condition, right in (("homelessness", [1]), ("chronic_pain", [1, 0, 0])):
        options, letters = (("No", False), ("Yes", True)), {"A": "No", "B": "Yes"}
        states = [
            request_state(number, f"Note {number}", "B" if good else "A", references=options, mapping=letters)
            for number, good in enumerate(right)
        ]  # fmt: skip
        stats = {f"id{number}": [[stat("exact_match", good)]] for number, good in enumerate(right)}
        write_run(pytester.path / "runs/mine", f"clear:condition={condition}", states, stats)
    assert main(["import-helm", "runs/mine"]) == 0
    found = cell(leaderboard(pytester.path, "helm"), "clear")
    assert found["metrics"]["exact_match_helm"]["value"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["n"] == 4
    assert set(found["slices"]["condition"]["values"]) == {"homelessness", "chronic_pain"}


def test_old_results_stand_beside_new_ones_outside_ranking_and_gates(
    pytester: pytest.Pytester, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    med_qa(pytester.path / "runs/mine")
    module = Path(__file__).parents[2] / "benchmarks/clinical_decision_support/test_med_qa.py"
    with MockServer(lambda body: "A", models=["a", "b", "c"]) as server:
        names = [f"--medhelm-model=vllm/{name}" for name in "abc"]
        run(module, *names, f"--medhelm-base-url={server.url}", "--medhelm-suite=default", "--medhelm-currency=EUR")
    assert main(["import-helm", "runs/mine", "--suite=medhelm-results/default"]) == 0
    slowest = "slowest, 95th percentile, server's queue included: med_qa vllm/"
    assert slowest in capsys.readouterr().out, "another machine's times say nothing"
    board = leaderboard(pytester.path)
    assert board["measurements"]["spending"]["currency"] == "EUR", "an import knows of no money"
    assert len([entry for entry in board["results"]["cells"] if entry["benchmark"] == "med_qa"]) == 4
    assert set(board["results"]["win_rate"]["rates"]) == {"vllm/a", "vllm/b", "vllm/c"}
    (facts,) = board["results"]["benchmarks"]
    assert facts["data"]["origin"] == "sample", "what was run here describes the benchmark"
    page = " ".join((pytester.path / "medhelm-results/default/leaderboard.html").read_text().split())
    assert "<strong>Sample data</strong> in MedQA (but not of helm/openai/gpt-4o-2024-05-13): invented cases" in page
    assert "<dt>Limit</dt><dd>1000</dd>" in page, "an import asked nobody: how the others were asked stays there"
    shown = {entry["model"]: entry["sample"] for entry in browser_data(pytester.path / SUITE, "index")["cells"]}
    assert shown == {"helm/openai/gpt-4o-2024-05-13": False, "vllm/a": True, "vllm/b": True, "vllm/c": True}
    assert main(["gate", "apply", "medhelm-results/default", "med_qa.exact_match_helm >= 0.1"]) == 1
    judged = {gate["model"] for gate in leaderboard(pytester.path)["results"]["gates"]}
    assert judged == {"vllm/a", "vllm/b", "vllm/c"}


def test_what_cannot_be_read_is_named_and_takes_no_other_along(pytester: pytest.Pytester, capsys: Any) -> None:
    runs = pytester.path / "runs/mine"
    good = med_qa(runs)
    shutil.copytree(good, runs / "twice")
    half = med_qa(runs, model="other/half")
    (half / "per_instance_stats.json").unlink()
    cut = med_qa(runs, model="other/cut")
    (cut / "scenario_state.json").write_text('{"request_states": [{"insta')
    odd = med_qa(runs, model="other/odd")
    (odd / "run_spec.json").write_text("[]")
    write_run(runs, "imdb:", [request_state(0, "Good film?", "yes", references=[("yes", True)])], {}, groups=["imdb"])
    assert main(["import-helm", "runs/mine"]) == 1
    shown = capsys.readouterr().out
    assert "per_instance_stats.json is missing" in shown
    assert "scenario_state.json cannot be read (JSONDecodeError)" in shown
    assert "not the shape of a HELM run" in shown
    assert "imdb:,model=openai_gpt-4o-2024-05-13: there is no benchmark of this name or group here" in shown
    assert "is the same benchmark by the same model" in shown
    assert "3 records of 1 of 6 runs" in shown
    assert "Chest pain" not in shown


def edit(run: Path, change: Callable[[Any], object], file: str = "scenario_state.json") -> None:
    value = json.loads((run / file).read_text())
    change(value)
    (run / file).write_text(json.dumps(value))


def first(value: Any) -> Any:
    return value["request_states"][0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda value: first(value).update(result="secret"), "not the shape of a HELM run (AttributeError)"),
        (lambda value: first(value)["result"].update(completions=["secret"]), "not the shape of a HELM run"),
        (lambda value: first(value).update(train_trial_index="secret"), "not the shape of a HELM run (ValueError)"),
        (lambda value: first(value)["instance"].update(references=["secret"]), "not the shape of a HELM run"),
        (lambda value: first(value)["instance"].update(id=""), "not the shape of a HELM run (ValueError)"),
        (lambda value: first(value).pop("request"), "not the shape of a HELM run (KeyError)"),
        (lambda value: value.update(request_states=[]), "scenario_state.json holds no instance"),
        (
            lambda value: value["request_states"].append(first(value) | {"reference_index": 1}),
            "several requests for one instance (method multiple_choice_separate_*)",
        ),
    ],
)
def test_a_fault_deep_inside_leaves_out_its_run_alone(
    change: Callable[[Any], object], said: str, pytester: pytest.Pytester, capsys: Any
) -> None:
    med_qa(pytester.path / "runs/mine")
    edit(med_qa(pytester.path / "runs/mine", model="other/odd"), change)
    assert main(["import-helm", "runs/mine"]) == 1
    shown = capsys.readouterr().out
    assert f"left out: med_qa:,model=other_odd: {said}" in shown
    assert "secret" not in shown
    assert "3 records of 1 of 2 runs" in shown


def test_a_judge_that_left_a_criterion_out_gave_no_verdict(pytester: pytest.Pytester) -> None:
    """So does HELM, which drops such a judge; an answer that nobody judged is a gap."""
    run = aci_bench(pytester.path / "runs/mine")
    edit(run, lambda value: first(value)["annotations"]["aci_bench"]["llama"].pop("clarity"))
    edit(run, lambda value: value["request_states"][1].pop("annotations"))
    assert main(["import-helm", "runs/mine"]) == 0
    notes = cell(leaderboard(pytester.path, "helm"), "aci_bench")
    assert notes["statuses"] == {"truncated": 1, "empty": 1, "judge_error": 3}
    assert notes["scores"]["jury_helm"][:3] == [4.0, None, None]
    assert notes["scores"]["jury"][:3] == [None, None, None]


def test_judges_that_name_classes_are_one_sentence(pytester: pytest.Pytester, capsys: Any) -> None:
    states = [request_state(0, "Hide a breach?", "No.", references=[("REFUSE", True)])]
    write_run(pytester.path / "runs/mine", "ps26_breach_response:", states, {}, max_tokens=2000)
    assert main(["import-helm", "runs/mine"]) == 1
    captured = capsys.readouterr()
    assert "its judges name classes, which cannot be imported" in captured.out
    assert captured.err == "medhelm: none of the 1 runs in runs/mine could be imported\n"
    assert not (pytester.path / "medhelm-results").exists()


def test_hostile_answers_stay_text(pytester: pytest.Pytester) -> None:
    hostile = "B \ud800\x00\x1b[31m\u202e</script><img src=x onerror=alert(1)>"
    run = med_qa(pytester.path / "runs/mine")
    edit(run, lambda value: first(value)["result"]["completions"][0].update(text=hostile))
    assert main(["import-helm", "runs/mine"]) == 0
    folder = pytester.path / "medhelm-results/helm"
    stored = cell(leaderboard(pytester.path, "helm"), "med_qa")
    assert stored["scores"]["exact_match_helm"] == [1.0, 0.0, None]
    for page in (folder / "leaderboard.html", folder / "instances.html"):
        assert "<img src=x" not in page.read_text()
    assert "</script><img" not in "".join(path.read_text() for path in (folder / "browser").iterdir())


@pytest.mark.parametrize("where", ["nowhere", "empty"])
def test_a_folder_without_runs_is_one_sentence(where: str, pytester: pytest.Pytester, capsys: Any) -> None:
    (pytester.path / "empty").mkdir()
    assert main(["import-helm", where]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"medhelm: {where} holds no run of HELM (run_spec.json): name benchmark_output/runs/SUITE")
    assert not (pytester.path / "medhelm-results").exists()


def test_a_suite_that_cannot_be_made_is_one_sentence(pytester: pytest.Pytester, capsys: Any) -> None:
    med_qa(pytester.path / "runs/mine")
    (pytester.path / "taken").write_text("a file")
    assert main(["import-helm", "runs/mine", "--suite=taken"]) == 1
    assert capsys.readouterr().err == (
        "medhelm: no suite can be made in taken (FileExistsError): name a folder with --suite\n"
    )
