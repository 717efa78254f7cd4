"""Human answers: scored like a model's, missing where nobody answered, outside of ranking and gates."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.results.store.suite import Suite
from tests.support.benchmark_modules import MODULES
from tests.support.juries import rating, records, talks
from tests.support.letters import gold
from tests.support.paths import BENCHMARKS
from tests.support.suites import cell, leaderboard

# Of the six instances q000 to q005 the right letters are A, B, C, D, A, B.
ANSWERS = """benchmark,instance,answer,comment
letters,q000,A,sure
letters,q001,"The answer is (B).",
letters,q002,D,
letters,q003,"no idea
at all",
letters,q004,,not asked
letters,q999,A,
other,x1,A,
"""


def answers(folder: Path, text: str = ANSWERS, name: str = "ward.csv") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return f"--medhelm-model=human/{name}"


def test_answers_are_scored_and_gaps_are_missing(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    result = run(answers(pytester.path), f"--medhelm-data={letters(6)}")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*human/ward has answers: 5 to letters, 1 to other", "*2 skipped, 1 answer of the file fit no instance here"]
    )
    board = leaderboard(pytester.path)
    assert "no idea" not in result.stdout.str() + json.dumps(board)
    found = cell(board, "letters", "human/ward")
    # two right, one wrong, one that names no letter; two were not answered
    assert found["statuses"] == {"ok": 3, "unparsed": 1, "skipped": 2}
    summary = found["metrics"]["exact_match"]
    assert (summary["value"], summary["n"], summary["missing"]) == (0.5, 4, 2)
    assert (summary["worst"], summary["best"]) == pytest.approx((2 / 6, 4 / 6))
    assert found["scores"]["exact_match"] == [1, 1, 0, 0, None, None]
    assert found["unmatched"] == 1
    assert not found["partial"]
    (facts,) = board["results"]["models"]
    assert (facts["kind"], facts["name"]) == ("human", "human/ward")
    assert board["measurements"]["spending"]["models"] == {}


def test_the_pages_show_what_was_not_answered(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    assert run(answers(pytester.path), f"--medhelm-data={letters(6)}").ret == 0
    text = (pytester.path / "medhelm-results/default/browser/letters-0.js").read_text()
    assert "has no answer to this" in text
    assert "Case 5. Gold B." in text


def test_a_cell_that_is_no_benchmark_s_name_is_not_shown(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    rows = 'benchmark,instance,answer\n"Mr Rivers, 61, chest pain",q000,A\nletters,q000,A\n'
    result = run(answers(pytester.path, rows), f"--medhelm-data={letters(2)}")
    result.stdout.fnmatch_lines(["*human/ward has answers: 1 to letters, 1 to what is no benchmark"])
    assert "Rivers" not in result.stdout.str()


def test_the_config_file_names_a_file_beside_it(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    house = pytester.mkdir("house")
    answers(house, name="2026-11 day shift.csv")
    (house / "medhelm.toml").write_text("[models.'human/day']\nanswers = '2026-11 day shift.csv'\n")
    result = run(
        "--medhelm-model=human/day", "--medhelm-config=house/medhelm.toml", f"--medhelm-data={letters(6)}", "-v"
    )
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*human/day-q002* SCORED ok 0.00*", "*human/day-q004* UNMEASURED*"])
    assert cell(leaderboard(pytester.path), "letters", "human/day")["statuses"]["ok"] == 3


def test_humans_are_neither_ranked_nor_compared_nor_gated(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data, human = f"--medhelm-data={letters(6)}", answers(pytester.path)
    with MockServer(gold, models="abc") as server:
        base = f"--medhelm-base-url={server.url}"
        two = [f"--medhelm-model=vllm/{name}" for name in "ab"]
        assert run(*two, human, base, data, "--medhelm-gate=letters >= 0.9").ret == 0, "the human has 0.5"
        assert run(*two, "--medhelm-model=vllm/c", human, base, data, "--medhelm-suite=three").ret == 0
    results = leaderboard(pytester.path)["results"]
    assert {gate["model"] for gate in results["gates"]} == {"vllm/a", "vllm/b"}
    assert [row["models"] for row in results["paired"]] == [["vllm/a", "vllm/b"]]
    rate = leaderboard(pytester.path, "three")["results"]["win_rate"]
    assert rate["pool"] == ["vllm/a", "vllm/b", "vllm/c"]
    assert set(rate["rates"]) == set(rate["pool"])


def test_a_gate_needs_a_model_beside_the_humans(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    human, data, gate = answers(pytester.path), f"--medhelm-data={letters(6)}", "--medhelm-gate=letters >= 0.9"
    result = run(human, data, gate)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*human answers are not gated: name a model as well*"])
    assert run(human, "--medhelm-model=baseline/majority", data, gate).ret == 1
    assert {entry["model"] for entry in leaderboard(pytester.path)["results"]["gates"]} == {"baseline/majority"}


def private(pytester: pytest.Pytester) -> None:
    path = pytester.path / "test_letters.py"
    path.write_text(path.read_text().replace('access="public"', 'access="private"'))


def test_private_instances_go_by_either_id(
    letters: Callable[..., Path],
    run: Any,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MEDHELM_ID_KEY", "one")
    data = f"--medhelm-data={letters(3)}"
    private(pytester)
    assert run("--medhelm-model=baseline/random", data).ret == 0
    shown = {record["instance"]: record["public_id"] for record in records(pytester.path)}
    rows = f"benchmark,instance,answer\nletters,q000,A\nletters,{shown['q001']},B\n"
    assert run(answers(pytester.path, rows), data).ret == 0
    found = cell(leaderboard(pytester.path), "letters", "human/ward")
    assert found["statuses"] == {"ok": 2, "skipped": 1}
    assert (found["metrics"]["exact_match"]["value"], found["unmatched"]) == (1.0, 0)
    assert "q00" not in json.dumps(leaderboard(pytester.path)["results"])

    twice = run(answers(pytester.path, rows + "letters,q001,C\n"), data)
    assert twice.ret == 1
    twice.stdout.fnmatch_lines([f"*ward.csv answers the instance {shown['q001']} twice, by its id and by its public*"])


def test_other_answers_are_not_mixed_with_earlier_ones(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = f"--medhelm-data={letters(6)}"
    assert run(answers(pytester.path), data).ret == 0
    assert run(answers(pytester.path, ANSWERS.replace("q002,D", "q002,C")), data, "-k", "q002").ret == 0
    found = cell(leaderboard(pytester.path), "letters", "human/ward")
    assert (found["partial"], found["statuses"]) == (True, {"ok": 1})
    assert found["metrics"]["exact_match"]["value"] == 1.0
    assert run(answers(pytester.path, ANSWERS.replace("q002,D", "q002,C")), data).ret == 0
    assert cell(leaderboard(pytester.path), "letters", "human/ward")["metrics"]["exact_match"]["value"] == 0.75


def test_the_words_of_a_model_get_its_scores(run: Any, pytester: pytest.Pytester) -> None:
    """On every benchmark of the package: what a baseline said, said by a person."""
    options = [BENCHMARKS, "--medhelm-limit=2", "--medhelm-suite=sample", "-q"]
    assert run("--medhelm-model=baseline/lexical", *options).ret == 0
    folder = pytester.path / "medhelm-results/sample"
    store, suite = ResponseStore(folder / "responses.sqlite"), Suite(folder)
    with (pytester.path / "echo.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["benchmark", "instance", "answer"])
        for name in suite.cells():
            for record in suite.records(*name):
                content = store.exchange(record["request"]).content
                table.writerow([record["benchmark"], record["instance"], content])
    store.close()
    suite.close()
    assert run("--medhelm-model=human/echo.csv", *options).ret == 0
    cells = leaderboard(pytester.path)["results"]["cells"]
    said = {entry["benchmark"]: entry for entry in cells if entry["model"] == "baseline/lexical"}
    written = {entry["benchmark"]: entry for entry in cells if entry["model"] == "human/echo"}
    assert len(said) > 45
    agents = {module.TASK.name for module in MODULES if module.TASK.kind == "agentic"}
    assert {name: entry["metrics"] for name, entry in written.items() if name not in agents} == {
        name: entry["metrics"] for name, entry in said.items()
    }
    assert not any(entry["unmatched"] for entry in written.values())


def test_judges_rate_what_people_wrote(run: Any, pytester: pytest.Pytester) -> None:
    data = talks(pytester.path, 3)
    rows = "benchmark,instance,answer\ntalks,t000,Rest and fluids.\ntalks,t002,See a doctor.\n"
    with MockServer(lambda body: rating(4), models=["judge"]) as server:
        (pytester.path / "medhelm.toml").write_text(f"[endpoints.house]\nbase_url = '{server.url}'\n")
        result = run(answers(pytester.path, rows), "--medhelm-judge=house/judge", data)
        assert result.ret == 0
        assert len(server.requests) == 2, "what nobody answered is not judged"
    found = cell(leaderboard(pytester.path), "talks", "human/ward")
    assert found["main_metric"] == "jury"
    assert (found["metrics"]["jury"]["value"], found["metrics"]["jury"]["n"]) == (4.0, 2)
    assert found["statuses"] == {"ok": 2, "skipped": 1}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "ward.csv is not there to read"),
        ("", "ward.csv is empty"),
        ("benchmark,instance,answer\n", "ward.csv has no rows"),
        ("benchmark;instance;answer\na;b;c\n", "ward.csv: its cells are separated by semicolons; save it as *commas"),
        ("benchmark,instance,text\na,b,c\n", "ward.csv, row 1: the column 'answer' is missing, *"),
        (
            "benchmark,instance,Answer\na,b,c\n",
            "ward.csv, row 1: the column 'answer' is missing, it is written 'Answer'*",
        ),
        ("benchmark,instance,answer\na,,c\n", "ward.csv, row 1: the column 'instance' is empty"),
        (
            "benchmark,instance,answer\na,b,c\na,b,d\n",
            "ward.csv, row 2: the same instance was answered in row 1 already",
        ),
        ("benchmark,instance,answer\na,b,\na,c,\n", "ward.csv holds no answer"),
        ("benchmark,instance,answer\na,b\n", "ward.csv, row 1: it has 2 cells instead of 3"),
        ("benchmark,instance,answer\na,b,\0\xff\n".encode("latin-1"), "ward.csv, line 2: this is not UTF-8 text*"),
    ],
)
def test_a_wrong_file_is_one_sentence(
    content: str | bytes | None, sentence: str, run: Any, pytester: pytest.Pytester
) -> None:
    if content is not None:
        (pytester.path / "ward.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    result = run("--medhelm-model=human/ward.csv")
    assert result.ret == 4
    columns = "human answers are a CSV file with the columns benchmark, instance, answer"
    result.stderr.fnmatch_lines([f"ERROR: --medhelm-model=human/ward.csv: {sentence}; {columns}"])
    assert "Traceback" not in result.stderr.str()


@pytest.mark.parametrize(
    ("options", "config", "sentence"),
    [
        (
            ["--medhelm-model=human/ward"],
            "",
            "model 'human/ward' names no answers: type --medhelm-model=human/FILE.csv*",
        ),
        (["--medhelm-model=human/ward.xlsx"], "", "model 'human/ward.xlsx' names no answers*"),
        (["--medhelm-model=human/ward.csv", "--medhelm-model=human/a/ward.csv"], "", "two *are called human/ward: *"),
        (
            ["--medhelm-model=baseline/random", "--medhelm-judge=human/ward.csv"],
            "",
            "*a judge must be a language model*",
        ),
        (
            ["--medhelm-model=human/w"],
            "[models.'human/w']\nanswers = 'ward.csv'\nmax_tokens = 9\n",
            "*max_tokens means nothing for human answers*",
        ),
        (
            ["--medhelm-model=ward"],
            "[models.ward]\nanswers = 'ward.csv'\n",
            '*"ward"*has answers: call it [[]models."human/ward"[]]',
        ),
        (["--medhelm-model=human/w"], "[models.'human/w']\nanswers = 3\n", "*answers = 3 is of the wrong type*"),
    ],
)
def test_wrong_names_are_one_sentence(
    options: list[str], config: str, sentence: str, run: Any, pytester: pytest.Pytester
) -> None:
    (pytester.path / "a").mkdir()
    for folder in (pytester.path, pytester.path / "a"):
        answers(folder)
    (pytester.path / "medhelm.toml").write_text(config)
    result = run(*options)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: {sentence}"])


def test_a_model_that_is_a_function_may_have_no_answer(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    pytester.makeconftest(
        "from pytest_medhelm.models.spec import Model\n"
        "def answer(messages, instance, benchmark):\n"
        "    return 'A' if instance and instance.id == 'q000' else None\n"
        "def pytest_medhelm_make_model(name):\n"
        "    return Model(name, 'house', 'some', answer=answer)\n"
    )
    pytester.makepyfile(test_chat="def test_chat(model):\n    model.ask('Hello')\n")
    result = run("--medhelm-model=house/some", f"--medhelm-data={letters(3)}", "-rs")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["SKIPPED*house/some has no answer to this"])
    assert cell(leaderboard(pytester.path), "letters")["statuses"] == {"ok": 1, "skipped": 2}
