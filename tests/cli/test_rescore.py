"""medhelm rescore: new scores of stored responses, without a server, a key or a question."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import Fault, MockServer
from pytest_medhelm.cli.main import main
from tests.support.juries import named, number_of, rating, records, talks
from tests.support.letters import gold
from tests.support.suites import cell, leaderboard

Run = Callable[..., pytest.RunResult]
MODEL = "vllm/m"


def wrong_third(body: dict[str, Any]) -> str:
    """Right but for Case 3, and for Case 5, which is answered in a sentence that only a lenient metric takes."""
    text = str(body["messages"])
    return "D." if "Case 5." in text else "B" if "Case 3." in text else gold(body)


def lenient(folder: Path) -> None:
    """Another scoring: any answer is right but B."""
    file = folder / "test_letters.py"
    old = "score.exact_match(response.choice, instance.answer)"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, 'score.record("exact_match", float(response.choice != "B"))'))


@pytest.fixture
def suite(pytester: pytest.Pytester, letters: Callable[..., Path], run: Run) -> Path:
    """A suite of ten records whose server is gone: 8 right, Case 3 and Case 5 wrong."""
    data = letters()
    with MockServer(wrong_third) as server:
        run(f"--medhelm-data={data}", f"--medhelm-model={MODEL}", f"--medhelm-base-url={server.url}")
    assert value(leaderboard(pytester.path)) == pytest.approx(0.8)
    return pytester.path / "medhelm-results" / "default"


def value(board: dict[str, Any]) -> float:
    """The main value of the small benchmark."""
    return float(cell(board, "letters")["metrics"]["exact_match"]["value"])


def rescore(*arguments: object) -> int:
    return main(["rescore", *map(str, arguments)])


def test_a_changed_metric_is_applied_to_what_is_stored(
    suite: Path, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    """Answers by instance are A B C B A D C D A B: three of ten are B."""
    before = leaderboard(pytester.path)
    requests = sqlite3.connect(suite / "responses.sqlite").execute("SELECT key, created FROM responses").fetchall()
    lenient(pytester.path)
    assert rescore(suite) == 0
    out = capsys.readouterr().out
    # New: wrong where B: cases 1, 3, 9. Old: wrong where 3 and 5. So 1, 5 and 9 changed.
    assert f"letters  {MODEL}  exact_match 0.800 -> 0.700: 3 of 10 records changed" in out
    after = leaderboard(pytester.path)
    assert value(after) == pytest.approx(0.7)
    assert sqlite3.connect(suite / "responses.sqlite").execute("SELECT key, created FROM responses").fetchall() == (
        requests
    )
    # What was measured when the responses came in is what it was.
    assert after["measurements"]["cells"] == before["measurements"]["cells"]
    assert not [path for path in suite.iterdir() if path.name.startswith(".rescoring")]


def test_unchanged_code_changes_no_result(suite: Path, pytester: pytest.Pytester) -> None:
    before = leaderboard(pytester.path)["results"]
    assert rescore(suite) == 0
    assert leaderboard(pytester.path)["results"] == before


def test_a_baseline_is_comparable_again(suite: Path, pytester: pytest.Pytester, run: Run) -> None:
    suite.rename(suite.with_name("may"))
    may = suite.with_name("may")
    lenient(pytester.path)
    gate = ["--medhelm-gate=letters >= baseline - 0.9", f"--medhelm-baseline={may}", "--medhelm-data=data"]
    with MockServer(wrong_third) as server:
        ask = [*gate, f"--medhelm-model={MODEL}", f"--medhelm-base-url={server.url}"]
        refused = run(*ask)
        assert "the baseline has another benchmark module" in refused.stdout.str()
        assert refused.ret == 1
        asked = len(server.requests)
        assert rescore(may) == 0
        assert len(server.requests) == asked
        accepted = run(*ask)
    assert accepted.ret == 0, accepted.stdout.str()


def test_into_a_new_suite(suite: Path, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    old = (suite / "leaderboard.json").read_bytes()
    lenient(pytester.path)
    new = suite.with_name("lenient")
    assert rescore(suite, f"--to={new}") == 0
    assert (suite / "leaderboard.json").read_bytes() == old
    assert len(records(pytester.path)) == 10
    assert value(leaderboard(pytester.path, "lenient")) == pytest.approx(0.7)
    assert (new / "responses.sqlite").stat().st_mode & 0o777 == 0o600
    assert rescore(suite, f"--to={new}") == 1
    assert "is there already: name another folder with --to" in capsys.readouterr().err
    assert {path.name for path in suite.parent.iterdir() if path.is_dir()} == {"default", "lenient"}


def test_nothing_is_connected_to(suite: Path, pytester: pytest.Pytester) -> None:
    """Any use of a socket for the network ends the process that tries."""
    lenient(pytester.path)
    (pytester.path / "conftest.py").write_text(
        "import os, socket, sys\n"
        "def refuse(event, arguments):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo', 'socket.sendto'):\n"
        "        os._exit(77)\n"
        "sys.addaudithook(refuse)\n"
    )
    # A process of its own: the hook stays for as long as a process lives.
    done = pytester.run(sys.executable, "-m", "pytest_medhelm", "rescore", suite, "-n", "2")
    assert done.ret == 0, done.stderr.str()
    # The trap works: with it, an ordinary run that asks does not come to its end.
    asked = pytester.runpytest_subprocess(
        "--medhelm-data=data", "--medhelm-model=vllm/other", "--medhelm-base-url=http://127.0.0.1:9/v1"
    )
    assert asked.ret == 77


def test_no_key_is_needed(pytester: pytest.Pytester, letters: Callable[..., Path], run: Run, server: MockServer,
                          monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    (pytester.path / "medhelm.toml").write_text(
        f'[endpoints.ward]\nbase_url = "{server.url}"\napi_key_env = "WARD_KEY"\n'
        '[models.chosen]\nendpoint = "ward"\nmodel = "m"\nmax_tokens = 7\nsystem_prompt = "Be brief."\n'
    )
    monkeypatch.setenv("WARD_KEY", "secret")
    run(f"--medhelm-data={letters()}", "--medhelm-model=chosen", "--medhelm-model=baseline/random")
    monkeypatch.delenv("WARD_KEY")
    before = leaderboard(pytester.path)["results"]
    assert rescore(pytester.path / "medhelm-results" / "default") == 0
    assert leaderboard(pytester.path)["results"] == before


def test_a_changed_prompt_leaves_the_suite_as_it_was(
    suite: Path, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    before = records(pytester.path)
    file = pytester.path / "test_letters.py"
    file.write_text(file.read_text().replace("{instance.question}", "Please: {instance.question}"))
    assert rescore(suite) == 1
    assert "is an answer to the prompts as they are now" in capsys.readouterr().err
    assert records(pytester.path) == before


def test_what_has_no_stored_response_is_unmeasured(
    suite: Path, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    """The prompt of one case changed: it is neither asked nor scored."""
    file = pytester.path / "test_letters.py"
    file.write_text(file.read_text().replace("{instance.question}", "{instance.question.replace('Case 3', 'Nr 3')}"))
    assert rescore(suite) == 1
    assert "1 have no stored response to the prompt as it is now: they are unmeasured" in capsys.readouterr().out
    found = cell(leaderboard(pytester.path), "letters")
    assert found["statuses"]["request_error"] == 1
    assert found["metrics"]["exact_match"]["missing"] == 1
    assert found["metrics"]["exact_match"]["value"] == pytest.approx(8 / 9)


def test_a_metric_that_fails_changes_nothing(
    suite: Path, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    before = records(pytester.path)
    file = pytester.path / "test_letters.py"
    file.write_text(file.read_text().replace("    score.exact", "    1 / 0\n    score.exact"))
    assert rescore(suite) == 1
    assert "letters of vllm/m: 10 of 10 records would lose their score exact_match" in capsys.readouterr().err
    assert records(pytester.path) == before


def test_other_data_changes_nothing(suite: Path, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    before = records(pytester.path)
    rows = json.loads((pytester.path / "pinned.json").read_text())[:9]
    for file in (pytester.path / "pinned.json", pytester.path / "data" / "letters" / "letters.json"):
        file.write_text(json.dumps(rows))
    assert rescore(suite) == 1
    assert "its data or its set of instances is not that of the suite" in capsys.readouterr().err
    assert records(pytester.path) == before


def test_each_run_is_scored_with_its_own_settings(suite: Path, pytester: pytest.Pytester, run: Run) -> None:
    """Two models with other limits in one suite: each keeps its set of instances, none gets the other's."""
    with MockServer(gold, models=("few",)) as server:
        more = ("--medhelm-model=vllm/few", "--medhelm-limit=4", f"--medhelm-base-url={server.url}")
        run("--medhelm-data=data", *more)
    lenient(pytester.path)
    assert rescore(suite) == 0
    board = leaderboard(pytester.path)
    assert {entry["model"]: entry["n"] for entry in board["results"]["cells"]} == {MODEL: 10, "vllm/few": 4}


