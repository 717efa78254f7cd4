"""Benchmarks answered in free text: real files, the rules of their loaders, and what a judge is shown."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from benchmarks.clinical_decision_support import test_medalign as medalign
from benchmarks.clinical_decision_support import test_mtsamples_replicate as mtsamples_replicate
from benchmarks.clinical_note_generation import test_aci_bench as aci_bench
from benchmarks.clinical_note_generation import test_chw_care_plan as chw_care_plan
from benchmarks.clinical_note_generation import test_dischargeme as dischargeme
from benchmarks.clinical_note_generation import test_mimic_bhc as mimic_bhc
from benchmarks.clinical_note_generation import test_mimic_rrs as mimic_rrs
from benchmarks.clinical_note_generation import test_mtsamples_procedures as mtsamples_procedures
from benchmarks.patient_communication_and_education import test_med_dialog as med_dialog
from benchmarks.patient_communication_and_education import test_medi_qa as medi_qa
from benchmarks.patient_communication_and_education import test_mental_health as mental_health
from benchmarks.patient_communication_and_education import test_starr_patient_instructions as starr
from benchmarks.shared.ehr import LEFT_OUT, latest_record
from benchmarks.shared.sections import Section, _without_qualifiers, cut_section
from perf.mock_server import MockServer
from pytest_medhelm.scoring.jury.judge_prompt import judge_messages
from pytest_medhelm.tasks.benchmark import content_key
from pytest_medhelm.tasks.data.readers import read_json
from pytest_medhelm.tasks.rubric_files import load_rubric
from pytest_medhelm.tasks.task import Excluded, Instance
from pytest_medhelm.util.errors import DataError
from tests.support.checks import some
from tests.support.paths import BENCHMARKS
from tests.support.real_data import real
from tests.support.suites import cell, leaderboard

MODULES = (
    aci_bench, chw_care_plan, dischargeme, med_dialog, medalign, medi_qa, mental_health, mimic_bhc, mimic_rrs,
    mtsamples_procedures, mtsamples_replicate, starr,
)  # fmt: skip


def sample(module: ModuleType, target: Path | None = None) -> Path:
    """The folder of sample files, or a copy of it."""
    folder = BENCHMARKS / "samples" / module.TASK.name
    return folder if target is None else Path(shutil.copytree(folder, target / folder.name))


def read(module: ModuleType, folder: Path) -> tuple[list[Instance], Counter[str]]:
    """The instances, and how many records each rule leaves out."""
    entries = list(module.TASK.load(*(folder / file.name for file in module.TASK.files)))
    rules = Counter(entry.rule for entry in entries if isinstance(entry, Excluded))
    return [entry for entry in entries if isinstance(entry, Instance)], rules


def refusal(module: ModuleType, folder: Path) -> str:
    """The one sentence with which the data is refused."""
    with pytest.raises(DataError) as caught:
        read(module, folder)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def write_table(path: Path, rows: Iterable[dict[str, str]], delimiter: str = ",") -> None:
    found = list(rows)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(found[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(found)


def read_table(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter=delimiter))


# ACI-Bench: counts and metadata from the dataset's own tables


def test_aci_bench_has_three_times_40_encounters_in_the_order_of_the_leaderboard() -> None:
    instances, rules = read(aci_bench, real("aci_bench"))
    assert not rules
    assert [entry.slices["split"] for entry in instances] == 40 * ["test1"] + 40 * ["test3"] + 40 * ["test2"]
    assert [instances[place].id.partition("-")[0] for place in (0, 40, 80)] == ["D2N088", "D2N168", "D2N128"]
    assert len({entry.id for entry in instances}) == 120


def test_aci_bench_slices_agree_with_the_published_metadata() -> None:
    folder = real("aci_bench")
    published = {}
    for split, name in (
        ("test1", "clinicalnlp_taskB_test1"), ("test2", "clinicalnlp_taskC_test2"), ("test3", "clef_taskC_test3"),
    ):  # fmt: skip
        for row in read_table(folder / f"{name}_metadata.csv"):
            published[f"{row['encounter_id']}-{row['dataset']}"] = (split, row["dataset"])
    found = {entry.id: (entry.slices["split"], entry.slices["source"]) for entry in read(aci_bench, folder)[0]}
    assert found == published


def test_aci_bench_texts_are_those_of_the_published_table() -> None:
    folder = real("aci_bench")
    found = {entry.id.partition("-")[0]: entry for entry in read(aci_bench, folder)[0]}
    rows = read_table(folder / "clinicalnlp_taskB_test1.csv")
    assert len(rows) == 40
    for row in rows:
        entry = found[row["encounter_id"]]
        assert (entry.context.split(), entry.answer.split()) == (row["dialogue"].split(), row["note"].split())


def test_aci_bench_examples_are_the_67_visits_for_training() -> None:
    folder = real("aci_bench")
    examples = list(aci_bench.encounters(folder / "train_full.json"))
    assert len(examples) == 67
    assert not {entry.id for entry in examples} & {entry.id for entry in read(aci_bench, folder)[0]}


def test_aci_bench_asks_for_four_sections() -> None:
    (first, *_), _ = read(aci_bench, sample(aci_bench))
    prompt = aci_bench.prompt(first)
    for heading in ("HISTORY OF PRESENT ILLNESS", "PHYSICAL EXAM", "RESULTS", "ASSESSMENT AND PLAN"):
        assert heading in prompt
    assert first.context in prompt
    assert first.answer not in prompt


# MTSamples


def test_mtsamples_replicate_counts_are_the_published_ones() -> None:
    folder = real("mtsamples_replicate")
    assert len(list((folder / "mtsamples_processed").iterdir())) == 1269
    instances, rules = read(mtsamples_replicate, folder)
    assert len(instances) == 539
    assert Counter(entry.slices["leaderboard"] for entry in instances)["yes"] == 427 == mtsamples_replicate.TASK.size
    assert rules["no heading PLAN, SUMMARY or FINDINGS"] == 723
    assert rules["a heading in other letters only"] == 1
    assert len(instances) + sum(rules.values()) == 1269


def test_mtsamples_procedures_counts_are_the_published_ones() -> None:
    folder = real("mtsamples_procedures")
    instances, rules = read(mtsamples_procedures, folder)
    assert Counter(entry.slices["heading"] for entry in instances) == {"plan": 27, "summary": 6, "findings": 98}
    assert len(instances) == 131 == mtsamples_procedures.TASK.size
    assert sum(rules.values()) == 429 - 131


@pytest.mark.parametrize("module", [mtsamples_replicate, mtsamples_procedures], ids=lambda module: module.TASK.name)
def test_mtsamples_references_do_not_stay_in_the_question(module: ModuleType) -> None:
    folder = real(module.TASK.name)
    for entry in some(read(module, folder)[0]):
        note = (folder / module.TASK.files[0].name / f"{entry.id}.txt").read_text("utf-8")
        heading = entry.slices["heading"].upper()
        assert f"{heading}:" not in entry.context
        assert re.search(rf"{heading}:\s*{re.escape(entry.answer)}", note)
        if len(entry.answer) > 40:
            assert entry.answer not in module.prompt(entry)
        # "TREATMENT PLAN:" is one heading
        assert not re.search(r"(TREATMENT|ASSESSMENT AND|POST-?OP|GROSS|OPERATIVE)$", entry.context)


@pytest.mark.parametrize(
    ("note", "heading", "text", "before"),
    [
        ("Cough. PLAN: Rest.\nKeywords: cough", "PLAN", "Rest.", "Cough."),
        ("Cough.IMPRESSION AND PLAN:  Rest. SUMMARY: Ill.", "PLAN", "Rest. SUMMARY: Ill.", "Cough."),
        ("Cough.TREATMENT PLAN: Rest.", "PLAN", "Rest.", "Cough."),
        ("Cough.EVALUATION/TREATMENT PLAN: Rest.", "PLAN", "Rest.", "Cough."),
        ("Cough. PLAN: One. PLAN: Two.", "PLAN", "One. PLAN: Two.", "Cough."),
        ("FINDINGS: A.\nCough.\nSUMMARY: Ill.", "SUMMARY", "Ill.", "FINDINGS: A.\nCough."),
        ("EXAM: CT.FINDINGS: Clear.\nThe liver is normal.", "FINDINGS", "Clear.", "EXAM: CT."),
        ("Description: Go home and rest for a week.\nCough.PLAN: Go home and rest for a week.", "PLAN",
         "Go home and rest for a week.", "Description: \nCough."),
        ("None. Cough.PLAN: None.", "PLAN", "None.", "None. Cough."),
    ],
)  # fmt: skip
def test_a_section_is_cut_off_with_its_heading(note: str, heading: str, text: str, before: str) -> None:
    assert cut_section(note) == Section(heading, text, before)  # type: ignore[arg-type]


def test_words_in_capitals_go_with_the_heading_wherever_they_begin() -> None:
    pattern, checked = re.compile(r"(?:[A-Z][A-Z/&-]* )+$"), 0
    for length in range(7):
        for signs in product("A/ \nx", repeat=length):
            text = "".join(signs)
            assert _without_qualifiers(text) == pattern.sub("", text)
            checked += pattern.search(text) is not None
    assert checked > 1000


@pytest.mark.parametrize(
    ("note", "rule"),
    [
        ("Cough. Plan to rest.", "no heading"),
        ("Cough. PLAN:\nRest.", "nothing on the line"),
        ("PLAN: Rest.", "nothing on the line"),
        ("Findings: Clear. PLAN: Rest.", "other letters"),
    ],
)
def test_a_note_without_a_usable_section_is_left_out(note: str, rule: str) -> None:
    section = cut_section(note)
    assert isinstance(section, Excluded)
    assert rule in section.rule


def test_only_the_first_1000_names_are_of_the_leaderboard(tmp_path: Path) -> None:
    folder = tmp_path / "mtsamples_processed"
    folder.mkdir()
    for number in range(1003):
        text = "No heading." if number == 3 else f"Case {number}. PLAN: Rest."
        (folder / f"note {number:04}.txt").write_text(text)
    found = {entry.id: entry.slices["leaderboard"] for entry in read(mtsamples_replicate, tmp_path)[0]}
    assert len(found) == 1002
    assert {name for name, group in found.items() if group == "no"} == {f"note {n}" for n in (1000, 1001, 1002)}


# MEDIQA


def test_medi_qa_has_150_questions_of_which_two_occur_twice() -> None:
    folder = real("medi_qa")
    instances, rules = read(medi_qa, folder)
    assert not rules
    assert len(instances) == 150 == len({entry.id for entry in instances})
    assert len({content_key(entry) for entry in instances}) == 148
    text = (folder / medi_qa.TASK.files[0].name).read_text("utf-8")
    assert [entry.id for entry in instances] == re.findall(r'<Question QID="(\d+)"', text)
    assert {entry.slices["grade"] for entry in instances} == {"4", "3"}


def test_medi_qa_references_are_the_answers_of_rank_1() -> None:
    folder = real("medi_qa")
    text = (folder / medi_qa.TASK.files[0].name).read_text("utf-8")
    answers = re.findall(r'AID="(\d+)_[^>]*ReferenceRank="(\d+)".*?<AnswerText>(.*?)</AnswerText>', text, re.DOTALL)
    assert len(answers) == 1107
    best = {name: answer for name, rank, answer in answers if rank == "1"}
    assert len(best) == 150
    for entry in some(read(medi_qa, folder)[0]):
        assert re.findall(r"\w+", entry.answer)[:3] == re.findall(r"\w+", best[entry.id])[:3]


def test_medi_qa_examples_are_the_25_questions_for_validation() -> None:
    folder = real("medi_qa")
    examples = list(medi_qa.load_examples(folder / "MEDIQA2019-Task3-QA-ValidationSet.xml"))
    assert len(examples) == 25
    assert not {content_key(entry) for entry in examples} & {content_key(entry) for entry in read(medi_qa, folder)[0]}


def test_medi_qa_refuses_the_other_split_and_a_question_with_two_best_answers(tmp_path: Path) -> None:
    folder = sample(medi_qa, tmp_path)
    path = folder / medi_qa.TASK.files[0].name
    text = path.read_text("utf-8")
    path.write_bytes((folder / "MEDIQA2019-Task3-QA-ValidationSet.xml").read_bytes())
    assert "is not <MEDIQA2019-Task3-QA-TestSet>" in refusal(medi_qa, folder)
    path.write_text(text.replace('ReferenceRank="2"', 'ReferenceRank="1"', 1), "utf-8")
    assert refusal(medi_qa, folder).startswith(f"{path.name}, question 1: ")


# MedDialog


def test_med_dialog_needs_both_subsets_and_keeps_their_order() -> None:
    instances, _ = read(med_dialog, sample(med_dialog))
    assert [entry.slices["subset"] for entry in instances] == 4 * ["healthcaremagic"] + 4 * ["icliniq"]
    assert med_dialog.TASK.sub_tasks_by == "subset"
    assert set(med_dialog.TASK.sub_tasks) == {"healthcaremagic", "icliniq"}
    assert all(entry.id.startswith(entry.slices["subset"]) for entry in instances)


def test_the_same_dialogue_in_both_subsets_has_two_ids(tmp_path: Path) -> None:
    folder = sample(med_dialog, tmp_path)
    shutil.copy(folder / "icliniq" / "test.json", folder / "healthcaremagic" / "test.json")
    instances, _ = read(med_dialog, folder)
    assert len({entry.id for entry in instances}) == 8
    assert len({content_key(entry) for entry in instances}) == 4


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"rows": []}, "has no field 'data'"),
        ([{"src": "a", "tgt": "b"}], "has no field 'data'"),
        ({"data": "text"}, "neither a list nor an object"),
        ({"data": []}, "has no rows"),
        ({"data": ["text"]}, "row 1: this is not a JSON object"),
        ({"data": [{"src": "a", "tgt": "b"}, {"src": "a"}]}, "row 2: the column 'tgt' is missing"),
    ],
)
def test_a_wrapped_json_file_of_another_shape_is_refused(content: object, problem: str, tmp_path: Path) -> None:
    folder = sample(med_dialog, tmp_path)
    (folder / "icliniq" / "test.json").write_text(json.dumps(content))
    sentence = refusal(med_dialog, folder)
    assert sentence.startswith("test.json")
    assert problem in sentence


def test_json_records_are_found_with_and_without_a_wrapper(tmp_path: Path) -> None:
    path = tmp_path / "some.json"
    path.write_text('{"version": 2, "data": [{"a": 1}, {"a": 2}]}')
    assert [row.values for row in read_json(path, "data")] == [{"a": 1}, {"a": 2}]
    path.write_text('{"data": {"x": {"a": 1}}}')
    assert [(row.key, row.number) for row in read_json(path, "data")] == [("x", 1)]
    path.write_text('{"x": {"a": 1}}')
    assert [row.key for row in read_json(path)] == ["x"]


# DischargeMe


def edit(folder: Path, table: str, change: Any) -> None:
    """Change the rows of one DischargeMe table."""
    path = folder / "test_phase_1" / f"{table}.csv"
    write_table(path, change(read_table(path)))


def test_dischargeme_asks_twice_per_admission_and_shows_neither_section() -> None:
    folder = sample(dischargeme)
    instances, rules = read(dischargeme, folder)
    assert not rules
    assert Counter(entry.slices["section"] for entry in instances) == {
        "brief_hospital_course": 4,
        "discharge_instructions": 4,
    }
    for target in some(read_table(folder / "test_phase_1" / "discharge_target.csv")):
        pair = [entry for entry in instances if entry.id.startswith(f"{target['hadm_id']}-")]
        assert [entry.answer for entry in pair] == [target["brief_hospital_course"], target["discharge_instructions"]]
        for entry in pair:
            assert entry.slices["cut"] == "yes"
            assert target["brief_hospital_course"] not in dischargeme.prompt(entry)
            assert target["discharge_instructions"] not in dischargeme.prompt(entry)
            assert "Discharge Condition" in entry.context
    assert len({entry.cluster for entry in instances}) == 4


def test_dischargeme_cuts_a_section_whatever_its_line_breaks(tmp_path: Path) -> None:
    folder = sample(dischargeme, tmp_path)

    def broken(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        rows[0]["text"] = rows[0]["text"].replace("was admitted with", "was admitted\n  with")
        rows[1]["text"] = rows[1]["text"].replace("had an NSTEMI", "had a heart attack")
        return rows

    edit(folder, "discharge", broken)
    instances, _ = read(dischargeme, folder)
    assert [entry.slices["cut"] for entry in instances] == 2 * ["yes"] + 2 * ["no"] + 4 * ["yes"]
    assert "right lower lobe pneumonia and low oxygen" not in instances[0].context


def test_dischargeme_shows_all_radiology_reports_in_the_order_of_time() -> None:
    instances, _ = read(dischargeme, sample(dischargeme))
    (entry,) = [entry for entry in instances if entry.id == "sample-a3-brief_hospital_course"]
    # the file has the later one first
    assert 0 < entry.context.index("LIVER OR GALLBLADDER US") < entry.context.index("EXAM: MRCP")


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("diagnosis", "subject_id"), ("triage", "subject_id"), ("radiology", "hadm_id"), ("edstays", "hadm_id"),
        ("discharge_target", "hadm_id"),
    ],
)  # fmt: skip
def test_dischargeme_leaves_out_an_admission_that_a_table_does_not_know(
    table: str, column: str, tmp_path: Path
) -> None:
    folder = sample(dischargeme, tmp_path)
    gone = {"subject_id": "sample-p2", "hadm_id": "sample-a2"}[column]
    edit(folder, table, lambda rows: [row for row in rows if row[column] != gone])
    instances, rules = read(dischargeme, folder)
    assert {entry.id.rpartition("-")[0] for entry in instances} == {"sample-a1", "sample-a3", "sample-a4"}
    assert rules == {"an admission that one of the tables does not know": 1}


def test_dischargeme_takes_the_first_summary_and_clusters_by_patient(tmp_path: Path) -> None:
    folder = sample(dischargeme, tmp_path)
    edit(folder, "discharge", lambda rows: [*rows, rows[0] | {"text": "another text"}])
    before = read(dischargeme, sample(dischargeme))[0]
    instances, rules = read(dischargeme, folder)
    assert instances == before
    assert rules == {"another summary of the same admission": 1}
    for table in ("discharge", "diagnosis", "triage"):
        edit(folder, table, lambda rows: [row | {"subject_id": "sample-p1"} for row in rows])
    assert len({entry.cluster for entry in read(dischargeme, folder)[0]}) == 1


@pytest.mark.parametrize("table", ["discharge", "discharge_target", "radiology", "edstays"])
def test_dischargeme_numbers_of_admissions_may_have_become_decimals(table: str, tmp_path: Path) -> None:
    folder = sample(dischargeme, tmp_path)
    edit(folder, table, lambda rows: [row | {"hadm_id": f"{row['hadm_id']}.0"} for row in rows])
    assert read(dischargeme, folder) == read(dischargeme, sample(dischargeme))


def test_dischargeme_names_the_table_that_has_no_numbers_of_admissions(tmp_path: Path) -> None:
    folder = sample(dischargeme, tmp_path)
    edit(folder, "edstays", lambda rows: [{k: v for k, v in row.items() if k != "hadm_id"} for row in rows])
    assert refusal(dischargeme, folder).startswith("edstays.csv, row 1: the column 'hadm_id' is missing")


# MIMIC


def test_mimic_rrs_refuses_files_of_different_length(tmp_path: Path) -> None:
    folder = sample(mimic_rrs, tmp_path)
    path = folder / "test.impression.tok"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    sentence = refusal(mimic_rrs, folder)
    assert sentence.startswith("test.findings.tok has 8 lines and test.impression.tok has 7")


def test_mimic_rrs_pairs_lines_and_leaves_out_empty_ones(tmp_path: Path) -> None:
    (tmp_path / "test.findings.tok").write_bytes(
        "clear lungs .\r\n\r\nno\u2028fracture .\r\nclear lungs .\r\n".encode()
    )
    (tmp_path / "test.impression.tok").write_bytes(b"normal .\nnothing .\nnormal hip .\nnormal .")
    instances, rules = read(mimic_rrs, tmp_path)
    assert [(entry.context, entry.answer) for entry in instances] == [
        ("clear lungs .", "normal ."),
        ("no\u2028fracture .", "normal hip ."),
        ("clear lungs .", "normal ."),
    ]
    assert instances[2].id == f"{instances[0].id}-2"
    assert content_key(instances[2]) == content_key(instances[0]) != content_key(instances[1])
    assert rules == {"an empty line in one of the files": 1}


def test_mimic_bhc_leaves_out_empty_pairs_and_refuses_other_types(tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    pairs: list[dict[str, Any]] = [{"input": "note", "target": "course"}, {"input": " ", "target": "course"}]
    path.write_text("\n".join(json.dumps(pair) for pair in [*pairs, {"input": "note", "target": ""}]))
    instances, rules = read(mimic_bhc, tmp_path)
    assert [(entry.context, entry.answer) for entry in instances] == [("note", "course")]
    assert rules.total() == 2
    path.write_text("\n".join(json.dumps(pair) for pair in [*pairs, {"input": "note", "target": ["secret"]}]))
    sentence = refusal(mimic_bhc, tmp_path)
    assert sentence.startswith("test.jsonl, row 3: the column 'target'")
    assert "secret" not in sentence


# Private data


def test_chw_care_plan_leaves_out_rows_without_a_note(tmp_path: Path) -> None:
    write_table(tmp_path / "chw_care_plan.csv", [{"n": "1", "MO Note": "Cough."}, {"n": "2", "MO Note": " "}])
    instances, rules = read(chw_care_plan, tmp_path)
    assert [entry.context for entry in instances] == ["Cough."]
    assert rules == {"no note": 1}


def test_chw_care_plan_judges_see_the_note_and_no_reference() -> None:
    rubric = load_rubric(chw_care_plan.TASK.rubric)
    assert [criterion.name for criterion in rubric.criteria] == ["accuracy", "structure", "clarity"]
    assert rubric.scale == (1, 5)
    messages = judge_messages(rubric, question="the note", answer="the fields", reference="never shown")
    text = "\n".join(message["content"] for message in messages)
    assert "the note" in text
    assert "the fields" in text
    assert "never shown" not in text
    assert "Reference" not in text


COMPLETE = "\n".join(f"{field}: Not mentioned" for field in chw_care_plan.FIELDS)


@pytest.mark.parametrize(
    ("answer", "share"),
    [
        (COMPLETE, 1.0),
        (COMPLETE.lower(), 1.0),
        ("\n".join(f"- **{field}:** seen" for field in chw_care_plan.FIELDS), 1.0),
        ("\n".join(f"{n}. {field}: seen" for n, field in enumerate(chw_care_plan.FIELDS, 1)), 1.0),
        ("\n".join(f"{field}:" for field in chw_care_plan.FIELDS), 0.0),
        ("Onset: yesterday\nSeverity:\nQuality: dull", 0.2),
        ("The onset: yesterday", 0.0),
        ("Onset: yesterday\nOnset: yesterday", 0.1),
        ("", 0.0),
    ],
)
def test_chw_care_plan_counts_the_fields_that_hold_something(answer: str, share: float) -> None:
    assert chw_care_plan.filled(answer) == pytest.approx(share)


def test_starr_takes_checked_and_complete_rows_alone(tmp_path: Path) -> None:
    folder = sample(starr, tmp_path)
    instances, rules = read(starr, folder)
    assert len(instances) == 8
    assert rules == {"QC is not TRUE": 1, "one of the five texts is empty": 1}
    path = folder / "starr_patient_instructions.csv"
    rows = read_table(path)
    for qc, kept in (("True", 8), ("1", 0), ("", 0)):
        write_table(path, [row | {"QC": qc if row["QC"] == "TRUE" else row["QC"]} for row in rows])
        assert len(read(starr, folder)[0]) == kept
    for column in ("QC", *starr.SHOWN, starr.REFERENCE):
        write_table(path, [{name: cell for name, cell in row.items() if name != column} for row in rows])
        assert f"the column {column!r} is missing" in refusal(starr, folder)


def test_starr_shows_four_texts_and_not_the_instructions() -> None:
    rows = [row for row in read_table(sample(starr) / "starr_patient_instructions.csv") if row["QC"] == "TRUE"]
    for entry, row in some(zip(read(starr, sample(starr))[0], rows, strict=False)):
        prompt = starr.prompt(entry)
        assert all(row[column] in prompt for column in starr.SHOWN)
        assert entry.answer == row[starr.REFERENCE]
        assert row[starr.REFERENCE] not in prompt


def test_mental_health_breaks_down_by_topic_and_kind_and_refuses_an_empty_reply(tmp_path: Path) -> None:
    folder = sample(mental_health, tmp_path)
    instances, _ = read(mental_health, folder)
    assert Counter(entry.slices["dialogue_type"] for entry in instances) == {
        "first session": 2, "follow-up": 4, "crisis": 1, "single session": 1,
    }  # fmt: skip
    assert len({entry.slices["topic"] for entry in instances}) == 8
    path = folder / "mental_health.csv"
    rows = read_table(path)
    rows[4]["gold_counselor_response"] = " "
    write_table(path, rows)
    assert refusal(mental_health, folder) == ("mental_health.csv, row 5: the column 'gold_counselor_response' is empty")


# MedAlign


def test_medalign_takes_each_instruction_once_with_the_first_annotators_answer() -> None:
    folder = sample(medalign)
    instances, _ = read(medalign, folder)
    assert len(read_table(folder / "clinician-reviewed-model-responses.tsv", "\t")) == 16
    assert [entry.id for entry in instances] == [f"sample-0{number}" for number in range(1, 9)]
    assert not any("first annotator" in entry.answer for entry in instances)
    assert [len({entry.cluster for entry in instances[n : n + 2]}) for n in range(0, 8, 2)] == [1, 1, 1, 1]
    assert len({entry.cluster for entry in instances}) == 4
    assert 'name="Penicillin allergy"' in instances[2].context


def test_medalign_leaves_out_what_the_first_annotator_did_not_answer(tmp_path: Path) -> None:
    folder = sample(medalign, tmp_path)
    path = folder / "clinician-instruction-responses.tsv"
    rows = read_table(path, "\t")
    for row in rows:
        if row["instruction_id"] == "sample-03":
            row["annotator_num"] = "Annotator_2"
        if row["instruction_id"] == "sample-04":
            row["clinician_response"] = ""
    write_table(path, rows, "\t")
    instances, rules = read(medalign, folder)
    assert [entry.id for entry in instances] == [f"sample-0{number}" for number in (1, 2, 5, 6, 7, 8)]
    assert rules == {"no answer by Annotator_1": 2}


def test_medalign_refuses_a_missing_record_and_a_contradiction_without_naming_the_person(tmp_path: Path) -> None:
    folder = sample(medalign, tmp_path)
    (folder / "medalign_ehr_xml" / "sample-p3.xml").rename(folder / "medalign_ehr_xml" / "other.xml")
    sentence = refusal(medalign, folder)
    assert sentence.startswith("clinician-reviewed-model-responses.tsv, row 9: medalign_ehr_xml lacks")
    assert "sample-p3" not in sentence
    path = folder / "clinician-reviewed-model-responses.tsv"
    rows = read_table(path, "\t")
    rows[1]["person_id"] = "sample-p2"
    write_table(path, rows, "\t")
    assert "row 2: the instruction stands further up" in refusal(medalign, folder)


def test_medalign_names_no_person_when_a_record_is_damaged(tmp_path: Path) -> None:
    folder = sample(medalign, tmp_path)
    path = folder / "medalign_ehr_xml" / "sample-p2.xml"
    path.write_text(path.read_text()[:200])
    sentence = refusal(medalign, folder)
    assert sentence.startswith("file 2 of the folder, by name, line ")
    assert "sample-p2" not in sentence


RECORD = """<?xml version='1.0'?>
<eventstream person_id="1"><encounter start="2001"><event name="a">old &lt; 5</event></encounter>
<encounter start="2002"><note>line one
line two</note><empty/></encounter></eventstream>"""

SHOWN = """<eventstream person_id="1">
  <encounter start="2001">
    <event name="a">old < 5</event>
  </encounter>
  <encounter start="2002">
    <note>line one
