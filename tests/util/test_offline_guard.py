"""The guard refuses other hosts before a packet leaves, whichever library asks, and programs that it cannot see into.

Each attempt is made in a Python of its own, since an audit hook cannot be taken away. 192.0.2.1 and example.invalid
belong to nobody (RFC 5737, RFC 2606).
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_medhelm.util.guard import medhelm_offline_guard as guard

GUARD = Path(guard.__file__).parent
ATTEMPTS = """
import asyncio, json, multiprocessing, os, socket, subprocess, sys, urllib.request
sys.path.insert(0, {here!r})
import medhelm_offline_guard as guard

def refused(code):
    try:
        exec(code, dict(globals()))
    except BaseException as error:
        while error is not None:
            if "--medhelm-offline refuses" in f"{{error}} {{getattr(error, 'reason', '')}}":
                return True
            error = error.__cause__ or error.__context__
    return False

if __name__ == "__main__":
    guard.forbid({hosts!r}, {programs!r})
    print(json.dumps({{name: refused(code) for name, code in {attempts!r}.items()}}))
"""


def refusals(
    folder: Path, attempts: Mapping[str, str], *, hosts: tuple[str, ...] = (), programs: tuple[str, ...] = ()
) -> dict[str, bool]:
    """Which of these a Python under the guard is refused."""
    script = folder / "attempts.py"
    script.write_text(ATTEMPTS.format(here=str(GUARD), attempts=dict(attempts), hosts=hosts, programs=programs))
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=True)
    found: dict[str, bool] = json.loads(ended.stdout.splitlines()[-1])
    return found


OUTWARDS = {
    "connect": 'socket.create_connection(("192.0.2.1", 80), timeout=1)',
    "connect to IPv6": 'socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80))',
    "connect to a mapped address": 'socket.socket(socket.AF_INET6).connect(("::ffff:192.0.2.1", 80))',
    "connect_ex": 'socket.socket().connect_ex(("192.0.2.1", 80))',
    "UDP": 'socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53))',
    "a network device": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "sendmsg": 'socket.socket(type=socket.SOCK_DGRAM).sendmsg([b"x"], [], 0, ("192.0.2.1", 53))',
    "name": 'socket.getaddrinfo("example.invalid", 80)',
    "old name": 'socket.gethostbyname("example.invalid")',
    "reverse": 'socket.gethostbyaddr("192.0.2.1")',
    "nameinfo": 'socket.getnameinfo(("192.0.2.1", 80), 0)',
    # A socket looks a name up by itself, and only then does Python tell its audit hooks.
    "connect to a name": 'socket.socket().connect(("example.invalid", 80))',
    "connect_ex to a name": 'socket.socket().connect_ex(("example.invalid", 80))',
    "connect to a name like a number": 'socket.socket().connect(("127.0.0.1.example.invalid", 80))',
    "bind to a name": 'socket.socket().bind(("example.invalid", 0))',
    "UDP to a name": 'socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("example.invalid", 53))',
    "UDP to a name, with flags": 'socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", 0, (b"example.invalid", 53))',
    "sendmsg to a name": 'socket.socket(type=socket.SOCK_DGRAM).sendmsg([b"x"], [], 0, ("example.invalid", 53))',
    "TLS to a name": 'import ssl; ssl.create_default_context().wrap_socket(socket.socket(), server_hostname="x")'
    '.connect(("example.invalid", 443))',
    "urllib": 'urllib.request.urlopen("http://example.invalid/", timeout=1)',
    "asyncio": 'asyncio.run(asyncio.open_connection("192.0.2.1", 80))',
    "thread": "import threading; import concurrent.futures as f; "
    'f.ThreadPoolExecutor().submit(socket.getaddrinfo, "example.invalid", 80).result()',
    "fork": "pid = os.fork(); "
    "pid or os._exit(7 if guard.is_on() else 0); assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7; "
    'socket.getaddrinfo("example.invalid", 80)',
    "curl": 'subprocess.run(["curl", "http://192.0.2.1"])',
    "shell": 'subprocess.run("curl http://192.0.2.1", shell=True)',
    "os.system": 'os.system("curl http://192.0.2.1")',
    "spawn": 'os.posix_spawn("/usr/bin/env", ["env"], {})',
    "isolated Python": 'subprocess.run([sys.executable, "-I", "-c", ""])',
    "isolated Python among options": 'subprocess.run([sys.executable, "-W", "ignore", "-uE", "-c", ""])',
    "Python without site": 'subprocess.run([sys.executable, "-S", "-c", ""])',
    "Python without our variable": 'os.environ.pop(guard.VARIABLE); subprocess.run([sys.executable, "-c", ""])',
    "Python with another environment": 'subprocess.run([sys.executable, "-c", ""], env={"PATH": ""})',
}


def test_what_leads_outwards_is_refused(tmp_path: Path) -> None:
    assert refusals(tmp_path, OUTWARDS) == dict.fromkeys(OUTWARDS, True)


INWARDS = {
    "loopback": 's = socket.create_server(("127.0.0.1", 0)); socket.create_connection(s.getsockname(), timeout=5)',
    "its name": 's = socket.create_server(("127.0.0.1", 0)); '
    'socket.create_connection(("localhost", s.getsockname()[1]), timeout=5)',
    "its name, looked up by the socket": 's = socket.create_server(("127.0.0.1", 0)); '
    'socket.socket().connect(("localhost", s.getsockname()[1])); socket.socket().bind(("", 0))',
    "pair": 'a, b = socket.socketpair(); a.send(b"x"); assert b.recv(1) == b"x"',
    "server": "import http.server; http.server.HTTPServer(('127.0.0.1', 0), None).server_close()",
    "Python": 'subprocess.run([sys.executable, "-c", "pass"], check=True)',
    "loop": "asyncio.run(asyncio.sleep(0))",
}


def test_this_machine_can_be_reached(tmp_path: Path) -> None:
    assert refusals(tmp_path, INWARDS) == dict.fromkeys(INWARDS, False)


def test_named_hosts_and_programs_are_allowed(tmp_path: Path) -> None:
    attempts = {
        "named host": 's = socket.socket(); s.settimeout(0.01); s.connect(("192.0.2.1", 80))',
        "another host": 's = socket.socket(); s.settimeout(0.01); s.connect(("192.0.2.2", 80))',
        "named program": 'subprocess.run(["true"], check=True)',
        "another program": 'subprocess.run(["false"])',
    }
    found = refusals(tmp_path, attempts, hosts=("192.0.2.1",), programs=("true",))
    assert found == {"named host": False, "another host": True, "named program": False, "another program": True}


LOOK_UP = """
import socket
try:
    socket.getaddrinfo('example.invalid', 80)
