"""Benchmarks of one's own: NAME.medhelm.yaml from the file to the gate, and what its author gets wrong."""

from __future__ import annotations

import gzip
import json
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given

from perf.mock_server import Fault, MockServer
from pytest_medhelm.cli.main import main
from pytest_medhelm.plugin.yaml_benchmarks.rows import reference_number
from pytest_medhelm.plugin.yaml_benchmarks.schema import KEYS, read_spec
from pytest_medhelm.plugin.yaml_benchmarks.spec import Tolerance
from pytest_medhelm.scoring.metrics.numeric import number_accuracy
from pytest_medhelm.util.document import DocumentError
from tests.support.checks import some
from tests.support.examples import drawn, hostile
from tests.support.paths import CHECKOUT
from tests.support.servers import vllm
from tests.support.suites import cell, leaderboard

DOCS = (CHECKOUT / "docs/own-benchmarks.md").read_text()

TRIAGE = """\
name: triage
subcategory: Care Coordination and Planning
data: triage.csv
columns: {id: call, cluster: patient, slices: [ward]}
prompt: |
  Somebody calls: {note}
  How urgent is it?
answer:
  kind: label
  column: urgency
  choices: [emergency, today, routine]
  positive: emergency
"""
CALLS = """\
call,patient,ward,note,urgency
call-1,p1,east,Gold A: chest pain,emergency
call-2,p2,east,Gold B: an ear hurts,today
call-3,p3,west,Gold C: needs a prescription,routine
call-4,p4,west,Gold A: swollen lips,emergency
"""


@pytest.fixture
def own(pytester: pytest.Pytester) -> Callable[..., Path]:
    """Write files beside each other; without arguments the triage benchmark. Returns the first one's path."""

    def write(text: str = TRIAGE, data: str | bytes = CALLS, name: str = "triage", ending: str = "csv") -> Path:
        path = pytester.path / f"{name}.medhelm.yaml"
        path.write_text(text, encoding="utf-8")
        content = data.encode() if isinstance(data, str) else data
        (pytester.path / f"{name}.{ending}").write_bytes(content)
        return path

    return write


