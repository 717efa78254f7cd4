"""How far a run is: on a real pseudo-terminal, and in a log."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from perf.mock_server import Fault, MockServer
from pytest_medhelm.plugin.status_line import StatusLine, duration
from tests.support.checks import some
from tests.support.letters import gold

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def on_a_terminal(
    folder: Path, *options: str, wide: int = 80, stop: bytes = b"", term: str = "xterm"
) -> tuple[int, str]:
    """Exit status and what was written, to a terminal so many columns wide; Ctrl-C once ``stop`` was seen."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, wide, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "COLUMNS", "TERM")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    process = subprocess.Popen(
        command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=environment | {"TERM": term}
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        written += part
        if stop and stop in written:
            process.send_signal(signal.SIGINT)
            stop = b""
    os.close(ours)
    return process.wait(), ANSI.sub("", written.decode())


def screen(written: str) -> list[str]:
    """The lines that stand on the terminal in the end: a return begins the line again, ESC [K clears its rest."""
    lines = []
    for line in written.replace("\r\n", "\n").split("\n"):
        shown = ""
        for part in line.split("\r"):
            text, clears, _ = part.partition("\x1b[K")
            shown = text + ("" if clears else shown[len(text) :])
        lines.append(shown.rstrip())
    return lines


def slowly(body: dict[str, Any]) -> str | Fault:
    time.sleep(0.03)
    return Fault("status", 400) if "Case 3." in str(body) else gold(body)


def test_a_terminal_has_one_line_that_changes(letters: Callable[..., Path], pytester: pytest.Pytester) -> None:
    data = letters(40)
    with MockServer(slowly) as server:
        status, written = on_a_terminal(
            pytester.path,
            "--medhelm-model=vllm/mock",
            f"--medhelm-base-url={server.url}",
            f"--medhelm-data={data}",
        )
    assert status == 1, "one request without an answer"
    drawn = re.findall(r"\r(medhelm \d[^\r]*)\x1b\[K", written)
    assert drawn
    assert all(len(line) < 80 for line in drawn)
    assert re.fullmatch(r"medhelm \d+ of 40 \| \d+ (s|min) left \| .*\d/s.*", drawn[0])
    assert any("1 request_error" in line for line in drawn)
    assert any(re.search(r"\d+ in flight of \d+", line) for line in drawn), "with the limit that is found out"
    shown = screen(written)
    assert not [line for line in shown if "left" in line or "in flight" in line], "nothing of it stays"
    (place,) = [number for number, line in enumerate(shown) if " medhelm leaderboard " in line]
    assert re.fullmatch(r"=+ medhelm leaderboard =+", shown[place])
    assert not [line for line in shown if re.fullmatch(r"[,.uEFs]+( +\[ *\d+%\])?", line)], "no letters"


def test_the_workers_of_xdist_are_taken_together() -> None:
    line = StatusLine(cast(Any, SimpleNamespace(stash={})))
    for worker, load in (("gw0", (5, 8)), ("gw1", (7, 8)), ("gw0", (6, 16))):
        report = SimpleNamespace(when="teardown", failed=False, worker_id=worker, medhelm_load=load)
        line.pytest_runtest_logreport(cast(Any, report))
    assert "13 in flight of 24" in line.text(0.0, 200)


def test_ctrl_c_and_narrow_terminals_leave_nothing(letters: Callable[..., Path], pytester: pytest.Pytester) -> None:
    data = letters(400)
    with MockServer(slowly) as server:
        status, written = on_a_terminal(
            pytester.path,
            "--medhelm-model=vllm/mock",
            f"--medhelm-base-url={server.url}",
            f"--medhelm-data={data}",
            wide=40,
            stop=b" left",
        )
    assert status == 2
    shown = screen(written)
    assert not [line for line in shown if " left" in line]
    assert any(line.startswith("medhelm: interrupted; type") for line in shown)
    assert all(len(line) < 40 for line in some(re.findall(r"\r(medhelm \d[^\r]*)\x1b\[K", written)))


