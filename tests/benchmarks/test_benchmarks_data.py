"""The first four benchmarks: real files, sample files, and what happens to damaged ones."""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks.clinical_decision_support import test_med_qa as med_qa
from benchmarks.clinical_decision_support import test_medcalc_bench as medcalc_bench
from benchmarks.medical_research_assistance import test_pubmed_qa as pubmed_qa
from benchmarks.patient_communication_and_education import test_medication_qa as medication_qa
from pytest_medhelm.tasks.data.office import read_xlsx
from pytest_medhelm.tasks.data.readers import read_csv, read_json, read_jsonl
from pytest_medhelm.tasks.data.rows import content_id
from pytest_medhelm.tasks.task import Excluded, Instance
from pytest_medhelm.util.errors import DataError, DataMissing
from tests.support.benchmark_modules import SAMPLES
from tests.support.checks import some
from tests.support.real_data import real

MODULES = (pubmed_qa, med_qa, medcalc_bench, medication_qa)

every_benchmark = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.TASK.name)


def real_file(module: ModuleType) -> Path:
    return real(module.TASK.name, module.TASK.files[0].name)


def sample(module: ModuleType) -> Path:
    path: Path = SAMPLES / module.TASK.name / module.TASK.files[0].name
    return path


def load_real(module: ModuleType) -> list[Instance]:
    return [entry for entry in module.load(real_file(module)) if isinstance(entry, Instance)]


# Facts of the real files, counted by others: data/README.md


def test_pubmed_qa_has_1000_expert_labels() -> None:
    instances = load_real(pubmed_qa)
    assert Counter(entry.answer for entry in instances) == {"A": 552, "B": 338, "C": 110}
    assert {entry.choices for entry in instances} == {("yes", "no", "maybe")}
    assert Counter(entry.slices["year"] for entry in instances)["not stated"] == 58
    official = json.loads((real_file(pubmed_qa).parent / "test_ground_truth.json").read_text())
    by_id = {entry.id: entry.choices["ABC".index(entry.answer)] for entry in instances}
    assert len(official) == 500
    assert {pmid: by_id[pmid] for pmid in official} == official


def test_pubmed_qa_shows_every_section_and_not_the_conclusion() -> None:
    records = json.loads(real_file(pubmed_qa).read_text())
    for instance in some(load_real(pubmed_qa)):
        record = records[instance.id]
        lines = [f"{label}: {text}" for label, text in zip(record["LABELS"], record["CONTEXTS"], strict=True)]
        assert instance.context == "\n".join(lines)
        assert record["LONG_ANSWER"] not in pubmed_qa.prompt(instance)


def test_med_qa_has_1273_questions_with_four_tidy_options() -> None:
    instances = load_real(med_qa)
    assert Counter(entry.answer for entry in instances) == {"A": 353, "B": 309, "C": 346, "D": 265}
    assert Counter(entry.slices["step"] for entry in instances) == {"step1": 679, "step2&3": 594}
    options = [option for entry in instances for option in entry.choices]
    assert len(options) == 4 * 1273
    assert all(option and option == option.strip() and "\n" not in option for option in options)
    assert all(option.count('"') % 2 == 0 for option in options)


def test_med_qa_keeps_the_words_of_the_right_option() -> None:
    records = [json.loads(line) for line in real_file(med_qa).read_text().splitlines()]
    for record, instance in some(zip(records, load_real(med_qa), strict=True)):
        assert instance.choices["ABCD".index(instance.answer)].strip('"') == record["answer"].strip(' \n"')


def test_medcalc_bench_has_1047_rows_in_seven_categories() -> None:
    instances = load_real(medcalc_bench)
    assert [entry.id for entry in instances] == [str(number) for number in range(1, 1048)]
    assert Counter(entry.slices["category"] for entry in instances) == {
        "lab": 327, "risk": 240, "physical": 240, "severity": 80, "diagnosis": 60, "date": 60, "dosage": 40,
    }  # fmt: skip
    assert Counter(entry.fields["output_type"] for entry in instances) == {
        "decimal": 627,
        "integer": 380,
        "date": 40,
    }
    assert sum(entry.answer.startswith("(") for entry in instances) == 20
    assert len({entry.slices["calculator"] for entry in instances}) == 55
    asked = Counter((entry.context, entry.question) for entry in instances)
    assert sum(count > 1 for count in asked.values()) == 7


