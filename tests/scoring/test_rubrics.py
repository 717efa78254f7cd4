"""Rubrics as files: what is read, and what an error says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_medhelm.gates.rule import parse_rule
from pytest_medhelm.scoring.jury.harm import HARM
from pytest_medhelm.scoring.jury.judge_prompt import instructions, prompt_hash
from pytest_medhelm.scoring.jury.jury import score_names
from pytest_medhelm.scoring.jury.prompt_injection import KINDS
from pytest_medhelm.tasks.points import PointsRubric
from pytest_medhelm.tasks.rubric_files import chosen_rubric, load_rubric, packaged, read_rubric
from pytest_medhelm.util.config_file import read_config
from pytest_medhelm.util.errors import ConfigError
from tests.support.checks import some
from tests.support.paths import CHECKOUT

TOML = """\
# Ours.
title = "Ours"
scale = [0, 3]
shows_reference = false
harm = true

[[criteria]]
name = "safety"
question = "Is it safe?"
anchors = { 0 = "no", 3 = "yes" }

[[criteria]]
name = "tone"
question = "Is it kind?"
"""
YAML = """\
title: Ours
scale: [0, 3]
shows_reference: false
harm: true
criteria:
  - name: safety
    question: Is it safe?
    anchors: {0: "no", 3: "yes"}
  - name: tone
    question: Is it kind?
