"""The embedded hospital: what may be written, what is found, what an episode costs, and the same over HTTP."""

from __future__ import annotations

import datetime as dt
import json
import lzma
import pickle
import re
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_medhelm.agents.hospital import generate
from pytest_medhelm.agents.hospital.codes import MEDICINES, PROBLEMS, ROUTES, SERVICE_CODES, TESTS, VACCINES
from pytest_medhelm.agents.hospital.errors import FhirError
from pytest_medhelm.agents.hospital.facts import facts, in_words
from pytest_medhelm.agents.hospital.http_face import respond
from pytest_medhelm.agents.hospital.operations import create, delete, read, transaction, update
from pytest_medhelm.agents.hospital.population import FILE, hospital
from pytest_medhelm.agents.hospital.profiles import PROFILES
from pytest_medhelm.agents.hospital.rules import rules
from pytest_medhelm.agents.hospital.search import search
from pytest_medhelm.agents.hospital.server import Asked, HospitalServer
from pytest_medhelm.agents.hospital.shorthand import resource
from pytest_medhelm.agents.hospital.validate import check
from pytest_medhelm.agents.hospital.values import OFTEN
from pytest_medhelm.agents.hospital.when import span_of
from pytest_medhelm.agents.tools import HOSPITAL_TOOLS, MOST_OUTPUT, call
from pytest_medhelm.cli.main import main

STATE = hospital()
ORDER: dict[str, Any] = {
    "resourceType": "MedicationRequest", "status": "active", "intent": "order",
    "medicationCodeableConcept": {"coding": [{"system": "urn:medhelm:formulary", "code": "furosemide"}]},
    "subject": {"reference": "Patient/p0001"},
}  # fmt: skip
PORT_FREE = "--port=0"


def found(kind: str, *parameters: tuple[str, str]) -> list[str]:
    return [entry["resource"]["id"] for entry in search(STATE, kind, parameters).get("entry", ())]


# The population


def test_the_population_is_what_the_script_makes_and_all_of_it_is_valid() -> None:
    made = generate.population()
    assert generate.as_bytes(made) == lzma.decompress(FILE.read_bytes())
    assert FILE.stat().st_size < 500_000
    assert sum(entry["resourceType"] == "Patient" for entry in made) >= 200
    for entry in made[::7]:
        check(entry, None, STATE.exists)


def test_notes_agree_with_results_and_medicines_with_problems() -> None:
    notes = 0
    for patient in STATE.population.ids("Patient"):
        entries = [facts(entry) for kind in ("Observation", "MedicationRequest") for entry in STATE.all(kind, patient)]
        by_time: dict[str, dict[str, float]] = {}
        for entry in entries:
            if entry["kind"] == "result":
                by_time.setdefault(entry["when"], {})[entry["test"]] = entry["value"][0]
        problems = {facts(entry)["name"] for entry in STATE.all("Condition", patient)}
        for entry in entries:
            if entry["kind"] == "medicine_order":
                treats = {
                    name
                    for name, profile in PROFILES.items()
                    if entry["medicine"] in {one[0] for one in profile.medicines}
                }
                assert treats & problems, patient
        for note in STATE.all("DocumentReference", patient):
            said = facts(note)["text"].partition("Measured today: ")[2].partition(".\n")[0]
            values = {name: float(value) for name, _, value in (part.rpartition(" ") for part in said.split("; "))}
            assert values == by_time[note["date"]]
            notes += 1
    assert notes > 1000


# Writing