line two</note>
    <empty/>
  </encounter>
</eventstream>"""


def test_a_record_is_shown_one_element_a_line_and_cut_from_its_oldest_end(tmp_path: Path) -> None:
    path = tmp_path / "1.xml"
    path.write_text(RECORD)
    assert latest_record(path, 10_000) == latest_record(path, len(SHOWN)) == SHOWN
    assert latest_record(path, len(SHOWN) - 1) == LEFT_OUT + SHOWN.partition("\n")[2]
    assert latest_record(path, 45) == f"{LEFT_OUT}    <empty/>\n  </encounter>\n</eventstream>"
    path.write_text(f"<record>{'x' * 50}</record>")
    assert latest_record(path, 15) == f"{LEFT_OUT}xxxxxx</record>"


@pytest.mark.parametrize("content", ["<a><b></a>", "<a>", "no xml", "<a>&unknown;</a>"])
def test_a_record_that_is_no_xml_is_refused_by_name(content: str, tmp_path: Path) -> None:
    path = tmp_path / "1.xml"
    path.write_text(content)
    with pytest.raises(DataError, match=r"^1\.xml, line 1: this is not valid XML"):
        latest_record(path, 100)


def test_a_long_record_is_cut_for_the_prompt(tmp_path: Path) -> None:
    folder = sample(medalign, tmp_path)
    path = folder / "medalign_ehr_xml" / "sample-p1.xml"
    filler = '<encounter start="2100"><note>old</note></encounter>' * 10_000
    path.write_text(path.read_text().replace('"sample-p1">', f'"sample-p1">{filler}', 1))
    first = read(medalign, folder)[0][0]
    assert medalign.CHARACTERS - 100 < len(first.context) <= medalign.CHARACTERS + len(LEFT_OUT)
    assert first.context.startswith(LEFT_OUT)
    assert "6.8 %" in first.context


# All of them


def test_scores_agree_with_a_count_by_hand(run: Any, pytester: pytest.Pytester) -> None:
    with MockServer(lambda body: "hives penicillin", models=("doctor",)) as server:
        result = run(medalign.__file__, "--medhelm-model=vllm/doctor", f"--medhelm-base-url={server.url}")
    assert result.ret == 0
    values = cell(leaderboard(pytester.path), "medalign")["metrics"]
    # Of the eight references one holds these words: "Yes, to penicillins: hives and swelling of ...", 21 words long.
    # Two shared words of 2 and 21, in the other order; stems agree; no shared pair.
    assert values["rouge_1"]["value"] == pytest.approx(2 * 2 / (2 + 21) / 8, abs=1e-6)
    assert values["rouge_l"]["value"] == pytest.approx(2 * 1 / (2 + 21) / 8, abs=1e-6)
    assert values["rouge_2"]["value"] == 0


def test_note_extract_is_scored_against_its_note_and_by_fields(run: Any, pytester: pytest.Pytester) -> None:
    def answer(body: dict[str, Any]) -> str:
        text = str(body["messages"][-1]["content"])
        if body["model"] == "judge":
            assert "Reference answer" not in text
            return json.dumps(
                {name: {"score": 4, "explanation": "so"} for name in ("accuracy", "structure", "clarity")}
            )
        return "Onset: " + text.partition("Note:\n")[2].partition("\n\nFields:")[0]

    with MockServer(answer, models=("doctor", "judge")) as server:
        result = run(
            BENCHMARKS / "clinical_note_generation" / "test_chw_care_plan.py", "--medhelm-model=vllm/doctor",
            "--medhelm-judge=vllm/judge", f"--medhelm-base-url={server.url}",
        )  # fmt: skip
        assert len(server.requests) == 16
    assert result.ret == 0
    found = cell(leaderboard(pytester.path), "chw_care_plan")
    assert found["main_metric"] == "jury"
    assert found["metrics"]["jury"]["value"] == 4
    assert found["metrics"]["jury_structure"]["value"] == 4
    assert found["metrics"]["fields"]["value"] == pytest.approx(0.1)
    assert 0.97 < found["metrics"]["rouge_l"]["value"] < 1


def test_all_of_them_are_graded_by_a_rubric_and_run_on_sample_data(run: Any, pytester: pytest.Pytester) -> None:
    result = run(*(module.__file__ for module in MODULES), "--medhelm-model=baseline/lexical")
    assert result.ret == 0
    board = leaderboard(pytester.path)
    for module in MODULES:
        task = module.TASK
        found = cell(board, task.name)
        assert (task.kind, task.main_metric, found["main_metric"]) == ("jury", "rouge_l", "rouge_l")
        assert 0 < found["metrics"]["rouge_l"]["value"] < 1
        structured = task.name == "chw_care_plan"
        assert task.rubric == f"accuracy_{'structure' if structured else 'completeness'}_clarity"
        load_rubric(task.rubric)


def test_gated_and_private_data_are_not_for_third_parties_and_pin_nothing() -> None:
    access = {module.TASK.name: module.TASK.access for module in MODULES}
    assert {name for name, kind in access.items() if kind == "gated"} == {
        "dischargeme", "medalign", "mimic_bhc", "mimic_rrs",
    }  # fmt: skip
    assert {name for name, kind in access.items() if kind == "private"} == {
        "chw_care_plan", "mental_health", "starr_patient_instructions",
    }  # fmt: skip
    for module in MODULES:
        if module.TASK.access != "public":
            assert module.TASK.may_use_hosted_api is False
            assert not any(file.sha256 or file.url for file in module.TASK.files)
