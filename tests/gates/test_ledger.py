"""The ledger: every evaluation is in it, no line can be changed unnoticed, and it says what was fixed beforehand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.mock_server import Fault, MockServer
from pytest_medhelm.cli.main import main
from pytest_medhelm.gates.ledger.chain import START, append, hash_of, problems, read
from pytest_medhelm.util.errors import DataError
from tests.support.ledgers import LEDGER, entries, gate
from tests.support.letters import gold
from tests.support.servers import until
from tests.support.suites import leaderboard


def chain(path: Path, count: int) -> list[str]:
    for number in range(count):
        append(path, "finished", {"run": str(number)})
    return path.read_text().splitlines(keepends=True)


# The chain


def test_each_entry_holds_the_hash_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    chain(path, 3)
    found = entries(path)
    assert [entry["number"] for entry in found] == [1, 2, 3]
    assert [entry["previous"] for entry in found] == [START, found[0]["hash"], found[1]["hash"]]
    assert all(entry["hash"] == hash_of(entry) for entry in found)
    assert problems(path) == []
    assert oct(path.stat().st_mode)[-3:] == "600"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: [lines[0], lines[1].replace('"run":"1"', '"run":"9"'), lines[2]], "line 2 was edited"),
        (lambda lines: [lines[0], lines[2]], "line 2 does not follow line 1"),
        (lambda lines: [lines[0], lines[2], lines[1]], "line 2 does not follow line 1"),
        (lambda lines: [lines[0], lines[0], *lines[1:]], "line 2 does not follow line 1"),
        (lambda lines: lines[1:], "line 1 is not the first of a ledger"),
        (lambda lines: [*lines[:2], lines[2][:40]], "line 3 is torn"),
        (lambda lines: [*lines[:2], lines[2].rstrip("\n")], "line 3 is torn"),
        (lambda lines: [lines[0], "{}\n", *lines[2:]], "line 2 is no entry of a ledger"),
        (lambda lines: [lines[0], "[" * 100_000 + "\n", *lines[2:]], "line 2 is no entry of a ledger"),
        (lambda lines: [lines[0], lines[1].replace("{", '{"facts":{"run":"9"},', 1), lines[2]], "line 2 was edited"),
        (lambda lines: [lines[0], lines[1].replace(",", ", "), lines[2]], "line 2 was edited"),
        (lambda lines: [lines[0].replace("\n", "\r"), *lines[1:]], "line 1 is no entry of a ledger"),
        (lambda lines: [*lines, "\n"], "line 4 is no entry of a ledger"),
    ],
)
def test_a_changed_line_is_named(
    change: Callable[[list[str]], list[str]], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text("".join(change(chain(path, 3))), newline="")
    assert problems(path)[0].startswith(said)
    assert main(["ledger", "verify", str(path)]) == 1
    shown = capsys.readouterr()
    assert shown.out.startswith(said)
    assert "is not whole" in shown.err
    with pytest.raises(DataError, match="medhelm ledger verify"):
        read(path)


def test_a_hash_that_was_kept_shows_what_is_missing_at_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ledger.jsonl"
    lines = chain(path, 4)
    newest = f"--hash={entries(path)[-1]['hash']}"
    assert main(["ledger", "verify", str(path), newest]) == 0
    path.write_text("".join(lines[:3]))
    assert main(["ledger", "verify", str(path)]) == 0
    assert main(["ledger", "verify", str(path), newest]) == 1
    assert "lines at its end are missing, or all are new ones" in capsys.readouterr().err
    path.unlink()
    chain(path, 4)
    path.write_text(path.read_text().partition("\n")[2])
    assert main(["ledger", "verify", str(path)]) == 1
    assert "line 1 is not the first of a ledger" in capsys.readouterr().out


def test_a_recomputed_hash_breaks_the_next_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    lines = chain(path, 3)
    second = json.loads(lines[1])
    second["facts"] = {"run": "forged"}
    second["hash"] = hash_of(second)
    path.write_text("".join([lines[0], json.dumps(second, sort_keys=True, separators=(",", ":")) + "\n", lines[2]]))
    assert problems(path) == ["line 3 does not follow line 2: a line was edited, removed, added or moved"]


@given(st.data())
def test_no_single_byte_can_be_changed_unnoticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("ledger") / "ledger.jsonl"
    chain(path, 2)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    assert problems(path) != []


def test_a_clock_that_goes_backwards_breaks_no_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.jsonl"
    append(path, "lock", {})

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime(2001, 1, 1, tzinfo=tz)

    monkeypatch.setattr("pytest_medhelm.gates.ledger.chain.datetime", Earlier)
    append(path, "finished", {})
    assert [(entry.kind, entry.time[:4] == "2001") for entry in read(path)] == [("lock", False), ("finished", True)]


def test_a_torn_end_is_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    chain(path, 1)
    with path.open("a") as file:
        file.write('{"number": 2, "ti')
    with pytest.raises(DataError, match="its last line is torn"):
        append(path, "finished", {})


def test_processes_append_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    code = "import sys; from pathlib import Path; from pytest_medhelm.gates.ledger.chain import append\n"
    code += "for number in range(20): append(Path(sys.argv[1]), 'finished', {'run': str(number)})"
    running = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert problems(path) == []
    assert len(entries(path)) == 60


# Attempts


def test_every_evaluation_is_an_attempt(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    data = letters(4)
    with MockServer(gold) as server:
        base = ["--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", f"--medhelm-data={data}"]
        assert run(*base, gate()).ret == 0
        assert run(*base, *("--medhelm-gate=letters >= 0.1", "--medhelm-gate=letters <= 0.5")).ret == 1
        result = run(*base, "--medhelm-no-cache", gate())
    result.stdout.fnmatch_lines(["attempt 2 on this evaluation set, by 1 model, since 20*", "gate pass: letters*"])
    found = entries()
    assert [entry["kind"] for entry in found] == ["started", "finished"] * 3
    assert [entry["facts"]["verdicts"] for entry in found[1::2]] == [{"pass": 1}, {"fail": 1, "pass": 1}, {"pass": 1}]
    assert [entry["facts"]["cache"] for entry in found[::2]] == [True, True, False]
    assert [entry["facts"]["asked"] for entry in found[1::2]] == [4, 0, 4]
    assert {entry["facts"]["ended"] for entry in found[1::2]} == {"complete"}
    attempt = leaderboard(pytester.path)["measurements"]["attempt"]
    assert (attempt["number"], attempt["models"], attempt["post_hoc"]) == (2, 1, False), (
        "the second run asked nothing; the file is the one of the first attempt"
    )
    text = LEDGER.read_text()
    assert "q001" not in text
    assert "Case 1." not in text


def test_what_is_cut_short_is_in_the_ledger_too(letters: Callable[..., Path], run: Any) -> None:
    data = letters(30)

    with MockServer(lambda _: Fault("hang")) as server:
        options = ["--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", f"--medhelm-data={data}", gate()]
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--medhelm-concurrency=1", *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        until(lambda: LEDGER.exists() and LEDGER.stat().st_size)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert [entry["kind"] for entry in entries()] == ["started"]
        server.reply = gold
        result = run(*options)
        result.stdout.fnmatch_lines(
            ["attempt 2 on this evaluation set*", "gate file gate.toml: first used 20*, never locked"]
        )
        gate(0.4)
        result = run(*options)
    result.stdout.fnmatch_lines(
        ["gate file gate.toml: post hoc: *after a run of 20* that was cut off, on whatever data"]
    )
    assert main(["ledger", "verify", str(LEDGER)]) == 0


def test_a_place_that_cannot_be_written_costs_no_result(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(2)
    Path("blocked").write_text("a file where a folder is needed")
    options = ["--medhelm-model=baseline/majority", f"--medhelm-data={data}", "--medhelm-ledger=blocked/ledger.jsonl"]
    result = run(*options, "--medhelm-gate=letters.exact_match >= 0.01")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*the ledger *blocked/ledger.jsonl could not be written*this attempt is not in it"])
    assert "attempt" not in leaderboard(pytester.path)["measurements"]


def test_a_broken_ledger_is_named_and_left_alone(letters: Callable[..., Path], run: Any) -> None:
    data = letters(2)
    LEDGER.parent.mkdir()
    LEDGER.write_text("torn")
    result = run("--medhelm-model=baseline/majority", f"--medhelm-data={data}", "--medhelm-gate=letters >= 0.01")
    result.stdout.fnmatch_lines(["*its last line is torn or was edited; type 'medhelm ledger verify *"])
    assert LEDGER.read_text() == "torn"


def test_a_line_edited_in_the_middle_is_named_by_the_next_session(letters: Callable[..., Path], run: Any) -> None:
    options = ["--medhelm-model=baseline/majority", f"--medhelm-data={letters(2)}", "--medhelm-gate=letters >= 0.01"]
    run(*options)
    LEDGER.write_text(LEDGER.read_text().replace('"cache":true', '"cache":false'))
    result = run(*options)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*line 1 was edited*this attempt is in it, and where it stands cannot be said"])
    assert len(entries()) == 4


# What was fixed beforehand


def test_files_of_one_name_are_told_apart(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    names = ["ward/gate.toml", "clinic/gate.toml"]
    for least, name in enumerate(names):
        Path(name).parent.mkdir()
        Path(name).write_text(f"[[rule]]\nrule = 'letters >= {0.1 + least / 10}'\n")
        assert main(["gate", "lock", name]) == 0
    run(
        "--medhelm-model=baseline/majority",
        f"--medhelm-data={letters(4)}",
        *(f"--medhelm-gate={name}" for name in names),
        "--medhelm-gate=letters >= 0.01",
    )
    attempt = leaderboard(pytester.path)["measurements"]["attempt"]
    assert len(attempt["gates"]) == 2
    assert all(said.startswith("locked 20") for said in attempt["gates"].values())
    assert len(set(entries()[-1]["facts"]["gates"].values())) == 3


def test_a_gate_file_is_fixed_before_its_results_or_post_hoc(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(8)
    with MockServer(gold, models=["old", "new"]) as server:
        base = [f"--medhelm-base-url={server.url}", f"--medhelm-data={data}"]
        # The model in use is measured first, without a gate: margins come from it.
        run(*base, "--medhelm-model=vllm/old", "--medhelm-suite=old")
        gate(0.5)
        assert main(["gate", "lock", "gate.toml"]) == 0
        result = run(*base, "--medhelm-model=vllm/new", "--medhelm-gate=gate.toml")
        result.stdout.fnmatch_lines(
            ["attempt 2 on this evaluation set, by 2 models*", "gate file gate.toml: locked 20*"]
        )
        assert not leaderboard(pytester.path)["measurements"]["attempt"]["post_hoc"]
        gate(0.4)
        result = run(*base, "--medhelm-model=vllm/new", "--medhelm-gate=gate.toml")
    result.stdout.fnmatch_lines(["gate file gate.toml: post hoc: first used 20*, never locked, after results of 20*"])
    assert leaderboard(pytester.path)["measurements"]["attempt"]["post_hoc"]
    page = (pytester.path / "medhelm-results/default/leaderboard.html").read_text()
    assert "post hoc" in page
    assert "**Post hoc.**" in (pytester.path / "medhelm-results/default/summary.md").read_text()


def test_a_lock_after_the_candidates_results_is_too_late(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(8)
    with MockServer(gold) as server:
        run("--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", f"--medhelm-data={data}")
    gate()
    assert main(["gate", "lock", "gate.toml"]) == 0
    assert main(["gate", "apply", "medhelm-results/default", "gate.toml"]) == 0
    attempt = leaderboard(pytester.path)["measurements"]["attempt"]
    assert attempt["number"] == 1, "judging stored results is no further attempt"
    assert attempt["post_hoc"]


def test_other_data_is_another_evaluation_set(letters: Callable[..., Path], run: Any) -> None:
    with MockServer(gold) as server:
        for count in (4, 6):
            data = letters(count)
            result = run(
                "--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", f"--medhelm-data={data}", gate()
            )
            result.stdout.fnmatch_lines(["attempt 1 on this evaluation set*"])


def test_show_and_help_and_mistakes(letters: Callable[..., Path], run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "show"]) == 1
    assert "there is no ledger medhelm-results/ledger.jsonl: name one" in capsys.readouterr().err
    gate()
    assert main(["gate", "lock", "gate.toml"]) == 0
    data = letters(2)
    run("--medhelm-model=baseline/majority", f"--medhelm-data={data}", "--medhelm-gate=gate.toml")
    capsys.readouterr()
    assert main(["ledger", "show"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in shown] == ["lock", "started", "finished"]
    assert "baseline/majority" in shown[2]
    assert main(["gate", "lock", "none.toml"]) == 1