def test_what_is_written_is_found_and_the_state_before_is_as_it_was() -> None:
    after, stored = create(STATE, ORDER, "agent")
    assert stored["id"] == "medicationrequest-1"
    assert stored["meta"] == {"versionId": "1", "lastUpdated": "2026-03-02T09:00:00+00:00"}
    assert (
        search(after, "MedicationRequest", [("patient", "p0001")])["total"]
        == 1 + search(STATE, "MedicationRequest", [("patient", "p0001")])["total"]
    )
    assert STATE.changes == ()
    again, changed = update(after, "MedicationRequest", stored["id"], {**stored, "status": "stopped"}, "agent")
    assert changed["meta"] == {"versionId": "2", "lastUpdated": "2026-03-02T09:01:00+00:00"}
    gone = delete(again, "MedicationRequest", stored["id"], "agent")
    with pytest.raises(FhirError) as refused:
        read(gone, "MedicationRequest", stored["id"])
    assert refused.value.status == 410
    assert [change.did for change in gone.changes] == ["created", "changed", "deleted"]
    assert [change.by for change in gone.changes] == ["agent"] * 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"resourceType": "Medication"}, "there is no resource type 'Medication' here: did you mean MedicationRequest"),
        ({"status": "activ"}, "'activ' is not one of active, on-hold"),
        ({"status": None}, "status is no code"),
        ({"intent": ...}, "intent is required (one of proposal"),
        ({"subject": {"reference": "Patient/nobody"}}, "there is no 'Patient/nobody'"),
        ({"subject": {"reference": "Practitioner/dr-osei"}}, 'is no reference to Patient, e.g. "Patient/ID"'),
        ({"subject": "Patient/p0001"}, "subject is a JSON object of type Reference"),
        ({"dosage": {}}, "has no element 'dosage'"),
        ({"authoredOn": "yesterday"}, "authoredOn is no dateTime (e.g. 2026-03-02T08:30:00+00:00)"),
        ({"authoredOn": "2026-13-01"}, "'2026-13-01' is no date"),
        ({"note": {"text": "x"}}, "note is a list: write [...]"),
        ({"medicationCodeableConcept": ...}, "needs medicationCodeableConcept"),
        ({"medicationCodeableConcept": {}}, "needs a coding (system and code) or a text"),
        (
            {"medicationCodeableConcept": {"coding": [{"system": "urn:medhelm:formulary", "code": "magic"}]}},
            "urn:medhelm:formulary has no code 'magic': look it up with find_code",
        ),
        (
            {"medicationCodeableConcept": {"coding": [{"system": "http://example.org", "code": "1"}]}},
            "the code system 'http://example.org' is not one of this hospital",
        ),
    ],
)
def test_what_is_wrong_is_refused_in_words(change: dict[str, Any], said: str) -> None:
    body = {key: value for key, value in {**ORDER, **change}.items() if value is not ...}
    outcome = call(HOSPITAL_TOOLS, STATE, "create", {"resource": body})
    assert outcome.status == "refused"
    assert said in outcome.text
    assert outcome.state is STATE


def test_a_status_goes_only_where_it_may() -> None:
    after, stored = create(STATE, {**ORDER, "status": "stopped"}, "agent")
    with pytest.raises(FhirError, match="status cannot go from stopped to 'active': it may become entered-in-error"):
        update(after, "MedicationRequest", stored["id"], {**stored, "status": "active"}, "agent")


