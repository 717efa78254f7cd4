"""The table of options: each one works on the command line, in the ini file and in medhelm.toml alike."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from pytest_medhelm.plugin.options import read_settings
from pytest_medhelm.util.config_file import ConfigFile
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.option import Option
from pytest_medhelm.util.options import CONFIG, OPTIONS
from pytest_medhelm.util.settings import Settings, Shard
from tests.support.paths import CHECKOUT

GIVEN: dict[str, tuple[Any, Any, Any]] = {
    "models": (["baseline/random", "vllm/a"], ("baseline/random", "vllm/a"), ["vllm/a", "vllm/a"]),
    "judges": (["vllm/j"], ("vllm/j",), ["a\u202eb"]),
    "gates": (["pubmed_qa >= 0.7"], ("pubmed_qa >= 0.7",), None),
    "allow_hosts": (["gpu1", "gpu2"], ("gpu1", "gpu2"), None),
    "allow_programs": (["java"], ("java",), None),
    "base_url": ("http://gpu1:8000", "http://gpu1:8000", "gpu1:8000"),
    "fhir": ("http://localhost:8080/fhir", "http://localhost:8080/fhir", "localhost:8080"),
    "data": ("mirror", "mirror", "nowhere"),
    "data_limit": ("8GB", 8 << 30, "much"),
    "limit": (12, 12, 0),
    "sampler": ("helm", "helm", "random"),
    "prompt_form": ("helm", "helm", "letter"),
    "answer_form": ("strict", "strict", "loose"),
    "confidence": ("logprobs", "logprobs", "certain"),
    "repeats": (5, 5, 0),
    "perturb": ("typos,helm", ("typos", "helm"), None),
    "perturb_limit": (4, 4, 0),
    "noise_floor": ("off", 0, -1),
    "judge_repeats": (3, 3, 0),
    "shuffle_criteria": (True, True, "perhaps"),
    "allow_self_judging": (True, True, "perhaps"),
    "rubric_calls": ("together", "together", "never"),
    "sub_tasks": ("2k,512k", ("2k", "512k"), None),
    "shots": (0, 0, -1),
    "concurrency": ("auto", "auto", "atuo"),
    "prefetch": (0, 0, -1),
    "wait": (12.5, 12.5, -1),
    "max_cost": (2.5, 2.5, "inf"),
    "currency": ("EUR", "EUR", None),
    "baseline": ("may", "may", None),
    "baseline_model": ("vllm/b", "vllm/b", None),
    "batch": ("out.jsonl", "out.jsonl", None),
    "shard": ("3/10", Shard(3, 10), "11/10"),
    "results": ("out", "out", None),
    "suite": ("june", "june", "../june"),
    "ledger": ("book.jsonl", "book.jsonl", None),
    "html": ("single", "single", "pdf"),
    "bertscore": ("some/model", "some/model", None),
    "offline": (True, True, "perhaps"),
    "no_cache": (True, True, "perhaps"),
    "strict": (True, True, "perhaps"),
    "show_published": (True, True, "perhaps"),
    "show_text": (True, True, "perhaps"),
}
"""By key: what is given, what Settings must hold (paths relative to the folder), and a value that is refused."""
PATHS = {"batch", "data", "baseline", "results", "ledger"}
BY_KEY = {option.key: option for option in OPTIONS}


def typed(option: Option, value: Any) -> list[str]:
    if option.shape == "flag":
        return [option.flag]
    return [f"{option.flag}={entry}" for entry in (value if isinstance(value, list) else [value])]


def ini_line(option: Option, value: Any) -> str:
    shown = "".join(f"\n    {entry}" for entry in value) if isinstance(value, list) else str(value)
    return f"{option.ini} = {shown}\n"


def toml_line(option: Option, value: Any) -> str:
    return f"{option.key} = {json.dumps(value)}\n"


def in_place(place: str, values: dict[str, Any], folder: Path) -> list[str]:
    """Set options in one place; returns what is typed on the command line."""
    if place == "command line":
        return [argument for key, value in values.items() for argument in typed(BY_KEY[key], value)]
    lines = {"ini": ini_line, "toml": toml_line}[place]
    text = "".join(lines(BY_KEY[key], value) for key, value in values.items())
    file, head = {"ini": ("pytest.ini", "[pytest]"), "toml": ("medhelm.toml", "[run]")}[place]
    (folder / file).write_text(f"{head}\n{text}", "utf-8")
    return []


def test_the_examples_are_of_all_options() -> None:
    assert GIVEN.keys() == BY_KEY.keys()


def test_settings_have_a_field_for_each_option() -> None:
    assert {field.name for field in fields(Settings)} == {*BY_KEY, "config", "limit_is_default"}


@pytest.mark.parametrize("place", ["command line", "ini", "toml"])
def test_every_option_works_in_every_place(pytester: pytest.Pytester, place: str) -> None:
    (pytester.path / "mirror").mkdir()
    arguments = in_place(place, {key: given for key, (given, _, _) in GIVEN.items()}, pytester.path)
    settings = read_settings(pytester.parseconfig(*arguments))
    for key, (_, expected, _) in GIVEN.items():
        assert getattr(settings, key) == (pytester.path / expected if key in PATHS else expected), key


def test_a_stronger_place_wins_whole(pytester: pytest.Pytester) -> None:
    weak = {"models": ["vllm/a", "vllm/b"], "limit": 5, "suite": "file", "html": "none", "strict": True}
    in_place("toml", weak, pytester.path)
    in_place("ini", {"models": ["vllm/c", "vllm/d"], "limit": 6, "suite": "ini"}, pytester.path)
    settings = read_settings(pytester.parseconfig("--medhelm-limit=7"))
    assert (settings.models, settings.limit, settings.suite) == (("vllm/c", "vllm/d"), 7, "ini")
    assert (settings.html, settings.strict) == ("none", True)


@pytest.mark.parametrize("place", ["command line", "ini", "toml"])
@pytest.mark.parametrize("key", [key for key, (_, _, bad) in GIVEN.items() if bad is not None])
def test_a_bad_value_is_one_sentence_that_names_the_place(pytester: pytest.Pytester, place: str, key: str) -> None:
    option, bad = BY_KEY[key], GIVEN[key][2]
    if place == "command line" and option.shape == "flag":
        pytest.skip("a flag has no value there")
    arguments = in_place(place, {key: bad}, pytester.path)
    with pytest.raises(ConfigError) as caught:
        read_settings(pytester.parseconfig(*arguments))
    source = {
        "command line": f"{option.flag}: ",
        "ini": f"pytest.ini: {option.ini}: ",
        "toml": f"medhelm.toml: [run] {key}: ",
    }[place]
    assert str(caught.value).startswith(source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "line", ["limit = true", "limit = 1.5", "models = 'vllm/a'", "models = [1]", "suite = 3", "data = ['a']",
             "max_cost = true", "sub_tasks = [1]", "html = 1", "shard = 3", "base_url = ['x']", "html = []"],
)  # fmt: skip
def test_a_value_of_another_type_is_a_sentence_too(pytester: pytest.Pytester, line: str) -> None:
    (pytester.path / "medhelm.toml").write_text(f"[run]\n{line}\n")
    with pytest.raises(ConfigError, match=rf"^medhelm\.toml: \[run\] {line.partition(' ')[0]}: "):
        read_settings(pytester.parseconfig())


def test_a_misspelt_key_names_those_that_exist(pytester: pytest.Pytester) -> None:
    (pytester.path / "medhelm.toml").write_text("[run]\nlimt = 3\n")
    with pytest.raises(ConfigError, match=r"^medhelm\.toml: \[run\] has no key 'limt'; known are: models, judges"):
        read_settings(pytester.parseconfig())


def test_a_password_in_an_address_is_not_shown(pytester: pytest.Pytester) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings(pytester.parseconfig("--medhelm-base-url=ftp://me:secret@gpu1"))
    assert "secret" not in str(caught.value)


def test_an_empty_text_is_as_good_as_none(pytester: pytest.Pytester) -> None:
    """A job of a CI system whose variable is not set."""
    # Without its file a batch would be asked, and paid for, at once: that is refused (test_batch.py).
    may_be_empty = {*PATHS, "suite", "shard", "html", "baseline_model"} - {"batch"}
    empty = [f"{option.flag}=" for option in OPTIONS if option.key in may_be_empty]
    with_empty, without = read_settings(pytester.parseconfig(*empty)), read_settings(pytester.parseconfig())
    assert replace(with_empty, config=ConfigFile()) == replace(without, config=ConfigFile())


def test_the_config_file_can_be_named_in_the_ini_file(pytester: pytest.Pytester) -> None:
    (pytester.path / "other.toml").write_text("[run]\nlimit = 9\n")
    (pytester.path / "pytest.ini").write_text(f"[pytest]\n{CONFIG.ini} = other.toml\n")
    assert read_settings(pytester.parseconfig()).limit == 9


def test_the_page_of_options_follows_the_table() -> None:
    path = CHECKOUT / "docs" / "options_table.py"
    spec = spec_from_file_location("docs_options", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (path.parent / "options.md").read_text("utf-8") == module.page(), "type: python docs/options_table.py"
