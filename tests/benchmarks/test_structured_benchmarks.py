"""Benchmarks with a structured answer: MEDEC, billing codes, EHRSQL, EHRSHOT, N2C2-CT Matching."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import random
import sqlite3
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from benchmarks.administration_and_workflow import test_mimiciv_billing_code as billing
from benchmarks.clinical_decision_support import test_ehrshot as ehrshot
from benchmarks.clinical_decision_support import test_medec as medec
from benchmarks.medical_research_assistance import test_ehr_sql as ehr_sql
from benchmarks.medical_research_assistance import test_n2c2_ct_matching as n2c2
from benchmarks.shared import sql
from benchmarks.shared.error_detection import CORRECT, Finding, medec_helm, read_finding
from benchmarks.shared.error_detection import medec as medec_scores
from benchmarks.shared.icd10 import (
    mimiciv_billing_code,
    mimiciv_billing_code_helm,
    normal_code,
    read_codes,
)
from benchmarks.shared.timelines import Timelines, read_labels
from pytest_medhelm.models.engine.request import Completion
from pytest_medhelm.scoring.metrics import METRICS
from pytest_medhelm.scoring.record import RecordBuilder
from pytest_medhelm.scoring.response import Response
from pytest_medhelm.scoring.score import Score
from pytest_medhelm.tasks.task import Excluded, Instance
from pytest_medhelm.util.errors import DataError
from tests.support.benchmark_modules import SAMPLES
from tests.support.checks import some
from tests.support.real_data import real


def sample(module: ModuleType) -> list[Path]:
    return [SAMPLES / module.TASK.name / file.name for file in module.TASK.files]


def instances(module: ModuleType, *paths: Path) -> list[Instance]:
    return [entry for entry in module.load(*paths) if isinstance(entry, Instance)]


def left_out(module: ModuleType, *paths: Path) -> Counter[str]:
    return Counter(entry.rule for entry in module.load(*paths) if isinstance(entry, Excluded))


def scored(module: ModuleType, instance: Instance, text: str) -> RecordBuilder:
    """What the module's test records for an answer."""
    response = Response(Completion("ok", text, finish_reason="stop"), key="0" * 64, instance=instance, language="en")
    draft: Any = RecordBuilder(SimpleNamespace(task=module.TASK), instance, None, module.TASK.main_metric, "")  # type: ignore[arg-type]
    draft.response = response
    score = Score(draft, METRICS, SimpleNamespace(answer_form="any"))  # type: ignore[arg-type]
    getattr(module, f"test_{module.TASK.name}")(instance, response, score)
    return draft


# MEDEC: the real files (counts of data/README.md)


def medec_test() -> list[Instance]:
    return instances(medec, real("medec", medec.TEST))


def test_medec_counts() -> None:
    path = real("medec", medec.TEST)
    found = medec_test()
    assert (len(found), medec.TASK.size) == (597, 597)
    assert left_out(medec, path) == {}, "the blank rows at the end of the file are no records"
    kinds = Counter(entry.slices["error_type"] for entry in found)
    assert kinds.pop("none") == 286
    assert sum(kinds.values()) == 311
    assert set(kinds) == {"diagnosis", "management", "treatment", "pharmacotherapy", "causalOrganism"}
    assert len(instances(medec, real("medec", medec.VALIDATION))) == 574


def test_medec_error_sentences_are_found_by_their_number_but_for_three_that_span_lines() -> None:
    with real("medec", medec.TEST).open(newline="", encoding="utf-8-sig") as stream:
        rows = {row["Text ID"]: row for row in csv.DictReader(stream)}
    spanning = []
    for entry in medec_test():
        gold = entry.fields["gold"]
        if gold.has_error:
            (line,) = [line for line in entry.context.splitlines() if line.split()[0] == str(gold.sentence)]
            if line.partition(" ")[2].strip() != rows[entry.id]["Error Sentence"].strip():
                spanning.append(entry.id)
    assert len(spanning) == 3


def test_medec_pairs_of_one_vignette_share_a_cluster() -> None:
    groups: dict[str, list[Instance]] = {}
    for entry in medec_test():
        groups.setdefault(entry.cluster, []).append(entry)
    assert set(map(len, groups.values())) == {1, 2}
    assert sum(len(group) == 2 for group in groups.values()) > 270
    shown = [[{line.partition(" ")[2] for line in entry.context.splitlines()} for entry in g] for g in groups.values()]
    # one pair differs in the tense of its verbs, too
    assert all(len(pair[0] & pair[1]) >= 0.4 * min(map(len, pair)) for pair in some(shown) if len(pair) == 2)
    apart = [
        (one[0].id, other[0].id)
        for (one, lines), (other, others) in combinations(zip(groups.values(), shown, strict=True), 2)
        if len(lines[0] & others[0]) > 0.5 * min(len(lines[0]), len(others[0]))
    ]
    assert apart == [("ms-test-110", "ms-test-111")]


def test_medec_texts_hold_no_carriage_return_and_every_reference_is_read_back() -> None:
    for entry in some(medec_test()):
        assert "\r" not in entry.context + entry.answer
        found = read_finding(entry.answer)
        assert found is not None
        assert found.sentence == entry.fields["gold"].sentence


def test_medec_scores_of_references_are_perfect_and_medhelm_misses_every_error() -> None:
    values: dict[str, Counter[tuple[float, float]]] = {"error": Counter(), "correct": Counter()}
    for entry in some(medec_test()):
        gold = entry.fields["gold"]
        draft = scored(medec, entry, entry.answer)
        assert draft.scores["medec_error_flag_accuracy"] == 1.0
        assert draft.scores["medec_error_sentence_accuracy"] == 1.0
        assert draft.label == (gold.label, gold.label)
        assert ("rouge_l" in draft.scores) == gold.has_error
        helm = medec_helm(entry.answer, gold)
        values[gold.label][helm["medec_error_flag_accuracy"], helm["medec_error_sentence_accuracy"]] += 1
    assert values == {"error": {(1.0, 0.0): 311}, "correct": {(1.0, 1.0): 286}}


# MEDEC: reading and scoring


@pytest.mark.parametrize(
    "text",
    [
        "CORRECT",
        "Correct.",
        "**CORRECT**",
        "The text is correct",
        "The text is medically correct. All sentences fit.",
        "All sentences are correct.",
        "No errors found.",
        "There is no error",
        "Answer: CORRECT",
        "I looked at each sentence.\nFinal answer: correct",
        '{"answer": "CORRECT"}',
        '{"error": false, "sentence_id": -1}',
    ],
)
def test_answers_that_call_the_text_correct(text: str) -> None:
    finding = read_finding(text)
    assert finding is not None
    assert not finding.has_error