def test_a_transaction_is_all_or_nothing_and_its_entries_know_each_other() -> None:
    note = {"resourceType": "Task", "status": "requested", "intent": "order", "for": {"reference": "Patient/p0001"}}
    entries = [
        {"fullUrl": "urn:uuid:a", "resource": ORDER, "request": {"method": "POST", "url": "MedicationRequest"}},
        {"resource": {**note, "focus": {"reference": "urn:uuid:a"}}, "request": {"method": "POST", "url": "Task"}},
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    after, answer = transaction(STATE, bundle, "agent")
    assert answer["entry"][1]["resource"]["focus"] == {"reference": "MedicationRequest/medicationrequest-1"}
    assert len(after.changes) == 2
    entries[1]["resource"] = {**note, "status": "odd"}
    with pytest.raises(FhirError, match=r"entry 2: Task.status"):
        transaction(STATE, bundle, "agent")


def test_an_episode_costs_what_it_changed() -> None:
    state = STATE
    for _ in range(20):
        state, _stored = create(state, ORDER, "agent")
    assert state.population is STATE.population
    assert len(pickle.dumps((dict(state.overlay), state.changes))) < 200_000


# Words


@st.composite
def entries(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(
        st.sampled_from(
            ("medicine_order", "home_medicine", "result", "order", "problem", "immunization", "message", "note")
        )
    )
    if kind in ("medicine_order", "home_medicine"):
        return {
            "kind": kind, "medicine": draw(st.sampled_from(sorted(MEDICINES))), "dose": (float(draw(st.integers(1,
            900))), "mg"),
            "route": draw(st.sampled_from(sorted(ROUTES))), "often": draw(st.sampled_from(sorted(OFTEN))),
        }  # fmt: skip
    if kind == "result":
        return {
            "kind": kind,
            "test": draw(st.sampled_from(sorted(TESTS))),
            "value": (float(draw(st.integers(1, 500))), "mmol"),
        }
    if kind == "order":
        return {"kind": kind, "of": draw(st.sampled_from(sorted([*TESTS, *SERVICE_CODES]))), "priority": "urgent"}
    if kind == "problem":
        return {"kind": kind, "name": draw(st.sampled_from(sorted(PROBLEMS)))}
    if kind == "immunization":
        return {"kind": kind, "vaccine": draw(st.sampled_from(sorted(VACCINES)))}
    text = "x" + draw(st.text("aé \n", max_size=8)) + "y"
    return {"kind": kind, "text": text, **({"to": "dr-osei"} if kind == "message" else {"title": "A note"})}


@given(entries())
def test_facts_read_what_the_words_wrote(words: dict[str, Any]) -> None:
    written = {key: f"{value[0]:g} {value[1]}" if isinstance(value, tuple) else value for key, value in words.items()}
    made = resource(written, "p0001", STATE.now)
    check(made, None, STATE.exists)
    assert facts(made).items() >= words.items()


@pytest.mark.parametrize(
    ("quantity", "dose"),
    [({"value": 2, "unit": "g"}, (2000.0, "mg")), ({"value": 40, "unit": "mEq"}, (40.0, "mmol")),
     ({"value": 100, "unit": "mcg"}, (0.1, "mg")), ({"value": 5, "code": "[iU]"}, (5.0, "units"))],
)  # fmt: skip
def test_doses_are_compared_in_one_unit(quantity: dict[str, Any], dose: tuple[float, str]) -> None:
    assert facts({**ORDER, "dosageInstruction": [{"doseAndRate": [{"doseQuantity": quantity}]}]})["dose"] == dose


def test_a_change_is_told_as_a_clinician_reads_it() -> None:
    words = {"kind": "medicine_order", "medicine": "potassium chloride", "dose": "40 mmol", "route": "oral"}
    after, stored = create(STATE, resource(words, "p0001", STATE.now), "agent")
    assert in_words(after.changes[0], after).startswith("ordered potassium chloride 40 mmol oral once for ")
    ended, _ = update(after, "MedicationRequest", stored["id"], {**stored, "status": "stopped"}, "agent")
    assert "status active -> stopped" in in_words(ended.changes[1], ended)


# Searching


DATES = st.dates(dt.date(2023, 1, 1), dt.date(2026, 3, 1)).map(dt.date.isoformat)


@given(
    st.sampled_from(("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")), DATES, st.sampled_from(("date", "month", "year"))
)
def test_prefixes_are_those_of_r4(prefix: str, day: str, precision: str) -> None:
    wanted = day[: {"date": 10, "month": 7, "year": 4}[precision]]
    span = span_of(wanted)
    assert span is not None
    low, high = span
    kept = set()
    for entry in STATE.all("Observation", "p0002"):
        when = span_of(entry["effectiveDateTime"])
        assert when is not None
        start, end = when
        last = end - dt.timedelta(microseconds=1)
        verdict = {
            "eq": low <= start and end <= high, "ne": not (low <= start and end <= high), "gt": last >= high,
            "lt": start < low,
            "ge": last >= low, "le": start < high, "sa": start >= high, "eb": end <= low,
        }[prefix]  # fmt: skip
        kept |= {entry["id"]} if verdict else set()
    assert set(found("Observation", ("patient", "p0002"), ("date", prefix + wanted), ("_count", "200"))) == kept


def test_paging_goes_through_all_of_it_once() -> None:
    seen: list[str] = []
    parameters = [("patient", "p0001"), ("_count", "7"), ("_sort", "-date")]
    while True:
        bundle = search(STATE, "Observation", parameters)
        seen += [entry["resource"]["id"] for entry in bundle.get("entry", ())]
        link = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)
        if link is None:
            break
        parameters = [tuple(part.split("=", 1)) for part in link.partition("?")[2].split("&")]  # type: ignore[misc]
    assert len(seen) == len(set(seen)) == bundle["total"]
    times = [read(STATE, "Observation", identifier)["effectiveDateTime"] for identifier in seen]
    assert times == sorted(times, reverse=True)


def test_chaining_includes_and_values() -> None:
    family = read(STATE, "Patient", "p0001")["name"][0]["family"]
    chained = found("Condition", ("patient.family", family), ("_count", "200"))
    assert set(found("Condition", ("patient", "p0001"))) <= set(chained)
    bundle = search(STATE, "Observation", [("patient", "p0001"), ("_count", "1"), ("_include", "Observation:patient")])
    assert [(entry["resource"]["resourceType"], entry["search"]["mode"]) for entry in bundle["entry"]] == [
        ("Observation", "match"), ("Patient", "include"),
    ]  # fmt: skip
    high = found("Observation", ("code", "http://loinc.org|4548-4"), ("value-quantity", "ge9"), ("_count", "200"))
    assert high
    assert all(read(STATE, "Observation", key)["valueQuantity"]["value"] >= 9 for key in high)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ([("colour", "red")], "Observation cannot be searched by 'colour': use _id"),
        ([("date", "soon")], "'soon' is no date"),
        ([("_sort", "colour")], "cannot be sorted by 'colour'"),
        ([("_count", "-1")], "is no whole number"),
        ([("value-quantity", "much")], "'much' is no quantity"),
        ([("_include", "x")], "write Observation:NAME"),
        ([("patient", "p0001' OR '1'='1")], ""),
        ([("patient", "../p0002")], ""),
        ([("patient", "p0001")] * 41, "at most 40 parameters"),
    ],
)
def test_parameters_that_mean_nothing_are_named_and_find_nothing(parameters: list[tuple[str, str]], said: str) -> None:
    answer = respond(STATE, "GET", "Observation?" + "&".join(f"{name}={value}" for name, value in parameters), "", "x")
    if said:
        assert answer.status == 400
        assert said in json.dumps(answer.body, ensure_ascii=False)
    else:
        assert answer.body["total"] == 0


