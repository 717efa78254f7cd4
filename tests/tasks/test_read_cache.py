"""A copy of what was read is taken by the code that made it, of public data alone, and holds the very same."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.clinical_decision_support import test_tumour_board as packaged
from pytest_medhelm.tasks import loading, read_cache
from pytest_medhelm.tasks.benchmark import Benchmark
from pytest_medhelm.tasks.data.sources import Source, find_source
from pytest_medhelm.tasks.loading import load_benchmark
from pytest_medhelm.tasks.read_cache import copy_of
from pytest_medhelm.tasks.task import DataFile
from pytest_medhelm.util.config_file import ConfigFile
from pytest_medhelm.util.option import Given
from pytest_medhelm.util.options import make_settings

MODULE = Path(packaged.__file__ or "")
PINNED = (DataFile("a.csv", "00ff"),)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and code that has not just changed."""
    monkeypatch.setenv("MEDHELM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(read_cache, "SETTLED_NS", -(10**18))
    return tmp_path / "cache" / "read"


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The benchmarks that are read, as often as they are."""
    names = []
    read = loading._read

    def counted(task: Any, *others: Any) -> Any:
        names.append(task.name)
        return read(task, *others)

    monkeypatch.setattr(loading, "_read", counted)
    return names


def load(**given: str) -> Benchmark:
    typed = {name: Given(value, name) for name, value in ({"limit": "20"} | given).items()}
    return load_benchmark(packaged, make_settings(typed, Path.cwd(), config=ConfigFile()))


def content(benchmark: Benchmark) -> list[object]:
    """All that is said of a benchmark, with what its instances hold."""
    instances = [
        (pickle.dumps(packed.unpack()), packed.id, packed.length, packed.group, packed.sub_task)
        for packed in benchmark.instances
    ]
    return [
        instances,
        benchmark.facts(),
        benchmark.eval_set_hash,
        benchmark.labels,
        benchmark.majority,
        benchmark.total,
    ]


def test_what_was_read_is_taken_as_it_was(readings: list[str], cache: Path) -> None:
    first, second = load(), load()
    assert readings == ["tumour_board"]
    assert content(first) == content(second)
    assert second.total > len(second.instances) == 20
    (file,) = cache.iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_settings_that_change_what_is_read_have_it_read(readings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("limit", "20"), ("limit", "19"), ("limit", "all"), ("sampler", "helm"), ("data_limit", "1GB")):
        load(**{name: value})
        load(**{name: value})
    assert len(readings) == 5
    load()
    monkeypatch.setattr(read_cache, "_code", lambda: ("other code", 0))
    load()
    assert len(readings) == 7


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: bytes([content[0] ^ 1]) + content[1:],
        lambda content: content[:-100] + bytes([content[-100] ^ 1]) + content[-99:],
        lambda content: pickle.dumps("no copy"),
    ],
)
def test_a_damaged_copy_is_not_taken(damage: Callable[[bytes], bytes], readings: list[str], cache: Path) -> None:
    first = load()
    (file,) = cache.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert content(load()) == content(first)
    assert len(readings) == 2
    load()
    assert len(readings) == 2, "it is written anew"


def test_a_file_that_changed_is_read(tmp_path: Path, readings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = (packaged.TASK.folder / packaged.TASK.files[0].name).read_text()  # type: ignore[operator]
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    monkeypatch.setattr(read_cache, "PACKAGED", [MODULE.parent, folder])
    monkeypatch.setattr(packaged, "TASK", replace(packaged.TASK, folder=folder))
    for words in (text, text, text.replace("cancer", "carcinoma")):
        (folder / packaged.TASK.files[0].name).write_text(words)
        load()
    assert len(readings) == 2


def test_a_file_that_changes_while_it_is_read_is_not_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Source] = []

    def find(*arguments: Any, **others: Any) -> Source:
        found.append(replace(find_source(*arguments, **others), sha256={"cases.json": str(len(found))}))
        return found[-1]

    monkeypatch.setattr(loading, "find_source", find)
    load()
    assert len(found) == 2
    assert not list(cache.iterdir())


def test_code_that_has_just_changed_keeps_nothing(
    readings: list[str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_cache, "SETTLED_NS", 10**18 * 9)
    load()
    assert not list(cache.iterdir())


@pytest.mark.parametrize("mode", [0o777, 0o720])
def test_a_folder_that_others_may_use_is_not_used(mode: int, readings: list[str], cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(mode)
    load()
    load()
    assert len(readings) == 2
    assert not list(cache.iterdir())


def test_there_is_no_copy_of_what_is_not_public() -> None:
    task = replace(packaged.TASK, files=PINNED, folder=None)
    source = Source("given", Path("/data"), (Path("/data/a.csv"),), {"a.csv": "00ff"})
    assert copy_of(task, MODULE, source, ())
    assert copy_of(task, MODULE, replace(source, origin="cache"), ())
    for access in ("gated", "private"):
        assert copy_of(replace(task, access=access), MODULE, source, ()) is None
    assert copy_of(task, MODULE, replace(source, accepted=("a.csv",)), ()) is None, "a file of the user's choice"
    unpinned = (*PINNED, DataFile("b.csv"))
    assert copy_of(replace(task, files=unpinned), MODULE, source, ()) is None, "any file will do"
    assert copy_of(task, Path("/project/test_own.py"), source, ()) is None, "a module of the user's"
    assert copy_of(task, MODULE, replace(source, origin="own"), ()) is None, "a folder of the user's"
    assert copy_of(task, MODULE, replace(source, origin="sample"), ()) is None


def test_code_is_told_apart_beside_what_is_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor leaves a link that leads nowhere beside a file that it changes; files listed after it count too."""
    monkeypatch.setattr(read_cache, "PACKAGED", [tmp_path])
    for name in ("test_a.py", "test_b.py", "test_c.py"):
        (tmp_path / name).write_text("TASK = 1\n")
    (tmp_path / ".#test_a.py").symlink_to("nobody@host.123")
    codes = []
    for name in (None, "test_a.py", "test_b.py", "test_c.py"):
        if name is not None:
            (tmp_path / name).write_text("TASK = 12\n")
        read_cache._code.cache_clear()
        codes.append(read_cache._code()[0])
    read_cache._code.cache_clear()
    assert len(set(codes)) == 4


def test_a_pipe_in_the_place_of_a_copy_is_none(readings: list[str], cache: Path) -> None:
    load()
    (file,) = cache.iterdir()
    file.unlink()
    os.mkfifo(file)
    load()
    assert len(readings) == 2
