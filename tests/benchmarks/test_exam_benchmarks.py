"""Examination questions and classification with public data: facts counted by others, readings, metrics."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from benchmarks.clinical_decision_support import test_head_qa as head_qa
from benchmarks.clinical_decision_support import test_healthqa_br as healthqa_br
from benchmarks.clinical_decision_support import test_med_mcqa as med_mcqa
from benchmarks.clinical_decision_support import test_med_qa as med_qa
from benchmarks.clinical_decision_support import test_medbullets as medbullets
from benchmarks.clinical_decision_support import test_medcalc_bench as medcalc_bench
from benchmarks.clinical_decision_support import test_medxpert_qa_text as medxpert
from benchmarks.clinical_decision_support import test_mmlu_clinical_afr as mmlu
from benchmarks.clinical_decision_support import test_sct_bench as sct
from benchmarks.medical_research_assistance import test_medhallu as medhallu
from benchmarks.medical_research_assistance import test_pubmed_qa as pubmed_qa
from benchmarks.medical_research_assistance import test_race_based_med as race
from benchmarks.shared.coloured_answers import read_answers
from benchmarks.shared.script_concordance import RATINGS, read_rating, sct_score, sct_score_helm
from perf.mock_server import MockServer
from pytest_medhelm.tasks.data.readers import read_jsonl
from pytest_medhelm.tasks.data.rows import Row
from pytest_medhelm.tasks.prompts import in_form
from pytest_medhelm.tasks.task import Excluded, Instance
from pytest_medhelm.util.errors import DataError
from tests.support.benchmark_modules import copied, load, paths_in, read, real_folder, sample_folder
from tests.support.checks import some
from tests.support.real_data import real
from tests.support.suites import cell, leaderboard


def real_file(module: ModuleType, name: str = "") -> Path:
    """A real file, the benchmark's first one unless named; skips the test where it is absent."""
    return real(module.TASK.name, name) if name else paths_in(real_folder(module), module.TASK.files[:1])[0]


def counts(instances: Sequence[Instance], name: str) -> dict[str, int]:
    return dict(Counter(entry.slices[name] for entry in instances))


def right(instance: Instance) -> str:
    """The text of the right option."""
    return instance.choices["ABCDEFGHIJ".index(instance.answer)]


# What the leaderboard evaluates


@pytest.mark.parametrize(
    ("module", "size"),
    [
        (head_qa, 2675),
        (medbullets, 308),
        (med_mcqa, 4183),
        (medxpert, 2450),
        (mmlu, 2 * (265 + 173 + 166)),
        (medhallu, 2000),
        (sct, 174),
        (race, 4 * 9 * 5 + 1),
    ],
    ids=lambda value: value.TASK.name if isinstance(value, ModuleType) else None,
)
def test_the_real_files_hold_as_many_instances_as_others_counted(module: ModuleType, size: int) -> None:
    assert len(load(module, real_folder(module))) == size
    assert module.TASK.size in (None, size) or module is race


@pytest.mark.parametrize(("module", "size"), [(med_qa, 1273), (pubmed_qa, 1000), (medcalc_bench, 1047)])
def test_the_first_benchmarks_state_their_size(module: ModuleType, size: int) -> None:
    assert module.TASK.size == size == len(load(module, real_folder(module)))


# HEAD-QA


def test_head_qa_leaves_out_the_67_questions_with_an_image_all_in_medicine() -> None:
    found = read(head_qa, real_folder(head_qa))
    assert len(found) == 2742
    assert Counter(entry for entry in found if isinstance(entry, Excluded)) == {Excluded("refers to an image"): 67}
    instances = load(head_qa, real_folder(head_qa))
    # 232 and 231 questions of medicine, 32 and 35 with an image
    assert counts(instances, "profession")["medicine"] == 232 + 231 - 67
    assert set(counts(instances, "profession")) == {
        "medicine", "nursery", "psychology", "chemistry", "pharmacology", "biology"
    }  # fmt: skip
    assert {len(entry.choices) for entry in instances} == {4}


def test_head_qa_keys_are_the_texts_of_the_gold_answers() -> None:
    exams = json.loads(real_file(head_qa).read_text("utf-8"))["exams"]
    gold = {
        f"{name}-{question['qid']}": answer["atext"].strip()
        for name, exam in exams.items()
        for question in exam["data"]
        for answer in question["answers"]
        if str(answer["aid"]) == question["ra"]
    }
    for instance in some(load(head_qa, real_folder(head_qa))):
        assert right(instance) == gold[instance.id]


