"""What the ledger says of a session that did not come to its end: what it had seen, or that it had asked nothing."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import Fault, MockServer
from pytest_medhelm.cli.main import main
from tests.support.ledgers import LEDGER, entries, gate
from tests.support.letters import gold
from tests.support.servers import WAIT, until


def recorded() -> int:
    """How many answers are in the suite so far."""
    try:
        with closing(sqlite3.connect("file:medhelm-results/default/suite.sqlite?mode=ro", uri=True)) as suite:
            return int(suite.execute("SELECT COUNT(*) FROM records").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def interrupted(*options: str) -> int:
    """The exit status of a session that waits for an answer that never comes, and gets Ctrl-C."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True) as session:
        assert session.stdout is not None
        until(recorded)
        session.send_signal(signal.SIGINT)
        try:
            session.communicate(timeout=WAIT)
        finally:
            session.kill()  # Where Ctrl-C is ignored, as in what a shell starts in the background, it would go on.
        return session.returncode


def test_an_interrupted_session_is_an_aborted_attempt_on_the_data_that_it_had_seen(
    letters: Callable[..., Path], run: Any
) -> None:
    data = letters(12)

    def reply(body: dict[str, Any]) -> str | Fault:
        return Fault("hang") if "Case 11." in str(body) else gold(body)

    with MockServer(reply) as server:
        options = ["--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", f"--medhelm-data={data}"]
        assert interrupted(*options, gate()) == 2
        started, aborted = entries()
        assert (started["kind"], aborted["kind"], aborted["facts"]["ended"]) == ("started", "finished", "aborted")
        assert started["facts"]["run"] == aborted["facts"]["run"]
        assert list(aborted["facts"]["models"]) == ["vllm/mock"]
        assert list(aborted["facts"]["data"]) == ["letters"]
        assert aborted["facts"]["verdicts"] == {}
        server.reply = gold
        result = run(*options, "--medhelm-gate=letters >= 0.1")
        result.stdout.fnmatch_lines(["attempt 2 on this evaluation set, by 1 model*"])
        # Seen on this data before the file was written: post hoc, whatever the other entries say.
        LEDGER.write_text("".join(LEDGER.read_text().splitlines(keepends=True)[:2]))
        result = run(*options, gate(0.4))
    result.stdout.fnmatch_lines(["gate file gate.toml: post hoc: *after results of 20* on the same data"])
    assert main(["ledger", "verify", str(LEDGER)]) == 0


def test_an_aborted_attempt_on_other_data_is_none_on_this(letters: Callable[..., Path], run: Any) -> None:
    data = letters(12)
    with MockServer(lambda body: Fault("hang") if "Case 11." in str(body) else gold(body)) as server:
        options = ["--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", f"--medhelm-data={data}"]
        assert interrupted(*options, "--medhelm-gate=letters >= 0.1") == 2
        server.reply = gold
        letters(6)
        result = run(*options, gate())
    result.stdout.fnmatch_lines(["attempt 1 on this evaluation set*", "gate file gate.toml: first used 20*"])


@pytest.mark.parametrize("mistake", ["test_broken.py", "-k=nothing"])
def test_a_session_that_asked_nothing_is_no_attempt_and_makes_no_gate_post_hoc(
    mistake: str, letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(6)
    (pytester.path / "test_broken.py").write_text("import a_module_that_nobody_has\n")
    with MockServer(gold) as server:
        options = ["--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", f"--medhelm-data={data}"]
        assert run("test_letters.py", mistake, *options).ret in (2, 5)
        assert server.requests == []
        assert [entry["facts"]["ended"] for entry in entries()[1:]] == ["nothing asked"]
        result = run("test_letters.py", *options, gate())
    result.stdout.fnmatch_lines(
        ["attempt 1 on this evaluation set*", "gate file gate.toml: first used 20*, never locked", "gate pass*"]
    )


def test_a_merge_takes_no_attempt_away_whose_records_were_replaced(
    letters: Callable[..., Path], run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with MockServer(lambda _: "A") as server:
        options = ["--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", f"--medhelm-data={letters(8)}"]
        for _ in range(2):
            assert run(*options, "--medhelm-no-cache", gate()).ret == 1
        server.reply = gold
        for number in (1, 2):
            run(*options, "--medhelm-no-cache", f"--medhelm-shard={number}/2", f"--medhelm-suite=part-{number}")
    parts = ["medhelm-results/part-1", "medhelm-results/part-2"]
    assert main(["merge", *parts, "--to=medhelm-results/whole", "--gate=gate.toml"]) == 0
    assert "attempt 3 on this evaluation set" in capsys.readouterr().out, "the parts are one"
    assert main(["merge", "medhelm-results/default", "--to=medhelm-results/alone", "--gate=gate.toml"]) == 1
    assert "attempt 3 on this evaluation set" in capsys.readouterr().out, "the first run has no record left"
