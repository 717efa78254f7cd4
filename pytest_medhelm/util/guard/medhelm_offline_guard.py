"""Nothing leaves this machine: an audit hook that refuses other hosts and other programs, for every Python library.

The hook sees each name that is looked up and each address that a socket is connected or sends to, before it happens
(https://docs.python.org/3/library/audit_events.html). Python subprocesses get the same guard from the environment;
other programs are not started unless they are named. It keeps code from reaching out by mistake. It cannot hold code
that means to get out: C libraries and ctypes call the system themselves (docs/reliability.md shows what can).

Standard library only, and no import of this package: it runs in Pythons that do not have it.
"""

from __future__ import annotations

import errno
import functools
import ipaddress
import json
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

VARIABLE = "MEDHELM_OFFLINE_GUARD"
"""What child processes are told: {"hosts": [...], "programs": [...]}."""
HERE = os.path.dirname(os.path.abspath(__file__))
LOCAL_NAMES = frozenset({"", "localhost", "localhost.localdomain", "ip6-localhost", "0.0.0.0", "::"})
"""Names and addresses that mean this machine."""
RESOLVE_AGAIN = 5.0
"""Seconds after which a name may stand for other addresses."""
_PYTHON = re.compile(r"(python|pypy)[\d.]*(\.exe)?", re.IGNORECASE)