def test_head_qa_takes_its_solved_examples_from_the_year_before() -> None:
    folder = real_folder(head_qa)
    solved = [
        entry
        for entry in head_qa.TASK.examples.load(*paths_in(folder, head_qa.TASK.examples.files))
        if isinstance(entry, Instance)
    ]
    assert len(solved) == 1366 - 30
    assert counts(solved, "year") == {"2015": 1366 - 30}


@pytest.mark.parametrize(
    "change", [{"ra": "5"}, {"ra": None}, {"answers": [{"aid": 1}]}, {"answers": ["x"]}, {"qid": 1}]
)
def test_head_qa_refuses_a_spoilt_question_with_its_row(change: dict[str, Any], tmp_path: Path) -> None:
    document = json.loads((sample_folder(head_qa) / head_qa.TASK.files[0].name).read_text("utf-8"))
    list(document["exams"].values())[1]["data"][0] |= change
    (tmp_path / "exam.json").write_text(json.dumps(document))
    with pytest.raises(DataError, match=r"^exam\.json, row 4: "):
        list(head_qa.load(tmp_path / "exam.json"))


# Medbullets


def test_medbullets_has_308_questions_of_which_ten_occur_twice() -> None:
    instances = load(medbullets, real_folder(medbullets))
    times = Counter(entry.question for entry in instances)
    assert sorted(times.values(), reverse=True)[:11] == [2] * 10 + [1]
    assert len({entry.cluster for entry in instances}) == len(times) == 298
    with real_file(medbullets).open(encoding="utf-8", newline="") as file:
        assert Counter(row["answer"].strip() for row in csv.DictReader(file)) == Counter(map(right, instances))


def test_medbullets_refuses_a_key_that_contradicts_the_answer(tmp_path: Path) -> None:
    text = (sample_folder(medbullets) / "medbullets_op5.csv").read_text("utf-8")
    spoilt = tmp_path / "op5.csv"
    for wrong, problem in ((",B,Graves disease", "answer is not the text"), (",F,Graves disease", "not a letter")):
        spoilt.write_text(text.replace(",A,Graves disease", wrong), "utf-8")
        with pytest.raises(DataError, match=f"row 1: .*{problem}"):
            list(medbullets.load(spoilt))


# MedMCQA


def test_med_mcqa_has_the_published_keys_subjects_and_types() -> None:
    instances = load(med_mcqa, real_folder(med_mcqa))
    assert Counter(entry.answer for entry in instances) == {"A": 1348, "B": 1085, "C": 925, "D": 825}
    assert counts(instances, "choice_type") == {"single": 2816, "multi": 1367}
    assert counts(instances, "subject")["Dental"] == 1318
    assert sum(len(set(entry.choices)) < 4 for entry in instances) == 21
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", entry.id) for entry in instances)


@pytest.mark.parametrize("key", [0, 5, "A", True, 1.5, None])
def test_med_mcqa_keys_count_from_one(key: Any, tmp_path: Path) -> None:
    record = json.loads((sample_folder(med_mcqa) / "dev.json").read_text("utf-8").splitlines()[0])
    (tmp_path / "dev.json").write_text(json.dumps(record | {"cop": key}))
    with pytest.raises(DataError, match="row 1"):
        list(med_mcqa.load(tmp_path / "dev.json"))


# HealthQA-BR: no real file is at hand; the forms of its options are those that its users describe


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("Pergunta?\n'A': 'um',\n'B': 'dois'", ("um", "dois")),
        ("Pergunta?\n{'A': 'um', 'B': 'dois', 'C': 'três'}", ("um", "dois", "três")),
        ("Pergunta?\n'A': \"gota d'água\", 'B': 'sinal de \"Blumberg\"'", ("gota d'água", 'sinal de "Blumberg"')),
        ("Pergunta?\n'A': 'gota d'água', 'B': 'd\\'Orsay'", ("gota d'água", "d'Orsay")),
        ("Pergunta?\n'A': 'I, II e III', 'B': 'só I'", ("I, II e III", "só I")),
        ("Pergunta?\nA: um.\nB: dois.", ("um.", "dois.")),
        ("Pergunta?\nA) um\nB) dois\nC) três\nD) quatro\nE) cinco", ("um", "dois", "três", "quatro", "cinco")),
        ("Pergunta?\n'A': 'hepatite\nA: aguda'", ()),
        ("Pergunta?", ()),
        ("Pergunta?\n'B': 'dois', 'C': 'três'", ()),
    ],
)
def test_healthqa_br_parts_the_options_from_the_question(text: str, choices: tuple[str, ...]) -> None:
    question, found = healthqa_br.split_options(text)
    assert found == choices
    assert question == ("Pergunta?" if choices else text)


