"""Agents of one's own: a command or an address that works on the hospital by HTTP, in its own way.

What comes back is its answer and what it asked of the hospital. Both are kept as one completion, from which the episode
follows: each request is answered again by the same functions.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from time import monotonic, perf_counter
from typing import IO, Any
from urllib.parse import urlsplit

from pytest_medhelm.agents.episode import Call, Ending, Environment, Episode, Step
from pytest_medhelm.agents.hospital.http_face import Answer, respond
from pytest_medhelm.agents.hospital.server import HospitalServer
from pytest_medhelm.agents.tools import AGENT, MOST_OUTPUT
from pytest_medhelm.models.engine.request import Completion, Request, ToolCall
from pytest_medhelm.util.json_types import JsonObject
from pytest_medhelm.util.network import proxy_for

MOST_SAID, MOST_PRINTED = 1_000_000, 100_000_000
"""Bytes of an agent's output that are read, from its end, and that it may write to disk before it is ended."""
LOOK_EVERY = 0.05
"""Seconds between two looks whether a command has ended."""
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "VIRTUAL_ENV")
_ENDINGS: Mapping[str, Ending] = {"stop": "ok", "time_limit": "time_limit", "malformed": "malformed"}


class AgentFailed(Exception):  # noqa: N818
    """It did not come to an answer; its ending, and why in words without text of the task."""

    def __init__(self, ending: str, reason: str) -> None:
        super().__init__(reason)
        self.ending = ending


def work(
    settings: JsonObject,
    messages: Sequence[JsonObject],
    environment: Environment,
    server: HospitalServer,
    stopping: threading.Event,
) -> Completion:
    """Have an agent do a task. ``settings``: those of [agents.NAME]; ``stopping``: it is to end at once."""
    visit = server.admit(environment.state)
    instruction = {
        "instruction": str(messages[-1]["content"]),
        "setting": "\n".join(str(message["content"]) for message in messages[:-1]),
        "fhir_base_url": server.base_url(visit),
        "fhir_token": visit.token,
    }
    started = perf_counter()
    outcome, answer, ending, error = "ok", "", "stop", ""
    try:
        answer = (
            _posted(settings, instruction, stopping)
            if "url" in settings
            else _commanded(settings, instruction, stopping)
        )
    except AgentFailed as failure:
        ending, error = failure.ending, str(failure)
        outcome = "request_error" if ending == "request_error" else "ok"
    finally:
        server.dismiss(visit)
    log = [ToolCall(f"{asked.method} {asked.target}\n{asked.condition}", asked.body) for asked in visit.requests]
    if outcome == "request_error":
        return Completion("request_error", error=error, latency=perf_counter() - started)
    # Why it came to no answer stands in place of a thinking, which is kept with the answer.
    latency = perf_counter() - started
    return Completion("ok", answer, error, finish_reason=ending, latency=latency, tool_calls=log)


