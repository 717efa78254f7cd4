"""What holds for every benchmark: its declaration, its pinned files, its sample data, and damaged files."""

from __future__ import annotations

import gzip
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_medhelm.tasks.data.sources import checksum, how_to_get, locate
from pytest_medhelm.tasks.task import DataFolder, Instance, Task
from pytest_medhelm.tasks.taxonomy import CATEGORIES, CATEGORY_OF, slug
from pytest_medhelm.util.errors import DataError
from tests.support.benchmark_modules import (
    MODULES,
    benchmarks,
    copied,
    data_files,
    every_benchmark,
    has_an_order,
    load,
    paths_in,
    real_folder,
    reorder,
    sample_folder,
)
from tests.support.checks import some
from tests.support.paths import BENCHMARKS
from tests.support.real_data import real

LISTED = """
medcalc_bench clear mtsamples_replicate medec ehrshot head_qa medbullets med_qa med_mcqa healthqa_br medalign
shc_ptbm_med shc_sei_med sct_bench medxpert_qa_text mmlu_clinical_afr dischargeme aci_bench mtsamples_procedures
mimic_rrs mimic_bhc chw_care_plan medication_qa starr_patient_instructions med_dialog shc_conf_med medi_qa
mental_health shc_proxy_med shc_privacy_med pubmed_qa ehr_sql shc_bmt_med race_based_med n2c2_ct_matching medhallu
shc_gip_med shc_sequoia_med shc_cdi_med shc_ent_med mimiciv_billing_code synt_family_disclosure
synt_right_of_access synt_written_consent ps26_breach_response ps26_control_evasion ps26_data_theft
ps26_unauthorised_access ps26_consumer_health_data pp26_adolescent_privacy pp26_disclosure_basis pp26_proxy_access
pp26_proxy_leak health_bench health_bench_professional
"""
NAMES = sorted(LISTED.split())
"""MedHELM's benchmarks: 37 of the paper, twelve of release 0.8.0 and ten newer ones, less the agentic ones."""
OUTSIDE = (
    "clinical_workflow", "health_bench_consensus", "health_bench_hard", "long_record", "medagent_bench",
    "medagent_bench_v1", "tumour_board",
)  # fmt: skip
"""HealthBench's parts, and this project's own."""

PUBLISHED = {
    "Supporting Diagnostic Decisions": "medcalc_bench clear",
    "Planning Treatments": "mtsamples_replicate medec",
    "Predicting Patient Risks and Outcomes": "ehrshot",
    "Providing Clinical Knowledge Support": "head_qa medbullets med_qa med_mcqa medalign shc_ptbm_med shc_sei_med",
    "Documenting Patient Visits": "dischargeme aci_bench mimic_bhc",
    "Recording Procedures": "mtsamples_procedures",
    "Documenting Diagnostic Reports": "mimic_rrs",
    "Documenting Care Plans": "chw_care_plan",
    "Providing Patient Education Resources": "medication_qa",
    "Delivering Personalized Care Instructions": "starr_patient_instructions",
    "Patient-Provider Messaging": "med_dialog shc_conf_med shc_proxy_med shc_privacy_med",
    "Enhancing Patient Understanding and Accessibility in Health Communication": "medi_qa",
    "Facilitating Patient Engagement and Support": "mental_health",
    "Conducting Literature Research": "pubmed_qa",
    "Analyzing Clinical Research Data": "ehr_sql",
    "Recording Research Processes": "shc_bmt_med",
    "Ensuring Clinical Research Quality": "race_based_med medhallu",
    "Managing Research Enrollment": "n2c2_ct_matching",
    "Scheduling Resources and Staff": "shc_gip_med",
    "Overseeing Financial Activities": "mimiciv_billing_code",
    "Organizing Workflow Processes": "shc_sequoia_med",
    "Care Coordination and Planning": "shc_cdi_med shc_ent_med",
}
"""MedHELM's own placing (schema 0.8.0)."""

TEXT = (".csv", ".tsv", ".json", ".jsonl", ".xml", ".txt", ".tok")
WHOLE = (".json", ".xml", ".xlsx", ".docx", ".arrow", ".parquet", ".feather")
"""Formats of which no part is a file of its own."""


def pinned(module: ModuleType) -> bool:
    """The real files are public and their contents known."""
    return any(file.sha256 for file in module.TASK.files)