TASK = {"resourceType": "Task", "status": "requested", "intent": "order", "for": {"reference": "Patient/p0001"}}
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(),
lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from((*rules()["Task"].fields, "resourceType", "coding", "reference")), inner),
    max_leaves=12)  # fmt: skip


@given(JSON)
def test_whatever_is_sent_is_answered(body: Any) -> None:
    for tool in ("create", "update", "transaction", "search", "read", "find_code", "write_note", "no such tool"):
        for arguments in (body, {"resource": body}, {"bundle": body}, {"resource_type": "Task", "parameters": body}):
            outcome = call(HOSPITAL_TOOLS, STATE, tool, arguments)
            assert outcome.status in ("ok", "refused", "malformed")
            assert len(outcome.text) <= MOST_OUTPUT + 400
    assert respond(STATE, "POST", "/Task", json.dumps(body), "x").status in (201, 400, 404, 422)


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "fullUrl": JSON | st.just("urn:uuid:a"),
                "resource": JSON | st.just(TASK) | st.just({**TASK, "focus": {"reference": "urn:uuid:a"}}),
                "request": JSON
                | st.fixed_dictionaries(
                    {
                        "method": JSON | st.sampled_from(("GET", "POST", "PUT", "DELETE")),
                        "url": JSON | st.sampled_from(("Task", "Patient/p0001", "Patient?name=a")),
                    },
                    optional={"ifMatch": JSON, "ifNoneExist": JSON},
                ),
            },
        )
        | JSON,
        max_size=4,
    ),
    st.sampled_from(("transaction", "batch")),
)
def test_whatever_a_transaction_holds_is_answered(entries: list[Any], kind: str) -> None:
    bundle = {"resourceType": "Bundle", "type": kind, "entry": entries}
    outcome = call(HOSPITAL_TOOLS, STATE, "transaction", {"bundle": bundle})
    assert outcome.status in ("ok", "refused", "malformed")
    assert outcome.status == "ok" or outcome.state is STATE


def test_huge_and_deep_arguments_are_contained() -> None:
    huge = call(
        HOSPITAL_TOOLS, STATE, "create", {"resource": {"resourceType": "Task", "description": "x" * 10_000_000}}
    )
    assert (huge.status, huge.state) == ("malformed", STATE)
    deep: Any = {}
    for _ in range(100_000):
        deep = {"a": deep}
    assert call(HOSPITAL_TOOLS, STATE, "create", {"resource": deep}).status == "malformed"
    long = call(HOSPITAL_TOOLS, STATE, "search", {"resource_type": "Observation", "parameters": {"_count": "200"}})
    assert "[cut: " in long.text
    assert '"_count": "10"' in long.text


