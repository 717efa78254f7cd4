"""Comparability by version: a comment or a release changes no fingerprint, and a real change cannot slip through."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_medhelm.models.spec import Model
from pytest_medhelm.scoring import answers, fingerprint
from pytest_medhelm.scoring.fingerprint import fingerprint_inputs, fingerprint_of
from pytest_medhelm.scoring.metrics import METRICS
from pytest_medhelm.tasks.metric import Metric
from pytest_medhelm.tasks.module_code import module_hash
from pytest_medhelm.tasks.rubric_files import load_rubric, read_rubric, rubric_identity
from pytest_medhelm.util.document import document_hash
from pytest_medhelm.util.hashing import code_hash
from tests.support import versions

CODE = '''"""What is asked."""
LIMIT = 3  # of words


def read(text):
    """The first word."""
    return text.split()[:LIMIT]
'''
SAME = [
    CODE.replace("# of words", "# of words that count"),
    CODE.replace("\n\n\n", "\n\n# A remark.\n"),
    CODE.replace("The first word.", "The first few words."),
    CODE.replace('"""What is asked."""\n', ""),
    CODE.replace("text.split()[:LIMIT]", "(\n        text.split()[:LIMIT]\n    )"),
    CODE.replace('    """The first word."""\n', ""),
]
OTHER = [
    CODE.replace("3", "4"),
    CODE.replace("split()", "split(',')"),
    CODE.replace("[:LIMIT]", "[LIMIT:]"),
    CODE.replace("return ", "yield "),
    CODE + "LIMIT = 4\n",
]


def test_each_version_goes_with_the_code_behind_it() -> None:
    complaints = versions.complaints(versions.locked(), versions.now())
    assert not complaints, "\n".join(complaints)


def test_everything_has_a_version() -> None:
    kinds = {name.partition(" ")[0] for name in versions.locked()}
    assert kinds == {"reader", "metric", "task", "rubric", "jury"}
    assert len([name for name in versions.locked() if name.startswith("task ")]) > 50
    assert {f"metric {name}" for name in METRICS} <= versions.locked().keys()


@pytest.mark.parametrize("same", SAME)
def test_comments_and_formatting_do_not_count(same: str) -> None:
    assert same != CODE
    assert code_hash(same) == code_hash(CODE)


@pytest.mark.parametrize("other", OTHER)
def test_what_code_does_counts(other: str) -> None:
    assert code_hash(other) != code_hash(CODE)


def test_what_must_be_decided_is_said() -> None:
    before = {"metric a": (1, "x"), "metric b": (2, "x"), "metric c": (1, "x"), "metric d": (1, "x")}
    after = {"metric a": (1, "y"), "metric b": (1, "y"), "metric c": (2, "y"), "metric e": (1, "x")}
    said = versions.complaints(before, after)
    assert "the code behind metric a changed: raise its version if scores may differ" in said[0]
    assert versions.COMMAND in said[0]
    assert "metric b: its version went back from 2 to 1" in said[1]
    assert said[2].startswith("metric c has a new version: accept it with")
    assert said[3].startswith("metric d is gone")
    assert said[4].startswith("metric e is new")
    assert versions.complaints(before, before) == []


def test_code_that_is_imported_counts_as_far_as_it_is_the_projects(tmp_path: Path) -> None:
    (tmp_path / "helper_of_versions.py").write_text("FACTOR = 2\n")
    (tmp_path / "module_of_versions.py").write_text("import json\nfrom helper_of_versions import FACTOR\n")
    sys.path.insert(0, str(tmp_path))
    try:
        module = import_module("module_of_versions")
        first = module_hash(module)
        (tmp_path / "helper_of_versions.py").write_text("FACTOR = 2  # twice\n")
        assert module_hash(module) == first
        (tmp_path / "helper_of_versions.py").write_text("FACTOR = 3\n")
        assert module_hash(module) != first
    finally:
        sys.path.remove(str(tmp_path))
        del sys.modules["helper_of_versions"], sys.modules["module_of_versions"]


def test_a_benchmark_of_ones_own_in_yaml(tmp_path: Path) -> None:
    file = tmp_path / "triage.medhelm.yaml"
    file.write_text("name: triage\nprompt: How urgent is {text}?\n")
    first = document_hash(file)
    file.write_text('# Agreed on in May.\nname:   "triage"\n\nprompt: How urgent is {text}?\n')
    assert document_hash(file) == first
    file.write_text("name: triage\nprompt: How very urgent is {text}?\n")
    assert document_hash(file) != first


class _Packaged:
    """As much of a benchmark as a fingerprint takes; it has no instance, hence no prompt."""

    code = "v1"
    instances = ()

    class task:  # noqa: N801
        name = "packaged"
        metrics = ()


def made_with(metrics: Any = METRICS, code: str = "v1", options: Any = ()) -> str:
    benchmark: Any = type("Changed", (_Packaged,), {"code": code})
    model = Model("vllm/a", "vllm", "a")
    return fingerprint_of(fingerprint_inputs(model, benchmark, metrics, dict(options), None))


def test_a_release_changes_no_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = made_with()
    monkeypatch.setattr("importlib.metadata.version", lambda name: "99.0")
    assert made_with() == before


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_new_version_of_a_metric_changes_it(name: str) -> None:
    newer = {**METRICS, name: replace(METRICS[name], version=METRICS[name].version + 1)}
    assert made_with(newer) != made_with()


@pytest.mark.parametrize("name", sorted(answers.READER_VERSIONS))
def test_a_new_version_of_a_reader_changes_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = made_with()
    monkeypatch.setattr(fingerprint, "READER_VERSIONS", {**answers.READER_VERSIONS, name: 99})
    assert made_with() != before


def test_task_and_options_count() -> None:
    assert len({made_with(), made_with(code="v2"), made_with(options={"bertscore": "m"}.items())}) == 3


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[tuple[Path, ModuleType]]:
    path = tmp_path / "metrics_of_a_hospital.py"
    path.write_text("def worth(prediction, reference):\n    return 1.0\n")
    sys.path.insert(0, str(tmp_path))
    yield path, import_module(path.stem)
    sys.path.remove(str(tmp_path))
    del sys.modules[path.stem]


def test_a_metric_of_ones_own_counts_by_what_it_does(plugin: tuple[Path, ModuleType]) -> None:
    path, module = plugin
    like = next(iter(METRICS.values()))

    def changed(source: str) -> str:
        path.write_text(source)
        exec(compile(source, str(path), "exec"), module.__dict__)
        import linecache

        linecache.checkcache(str(path))
        return made_with({**METRICS, "worth": replace(like, compute=module.worth)})

    first = changed("def worth(prediction, reference):\n    return 1.0\n")
    assert changed("def worth(prediction, reference):\n    # Always.\n    return 1.0\n") == first
    assert changed("def worth(prediction, reference):\n    return 0.5\n") != first


def test_a_packaged_rubric_counts_by_its_version_and_any_other_by_its_content(tmp_path: Path) -> None:
    assert rubric_identity(load_rubric("discharge")) == "discharge v1"
    text = 'criteria = [{ name = "safety", question = "Is it safe?" }]\n'
    identities = []
    for number, source in enumerate(
        (text, f"# agreed\n{text}", text.replace("safe?", "sound?"), f"version = 2\n{text}")
    ):
        (tmp_path / str(number)).mkdir()
        path = tmp_path / str(number) / "discharge.toml"
        path.write_text(source)
        identities.append(rubric_identity(read_rubric(path)))
    assert identities[0] == identities[1]
    assert len(set(identities)) == 3
    assert "discharge v1" not in identities


@pytest.mark.parametrize("package", ["benchmarks", "pytest_medhelm.benchmarks"])
def test_a_packaged_benchmarks_metric_is_the_same_in_a_checkout_and_in_a_wheel(package: str) -> None:
    compute = import_module(f"{package}.shared.calculation").medcalc_accuracy
    metric = Metric(compute, ("medcalc_accuracy",), version=3)
    assert fingerprint._identity(metric) == "v3"