# Declarations


def test_every_benchmark_of_medhelm_is_here() -> None:
    assert len(NAMES) == 55
    assert sorted(module.TASK.name for module in MODULES if not module.TASK.outside_medhelm) == NAMES
    assert sorted(module.TASK.name for module in MODULES if module.TASK.outside_medhelm) == sorted(OUTSIDE)


def test_every_subcategory_has_a_benchmark_with_sample_data() -> None:
    covered = {module.TASK.subcategory for module in MODULES if sample_folder(module).is_dir()}
    assert covered == set(CATEGORY_OF)
    assert (len(CATEGORIES), len(covered)) == (5, 22)


def test_benchmarks_stand_where_medhelm_places_them() -> None:
    placed = {module.TASK.name: module.TASK for module in MODULES}
    published = {name: subcategory for subcategory, names in PUBLISHED.items() for name in names.split()}
    assert len(published) == 37
    assert {name: placed[name].subcategory for name in published} == published
    assert {name for name, task in placed.items() if task.category_assigned_here} == set(placed) - set(published)


@every_benchmark
def test_the_declaration_is_complete(module: ModuleType) -> None:
    task, path = module.TASK, Path(module.__file__ or "")
    assert path.name == f"test_{task.name}.py"
    assert path.parent.name == slug(task.category)
    assert callable(getattr(module, f"test_{task.name}"))
    for heading in ("Asked:", "Read:", "Scored:", "Source:"):
        assert heading in (module.__doc__ or ""), heading
    assert task.licence
    assert task.attribution
    if task.access == "public":
        assert all(file.url or task.how_to_obtain or task.folder for file in task.files)
        assert all(file.sha256 or re.search(r"/[0-9a-f]{40}$", file.url) for file in task.files if file.url)
    else:
        assert task.how_to_obtain
        assert task.redistribution is False or "synthetic" in task.licence
        assert how_to_get(task).count("\n") == 0
    assert task.how_to_obtain == "" or not task.how_to_obtain.endswith(".")


@every_benchmark
def test_a_benchmark_is_read_at_one_glance(module: ModuleType) -> None:
    text = Path(module.__file__ or "").read_text("utf-8")
    assert len(text.splitlines()) <= 100
    assert "from benchmarks" not in text, "no imports between benchmarks"


@benchmarks(pinned)
def test_pinned_checksums_are_those_of_the_real_files(module: ModuleType) -> None:
    folder = real(module.TASK.name)
    files = [*module.TASK.files, *(module.TASK.examples.files if module.TASK.examples else ())]
    here = [(file, path) for file in files if file.sha256 and (path := locate(folder, file))]
    if not here:
        pytest.skip(f"no pinned file of {module.TASK.name} is in {folder}")
    assert {file.name: checksum(file, path) for file, path in here} == {file.name: file.sha256 for file, _ in here}


# Sample data


@benchmarks(lambda module: module.TASK.folder is None)
def test_sample_data_is_small_and_complete(module: ModuleType) -> None:
    instances = load(module, sample_folder(module))
    assert 5 <= len(instances) <= 40
    for entry in instances:
        assert entry.question
        assert entry.answer or module.TASK.kind in ("extraction", "jury")
        prompt = module.prompt(entry)
        text = prompt if isinstance(prompt, str) else "\n".join(message["content"] for message in prompt)
        assert all(choice in text for choice in entry.choices)
        assert len(text) < 6000
    assert len({str(module.prompt(entry)) for entry in instances}) >= 5


@benchmarks(lambda module: module.TASK.examples)
def test_solved_examples_come_from_another_split(module: ModuleType) -> None:
    examples = module.TASK.examples
    solved = list(examples.load(*paths_in(sample_folder(module), examples.files)))
    assert solved
    asked = {(entry.question, entry.context) for entry in load(module, sample_folder(module))}
    assert not asked & {(entry.question, entry.context) for entry in solved}
    assert all(examples.answer(entry) for entry in solved)


@benchmarks(lambda module: module.TASK.sub_tasks_by)
def test_sub_runs_are_all_in_the_sample(module: ModuleType) -> None:
    task = module.TASK
    found = Counter(entry.slices[task.sub_tasks_by] for entry in load(module, sample_folder(module)))
    assert set(found) >= set(task.sub_tasks)
    assert min(found.values()) >= 2


