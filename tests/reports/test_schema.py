"""docs/leaderboard.schema.json says in words what each field is; real leaderboards have these fields and no more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from perf.mock_server import MockServer
from pytest_medhelm.results.leaderboard.aggregate import SCHEMA as VERSION
from pytest_medhelm.results.leaderboard.published import read_published
from tests.support.checks import some
from tests.support.juries import NAMES, named, number_of, rating, talks
from tests.support.letters import gold
from tests.support.paths import BENCHMARKS, CHECKOUT
from tests.support.suites import leaderboard

SCHEMA: dict[str, Any] = json.loads((CHECKOUT / "docs/leaderboard.schema.json").read_text(encoding="utf-8"))

OWN = """
name: triage
subcategory: Care Coordination and Planning
data: calls.csv
columns: {id: call, slices: [site]}
prompt: "Route this call: {text}"
answer: {kind: label, column: route, choices: [urgent, routine], positive: urgent}
"""
CALLS = "call,text,route,site\n1,Chest pain,urgent,north\n2,Repeat script,routine,north\n3,Stroke,urgent,south\n"


def check(board: Mapping[str, Any]) -> None:
    """Fail with the place and the reason of everything that the schema does not describe."""
    faults = [
        f"results of {'/'.join(map(str, fault.absolute_path))}: {fault.message[:300]}"
        for fault in Draft202012Validator(SCHEMA).iter_errors(board)
    ]
    assert not faults, "\n".join(faults)


def parts(schema: object, where: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every subschema with its place."""
    if isinstance(schema, Mapping):
        yield where, schema
    found = schema.items() if isinstance(schema, Mapping) else enumerate(schema) if isinstance(schema, list) else ()
    for name, value in found:
        yield from parts(value, f"{where}/{name}")


def test_it_is_a_schema_of_this_version() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema"]["const"] == VERSION


def test_every_field_is_described() -> None:
    fields = {
        f"{where}/{name}": value
        for where, schema in parts(SCHEMA)
        if isinstance(schema.get("properties"), Mapping) and schema.get("type") == "object"
        for name, value in schema["properties"].items()
    }
    assert len(fields) > 100
    described = {
        where: schema.get("description")
        or SCHEMA["$defs"].get(schema.get("$ref", "").rpartition("/")[2], {}).get("description")
        for where, schema in fields.items()
    }
    assert [where for where, text in described.items() if not text] == []


def test_every_object_is_closed() -> None:
    """Its fields are listed, or it is a table from names to values of one kind."""
    objects = {where: schema for where, schema in parts(SCHEMA) if schema.get("type") == "object"}
    assert [where for where, schema in objects.items() if schema.get("additionalProperties", True) is True] == []
    listed = [schema for schema in objects.values() if schema["additionalProperties"] is False]
    assert all(set(schema["required"]) <= set(schema["properties"]) for schema in some(listed))


