"""Addresses, keys and limits, from providers, environment and config file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_medhelm.models.endpoint import Endpoint, base_url, clean_key, endpoint_of, ollama_url
from pytest_medhelm.models.engine.prompt_cut import cut_silently
from pytest_medhelm.models.engine.request import Completion, make_request
from pytest_medhelm.models.roster import Roster, refuse_self_judging
from pytest_medhelm.models.spec import Model, resolve_model
from pytest_medhelm.util.config_file import ConfigFile
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.options import make_settings
from pytest_medhelm.util.settings import Settings


def settings(**tables: Any) -> Settings:
    return make_settings({}, Path(), config=ConfigFile(Path("medhelm.toml"), **tables))


@pytest.mark.parametrize(
    ("given", "base", "chat"),
    [
        ("http://gpu1:8000", "http://gpu1:8000/v1", "http://gpu1:8000/v1/chat/completions"),
        ("http://gpu1:8000/v1/", "http://gpu1:8000/v1", "http://gpu1:8000/v1/chat/completions"),
        (
            "https://x/openai/deployments/d?api-version=2024-10-21",
            "https://x/openai/deployments/d?api-version=2024-10-21",
            "https://x/openai/deployments/d/chat/completions?api-version=2024-10-21",
        ),
        ("http://x?k=v", "http://x/v1?k=v", "http://x/v1/chat/completions?k=v"),
        ("http://[::1]:8000", "http://[::1]:8000/v1", "http://[::1]:8000/v1/chat/completions"),
    ],
)
def test_base_urls(given: str, base: str, chat: str) -> None:
    assert base_url(given, "x") == base
    assert Endpoint("x", base).url("chat/completions") == chat


@pytest.mark.parametrize("operation", ["chat/completions", "completions", "models", "responses", "chat/completions/"])
def test_an_operation_at_the_end_of_a_base_url_says_what_to_type(operation: str) -> None:
    with pytest.raises(ConfigError, match=r"type http://gpu1:8000/v1"):
        base_url(f"http://gpu1:8000/v1/{operation}", "--medhelm-base-url")


@pytest.mark.parametrize("url", ["gpu1:8000", "ftp://x", "http://", "http://x:99999", "http://a b", "http://x\n", ""])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ConfigError, match="is not an address"):
        base_url(url + "\0" if url.endswith("\n") else url, "--medhelm-base-url")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:11500", "http://127.0.0.1:11500"),
        (":11500", "http://127.0.0.1:11500"),
        ("gpu1", "http://gpu1:11434"),
        ("gpu1:80", "http://gpu1:80"),
        ("http://gpu1", "http://gpu1:80"),
        ("https://gpu1", "https://gpu1:443"),
        ("https://gpu1/ollama", "https://gpu1:443/ollama"),
        ("[::]:11434", "http://127.0.0.1:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("gpu1/", "http://gpu1:11434/"),
        (" gpu1 ", "http://gpu1:11434"),
    ],
)
def test_ollama_host(host: str, url: str) -> None:
    assert ollama_url(host) == url


def test_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    assert clean_key("abc\n", "$K") == "abc"
    for key in ("sk\n1", "sk 1", "sk\r1", "sch\u00f6n", "sk\x001"):
        with pytest.raises(ConfigError, match=r"the key in \$K holds a line break") as error:
            clean_key(key, "$K")
        assert key not in str(error.value)
    monkeypatch.setenv("VLLM_API_KEY", "abc\n")
    found = endpoint_of("vllm", settings(), frozenset())
    assert found is not None
    assert found.headers == {"Authorization": "Bearer abc"}
    assert found.key_source == "$VLLM_API_KEY"


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"timeout": float("inf")}, "timeout = inf is no number"),
        ({"timeout": float("nan")}, "timeout = nan is no number"),
        ({"timeout": 0}, "timeout = 0 is not between"),
        ({"timeout": -5}, "timeout = -5 is not between"),
        ({"timeout": True}, "timeout = True is no number"),
        ({"retries": -1}, "retries = -1 is not between"),
        ({"concurrency": 0}, "concurrency = 0 is not between"),
        ({"concurrency": "atuo"}, "concurrency = 'atuo' is neither a number nor \"auto\""),
        ({"base_url": ["http://a", "gpu2"]}, "base_url: 'gpu2' is not an address"),
        ({"headers": {"X": "a\nb"}}, "'X' is no header"),
        ({"headers": {"X Y": "a"}}, "'X Y' is no header"),
        ({"headers": {"X": 5}}, "'X' is no header"),
    ],
)
def test_limits_that_would_hang_or_fail_later(table: dict[str, Any], sentence: str) -> None:
    tables = {"ward": {"base_url": "http://gpu1:8000/v1", **table}}
    with pytest.raises(ConfigError) as error:
        endpoint_of("ward", settings(endpoints=tables), frozenset())
    assert sentence in str(error.value)
    assert "[endpoints.ward]" in str(error.value)


def test_vllm_has_a_bound_of_its_own_unless_told() -> None:
    def body(**entry: Any) -> Any:
        return resolve_model("vllm/m", settings(models={"vllm/m": entry}), frozenset()).body

    assert body()["max_tokens"] == 4096
    assert body(max_tokens=7)["max_tokens"] == 7
    assert "max_tokens" not in body(extra_body={"max_completion_tokens": 9})


def test_one_model_under_two_names_does_not_judge_itself() -> None:
    endpoint = Endpoint("vllm", "http://gpu1:8000/v1")
    llama, judge, other = (
        Model(f"vllm/{name}", "vllm", name, endpoint, root=root)
        for name, root in (("llama3", "org/x"), ("judge", "org/x"), ("other", "org/y"))
    )
    with pytest.raises(ConfigError, match="vllm/judge is also the model under test"):
        refuse_self_judging(Roster((llama,), (judge,)), settings())
    refuse_self_judging(Roster((llama,), (other,)), settings())


@pytest.mark.parametrize(
    ("text", "counted", "is_cut"),
    [
        ("patient " * 14_000, 2048, True),
        ("patient " * 3_000, 2048, True),
        ("patient " * 2_500, 2048, False),
        ("x" * 111_000, 2048, True),
        ("patient " * 14_000, 14_100, False),
        ("patient " * 14_000, 12, False),
        ("\n" * 50_000 + "patient " * 300, 512, False),
        ("患者は発熱を訴えている" * 2_000, 2048, True),
        ("患者は発熱を訴えている" * 400, 2048, False),
        ("patient", 2048, False),
    ],
)
def test_a_prompt_cut_silently(text: str, counted: int, is_cut: bool) -> None:
    request = make_request(Model("x/m", "x", "m"), [{"role": "user", "content": text}])
    assert bool(cut_silently(request, Completion("ok", usage={"prompt_tokens": counted}))) == is_cut


def test_tokens_found_in_a_cache_are_counted_too() -> None:
    request = make_request(Model("x/m", "x", "m"), [{"role": "user", "content": "patient " * 14_000}])
    usage = {"prompt_tokens": 2048, "cached_tokens": 12_000}
    assert not cut_silently(request, Completion("ok", usage=usage))