def test_healthqa_br_reads_vitamins_in_the_question_as_no_options() -> None:
    text = "Considere as vitaminas:\nA: retinol\nB: tiamina\nQual falta?\n'A': 'A', 'B': 'B', 'C': 'nenhuma'"
    question, choices = healthqa_br.split_options(text)
    assert choices == ("A", "B", "nenhuma")
    assert question.endswith("Qual falta?")


def test_healthqa_br_leaves_out_a_row_without_a_usable_key_and_counts_it() -> None:
    found = read(healthqa_br, sample_folder(healthqa_br))
    assert [entry for entry in found if isinstance(entry, Excluded)] == [Excluded("the key is not one of the options")]
    assert len(found) == 9


def test_healthqa_br_asks_in_portuguese() -> None:
    instance = load(healthqa_br, sample_folder(healthqa_br))[0]
    for form, closing in (("line", "(A, B, C, D, E): Resposta: X"), ("helm", "(A, B, C, D ou E) e nada mais.")):
        prompt = in_form(healthqa_br.prompt(instance), instance.choices, form, healthqa_br.TASK.language)
        assert prompt.endswith(closing)
        assert "reply" not in prompt.lower()


def test_healthqa_br_refuses_a_table_without_its_columns(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"question": ["?"], "answer": ["A"]}), tmp_path / "healthqa-br.parquet")
    with pytest.raises(DataError, match=r"^healthqa-br\.parquet: the column 'id' is missing"):
        list(healthqa_br.load(tmp_path / "healthqa-br.parquet"))


# MedXpertQA


def test_medxpert_has_1861_reasoning_and_589_understanding_questions_with_ten_options() -> None:
    instances = load(medxpert, real_folder(medxpert))
    assert counts(instances, "question_type") == {"Reasoning": 1861, "Understanding": 589}
    assert {len(entry.choices) for entry in instances} == {10}
    assert all(re.fullmatch(r"Text-\d+", entry.id) for entry in instances)


def test_medxpert_shows_every_option_once() -> None:
    for instance in some(load(medxpert, real_folder(medxpert))):
        prompt = medxpert.prompt(instance)
        assert "Answer Choices" not in prompt
        assert "(J)" not in prompt
        assert prompt.count(f"\nJ. {instance.choices[9]}\n") == 1


def test_medxpert_reads_upstreams_own_format_too() -> None:
    rows = list(read_jsonl(real_file(medxpert, "medxpertqa_sampled_text_input.jsonl")))
    upstream = {entry.id: entry for entry in (medxpert.asked(row, "") for row in rows)}
    assert len(upstream) == 244
    copy = {entry.id: entry for entry in load(medxpert, real_folder(medxpert))}
    both = set(upstream) & set(copy)
    assert len(both) == 244
    for name in both:
        assert upstream[name] == copy[name]


@pytest.mark.parametrize(
    "change",
    [
        {"options": {"A": "x"}},
        {"options": "A"},
        {"options": [{"letter": "A"}]},
        {"answer_idx": "K"},
        {"answer_idx": ["A", "B"]},
    ],
)
def test_medxpert_refuses_a_spoilt_question(change: dict[str, Any]) -> None:
    record = json.loads((sample_folder(medxpert) / medxpert.TASK.files[0].name).read_text("utf-8").splitlines()[0])
    with pytest.raises(DataError, match=r"^x\.jsonl, row 7: "):
        medxpert.asked(Row("x.jsonl", 7, record | change), "Reasoning")


# MMLU in African languages