"""


def written(folder: Path, text: str, name: str = "ours.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_toml_and_yaml_say_the_same(tmp_path: Path) -> None:
    first = read_rubric(written(tmp_path, TOML))
    second = read_rubric(written(tmp_path, YAML, "ours.yaml"))
    assert first == second
    assert (first.scale, first.shows_reference, first.harm, first.title) == ((0, 3), False, True, "Ours")
    assert [criterion.name for criterion in first.criteria] == ["safety", "tone"]
    assert first.criteria[0].anchors == {"0": "no", "3": "yes"}
    assert "Is it safe? 0 = no; 3 = yes" in instructions(first)
    assert score_names(first) == [
        "jury", "jury_helm", "jury_safety", "jury_tone", "harm_severe", "harm_moderate", "harm_severe_majority",
    ]  # fmt: skip


def test_what_is_said_decides_the_hash_and_comments_do_not(tmp_path: Path) -> None:
    first = read_rubric(written(tmp_path, TOML))
    same = read_rubric(written(tmp_path, TOML.replace("# Ours.", "# Theirs."), "a.toml"))
    other = read_rubric(written(tmp_path, TOML.replace("kind", "polite"), "b.toml"))
    calm = read_rubric(written(tmp_path, TOML.replace("harm = true", "harm = false"), "c.toml"))
    assert (first.digest, prompt_hash(first)) == (same.digest, prompt_hash(same))
    assert len({rubric.digest for rubric in (first, other, calm)}) == 3
    assert len({prompt_hash(rubric) for rubric in (first, other, calm)}) == 3


def test_defaults(tmp_path: Path) -> None:
    rubric = read_rubric(written(tmp_path, "criteria:\n- {name: safety, question: Is it safe}\n", "short.yml"))
    assert (rubric.scale, rubric.shows_reference, rubric.harm) == ((1, 5), True, False)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("scale = [0, 3]", "scale = [3, 0]", "ours.toml, line 3, column 1: scale names the worst and the best"),
        ("scale = [0, 3]", "scale = 5", "ours.toml, line 3, column 1: scale names the worst and the best"),
        ('name = "tone"', 'name = "Tone"', "ours.toml, line 13, column 1: a criterion's name is made of small letters"),
        ('name = "tone"', 'name = "harm"', "ours.toml, line 13, column 1: a criterion's name is made of small letters"),
        ('name = "tone"', 'name = "safety"', "ours.toml, line 13, column 1: the criterion 'safety' stands here a sec"),
        ('name = "tone"', "", "ours.toml, line 12, column 1: the key 'name' is missing in criteria; add e.g. 'name: "),
        ("question = \"Is it kind?\"", "ask = 1", "ours.toml, line 14, column 1: the key 'ask' of criteria is unknown"),
        ("3 = \"yes\"", "4 = \"yes\"", "ours.toml, line 10, column 23: anchors say what numbers from 0 to 3 mean"),
        ("harm = true", "harm = 1", "ours.toml, line 5, column 1: harm '1' is unknown; known are: true, false"),
        ("harm = true", "harms = true", "ours.toml, line 5, column 1: the key 'harms' is unknown; did you"),
        ("harm = true", "blocked = 'A'", "ours.toml, line 5, column 1: blocked belongs to classes"),
        ("harm = true", "harm = ", "ours.toml is not valid TOML: Invalid value (at line 5, column 8)"),
    ],
)  # fmt: skip
def test_a_wrong_toml_file_names_the_line(old: str, new: str, told: str, tmp_path: Path) -> None:
    assert old in TOML
    with pytest.raises(ConfigError) as caught:
        read_rubric(written(tmp_path, TOML.replace(old, new)))
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "ours.yaml, line 1, column 1: the file is empty"),
        ("title: Ours\n", "ours.yaml, line 1, column 1: the key 'criteria' is missing"),
        ("criteria: []\n", "ours.yaml, line 1, column 11: criteria is a list"),
        (
            "criteria: [{name: a, question: b}]\nclasses: [{name: A, meaning: b}]\n",
            "ours.yaml, line 1, column 11: a rub",
        ),
        ("classes: [{name: a, meaning: b}]\n", "ours.yaml, line 1, column 18: a class's name is made of capital"),
        ("classes: [{name: A}]\n", "ours.yaml, line 1, column 11: the key 'meaning' is missing"),
        ("classes: [{name: A, meaning: b}]\nblocked: B\n", "ours.yaml, line 2, column 10: blocked 'B' is unknown"),
        ("criteria:\n\t- a\n", "ours.yaml, line 2, column 1: a tab; indent with spaces"),
    ],
)
def test_a_wrong_yaml_file_names_the_line(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_rubric(written(tmp_path, text, "ours.yaml"))
    assert str(caught.value).startswith(told)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_bytes("title = 'für'".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"^ours\.toml is not UTF-8 text; save the file as UTF-8$"):
        read_rubric(path)


# Packaged ones


def test_the_packs_that_ship() -> None:
    assert packaged() == [
        "accuracy_completeness_clarity", "accuracy_structure_clarity", "discharge", "patient_messages", "points",
        "radiology", "security_reply",
    ]  # fmt: skip
    assert isinstance(load_rubric("points"), PointsRubric)
    for name in sorted(set(packaged()) - {"points"}):
        rubric = load_rubric(name)
        assert rubric.title
        assert rubric.harm is (name != "security_reply")
        assert rubric.criteria or rubric.classes
        assert all({"1", "3", "5"} == set(criterion.anchors) for criterion in rubric.criteria)
    main = load_rubric("accuracy_completeness_clarity")
    assert [criterion.name for criterion in main.criteria] == ["accuracy", "completeness", "clarity"]
    assert main.scale == (1, 5)


# [rubrics] of the config file


def config(folder: Path, text: str) -> Any:
    return read_config(written(folder, text, "medhelm.toml"))


def test_a_path_is_relative_to_the_config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    written(tmp_path / "deep", TOML)
    found = config(tmp_path, "[rubrics]\naci_bench = 'deep/ours.toml'\nmimic_rrs = 'radiology'\n")
    monkeypatch.chdir(tmp_path / "deep")
    assert chosen_rubric(found, "aci_bench").title == "Ours"
    assert chosen_rubric(found, "mimic_rrs") is load_rubric("radiology")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("'gone.toml'", "medhelm.toml: [rubrics] talks: there is no file 'gone.toml'; name an existing one"),
        ("'radiolgy'", "medhelm.toml: [rubrics] talks = 'radiolgy' is neither a file ending in .toml, .yaml, .yml nor "
         "a packaged rubric; did you mean 'radiology'?"),
        ("'xyz'", "medhelm.toml: [rubrics] talks = 'xyz' is neither a file ending in .toml, .yaml, .yml nor a packaged "
         "rubric: name one of accuracy_completeness_clarity, "),
        ("3", "medhelm.toml: [rubrics] talks is a text: a rubric's name or file, e.g. \"discharge\""),
    ],
)  # fmt: skip
def test_a_wrong_override(value: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        chosen_rubric(config(tmp_path, f"[rubrics]\ntalks = {value}\n"), "talks")
    assert str(caught.value).startswith(told)


def test_it_is_found_before_anything_is_asked(run: Any, pytester: pytest.Pytester) -> None:
    written(pytester.path, "[rubrics]\ntalks = 'ours.toml'\n", "medhelm.toml")
    written(pytester.path, TOML.replace("scale = [0, 3]", "scale = [3, 0]"))
    result = run("--medhelm-model=vllm/doctor", "--medhelm-judge=vllm/judge")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: ours.toml, line 3, column 1: scale names *"])


# The manual


def test_what_the_manual_shows_works(tmp_path: Path) -> None:
    manual = (CHECKOUT / "docs/jury.md").read_text()
    example = manual.partition("```yaml\n")[2].partition("```")[0]
    rubric = read_rubric(written(tmp_path, example, "letter.yaml"))
    assert [criterion.name for criterion in rubric.criteria] == ["findings", "tasks"]
    assert rubric.criteria[1].anchors == {"1": "not to be found", "5": "each task with a date"}
    assert rubric.harm
    (tmp_path / "rubrics").mkdir()
    written(tmp_path / "rubrics", example, "letter.yaml")
    found = config(tmp_path, manual.partition("```toml\n")[2].partition("```")[0])
    assert {chosen_rubric(found, key).name for key in found.rubrics} == {
        "radiology", "discharge", "patient_messages", "letter",
    }  # fmt: skip
    for name in some(packaged()):
        criteria = [criterion.name for criterion in load_rubric(name).criteria]
        assert f"| `{name}` |" in manual
        if name in ("radiology", "discharge", "patient_messages"):
            assert f"| `{name}` | {', '.join(criteria)} |" in manual
    for rule in ("medication_qa.harm_severe <= 0.05", "medication_qa.harm_severe.upper <= 0.14"):
        assert rule in manual
        parse_rule(rule)
    for kind in (*KINDS, *HARM):
        assert f"`{kind}`" in manual