@pytest.mark.parametrize("option", ["-v", "-s"])
def test_with_v_and_s_pytest_prints_as_ever(option: str, letters: Callable[..., Path], pytester: Any) -> None:
    data = letters(4)
    options = ["--medhelm-model=baseline/majority", f"--medhelm-data={data}", option]
    _, written = on_a_terminal(pytester.path, *options)
    assert "\rmedhelm " not in written
    assert ("SCORED ok" in written) if option == "-v" else (",,,," in written)


def test_with_live_logs_pytest_prints_as_ever(letters: Callable[..., Path], pytester: pytest.Pytester) -> None:
    data = letters(4)
    pytester.makepyfile(
        test_slow="""
        import logging, time
        def test_it():
            time.sleep(0.4)
            logging.getLogger().warning("logged")
        """
    )
    for option in ("--log-cli-level=INFO", "--override-ini=log_cli=true"):
        _, written = on_a_terminal(pytester.path, "--medhelm-model=baseline/majority", f"--medhelm-data={data}", option)
        assert "logged" in written
        assert "\rmedhelm " not in written
        assert "SCORED ok" in written


def test_a_terminal_without_control_codes_is_a_log(letters: Callable[..., Path], pytester: pytest.Pytester) -> None:
    data = letters(40)
    with MockServer(slowly) as server:
        _, written = on_a_terminal(
            pytester.path,
            "--medhelm-model=vllm/mock",
            f"--medhelm-base-url={server.url}",
            f"--medhelm-data={data}",
            term="dumb",
        )
    assert "\x1b[K" not in written
    assert "," * 10 in written


def test_what_fails_is_counted_once(letters: Callable[..., Path], run: Any) -> None:
    """Wrong answers under --medhelm-strict fail; a request without an answer is named by its status alone."""
    data = letters(600)

    def reply(body: dict[str, Any]) -> str | Fault:
        if "Case 3." in str(body):
            return Fault("status", 400)
        return "nothing" if "Case 4." in str(body) or "Case 5." in str(body) else gold(body)

    with MockServer(reply) as server:
        options = ["--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", f"--medhelm-data={data}"]
        result = run(*options, "--medhelm-strict", "--medhelm-html=none")
    (last,) = [line for line in result.outlines if line.startswith("medhelm 600 of 600")]
    assert " | 1 request_error | 2 failed | " in last
    listed = [line for line in result.outlines if "test_letters.py::" in line]
    assert sorted(line.split()[0] for line in listed) == ["ERROR", "FAILED", "FAILED"], "pytest's words, in its summary"


def test_a_log_keeps_the_letters_of_a_short_run(letters: Callable[..., Path], run: Any) -> None:
    data = letters(40)
    result = run("--medhelm-model=baseline/majority", f"--medhelm-data={data}")
    assert "," * 20 in result.stdout.str()
    assert " left" not in result.stdout.str()


def test_a_log_has_a_line_for_each_tenth_of_a_long_run(letters: Callable[..., Path], run: Any) -> None:
    data = letters(600)
    result = run("--medhelm-model=baseline/majority", f"--medhelm-data={data}", "--medhelm-html=none")
    lines = [line for line in result.outlines if re.match(r"medhelm \d+ of 600 ", line)]
    assert 9 <= len(lines) <= 11
    assert lines[-1].startswith("medhelm 600 of 600")
    assert "\r" not in result.stdout.str()
    assert ",,," not in result.stdout.str()


def test_sessions_without_a_model_are_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    _, written = on_a_terminal(pytester.path)
    assert "test_sessions_without_a_model_are_left_alone.py . " in written
    assert "medhelm 1" not in written


def test_times_are_said_as_people_do() -> None:
    assert [duration(seconds) for seconds in (0.2, 59, 89, 90, 3600, 5400, 9000)] == [
        "1 s", "59 s", "89 s", "2 min", "60 min", "1 h 30 min", "2 h 30 min",
    ]  # fmt: skip