def test_medcalc_bench_clusters_are_notes() -> None:
    instances = load_real(medcalc_bench)
    notes_of: dict[str, set[str]] = {}
    for entry in instances:
        notes_of.setdefault(entry.cluster, set()).add(entry.context)
    assert all(len(notes) == 1 for notes in notes_of.values())
    assert len(notes_of) == len({entry.context for entry in instances})


def test_medication_qa_has_690_rows_and_leaves_out_the_one_without_an_answer() -> None:
    rows = list(read_xlsx(real_file(medication_qa), sheet="DrugQA"))
    assert len(rows) == 690
    types = Counter(row.text("Question Type") for row in rows)
    assert types.most_common(6) == [
        ("Information", 112),
        ("Dose", 66),
        ("Usage", 61),
        ("Side effects", 57),
        ("Indication", 55),
        ("Interaction", 51),
    ]
    instances = load_real(medication_qa)
    assert len(instances) == 689
    assert "n/a" not in {entry.answer.lower() for entry in instances}
    assert Counter(entry.slices["reference"] for entry in instances) == {"given": 677, "none found": 12}


def test_medication_qa_puts_the_answers_to_one_question_into_one_cluster() -> None:
    found = [entry for entry in load_real(medication_qa) if entry.question == "what color is phenytoin"]
    assert len(found) == 4
    assert len({entry.id for entry in found}) == 4
    assert len({entry.cluster for entry in found}) == 1
    # also when it was typed in another way: "how much ... is ok" and "How much ... is OK?"
    asked = (entry for entry in medication_qa.load(sample(medication_qa)) if isinstance(entry, Instance))
    typed = [entry for entry in asked if "much" in entry.question]
    assert len({entry.question for entry in typed}) == 2
    assert len({entry.cluster for entry in typed}) == 1


# Ids


def write_drug_qa(target: Path, rows: list[tuple[str | None, ...]], title: str = "DrugQA") -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.save(target)


def test_an_id_made_from_content_depends_on_every_text_and_counts_repeats() -> None:
    seen: Counter[str] = Counter()
    names = [content_id(seen, *texts) for texts in (("a", "b"), ("ab", ""), ("a", "b"), ("a", "b"), ("b", "a"))]
    assert len(set(names)) == 5
    assert names[2:4] == [f"{names[0]}-2", f"{names[0]}-3"]
    # must not change between versions, since stored records are found by it: sha256 of "a", 0x1f, "b"
    assert names[0] == hashlib.sha256(b"a\x1fb").hexdigest()[:12]


# Sample data


@pytest.mark.parametrize("module", [pubmed_qa, med_qa], ids=["pubmed_qa", "med_qa"])
def test_sample_keys_are_balanced(module: ModuleType) -> None:
    answers = Counter(entry.answer for entry in module.load(sample(module)))
    assert len(set(answers.values())) == 1
    assert len(answers) == len(next(module.load(sample(module))).choices)


def test_sample_ids_cannot_be_taken_for_real_ones() -> None:
    assert all(entry.id.startswith("sample-") for entry in some(pubmed_qa.load(sample(pubmed_qa))))
    assert all(int(entry.id) > 9000 for entry in some(medcalc_bench.load(sample(medcalc_bench))))


def test_medcalc_sample_covers_all_categories_with_right_answers() -> None:
    instances = list(medcalc_bench.load(sample(medcalc_bench)))
    # worked out by hand from the notes
    assert [(entry.slices["category"], entry.answer) for entry in instances] == [
        ("lab", "12"),  # 138 - (112 + 14)
        ("lab", "9.18"),  # 7.9 + 0.8 * 1.6
        ("risk", "4"),  # confusion, urea nitrogen, respiratory rate, age
        ("severity", "8"),  # 2 + 2 + 1 + 2 + 1
        ("diagnosis", "2"),  # temperature, heart rate
        ("physical", "96"),  # 82 + 42 / 3
        ("physical", "27.38"),  # 81 / 2.9584
        ("date", "10/16/2023"),  # Naegele: 9 January, seven days and nine months on; also 280 days on
        ("date", "('14 weeks', '4 days')"),  # 27 + 29 + 31 + 15 = 102 days
        ("dosage", "100"),  # 25 * 20 / 5
    ]
    for entry in instances:
        if entry.fields["output_type"] == "decimal":
            limits = float(entry.fields["lower"]), float(entry.fields["upper"])
            assert limits == pytest.approx((0.95 * float(entry.answer), 1.05 * float(entry.answer)), abs=1e-3)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.TASK.name)