# Ids


def by_id(instances: list[Instance]) -> dict[str, Instance]:
    counted = Counter(entry.id for entry in instances)
    assert not [name for name, count in counted.items() if count > 1]
    return {entry.id: without_place(entry) for entry in instances}


def without_place(entry: Instance) -> Instance:
    """MMLU's translations are matched by their place in the file, so that there the cluster follows the order."""
    return replace(entry, cluster="") if "run" in entry.slices and "language" in entry.slices else entry


def reordered(module: ModuleType, source: Path, target: Path) -> Path:
    folder = copied(source, target)
    for path in data_files(module, folder):
        reorder(path)
    return folder


@benchmarks(has_an_order)
def test_ids_are_unique_and_survive_a_reordering_of_the_sample(module: ModuleType, tmp_path: Path) -> None:
    before = by_id(load(module, sample_folder(module)))
    after = by_id(load(module, reordered(module, sample_folder(module), tmp_path)))
    assert list(after) != list(before)
    assert after == before


@benchmarks(lambda module: has_an_order(module) and pinned(module))
def test_ids_are_unique_and_survive_a_reordering_of_the_real_data(module: ModuleType, tmp_path: Path) -> None:
    before = by_id(load(module, real_folder(module)))
    assert by_id(load(module, reordered(module, real_folder(module), tmp_path))) == before


# Damaged and wrong files


def of_a_patient(module: ModuleType, name: str) -> bool:
    """Whether a file is named after a patient."""
    return module.TASK.name in ("medalign", "n2c2_ct_matching") and name.endswith(".xml")


def refuse(module: ModuleType, folder: Path, name: str, why: str) -> None:
    """The data is refused with one sentence that names the file, says ``why`` and shows nothing of it.

    A file that is named after a patient is called by its place in the folder.
    """
    with pytest.raises(DataError) as caught:
        load(module, folder)
    sentence = str(caught.value)
    assert re.search(why, sentence), sentence
    assert (name in sentence) is not of_a_patient(module, name)
    assert ("of the folder, by name" in sentence) is of_a_patient(module, name)
    assert "\n" not in sentence
    for entry in load(module, sample_folder(module)):
        assert len(entry.question) < 12 or entry.question not in sentence
        assert not entry.context or entry.context[:20] not in sentence


@contextmanager
def holding(path: Path, content: bytes) -> Iterator[None]:
    """While a file holds something else."""
    before = path.read_bytes()
    path.write_bytes(content)
    yield
    path.write_bytes(before)


@every_benchmark
def test_an_empty_file_is_refused(module: ModuleType, tmp_path: Path) -> None:
    folder = copied(sample_folder(module), tmp_path)
    files = [path for path in data_files(module, folder) if path.suffix not in (".sqlite", ".sql")]
    assert files
    for path in files:
        with holding(path, b""):
            refuse(module, folder, path.name, "is empty$")


@benchmarks(lambda module: any(path.suffix in WHOLE for path in data_files(module, sample_folder(module))))
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(module: ModuleType, share: float, tmp_path: Path) -> None:
    folder = copied(sample_folder(module), tmp_path)
    for path in some(path for path in data_files(module, folder) if path.suffix in WHOLE):
        content = path.read_bytes()
        with holding(path, content[: int(share * len(content.rstrip()))]):
            refuse(module, folder, path.name, "damaged$|is not valid JSON|is not valid XML, or the file is cut$")


def in_utf_8(module: ModuleType, folder: Path) -> list[Path]:
    """The data's texts that do not say themselves how they are encoded, as XML does."""
    return [path for path in data_files(module, folder) if path.suffix in TEXT and path.suffix != ".xml"]


@benchmarks(lambda module: in_utf_8(module, sample_folder(module)))
def test_another_encoding_is_refused(module: ModuleType, tmp_path: Path) -> None:
    folder = copied(sample_folder(module), tmp_path)
    for path in some(in_utf_8(module, folder)):
        with holding(path, path.read_text("utf-8").encode("utf-16")):
            refuse(module, folder, path.name, "is text in UTF-16; save it as UTF-8$")