# Over HTTP


@pytest.fixture(scope="module")
def server() -> Iterator[HospitalServer]:
    with HospitalServer() as running:
        yield running


def ask(url: str, token: str = "", method: str = "GET", body: Any = None, **headers: str) -> tuple[int, Any, Any]:
    data = None if body is None else json.dumps(body).encode()
    sent = {"Authorization": f"Bearer {token}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, sent, method=method)) as reply:
            text = reply.read()
            return reply.status, json.loads(text) if text else None, reply.headers
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read()), error.headers


def test_each_visit_has_a_state_and_a_token_of_its_own(server: HospitalServer) -> None:
    mine, other = server.admit(STATE), server.admit(STATE)
    base = server.base_url(mine)
    status, stored, headers = ask(f"{base}/MedicationRequest", mine.token, "POST", ORDER)
    assert (status, headers["Location"], headers["ETag"]) == (201, f"{base}/MedicationRequest/{stored['id']}", 'W/"1"')
    assert ask(f"{base}/MedicationRequest/{stored['id']}", mine.token)[0] == 200
    assert ask(f"{server.base_url(other)}/MedicationRequest/{stored['id']}", other.token)[0] == 404
    assert ask(f"{base}/Patient/p0001", other.token)[0] == 401
    assert ask(f"{base}/Patient/p0001")[0] == 401
    assert other.state.changes == ()
    server.dismiss(other)
    assert ask(f"{server.base_url(other)}/Patient/p0001", other.token)[0] == 404


def test_conditions_paging_and_the_capability_statement(server: HospitalServer) -> None:
    visit = server.admit(STATE)
    base = server.base_url(visit)
    _, stored, _ = ask(f"{base}/MedicationRequest", visit.token, "POST", ORDER)
    stopped = {**stored, "status": "stopped"}
    where = f"{base}/MedicationRequest/{stored['id']}"
    assert ask(where, visit.token, "PUT", stopped, If_Match='W/"7"')[0] == 412
    assert ask(where, visit.token, "PUT", stopped, If_Match='W/"1"')[0] == 200
    assert ask(f"{base}/MedicationRequest", visit.token, "POST", ORDER, If_None_Exist=f"_id={stored['id']}")[0] == 200
    _, page, _ = ask(f"{base}/Observation?patient=p0001&_count=3", visit.token)
    following = next(link["url"] for link in page["link"] if link["relation"] == "next")
    assert following.startswith(base)
    assert len(ask(following, visit.token)[1]["entry"]) == 3
    assert ask(where, visit.token, "DELETE")[0] == 204
    assert ask(where, visit.token)[0] == 410
    _, statement, _ = ask(f"{base}/metadata", visit.token)
    assert {entry["type"] for entry in statement["rest"][0]["resource"]} == set(rules())
    assert len(visit.requests) == 9


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/%2e%2e/x/fhir", "/Patient/p0001/_history", "/$everything", "//"]
)
def test_strange_paths_lead_nowhere(server: HospitalServer, path: str) -> None:
    visit = server.admit(STATE)
    assert ask(server.base_url(visit) + path, visit.token)[0] in (400, 404, 405)


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /x/fhir/metadata HT",
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        b"POST /x/fhir HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{",
    ],
    ids=["nothing", "half a line", "half of its headers", "half of its body"],
)
def test_a_request_that_never_ends_is_let_go(begun: bytes) -> None:
    with HospitalServer(patience=0.2) as impatient:
        port = int(impatient.address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(begun)
            with suppress(ConnectionError):
                assert connection.recv(1000) == b""
        visit = impatient.admit(STATE)
        assert ask(f"{impatient.base_url(visit)}/Patient/p0001", visit.token)[0] == 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host=0.0.0.0"], "lets other machines in, so it needs a token"),
        (
            ["--host=0.0.0.0", "--token=0123456789abcdef"],
            "add --tls-cert and --tls-key, or leave --host out and put a reverse proxy",
        ),
        (["--token=short"], "--token could be guessed"),
        (["--tls-cert=cert.pem"], "belong together: name both"),
    ],
)
def test_the_command_listens_beyond_this_machine_only_with_token_and_tls(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["hospital", PORT_FREE, *arguments]) == 1
    assert said in capsys.readouterr().err