@pytest.mark.parametrize(
    ("text", "sentence", "correction"),
    [
        ("3 The patient is given aspirin.", 3, "The patient is given aspirin."),
        ("0 A man comes in.", 0, "A man comes in."),
        ("3. The patient is given aspirin.", 3, "The patient is given aspirin."),
        ("**3** The patient is given aspirin.", 3, "The patient is given aspirin."),
        ("- 3: The patient is given aspirin.", 3, "The patient is given aspirin."),
        ("Sentence 3: The patient is given aspirin.", 3, "The patient is given aspirin."),
        ("The incorrect sentence is 3", 3, ""),
        ("The error is in sentence 3.", 3, ""),
        ("3", 3, ""),
        ("Sentence number: 3\nCorrected sentence: Aspirin is given.", 3, "Aspirin is given."),
        ("It is the drug.\nAnswer: 3 Aspirin is given.", 3, "Aspirin is given."),
        ('{"sentence_id": 3, "corrected_sentence": "Aspirin is given."}', 3, "Aspirin is given."),
        ('```json\n{"error": true, "sentence": "3", "correction": "Aspirin is given."}\n```', 3, "Aspirin is given."),
        ("1 First guess.\nAnswer: 3 Aspirin is given.", 3, "Aspirin is given."),
    ],
)
def test_answers_that_name_a_sentence(text: str, sentence: int, correction: str) -> None:
    finding = read_finding(text)
    assert finding is not None
    assert (finding.sentence, finding.correction) == (sentence, correction)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The text is not correct.",
        "incorrect",
        "There is an error.",
        "Correct sentence: Aspirin is given.",
        "CORRECT\n3 Aspirin is given.",
        "1. A man comes in.\n2. He is given aspirin.",
        "29-year-old man",
        "120/80 mm Hg",
        "12.5 mg is given",
        '{"sentence_id": 3, "other": 4}',
        '{"verdict": "correct", "sentence": 3}',
        "[]",
    ],
)
def test_answers_that_say_nothing_or_several_things_are_not_read(text: str) -> None:
    assert read_finding(text) is None


RIGHT, WRONG_3, WRONG_4 = Finding(), Finding(3, "x"), Finding(4, "y")


@pytest.mark.parametrize(
    ("prediction", "gold", "flag", "sentence"),
    [
        (RIGHT, RIGHT, 1.0, 1.0),
        (WRONG_3, WRONG_3, 1.0, 1.0),
        (WRONG_4, WRONG_3, 1.0, 0.0),
        (RIGHT, WRONG_3, 0.0, 0.0),
        (WRONG_3, RIGHT, 0.0, 0.0),
        (Finding(0, ""), RIGHT, 0.0, 0.0),
    ],
)
def test_medec_scores(prediction: Finding, gold: Finding, flag: float, sentence: float) -> None:
    assert medec_scores(prediction, gold) == {
        "medec_error_flag_accuracy": flag,
        "medec_error_sentence_accuracy": sentence,
    }


def test_medec_as_medhelm_scores_it() -> None:
    def values(text: str, gold: Finding) -> list[float]:
        return list(medec_helm(text, gold).values())

    assert values(" CORRECT\n", RIGHT) == [1.0, 1.0]
    assert values("Correct.", RIGHT) == [0.0, 0.0]
    assert values(CORRECT, WRONG_3) == [0.0, 0.0]
    assert values("3 x", WRONG_3) == [1.0, 0.0]
    assert values("anything", WRONG_3) == [1.0, 0.0]


def test_medec_correction_counts_only_where_both_flag_an_error() -> None:
    wrong, right = instances(medec, *sample(medec))[:2]
    number = wrong.fields["gold"].sentence
    good = scored(medec, wrong, wrong.answer)
    assert good.scores["rouge_l"] == 1.0
    elsewhere = scored(medec, wrong, f"{number - 1} {wrong.fields['gold'].correction}")
    assert (elsewhere.scores["medec_error_sentence_accuracy"], elsewhere.scores["rouge_1"]) == (0.0, 1.0)
    missed = scored(medec, wrong, "CORRECT")
    assert missed.not_applicable == {"rouge_1", "rouge_2", "rouge_l"}
    assert missed.label == ("error", "correct")
    unread = scored(medec, wrong, "I am not sure.")
    assert unread.final_status == "unparsed"
    assert (unread.scores["rouge_1"], unread.scores["medec_error_flag_accuracy"]) == (0.0, 0.0)
    assert unread.label == ("error", "")
    alarm = scored(medec, right, "2 Something else.")
    assert alarm.not_applicable == {"rouge_1", "rouge_2", "rouge_l"}
    assert alarm.label == ("correct", "error")


@pytest.mark.parametrize(
    ("column", "value"),
    [("Error Flag", "2"), ("Error Sentence ID", "99"), ("Error Sentence ID", "-1"), ("Corrected Sentence", "")],
)
def test_medec_rows_that_do_not_fit_are_refused(column: str, value: str, tmp_path: Path) -> None:
    with sample(medec)[0].open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    rows[0][column] = value
    path = tmp_path / medec.TEST
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(DataError, match=r"row 1: "):
        instances(medec, path)


