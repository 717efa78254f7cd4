"""pytest in a process of its own, forked from one that has imported pytest and the plugin already.

A session under test is as alone as one that a shell starts: it has its own process, arguments, environment, folder and
output. Only what it would import first is there: that takes three times as long as to evaluate a few items.
Tests of what is imported, and of signals, start a Python of their own.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from runpy import run_module
from tempfile import mkdtemp
from typing import NoReturn

import pytest
from _pytest.config import _prepareconfig

from tests.support.preloaded import keep_metadata, load_package
from tests.support.workers import fork_workers

CHECKOUT = Path(__file__).parents[2]


class Sessions:
    """Starts sessions one after the other; a context manager."""

    def __enter__(self) -> Sessions:
        self._forks = subprocess.Popen(
            [sys.executable, "-m", "tests.support.sessions"],
            # A process with threads is not to be forked.
            cwd=CHECKOUT, env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTEST_ADDOPTS": ""},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        return self

    def __exit__(self, *error: object) -> None:
        self._forks.communicate()

    def run_in(self, folder: Path, *arguments: str) -> pytest.RunResult:
        """Run pytest in a folder that several tests share: for fixtures that live longer than a test."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")
            return self.run(folder, "-p", "no:cacheprovider", *arguments)

    def run(self, files: Path, *arguments: str) -> pytest.RunResult:
        """Run pytest in the present folder, as ``pytester.runpytest_subprocess`` does; ``files``: where to print."""
        assert self._forks.stdin is not None
        assert self._forks.stdout is not None
        print("running: pytest", shlex.join(arguments))
        folder, started = os.getcwd(), time.monotonic()
        path = os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))
        out, err = files / "stdout", files / "stderr"
        asked = {
            "arguments": [f"--basetemp={mkdtemp(prefix='runpytest-', dir=files)}", *arguments],
            "folder": folder, "environment": {**os.environ, "PYTHONPATH": path}, "out": str(out), "err": str(err),
        }  # fmt: skip
        print(json.dumps(asked), file=self._forks.stdin, flush=True)
        status = int(self._forks.stdout.readline())
        said, complained = out.read_text("utf-8"), err.read_text("utf-8")
        print(said, end="")
        print(complained, end="", file=sys.stderr)
        return pytest.RunResult(status, said.splitlines(), complained.splitlines(), time.monotonic() - started)


def main() -> None:
    """For each line of stdin a session; for each session a line with its exit status."""
    import_all()
    path = [place for place in sys.path if place not in ("", str(CHECKOUT))]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests
    for line in sys.stdin:
        child = os.fork()
        if not child:
            session(path, **json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def import_all() -> None:
    """Import pytest's plugins as it does itself, rewriting their assertions, then this one and what it needs."""
    keep_metadata()
    config = _prepareconfig(["-c", os.devnull, "--noconftest"])
    load_package()
    config._ensure_unconfigure()
    gc.collect()
    gc.freeze()  # what is there stays: a child neither looks through it nor copies it


def session(
    path: Sequence[str], *, arguments: Sequence[str], folder: str, environment: Mapping[str, str], out: str, err: str
) -> NoReturn:
    """What ``python -m pytest`` does in a folder."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, file in enumerate((os.devnull, out, err)):
        opened = os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    own = [place for place in environment.get("PYTHONPATH", "").split(os.pathsep) if place]
    sys.path[:] = [folder, *own, *path]
    sys.argv[:] = ["pytest", *arguments]
    if sys.platform == "linux" and any(argument.startswith("-n") for argument in arguments):
        fork_workers(leave)
    try:
        run_module("pytest", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        leave(int(end.code or 0))
    sys.exit()


def leave(status: int) -> NoReturn:
    """End as Python does, without taking every object apart: that would copy most of the memory that is shared."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