@benchmarks(lambda module: any(path.suffix in TEXT for path in data_files(module, sample_folder(module))))
def test_a_byte_order_mark_is_dropped(module: ModuleType, tmp_path: Path) -> None:
    folder = copied(sample_folder(module), tmp_path)
    for path in data_files(module, folder):
        if path.suffix in TEXT:
            path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    # a path to a file of the data may be part of an instance
    assert [entry.id for entry in load(module, folder)] == [entry.id for entry in load(module, sample_folder(module))]


@benchmarks(lambda module: not isinstance(module.TASK.files[0], DataFolder))
def test_gzipped_files_are_read_and_cut_ones_refused(module: ModuleType, tmp_path: Path) -> None:
    folder = copied(sample_folder(module), tmp_path)
    single = [file for file in module.TASK.files if not isinstance(file, DataFolder) and ".sqlite" not in file.name]
    for file in single:
        path = folder / file.name
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert [entry.id for entry in load(module, folder)] == [entry.id for entry in load(module, sample_folder(module))]
    packed = folder / f"{single[0].name}.gz"
    packed.write_bytes(packed.read_bytes()[:-20])
    refuse(module, folder, packed.name, "cannot be unpacked: it is no gzip file, or cut short$")


@benchmarks(lambda module: any(isinstance(file, DataFolder) and file.name != "." for file in module.TASK.files))
def test_a_folder_of_files_may_be_a_zip_file(module: ModuleType, tmp_path: Path) -> None:
    folders = [file for file in module.TASK.files if isinstance(file, DataFolder) and file.name != "."]
    folder = copied(sample_folder(module), tmp_path)
    for file in folders:
        shutil.make_archive(str(folder / file.name), "zip", folder, file.name)
        shutil.rmtree(folder / file.name)
    assert load(module, folder) == load(module, sample_folder(module))


@every_benchmark
def test_the_file_of_another_benchmark_is_refused(module: ModuleType, tmp_path: Path) -> None:
    """Each data file is replaced by one of another benchmark and another shape, in the same format if there is one."""
    folder = copied(sample_folder(module), tmp_path)
    for path in data_files(module, folder):
        if path.suffix in (".sqlite", ".sql", ".txt", ".tok", ".feather"):
            continue
        content = path.read_bytes()
        path.write_bytes(_foreign(module, path.suffix).read_bytes())
        with pytest.raises(DataError, match="of the folder, by name" if of_a_patient(module, path.name) else path.name):
            load(module, folder)
        path.write_bytes(content)


def _foreign(module: ModuleType, suffix: str) -> Path:
    other = {
        ".csv": "medcalc_bench/test_data.csv"
        if module.TASK.name != "medcalc_bench"
        else "sct_bench/sct_cleaned_full.csv",
        ".tsv": "medcalc_bench/test_data.csv",
        ".json": "pubmed_qa/ori_pqal.json" if module.TASK.name != "pubmed_qa" else "med_mcqa/dev.json",
        ".jsonl": "med_qa/phrases_no_exclude_test.jsonl" if module.TASK.name != "med_qa" else "med_mcqa/dev.json",
        ".xlsx": "medication_qa/MedInfo2019-QA-Medications.xlsx",
    }.get(suffix, "medcalc_bench/test_data.csv")
    if module.TASK.name == "medication_qa":
        other = "clear/homelessness.xlsx"
    return BENCHMARKS / "samples" / other


# Selection


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (("-m", "med_qa"), lambda task: task.name == "med_qa"),
        (("-k", "med_qa"), lambda task: task.name in ("med_qa", "pubmed_qa")),
        (("-m", "administration_and_workflow"), lambda task: task.category == "Administration and Workflow"),
        (("-m", "planning_treatments"), lambda task: task.name in ("mtsamples_replicate", "medec", "tumour_board")),
        (("-m", "jury and not public"), lambda task: task.kind == "jury" and task.access != "public"),
        (("-m", "gated"), lambda task: task.access == "gated"),
    ],
)
def test_marks_select_by_benchmark_category_subcategory_access_and_kind(
    selection: tuple[str, str], expected: Callable[[Task], bool], run: Any
) -> None:
    result = run(BENCHMARKS, "--strict-markers", "--collect-only", "-q", "--medhelm-model=baseline/random", *selection)
    found = {line.partition("/test_")[2].partition(".py")[0] for line in result.outlines if "::" in line}
    assert found == {module.TASK.name for module in MODULES if expected(module.TASK)}
    assert found