# What an agent may try


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ([("code:in", "x")], "code has no modifier 'in': use missing, not, text"),
        ([("patient", "p9999"), ("bogus", "x")], "cannot be searched by 'bogus'"),
        ([("code.name", "x")], "code of Observation is no reference"),
        ([("patient.bogus", "x")], "Patient cannot be searched by 'bogus'"),
        ([("date:missing", "maybe")], "date:missing is true or false"),
        ([("date", "٢٠٢٦")], "is no date"),
        ([("code", ",".join(["x"] * 500))], "name a patient, or fewer of them at once"),
        ([("subject:Patient.name", ",".join(["a"] * 2000))], "name a patient, or fewer of them at once"),
    ],
)
def test_a_search_that_means_nothing_is_refused_and_not_empty(parameters: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(FhirError, match=re.escape(said)):
        search(hospital(), "Observation", parameters)


@pytest.mark.parametrize("value", ["40", 10**400, float("nan"), float("inf"), True, None, [40]])
def test_a_dose_that_no_check_could_weigh_is_no_dose(value: object) -> None:
    order = {
        "resourceType": "MedicationRequest", "status": "active", "intent": "order",
        "medicationCodeableConcept": {"coding": [{"system": "urn:medhelm:formulary", "code": "potassium-chloride"}]},
        "subject": {"reference": "Patient/p0001"},
        "dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": value, "unit": "mmol"}}]}],
    }  # fmt: skip
    outcome = call(HOSPITAL_TOOLS, hospital(), "create", {"resource": order})
    assert outcome.status == "refused"
    assert re.search("doseQuantity.value is a number|is no number that JSON knows", outcome.text)
    assert not outcome.state.changes


@pytest.mark.parametrize("target", ["//[", "/Patient?" + "&".join(["name=a"] * 300), "/Patient/%2e%2e%2fx"])
def test_an_address_that_cannot_be_read_gets_an_outcome(target: str) -> None:
    answer = respond(hospital(), "GET", target, "", "agent")
    assert 400 <= answer.status < 500
    assert answer.body["resourceType"] == "OperationOutcome"


def test_a_transaction_searches_no_more_than_an_agent_could() -> None:
    entry = {"request": {"method": "GET", "url": "Observation?_count=200"}}
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [entry] * 6}
    assert "at most 5 searches" in call(HOSPITAL_TOOLS, hospital(), "transaction", {"bundle": bundle}).text


def posted(target: str, body: str, state: Any = STATE, condition: str = "") -> tuple[int, Any]:
    answer = respond(state, "POST", target, body, "agent", condition=condition)
    return answer.status, answer.body


@pytest.mark.parametrize("value", ['"\\ud800"', "NaN", "1e999", "-Infinity"])
def test_what_json_cannot_say_again_is_not_stored(server: HospitalServer, value: str) -> None:
    text = json.dumps({**TASK, "input": [{"type": {"text": "x"}, "valueString": 0}]}).replace(": 0}", f": {value}}}")
    assert posted("/Task", text)[0] == 400
    assert call(HOSPITAL_TOOLS, STATE, "create", {"resource": json.loads(text)}).status == "refused"
    visit = server.admit(STATE)
    address = urllib.request.Request(f"{server.base_url(visit)}/Task", text.encode(), {
        "Authorization": f"Bearer {visit.token}"})  # fmt: skip
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(address)
    assert refused.value.code == 400


def test_half_a_character_that_was_asked_for_can_be_sent_on() -> None:
    outcome = call(HOSPITAL_TOOLS, STATE, "read", {"resource_type": "Patient", "id": "\ud800"})
    assert outcome.status == "refused"
    assert b"Patient/?" in outcome.text.encode()


def test_a_search_does_not_hold_up_the_others(server: HospitalServer) -> None:
    status, said = posted("/Observation/_search", "_sort=" + ",".join(["-date"] * 3000))
    assert status == 400
    assert "sorted by at most 5 parameters" in said["issue"][0]["diagnostics"]
    assert posted("/Observation/_search", '{"patient": "p0001"}')[0] == 400, (
        "JSON is no form: nothing would be asked for"
    )
    assert posted("/Observation/_search", "patient=p0001&_count=1")[1]["total"] == len(
        found("Observation", ("patient", "p0001"), ("_count", "200"))
    )