# Billing codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("T40.2X1A", "T402X1A"),
        ("S72.001A", "S72001A"),
        ("I2510", "I2510"),
        ("A1234", "A1234"),
        ("Z3A.00", "Z3A00"),
        ("C7A.00", "C7A00"),
        ("M80.0AXA", "M800AXA"),
        ("F32.A", "F32A"),
        ("02703ZZ", "02703ZZ"),
        ("5A1955Z, 3E0G76Z", "5A1955Z 3E0G76Z"),
        ("t40.2x1a i2510", "T402X1A I2510"),
        ('["I10", "e11.9", "0016070"]', "I10 E119 0016070"),
        ('```json\n["I10"]\n```', "I10"),
        ('{"codes": ["I10", "E11.9"]}', "I10 E119"),
        ('{"diagnoses": ["I10"], "procedures": ["0016070"]}', "I10 0016070"),
        ('[{"code": "I10", "text": "B20 is another"}]', "I10"),
        ('["I10 - Essential hypertension"]', "I10"),
        ("[I10, E119]", "I10 E119"),
        ("I10, E11.9, N18.30", "I10 E119 N1830"),
        ("- I10: Essential hypertension\n2. **E11.9** Diabetes\nJ18 Pneumonia", "I10 E119 J18"),
        ("Hypertension (I10)\nPneumonia - J18\n| B20 | HIV |", "I10 J18 B20"),
        ("ICD-10-CM codes: I10 and J18.", "I10 J18"),
        ("I60.0-I60.9", "I600 I609"),
        ("Vitamin B12 deficiency (E53.8)", "E538"),
        ("COVID19, COVID-19: U07.1", "U071"),
        ("H1N1 influenza J10.1, T4 level, CD4, CA19-9, L4-L5 on a D50 drip", "J101"),
        ("2024-03-12 12MAR24 1000mcg q12h Q12H 120mmHg I10.", "I10"),
        ("[]", ""),
        ("None.", ""),
        ("No ICD-10 codes apply.", ""),
    ],
)
def test_codes_in_usual_forms(text: str, codes: str) -> None:
    found = read_codes(text if text[-4:] != "I10." else text.replace(" I10.", "\nI10."))
    assert found is not None
    assert found == set(codes.split())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "B12 deficiency",
        "The T4 level is high.",
        "HbA1c was 7.2",
        "BACTRIM CHANGED",
        "seen on 12MAR24, again 2024-03-12",
        "T1a N0 M0 (T1a)",
        "S100B and P450",
        "MRN 4210987",
        '["no code here"]',
        "I cannot see a code in this text.",
    ],
)
def test_texts_without_a_code_are_not_read(text: str) -> None:
    assert read_codes(text) is None


@pytest.mark.parametrize("part", ["\n", "- ", "A1", "I10,", "0", "[", "<sql>", "</sql>", "```\n", "/*", "{", '"'])
def test_long_hostile_texts_are_read_in_time(part: str) -> None:
    text = part * 100_000
    assert read_codes(text) == ({"I10"} if part == "I10," else None)
    assert read_finding(text) is None
    # tags with nothing between them: an abstention, as one empty pair is
    assert sql.read_sql(text) == ("" if part == "<sql>" else None)


@pytest.mark.parametrize(
    ("predicted", "gold", "precision", "recall", "f1"),
    [
        (["I10"], ["I10"], 1.0, 1.0, 1.0),
        (["i25.10"], ["I2510"], 1.0, 1.0, 1.0),
        (["I10", "E11.9"], ["I10", "N18.3", "J18.9"], 1 / 2, 1 / 3, 2 / 5),
        (["I10", "I10"], ["I10", "E11.9"], 1.0, 1 / 2, 2 / 3),
        (["S72"], ["S72.001A"], 0.0, 0.0, 0.0),
        ([], ["I10"], 0.0, 0.0, 0.0),
        ([], [], 0.0, 0.0, 0.0),
    ],
)
def test_scores_of_code_sets(predicted: list[str], gold: list[str], precision: float, recall: float, f1: float) -> None:
    scores = mimiciv_billing_code(predicted, gold)
    assert scores["mimiciv_billing_code_precision"] == pytest.approx(precision)
    assert scores["mimiciv_billing_code_recall"] == pytest.approx(recall)
    assert scores["mimiciv_billing_code_f1"] == pytest.approx(f1)


def test_codes_as_medhelm_scores_them() -> None:
    def f1(text: str, *gold: str) -> float:
        return mimiciv_billing_code_helm(text, gold)["mimiciv_billing_code_f1"]

    # what its pattern finds: metrics.md
    assert f1("T40", "T40.2X1A") == 1.0
    assert f1("S72.001A", "S72") == 1.0
    for lost in ("I2510", "A1234", "Z3A.00", "C7A.00"):
        assert f1(lost, lost) == 0.0
    assert f1("**I10**, E11.9.", "I10", "E11.9") == 1.0
    assert f1("i10", "I10") == 0.0
    assert f1("I10", "I10", "E11.9") == pytest.approx(2 / 3)


def write_feather(path: Path, columns: dict[str, Any]) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import feather

    feather.write_feather(pyarrow.table(columns), path)
    return path


def test_billing_notes_without_a_code_are_left_out_and_patients_cluster(tmp_path: Path) -> None:
    path = write_feather(
        tmp_path / "mimiciv_icd10.feather",
        {
            "subject_id": [7, 7, 8],
            "text": ["First stay.", "Second stay.", "Nothing billed."],
            "target": [["I10"], ["I10", "027034Z"], []],
        },
    )
    first, second = instances(billing, path)
    assert left_out(billing, path) == {"a note without any code": 1}
    assert first.cluster == second.cluster != ""
    assert second.answer == "I10, 027034Z"
    plain = write_feather(tmp_path / "plain.feather", {"text": ["First stay."], "target": [["I10"]]})
    (alone,) = instances(billing, plain)
    assert (alone.id, alone.cluster) == (first.id, "")


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"text": ["Stay."]}, "row 1: the column 'target' is missing"),
        ({"target": [["I10"]]}, "row 1: the column 'text' is missing"),
        ({"text": ["Stay."], "target": ["I10"]}, "row 1: the column 'target' holds a str instead of a list"),
        ({"text": ["Stay."], "target": [["I10", None]]}, "row 1: the column 'target' holds something that is no code"),
    ],
)
def test_billing_files_of_another_shape_are_refused(columns: dict[str, Any], problem: str, tmp_path: Path) -> None:
    path = write_feather(tmp_path / "mimiciv_icd10.feather", columns)
    with pytest.raises(DataError, match="mimiciv_icd10.feather, " + problem):
        instances(billing, path)


def test_billing_scores_an_answer_with_none_unread_and_partly_right_codes() -> None:
    (entry,) = [entry for entry in instances(billing, *sample(billing)) if "T40.2X1A" in entry.answer]
    good = scored(billing, entry, '["T402X1A", "j96.02"]')
    assert good.scores["mimiciv_billing_code_f1"] == 1.0
    assert good.scores["mimiciv_billing_code_f1_helm"] == 0.0
    half = scored(billing, entry, "T40.2X1A, I10")
    assert half.scores["mimiciv_billing_code_f1"] == pytest.approx(0.5)
    assert half.scores["mimiciv_billing_code_f1_helm"] == pytest.approx(0.5)
    none = scored(billing, entry, "[]")
    assert (none.final_status, none.scores["mimiciv_billing_code_f1"]) == ("ok", 0.0)
    unread = scored(billing, entry, "He took too much oxycodone.")
    assert (unread.final_status, unread.scores["mimiciv_billing_code_recall"]) == ("unparsed", 0.0)