except PermissionError:
    print('kept')
"""


SPAWNED = """
import multiprocessing

def look_up():
    import look_up

if __name__ == "__main__":
    child = multiprocessing.get_context("spawn").Process(target=look_up)
    child.start()
    child.join()
"""


def test_python_children_are_guarded_too_and_so_are_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(guard.VARIABLE, raising=False)
    (tmp_path / "look_up.py").write_text(LOOK_UP)
    nested = f"import subprocess, sys; subprocess.run([sys.executable, {str(tmp_path / 'look_up.py')!r}])"
    (tmp_path / "spawned.py").write_text(SPAWNED)
    guard.forbid()
    try:
        subprocess.run([sys.executable, "-c", nested], check=True)
        subprocess.run([sys.executable, tmp_path / "spawned.py"], check=True)
    finally:
        guard.lift()
    # The child's child, and what multiprocessing starts.
    assert capfd.readouterr().out.split() == ["kept"] * 2


def test_the_sitecustomize_of_the_machine_is_imported_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('theirs')")
    path = os.pathsep.join((str(GUARD), str(tmp_path)))
    told = '{"hosts": [], "programs": []}'
    ended = subprocess.run(
        [sys.executable, "-c", LOOK_UP],
        env={**os.environ, "PYTHONPATH": path, guard.VARIABLE: told}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.stdout.split() == ["theirs", "kept"]


def test_a_refusal_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(guard.OfflineError("to look up a", "b")))
    assert isinstance(error, PermissionError)
    assert "--medhelm-offline refuses to look up a: type b if that is meant" in str(error)


def test_the_guard_is_lifted_with_the_session_and_the_environment_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.delenv(guard.VARIABLE, raising=False)
    guard.forbid(["gpu1"])
    try:
        assert guard.is_on()
        with pytest.raises(guard.OfflineError, match=r"refuses to start true.*--medhelm-allow-program=true"):
            subprocess.run(["true"], check=False)
    finally:
        guard.lift()
    assert not guard.is_on()
    assert os.environ["PYTHONPATH"] == "/somewhere"
    assert guard.VARIABLE not in os.environ
    subprocess.run(["true"], check=True)