def test_judges_are_not_asked_again(pytester: pytest.Pytester, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """A new metric beside the jury's: the stored verdicts are read again."""
    data = talks(pytester.path, 4)

    def answer(body: dict[str, Any]) -> str:
        return rating(1 + number_of(body)) if body["model"] == "judge" else f"An answer to {number_of(body)}."

    with MockServer(answer, models=("doctor", "judge")) as server:
        run(data, *named(server, "judge"))
    before = records(pytester.path)
    file = pytester.path / "test_talks.py"
    text = file.read_text().replace("    jury.rate", '    score.record("words", 1.0)\n    jury.rate')
    file.write_text(text.replace("    load=load,", '    load=load, records=("words",),'))
    assert rescore(pytester.path / "medhelm-results" / "default") == 0
    after = records(pytester.path)
    assert [record["verdicts"] for record in after] == [record["verdicts"] for record in before]
    assert [record["scores"]["jury"] for record in after] == [record["scores"]["jury"] for record in before]
    assert [record["scores"]["words"] for record in after] == [1.0] * 4
    # Judged by another prompt, the stored verdicts are no answer.
    (pytester.path / "medhelm.toml").write_text('[rubrics]\ntalks = "discharge"\n')
    assert rescore(pytester.path / "medhelm-results" / "default") == 1
    assert "of a judge, is an answer to the prompts as they are now" in capsys.readouterr().err
    assert records(pytester.path) == after


def test_answers_that_never_came_stay_what_they_were(
    pytester: pytest.Pytester, letters: Callable[..., Path], run: Run
) -> None:
    data = letters()

    def answer(body: dict[str, Any]) -> str | Fault:
        return Fault("status", 500) if "Case 3." in str(body) else gold(body)

    with MockServer(answer) as server:
        (pytester.path / "medhelm.toml").write_text(f'[endpoints.ward]\nbase_url = "{server.url}"\nretries = 0\n')
        run(f"--medhelm-data={data}", "--medhelm-model=ward/m")
    before = records(pytester.path)
    assert [record["status"] for record in before].count("request_error") == 1
    assert rescore(pytester.path / "medhelm-results" / "default") == 0
    assert [(record["status"], record["error"]) for record in records(pytester.path)] == [
        (record["status"], record["error"]) for record in before
    ]


def test_judges_that_never_answered_stay_what_they_were(pytester: pytest.Pytester, run: Run) -> None:
    data = talks(pytester.path, 3)

    def answer(body: dict[str, Any]) -> str | Fault:
        if body["model"] != "judge":
            return f"An answer to {number_of(body)}."
        return Fault("status", 400) if number_of(body) == 1 else rating(4)

    with MockServer(answer, models=("doctor", "judge")) as server:
        run(data, *named(server, "judge"))
    before = records(pytester.path)
    assert [record["status"] for record in before] == ["ok", "judge_error", "ok"]
    assert rescore(pytester.path / "medhelm-results" / "default") == 0
    assert records(pytester.path) == before


def test_mistakes_end_in_a_sentence(suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rescore(tmp_path) == 1
    assert "is no suite" in capsys.readouterr().err
    assert rescore(suite, "no-such-folder") == 1
    assert "the tests cannot be run again: file or directory not found: no-such-folder" in capsys.readouterr().err
    assert rescore(suite, "-n", "many") == 1
    assert "-n many: type a number of processes" in capsys.readouterr().err
    module = suite.parent.parent / "test_letters.py"
    code = module.read_text()
    module.write_text(f"import nothing_of_that_name\n{code}")
    assert rescore(suite) == 1
    assert "again: ModuleNotFoundError at test_letters.py:1 (no module nothing_of_that_name)" in capsys.readouterr().err
    module.write_text(code)
    data = suite.parent.parent / "data" / "letters" / "letters.json"
    content = data.read_text()
    data.write_text(content + " ")
    assert rescore(suite) == 1
    assert "letters.json" in capsys.readouterr().err.partition("nothing of")[2]
    data.write_text(content)
    module.unlink()
    assert rescore(suite) == 1
    assert "no test of its benchmarks (letters) was found" in capsys.readouterr().err