def test_every_sample_code_is_read_back_from_every_form() -> None:
    for entry in some(instances(billing, *sample(billing))):
        codes = entry.fields["codes"]
        expected = {normal_code(code) for code in codes}
        bare = [code.replace(".", "") for code in codes]
        for text in (
            json.dumps(list(codes)),
            json.dumps(bare),
            ", ".join(codes),
            ", ".join(bare).lower(),
            "\n".join(f"- {code}: words" for code in codes),
            "\n".join(f"{number}. **{code}** words" for number, code in enumerate(bare, start=1)),
            "\n".join(f"Some words ({code})" for code in codes),
        ):
            assert read_codes(text) == expected, text


# EHRSQL: the real files


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of EHRSQL's shape from the open eICU demo, with invented admission times."""
    folder = "ehr_sql/eicu-crd-demo-subset"
    tables = ("patient.csv", "diagnosis.csv", "treatment.csv", "medication.csv", "lab.csv.gz")
    schema, *files = map(real, ("ehr_sql/eicu/eicu.sql", *(f"{folder}/{name}" for name in tables)))
    path = tmp_path_factory.mktemp("ehr_sql") / "eicu.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(schema.read_text())
    patients, diagnoses, treatments, drugs, labs = map(_records, files)
    start = {
        row["patientunitstayid"]: datetime(2100 + number % 6, 1 + number % 12, 1 + number % 28, 12)
        for number, row in enumerate(patients)
    }

    def at(row: dict[str, str], column: str) -> str:
        return str(start[row["patientunitstayid"]] + timedelta(minutes=float(row[column])))

    def fill(table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", rows)

    own = ("uniquepid", "patienthealthsystemstayid", "patientunitstayid", "gender", "age", "ethnicity", "hospitalid")
    weights = ("admissionheight", "admissionweight", "dischargeweight")
    fill(
        "patient",
        [
            (
                *(row[name].lower() for name in own),
                row["wardid"],
                *(row[name] or None for name in weights),
                at(row, "hospitaladmitoffset"),
                row["hospitaladmitsource"].lower(),
                str(start[row["patientunitstayid"]]),
                at(row, "unitdischargeoffset"),
                at(row, "hospitaldischargeoffset"),
                row["hospitaldischargestatus"].lower(),
            )
            for row in patients
        ],
    )
    stay = "patientunitstayid"
    fill(
        "diagnosis",
        [
            (r["diagnosisid"], r[stay], r["diagnosisstring"].lower(), at(r, "diagnosisoffset"), r["icd9code"])
            for r in diagnoses
        ],
    )
    fill(
        "treatment",
        [(r["treatmentid"], r[stay], r["treatmentstring"].lower(), at(r, "treatmentoffset")) for r in treatments],
    )
    fill(
        "medication",
        [
            (
                *(r["medicationid"], r[stay], r["drugname"].lower(), r["dosage"], r["routeadmin"].lower()),
                *(at(r, "drugstartoffset"), at(r, "drugstopoffset")),
            )
            for r in drugs
        ],
    )
    fill(
        "lab",
        [
            (r["labid"], r[stay], r["labname"].lower(), r["labresult"], at(r, "labresultoffset"))
            for r in labs
            if r["labresult"]
        ],
    )
    connection.commit()
    connection.close()
    return path


def _records(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def questions(demo: Path) -> list[Instance]:
    return instances(
        ehr_sql, *(real("ehr_sql", "eicu", name) for name in ("test.json", "valid.json", "eicu.sql")), demo
    )


def test_ehr_sql_counts(questions: list[Instance]) -> None:
    groups = Counter((entry.slices["split"], entry.slices["answerable"]) for entry in questions)
    assert groups == {("test", "yes"): 1204, ("test", "no"): 588, ("valid", "yes"): 755, ("valid", "no"): 362}
    answerable = [entry for entry in questions if entry.slices["answerable"] == "yes"]
    assert (len(answerable), ehr_sql.TASK.size) == (1959, 1959)
    assert {entry.answer for entry in questions if entry.slices["answerable"] == "no"} == {"null"}
    assert questions[0].context.count("CREATE TABLE") == 10
    assert "DROP TABLE" not in questions[0].context
    for split, repeated in (("test", 11), ("valid", 9)):
        asked = [entry.question for entry in questions if entry.slices["split"] == split]
        assert len(asked) - len(set(asked)) == repeated


def test_ehr_sql_reference_queries_run_once_repaired(questions: list[Instance], demo: Path) -> None:
    """Version 1.5.1 says that each of its queries runs; eight hold names of normal bounds that are no columns."""
    failing, repaired, differing = [], 0, 0
    for entry in some(questions):
        if entry.answer == "null":
            continue
        stored, query = sql.at_time(entry.answer, sql.NOW), sql.repaired(entry.answer, sql.NOW)
        rows, as_stored = sql.run_query(demo, query), sql.run_query(demo, stored)
        assert rows is not None, entry.id
        repaired += query != stored
        if as_stored is None:
            failing.append(entry)
        else:
            differing += not sql.same_rows(rows, as_stored)
    assert len(failing) == 8
    assert all("_lower and " in entry.answer and "_upper " in entry.answer for entry in failing)
    assert repaired == 724
    assert differing > 50
    assert "724" in (ehr_sql.__doc__ or "")


def test_ehr_sql_perfect_answers_are_right_here_and_mostly_wrong_at_medhelm(
    questions: list[Instance], demo: Path
) -> None:
    chosen = random.Random(3).sample([entry for entry in questions if entry.slices["answerable"] == "yes"], 150)
    helm = Counter[float]()
    for entry in some(chosen):
        draft = scored(ehr_sql, entry, f"<sql>{sql.repaired(entry.answer, sql.NOW)};</sql>")
        assert draft.scores["ehr_sql_execution_accuracy"] == 1.0, entry.id
        assert draft.scores["ehr_sql_query_validity"] == 1.0
        helm[draft.scores["ehr_sql_execution_accuracy_helm"]] += 1
    assert helm[0.0] > 0


def test_ehr_sql_questions_of_one_template_are_one_cluster(questions: list[Instance]) -> None:
    clusters = {entry.cluster for entry in questions if entry.slices["answerable"] == "yes"}
    topics = {entry.cluster for entry in questions if entry.slices["answerable"] == "no"}
    assert len(clusters) == 165
    assert not clusters & topics


# EHRSQL: repairing, reading, comparing


def test_reference_queries_are_repaired_as_upstream_does() -> None:
    now = "2105-12-31 23:59:00"
    assert sql.repaired("select strftime('%y-%m', t.a) from t", now) == "select strftime('%Y-%m', t.a) from t"
    assert sql.repaired("select strftime('%j',current_time)", now) == f"select strftime('%J','{now}')"
    assert sql.repaired("where a like '%yeast%j'", now) == "where a like '%yeast%j'"
    assert (
        sql.repaired("where sao2 between sao2_lower and sao2_upper and 1", now)
        == "where sao2 between 95.0 and 100.0 and 1"
    )
    assert sql.at_time("select CURRENT_TIME, current_timestamp, 'current_time'", now) == (
        f"select '{now}', current_timestamp, 'current_time'"
    )


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("<sql>SELECT 1</sql>", "SELECT 1"),
        ("<SQL>\nSELECT 1;\n</SQL>", "SELECT 1;"),
        ("I write it in <sql></sql>:\n<sql>SELECT 1</sql>", "SELECT 1"),
        ("<sql>```sql\nSELECT 1\n```</sql>", "SELECT 1"),
        ("<sql>sql\nSELECT 1</sql>", "SELECT 1"),
        ("<sql>SELECT 1", "SELECT 1"),
        ("Here:\n```sql\nSELECT 1\n```", "SELECT 1"),
        ("SELECT 1", "SELECT 1"),
        ("with a as (select 1) select * from a", "with a as (select 1) select * from a"),
        ("<sql></sql>", ""),
        ("This is not in the tables.\n<sql> </sql>", ""),
        ("<sql>null</sql>", ""),
        ("null", ""),
        ("None.", ""),
        ("```sql SELECT 1```", "SELECT 1"),
        ("```sql\n-- all of them\nSELECT 1\n```", "-- all of them\nSELECT 1"),
        ("```sql\nSELECT 1\n```\nIt gives:\n```\n1\n```", "SELECT 1"),
        ("```python\nprint(1)\n```\nselected", None),
        ("```\n\n```", None),
        ("This cannot be answered.", None),
        ("", None),
    ],
)
def test_statements_in_answers(text: str, query: str | None) -> None:
    assert sql.read_sql(text) == query


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ([(1, "a"), (2, "b")], [(2, "b"), (1, "a")], True),
        ([(1,), (1,)], [(1,)], False),
        ([(1,), (1,), (2,)], [(1,), (2,), (2,)], False),
        ([], [], True),
        ([], [(None,)], False),
        ([(None,)], [(None,)], True),
        ([(3,)], [(3.0,)], True),
        ([(1.0000001,)], [(1.0,)], True),
        ([(1.00001,)], [(1.0,)], False),
        ([(10_000_001,)], [(10_000_002,)], False),
        ([("3",)], [(3,)], False),
        ([(1, 2)], [(2, 1)], False),
        ([(1,)], [(1, 1)], False),
        ([(1.0, "a"), (1.0000000001, "b")], [(1.0000000001, "a"), (1.0, "b")], True),
        ([("A",)], [("a",)], False),
        ([(b"x",)], [("x",)], False),
    ],
)
def test_results_are_the_same(first: Any, second: Any, same: bool) -> None:
    assert sql.same_rows(first, second) is same
    assert sql.same_rows(second, first) is same


