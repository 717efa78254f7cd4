"""A user's own FHIR server in the hospital's place, here our hospital on loopback: read, and never written to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest

from benchmarks.administration_and_workflow import test_medagent_bench as module
from benchmarks.shared.medagent_bench import NOW, chart, due
from benchmarks.shared.medagent_tasks import load
from perf.mock_server import MockServer
from pytest_medhelm.agents import own_server
from pytest_medhelm.agents.hospital.errors import FhirError
from pytest_medhelm.agents.hospital.population import given_chart
from pytest_medhelm.agents.hospital.server import HospitalServer, Visit
from pytest_medhelm.agents.own_server import FhirServer
from pytest_medhelm.cli.main import main
from pytest_medhelm.tasks.task import Instance
from pytest_medhelm.util.errors import RunStopped
from tests.support.agent_modules import MEDAGENT_BENCH, records_of, task_of, turn_of
from tests.support.medagent import SAMPLE, right

INSTANCES = [entry for entry in load(SAMPLE) if isinstance(entry, Instance)]
SCRIPTS = {module.prompt(instance): right(instance) for instance in INSTANCES}
"""By prompt what an agent writes that does the task."""


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[tuple[HospitalServer, Visit]]:
    """A FHIR server with the patients of all sample tasks."""
    charts = [resource for instance in INSTANCES for resource in chart(instance.fields["task"])]
    with HospitalServer() as server:
        yield server, server.admit(given_chart(charts, NOW), path="ward", token="")


def tasks_folder(folder: Path) -> Path:
    """The sample's tasks as if they were upstream's."""
    data = folder / "given/medagent_bench"
    data.mkdir(parents=True)
    (data / SAMPLE.name).write_text(SAMPLE.read_text())
    (folder / "medhelm.toml").write_text(f'[data.medagent_bench]\naccept = ["{SAMPLE.name}"]\n')
    return data.parent


def reply(body: dict[str, Any]) -> str:
    return SCRIPTS[task_of(body)][turn_of(body)]


def run(pytester: pytest.Pytester, url: str, *options: str) -> pytest.RunResult:
    return pytester.runpytest(
        str(MEDAGENT_BENCH), f"--medhelm-fhir={url}", f"--medhelm-data={tasks_folder(pytester.path)}",
        "--medhelm-model=vllm/mock", *options,
    )  # fmt: skip


def test_only_get_is_sent_and_orders_are_kept_in_the_episode(
    pytester: pytest.Pytester, ward: tuple[HospitalServer, Visit]
) -> None:
    server, visit = ward
    with MockServer(reply) as mock:
        result = run(pytester, server.base_url(visit), f"--medhelm-base-url={mock.url}")
        assert len(mock.requests) == sum(map(len, SCRIPTS.values())), "no probe of tools that this protocol lacks"
    assert {asked.method for asked in visit.requests} == {"GET"}
    assert not visit.state.changes
    found = records_of(pytester.path)
    assert len(found) == len(INSTANCES)
    assert {record["scores"]["success"] for record in found.values()} == {1.0}
    ordered = sum(len(due(instance.fields["task"], module.environment(instance).state)) for instance in INSTANCES)
    assert sum(record["episode"]["changes"] for record in found.values()) == ordered > 0
    said = " ".join(result.stdout.str().split())
    assert "SAMPLE DATA" not in said
    board = json.loads((pytester.path / "medhelm-results/default/leaderboard.json").read_text())
    (benchmark,) = board["results"]["benchmarks"]
    assert (benchmark["access"], benchmark["title"]) == ("private", "MedAgentBench (own FHIR server)")
    assert "/ward/fhir" not in json.dumps(board), "a path may be a key"
    # Scored again from what was kept: the server is gone.
    server.dismiss(visit)
    asked = len(visit.requests)
    suite = str(pytester.path / "medhelm-results/default")
    (pytester.path / "medhelm.toml").write_text(
        f'[run]\nfhir = "{server.base_url(visit)}"\ndata = "given"\n{(pytester.path / "medhelm.toml").read_text()}'
    )
    assert main(["rescore", suite, str(MEDAGENT_BENCH)]) == 0
    assert {name: record["scores"] for name, record in records_of(pytester.path).items()} == {
        name: record["scores"] for name, record in found.items()
    }
    assert len(visit.requests) == asked


def test_one_post_too_many_and_one_that_nobody_asked_for_are_no_success(
    pytester: pytest.Pytester, ward: tuple[HospitalServer, Visit]
) -> None:
    server, visit = ward

    def twice(body: dict[str, Any]) -> str:
        texts = SCRIPTS[task_of(body)]
        posts = [text for text in texts if text.startswith("POST")] or ["POST http://localhost:8080/fhir/Task\n{}"]
        return [*texts[:-1], posts[0], texts[-1]][turn_of(body)]

    with MockServer(twice) as mock:
        run(pytester, server.base_url(visit), f"--medhelm-base-url={mock.url}")
    assert {record["scores"]["success"] for record in records_of(pytester.path).values()} == {0.0}
    assert {asked.method for asked in visit.requests} == {"GET"}


def test_a_dead_server_is_one_sentence_before_any_model_is_asked(pytester: pytest.Pytester) -> None:
    with MockServer(reply) as mock:
        result = run(pytester, "http://127.0.0.1:9/fhir", f"--medhelm-base-url={mock.url}")
        assert not [body for body in mock.requests if body.get("messages")]
    said = " ".join(result.stdout.str().split())
    assert "does not answer (connection refused): start it, and the same command goes on" in said
    assert "Traceback" not in said
    assert result.ret == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--medhelm-fhir=http://ward.example:8080/fhir", "--medhelm-offline"],
         "type --medhelm-allow-host=ward.example"),
        (["--medhelm-fhir=ward:8080"], "is not the base URL of a server; type e.g. http://localhost:8080/fhir"),
        (["--medhelm-fhir=http://127.0.0.1:9/fhir"], "name upstream's tasks by --medhelm-data=DIR"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_told(pytester: pytest.Pytester, options: list[str], said: str) -> None:
    result = pytester.runpytest(str(MEDAGENT_BENCH), "--medhelm-model=baseline/idle-agent", "-rs", *options)
    assert said in " ".join((result.stdout.str() + result.stderr.str()).split())


def test_the_record_of_a_hospital_is_sent_to_no_service_of_others(
    pytester: pytest.Pytester, ward: tuple[HospitalServer, Visit]
) -> None:
    server, visit = ward
    result = run(pytester, server.base_url(visit), "--medhelm-base-url=http://api.example/v1", "-rs")
    said = " ".join(result.stdout.str().split())
    assert "is not sent to vllm/mock: its data are private" in said
    assert "type --medhelm-allow-host=api.example" in said
    assert not visit.requests


# The server itself


def reading(url: str, folder: Path, **options: bool) -> FhirServer:
    return FhirServer(url, folder / "responses.sqlite", run="r", **{"use_cache": True, **options})


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:8080/fhir/../admin",
        "http://localhost:8080/fhir/Patient/..",
        "http://localhost:8080/fhir/Patient/%2e%2e/%2e%2e/metadata",
        "http://evil.example/etc/passwd",
        "http://localhost:8080/fhir/Patient/$everything",
        "http://localhost:8080/fhir/$export",
        "http://localhost:8080/fhir/Patient/S1/_history/2",
        "http://localhost:8080/fhir/",
        "http://localhost:8080/fhir/Patient?name=" + "x" * 5_000,
        "http://[/fhir/Patient",
        "",
        "Patient/S1\nX-Header: 1",
    ],
)
def test_an_address_that_leads_elsewhere_is_refused_and_not_sent(
    ward: tuple[HospitalServer, Visit], tmp_path: Path, address: str
) -> None:
    server, visit = ward
    with pytest.raises(FhirError):
        reading(server.base_url(visit), tmp_path).get(address)
    assert not visit.requests


def test_all_pages_are_read_and_each_answer_once(ward: tuple[HospitalServer, Visit], tmp_path: Path) -> None:
    server, visit = ward
    fhir = reading(server.base_url(visit), tmp_path)
    patients = {entry["id"] for entry in fhir.find_all("Patient", [("_count", "3")])}
    assert patients == {entry["id"] for entry in visit.state.all("Patient")}
    asked = len(visit.requests)
    again = reading(server.base_url(visit), tmp_path)
    assert {entry["id"] for entry in again.find_all("Patient", [("_count", "3")])} == patients
    assert len(visit.requests) == asked, "read from the suite"
    reading(server.base_url(visit), tmp_path, use_cache=False).find_all("Patient", [("_count", "3")])
    assert len(visit.requests) == 2 * asked, "asked again where everything is"


def test_a_token_comes_from_the_environment(
    ward: tuple[HospitalServer, Visit], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, _ = ward
    closed = server.admit(given_chart((), NOW), path="closed", token="secret")
    with pytest.raises(RunStopped, match=r"refuses access \(HTTP 401\): export MEDHELM_FHIR_TOKEN="):
        reading(server.base_url(closed), tmp_path).check()
    monkeypatch.setenv("MEDHELM_FHIR_TOKEN", "secret")
    reading(server.base_url(closed), tmp_path).check()


class Odd(BaseHTTPRequestHandler):
    """Answers by the type that is searched."""

    def do_GET(self) -> None:
        kind = self.path.partition("?")[0].rpartition("/")[2]
        if kind == "Slot":
            threading.Event().wait(1.5)
            return
        status = {"Task": 302, "Claim": 503, "Coverage": 500}.get(kind, 200)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"http://127.0.0.1:{cast(Any, self.server).server_port}/Patient")
        self.end_headers()
        self.wfile.write(b"<html>" if kind == "Patient" else b"{}")

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.mark.parametrize(
    ("kind", "problem", "said"),
    [
        ("Slot", RunStopped, "does not answer (no answer within 0.2 s)"),
        ("Claim", RunStopped, "does not answer (HTTP 503)"),
        ("Task", FhirError, "the server answers HTTP 302"),
        ("Coverage", FhirError, "the server answers HTTP 500"),
        ("Patient", FhirError, "no FHIR resource as JSON"),
    ],
)
def test_what_else_a_server_may_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, problem: type[Exception], said: str
) -> None:
    monkeypatch.setattr(own_server, "SECONDS", 0.2)
    monkeypatch.setattr(own_server, "PAUSE", 0.0)
    with ThreadingHTTPServer(("127.0.0.1", 0), Odd) as odd:
        threading.Thread(target=odd.serve_forever, daemon=True).start()
        with pytest.raises(problem) as raised:
            reading(f"http://127.0.0.1:{odd.server_port}", tmp_path).get(f"{kind}?patient=1")
        odd.shutdown()
    assert said in str(raised.value)
