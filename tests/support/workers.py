"""Workers of a session under test, forked from what it was before it began, instead of started by a new Python.

A new Python imports for half a second what a fork has already. Everything else stays: a worker is a process of its own,
to which execnet speaks through pipes. Linux only: a process is handed over as a descriptor. A test that starts a Python
of its own has workers that a new Python starts, too.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import IO, Any, NoReturn

from execnet import gateway_io

End = Callable[[int], NoReturn]


class Forked:
    """As much of a process as execnet uses; it is a child of another one."""

    def __init__(self, process: int, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self._process = process
        self.stdin = stdin
        self.stdout = stdout

    def wait(self) -> int:
        """Wait for its end."""
        select.select([self._process], [], [])
        return 0

    def kill(self) -> None:
        """End it at once."""
        signal.pidfd_send_signal(self._process, signal.SIGKILL)


def fork_workers(end: End) -> None:
    """From here on execnet's processes are forks of this one as it is now; ``end``: how one of them ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if not os.fork():
        ours.close()
        _fork_on_demand(theirs, end)
    theirs.close()
    path = os.environ.get("PYTHONPATH")

    def begin(self: Any, args: Sequence[str], execmodel: Any) -> None:
        # A path that was changed meanwhile is for what a new Python does when it starts, e.g. the offline guard.
        if args == gateway_io.popen_args(execnet_default) and os.environ.get("PYTHONPATH") == path:
            self.popen = _forked(ours)
        else:
            self.popen = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        gateway_io.Popen2IO.__init__(self, self.popen.stdin, self.popen.stdout, execmodel=execmodel)

    execnet_default = gateway_io.PseudoSpec({})
    gateway_io.Popen2IOMaster.__init__ = begin  # type: ignore[method-assign]


def _forked(server: socket.socket) -> Forked:
    """A process that begins as it would with these pipes, this environment and this folder."""
    child_in, our_out = os.pipe()
    our_in, child_out = os.pipe()
    asked = json.dumps({"environment": dict(os.environ), "folder": os.getcwd()})
    socket.send_fds(server, [asked.encode()], [child_in, child_out])
    os.close(child_in)
    os.close(child_out)
    _, (process,), *_ = socket.recv_fds(server, 1, 1)
    return Forked(process, os.fdopen(our_out, "wb"), os.fdopen(our_in, "rb"))


def _fork_on_demand(client: socket.socket, end: End) -> NoReturn:
    """A fork for each message, until the session is over."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the session and its workers
    while True:
        asked, pipes, *_ = socket.recv_fds(client, 1 << 20, 2)
        if not asked:
            os._exit(0)
        worker = os.fork()
        if not worker:
            client.close()
            _work(pipes, end, **json.loads(asked))
        process = os.pidfd_open(worker)
        socket.send_fds(client, [b"1"], [process])
        for opened in (*pipes, process):
            os.close(opened)


def _work(pipes: Sequence[int], end: End, *, environment: dict[str, str], folder: str) -> NoReturn:
    """What a new Python does that execnet starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, pipe in enumerate(pipes):
        os.dup2(pipe, number)
        os.close(pipe)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv[:] = ["-c"]
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    exec(eval(sys.stdin.readline()), {"__name__": "__main__"})
    end(0)