# EHRSQL: scoring on the sample


@pytest.fixture
def asked() -> dict[str, Instance]:
    return {entry.id: entry for entry in instances(ehr_sql, *sample(ehr_sql))}


def test_ehr_sql_scores(asked: dict[str, Instance]) -> None:
    def values(name: str, text: str) -> list[float]:
        scores = scored(ehr_sql, asked[name], text).scores
        kinds = ("ehr_sql_execution_accuracy", "ehr_sql_query_validity")
        return [scores[kind + end] for end in ("", "_helm") for kind in kinds]

    # six patients, seven stays
    assert values("sample-01", "<sql>SELECT COUNT(DISTINCT uniquepid) FROM patient</sql>") == [1.0, 1.0, 1.0, 1.0]
    assert values("sample-01", "<sql>SELECT COUNT(*) FROM patient</sql>") == [0.0, 1.0, 0.0, 1.0]
    assert values("sample-01", "<sql>SELECT COUNT(*) FROM patients</sql>") == [0.0, 0.0, 0.0, 0.0]
    assert values("sample-01", "<sql></sql>") == [0.0, 0.0, 0.0, 0.0]
    tag = scored(ehr_sql, asked["sample-01"], "<sql></sql>").scores
    assert tag["ehr_sql_precision_answerable_helm"] == 1.0, "an empty tag is an answer to MedHELM"
    unslashed = "<SQL>SELECT COUNT(DISTINCT uniquepid) FROM patient<sql>"
    assert values("sample-01", unslashed) == [1.0, 1.0, 1.0, 1.0]
    assert values("sample-01", "I do not know.") == [0.0, 0.0, 0.0, 0.0]
    # four of the seven stays began in 2105; as stored, the reference counts none
    right = "<sql>SELECT COUNT(*) FROM patient WHERE strftime('%Y', admittime) = '2105'</sql>"
    assert values("sample-05", right) == [1.0, 1.0, 0.0, 1.0]
    assert values("sample-05", right.replace("'2105'", "strftime('%Y', current_time)"))[:2] == [1.0, 1.0]
    # duplicates count here, not at MedHELM, and there the reference fails to name a year
    drugs = "<sql>SELECT drugname FROM medication WHERE stayid = 4</sql>"
    assert values("sample-06", drugs) == [0.0, 1.0, 0.0, 1.0]
    assert values("sample-06", drugs.replace("drugname", "DISTINCT drugname")) == [1.0, 1.0, 0.0, 1.0]


def test_ehr_sql_two_empty_results_are_the_same(asked: dict[str, Instance]) -> None:
    database = asked["sample-01"].fields["database"].path
    query = "SELECT drugname FROM medication WHERE stayid = 6"
    assert sql.run_query(database, query) == []
    assert sql.ehr_sql(query, [], database)["ehr_sql_execution_accuracy"] == 1.0
    assert sql.ehr_sql_helm(f"<sql>{query}</sql>", query, database)["ehr_sql_execution_accuracy"] == 0.0
    assert sql.ehr_sql_helm("", query, database)["ehr_sql_execution_accuracy"] == 1.0
    assert sql.ehr_sql("SELECT nothing FROM medication", [], database)["ehr_sql_execution_accuracy"] == 0.0
    assert sql.ehr_sql("", [], database)["ehr_sql_execution_accuracy"] == 0.0