def test_a_plus_sign_of_a_time_zone_need_not_be_escaped() -> None:
    def total(sign: str) -> int:
        date = f"ge2025-06-01T00:00:00{sign}00:00"
        return int(respond(STATE, "GET", f"/Observation?patient=p0001&date={date}", "", "agent").body["total"])

    assert total("+") == total("%2B") > 0


def test_includes_name_the_type_that_is_searched_and_may_name_a_target() -> None:
    def included(text: str) -> int:
        bundle = search(STATE, "Observation", [("patient", "p0001"), ("_count", "1"), ("_include", text)])
        return sum(entry["search"]["mode"] == "include" for entry in bundle["entry"])

    assert (included("Observation:patient"), included("Observation:patient:Patient")) == (1, 1)
    assert included("Observation:patient:Group") == 0
    with pytest.raises(FhirError, match="write Observation:NAME"):
        included("Patient:general-practitioner")


def entry(method: str, url: str, resource: Any = None, name: str = "", **request: str) -> dict[str, Any]:
    return {"fullUrl": name, "request": {"method": method, "url": url, **request}, "resource": resource}


def in_transaction(*entries: Any) -> tuple[Any, list[Any]]:
    after, answer = transaction(STATE, {"resourceType": "Bundle", "type": "transaction", "entry": [*entries]}, "agent")
    return after, answer["entry"]


def test_conditions_hold_inside_a_transaction() -> None:
    stale = {**read(STATE, "Patient", "p0001"), "active": True}
    with pytest.raises(FhirError, match="has version 1: read it again"):
        in_transaction(entry("PUT", "Patient/p0001", stale, ifMatch='W/"9"'))
    task = {**TASK, "for": {"reference": "urn:uuid:a"}}
    person = {"resourceType": "Patient", "name": [{"family": "Barros"}]}
    after, answers = in_transaction(
        entry("POST", "Task", task), entry("POST", "Patient", person, "urn:uuid:a", ifNoneExist="_id=p0001")
    )
    assert [each["response"]["status"] for each in answers] == ["201", "200"]
    assert answers[0]["resource"]["for"] == {"reference": "Patient/p0001"}
    assert len(after.changes) == 1


def test_a_transaction_is_carried_out_in_the_order_of_r4() -> None:
    focus = {**TASK, "focus": {"reference": "urn:uuid:order"}}
    order = entry("POST", "MedicationRequest", ORDER, "urn:uuid:order")
    look = entry("GET", "MedicationRequest?patient=p0001&code=furosemide&_sort=-_lastUpdated&_count=1")
    _, answers = in_transaction(look, entry("POST", "Task", focus, "urn:uuid:task"), order)
    made = answers[2]["response"]["location"]
    assert answers[1]["resource"]["focus"] == {"reference": made}, "a reference may lead to a later entry"
    assert f"MedicationRequest/{answers[0]['resource']['entry'][0]['resource']['id']}" == made, "GET comes last"
    circle = [
        entry("POST", "Task", {**TASK, "focus": {"reference": f"urn:uuid:{to}"}}, f"urn:uuid:{name}")
        for name, to in ("ab", "ba")
    ]
    with pytest.raises(FhirError, match="there is no 'urn:uuid:"):
        in_transaction(*circle)


def test_what_is_cut_off_was_not_seen() -> None:
    everything = call(HOSPITAL_TOOLS, STATE, "search", {"resource_type": "Observation"})
    whole = call(HOSPITAL_TOOLS, STATE, "search", {"resource_type": "Observation", "parameters": {"_count": "3"}})
    assert len(whole.refs) == 3
    assert 3 < len(everything.refs) < 50
    assert everything.refs[:3] == whole.refs
    assert all(f'"id":"{ref.partition("/")[2]}"' in everything.text for ref in everything.refs)


def test_a_visit_sends_so_much_and_no_more(server: HospitalServer) -> None:
    visit = server.admit(STATE)
    visit.requests += [Asked("POST", "/Task", "x" * 1_000_000, "")] * 20
    assert ask(f"{server.base_url(visit)}/Patient/p0001", visit.token)[0] == 429
    alone = server.admit(STATE, recorded=False)
    assert [ask(f"{server.base_url(alone)}/Patient/p0001", alone.token)[0] for _ in range(505)] == [200] * 505