def test_a_field_that_nobody_described_is_found(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    assert run("--medhelm-model=baseline/random", f"--medhelm-data={letters(3)}").ret == 0
    board = leaderboard(pytester.path)
    check(board)
    (cell,) = board["results"]["cells"]
    for place in (board, board["results"], cell, cell["metrics"]["exact_match"], board["measurements"]["spending"]):
        place["news"] = 1
        with pytest.raises(AssertionError, match="'news' was unexpected"):
            check(board)
        del place["news"]
    del cell["n"]
    with pytest.raises(AssertionError, match="'n' is a required property"):
        check(board)


def jury_reply(body: dict[str, Any]) -> Any:
    """A doctor that fails once, a judge that often gives no verdict, and one that sees harm."""
    name, number = body["model"], number_of(body)
    if name in ("gpt-4o", "llama", "third"):
        return {
            "content": "" if number == 0 else f"{name} says rest.",
            "usage": {"prompt_tokens": 9, "completion_tokens": 3},
        }
    if name == "strict" and number % 2:
        return "no verdict"
    content = rating(number % 5 + 1, 4, 3, harm="severe" if number == 2 else "none", kinds=["omission"] * (number == 2))
    return {"content": content, "usage": {"prompt_tokens": 90, "completion_tokens": 30}}


def test_a_jury_with_harm_costs_gates_and_humans(run: Any, pytester: pytest.Pytester) -> None:
    data = talks(pytester.path, 6, ["a", "a", "b", "b", "c", "d"])
    (pytester.path / "ward.csv").write_text("benchmark,instance,answer\ntalks,t001,Rest.\ntalks,t9,Rest.\n")
    (pytester.path / "medhelm.toml").write_text(
        '[models."vllm/gpt-4o"]\nprice = { input = 1, output = 2 }\nstructured = false\n'
        '[models."vllm/strict"]\nprice = { input = 1, output = 2 }\n'
    )
    with MockServer(jury_reply, models=("gpt-4o", "llama", "third", "gpt-4", "strict")) as server:
        options = named(server, "gpt-4", "strict", models=("gpt-4o", "llama", "third"))
        human = ["--medhelm-model=human/ward.csv", "--medhelm-model=baseline/lexical"]
        rules = ["--medhelm-gate=talks >= 2", "--medhelm-gate=*.judge_error <= 1", "--medhelm-judge-repeats=2"]
        assert run(*options, *human, *rules, data).ret == 1, "nobody compared these judges with clinicians"
    board = leaderboard(pytester.path)
    check(board)
    results = board["results"]
    assert {facts["kind"] for facts in results["models"]} == {"candidate", "human", "baseline"}
    assert results["gates"]
    assert results["jury"]["same_vendor"]
    (jury,) = results["jury"]["benchmarks"]
    assert len(jury["alone"]["judges"]) == 2
    assert set(jury["judges"][0]["bias"]) == set(SCHEMA["$defs"]["EstimateEntry"]["properties"])
    cell = next(cell for cell in results["cells"] if cell["model"] == "vllm/llama")
    assert {f"jury_{name}" for name in NAMES} <= cell["metrics"].keys()
    summaries = [summary for cell in results["cells"] for summary in cell["metrics"].values()]
    seen = set().union(*summaries)
    assert {"one_sided", "completeness", "leave_one_judge_out", "two_way_estimate"} <= seen
    assert board["measurements"]["spending"]["paid_now"] > 0


def test_pairs_parts_of_a_set_and_ones_own(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    data = letters(8)
    (pytester.path / "triage.medhelm.yaml").write_text(OWN)
    (pytester.path / "calls.csv").write_text(CALLS)
    with MockServer(lambda body: gold(body) if "Gold" in str(body) else "urgent", models="ab") as server:
        options = [*named(server, models="ab"), f"--medhelm-data={data}", "--medhelm-show-published"]
        assert run(*options).ret == 0
        check(leaderboard(pytester.path))
        assert len(leaderboard(pytester.path)["results"]["paired"]) == 2
        part = run(*options, "-k", "q001", "--medhelm-limit=7", "--medhelm-gate=letters >= 0.5")
        assert part.ret == 1
    board = leaderboard(pytester.path)
    check(board)
    assert any(cell["partial"] for cell in board["results"]["cells"])
    assert board["results"]["gates"][0]["verdict"] == "not evaluated"


def test_an_empty_board(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    letters(2)
    assert run("--medhelm-model=baseline/random", "--medhelm-gate=letters >= 0.5", "-k", "nothing").ret == 1
    check(leaderboard(pytester.path))


def any_form(body: dict[str, Any]) -> str:
    """A judge that fills whatever form it is given."""
    return json.dumps(filled(body["response_format"]["json_schema"]["schema"]))


def filled(form: Mapping[str, Any]) -> Any:
    """The first value that a judge's form allows."""
    if "enum" in form:
        return form["enum"][0]
    if form["type"] == "object":
        return {name: filled(part) for name, part in form["properties"].items()}
    return {
        "string": "as seen",
        "array": [],
        "boolean": True,
        "integer": form.get("minimum", 1),
        "number": form.get("minimum", 1),
    }[form["type"]]


def test_every_benchmark_of_the_package(run: Any, pytester: pytest.Pytester) -> None:
    """Also: each metric that a published figure is set beside is one that we record."""
    with MockServer(any_form, models=("judge",)) as server:
        (pytester.path / "medhelm.toml").write_text(f"[endpoints.house]\nbase_url = '{server.url}'\n")
        result = run(
            BENCHMARKS,
            "--medhelm-model=baseline/random",
            "--medhelm-model=baseline/lexical",
            "--medhelm-judge=house/judge",
            "--medhelm-limit=2",
            "-q",
        )
    assert result.ret == 0
    board = leaderboard(pytester.path)
    check(board)
    cells = {cell["benchmark"]: cell for cell in board["results"]["cells"]}
    assert len(cells) > 45, result.stdout.str()[-2000:]
    assert any(cell["absent"] for cell in cells.values())
    assert any(cell["sub_tasks"] for cell in cells.values())
    compared = {entry["benchmark"]: entry["metric"] for entry in read_published()["benchmarks"]}
    assert {name: metric for name, metric in compared.items() if metric not in cells[name]["scores"]} == {}


def test_it_follows_from_the_types() -> None:
    path = CHECKOUT / "docs" / "schema.py"
    spec = spec_from_file_location("docs_schema", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.text() == module.FILE.read_text("utf-8"), "type: python docs/schema.py"