def _commanded(settings: JsonObject, instruction: Mapping[str, str], stopping: threading.Event) -> str:
    """Run the command in a process group of its own, without keys in its environment."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {"FHIR_BASE_URL": instruction["fhir_base_url"], "FHIR_TOKEN": instruction["fhir_token"]}
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as output:
        stdin.write(json.dumps({key: instruction[key] for key in ("instruction", "setting")}).encode())
        stdin.seek(0)
        try:
            process = subprocess.Popen(
                settings["command"],
                stdin=stdin,
                stdout=output,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:  # also a zero byte in a word
            reason = getattr(error, "strerror", None) or error
            raise AgentFailed("request_error", f"its command cannot be started ({reason})") from None
        try:
            _wait(process, output, float(settings["timeout"]), stopping)
        finally:
            # Also what it has started and left behind.
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        size = output.seek(0, os.SEEK_END)
        output.seek(max(0, size - MOST_SAID))
        # Only a line feed ends a line: JSON may hold Unicode's other separators as they are.
        last = output.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
    if process.returncode:
        how = f"by signal {-process.returncode}" if process.returncode < 0 else f"with status {process.returncode}"
        raise AgentFailed("malformed", f"its command ended {how}")
    return _answer(last)


def _wait(process: subprocess.Popen[bytes], output: IO[bytes], seconds: float, stopping: threading.Event) -> None:
    until = monotonic() + seconds
    while not stopping.is_set():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=LOOK_EVERY)
            return
        if os.fstat(output.fileno()).st_size > MOST_PRINTED:
            raise AgentFailed("malformed", f"it printed more than {MOST_PRINTED:,} bytes")
        if monotonic() > until:
            raise AgentFailed("time_limit", f"no answer within {seconds:g} s")
    raise AgentFailed("request_error", "the run was ended")


def _posted(settings: JsonObject, instruction: Mapping[str, str], stopping: threading.Event) -> str:
    """Ask an address, for so many seconds in all: one that sends a byte now and then is not waited for."""
    return asyncio.run(_within(_exchange(settings["url"], instruction), float(settings["timeout"]), stopping))


async def _within(exchange: Coroutine[Any, Any, str], seconds: float, stopping: threading.Event) -> str:
    until = monotonic() + seconds
    task = asyncio.ensure_future(exchange)
    try:
        while not stopping.is_set() and monotonic() < until:
            if (await asyncio.wait([task], timeout=LOOK_EVERY))[0]:
                return task.result()
    finally:
        task.cancel()
    if stopping.is_set():
        raise AgentFailed("request_error", "the run was ended")
    raise AgentFailed("time_limit", f"no answer within {seconds:g} s")


async def _exchange(url: str, instruction: Mapping[str, str]) -> str:
    import aiohttp  # Here: it is costly to import, and most sessions have no such agent.

    said = bytearray()
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session,
            session.post(url, json=instruction, proxy=proxy_for(url), allow_redirects=False) as reply,
        ):
            if reply.status != 200:
                raise AgentFailed("request_error", f"it answers HTTP {reply.status}")
            async for chunk in reply.content.iter_any():
                said += chunk
                if len(said) > MOST_SAID:
                    raise AgentFailed("malformed", f"its answer has more than {MOST_SAID:,} bytes")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise AgentFailed("request_error", f"it cannot be reached ({type(error).__name__})") from None
    return _answer(said.decode("utf-8", "replace"), "its reply")


def _answer(text: str, what: str = "its last line") -> str:
    try:
        document = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or "answer" not in document:
        raise AgentFailed("malformed", f'{what} is not {{"answer": ...}}')
    answer = document["answer"]
    said = answer if isinstance(answer, str) else "" if answer is None else json.dumps(answer)
    return said.encode("utf-8", "replace").decode()  # without half characters


def _no_number(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def replayed(environment: Environment, request: Request, completion: Completion) -> Episode:
    """The episode that an agent's completion stands for."""
    state = environment.state
    calls: list[Call] = []
    for number, asked in enumerate(completion.tool_calls):
        line, _, condition = asked.name.partition("\n")
        method, _, target = line.partition(" ")
        answer = respond(state, method, target, asked.arguments, AGENT, condition=condition)
        calls.append(_call(number, method, target, asked.arguments, state, answer))
        state = answer.state
    if completion.outcome == "request_error":
        ending: Ending = "request_error"
    else:
        ending = _ENDINGS.get(completion.finish_reason, "ok")
    if ending == "ok" and not completion.content.strip():
        ending = "empty"
    said = completion.content if ending == "ok" else ""
    nothing = Completion("ok", latency=0.0, attempts=0, cached=completion.cached)
    # The one completion stands for all of it; each request counts as a step.
    spent = [replace(completion, tool_calls=()), *[nothing] * len(calls)]
    steps = [Step(request, each, "", "", (call,)) for call, each in zip(calls, spent, strict=False)]
    steps.append(Step(request, spent[len(calls)], said, "", problem=completion.reasoning))
    return Episode(environment.state, state, steps, ending, said)


def _call(number: int, method: str, target: str, body: str, before: Any, answer: Answer) -> Call:
    document = answer.body
    entries = (
        document.get("entry", ())
        if isinstance(document, dict) and document.get("resourceType") == "Bundle"
        else [{"resource": document}]
    )
    resources = [entry.get("resource") for entry in entries]
    refs = tuple(
        f"{resource['resourceType']}/{resource['id']}"
        for resource in resources
        if isinstance(resource, dict) and "id" in resource and "resourceType" in resource
    )
    path = urlsplit(target)
    arguments = {"path": path.path, "query": path.query, **({"body": body[:MOST_OUTPUT]} if body else {})}
    changes = answer.state.changes[len(before.changes) :]
    text = json.dumps(document, ensure_ascii=False)[:MOST_OUTPUT]
    return Call(number, method, arguments, "ok" if answer.status < 400 else "refused", text, refs, changes)