class OfflineError(PermissionError):
    """What --medhelm-offline refuses."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(errno.EPERM, f"--medhelm-offline refuses {what}: type {remedy} if that is meant")

    def __reduce__(self) -> tuple[type[PermissionError], tuple[Any, ...]]:
        # A child process may know this module by another name than its parent.
        return PermissionError, self.args


class _Guard:
    """What is allowed now; None: everything."""

    def __init__(self) -> None:
        self.hosts: frozenset[str] | None = None
        self.programs: frozenset[str] = frozenset()
        self.exported = ""
        self.inherited = False
        self.hooked = False
        self.before: dict[str, str | None] = {}
        self.addresses: dict[str, set[str]] = {}
        self.resolved_at = -RESOLVE_AGAIN
        self.resolving = threading.local()


_GUARD = _Guard()


def forbid(hosts: Sequence[str] = (), programs: Sequence[str] = ()) -> None:
    """From now on this process and the Pythons that it starts reach only this machine and these hosts.

    ``programs``: names or paths of programs that may be started although nothing can be seen of what they reach.
    """
    if _GUARD.inherited:
        return  # What the parent process said holds.
    _GUARD.hosts = frozenset(host.strip("[]").rstrip(".").lower() for host in hosts)
    _GUARD.programs = frozenset(programs)
    if not _GUARD.hooked:
        _GUARD.hooked = True
        sys.addaudithook(_hook)
        for method, place in _TAKING_AN_ADDRESS.items():
            _check_name_before(method, place)
    if not _GUARD.before:
        _GUARD.before = {name: os.environ.get(name) for name in (VARIABLE, "PYTHONPATH")}
    _GUARD.exported = json.dumps({"hosts": sorted(_GUARD.hosts), "programs": sorted(_GUARD.programs)})
    os.environ[VARIABLE] = _GUARD.exported
    rest = _GUARD.before["PYTHONPATH"]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (HERE, rest)))


def lift() -> None:
    """Allow everything again, at the end of a session; a guard of the parent process stays."""
    if _GUARD.inherited or _GUARD.hosts is None:
        return
    _GUARD.hosts = None
    for name, value in _GUARD.before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    _GUARD.before = {}


def inherit() -> None:
    """Put the guard in place that the parent process left in the environment, if it did."""
    inherited = os.environ.get(VARIABLE)
    if inherited and not _GUARD.inherited:
        content = json.loads(inherited)
        forbid(content["hosts"], content["programs"])
        _GUARD.inherited = True


def is_on() -> bool:
    """Whether the guard is in place."""
    return _GUARD.hosts is not None


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    check = _CHECKS.get(event)
    if check is not None and _GUARD.hosts is not None and not getattr(_GUARD.resolving, "now", False):
        check(*arguments)


# Hosts


def _check_name(host: Any, *_: Any) -> None:
    name = _as_text(host)
    if not _is_allowed(name):
        raise OfflineError(f"to look up {name}", f"--medhelm-allow-host={name}")
    if name.lower().rstrip(".") in (_GUARD.hosts or ()):
        _resolve([name])


def _check_named_address(address: Any, *_: Any) -> None:
    _check_name(address[0])


def _check_address(connection: Any, address: Any = None, *_: Any) -> None:
    family = getattr(connection, "family", socket.AF_INET)
    if address is None or family in _LOCAL_FAMILIES:
        return
    _check_family(connection, family)
    host = _as_text(address[0] if isinstance(address, tuple) else address)
    if not _is_allowed(host):
        raise OfflineError(f"{host}", f"--medhelm-allow-host={host}")


_TAKING_AN_ADDRESS = {"connect": 0, "connect_ex": 0, "bind": 0, "sendto": -1, "sendmsg": 3}
"""Methods of a socket, and where among their arguments the address is."""


def _check_name_before(method: str, place: int) -> None:
    """A socket that is given a name looks it up itself, and that before the hook hears of it."""
    plain: Callable[..., Any] = getattr(socket.socket, method)

    @functools.wraps(plain)
    def checked(self: socket.socket, *arguments: Any) -> Any:
        if _GUARD.hosts is not None and self.family in (socket.AF_INET, socket.AF_INET6):
            address = arguments[place] if len(arguments) > max(place, 0) else None
            if isinstance(address, tuple) and address and not _is_numeric(name := _as_text(address[0])):
                _check_name(name)
        return plain(self, *arguments)

    setattr(socket.socket, method, checked)


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _check_family(_: Any, family: int, *__: Any) -> None:
    """Sockets of other kinds send to what they are bound to, such as a network device."""
    if family not in (socket.AF_INET, socket.AF_INET6, -1, *_LOCAL_FAMILIES):
        raise OfflineError(f"a connection of the kind {family!r}", "the same command without it")


_LOCAL_FAMILIES = frozenset(
    getattr(socket, name) for name in ("AF_UNIX", "AF_NETLINK", "AF_ALG") if hasattr(socket, name)
)


def _is_allowed(host: str) -> bool:
    name = host.strip("[]").rstrip(".").lower()
    hosts = _GUARD.hosts or frozenset()
    if name in LOCAL_NAMES or name in hosts or name == socket.gethostname().lower():
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback or str(address) in hosts:
        return True
    if not any(str(address) in known for known in _GUARD.addresses.values()):
        if time.monotonic() - _GUARD.resolved_at < RESOLVE_AGAIN:
            return False
        _GUARD.resolved_at = time.monotonic()
        _resolve(sorted(hosts))
    return any(str(address) in known for known in _GUARD.addresses.values())


def _resolve(names: Sequence[str]) -> None:
    """Learn the addresses of allowed names: a connection is made to an address, not to a name."""
    _GUARD.resolving.now = True
    try:
        for name in names:
            try:
                addresses = {str(info[4][0]) for info in socket.getaddrinfo(name, None)}
            except OSError:
                continue
            _GUARD.addresses.setdefault(name.lower().rstrip("."), set()).update(addresses)
    finally:
        _GUARD.resolving.now = False


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value.decode("ascii", "replace") if isinstance(value, (bytes, bytearray)) else str(value)


# Programs


def _check_popen(executable: Any, arguments: Any, _folder: Any = None, env: Any = None) -> None:
    words = [arguments] if isinstance(arguments, (str, bytes, os.PathLike)) else list(arguments or ())
    _check_program(executable or (words[0] if words else ""), [os.fsdecode(word) for word in words], env)


def _check_exec(path: Any, arguments: Any, env: Any = None) -> None:
    _check_program(path, [os.fsdecode(word) for word in arguments], env)


def _check_shell(_command: Any = None, *_: Any) -> None:
    _check_program("sh", ["sh"], None)


def _check_program(executable: Any, arguments: Sequence[str], env: Any) -> None:
    program = os.fsdecode(executable)
    name = os.path.basename(program)
    if name in _GUARD.programs or program in _GUARD.programs:
        return
    options = _python_options(program)
    if options is None:
        raise OfflineError(f"to start {name}, which could reach any host", f"--medhelm-allow-program={name}")
    if not _is_guarded(os.environ if env is None else env) or _skips_guard([*options, *arguments[1:]]):
        raise OfflineError(
            "to start a Python that would not be guarded (its environment lacks ours, or -I, -E or -S)",
            f"--medhelm-allow-program={name}",
        )


def _python_options(program: str) -> list[str] | None:
    """The options of the Python that a program is, or that its first line names; None: it is no Python."""
    if _PYTHON.fullmatch(os.path.basename(program)) or program == sys.executable:
        return []
    try:
        with open(program, "rb") as file:
            first = file.readline(300) if file.read(2) == b"#!" else b""
    except OSError:
        return None
    words = os.fsdecode(first).split()
    return words[1:] if words and _PYTHON.fullmatch(os.path.basename(words[0])) else None


def _is_guarded(env: Mapping[Any, Any]) -> bool:
    plain = {os.fsdecode(name): os.fsdecode(value) for name, value in env.items()}
    return plain.get(VARIABLE) == _GUARD.exported and HERE in plain.get("PYTHONPATH", "").split(os.pathsep)


def _skips_guard(arguments: Sequence[str]) -> bool:
    """Whether Python is told not to read PYTHONPATH, or not to import sitecustomize: -I, -E or -S."""
    words = iter(arguments)
    for word in words:
        if not word.startswith("-") or word in ("-", "--"):
            return False
        if word == "--check-hash-based-pycs":
            next(words, "")
        if word.startswith("--"):
            continue
        for letter in word[1:]:
            if letter in "IES":
                return True
            if letter in "cm":
                return False  # What follows is the program and its arguments.
            if letter in "WX":
                if word.endswith(letter):
                    next(words, "")
                break
    return False


_CHECKS: dict[str, Callable[..., None]] = {
    "socket.getaddrinfo": _check_name,
    "socket.gethostbyname": _check_name,
    "socket.gethostbyaddr": _check_name,
    "socket.getnameinfo": _check_named_address,
    "socket.__new__": _check_family,
    "socket.connect": _check_address,
    "socket.sendto": _check_address,
    "socket.sendmsg": _check_address,
    "subprocess.Popen": _check_popen,
    "os.exec": _check_exec,
    "os.posix_spawn": _check_exec,
    "os.system": _check_shell,
    "os.startfile": _check_shell,
}