def test_ehr_sql_rows_are_a_set_at_medhelm(asked: dict[str, Instance]) -> None:
    database = asked["sample-01"].fields["database"].path
    reference = "SELECT DISTINCT drugname FROM medication"
    answer = "```sql\nSELECT drugname FROM medication\n```"
    assert sql.sql_helm(answer) == "SELECT drugname FROM medication"
    assert sql.ehr_sql_helm(answer, reference, database)["ehr_sql_execution_accuracy"] == 1.0
    gold = sql.run_query(database, reference)
    assert sql.ehr_sql("SELECT drugname FROM medication", gold, database)["ehr_sql_execution_accuracy"] == 0.0


def test_ehr_sql_answerability_is_a_label_of_every_question(asked: dict[str, Instance]) -> None:
    answerable, impossible = asked["sample-01"], asked["sample-04"]
    assert scored(ehr_sql, answerable, "<sql>SELECT 1</sql>").label == ("answerable", "answerable")
    assert scored(ehr_sql, answerable, "<sql></sql>").label == ("answerable", "unanswerable")
    assert scored(ehr_sql, impossible, "<sql>SELECT 1</sql>").label == ("unanswerable", "answerable")
    draft = scored(ehr_sql, impossible, "<sql></sql>")
    assert draft.label == ("unanswerable", "unanswerable")
    assert draft.scores == {}
    assert set(scored(ehr_sql, answerable, "<sql></sql>").scores) == draft.not_applicable
    assert scored(ehr_sql, impossible, "Not in the tables.").label == ("unanswerable", "")


def test_ehr_sql_a_failing_reference_is_told_and_not_scored(asked: dict[str, Instance]) -> None:
    entry = asked["sample-01"]
    broken = Instance(entry.id, entry.question, "select nothing from patient", slices=entry.slices, fields=entry.fields)
    with pytest.warns(UserWarning, match=r"the reference query of sample-01 fails on eicu\.sqlite"):
        draft = scored(ehr_sql, broken, "<sql>SELECT 1</sql>")
    assert draft.not_applicable == {"ehr_sql_execution_accuracy"}
    assert draft.scores["ehr_sql_query_validity"] == 1.0
    assert "ehr_sql_execution_accuracy" not in draft.scores


def test_ehr_sql_limit_holds_for_answerable_and_unanswerable_questions_each() -> None:
    assert ehr_sql.TASK.limit_by == "answerable"
    assert {entry.slices["answerable"] for entry in instances(ehr_sql, *sample(ehr_sql))} == {"yes", "no"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda path: path.write_bytes(b"no database" * 200), "eicu.sqlite is not a SQLite database"),
        (lambda path: path.write_bytes(path.read_bytes()[:700]), "eicu.sqlite is not a SQLite database"),
        (lambda path: sqlite3.connect(path).execute("DROP TABLE lab").close(), "eicu.sqlite has no table 'lab'"),
    ],
)
def test_ehr_sql_another_database_is_refused(change: Any, problem: str, tmp_path: Path) -> None:
    *others, original = sample(ehr_sql)
    path = tmp_path / "eicu.sqlite"
    path.write_bytes(original.read_bytes())
    change(path)
    with pytest.raises(DataError, match=problem):
        instances(ehr_sql, *others, path)


def test_ehr_sql_packed_database_and_a_file_without_tables_are_refused(tmp_path: Path) -> None:
    test, valid, schema, database = sample(ehr_sql)
    packed = tmp_path / "eicu.sqlite.gz"
    packed.write_bytes(gzip.compress(database.read_bytes()))
    with pytest.raises(DataError, match=r"eicu\.sqlite\.gz must be unpacked"):
        instances(ehr_sql, test, valid, schema, packed)
    with pytest.raises(DataError, match=r"valid\.json holds no CREATE TABLE"):
        instances(ehr_sql, test, valid, valid, database)


def test_ehr_sql_a_question_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    test, valid, schema, database = sample(ehr_sql)
    rows = json.loads(test.read_text())
    rows[3]["query"] = "select 1"
    path = tmp_path / "test.json"
    path.write_text(json.dumps(rows))
    with pytest.raises(DataError, match=r"test\.json, row 4: is_impossible and query do not fit"):
        instances(ehr_sql, path, valid, schema, database)


# EHRSQL: a hostile query


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    path = tmp_path / "it's a 100% copy #1?.sqlite"
    path.write_bytes(sample(ehr_sql)[-1].read_bytes())
    return path


HOSTILE = [
    "DROP TABLE patient",
    "DELETE FROM patient",
    "INSERT INTO patient VALUES (1, 'x', 'x', 1, 'x', 'x')",
    "UPDATE patient SET age = 1",
    "CREATE TABLE x (a)",
    "CREATE TEMP TABLE x (a)",
    "CREATE TEMP TRIGGER x AFTER INSERT ON patient BEGIN SELECT 1; END",
    "ALTER TABLE patient RENAME TO x",
    "REINDEX",
    "VACUUM",
    "VACUUM INTO 'stolen.sqlite'",
    "ATTACH 'other.sqlite' AS other",
    "DETACH main",
    "PRAGMA writable_schema = ON",
    "PRAGMA query_only = OFF",
    "PRAGMA journal_mode = WAL",
    "PRAGMA user_version = 7",
    "BEGIN IMMEDIATE",
    "SAVEPOINT x",
    "SELECT load_extension('libm.so')",
    "SELECT writefile('stolen', 'x')",
    "SELECT readfile('/etc/hostname')",
    "SELECT 1; DROP TABLE patient",
    "SELECT 1; SELECT 2",
    ";",
    "",
    "-- nothing",
    "SELECT randomblob(1000000000)",
    "SELECT zeroblob(2000000000)",
    "SELECT hex(zeroblob(90000))",
    "SELECT group_concat(a.labname, hex(zeroblob(9000))) FROM lab a, lab b, lab c",
    "SELECT zeroblob(90000) FROM lab a, lab b, lab c",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c",
    "SELECT 1 FROM lab a, lab b, lab c, lab d, lab e",
    "SELECT '" + "x" * 200_000 + "'",
    "SELECT " + "(" * 5000 + "1" + ")" * 5000,
    "SELECT 1" + " UNION SELECT 1" * 5000,
    "SELECT 'a\0b'",
    "SELECT '\ud800'",
    "SELECT * FROM nowhere",
    "SELEC 1",
    "SELECT abs(-9223372036854775808)",
]


@pytest.mark.parametrize("query", HOSTILE, ids=lambda query: query[:40].encode("ascii", "replace").decode())
def test_a_hostile_query_is_invalid_and_changes_nothing(
    query: str, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copy.parent)
    before = hashlib.sha256(copy.read_bytes()).hexdigest()
    assert sql.run_query(copy, query) is None
    assert sql.ehr_sql(query, [(1,)], copy) == {"ehr_sql_query_validity": 0.0, "ehr_sql_execution_accuracy": 0.0}
    assert hashlib.sha256(copy.read_bytes()).hexdigest() == before
    assert list(copy.parent.iterdir()) == [copy]


