"""Criteria with points: the original definition, MedHELM's, missing verdicts, and how judges' replies are read."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.mock_server import MockServer
from pytest_medhelm.models.engine.request import Completion
from pytest_medhelm.results.stats.clipped import bootstrap_error, worst_at_k
from pytest_medhelm.scoring.jury.points import (
    by_tag,
    helm_points_score,
    length_adjustment,
    points_score,
    tag_metric,
)
from pytest_medhelm.scoring.jury.points_prompt import read_met
from pytest_medhelm.tasks.points import PointsCriterion, PointsRubric
from pytest_medhelm.tasks.rubric_files import read_rubric
from pytest_medhelm.util.errors import ConfigError, DataError
from tests.support.benchmark_modules import MODULES, load, sample_folder
from tests.support.juries import records
from tests.support.suites import cell, leaderboard

SETS = [module for module in MODULES if module.TASK.name.startswith("health_bench")]


def criteria(*points: float) -> list[PointsCriterion]:
    return [PointsCriterion(f"criterion {number}", value) for number, value in enumerate(points)]


# Scores


def test_negative_points_count_in_the_original_and_are_turned_round_by_medhelm() -> None:
    example = criteria(5, 10, -8)
    score = points_score(example, [[True, False, True]])
    assert score is not None
    assert score.value == pytest.approx(-0.20)
    assert score.lowest == pytest.approx(-8 / 15)
    assert helm_points_score(example, [[True, False, True]]) == pytest.approx(7 / 17)


def test_a_missing_verdict_is_never_not_met() -> None:
    example = criteria(5, 10, -8)
    score = points_score(example, [[True, None, None]])
    assert score is not None
    assert score.value is None
    assert (score.worst, score.best) == pytest.approx((-3 / 15, 1.0))
    two = points_score(example, [[True, True, False], [True, None, False]])
    assert two is not None
    assert two.value is None
    assert (two.worst, two.best) == pytest.approx(((15 + 5) / 30, 1.0))
    assert helm_points_score(example, [[None, None, None]]) is None


def test_without_positive_points_there_is_no_score() -> None:
    assert points_score(criteria(-5, -1), [[True, False]]) is None


items = st.lists(
    st.tuples(st.integers(-10, 10).filter(bool), st.sampled_from([True, False, None])), min_size=1, max_size=12
)


@given(items, st.randoms(use_true_random=False))
def test_bounds_hold_whatever_the_missing_verdicts_would_have_been(
    entries: list[tuple[int, bool | None]], random: Random
) -> None:
    example = criteria(*(points for points, _ in entries))
    score = points_score(example, [[met for _, met in entries]])
    true = points_score(example, [[random.random() < 0.5 if met is None else met for _, met in entries]])
    assert (score is None) is (true is None)
    if score is not None and true is not None and true.value is not None:
        assert score.worst - 1e-12 <= true.value <= score.best + 1e-12
        assert score.lowest - 1e-12 <= score.worst
        assert score.value is None or score.value == true.value


def test_the_length_adjustment_is_nothing_at_2000_characters() -> None:
    assert length_adjustment(2000, 0.0299) == 0
    assert length_adjustment(3000, 0.0299) == pytest.approx(-0.0598)
    assert length_adjustment(1500, 0.0147) == pytest.approx(0.0147)


def test_names_of_tags() -> None:
    tags = ("axis:accuracy", "cluster:communication_not-health-professional_tailored", "level:example")
    assert [tag_metric(tag) for tag in tags] == [
        "axis_accuracy", "cluster_communication_not_health_professional_tailored", "level_example",
    ]  # fmt: skip


@pytest.mark.parametrize(("k", "expected"), [(1, 0.5), (2, 0.5 / 3), (3, 0.0)])
def test_worst_at_k_over_all_draws(k: int, expected: float) -> None:
    """Of the answers 0, 0.5 and 1 the pairs (0, .5), (0, 1) and (.5, 1) have the worst 0, 0 and .5."""
    assert worst_at_k([[1.0, 0.0, 0.5]], k) == pytest.approx(expected)
    assert worst_at_k([[1.0, 0.0, 0.5], [1.0]], 2) is None
    assert worst_at_k([[-1.0], [0.2]], 1) == 0.0, "the mean is clipped, not the example"


def test_the_bootstrap_error_is_that_of_the_clipped_mean() -> None:
    values = [0.1, 0.9, -0.4, 1.0, 0.3, 0.55, 0.2, -0.1]
    generator = np.random.default_rng(99)
    draws = [np.clip(generator.choice(values, len(values)).mean(), 0, 1) for _ in range(20_000)]
    found = bootstrap_error(values)
    assert found == pytest.approx(np.std(draws), abs=0.01)
    assert found == bootstrap_error(values), "seeded"
    assert bootstrap_error([-0.5, -0.5]) == 0.0


# Replies


def reply(text: str, outcome: Any = "ok") -> Completion:
    return Completion(outcome, text)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ('{"explanation": "so", "criteria_met": true}', True),
        ('```json\n{"criteria_met": false, "explanation": "no"}\n```', False),
        ('<think>{"criteria_met": true}</think>{"criteria_met": false}', False),
        ('{"criteria_met": "true"}', True),
        ('{"criteria_met": "FALSE"}', False),
        ('{"criteria_met": "yes"}', None),
        ('{"criteria_met": true, "criteria_met": false}', None),
        ('{"criteria_met": true} {"criteria_met": "unsure"}', None),
        ("{'criteria_met': False, 'explanation': 'it isn\\'t there'}", False),
        ('{"explanation": "one line\nand another", "criteria_met": True,}', True),
        ('{"criteria_met": 1}', None),
        ('{"criteria_met": null}', None),
        ('The answer says {"criteria_met": true}. My verdict: {"criteria_met": false}', None),
        ('{"criteria_met": true} I repeat: {"criteria_met": true}', True),
        ('{"explanation": "it says {\\"criteria_met\\": true}", "criteria_met": false}', False),
        ("It is met.", None),
        ("", None),
        ('{"explanation": "cut', None),
    ],
)
def test_only_true_and_false_are_verdicts(text: str, met: bool | None) -> None:
    assert read_met(reply(text), 1, numbered=False) == [met]


def test_of_a_reply_about_all_criteria_each_is_read_by_its_number() -> None:
    text = json.dumps({"1": {"criteria_met": True}, "3": {"criteria_met": False}, "2": {"criteria_met": "no"}})
    assert read_met(reply(text), 4, numbered=True) == [True, None, False, None]
    assert read_met(reply(text), 2, numbered=True) == [None, None], "a number too many: which is which?"
    counted_from_0 = json.dumps({"0": {"criteria_met": True}, "1": {"criteria_met": False}})
    assert read_met(reply(counted_from_0), 2, numbered=True) == [None, None]
    twice = '{"1": {"criteria_met": true}, "1": {"criteria_met": false}, "2": {"criteria_met": true}}'
    assert read_met(reply(twice), 2, numbered=True) == [None, True]
    assert read_met(reply(text, "request_error"), 2, numbered=True) == [None, None]


# Whole runs, against an implementation of the original that shares nothing with ours


def verdict_of(criterion: str, seed: int = 7) -> bool:
    """What the mock judge thinks of a criterion, by its wording alone."""
    return Random(f"{seed}{criterion}").random() < 0.6


def original(examples: Sequence[Any], verdict: Any = verdict_of) -> dict[str, list[float]]:
    """Scores as openai/simple-evals defines them: by example, by example tag and by rubric tag."""
    found: dict[str, list[float]] = defaultdict(list)
    for example in examples:
        groups: dict[str, list[PointsCriterion]] = defaultdict(list)
        groups["overall"] = list(example.criteria)
        for entry in example.criteria:
            for tag in entry.tags:
                groups[tag].append(entry)
        for name, entries in groups.items():
            possible = sum(entry.points for entry in entries if entry.points > 0)
            if possible:
                got = sum(entry.points for entry in entries if verdict(entry.text)) / possible
                found[name].append(got)
                if name == "overall":
                    for key, value in example.slices.items():
                        found[f"{key}:{value}"].append(got)
    return found


def judge(body: dict[str, Any], unreadable: Any = lambda criterion: False) -> str:
    """A model's answer, or the judge's verdict on the criteria that it is asked about."""
    if body["model"] == "doctor":
        return "Take care, and see a doctor."
    text = next(entry["content"] for entry in body["messages"] if "Criteri" in entry["content"])
    if "\nCriteria:\n" in text:
        listed = text.rpartition("\nCriteria:\n")[2].split("\n")
        return json.dumps({
            line.partition(". ")[0]: {"explanation": "as seen", "criteria_met": verdict_of(line.partition("] ")[2])}
            for line in listed
        })  # fmt: skip
    criterion = text.rpartition("\nCriterion:\n")[2].partition("] ")[2]
    if unreadable(criterion):
        return "I cannot say."
    return json.dumps({"explanation": "as seen", "criteria_met": verdict_of(criterion)})


def options(server: MockServer, *judges: str) -> list[str]:
    return [
        str(Path(SETS[0].__file__ or "").parent), "-k", "health_bench", "--medhelm-model=vllm/doctor",
        *(f"--medhelm-judge=vllm/{name}" for name in judges), f"--medhelm-base-url={server.url}",
    ]  # fmt: skip


@pytest.mark.parametrize("calls", ["each", "together"])
def test_scores_are_those_of_the_original(calls: str, run: Any, pytester: pytest.Pytester) -> None:
    with MockServer(judge, models=("doctor", "judge")) as server:
        result = run(*options(server, "judge"), f"--medhelm-rubric-calls={calls}")
        assert result.ret == 0
        asked = [body for body in server.requests if body["model"] == "judge"]
    begun: dict[str, set[str]] = defaultdict(set)
    for body in asked:
        system, user = (message["content"] for message in body["messages"])
        begun[user.rpartition("\nCriteri")[0]].add(system)
    assert len(begun) == 20, "requests about one answer begin alike, for a server's prefix cache"
    assert all(len(systems) == 1 for systems in begun.values())
    everything = {module.TASK.name: load(module, sample_folder(module)) for module in SETS}
    entries = [example for examples in everything.values() for example in examples]
    assert len(asked) == (len(entries) if calls == "together" else sum(len(entry.criteria) for entry in entries))
    for name, examples in everything.items():
        found = cell(leaderboard(pytester.path), name)
        assert found["main_metric"] == "jury"
        compared = 0
        for tag, values in original(examples).items():
            expected = min(1.0, max(0.0, sum(values) / len(values)))
            kind, _, group = tag.partition(":")
            if kind not in ("overall", "axis", "level", "cluster"):
                if kind in found["slices"]:
                    assert found["slices"][kind]["values"][group]["value"] == pytest.approx(expected, abs=1e-6)
                continue
            summary = found["metrics"]["jury" if tag == "overall" else tag_metric(tag)]
            assert summary["value"] == pytest.approx(expected, abs=1e-6)
            assert (summary["n"], summary["missing"]) == (len(values), 0), "examples without the tag are not missing"
            assert summary["low"] <= summary["value"] <= summary["high"]
            compared += 1
        assert compared >= 2 or name.endswith("professional")
    full = cell(leaderboard(pytester.path), "health_bench")
    assert full["metrics"]["jury"]["bootstrap_error"] > 0
    assert full["metrics"]["length_adjusted"]["value"] >= full["metrics"]["jury"]["value"], "the answer is short"


def test_a_negative_example_is_no_negative_value(run: Any, pytester: pytest.Pytester) -> None:
    """Of +10 and -2, of which only the fault is met: -0.20, and alone 0."""
    pytester.makepyfile(
        test_pts="""
        from pathlib import Path
        from pytest_medhelm import DataFile, Instance, PointsCriterion, PointsRubric, Task

        def load(path):
            for name in path.read_text().split():
                yield Instance(
                    name, f"Question {name}?", "", criteria=(PointsCriterion("good", 10), PointsCriterion("bad", -2))
                )

        TASK = Task(
            name="pts", title="Points", subcategory="Planning Treatments", access="public", kind="jury",
            files=(DataFile("names.txt"),), load=load, main_metric="jury", licence="CC0-1.0", source="the tests",
            rubric=PointsRubric("pts", "0"), folder=Path(__file__).parent,
        )

        def prompt(instance):
            return instance.question

        def test_pts(instance, response, score, jury):
            jury.grade(response)
        """
    )
    (pytester.path / "names.txt").write_text("a")

    def say(body: dict[str, Any]) -> str:
        if body["model"] == "doctor":
            name = body["messages"][0]["content"].split()[1].strip("?")
            return f"An answer to {name if name in 'ac' else 'b'}."
        text = body["messages"][1]["content"]
        good = text.endswith("good")
        if "answer to c" in text:
            return '{"criteria_met": false}' if good else "Who knows?"
        return json.dumps({"explanation": "", "criteria_met": good if "answer to b" in text else not good})

    with MockServer(say, models=("doctor", "judge")) as server:
        asked = ["--medhelm-model=vllm/doctor", "--medhelm-judge=vllm/judge", f"--medhelm-base-url={server.url}"]
        run("test_pts.py", *asked)
        (alone,) = records(pytester.path)
        assert alone["scores"]["jury"] == pytest.approx(-0.2)
        value = cell(leaderboard(pytester.path), "pts")["metrics"]["jury"]
        assert value["value"] == 0.0
        (pytester.path / "names.txt").write_text("a b")
        run("test_pts.py", *asked)
        value = cell(leaderboard(pytester.path), "pts")["metrics"]["jury"]
        assert value["value"] == pytest.approx(0.4)
        assert value["n"] == 2
        page = (pytester.path / "medhelm-results/default/leaderboard.html").read_text("utf-8")
        assert "mean over all instances, with what is missing" not in page
        (pytester.path / "names.txt").write_text("b c d e f")
        run("test_pts.py", *asked, "--medhelm-gate=*.judge_error <= 1")
    value = cell(leaderboard(pytester.path), "pts")["metrics"]["jury"]
    assert (value["value"], value["n"], value["missing"]) == (1.0, 4, 1)
    # Of c it is known that nothing good was met: at worst (4 - 0.2) / 5, at best 4 / 5, and the value is of the others.
    assert (value["worst"], value["best"]) == pytest.approx((0.76, 0.8))
    page = (pytester.path / "medhelm-results/default/leaderboard.html").read_text("utf-8")
    assert "mean over all instances, with what is missing at its worst and at its best" in page


def test_missing_verdicts_leave_the_complete_examples_alone(run: Any, pytester: pytest.Pytester) -> None:
    """One criterion cannot be judged: its examples are missing, the others keep their scores, and the bounds hold."""
    odd = load(SETS[0], sample_folder(SETS[0]))[0].criteria[0].text

    with MockServer(lambda body: judge(body, lambda text: text == odd), models=("doctor", "judge")) as server:
        run(*options(server, "judge"), "--medhelm-gate=*.judge_error <= 1")
        again = sum("cannot be used" in str(body["messages"]) for body in server.requests)
        assert again == 1, "asked once more"
    examples = load(SETS[0], sample_folder(SETS[0]))
    whole = original(examples)["overall"]
    found = cell(leaderboard(pytester.path), "health_bench")["metrics"]["jury"]
    assert (found["n"], found["missing"]) == (len(examples) - 1, 1)
    rest = original([entry for entry in examples if odd not in {item.text for item in entry.criteria}])["overall"]
    assert found["value"] == pytest.approx(min(1, max(0, sum(rest) / len(rest))), abs=1e-6)
    true = min(1, max(0, sum(whole) / len(whole)))
    assert found["worst"] - 1e-6 <= true <= found["best"] + 1e-6
    assert found["best"] - found["worst"] <= 1 / len(examples) + 1e-6, "one verdict leaves little open"


def test_with_half_of_the_verdicts_missing_there_is_no_value(run: Any, pytester: pytest.Pytester) -> None:
    def unreadable(text: str) -> bool:
        return Random(f"half{text}").random() < 0.5

    with MockServer(lambda body: judge(body, unreadable), models=("doctor", "judge")) as server:
        run(*options(server, "judge"), "--medhelm-gate=*.judge_error <= 1")
    found = cell(leaderboard(pytester.path), "health_bench")["metrics"]["jury"]
    assert found["value"] is None
    assert "verdicts on criteria are missing" in found["note"]
    assert not found["note"].startswith("no value"), "the reports say so"
    assert 0 <= found["worst"] < found["best"] <= 1


def test_what_the_model_did_counts(run: Any, pytester: pytest.Pytester) -> None:
    """An answer that is none scores 0 without a judge; a refusal is graded like any answer."""
    answers: dict[str, tuple[Any, str]] = {
        "antibiotics": ("", "empty"),
        "five weeks": ({"content": "It begins", "finish_reason": "length"}, "truncated"),
        "benign": ({"content": "", "finish_reason": "content_filter"}, "blocked"),
        "blocked nose": ("I'm sorry, but I can't help with that.", "ok"),
        "tap water": ("Boil it.", "ok"),
    }

    def say(body: dict[str, Any]) -> Any:
        if body["model"] != "doctor":
            return judge(body)
        return next(answer for part, (answer, _) in answers.items() if part in body["messages"][0]["content"])

    with MockServer(say, models=("doctor", "judge")) as server:
        run(*options(server, "judge")[:2], "health_bench_consensus", *options(server, "judge")[3:])
        asked = [body for body in server.requests if body["model"] == "judge"]
    assert len(asked) == 2 * 2, "two criteria of two answers"
    found = records(pytester.path)
    assert sorted(record["status"] for record in found) == sorted(status for _, status in answers.values())
    for record in found:
        if record["status"] != "ok":
            assert (record["scores"]["jury"], record["scores"]["length_adjusted"]) == (0.0, 0.0)
            assert record["verdicts"] == []


@pytest.mark.parametrize(
    ("criterion", "told"),
    [
        ({"criterion": "c", "points": 10**400}, "points are a number"),
        ({"criterion": "c", "points": 1e308}, "points are a number"),
        ({"criterion": " ", "points": 1}, "this one is empty"),
        ({"criterion": "c", "points": 1, "tags": 5}, ""),
        ({"criterion": "c", "points": 1, "tags": ["jury", "axis:x", None, ":"]}, ""),
    ],
)
def test_odd_criteria_of_a_file_are_named_or_counted(criterion: dict[str, Any], told: str, tmp_path: Path) -> None:
    row = {
        "prompt_id": "p", "prompt": [{"role": "user", "content": "Q?"}], "example_tags": [],
        "rubrics": [criterion, {"criterion": "other", "points": 2, "tags": []}],
    }  # fmt: skip
    (tmp_path / "eval.jsonl").write_text(json.dumps(row) + "\n")
    if told:
        with pytest.raises(DataError, match=f"eval.jsonl, row 1: .*{told}"):
            list(load(SETS[0], tmp_path))
    else:
        (instance,) = load(SETS[0], tmp_path)
        assert set(instance.criteria[0].tags) <= {"axis:x"}


def test_tags_of_a_criterion_are_counted_once() -> None:
    twice = [PointsCriterion("a", 1, ("axis:x", "axis:x"))]
    assert by_tag(twice) == {"axis_x": [0]}
    alike = [PointsCriterion("a", 1, ("axis:x y", "axis:x_y"))]
    assert by_tag(alike) == {"axis_x_y": [0]}, "two ways to write one group"


def test_two_models_are_compared_although_examples_lie_below_zero(run: Any, pytester: pytest.Pytester) -> None:
    """One meets what is good, the other what is bad: differences of single examples are larger than the scale."""

    def say(body: dict[str, Any]) -> str:
        if body["model"] != "judge":
            return f"I am {body['model']}."
        text = body["messages"][1]["content"]
        wanted = "I am good." in text
        return json.dumps({"explanation": "", "criteria_met": ("[-" not in text.rpartition("Criterion:")[2]) is wanted})

    with MockServer(say, models=("good", "bad", "judge")) as server:
        result = run(
            options(server)[0], "-k", "health_bench_hard", "--medhelm-model=vllm/good", "--medhelm-model=vllm/bad",
            "--medhelm-judge=vllm/judge", f"--medhelm-base-url={server.url}",
        )  # fmt: skip
    assert result.ret == 0
    (pair,) = leaderboard(pytester.path)["results"]["paired"]
    assert abs(pair["difference"]) > 1
    assert pair["low"] < pair["difference"] < pair["high"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("points:\n- {criterion: a, points: 0}\n", "line 2, column 26: points are a number other than 0"),
        ("points: []\n", "points is a list, and this one is empty"),
        ("points:\n- {criterion: a, points: 1}\n- {criterion: a, points: 2}\n", "the criterion 'a' stands here twice"),
        ("points:\n- {criterion: a, points: much}\n", "line 2, column 26: "),
        ("points:\n- {criterion: a, points: -3}\n", "line 2, column 1: at least one criterion needs positive points"),
        ("points:\n- {points: 3}\n", "line 2, column 3: "),
        ("points:\n- {criterion: a, points: 1, tags: [jury]}\n", "the tag 'jury' names no group: write kind:name"),
        ("points:\n- {criterion: a, points: 1, tags: ['jury:helm']}\n", "the tag 'jury:helm' names no group"),
        ("points:\n- {criterion: a, points: 5000000000}\n", "points are a number, e.g. 5 or -8, not 5000000000"),
        ("points:\n- {criterion: ' ', points: 1}\n", "line 2, column 15: criterion has no value"),
        ("scale: [1, 5]\npoints:\n- {criterion: a, points: 3}\n", "line 1, column 8: scale does not go with points"),
        ("points: []\n", "line 1, column 9: "),
    ],
)
def test_a_wrong_list_of_points_names_its_place(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_rubric(tmp_path / "own.yaml")
    assert told in str(caught.value)


def test_a_list_of_points_is_read(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "title: Advice\npoints:\n- {criterion: Names the dose, points: 5, tags: ['axis:accuracy']}\n"
        "- {criterion: Promises a cure, points: -8}\n"
    )
    rubric = read_rubric(tmp_path / "own.yaml")
    assert isinstance(rubric, PointsRubric)
    assert rubric.criteria == (
        PointsCriterion("Names the dose", 5, ("axis:accuracy",)),
        PointsCriterion("Promises a cure", -8),
    )
    assert rubric.criteria_for(()) == rubric.criteria
    with pytest.raises(ConfigError, match="has no criteria, and the instance brings none"):
        PointsRubric("empty", "0").criteria_for(())