def test_mmlu_afr_has_each_subject_in_each_language_as_a_sub_run() -> None:
    instances = load(mmlu, real_folder(mmlu))
    subjects = {"clinical knowledge": 265, "college medicine": 173, "virology": 166}
    assert counts(instances, "run") == {
        f"{subject} {language}": size for subject, size in subjects.items() for language in ("Afrikaans", "Zulu")
    }
    assert len({entry.cluster for entry in instances}) == 265 + 173 + 166
    assert all(size == 2 for size in some(Counter(entry.cluster for entry in instances).values()))


def test_mmlu_afr_versions_of_one_question_have_the_same_key() -> None:
    keys: dict[str, set[str]] = {}
    for entry in load(mmlu, real_folder(mmlu)):
        keys.setdefault(entry.cluster, set()).add(entry.answer)
    assert {len(found) for found in keys.values()} == {1}


@pytest.mark.parametrize("name", ["anatomy_test_af.csv", "virology_test_xx.csv", "virology_test_en_US.csv"])
def test_mmlu_afr_refuses_a_file_of_another_name(name: str, tmp_path: Path) -> None:
    folder = copied(sample_folder(mmlu), tmp_path)
    (folder / name).write_text("q,1,2,3,4,A\n")
    with pytest.raises(DataError, match=f"^{name} is not called"):
        list(mmlu.load(folder))


def test_mmlu_afr_refuses_a_key_that_is_no_letter(tmp_path: Path) -> None:
    (tmp_path / "virology_test_zu.csv").write_text("q,1,2,3,4,E\n")
    with pytest.raises(DataError, match=r"^virology_test_zu\.csv, row 1: .*not a letter"):
        list(mmlu.load(tmp_path))


def test_mmlu_afr_shows_solved_examples_of_the_same_subject_and_language(run: Any, pytester: pytest.Pytester) -> None:
    with MockServer(lambda body: "A") as server:
        run(mmlu.__file__, "--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}")
        asked = {tuple(message["content"] for message in body["messages"]) for body in server.requests}
    assert len(asked) == 12
    for contents in asked:
        assert len(contents) == 2 * 3 + 1, "the sample has three solved examples a sub-task"
        assert len({content.splitlines()[0] for content in contents[::2]}) == 1
        assert set(contents[1::2]) <= {"A", "B", "C", "D"}
    found = cell(leaderboard(pytester.path), "mmlu_clinical_afr")["metrics"]["exact_match"]
    assert found["value"] == pytest.approx(4 / 12)
    assert found["low"] < 4 / 12 < found["high"]
    assert "cluster" in found["method"]


# MedHallu


def test_medhallu_shows_both_answers_of_each_of_1000_records() -> None:
    instances = load(medhallu, real_folder(medhallu))
    assert Counter(entry.answer for entry in instances) == {"0": 1000, "1": 1000}
    assert counts(instances, "difficulty") == {"easy": 2 * 274, "medium": 2 * 318, "hard": 2 * 408}
    assert set(Counter(entry.cluster for entry in instances).values()) == {2}


def test_medhallu_labels_and_paragraphs_are_those_of_the_columns() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    with real_file(medhallu).open("rb") as file:
        table = pyarrow.ipc.open_stream(file).read_all().to_pylist()
    found = {(entry.question, entry.answer, entry.context) for entry in load(medhallu, real_folder(medhallu))}
    for record in some(table):
        for column, label in (("Ground Truth", "0"), ("Hallucinated Answer", "1")):
            shown = f"{record['Question'].strip()}\n\nAnswer to judge: {record[column].strip()}"
            assert (shown, label, "\n\n".join(text.strip() for text in record["Knowledge"])) in found


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("0", "0"),
        ("1", "1"),
        ("**1**", "1"),
        ("Answer: 0", "0"),
        ("The study reports 14 %. Answer: 1", "1"),
        ('{"answer": 1}', "1"),
        ("2", None),
        ("0.5", None),
        ("1 mg", None),
        ("0 or 1", None),
        ("", None),
        ("It is true.", "0"),
    ],
)
def test_medhallu_reads_a_zero_or_a_one(text: str, label: str | None) -> None:
    assert medhallu.read_label(text) == label