@pytest.mark.parametrize(
    "query",
    [
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
        "SELECT count(*) FROM lab a, lab b, lab c, lab d, lab e, lab f, lab g, lab h, lab i, lab j, lab k",
    ],
)
def test_a_query_without_end_is_stopped_by_steps_and_by_time(query: str, copy: Path) -> None:
    assert sql.run_query(copy, query, steps=2_000_000) is None
    assert sql.run_query(copy, query, seconds=0.1) is None


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM patient;",
        "WITH a AS (SELECT age FROM patient) SELECT max(age) FROM a -- oldest",
        "SELECT strftime('%Y', admittime), dense_rank() OVER (ORDER BY age) FROM patient",
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 9) SELECT x FROM c",
        "SELECT DISTINCT drugname FROM medication WHERE drugname LIKE '%in%' ORDER BY drugname",
        "SELECT 1 FROM lab a, lab b, lab c, lab d",
    ],
)
def test_an_honest_query_runs(query: str, copy: Path) -> None:
    assert sql.run_query(copy, query)


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert sql.run_query(tmp_path / "none.sqlite", "SELECT 1") is None
    assert not list(tmp_path.iterdir())


# EHRSHOT


def write_parquet(path: Path, columns: dict[str, Any]) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.table(columns), path)
    return path


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2020, 1, number, hour)


def meds(
    folder: Path,
    events: Sequence[tuple[int, datetime | None, str]],
    labels: Sequence[tuple[int, datetime, bool]],
    subjects: Sequence[int] = (1, 2, 3),
) -> list[Path]:
    """A folder of EHRSHOT's layout in which the three tasks have the same labels."""
    names = [file.name for file in ehrshot.TASK.files]
    events_table = dict(zip(("subject_id", "time", "code"), map(list, zip(*events, strict=True)), strict=True))
    columns = ("subject_id", "prediction_time", "boolean_value")
    label_table = dict(zip(columns, map(list, zip(*labels, strict=True)), strict=True))
    return [
        write_parquet(folder / names[0], events_table),
        *(write_parquet(folder / name, label_table) for name in names[1:4]),
        write_parquet(folder / names[4], {"subject_id": list(subjects), "split": ["held_out"] * len(subjects)}),
    ]


EVENTS = [
    (2, day(9), "LATE/2"),
    (1, day(1), "FIRST/1"),
    (2, day(2), "FIRST/2"),
    (1, day(5, 8), "SAME/1"),
    (1, day(5, 8), "ALIKE/1"),
    (1, None, "STATIC/1"),
    (1, day(6), "LATE/1"),
]


def test_ehrshot_each_label_has_the_events_of_its_own_subject_whatever_the_order(tmp_path: Path) -> None:
    labels = [(2, day(3), True), (1, day(5, 8), False), (1, day(2), True)]
    paths = meds(tmp_path, EVENTS, labels)
    found = {entry.id: entry for entry in instances(ehrshot, *paths)}
    assert len(found) == 9
    by_name = {name: (entry.answer, entry.context.split("\n")) for name, entry in found.items()}
    assert by_name["guo_readmission-2-20200103T000000"] == ("A", ["FIRST/2"])
    assert by_name["lab_anemia-1-20200105T080000"] == ("B", ["FIRST/1", "SAME/1", "ALIKE/1"])
    assert by_name["new_hypertension-1-20200102T000000"] == ("A", ["FIRST/1"])
    assert len({entry.cluster for entry in found.values()}) == 2
    for order in range(3):
        shuffled = random.Random(order).sample(labels, 3)
        again = instances(ehrshot, *meds(tmp_path / str(order), EVENTS, shuffled))
        assert {entry.id: entry for entry in again} == found


def test_ehrshot_labels_without_an_earlier_event_are_left_out(tmp_path: Path) -> None:
    paths = meds(tmp_path, EVENTS, [(2, day(1), True), (3, day(9), False), (1, day(9), True)])
    assert [entry.id for entry in instances(ehrshot, *paths)] == [
        "guo_readmission-1-20200109T000000",
        "new_hypertension-1-20200109T000000",
        "lab_anemia-1-20200109T000000",
    ]
    assert left_out(ehrshot, *paths) == {"a label without any earlier event": 6}


def test_ehrshot_long_records_lose_their_oldest_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [(1, day(1) + timedelta(minutes=number), f"CODE/{number:04}") for number in range(1000)]
    paths = meds(tmp_path, events, [(1, day(9), True)])
    monkeypatch.setattr(ehrshot, "CHARACTERS", 105)
    entry = instances(ehrshot, *paths)[0]
    lines = entry.context.split("\n")
    # a code and its line end take ten characters
    assert lines == ["(990 earlier events left out)", *(f"CODE/{number:04}" for number in range(990, 1000))]
    monkeypatch.setattr(ehrshot, "CHARACTERS", 10_000)
    assert len(instances(ehrshot, *paths)[0].context.split("\n")) == 1000


def test_ehrshot_a_limit_of_labels_holds_for_each_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = [(1, day(8, hour), hour % 2 == 0) for hour in range(12)]
    monkeypatch.setattr(ehrshot, "LABELS_AT_MOST", 5)
    paths = meds(tmp_path, EVENTS, labels)
    kept = [entry.id for entry in instances(ehrshot, *paths)]
    assert Counter(name.partition("-")[0] for name in kept) == dict.fromkeys(ehrshot.TASKS, 5)
    assert sum(left_out(ehrshot, *paths).values()) == 21
    again = instances(ehrshot, *meds(tmp_path / "again", EVENTS, labels[::-1]))
    assert [entry.id for entry in again] == kept


def test_ehrshot_repeated_labels_keep_ids_apart(tmp_path: Path) -> None:
    found = instances(ehrshot, *meds(tmp_path, EVENTS, [(1, day(9), True), (1, day(9), False)]))
    answers = {entry.id: entry.answer for entry in found if entry.slices["task"] == "lab_anemia"}
    assert answers == {"lab_anemia-1-20200109T000000": "B", "lab_anemia-1-20200109T000000-2": "A"}


