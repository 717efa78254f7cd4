"""One served model under several names is said loudly and ranked once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.results.leaderboard.same_model import ranked_once, several_names
from tests.support.letters import gold
from tests.support.suites import leaderboard


def facts(name: str, served: str = "llama3", **more: Any) -> Any:
    return {"name": name, "kind": "candidate", "served": served, "body": {}, "system_prompt": "", **more}


def found(*models: Any, address: str = "http://gpu/v1") -> list[list[str]]:
    runs: Any = [{"models": [{**entry, "base_url": entry.pop("at", address)} for entry in map(dict, models)]}]
    return several_names({entry["name"]: entry for entry in models}, runs)


def test_the_same_id_address_and_settings_are_one_model() -> None:
    assert found(facts("vllm/a"), facts("ward/a")) == [["vllm/a", "ward/a"]]
    assert found(facts("vllm/a"), facts("ward/a", served="other")) == []
    assert found(facts("vllm/a"), facts("careful", system_prompt="Be careful.")) == [], "another candidate"
    assert found(facts("vllm/a"), facts("ward/a", at="http://other/v1")) == [], "another server"
    assert found(facts("f/a"), facts("f/b"), address="") == [], "functions are not served"
    assert ranked_once(["x", "ward/a", "vllm/a"], [["vllm/a", "ward/a"]]) == ["x", "vllm/a"]


def test_it_is_said_loudly_and_ranked_once(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    data = letters(12)
    with MockServer(gold, models=("one", "two", "three")) as server:
        twin = f'[endpoints.ward]\nbase_url = "{server.url}"\n[models.twin]\nendpoint = "ward"\nmodel = "one"\n'
        (pytester.path / "medhelm.toml").write_text(twin)
        result = run(*(f"--medhelm-model={name}" for name in ("ward/one", "twin", "ward/two", "ward/three")),
                     f"--medhelm-data={data}")  # fmt: skip
    assert result.ret == 0
    said = "SAME MODEL: twin and ward/one are one served model with the same settings"
    assert said in " ".join(result.stdout.str().split())
    results = leaderboard(pytester.path)["results"]
    assert results["several_names"] == [["twin", "ward/one"]]
    assert results["win_rate"]["pool"] == ["twin", "ward/three", "ward/two"]
    page = (pytester.path / "medhelm-results/default/leaderboard.html").read_text()
    assert said in page
    assert page.count('class="card"') == 3