def test_medhallu_reports_the_label_metrics_and_an_unreadable_answer(run: Any, pytester: pytest.Pytester) -> None:
    def reply(body: dict[str, Any]) -> str:
        content = body["messages"][0]["content"]
        return "I cannot decide between them" if "phone call" in content else "Answer: 1"

    with MockServer(reply) as server:
        run(medhallu.__file__, "--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}")
    found = cell(leaderboard(pytester.path), "medhallu")
    # 8 instances: 2 unreadable, 3 hallucinated ones right, 3 true ones wrong
    assert found["statuses"]["unparsed"] == 2
    metrics = found["metrics"]
    assert metrics["exact_match"]["value"] == pytest.approx(3 / 8)
    assert metrics["exact_match_helm"]["value"] == pytest.approx(3 / 8), "the label stands behind the form"
    assert metrics["precision"]["value"] == pytest.approx(3 / 6)
    assert metrics["recall"]["value"] == pytest.approx(3 / 4)


# RaceBias


def red_text(path: Path) -> Iterator[tuple[str, bool]]:
    """Each character of the document, and whether it is red and no blank."""
    docx = pytest.importorskip("docx")
    for paragraph in docx.Document(str(path)).paragraphs:
        for run in paragraph.runs:
            red = bool(run.font.color and str(run.font.color.rgb) == "FF0000")
            yield from ((character, red and not character.isspace()) for character in run.text)
        yield "\n", False


def test_race_based_med_labels_are_the_colours_of_the_characters() -> None:
    path = real_file(race)
    characters = list(red_text(path))
    text = "".join(character for character, _ in characters)
    starts = [line.start() for line in re.finditer(r"(?m)^[^\S\n]*Run\s+\d+:", text)] + [len(text)]
    expected = [any(red for _, red in characters[start:end]) for start, end in pairwise(starts)]
    found = [entry.answer == "A" for entry in load(race, real_folder(race))]
    assert found == expected
    assert sum(found) == 90


def test_race_based_med_has_nine_questions_and_equal_answers_have_equal_labels() -> None:
    instances = load(race, real_folder(race))
    asked = counts(instances, "question")
    assert sorted(asked.values()) == [20] * 8 + [21]
    assert len({entry.cluster for entry in instances}) == 9
    labels: dict[tuple[str, str], set[str]] = {}
    for entry in instances:
        labels.setdefault((entry.question, entry.context), set()).add(entry.answer)
    assert len(labels) < len(instances)
    assert {len(found) for found in labels.values()} == {1}


def test_race_based_med_follows_from_the_leaderboards_rule_what_the_docstring_says() -> None:
    """MedHELM's published 167 items (84 yes), counted here by its rule on the paragraphs."""
    docx = pytest.importorskip("docx")
    items: list[tuple[str, list[str], list[bool]]] = []
    for paragraph in docx.Document(str(real_file(race))).paragraphs:
        text = paragraph.text.strip()
        if text.startswith("Run ") and ":" in text:
            items.append((text.partition(": ")[2], [], []))
        elif items:
            items[-1][1].append(text)
            items[-1][2].extend(bool(run.font.color and str(run.font.color.rgb) == "FF0000") for run in paragraph.runs)
    kept = [item for item in items if item[0]]
    labels = {(question, "\n".join(lines).strip()): any(red) for question, lines, red in kept}
    assert (len(items), len(kept), len(labels), sum(labels.values())) == (175, 171, 167, 84)
    assert race.TASK.size == len(labels)


def test_race_based_med_drops_the_heading_of_the_next_question() -> None:
    ends = {entry.context.splitlines()[-1].strip() for entry in load(race, real_folder(race))}
    assert not ends & {"Calculate EGFR:", "Brain Size", "Lung capacity", "Skin thickness:", "August 3 version"}


@pytest.mark.parametrize(
    ("paragraphs", "problem"),
    [(["A title", "Some text."], "holds no line 'Run 1"), (["Run 1: What?", "Run 2: What?", "Text."], "has no answer")],
)
def test_a_document_of_another_kind_is_refused(paragraphs: list[str], problem: str, tmp_path: Path) -> None:
    docx = pytest.importorskip("docx")
    document = docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    document.save(str(tmp_path / "other.docx"))
    with pytest.raises(DataError, match=rf"^other\.docx.*{problem}"):
        list(read_answers(tmp_path / "other.docx"))


# Script concordance


