"""Agents of one's own: a command or an address that works on the hospital by HTTP, in its own way.

What comes back is its answer and what it asked of the hospital. Both are kept as one completion, from which the episode
follows: each request is answered again by the same functions.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import monotonic, perf_counter
from typing import Any
from urllib.parse import urlsplit

from pytest_medhelm.agents.episode import Call, Ending, Environment, Episode, Step
from pytest_medhelm.agents.hospital.http_face import Answer, respond
from pytest_medhelm.agents.hospital.server import HospitalServer
from pytest_medhelm.agents.tools import AGENT, MOST_OUTPUT
from pytest_medhelm.models.engine.request import Completion, Request, ToolCall
from pytest_medhelm.util.json_types import JsonObject
from pytest_medhelm.util.network import opener

MOST_SAID = 1_000_000
"""Bytes of an agent's output that are read, from its end."""
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
        answer = _posted(settings, instruction) if "url" in settings else _commanded(settings, instruction, stopping)
    except AgentFailed as failure:
        ending, error = failure.ending, str(failure)
        outcome = "request_error" if ending == "request_error" else "ok"
    finally:
        server.dismiss(visit)
    log = [ToolCall(f"{asked.method} {asked.target}\n{asked.condition}", asked.body) for asked in visit.requests]
    if outcome == "request_error":
        return Completion("request_error", error=error, latency=perf_counter() - started)
    return Completion("ok", answer, finish_reason=ending, latency=perf_counter() - started, tool_calls=log)


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
        except OSError as error:
            raise AgentFailed("request_error", f"its command cannot be started ({error.strerror})") from None
        try:
            _wait(process, float(settings["timeout"]), stopping)
        finally:
            # Also what it has started and left behind.
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        size = output.seek(0, os.SEEK_END)
        output.seek(max(0, size - MOST_SAID))
        lines = output.read().decode("utf-8", "replace").strip().splitlines()
    if process.returncode:
        raise AgentFailed("malformed", f"its command ended with status {process.returncode}")
    return _answer(lines[-1] if lines else "")


def _wait(process: subprocess.Popen[bytes], seconds: float, stopping: threading.Event) -> None:
    until = monotonic() + seconds
    while not stopping.is_set():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=LOOK_EVERY)
            return
        if monotonic() > until:
            raise AgentFailed("time_limit", f"no answer within {seconds:g} s")
    raise AgentFailed("request_error", "the run was ended")


def _posted(settings: JsonObject, instruction: Mapping[str, str]) -> str:
    url = settings["url"]
    body = json.dumps(instruction).encode()
    asked = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with opener(url).open(asked, timeout=settings["timeout"]) as reply:
            return _answer(reply.read(MOST_SAID).decode("utf-8", "replace"))
    except TimeoutError:
        raise AgentFailed("time_limit", f"no answer within {settings['timeout']:g} s") from None
    except urllib.error.HTTPError as error:
        raise AgentFailed("request_error", f"it answers HTTP {error.code}") from None
    except (OSError, ValueError) as error:
        if isinstance(getattr(error, "reason", None), TimeoutError):
            raise AgentFailed("time_limit", f"no answer within {settings['timeout']:g} s") from None
        raise AgentFailed("request_error", f"it cannot be reached ({type(error).__name__})") from None


def _answer(text: str) -> str:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or "answer" not in document:
        raise AgentFailed("malformed", 'its last line is not {"answer": ...}')
    answer = document["answer"]
    return answer if isinstance(answer, str) else json.dumps(answer)


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
    steps.append(Step(request, spent[len(calls)], said, ""))
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