@pytest.mark.parametrize(
    ("column", "values", "labels"),
    [
        ("integer_value", [0, 2, 1], [False, True, True]),
        ("categorical_value", ["normal", "severe", "mild"], [False, True, True]),
        ("float_value", [0.0, 3.0, 1.0], [False, True, True]),
    ],
)
def test_ehrshot_a_grade_stands_for_an_empty_boolean(
    column: str, values: list[Any], labels: list[bool], tmp_path: Path
) -> None:
    times = [day(1), day(2), day(3)]
    table = {"subject_id": [1, 1, 1], "prediction_time": times, "boolean_value": [None] * 3, column: values}
    path = write_parquet(tmp_path / "labels.parquet", table)
    assert [label.value for label in read_labels(path)] == labels


@pytest.mark.parametrize(
    ("number", "columns", "problem"),
    [
        (0, {"subject_id": [1], "time": [day(1)]}, r"data\.parquet: the column 'code' is missing"),
        (1, {"subject_id": [1], "boolean_value": [True]}, r"labels\.parquet, row 1: the column 'prediction_time' is"),
        (2, {"subject_id": [1], "prediction_time": [day(1)]}, r"labels\.parquet, row 1: the column 'boolean_value' is"),
        (
            3,
            {"subject_id": [1], "prediction_time": ["today"], "boolean_value": [True]},
            r"labels\.parquet, row 1: the column 'prediction_time' holds a str",
        ),
        (4, {"subject_id": [1]}, r"subject_splits\.parquet: the column 'split' is missing"),
        (4, {"subject_id": [7], "split": ["train"]}, r"labels\.parquet of guo_readmission has a subject that"),
    ],
)
def test_ehrshot_files_of_another_shape_are_refused(
    number: int, columns: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    paths = meds(tmp_path, EVENTS, [(1, day(9), True)])
    write_parquet(paths[number], columns)
    with pytest.raises(DataError, match=problem):
        instances(ehrshot, *paths)


def test_timelines_read_the_subjects_that_are_needed(tmp_path: Path) -> None:
    path = write_parquet(
        tmp_path / "data.parquet",
        {"subject_id": [1, 2, 3], "time": [day(1)] * 3, "code": ["A", "B", "C"], "numeric_value": [1.0, None, 2.0]},
    )
    timelines = Timelines(path, {1, 3})
    assert timelines.until(1, day(2), 100) == (["A"], 0)
    assert timelines.until(2, day(2), 100) == ([], 0)
    assert timelines.until(3, day(1), 1) == ([], 1)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"data\.parquet is not a Parquet table of events"):
        Timelines(path, {1})


def test_ehrshot_declares_the_three_tasks_of_the_leaderboard() -> None:
    assert ehrshot.TASK.sub_tasks == ("guo_readmission", "new_hypertension", "lab_anemia")
    assert (ehrshot.TASK.sub_tasks_by, ehrshot.TASK.positive) == ("task", "yes")
    draft = scored(ehrshot, instances(ehrshot, *sample(ehrshot))[0], "B")
    assert draft.scores == {"exact_match": 1.0, "exact_match_helm": 1.0}
    assert draft.label == ("no", "no")


# N2C2-CT Matching


def patient(*notes: str, root: str = "PatientMatching", **met: str) -> str:
    tags = {"ABDOMINAL": "met", "ADVANCED-CAD": "not met", "CREATININE": "met", "ENGLISH": "met"} | met
    written = "\n".join(f'<{name} met="{value}" />' for name, value in tags.items() if value)
    text = ("\n" + "*" * 100 + "\n").join(notes)
    return f"<{root}>\n<TEXT><![CDATA[\n{text}\n]]></TEXT>\n<TAGS>\n{written}\n</TAGS>\n</{root}>\n"


NOTES = (
    "\n\nRecord date: 2090-05-06\n\nFirst note, BP < 140 & stable.\n",
    "\nA note without a date.\n",
    "\nRecord date: 2091-07-08\n\nLast note.\n",
)


def test_n2c2_three_questions_for_each_patient(tmp_path: Path) -> None:
    (tmp_path / "100.xml").write_text(patient(*NOTES))
    (tmp_path / "101.xml").write_text(patient(NOTES[0], ABDOMINAL="not met"))
    (tmp_path / "notes.txt").write_text("not part of the data")
    found = {entry.id: entry for entry in instances(n2c2, tmp_path)}
    assert {name: entry.answer for name, entry in found.items()} == {
        "100-ABDOMINAL": "A",
        "100-ADVANCED-CAD": "B",
        "100-CREATININE": "A",
        "101-ABDOMINAL": "B",
        "101-ADVANCED-CAD": "B",
        "101-CREATININE": "A",
    }
    assert len({entry.cluster for entry in found.values()}) == 2
    entry = found["100-ABDOMINAL"]
    assert entry.context.startswith("Present day: 2091-07-08\n\nNote 1 of 3, 2090-05-06:\nRecord date: 2090-05-06")
    assert "Note 2 of 3, undated:\nA note without a date." in entry.context
    assert entry.context.endswith("Last note.")
    assert "BP < 140 & stable" in entry.context
    assert "***" not in entry.context
    assert "100" not in " ".join(entry.slices.values())
    assert n2c2.TASK.size == 86 * len(n2c2.CRITERIA) == 258


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (patient(*NOTES, root="Patient"), r"^file 1 of the folder, by name: its root element is not <PatientMatching>"),
        (patient(*NOTES, CREATININE=""), r"^file 1 of the folder, by name: the tag CREATININE does not say"),
        (patient(*NOTES, CREATININE="maybe"), r"^file 1 of the folder, by name: the tag CREATININE does not say"),
        (patient("A note without a date."), r"^file 1 of the folder, by name: no note has a line 'Record date"),
        (patient(*NOTES)[:200], r"^file 1 of the folder, by name, line \d+: this is not valid XML"),
        ("<PatientMatching/>", r"^file 1 of the folder, by name: no note has a line"),
    ],
)
def test_n2c2_files_of_another_shape_are_refused(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "100.xml").write_text(text)
    with pytest.raises(DataError, match=problem) as caught:
        instances(n2c2, tmp_path)
    assert "100" not in str(caught.value), "the file is named after its patient"


def test_n2c2_prompt_names_the_criterion_and_scores_labels() -> None:
    found = instances(n2c2, *sample(n2c2))
    entry = next(entry for entry in found if entry.slices["criterion"] == "ABDOMINAL")
    text = n2c2.prompt(entry)
    assert n2c2.CRITERIA["ABDOMINAL"] in text
    assert text.index("Present day") < text.index("Criterion") < text.index("A. yes") < text.index("B. no")
    draft = scored(n2c2, entry, "The answer is B.")
    assert draft.label == ("yes" if entry.answer == "A" else "no", "no")
    assert draft.scores["exact_match_helm"] == 0.0