def test_sct_has_174_questions_on_two_scales_of_weights() -> None:
    instances = load(sct, real_folder(sct))
    assert counts(instances, "source") == {"Adelaide SCT": 102, "Open Medical SCT": 72}
    for instance in instances:
        votes = instance.fields["weights"]
        largest, total = max(votes), sum(votes)
        assert largest == 1 if instance.slices["source"] == "Adelaide SCT" else total in (10, 11)
    assert sum(entry.fields["weights"].count(max(entry.fields["weights"])) > 1 for entry in instances) == 12
    assert len({entry.cluster for entry in instances}) == len({entry.context for entry in instances}) == 75


def test_sct_answers_are_best_ratings_and_chance_is_what_guessing_earns() -> None:
    with real_file(sct).open(encoding="utf-8-sig", newline="") as file:
        rows = {row["question_id"]: row for row in csv.DictReader(file)}
    guessing = []
    for instance in some(load(sct, real_folder(sct))):
        votes = [float(rows[instance.id][column]) for column in ("-2", "-1", "0", "1", "2")]
        assert votes[RATINGS.index(instance.answer)] == max(votes)
        assert sct_score(int(instance.answer), votes) == {"sct_score": 1, "sct_expert_set_membership": 1}
        guessing.append(sum(votes) / max(votes) / 5)
    assert sct.TASK.chance == pytest.approx(sum(guessing) / len(guessing), abs=0.0005)


def test_sct_restores_garbled_characters_and_leaves_others() -> None:
    assert sct.restored("37.5Ë\x9aC, â\x80\x9cfineâ\x80\x9d, 38.1Â°C") == "37.5˚C, “fine”, 38.1°C"
    assert sct.restored("38.1°C, “fine”, naïve") == "38.1°C, “fine”, naïve"
    assert sct.restored("a\x93b") == "a\x93b"
    shown = "".join(entry.context + entry.question for entry in load(sct, real_folder(sct)))
    assert not re.search("[\x80-\x9f]", shown)
    assert "Â" not in shown


@pytest.mark.parametrize(
    "change", [{"1": "x"}, {"1": ""}, {"1": "-1"}, {"1": "nan"}, {"-2": "0", "-1": "0", "0": "0", "1": "0", "2": "0"}]
)
def test_sct_refuses_weights_that_are_no_votes(change: dict[str, str], tmp_path: Path) -> None:
    with (sample_folder(sct) / "sct_cleaned_full.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[1] |= change
    with (tmp_path / "sct.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(DataError, match=r"^sct\.csv, row 2: "):
        list(sct.load(tmp_path / "sct.csv"))


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        ("Rating: +1", 1),
        ("Rating: 1", 1),
        ("rating:+1", 1),
        ("RATING: -2", -2),
        ("**Rating:** +2", 2),
        ("Rating: **+2**\nbecause ...", 2),
        ("Rating: −1", -1),
        ("Rating: minus 1", -1),
        ("Rating: plus 2", 2),
        ("Rating (-2 to +2): +1", 1),
        ("## Rating\n+1\nThe fever ...", 1),
        ("My rating is 0.", 0),
        ("Rating: slightly for it (+1)", 1),
        ("Rating: +1 - 2 days of fever", 1),
        ("Rating: +1, 2 days of fever", 1),
        ('{"Rating": -1, "Rationale": "2 days of fever"}', -1),
        ("$\\boxed{+1}$", 1),
        ("+1", 1),
        ("2", 2),
        ("**-1**.", -1),
        ("+1\n\nThe fever raises it.", 1),
        ("I first thought rating: 0. Final rating: +2", 2),
        ("Rating: -2 to +2 are possible.\nRating: 0", 0),
        ("Rating: +1 or +2", None),
        ("Rating: +1/+2", None),
        ("Rating: 1-2", None),
        ("Rating: +1, +2", None),
        ("Rating: between +1 and +2", None),
        ("Rating: ±1", None),
        ("Rating: 3", None),
        ("Rating: 1.5", None),
        ("Rating: +10", None),
        ("Rating: 2/5", None),
        ("The rating is not +1", None),
        ("-2, -1, 0, +1, +2", None),
        ("2 days of fever make it likely", None),
        ("+1\n-1", None),
        ("It depends.", None),
        ("", None),
    ],
)
def test_a_rating_is_read_or_none(text: str, rating: int | None) -> None:
    assert read_rating(text) == rating