@pytest.fixture
def quick(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Run pytest in this process: enough where nothing is asked of a server."""
    return lambda *options: pytester.runpytest_inprocess("-p", "no:cacheprovider", *options)


def prompt_of(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


def told(body: dict[str, Any]) -> str:
    """The right letter, which stands in the invented question."""
    return prompt_of(body).partition("Gold ")[2][0]


def values(folder: Path, benchmark: str = "triage") -> dict[str, float]:
    """The values of a cell by metric."""
    return {name: entry["value"] for name, entry in cell(leaderboard(folder), benchmark)["metrics"].items()}


# Each kind of answer


def test_labels(own: Any, run: Any, pytester: pytest.Pytester) -> None:
    own()
    with MockServer(lambda body: "A" if "an ear" in prompt_of(body) else told(body)) as server:
        result = run(*vllm(server))
        assert result.ret == 0
        result.stdout.fnmatch_lines(["*4 scored*"])
        assert len(server.requests) == 4
        (asked,) = [prompt_of(body) for body in server.requests if "lips" in prompt_of(body)]
    assert asked == (
        "Somebody calls: Gold A: swollen lips\nHow urgent is it?\nA. emergency\nB. today\nC. routine\n\n"
        "End your reply with one line of this form, where X is the letter of the best option (A, B, C): Answer: X"
    )
    found = values(pytester.path)
    # Emergency: 2 right of 3 predicted, 2 of 2 found, F1 0.8; today: 0; routine: 1.
    assert found["exact_match"] == 0.75
    assert found["exact_match_helm"] == 0.75
    assert found["macro_f1"] == pytest.approx((0.8 + 0 + 1) / 3, abs=1e-6)
    assert found["precision"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["recall"] == 1.0
    (facts,) = leaderboard(pytester.path)["results"]["benchmarks"]
    assert facts["access"] == "private"
    assert facts["may_use_hosted_api"] is False
    assert facts["kind"] == "classification"
    assert facts["chance"] == pytest.approx(1 / 3, abs=1e-6)
    assert facts["data"]["origin"] == "own"
    (name,) = facts["data"]["sha256"]
    assert re.fullmatch("[0-9a-f]{16}", name), "a name that a user chose is a keyed hash"
    assert cell(leaderboard(pytester.path), "triage")["sample"] is False


LETTERS = """\
name: exam
subcategory: Providing Clinical Knowledge Support
access: public
data: exam.csv
columns: {id: number}
prompt: "{question}"
answer: {kind: letter, column: key, choices_columns: [a, b, c]}
"""
EXAM = """\
number,question,a,b,c,key
q1,Which is it? Gold B,first,second,third,B
q2,And which here? Gold A,one,two,,a
"""


def test_letters_with_options_of_their_own(own: Any, run: Any, pytester: pytest.Pytester) -> None:
    own(LETTERS, EXAM, "exam")
    with MockServer(told) as server:
        result = run(*vllm(server), "-v")
        asked = {prompt_of(body).partition("\n")[0]: prompt_of(body) for body in server.requests}
    assert result.ret == 0
    assert "A. one\nB. two\n\n" in asked["And which here? Gold A"], "an empty last option is no option"
    assert values(pytester.path, "exam") == {"exact_match": 1.0, "exact_match_helm": 1.0}
    assert "exam.medhelm.yaml::test_exam[vllm/mock-q1]" in result.stdout.str()
    assert "own/collect.py" not in result.stdout.str(), "the test stands in the author's file"


NUMBERS = """\
name: dose
subcategory: Planning Treatments
language: {language}
data: dose.csv
prompt: "{{question}} Reply with the number alone."
answer: {{kind: number, column: mg, tolerance: {tolerance}}}
"""


@pytest.mark.parametrize(
    ("language", "tolerance", "rows", "reply", "expected"),
    [
        ("en", "0", '"Ask 1",100\n"Ask 2",200\n', {"1": "100 mg", "2": "201"}, 0.5),
        ("en", "5 %", '"Ask 1",100\n"Ask 2",200\n', {"1": "105", "2": "189.9"}, 0.5),
        ("en", "0.5", '"Ask 1","1,000"\n"Ask 2",2.5\n', {"1": "1000.5", "2": "about five to ten"}, 0.5),
        ("de", "0.05", '"Ask 1","1,5"\n"Ask 2",2.25\n', {"1": "Antwort: 1,5 mg", "2": "2,3"}, 1.0),
    ],
)
def test_numbers(
    language: str, tolerance: str, rows: str, reply: dict[str, str], expected: float,
    own: Any, run: Any, pytester: pytest.Pytester,
) -> None:  # fmt: skip
    own(NUMBERS.format(language=language, tolerance=tolerance), f"question,mg\n{rows}", "dose")
    with MockServer(lambda body: reply[prompt_of(body).split()[1]]) as server:
        assert run(*vllm(server)).ret == 0
        strict = run(*vllm(server), "--medhelm-strict")
    assert values(pytester.path, "dose") == {"number_accuracy": expected}
    assert strict.ret == (0 if expected == 1.0 else 1)


@pytest.mark.parametrize(
    ("prediction", "reference", "tolerance", "value"),
    [(0.1 + 0.2, 0.3, 0.0, 1.0), (1.05, 1.0, 0.05, 1.0), (1.051, 1.0, 0.05, 0.0), (-2.0, 2.0, 0.0, 0.0)],
)
def test_number_accuracy(prediction: float, reference: float, tolerance: float, value: float) -> None:
    assert number_accuracy(prediction, reference, tolerance) == value


@pytest.mark.parametrize(
    ("text", "language", "number"),
    [
        ("12.5", "en", 12.5), ("12.5", "de", 12.5), ("12,5", "de", 12.5), ("12,5", "en", None), ("1,200", "en", 1200.0),
        ("1.200", "de", None), ("0.125", "de", 0.125), ("−3", "en", -3.0), ("5 mg", "en", None), ("nan", "en", None),
        ("1,200", "de", 1.2), ("1e3", "en", 1000.0), ("", "en", None),
    ],
)  # fmt: skip
def test_reference_numbers(text: str, language: str, number: float | None) -> None:
    assert reference_number(text, language) == number


def test_tolerances() -> None:
    assert Tolerance(0.05, True).around(-200) == 10.0
    assert Tolerance(0.5).around(-200) == 0.5


TEXTS = """\
name: arztbrief
title: Zusammenfassung von Arztbriefen
subcategory: Documenting Care Plans
language: de
data: arztbrief.csv
prompt: |
  Fassen Sie zusammen ({{{{kurz}}}}):

  {{brief}}
answer: {{kind: text, column: zusammenfassung}}
metrics: [{metrics}]
"""
BRIEFE = '\ufeffbrief,zusammenfassung\r\n"Schädel, unauffällig","Schädel unauffällig"\r\n"Hüfte","Übung täglich"\r\n'


def test_german_texts_from_excel_with_a_byte_order_mark(own: Any, run: Any, pytester: pytest.Pytester) -> None:
    own(TEXTS.format(metrics="rouge, quasi_exact_match, f1_score"), BRIEFE, "arztbrief")
    reply = {"Schädel, unauffällig": "Schädel: unauffällig", "Hüfte": "schlank"}
    with MockServer(lambda body: reply[prompt_of(body).splitlines()[-1]]) as server:
        assert run(*vllm(server)).ret == 0
        assert prompt_of(server.requests[0]).startswith("Fassen Sie zusammen ({kurz}):\n\n")
    found = values(pytester.path, "arztbrief")
    assert found["rouge_l"] == 0.5
    assert found["quasi_exact_match"] == 0.5
    assert found["f1_score"] == 0.5
    # MedHELM's words are runs of a-z: "sch", "del", "unauff", "llig" agree; "schlank" is none of "bung", "t", "glich".
    assert found["rouge_l_helm"] == 0.5
    assert cell(leaderboard(pytester.path), "arztbrief")["main_metric"] == "rouge_l"


@pytest.mark.parametrize(
    ("metrics", "kind"), [("exact_match", "extraction"), ("rouge", "generation"), ("f1_score, rouge", "generation")]
)
def test_the_kind_of_texts(metrics: str, kind: str, own: Any) -> None:
    spec = read_spec(own(TEXTS.format(metrics=metrics), BRIEFE, "arztbrief"))
    assert spec.kind == kind
    assert spec.main_metric == metrics.partition(",")[0].replace("rouge", "rouge_l")


JURY = """\
rubric:
  scale: [1, 3]
  shows_reference: false
  criteria:
    - name: safety
      question: Would following the answer be safe?
      anchors: {1: dangerous, 3: safe}
    - name: tone
      question: Is it kind?
"""


def test_a_jury_with_a_rubric_of_ones_own(own: Any, run: Any, pytester: pytest.Pytester) -> None:
    own(TEXTS.format(metrics="rouge, jury") + JURY + "gate: jury_safety >= 2\n", BRIEFE, "arztbrief")
    verdict = json.dumps({"safety": {"score": 2, "explanation": "."}, "tone": {"score": 3, "explanation": "."}})
    with MockServer(lambda body: verdict if body["model"] == "judge" else "gut", models=("mock", "judge")) as server:
        result = run(*vllm(server), "--medhelm-judge=vllm/judge")
        assert result.ret == 1, "one judge that nobody compared with clinicians decides nothing"
        judged = [body for body in server.requests if body["model"] == "judge"]
    assert len(judged) == 2
    assert "from 1 (worst) to 3 (best)" in judged[0]["messages"][0]["content"]
    assert "Would following the answer be safe? 1 = dangerous; 3 = safe" in judged[0]["messages"][0]["content"]
    assert "Reference answer" not in judged[0]["messages"][1]["content"]
    found = values(pytester.path, "arztbrief")
    assert (found["jury"], found["jury_safety"], found["jury_tone"]) == (2.5, 2.0, 3.0)
    assert cell(leaderboard(pytester.path), "arztbrief")["main_metric"] == "jury"
    result.stdout.fnmatch_lines(["gate inconclusive: arztbrief.jury_safety >= 2: * 1 judge rated, 2 are needed*"])


def test_another_rubric_gives_other_settings(own: Any, run: Any, pytester: pytest.Pytester) -> None:
    first = read_spec(own(TEXTS.format(metrics="rouge, jury") + JURY, BRIEFE, "arztbrief")).rubric
    again = read_spec(own(TEXTS.format(metrics="rouge, jury") + JURY, BRIEFE, "arztbrief")).rubric
    other = read_spec(own(TEXTS.format(metrics="rouge, jury") + JURY.replace("kind", "polite"), BRIEFE, "arztbrief"))
    assert first == again
    assert not isinstance(first, str)
    assert not isinstance(other.rubric, str)
    assert other.rubric.digest != first.digest


def test_a_packaged_rubric_works_without_judges(own: Any, run: Any, pytester: pytest.Pytester) -> None:
    own(TEXTS.format(metrics="rouge, jury") + "rubric: accuracy_completeness_clarity\n", BRIEFE, "arztbrief")
    assert run("--medhelm-model=baseline/lexical").ret == 0
    assert cell(leaderboard(pytester.path), "arztbrief")["main_metric"] == "rouge_l"


# Data of other forms


@pytest.mark.parametrize("form", ["tsv", "jsonl", "json", "xlsx", "csv.gz", "semicolon"])
def test_every_format_gives_the_same(form: str, own: Any, run: Any, pytester: pytest.Pytester) -> None:
    rows = [line.split(",") for line in CALLS.splitlines()]
    records = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    text = TRIAGE.replace("triage.csv", f"triage.{form}")
    content: str | bytes
    if form == "tsv":
        content = CALLS.replace(",", "\t")
    elif form == "jsonl":
        content = "\n".join(json.dumps(record) for record in records)
    elif form == "json":
        content = json.dumps(records)
    elif form == "csv.gz":
        content = gzip.compress(CALLS.encode())
    elif form == "semicolon":
        text, content = TRIAGE + 'delimiter: ";"\n', CALLS.replace(",", ";")
    else:
        import openpyxl

        book = openpyxl.Workbook()
        assert book.active is not None
        for row in rows:
            book.active.append(row)
        book.save(pytester.path / "made.xlsx")
        content = (pytester.path / "made.xlsx").read_bytes()
    own(text, content, ending="csv" if form == "semicolon" else form)
    with MockServer(told) as server:
        assert run(*vllm(server)).ret == 0
    assert values(pytester.path)["exact_match"] == 1.0


def test_options_in_a_list_of_a_json_file(own: Any, run: Any, pytester: pytest.Pytester) -> None:
    text = LETTERS.replace("exam.csv", "exam.jsonl").replace("choices_columns: [a, b, c]", "choices_column: options")
    rows = [
        {"number": 1, "question": "Which? Gold B", "options": ["x", "y"], "key": "B"},
        {"number": 2, "question": "Which? Gold C", "options": ["x", "y", "z"], "key": "C"},
    ]
    own(text.replace("kind: letter", "kind: letter"), "\n".join(map(json.dumps, rows)), "exam", "jsonl")
    with MockServer(told) as server:
        assert run(*vllm(server)).ret == 0
    assert values(pytester.path, "exam")["exact_match"] == 1.0


def test_the_author_can_place_the_options(own: Any, run: Any) -> None:
    own(TRIAGE.replace("  How urgent is it?", "  Wählen Sie:\n  {choices}\n  Nur der Buchstabe."))
    with MockServer(told) as server:
        run(*vllm(server))
        assert prompt_of(server.requests[0]).endswith(
            "Wählen Sie:\nA. emergency\nB. today\nC. routine\nNur der Buchstabe."
        )


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("", ("surface",)),
        ("keeps_gold: none\n", ()),
        ("keeps_gold: [surface, options]\n", ("surface", "options")),
        ("keeps_gold: option_shuffle\n", ("option_shuffle",)),
    ],
)
def test_what_keeps_its_gold(line: str, kept: tuple[str, ...], own: Any) -> None:
    assert read_spec(own(TRIAGE + line)).keeps_gold == kept


def test_it_is_asked_in_other_words(own: Any, run: Any, pytester: pytest.Pytester) -> None:
    """What changes reaches the model: cells and options, and not how the author asks for the answer."""
    placed = TRIAGE.replace("  How urgent is it?", "  How urgent is it?\n  {choices}\n  Reply with the letter of it.")
    own(placed + "keeps_gold: [surface, options]\n", CALLS.replace("chest", "this is the chest"))
    names = ("fillers", "option_shuffle", "irrelevant_sentence")
    with MockServer(told) as server:
        result = run(*vllm(server), f"--medhelm-perturb={','.join(names)}", "--medhelm-noise-floor=off")
        asked = [prompt_of(body) for body in server.requests]
    result.stdout.fnmatch_lines(["*fillers 4 of 4, option_shuffle 4 of 4*", "*triage: without irrelevant_sentence: *"])
    assert len(set(asked)) == 4 * (1 + 2), "each way of asking is another prompt"
    assert {text.splitlines()[-1] for text in asked} == {"Reply with the letter of it."}
    assert sum("A. emergency\nB. today\nC. routine" in text for text in asked) == 4 * 2
    metrics = values(pytester.path, "triage")
    # The model of this test goes by the letter that the note names, wherever the option stands.
    assert metrics["drop_fillers"] == 0.0
    assert metrics["drop_option_shuffle"] > 0.0


def test_a_cell_behind_the_options_is_changed_too(own: Any, run: Any) -> None:
    own(
        TRIAGE.replace(
            "Somebody calls: {note}\n  How urgent is it?", "How urgent is it?\n  {choices}\n\n  Call: {note}"
        )
    )
    with MockServer(told) as server:
        run(*vllm(server), "--medhelm-perturb=typos,fillers", "--medhelm-noise-floor=off")
        asked = [prompt_of(body) for body in server.requests]
    assert asked[0] == "How urgent is it?\nA. emergency\nB. today\nC. routine\n\nCall: Gold A: chest pain"
    assert len(set(asked)) > 4


def test_ids_survive_a_reordering(own: Any, run: Any, pytester: pytest.Pytester) -> None:
    text = TRIAGE.replace("columns: {id: call, cluster: patient, slices: [ward]}\n", "")
    for rows in (CALLS.splitlines(), [CALLS.splitlines()[0], *reversed(CALLS.splitlines()[1:])]):
        own(text, "\n".join(rows))
        with MockServer(told) as server:
            assert run(*vllm(server), f"--medhelm-suite={rows[1][:6]}").ret == 0
    first, second = (cell(leaderboard(pytester.path, suite), "triage") for suite in ("call-1", "call-4"))
    assert first["instances"] == second["instances"]
    assert len(set(first["instances"])) == 4


def test_solved_examples(own: Any, run: Any, pytester: pytest.Pytester) -> None:
    own(TRIAGE + "examples: solved.csv\n")
    (pytester.path / "solved.csv").write_text(CALLS.replace("Gold", "Example"))
    with MockServer(told) as server:
        assert run(*vllm(server), "--medhelm-shots=2").ret == 0
        turns = server.requests[0]["messages"]
        assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "assistant", "user"]
        for shown, reply in some(zip(turns[0::2], turns[1::2], strict=False)):
            assert "Example" in shown["content"]
            assert reply["content"] == shown["content"].partition("Example ")[2][0]
    (pytester.path / "solved.csv").unlink()
    lacking = run("--medhelm-model=baseline/random", "--medhelm-shots=2")
    lacking.stdout.fnmatch_lines(["*what --medhelm-shots shows comes from the data file, which is not in *"])


# Selection


def test_selection(own: Any, run: Any, letters: Callable[..., Path], server: MockServer) -> None:
    own()
    data = letters(3)
    for options, scored in (
        (("-k", "triage"), 4), (("-m", "triage"), 4), (("-m", "private and classification"), 4),
        (("-m", "care_coordination_and_planning"), 4), (("-m", "public"), 3), (("triage.medhelm.yaml",), 4),
        (("--strict-markers",), 7), (("--medhelm-limit=2", "-m", "triage"), 2), (("-o", "python_functions=check"), 4),
    ):  # fmt: skip
        result = run(*vllm(server), f"--medhelm-data={data}", "--medhelm-suite=s", *options)
        result.stdout.fnmatch_lines([f"*{scored} scored*"])
        assert result.ret == 0


def test_without_a_model_it_is_skipped(own: Any, run: Any) -> None:
    own()
    result = run()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["medhelm: 1 tests skipped: no model named*", "*1 skipped*"])


def test_without_a_file_nothing_is_imported(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import sys\ndef test_it():\n    assert 'yaml' not in sys.modules\n")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)


def test_real_data_is_not_sent_to_third_parties(own: Any, run: Any) -> None:
    own()
    options = ("--medhelm-model=vllm/a", "--medhelm-base-url=https://models.example.org/v1")
    listed = run(*options, "--collect-only", "-q")
    assert "no-data-all" in listed.stdout.str()
    own(TRIAGE + "access: public\nmay_use_hosted_api: true\n")
    assert "no-data" not in run(*options, "--collect-only", "-q").stdout.str()


# Gates


@pytest.mark.parametrize(
    ("rules", "verdicts", "status"),
    [
        ("gate: exact_match >= 0.75", ["pass"], 0),
        ("gate:\n  - triage.exact_match >= 0.75\n  - recall >= 1", ["pass", "pass"], 0),
        ("gate:\n  - exact_match >= 0.8\n  - macro_f1 >= 0.5", ["fail", "pass"], 1),
        ("gate: exact_match.lower >= 0.75", ["inconclusive"], 1),
    ],
)
def test_its_own_gate_decides(
    rules: str, verdicts: list[str], status: int, own: Any, run: Any, pytester: pytest.Pytester
) -> None:
    own(TRIAGE + rules)
    with MockServer(lambda body: "A" if "an ear" in prompt_of(body) else told(body)) as server:
        result = run(*vllm(server), "--junitxml=ci.xml")
    found = leaderboard(pytester.path)["results"]["gates"]
    assert [gate["verdict"] for gate in found] == verdicts
    assert result.ret == status
    cases = [
        case
        for case in ElementTree.parse(pytester.path / "ci.xml").getroot().iter("testcase")
        if case.get("classname") == "medhelm gate"
    ]
    assert len(cases) == len(verdicts)


def test_its_gate_is_judged_beside_the_command_lines(own: Any, run: Any, pytester: pytest.Pytester) -> None:
    own(TRIAGE + "gate: exact_match >= 0.9")
    with MockServer(told) as server:
        same = run(*vllm(server), "--medhelm-gate=triage.exact_match >= 0.9")
        other = run(*vllm(server), "--medhelm-gate=*.request_error <= 0", "-k", "test_triage")
    assert same.stdout.str().count("gate pass: ") == 1, "the same rule is judged once"
    assert other.stdout.str().count("gate pass: ") == 2
    assert same.ret == other.ret == 0


def test_a_rule_of_the_file_on_request_errors_decides(own: Any, run: Any) -> None:
    own(TRIAGE + "gate: request_error <= 0.25")
    with MockServer(lambda body: Fault("status", 400) if "an ear" in prompt_of(body) else told(body)) as server:
        result = run(*vllm(server))
        assert result.ret == 0
        result.stdout.fnmatch_lines(["*1 passed, *3 scored*"])
        own(TRIAGE + "gate: exact_match >= 0.01")
        assert run(*vllm(server)).ret == 1, "without a rule on it an unanswered request is an error"


def test_a_part_of_the_set_passes_no_gate(own: Any, run: Any, pytester: pytest.Pytester) -> None:
    own(TRIAGE.replace("name: triage", "name: triage\naccess: public") + "gate: exact_match >= 0.01")
    with MockServer(told) as server:
        result = run(*vllm(server), "-k", "call-1")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["gate not evaluated: * only 1 of 4 instances have records*"])


@pytest.mark.parametrize("rule", ["", "gate: exact_match >= 0.01"])
def test_missing_data_is_no_pass(rule: str, own: Any, run: Any, pytester: Any) -> None:
    own(TRIAGE + rule)
    (pytester.path / "triage.csv").unlink()
    result = run("--medhelm-model=baseline/majority", "-rs")
    result.stdout.fnmatch_lines(["*triage has no data here: put the data file into *, or correct the name*"])
    assert result.ret == (1 if rule else 5), "who brings a gate must be measured; without one nothing was evaluated"
    assert "Traceback" not in result.stdout.str()


def test_a_module_may_bring_gates_too(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    data = letters(5)
    path = pytester.path / "test_letters.py"
    source = path.read_text()
    for rule, status, sentence in (
        ("letters.exact_match >= 1", 0, "gate pass: letters.exact_match >= 1: *"),
        ("letters.exact_match > 1", 1, "letters: gate 'letters.exact_match > 1', column 21: expected >= or <=; *"),
    ):
        path.write_text(source.replace("load=load,", f"load=load, gates=({rule!r},),"))
        result = run(*vllm(server), f"--medhelm-data={data}")
        assert result.ret == status
        result.stdout.fnmatch_lines([sentence])


# What its author gets wrong


def changed(old: str, new: str) -> str:
    assert TRIAGE.count(old) == 1, old
    return TRIAGE.replace(old, new)


WRONG_FILES = [
    # text, line, column, sentence
    ("", 1, 1, "the file is empty; *"),
    ("# nothing\n", 1, 1, "the file is empty; *"),
    ("- a\n- b\n", 1, 1, "* has keys of its own*"),
    ("name: a\n---\nname: b\n", 2, 1, "a second document begins*"),
    (changed("name: triage\n", ""), 1, 1, "the key 'name' is missing; add e.g. 'name: triage'"),
    (changed("prompt: |\n  Somebody calls: {note}\n  How urgent is it?\n", ""), 1, 1, "the key 'prompt' is missing*"),
    (changed("  column: urgency\n", ""), 9, 3, "the key 'column' is missing in answer*"),
    (changed("name: triage", "name: Triage 2"), 1, 7, "the name 'Triage 2' is not made of small letters*"),
    (changed("name: triage", "name: private"), 1, 7, "the name 'private' has a meaning of its own*own_private"),
    (changed("name: triage", "name: [triage]"), 1, 7, "name is a text;*"),
    (changed("name: triage", "name:"), 1, 6, "name has no value*"),
    (changed("data: triage.csv", "data: triage.docx"), 3, 7, "data names a file that ends in .csv, *or .xlsx"),
    (changed("Care Coordination and Planning", "Care Coordination"), 2, 14, "subcategory 'Care Coordination' is *"),
    (changed("columns:", "colums:"), 4, 1, "the key 'colums' is unknown; did you mean 'columns'?"),
    (changed("cluster:", "claster:"), 4, 21, "the key 'claster' of columns is unknown; did you mean 'cluster'?"),
    (changed("slices: [ward]", "slices: [patient]"), 4, 48, "'patient' tells records or patients apart; *"),
    (changed("slices: [ward]", "slices: {}"), 4, 47, "slices is a list*"),
    (changed("columns: {id: call, cluster: patient, slices: [ward]}", "columns: call"), 4, 10, "columns has keys*"),
    (changed("  How urgent", "\tHow urgent"), 7, 1, "a tab; indent with spaces"),
    (changed("kind: label", "\tkind: label"), 9, 3, "a tab; indent with spaces"),
    (changed("{note}", "{note"), 6, 19, "a lone {; write {{ for the character itself*"),
    (changed("urgent is it?", "urgent} is it?"), 7, 13, "a lone }; write }} *"),
    (changed("How urgent", "{{ward}} {} How urgent"), 7, 12, "a placeholder without a name*"),
    (changed("{note}", "note"), 5, 9, "the prompt names no column*"),
    (changed("prompt: |\n  Somebody calls: {note}\n  How urgent is it?", "prompt: {note}"), 5, 9, "prompt is a text*"),
    (changed("|\n  Somebody calls: {note}\n  How urgent is it?", "Call: {note}"), 5, 13, "this is not valid YAML*"),
    (changed("kind: label", "kind: lable"), 9, 9, "kind 'lable' is unknown; did you mean 'label'?"),
    (changed("kind: label", "kind: number"), 11, 12, "a number has no options*"),
    (changed("choices: [emergency, today, routine]", "tolerance: 1"), 9, 3, "the key 'choices' is missing in answer*"),
    (changed("[emergency, today, routine]", "[emergency]"), 11, 12, "choices names 1 instead of 2 to 26*"),
    (changed("[emergency, today, routine]", "[today, routine, today]"), 11, 29, "choices names 'today' twice"),
    (changed("  positive", "  choices: [a, b]\n  positive"), 12, 3, "the key 'choices' is here a second time"),
    (changed("  positive", "  choices_column: x\n  positive"), 12, 19, "the options are named by choices already*"),
    (changed("positive: emergency", "positive: Emergency"), 12, 13, "positive 'Emergency' is unknown; did you mean *"),
    (changed("positive: emergency", "tolerance: 3"), 12, 14, "only an answer of kind: number has a tolerance*"),
    (TRIAGE + "metrics: [exact_mach]\n", 13, 11, "the metric 'exact_mach' is unknown; did you mean 'exact_match'?"),
    (TRIAGE + "metrics: [exact_match, rouge]\n", 13, 24, "the metric 'rouge' does not fit kind: label*"),
    (TRIAGE + "rubric: accuracy_structure_clarity\n", 13, 9, "nobody uses this rubric*"),
    (TRIAGE + "language: german\n", 13, 11, "language is a code, e.g. en, de*"),
    (TRIAGE + "access: secret\n", 13, 9, "access 'secret' is unknown; known are: public, gated, private"),
    (TRIAGE + "may_use_hosted_api: maybe\n", 13, 21, "may_use_hosted_api 'maybe' is unknown*"),
    (TRIAGE + "may_use_hosted_api: true\n", 13, 21, "may_use_hosted_api is for access: public; *--medhelm-allow-host*"),
    (TRIAGE + "delimiter: x\n", 13, 12, "delimiter 'x' is unknown*"),
    (TRIAGE + "gate: exact_match > 0.8\n", 13, 7, "gate 'triage.exact_match > 0.8', column 20: expected >= or <=;*"),
    (
        TRIAGE + "gate:\n  - exact_match >= 0.01\n  - recal >= 0.8\n",
        15,
        5,
        "this rule is about 'recal'; here it is about*",
    ),
    (TRIAGE + "gate: triage.recal >= 0.8\n", 13, 7, "the metric 'recal' is not recorded *did you mean 'recall'?"),
    (TRIAGE + "gate: refused.lower <= 0.1\n", 13, 7, "*a lower bound is compared with >= *"),
    (TRIAGE + "gate: med_qa >= 0.8\n", 13, 7, "this rule is about 'med_qa'; here it is about triage*"),
    (TRIAGE + "keeps_gold: [surface, option]\n", 13, 23, "keeps_gold 'option' is unknown; did you mean 'options'?"),
    (TRIAGE + "keeps_gold: []\n", 13, 13, "keeps_gold is a list, and this one is empty;*"),
    (
        changed("How urgent is it?", "{choices} Urgent? {choices}"),
        7,
        21,
        "the options go to one place; delete this {choices}",
    ),
    (TRIAGE + "licence: &a [*a]\n", 13, 10, "licence is a text*"),
    (TRIAGE + "licence: !!python/object/apply:os.system [ls]\n", 13, 10, "licence is a text*"),
    (TRIAGE + "licence: *missing\n", 13, 10, "this is not valid YAML*"),
    (TRIAGE + "licence: a \x07 bell\n", 13, 1, "a control character; delete it"),
    (TRIAGE + "licence: " + "[" * 5000, 1, 1, "this is nested too deeply"),
]


@pytest.mark.parametrize(("text", "line", "column", "sentence"), WRONG_FILES)
def test_a_wrong_file_names_line_and_column(text: str, line: int, column: int, sentence: str, tmp_path: Path) -> None:
    import fnmatch

    path = tmp_path / "triage.medhelm.yaml"
    path.write_text(text)
    with pytest.raises(DocumentError) as caught:
        read_spec(path)
    told = str(caught.value)
    assert told.startswith(f"triage.medhelm.yaml, line {line}, column {column}: "), told
    pattern = re.sub(r"[\[\]]", "?", sentence).replace("it?", "it[?]")
    assert fnmatch.fnmatchcase(told.partition(": ")[2], pattern), told
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize(
    ("text", "line", "column", "sentence"),
    [
        ("metrics: [jury]", 11, 10, "without judges a jury gives no score"),
        ("metrics: [rouge, jury]", 11, 10, "a jury needs a rubric"),
        ("metrics: [rouge, jury]\nrubric: kindness", 12, 9, "rubric 'kindness' is unknown: name one of "),
        ("metrics: [rouge, jury]\nrubric: security_reply", 12, 9, "the rubric 'security_reply' sorts replies"),
        ("metrics: [rouge, jury]\nrubric: {criteria: [{name: a}]}", 12, 21, "the key 'question' is missing"),
        ("metrics: [rouge, jury]\nrubric: {scale: [5, 1], criteria: [{name: a, question: b}]}", 12, 17, "scale names"),
        ("metrics: [rouge, jury]\nrubric: {criteria: [{name: A b, question: b}]}", 12, 28, "a criterion's name is"),
        (
            "metrics: [rouge, jury]\nrubric: {criteria: [{name: a, question: b, anchors: {9: x}}]}",
            12, 57, "anchors say what numbers from 1 to 5 mean",
        ),
    ],
)  # fmt: skip
def test_a_wrong_rubric(text: str, line: int, column: int, sentence: str, own: Any) -> None:
    base = TEXTS.format(metrics="x").partition("metrics")[0]
    with pytest.raises(DocumentError) as caught:
        read_spec(own(base + text + "\n", BRIEFE, "arztbrief"))
    assert str(caught.value).startswith(f"arztbrief.medhelm.yaml, line {line}, column {column}: {sentence}")


def edited(random: Random) -> str:
    """A file in which somebody types something, perhaps over something else."""
    start = random.randrange(len(TRIAGE) + 1)
    typed = "".join(random.choices("{}[]:,|>&*!#'\"\t\n -ab~%@?", k=random.randrange(7)))
    return TRIAGE[:start] + typed + TRIAGE[start + random.randrange(13) :]


def test_no_edit_of_a_file_ends_in_anything_but_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "triage.medhelm.yaml"

    @hostile
    @given(drawn(edited))
    def check(files: list[str]) -> None:
        for content in files:
            path.write_text(content)
            problem = ""
            try:
                read_spec(path)
            except DocumentError as error:
                problem = str(error)
            assert not problem or re.match(r"triage\.medhelm\.yaml, line \d+, column \d+: .", problem)

    check()


def test_brackets_within_brackets_take_no_time(own: Any) -> None:
    with pytest.raises(DocumentError, match="nested too deeply"):
        read_spec(own("name: " + "[" * 200_000))


def test_a_file_that_is_not_utf8(own: Any) -> None:
    path = own()
    path.write_bytes(path.read_bytes().replace(b"Somebody", "Wählen".encode("latin-1")))
    with pytest.raises(
        DocumentError, match=r"triage.medhelm.yaml, line 6, column 4: this is not UTF-8 text; save the file"
    ):
        read_spec(path)


def test_a_file_with_a_byte_order_mark_and_windows_line_ends(own: Any) -> None:
    path = own()
    path.write_bytes(("\ufeff" + TRIAGE.replace("\n", "\r\n")).encode())
    assert read_spec(path).name == "triage"


@pytest.mark.parametrize(
    ("prompt", "line", "column"),
    [
        ("|\n  First {note}\n\n  then {noet}", 8, 8),
        ("'Say {note}: {noet}'", 5, 22),
        ('"A\\u0042 {note} {noet}"', 5, 25),
        ("Say {note}\n  or {noet}", 6, 6),
        (">-\n  {note} folded\n  {noet}", 7, 3),
        ("'{{noet}} {note} {noet}'", 5, 26),
    ],
)
def test_a_typo_in_a_placeholder(prompt: str, line: int, column: int, own: Any, quick: Any) -> None:
    own(changed("|\n  Somebody calls: {note}\n  How urgent is it?", prompt))
    result = quick("--medhelm-model=baseline/random")
    assert result.ret == 1
    place = f"triage.medhelm.yaml, line {line}, column {column}: the data file has no column 'noet'; its columns are: "
    assert f"{place}call, patient, ward, note, urgency; did you mean 'note'?" in result.stdout.str()


@pytest.mark.parametrize(
    ("text", "data", "sentence"),
    [
        (changed("id: call", "id: number"), CALLS, "triage.medhelm.yaml, line 4, column 15: FILE has no column*"),
        (changed("column: urgency", "column: Urgency"), CALLS, "* line 10, column 11: *did you mean 'urgency'*"),
        (TRIAGE, CALLS.replace("call-2", "call-1"), "FILE, row 2: the column 'call' holds the same id as row 1"),
        (TRIAGE, CALLS.replace("today", "tonight"), "FILE, row 2: the column 'urgency' holds none *"),
        (changed("kind: label", "kind: letter"), CALLS, "FILE, row 1: *letters A, B, C; * write kind: label"),
        (TRIAGE, CALLS.replace("Gold B: an ear hurts", ""), "FILE, row 2: there is nothing to ask: *"),
        (TRIAGE, CALLS.replace("call-3,", ","), "FILE, row 3: the column 'call' is empty"),
        (TRIAGE, CALLS.replace(",today", ","), "FILE, row 2: the column 'urgency' is empty"),
        (TRIAGE, CALLS.replace(",west", ""), "FILE, row 3: it has 4 cells instead of 5"),
        (TRIAGE, CALLS.replace(",", ";"), "FILE: its cells are separated by semicolons instead of commas; *"),
        (TRIAGE + 'delimiter: ";"\n', CALLS, "FILE: its cells are separated by commas instead of semicolons; *"),
        (TRIAGE, CALLS.replace("ward", "note"), "FILE has the column 'note' more than once; rename one of them"),
        (TRIAGE, "", "FILE is empty"),
        (TRIAGE, CALLS.splitlines()[0], "FILE has no rows"),
        (TRIAGE, CALLS.replace("an ear", "über").encode("latin-1"), "FILE, line 3: this is not UTF-8 text; *"),
        (
            TRIAGE, CALLS.partition("\n")[2],
            "* line 6, column 19: FILE has none of the columns * its first row must hold their names",
        ),
    ],
)  # fmt: skip
def test_wrong_data_is_one_sentence(text: str, data: Any, sentence: str, own: Any, quick: Any) -> None:
    own(text, data)
    result = quick("--medhelm-model=baseline/random")
    assert result.ret == 1
    result.stdout.fnmatch_lines([sentence.replace("FILE", "the data file")])
    result.stdout.fnmatch_lines(["*1 error*"])
    output = result.stdout.str()
    assert "Traceback" not in output
    assert "chest pain" not in output
    assert "swollen" not in output


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("q1,Which is it? Gold B,first", "q1,Which is it? Gold B,"), "exam.csv, row 1: the column 'a' is empty"),
        (("one,two,,a", "one,,,a"), "exam.csv, row 2: it has 1 options instead of 2 to 26"),
        (("one,two,,a", "one,one,,a"), "exam.csv, row 2: two of its options are the same"),
        (
            ("one,two,,a", "one,two,,c"),
            "exam.csv, row 2: the column 'key' does not hold one of the letters A, B; *",
        ),
    ],
)
def test_wrong_options(change: tuple[str, str], sentence: str, own: Any, quick: Any) -> None:
    assert EXAM.count(change[0]) == 1
    own(LETTERS, EXAM.replace(*change), "exam")
    result = quick("--medhelm-model=baseline/random")
    assert result.ret == 1
    result.stdout.fnmatch_lines([sentence])


def test_a_broken_file_fails_alone(
    own: Any, run: Any, letters: Callable[..., Path], server: MockServer, pytester: Any
) -> None:
    own(changed("kind: label", "kind: lable"))
    result = run(*vllm(server), f"--medhelm-data={letters(3)}")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "triage.medhelm.yaml, line 9, column 9: kind 'lable' is unknown; did you mean 'label'?",
            "*1 failed, 3 scored*",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert "Interrupted" not in result.stdout.str()
    selected = run(*vllm(server), "-m", "triage")
    assert selected.ret == 1, "it is found by its mark although it is broken"
    assert run().ret == 1, "a broken file is broken without a model, too"


@pytest.mark.parametrize("quiet", [(), ("-q",)])
def test_a_broken_file_shows_when_nothing_is_run(quiet: tuple[str, ...], own: Any, quick: Any) -> None:
    own(changed("kind: label", "kind: lable"))
    result = quick("--collect-only", *quiet)
    assert "medhelm: triage.medhelm.yaml, line 9, column 9: kind 'lable' is unknown" in result.stdout.str()
    assert "Interrupted" not in result.stdout.str()


def test_two_files_of_one_name(own: Any, quick: Any, pytester: pytest.Pytester) -> None:
    own()
    own(TRIAGE, CALLS, "zweite")
    result = quick("--medhelm-model=baseline/random")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["zweite.medhelm.yaml: the name 'triage' is taken by */triage.medhelm.yaml; choose another", "*4 scored*"]
    )


# Privacy


def test_no_text_and_no_record_number_leaves_the_suite(
    own: Any, run: Any, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDHELM_ID_KEY", "a key of this hospital")
    own(TRIAGE + "gate: exact_match >= 1\n")
    with MockServer(lambda body: f"I read: {prompt_of(body)}") as server:
        result = run(*vllm(server), "-v", "--junitxml=ci.xml", "--html=ci.html", "--self-contained-html")
    assert result.ret == 1
    folder = pytester.path / "medhelm-results/default"
    outside = [result.stdout.str(), *((pytester.path / name).read_text() for name in ("ci.xml", "ci.html"))]
    plain = [path.read_text() for path in folder.glob("*.json")]
    for text in (*outside, *plain, (folder / "leaderboard.html").read_text()):
        for secret in ("call-1", "p1", "chest pain", "swollen"):
            assert not re.search(rf"(?<![\w-]){secret}(?!\w)", text), secret


# The starter and the tutorial


def new(*arguments: str) -> int:
    return main(["new", *arguments])


@pytest.mark.parametrize("form", [(), ("--python",)])
@pytest.mark.parametrize("to", [(), ("--to", "sub/folder")])
def test_a_starter_runs_as_it_stands(
    form: tuple[str, ...], to: tuple[str, ...], run: Any, pytester: pytest.Pytester, capsys: Any
) -> None:
    assert new("ward_triage", *form, *to) == 0
    *wrote, following = capsys.readouterr().out.splitlines()
    assert all((pytester.path / line.removeprefix("wrote ")).is_file() for line in some(wrote))
    words = shlex.split(following.removeprefix("next: "))
    assert words[0] == "pytest"
    result = run(*words[1:], "--strict-markers")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*8 scored*"])
    assert new("ward_triage", *form, *to) == 1
    assert "is there already and stays as it is" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Triage", "2nd", "class", "jury", "a-b", "../x", "planning_treatments", ""])
def test_a_starter_needs_a_name(name: str, pytester: pytest.Pytester, capsys: Any) -> None:
    assert new(name) == 1
    assert re.match(r"medhelm: the name .* e\.g\. ", capsys.readouterr().err)
    assert not list(pytester.path.iterdir())


def test_the_medhelm_command_writes_a_starter(pytester: pytest.Pytester) -> None:
    command = (sys.executable, "-m", "pytest_medhelm", "new")
    assert pytester.run(*command, "ward_triage").ret == 0
    again = pytester.run(*command, "ward_triage")
    assert again.ret == 1
    again.stderr.fnmatch_lines(["medhelm: ward_triage.medhelm.yaml is there already*"])


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)


def test_the_tutorial(pytester: pytest.Pytester, run: Any) -> None:
    """Its files, then its commands one after the other; the marked one fails."""
    table, solved = blocks("csv")
    full = blocks("yaml")[0]
    (pytester.path / "discharge.csv").write_text(table)
    (pytester.path / "solved.csv").write_text(solved)
    (pytester.path / "discharge.medhelm.yaml").write_text(full)

    def reply(body: dict[str, Any]) -> str:
        return "B" if "a fall" in prompt_of(body) else "A"

    commands = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("pytest ")]
    assert len(commands) >= 4
    with MockServer(reply, models=("llama3",)) as server:
        for command in commands:
            line, _, remark = command.partition("  #")
            words = shlex.split(line.replace("http://localhost:8000/v1", server.url))
            result = run(*words[1:])
            assert result.ret == (1 if "exit status 1" in remark else 0), result.stdout.str()
            gate = "--medhelm-gate" in line
            assert ("gate " in result.stdout.str()) == gate


def test_the_tutorials_gate_of_the_file(pytester: pytest.Pytester, run: Any) -> None:
    (pytester.path / "discharge.csv").write_text(blocks("csv")[0])
    gate = next(block for block in blocks("yaml") if block.startswith("gate:"))
    (pytester.path / "discharge.medhelm.yaml").write_text(blocks("yaml")[0] + gate)
    result = run("--medhelm-model=baseline/majority")
    assert result.ret == 1
    assert result.stdout.str().count("discharge.") >= 2


@pytest.mark.parametrize("block", [block for block in blocks("yaml") if not block.startswith("name:")])
def test_each_piece_of_the_reference_can_be_read(block: str, own: Any) -> None:
    """A piece replaces the same keys of a whole file."""
    keys = re.findall(r"^(\w+):", block, re.MULTILINE)
    whole = TRIAGE if "answer" not in keys else TRIAGE.partition("answer:")[0]
    if "rubric" in keys or "metrics" in keys:
        whole = TRIAGE.partition("answer:")[0] + "answer: {kind: text, column: note}\n"
    kept = re.split(r"^(?=\w)", whole, flags=re.MULTILINE)
    text = "".join(part for part in kept if part.partition(":")[0] not in keys) + block
    assert read_spec(own(text)).name == "triage"


def test_the_reference_names_every_key() -> None:
    told = set(re.findall(r"^\| `(\w+)`", DOCS, re.MULTILINE))
    inner = {
        "id", "cluster", "slices", "kind", "column", "choices", "choices_column", "choices_columns", "tolerance",
        "positive", "scale", "shows_reference", "criteria", "harm",
    }  # fmt: skip
    assert told == {*KEYS, *inner}