def test_sample_files_have_the_columns_of_the_real_ones(module: ModuleType) -> None:
    read = {".json": read_json, ".jsonl": read_jsonl, ".csv": read_csv, ".xlsx": read_xlsx}[sample(module).suffix]
    ours, upstream = next(read(sample(module))), next(read(real_file(module)))
    assert list(ours.values) == list(upstream.values)


# Damaged and wrong files


def refuse(module: ModuleType, path: Path) -> str:
    """The sentence with which a file is refused; fails when it shows anything of the file's content."""
    with pytest.raises(DataError) as caught:
        list(module.load(path))
    sentence = str(caught.value)
    assert sentence.startswith(path.name)
    assert "\n" not in sentence
    for entry in module.load(sample(module)):
        assert entry.question not in sentence
        assert not entry.context or entry.context[:20] not in sentence
    return sentence


def spoil_json(path: Path, column: str, value: object, row: int) -> Path:
    """The PubMedQA sample with one value of one record replaced."""
    records = json.loads(sample(pubmed_qa).read_text())
    records[list(records)[row - 1]][column] = value
    target = path / "ori_pqal.json"
    target.write_text(json.dumps(records))
    return target


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("final_decision", "perhaps", "final_decision"),
        ("final_decision", "", "empty"),
        ("QUESTION", None, "QUESTION"),
        ("LABELS", ["RESULTS"], "LABELS"),
        ("CONTEXTS", "a text", "CONTEXTS"),
    ],
)
def test_a_wrong_value_is_refused_with_its_row(column: str, value: object, problem: str, tmp_path: Path) -> None:
    sentence = refuse(pubmed_qa, spoil_json(tmp_path, column, value, row=4))
    assert sentence.startswith("ori_pqal.json, row 4: ")
    assert problem in sentence
    assert "perhaps" not in sentence


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Ground Truth Answer", "high"),
        ("Upper Limit", ""),
        ("Lower Limit", "09/23/2014"),
        ("Lower Limit", "nan"),
        ("Patient Note", " "),
    ],
)
def test_a_wrong_limit_is_refused_with_its_row(column: str, value: str, tmp_path: Path) -> None:
    with sample(medcalc_bench).open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    rows[2][column] = value
    path = tmp_path / "test_data.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert refuse(medcalc_bench, path).startswith("test_data.csv, row 3: ")


def test_a_missing_option_is_refused_with_its_row(tmp_path: Path) -> None:
    lines = sample(med_qa).read_text().splitlines()
    record = json.loads(lines[4])
    del record["options"]["D"]
    path = tmp_path / "phrases_no_exclude_test.jsonl"
    path.write_text("\n".join([*lines[:4], json.dumps(record), *lines[5:]]))
    assert refuse(med_qa, path) == "phrases_no_exclude_test.jsonl, row 5: options are not lettered A to D"


HEADER = ("Question", "Focus (Drug)", "Question Type", "Answer", "Section Title", "URL")


def test_medication_qa_leaves_out_rows_without_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "questions.xlsx"
    answers = ("Take it with food.", None, "n/a", " N/A ", "No answers", "Unanswerable")
    write_drug_qa(path, [HEADER, *((f"question {n}", "x", "Dose", text, None, None) for n, text in enumerate(answers))])
    found = list(medication_qa.load(path))
    instances = [entry for entry in found if isinstance(entry, Instance)]
    assert [entry for entry in found if entry not in instances] == [Excluded("no answer")] * 3
    assert [entry.question for entry in instances] == ["question 0", "question 4", "question 5"]
    assert [entry.slices["reference"] for entry in instances] == ["given", "none found", "none found"]


def test_a_workbook_without_the_sheet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "questions.xlsx"
    write_drug_qa(path, [HEADER, ("q", "f", "Dose", "a", "s", "u")], title="Sheet1")
    assert refuse(medication_qa, path) == "questions.xlsx has no sheet 'DrugQA'"


def test_a_header_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "questions.xlsx"
    write_drug_qa(path, [HEADER])
    assert refuse(medication_qa, path) == "questions.xlsx has no rows"


def test_without_openpyxl_the_command_to_install_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(DataMissing, match=r"pip install 'pytest-medhelm\[data\]'"):
        list(medication_qa.load(sample(medication_qa)))


def test_a_file_that_is_not_there_is_missing_data(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match=r"test_data\.csv"):
        list(medcalc_bench.load(tmp_path / "test_data.csv"))