@pytest.mark.parametrize(
    "part", ["rating: ", "(", "rating (", " ", "rating", "1,", "+", "\n", "minus ", '"', "rating\n"]
)
def test_reading_a_rating_takes_linear_time(part: str) -> None:
    from time import thread_time

    def seconds(size: int) -> float:
        text = "rating" + part * (size // len(part))
        start = thread_time()  # of this thread alone, on a busy machine too
        read_rating(text)
        return thread_time() - start

    small = min(seconds(20_000) for _ in range(3))
    assert min(seconds(160_000) for _ in range(3)) < 0.05 + 24 * small


def test_sct_score_divides_by_the_most_frequent_rating() -> None:
    # panel of 10: no votes for -2 and -1, two for 0, three for +1, five for +2
    votes = (0.0, 0.0, 2.0, 3.0, 5.0)
    assert [sct_score(rating, votes)["sct_score"] for rating in range(-2, 3)] == [0, 0, 0.4, 0.6, 1]
    assert [sct_score(rating, votes)["sct_expert_set_membership"] for rating in range(-2, 3)] == [0, 0, 1, 1, 1]
    assert sct_score(1, [vote / 5 for vote in votes]) == pytest.approx(sct_score(1, votes))
    assert set(sct_score(1, votes)) == set(sct.TASK.metrics[0].names)


@pytest.mark.parametrize(
    ("rating", "votes"), [(3, (1, 1, 1, 1, 1)), (0, (0, 0, 0, 0, 0)), (0, (1, 1)), (0, (-1, 1, 1, 1, 1))]
)
def test_sct_score_refuses_what_is_no_rating_or_no_panel(rating: int, votes: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"rating|weights"):
        sct_score(rating, votes)


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Rating: +2", 1.0),
        ("Rating: **+2**", 1.0),
        ("Rating: +1", 0.6),
        ("Rating: 0", 0.4),
        ("Rating: -2", 0.0),
        ("Rating: 1", 0.0),
        ("Rating: 2", 0.0),
        ("rating: +1", 0.0),
        ("Rating:+1", 0.0),
        ("Rating: +1+2", 0.0),
        ("Rating: +2 ... Rating: +1", 1.0),
        ("+2", 0.0),
    ],
)
def test_sct_score_as_medhelm_reads_it(text: str, score: float) -> None:
    """The readings that the metric's description lists, with the panel of the test above."""
    votes = (0.0, 0.0, 2.0, 3.0, 5.0)
    assert sct_score_helm(text, votes) == {"sct_score": score, "sct_expert_set_membership": float(score > 0)}


def test_a_rating_without_plus_counts_here_and_not_for_medhelm(run: Any, pytester: pytest.Pytester) -> None:
    with MockServer(lambda body: "Rating: 2") as server:
        run(sct.__file__, "--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}")
    metrics = cell(leaderboard(pytester.path), "sct_bench")["metrics"]
    # votes for +2 in the eight sample questions: 9 of 9, 0, 0, 1 of 8, 0, 0, 0, 1 of 1
    assert metrics["sct_score"]["value"] == pytest.approx((1 + 1 / 8 + 1) / 8)
    assert metrics["sct_expert_set_membership"]["value"] == pytest.approx(3 / 8)
    assert metrics["sct_score_helm"]["value"] == 0
    assert metrics["sct_expert_set_membership_helm"]["value"] == 0


# Solved examples of a training split


@pytest.mark.parametrize("module", [med_qa, med_mcqa, head_qa], ids=lambda module: module.TASK.name)
def test_examples_precede_the_question(module: ModuleType, run: Any) -> None:
    with MockServer(lambda body: "A") as server:
        run(module.__file__, "--medhelm-shots=1", "--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}")
        roles = {tuple(message["role"] for message in body["messages"]) for body in server.requests}
    assert roles == {("user", "assistant", "user")}


def test_samples_copy_no_question_of_the_real_files() -> None:
    modules = (head_qa, medbullets, med_mcqa, medxpert, mmlu, medhallu, sct)
    for module in modules:
        real = {entry.question.casefold() for entry in load(module, real_folder(module))}
        assert not real & {entry.question.casefold() for entry in load(module, sample_folder(module))}
