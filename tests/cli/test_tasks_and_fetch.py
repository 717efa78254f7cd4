"""medhelm tasks and medhelm fetch, against a local server that cuts, delays, refuses and serves real files."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from time import gmtime, strftime
from typing import Any
from urllib.parse import unquote

import pytest

from pytest_medhelm.cli.main import main
from pytest_medhelm.tasks.catalogue import catalogue
from pytest_medhelm.tasks.data import download as downloads
from pytest_medhelm.tasks.data.download import download
from pytest_medhelm.tasks.data.outline import outline
from pytest_medhelm.tasks.task import DataFile, DataFolder
from pytest_medhelm.tasks.taxonomy import CATEGORY_OF
from pytest_medhelm.util.errors import DataError
from tests.support.checks import some
from tests.support.paths import BENCHMARKS, CHECKOUT
from tests.support.servers import WAIT, until
from tests.support.suites import leaderboard

CONTENT = b"".join(hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(8000))  # 256 kB


# The server


@dataclass
class Served:
    """What the server does with one path."""

    content: bytes = b""
    ranges: bool = True
    """It can go on in the middle."""
    drop_after: int | None = None
    """Bytes after which it hangs up, every time."""
    drops: int = 10**6
    """How often it does."""
    stall_after: int | None = None
    """Bytes after which it sends nothing more until the test ends."""
    gate: threading.Event | None = None
    """It answers when this is set."""
    status: int = 200
    chunked: bool = False
    requests: list[str] = field(default_factory=list)
    """The Range header of each request; empty for none."""


class Server(ThreadingHTTPServer):
    """Serves ``paths``, and files below ``root``."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.paths: dict[str, Served] = {}
        self.root: Path | None = None
        self.asked: list[str] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that vanishes is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.close_connection = True
        served = self.server.paths.get(self.path) or self._file()
        if served is None:
            self.send_error(404)
            return
        asked = self.headers.get("Range", "")
        served.requests.append(asked)
        if served.gate:
            served.gate.wait(60)
        if served.status != 200:
            self.send_response(served.status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and served.ranges else 0
        if start and start >= len(served.content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(served.content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(served.content) - 1}/{len(served.content)}")
        if served.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(served.content) - start))
        self.end_headers()
        self._send(served, served.content[start:])

    def _send(self, served: Served, body: bytes) -> None:
        cut = body
        if served.drop_after is not None and served.drops > 0 and len(body) > served.drop_after:
            served.drops -= 1
            cut = body[: served.drop_after]
        if served.stall_after is not None:
            cut = body[: served.stall_after]
        if served.chunked:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(cut), cut))
            if cut == body:
                self.wfile.write(b"0\r\n\r\n")
        else:
            self.wfile.write(cut)
        self.wfile.flush()
        if served.stall_after is not None:
            self.server.over.wait(60)

    def _file(self) -> Served | None:
        path = self.server.root / unquote(self.path).lstrip("/") if self.server.root else None
        return Served(path.read_bytes()) if path and path.is_file() else None

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def web() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of its own; no mirror and no proxy from outside; no long waits."""
    for name in ("MEDHELM_MIRROR", "http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("MEDHELM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(downloads, "WAITS", (0.01, 0.01, 0.01, 0.01))
    return tmp_path / "cache"


# A benchmark whose address is the server's


MODULE = '''
"""Toy: a benchmark with an address.

Asked: nothing.
"""
from pytest_medhelm import DataFile, DataFolder, Examples, Instance, Task

TASK = Task(
    name={name!r}, title="Toy", subcategory="Planning Treatments", access={access!r}, kind="generation",
    files=({files},), load=lambda *paths: (), examples={examples}, main_metric="rouge_l", licence={licence!r},
    source="https://example.org/toy", attribution="Toymaker 2024", redistribution=True, may_use_hosted_api=False,
    how_to_obtain={obtain!r},
)
'''


@pytest.fixture
def toy(tmp_path: Path) -> Callable[..., Path]:
    """Write a benchmark module; ``files`` is source text."""

    def write(
        files: str,
        *,
        name: str = "toy",
        access: str = "public",
        licence: str = "CC0-1.0",
        obtain: str = "",
        examples: str = "None",
    ) -> Path:
        folder = tmp_path / "own"
        folder.mkdir(exist_ok=True)
        text = MODULE.format(files=files, name=name, access=access, licence=licence, obtain=obtain, examples=examples)
        (folder / f"test_{name}.py").write_text(text)
        return folder

    return write


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def data_file(name: str, url: str, content: bytes = CONTENT, member: str = "", *, pinned: bool = True) -> str:
    return f"DataFile({name!r}, {sha256(content) if pinned else ''!r}, {url!r}, {member!r})"


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


@pytest.fixture
def medhelm(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run the command in this process."""

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        return Outcome(status, shown.out, shown.err)

    return call


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "pytest_medhelm", *map(str, arguments)]


def parts(cache: Path, name: str = "toy") -> list[Path]:
    """What was cut and is kept."""
    return sorted((cache / "data" / f".{name}.part").glob("*"))


# Real files from a mirror


REAL = {
    "pubmed_qa": "ori_pqal.json",
    "med_qa": "phrases_no_exclude_test.jsonl",
    "medcalc_bench": "test_data.csv",
}


def test_real_files_come_from_a_mirror_and_a_session_uses_them(
    web: Server, medhelm: Callable[..., Outcome], cache: Path, real_data: Path, pytester: pytest.Pytester, run: Any
) -> None:
    web.root = real_data
    size = sum((real_data / name / file).stat().st_size for name, file in REAL.items())
    done = medhelm("fetch", *REAL, "--mirror", web.url, "--accept-licence")
    assert done.status == 0, done.err
    assert f"3 of 3 benchmarks are in {cache}/data; fetched now: 3 files, {size / 1e6:.1f} MB" in done.out
    for name, file in REAL.items():
        assert (cache / "data" / name / file).read_bytes() == (real_data / name / file).read_bytes()
    assert {f"/{name}/{file}" for name, file in REAL.items()} <= set(web.asked)

    web.asked.clear()
    again = medhelm("fetch", *REAL, "--mirror", web.url)
    assert again.status == 0
    assert not {f"/{name}/{file}" for name, file in REAL.items()} & set(web.asked), "what is here is not fetched again"
    assert "med_qa: already here" in again.out

    path = BENCHMARKS / "clinical_decision_support" / "test_med_qa.py"
    assert run(path, "--medhelm-model=baseline/majority", "--medhelm-limit=5").ret == 0
    (entry,) = leaderboard(pytester.path)["results"]["benchmarks"]
    assert (entry["data"]["origin"], entry["data"]["instances"]) == ("cache", 1273)


def test_a_folder_comes_as_a_zip_file_of_the_mirror(
    web: Server, medhelm: Callable[..., Outcome], cache: Path, real_data: Path, tmp_path: Path
) -> None:
    shutil.make_archive(str(tmp_path / "notes"), "zip", real_data / "mtsamples_procedures", "mtsample_procedure")
    web.paths["/mtsamples_procedures/mtsample_procedure.zip"] = Served((tmp_path / "notes.zip").read_bytes())
    done = medhelm("fetch", "mtsamples_procedures", "--mirror", web.url, "--accept-licence")
    assert done.status == 0, done.err
    assert len(list((cache / "data/mtsamples_procedures/mtsample_procedure").glob("*.txt"))) == 429
    shown = medhelm("tasks", "mtsamples_procedures")
    assert (shown.status, shown.out.count("yes, the pinned one")) == (0, 1)


def test_two_parts_of_a_folder_come_from_one_zip_file(
    web: Server, medhelm: Callable[..., Outcome], cache: Path, real_data: Path, tmp_path: Path
) -> None:
    (entry,) = catalogue().named(["mmlu_clinical_afr"])
    task, folder = entry.task, entry.task.files[0]
    assert isinstance(folder, DataFolder)
    shutil.copytree(real_data / task.name, tmp_path / "zipped" / folder.member)
    shutil.make_archive(str(tmp_path / "all"), "zip", tmp_path / "zipped")
    web.paths["/mmlu_clinical_afr.zip"] = Served((tmp_path / "all.zip").read_bytes())
    done = medhelm("fetch", "mmlu_clinical_afr", "--mirror", web.url, "--accept-licence")
    assert done.status == 0, done.err
    found = sorted(path.name for path in (cache / "data/mmlu_clinical_afr").iterdir())
    assert found == sorted(path.name for path in (real_data / task.name).glob("*.csv") if "_val_" not in path.name)
    assert len(web.paths["/mmlu_clinical_afr.zip"].requests) == 1
    assert "taken as it came, since no checksum is pinned" in done.out


def test_a_mirror_may_serve_gz_and_names_with_blanks(
    web: Server, medhelm: Callable[..., Outcome], cache: Path, toy: Callable[..., Path]
) -> None:
    own = toy(data_file("a b/x+y.json", "http://127.0.0.1:9/unused"))
    web.paths["/toy/a%20b/x%2By.json.gz"] = Served(gzip.compress(CONTENT))
    done = medhelm("fetch", "toy", "--mirror", f"{web.url}/", "--accept-licence", "--benchmarks", own)
    assert done.status == 0, done.err
    assert (cache / "data/toy/a b/x+y.json").read_bytes() == CONTENT
    assert parts(cache) == []


def test_the_mirror_may_stand_in_the_environment(
    web: Server, medhelm: Callable[..., Outcome], toy: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    web.paths["/toy/x"] = Served(CONTENT)
    monkeypatch.setenv("MEDHELM_MIRROR", web.url)
    own = toy(data_file("x", "http://127.0.0.1:9/x"))
    assert medhelm("fetch", "toy", "--accept-licence", "--benchmarks", own).status == 0


@pytest.mark.parametrize("mirror", ["ftp://host/x", "/mnt/mirror", "https://"])
def test_a_mirror_that_is_no_address(mirror: str, medhelm: Callable[..., Outcome]) -> None:
    done = medhelm("fetch", "med_qa", "--mirror", mirror)
    assert done.status == 1
    assert done.err.startswith(f"medhelm: the mirror {mirror!r} is no address: name e.g. https://")


def test_a_mirror_with_a_password_is_refused_without_showing_it(medhelm: Callable[..., Outcome]) -> None:
    done = medhelm("fetch", "med_qa", "--mirror", "https://me:secret@host/x")
    assert done.status == 1
    assert "login is not supported" in done.err
    assert "secret" not in done.err


# Cut connections


@pytest.mark.parametrize("chunked", [False, True], ids=["sized", "chunked"])
def test_a_connection_that_is_cut_is_resumed(web: Server, tmp_path: Path, chunked: bool) -> None:
    served = web.paths["/x"] = Served(CONTENT, drop_after=60_000, chunked=chunked)
    watched = Watched()
    download(f"{web.url}/x", tmp_path / "x.part", resume=False, progress=watched)
    assert (tmp_path / "x.part").read_bytes() == CONTENT
    assert served.requests == ["", *(f"bytes={start}-" for start in (60_000, 120_000, 180_000, 240_000))]
    assert all("trying again in 0 s" in line for line in some(watched.lines))
    assert watched.seen[-1] == (len(CONTENT), None if chunked else len(CONTENT))


@dataclass
class Watched:
    """A Progress that keeps what it is told."""

    seen: list[tuple[int, int | None]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def at(self, done: int, total: int | None) -> None:
        self.seen.append((done, total))

    def note(self, line: str) -> None:
        self.lines.append(line)


def test_a_server_without_ranges_starts_anew(web: Server, tmp_path: Path) -> None:
    served = web.paths["/x"] = Served(CONTENT, ranges=False, drop_after=200_000, drops=2)
    download(f"{web.url}/x", tmp_path / "x.part", resume=False, progress=Watched())
    assert (tmp_path / "x.part").read_bytes() == CONTENT
    assert served.requests == ["", "bytes=200000-", "bytes=200000-"]


def test_tries_without_a_new_byte_are_bounded(web: Server, tmp_path: Path) -> None:
    served = web.paths["/x"] = Served(CONTENT, ranges=False, drop_after=200_000)
    with pytest.raises(DataError, match=r"/x could not be fetched \(the connection ended after 0.2 of 0.3 MB\)"):
        download(f"{web.url}/x", tmp_path / "x.part", resume=False, progress=Watched())
    assert len(served.requests) == 5
    assert (tmp_path / "x.part").stat().st_size == 200_000


def test_a_complete_part_is_not_fetched_again(web: Server, tmp_path: Path) -> None:
    served = web.paths["/x"] = Served(CONTENT)
    part = tmp_path / "x.part"
    part.write_bytes(CONTENT)
    download(f"{web.url}/x", part, resume=True, progress=Watched())
    part.write_bytes(CONTENT + b"too much")
    download(f"{web.url}/x", part, resume=True, progress=Watched())
    assert part.read_bytes() == CONTENT
    assert served.requests == [f"bytes={len(CONTENT)}-", f"bytes={len(CONTENT) + 8}-", ""]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again_and_a_refusal_is_final(web: Server, tmp_path: Path, status: int) -> None:
    busy = web.paths["/busy"] = Served(status=status)
    with pytest.raises(DataError, match=rf"/busy could not be fetched \(HTTP {status}\)"):
        download(f"{web.url}/busy", tmp_path / "x.part", resume=False, progress=Watched())
    assert len(busy.requests) == 5
    refused = web.paths["/refused"] = Served(status=403)
    with pytest.raises(DataError, match="/refused answers HTTP 403: it wants a login"):
        download(f"{web.url}/refused", tmp_path / "x.part", resume=False, progress=Watched())
    assert len(refused.requests) == 1


def test_a_server_that_falls_silent_counts_as_cut(web: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "TIMEOUT", 0.2)
    served = web.paths["/x"] = Served(CONTENT, stall_after=100_000)
    download(f"{web.url}/x", tmp_path / "x.part", resume=False, progress=Watched())
    assert (tmp_path / "x.part").read_bytes() == CONTENT
    assert served.requests == ["", "bytes=100000-", "bytes=200000-"]


def test_what_an_earlier_command_left_is_used(
    web: Server, medhelm: Callable[..., Outcome], cache: Path, toy: Callable[..., Path]
) -> None:
    own = toy(data_file("x", f"{web.url}/x"))
    web.paths["/x"] = first = Served(CONTENT, ranges=False, drop_after=100_000)
    failed = medhelm("fetch", "toy", "--accept-licence", "--benchmarks", own)
    assert failed.status == 1
    assert failed.err.splitlines()[-1].startswith(f"medhelm: {web.url}/x could not be fetched (the connection ended")
    assert "0.1 MB are kept for the next time" in failed.err
    assert len(first.requests) == 5
    assert [path.stat().st_size for path in parts(cache)] == [100_000]

    second = web.paths["/x"] = Served(CONTENT)
    assert medhelm("fetch", "toy", "--benchmarks", own).status == 0
    assert second.requests == ["bytes=100000-"]
    assert (cache / "data/toy/x").read_bytes() == CONTENT
    assert not (cache / "data/.toy.part").exists()


def test_a_part_of_another_file_is_dropped_and_the_file_fetched_whole(
    web: Server, medhelm: Callable[..., Outcome], cache: Path, toy: Callable[..., Path]
) -> None:
    own = toy(data_file("x", f"{web.url}/x"))
    web.paths["/x"] = Served(bytes(len(CONTENT)), ranges=False, drop_after=100_000)
    assert medhelm("fetch", "toy", "--accept-licence", "--benchmarks", own).status == 1
    served = web.paths["/x"] = Served(CONTENT)
    assert medhelm("fetch", "toy", "--benchmarks", own).status == 0
    assert served.requests == ["bytes=100000-", ""]
    assert (cache / "data/toy/x").read_bytes() == CONTENT


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to one process")
def test_ctrl_c_leaves_a_part_that_is_resumed(
    web: Server, medhelm: Callable[..., Outcome], cache: Path, toy: Callable[..., Path]
) -> None:
    own = toy(data_file("x", f"{web.url}/x"))
    web.paths["/x"] = Served(CONTENT, stall_after=150_000)
    words = command("fetch", "toy", "--accept-licence", "--benchmarks", own)
    running = subprocess.Popen(words, cwd=CHECKOUT, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: parts(cache) and parts(cache)[0].stat().st_size)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=WAIT)
    finally:
        running.kill()
    assert running.returncode == 130
    assert errors.splitlines()[-2:] == [
        "What has come of toy is kept: the same command goes on from there.",
        "medhelm: interrupted",
    ]
    (size,) = [path.stat().st_size for path in parts(cache)]
    assert 0 < size <= 150_000
    served = web.paths["/x"] = Served(CONTENT)
    assert medhelm("fetch", "toy", "--benchmarks", own).status == 0
    assert served.requests == [f"bytes={size}-"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no lock on Windows")
def test_two_commands_at_a_time_fetch_once(web: Server, toy: Callable[..., Path]) -> None:
    gate = threading.Event()
    served = web.paths["/x"] = Served(CONTENT, gate=gate)
    words = command("fetch", "toy", "--accept-licence", "--benchmarks", toy(data_file("x", f"{web.url}/x")))

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(words, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    with start() as first:
        until(lambda: served.requests)
        with start() as second:
            assert second.stderr
            assert second.stderr.readline() == "Waiting for another process that is fetching toy ...\n"
            gate.set()
            outputs = [process.communicate(timeout=WAIT)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert served.requests == [""]
    assert "toy: fetched 1 file, 0.3 MB\n" in outputs[0]
    assert "toy: already here\n" in outputs[1]


# Wrong files and addresses


def test_a_wrong_file_is_removed_and_the_others_are_fetched(
    web: Server, medhelm: Callable[..., Outcome], cache: Path, toy: Callable[..., Path]
) -> None:
    toy(data_file("x", f"{web.url}/login.html"), name="wrong")
    toy(data_file("x", f"{web.url}/nowhere"), name="absent")
    toy(data_file("x", "http://127.0.0.1:9/x"), name="dead")
    own = toy(data_file("x", f"{web.url}/x"), name="right")
    page = web.paths["/login.html"] = Served(b"<html>Please log in")
    web.paths["/x"] = Served(CONTENT)
    done = medhelm("fetch", "wrong", "absent", "dead", "right", "--accept-licence", "--benchmarks", own)
    assert done.status == 1
    assert done.err.splitlines() == [
        f"medhelm: {web.url}/login.html is another file than expected (sha256 {sha256(page.content)[:12]}..., not "
        f"{sha256(CONTENT)[:12]}...); it was removed: check the mirror or the proxy",
        f"medhelm: absent: {web.url}/nowhere is not there (HTTP 404)",
        "medhelm: http://127.0.0.1:9/x could not be fetched (Connection refused); behind a proxy set https_proxy, else "
        "name a mirror with --mirror",
    ]
    assert "right: fetched 1 file" in done.out
    assert "1 of 4 benchmarks are in" in done.out
    assert (cache / "data/right/x").read_bytes() == CONTENT
    assert [path.name for path in (cache / "data").rglob("*") if path.is_file() and path.suffix != ".lock"] == ["x"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_sentence(
    web: Server, medhelm: Callable[..., Outcome], cache: Path, toy: Callable[..., Path]
) -> None:
    web.paths["/x"] = Served(CONTENT)
    own = toy(data_file("x", f"{web.url}/x"))
    part = cache / "data/.toy.part" / f"{sha256(f'{web.url}/x'.encode())[:12]}.part"
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")
    done = medhelm("fetch", "toy", "--accept-licence", "--benchmarks", own)
    assert done.status == 1
    assert done.err == (
        f"medhelm: toy cannot be stored in {cache}/data (No space left on device, while fetching {web.url}/x): make "
        "room there, or name another folder with --to or MEDHELM_CACHE\n"
    )


def test_an_unpinned_file_is_taken_and_said_to_be(
    web: Server, medhelm: Callable[..., Outcome], cache: Path, toy: Callable[..., Path]
) -> None:
    own = toy(data_file("x", f"{web.url}/x", pinned=False))
    web.paths["/x"] = Served(b"whatever")
    done = medhelm("fetch", "toy", "--accept-licence", "--benchmarks", own)
    assert done.status == 0
    assert "  taken as it came, since no checksum is pinned: x" in done.out
    assert (cache / "data/toy/x").read_bytes() == b"whatever"


def test_a_damaged_file_is_replaced_in_the_cache_and_kept_in_a_folder_of_the_user(
    web: Server, medhelm: Callable[..., Outcome], cache: Path, toy: Callable[..., Path], tmp_path: Path
) -> None:
    own = toy(data_file("x", f"{web.url}/x"))
    web.paths["/x"] = Served(CONTENT)
    for base in (cache / "data", tmp_path / "DIR"):
        (base / "toy").mkdir(parents=True)
        (base / "toy/x").write_bytes(CONTENT[:-1])
    assert medhelm("fetch", "toy", "--accept-licence", "--benchmarks", own).status == 0
    assert (cache / "data/toy/x").read_bytes() == CONTENT
    done = medhelm("fetch", "toy", "--benchmarks", own, "--to", tmp_path / "DIR")
    assert done.status == 1
    assert f"{tmp_path}/DIR/toy/x is there already and is not the pinned one" in done.err
    assert (tmp_path / "DIR/toy/x").read_bytes() == CONTENT[:-1]


def test_into_a_folder_for_a_session(
    web: Server, medhelm: Callable[..., Outcome], toy: Callable[..., Path], tmp_path: Path
) -> None:
    own = toy(data_file("x", f"{web.url}/x"))
    web.paths["/x"] = Served(CONTENT)
    done = medhelm("fetch", "toy", "--accept-licence", "--benchmarks", own, "--to", tmp_path / "DIR")
    assert done.status == 0
    assert done.out.splitlines()[-1] == f"name the folder to use them: --medhelm-data={tmp_path}/DIR"
    assert (tmp_path / "DIR/toy/x").read_bytes() == CONTENT
    shown = json.loads(medhelm("tasks", "toy", "--benchmarks", own, "--data", tmp_path / "DIR", "--json").out)
    assert shown["tasks"][0]["data"]["origin"] == "given"
    assert shown["tasks"][0]["files"][0]["here"] == "yes, the pinned one"


def test_a_proxy_of_the_environment_is_asked_but_not_for_this_machine(
    web: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.paths["http://upstream.invalid/x"] = Served(CONTENT)
    monkeypatch.setenv("http_proxy", web.url)
    download("http://upstream.invalid/x", tmp_path / "x.part", resume=False, progress=Watched())
    assert (tmp_path / "x.part").read_bytes() == CONTENT

    web.paths["/x"] = Served(CONTENT)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    download(f"{web.url}/x", tmp_path / "x.part", resume=False, progress=Watched())


def test_solved_examples_come_along_where_they_are_to_be_had(
    web: Server, medhelm: Callable[..., Outcome], cache: Path, toy: Callable[..., Path]
) -> None:
    web.paths["/x"] = Served(CONTENT)
    web.paths["/train"] = Served(b"train")
    pinned = f"Examples(({data_file('train', f'{web.url}/train', b'train')},), lambda path: ())"
    own = toy(data_file("x", f"{web.url}/x"), examples=pinned)
    assert medhelm("fetch", "toy", "--accept-licence", "--benchmarks", own).status == 0
    assert (cache / "data/toy/train").read_bytes() == b"train"

    for examples in (pinned.replace("/train'", "/nowhere'"), "Examples((DataFile('train'),), lambda path: ())"):
        shutil.rmtree(cache / "data")
        done = medhelm("fetch", "toy", "--benchmarks", toy(data_file("x", f"{web.url}/x"), examples=examples))
        assert done.status == 0, done.err
        assert "toy: fetched 1 file, " in done.out
        assert "  not there, so no solved examples (--medhelm-shots): train" in done.out
        assert not (cache / "data/.toy.part").exists()


# Archives


def archive(entries: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return stream.getvalue()


NOTES = {"b.txt": b"second", "a.txt": b"first"}
LISTING = sha256("".join(f"{sha256(NOTES[name])}  notes/{name}\n" for name in sorted(NOTES)).encode())


def folder_of_notes(url: str, member: str = "repo-1/notes") -> str:
    return f"DataFolder('notes', '*.txt', {LISTING!r}, {url!r}, {member!r})"


def test_only_the_member_is_taken_from_an_archive(
    web: Server, medhelm: Callable[..., Outcome], cache: Path, toy: Callable[..., Path]
) -> None:
    served = web.paths["/zip"] = Served(
        archive(
            {
                **{f"repo-1/notes/{name}": content for name, content in NOTES.items()},
                "repo-1/notes/readme.md": b"no data",
                "repo-1/notes/deeper/c.txt": b"no data",
                "repo-1/other/d.txt": b"no data",
                "repo-1/table.csv": CONTENT,
            }
        ),
        chunked=True,
        ranges=False,
    )
    url = f"{web.url}/zip"
    own = toy(f"{folder_of_notes(url)}, {data_file('table.csv', url, member='repo-1/table.csv')}")
    done = medhelm("fetch", "toy", "--accept-licence", "--benchmarks", own)
    assert done.status == 0, done.err
    assert served.requests == [""], "one download for both"
    folder = cache / "data/toy"
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert files == {"notes/a.txt": b"first", "notes/b.txt": b"second", "table.csv": CONTENT}

    (folder / "notes/a.txt").write_bytes(b"damaged")
    (folder / "notes/z.txt").write_bytes(b"stray")
    assert medhelm("fetch", "toy", "--benchmarks", own).status == 0
    assert sorted(path.name for path in (folder / "notes").iterdir()) == ["a.txt", "b.txt"]
    assert (folder / "notes/a.txt").read_bytes() == b"first"


def test_a_folder_that_is_the_benchmarks_own(
    web: Server, medhelm: Callable[..., Outcome], cache: Path, toy: Callable[..., Path]
) -> None:
    listing = sha256("".join(f"{sha256(NOTES[name])}  toy/{name}\n" for name in sorted(NOTES)).encode())
    own = toy(f"DataFolder('.', '*.txt', {listing!r}, 'http://127.0.0.1:9/zip', 'repo-1/notes')")
    web.paths["/toy.zip"] = Served(archive(NOTES))
    (cache / "data/toy").mkdir(parents=True)
    (cache / "data/toy/stray.txt").write_text("stray")
    (cache / "data/toy/kept.md").write_text("no data")
    done = medhelm("fetch", "toy", "--accept-licence", "--benchmarks", own, "--mirror", web.url)
    assert done.status == 0, done.err
    assert sorted(path.name for path in (cache / "data/toy").iterdir()) == ["a.txt", "b.txt", "kept.md"]


@pytest.mark.parametrize(
    ("served", "sentence"),
    [
        (archive({"repo-1/notes/../../../a.txt": b"first"}), "is refused: it holds a path that leaves the folder"),
        (archive({"/notes/a.txt": b"first"}), "is refused: it holds a path that leaves the folder"),
        (archive({"repo-1/notes/..\\a.txt": b"first"}), "is refused: it holds a path that leaves the folder"),
        (archive({"repo-1/notes/a.md": b"first"}), "holds no file *.txt of repo-1/notes"),
        (archive({"repo-1/notes/a.txt": b"first"}), "is another file than expected"),
        (b"PK no archive", "is damaged or no archive"),
        (archive({"repo-1/notes/a.txt": CONTENT})[:-200], "is damaged or no archive"),
    ],
    ids=["up", "absolute", "backslash", "nothing", "incomplete", "no zip", "cut"],
)
def test_a_wrong_archive_is_refused_and_leaves_nothing(
    served: bytes, sentence: str, web: Server, medhelm: Callable[..., Outcome], cache: Path, toy: Callable[..., Path]
) -> None:
    web.paths["/zip"] = Served(served)
    done = medhelm("fetch", "toy", "--accept-licence", "--benchmarks", toy(folder_of_notes(f"{web.url}/zip")))
    assert done.status == 1
    assert f"medhelm: {web.url}/zip {sentence}" in done.err
    assert {path.name for path in cache.rglob("*") if path.is_file()} == {"licences.json", "licences.lock", ".toy.lock"}
    assert not list(cache.parent.glob("*.txt"))


# Licences


def test_terms_are_shown_and_need_a_yes(
    web: Server, medhelm: Callable[..., Outcome], toy: Callable[..., Path], cache: Path
) -> None:
    web.paths["/x"] = Served(CONTENT)
    own = toy(data_file("x", f"{web.url}/x"), licence="A licence")
    done = medhelm("fetch", "toy", "--benchmarks", own)
    assert done.status == 1
    assert done.out == (
        "Toy (toy)\n"
        "  licence:              A licence\n"
        "  attribution:          Toymaker 2024\n"
        "  passing it on:        allowed\n"
        "  third-party services: not allowed\n"
    )
    assert done.err == "medhelm: nobody is there to accept these terms: add --accept-licence if you do\n"
    assert web.asked == []

    today = strftime("%Y-%m-%d", gmtime())
    assert medhelm("fetch", "toy", "--benchmarks", own, "--accept-licence").status == 0
    record = json.loads((cache / "licences.json").read_text())["toy"]
    assert record["licence"] == "A licence"
    assert today <= record["accepted"] <= strftime("%Y-%m-%d", gmtime())

    shutil.rmtree(cache / "data")
    known = medhelm("fetch", "toy", "--benchmarks", own)
    assert known.status == 0
    assert f"toy: its terms were accepted on {record['accepted']}" in known.out

    shutil.rmtree(cache / "data")
    toy(data_file("x", f"{web.url}/x"), licence="Another licence")
    assert "nobody is there" in medhelm("fetch", "toy", "--benchmarks", own).err


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("reply", "status"), [("y", 0), ("n", 1), ("", 1), ("\x04", 1)], ids=["y", "n", "-", "end"])
def test_a_terminal_is_asked(reply: str, status: int, web: Server, toy: Callable[..., Path], cache: Path) -> None:
    web.paths["/x"] = Served(CONTENT)
    toy(data_file("x", f"{web.url}/x"))
    own = toy(data_file("x", f"{web.url}/x"), name="second")
    terminal, its_end = pty.openpty()
    words = command("fetch", "toy", "second", "--benchmarks", own)
    with subprocess.Popen(words, cwd=CHECKOUT, stdin=its_end, stdout=its_end, stderr=its_end) as running:
        os.close(its_end)
        shown = b""
        while b"[y/N] " not in shown:
            shown += os.read(terminal, 1000)
        os.write(terminal, f"{reply}\n".encode() if reply != "\x04" else b"\x04")
        while True:
            try:
                more = os.read(terminal, 1000)
            except OSError:
                break
            if not more:
                break
            shown += more
        running.wait(timeout=WAIT)
    os.close(terminal)
    text = shown.decode()
    assert running.returncode == status, text
    assert text.count("[y/N]") == 1, "asked once"
    assert "Accept the terms of these 2 benchmarks? [y/N] " in text
    assert (cache / "data/toy/x").is_file() == (status == 0)
    if status == 0:
        assert "100%  0.3 of 0.3 MB" in text
    else:
        assert "medhelm: nothing was fetched, since the terms were not accepted" in text
        assert web.asked == []


def test_a_damaged_record_of_licences_is_one_sentence(
    medhelm: Callable[..., Outcome], cache: Path, toy: Callable[..., Path]
) -> None:
    cache.mkdir()
    (cache / "licences.json").write_text("[1]")
    done = medhelm("fetch", "toy", "--benchmarks", toy(data_file("x", "http://127.0.0.1:9/x")))
    assert done.status == 1
    assert done.err == f"medhelm: {cache}/licences.json is damaged: delete it, and accept the licences again\n"


# What cannot be fetched


@pytest.mark.parametrize("access", ["gated", "private"])
def test_data_that_must_be_requested(
    access: str, web: Server, medhelm: Callable[..., Outcome], cache: Path, toy: Callable[..., Path]
) -> None:
    own = toy("DataFile('x.csv')", access=access, obtain="request x.csv from its keepers")
    done = medhelm("fetch", "toy", "--accept-licence", "--benchmarks", own, "--mirror", web.url)
    assert done.status == 1
    assert done.out.splitlines()[0] == (
        "toy: not to be fetched; request x.csv from its keepers; put x.csv into DIR/toy and name --medhelm-data=DIR "
        "(docs/data.md)"
    )
    assert web.asked == []


def test_all_public_names_what_is_to_be_got_by_hand(
    web: Server, medhelm: Callable[..., Outcome], toy: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    toy("DataFile('x')", name="by_hand", obtain="download it from its page")
    own = toy(data_file("x", f"{web.url}/x"))
    only_own(monkeypatch)
    web.paths["/x"] = Served(CONTENT)
    done = medhelm("fetch", "--all-public", "--accept-licence", "--benchmarks", own)
    assert done.status == 0, done.err
    assert "by_hand: not to be fetched; download it from its page; put x into DIR/by_hand" in done.out
    assert "1 of 2 benchmarks are in" in done.out
    assert medhelm("fetch", "by_hand", "--benchmarks", own).status == 1


def test_what_has_an_address_is_fetched_also_when_another_file_has_none(
    web: Server, medhelm: Callable[..., Outcome], toy: Callable[..., Path], cache: Path
) -> None:
    served = web.paths["/x"] = Served(CONTENT)
    own = toy(
        f"{data_file('x', f'{web.url}/x')}, DataFile('icu.sqlite')", obtain="sign the agreement and build icu.sqlite"
    )
    for _ in range(2):
        done = medhelm("fetch", "toy", "--accept-licence", "--benchmarks", own)
        assert done.status == 1
        assert (
            "toy: icu.sqlite is not to be fetched; sign the agreement and build icu.sqlite; put it into "
            f"{cache}/data/toy\n0 of 1 benchmarks are in"
        ) in done.out
    assert len(served.requests) == 1
    absent = medhelm("fetch", "toy", "--benchmarks", own, "--mirror", web.url)
    assert (absent.status, absent.err) == (1, "")
    assert absent.out.startswith("toy: its terms were accepted on ")
    assert "toy: icu.sqlite is not to be fetched; " in absent.out
    assert "already here" not in absent.out
    (cache / "data/toy/icu.sqlite").write_bytes(b"built")
    assert medhelm("fetch", "toy", "--benchmarks", own).out == (
        f"toy: already here\n1 of 1 benchmarks are in {cache}/data; fetched now: 0 files, 0.0 MB\n"
    )


def only_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the package's own benchmarks out of the catalogue."""
    import pytest_medhelm.benchmarks as package

    monkeypatch.setattr(package, "__file__", "/nowhere/__init__.py")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("medqa", "there is no benchmark 'medqa': did you mean med_qa or "),
        ("pubmed-qa", "there is no benchmark 'pubmed-qa': did you mean pubmed_qa"),
        ("zzzzzz", "there is no benchmark 'zzzzzz': 'medhelm tasks' lists all"),
    ],
)
@pytest.mark.parametrize("verb", ["fetch", "tasks"])
def test_an_unknown_name_lists_the_nearest(
    verb: str, typed: str, sentence: str, medhelm: Callable[..., Outcome]
) -> None:
    done = medhelm(verb, typed)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"medhelm: {sentence}")


def test_nothing_named_is_one_sentence(medhelm: Callable[..., Outcome]) -> None:
    done = medhelm("fetch")
    assert done.status == 1
    assert done.err.startswith("medhelm: name what to fetch: medhelm fetch med_qa, or --all-public")


def test_every_pinned_public_file_has_an_address() -> None:
    """What has a checksum and an address can be fetched; the address is one that cannot change."""
    for entry in some(catalogue().entries):
        if entry.task.folder is not None:
            continue  # Its files are part of the package.
        for file in entry.task.files if entry.task.access == "public" else ():
            if not file.url:
                assert entry.task.how_to_obtain, entry.task.name
                continue
            # a commit names its files as surely as a checksum does
            assert file.sha256 or re.search(r"/[0-9a-f]{40}$", file.url), entry.task.name
            assert file.url.startswith("https://"), entry.task.name
            assert " " not in file.url, entry.task.name


# medhelm tasks


def test_the_list_shows_all_benchmarks_by_category(medhelm: Callable[..., Outcome]) -> None:
    done = medhelm("tasks")
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 100
    entries = catalogue().entries
    assert {line.split()[0].rstrip("*") for line in lines if line.startswith("    ")} == {
        "benchmark",
        *(entry.task.name for entry in entries),
    }
    shown = [line.strip() for line in lines if line.strip() in CATEGORY_OF]
    assert shown == [name for name in CATEGORY_OF if any(e.task.subcategory == name for e in entries)]
    (counted,) = [line for line in lines if " benchmarks (" in line]
    assert counted.startswith(f"{len(entries)} benchmarks (")
    assert counted.endswith(f"in {len(shown)} of 22 subcategories")


def line_of(name: str, text: str) -> str:
    (line,) = [line for line in text.splitlines() if line.split()[:1] == [name]]
    return line


def test_the_list_says_which_data_is_here(medhelm: Callable[..., Outcome], cache: Path, tmp_path: Path) -> None:
    assert line_of("pubmed_qa", medhelm("tasks").out).endswith("sample only")
    (cache / "data/pubmed_qa").mkdir(parents=True)
    (cache / "data/pubmed_qa/ori_pqal.json.gz").write_bytes(b"by name alone")
    assert line_of("pubmed_qa", medhelm("tasks").out).endswith("  cache")
    data = tmp_path / "DIR"
    (data / "med_qa").mkdir(parents=True)
    (data / "med_qa/phrases_no_exclude_test.jsonl").write_text("{}")
    (data / "mimic_rrs").mkdir()
    (data / "mimic_rrs/test.findings.tok").write_text("")
    given = medhelm("tasks", "--data", data).out
    assert line_of("med_qa", given).endswith("  given")
    assert line_of("pubmed_qa", given).endswith("  cache")
    assert line_of("mimic_rrs", given).endswith("  given, in part")
    assert f"{data}/mimic_rrs lacks test.impression.tok" in " ".join(given.split())
    assert line_of("medcalc_bench", given).endswith("  not here")


def test_the_list_by_access_and_as_json(medhelm: Callable[..., Outcome]) -> None:
    for access in ("public", "gated", "private"):
        shown = json.loads(medhelm("tasks", "--access", access, "--json").out)["tasks"]
        expected = [entry.task.name for entry in catalogue().entries if entry.task.access == access]
        assert [entry["name"] for entry in shown] == expected
        assert {entry["access"] for entry in shown} == {access}


def test_one_in_full_with_its_files_checked(
    medhelm: Callable[..., Outcome], cache: Path, real_data: Path, tmp_path: Path
) -> None:
    shown = medhelm("tasks", "pubmed_qa", "--data", real_data)
    assert shown.status == 0, shown.err
    entry = catalogue().named(["pubmed_qa"])[0]
    assert entry.text in shown.out
    for text in ("PubMedQA (pubmed_qa)", "licence               MIT", "yes, the pinned one", "as MedHELM publishes it"):
        assert text in shown.out
    assert entry.task.files[0].sha256 in shown.out

    (tmp_path / "DIR/pubmed_qa").mkdir(parents=True)
    (tmp_path / "DIR/pubmed_qa/ori_pqal.json").write_text("{}")
    wrong = medhelm("tasks", "pubmed_qa", "--data", tmp_path / "DIR")
    assert wrong.status == 1
    assert wrong.err == (
        f"medhelm: pubmed_qa: ori_pqal.json in {tmp_path}/DIR/pubmed_qa is not the pinned file "
        f"(sha256 {sha256(b'{}')})\n"
    )


def test_modules_of_the_user_and_broken_ones(
    medhelm: Callable[..., Outcome], toy: Callable[..., Path], tmp_path: Path
) -> None:
    own = toy("DataFile('x.csv')")
    toy("DataFile('x.csv')", name="pubmed_qa")
    (own / "test_broken.py").write_text("TASK = nothing\n")
    (own / "test_empty.py").write_text("TASK = 3\n")
    (own / "test_other.py").write_text("def test_x(): raise SystemExit\n")
    done = medhelm("tasks", "--benchmarks", own)
    assert done.status == 1
    assert line_of("toy", done.out).split()[1:] == ["public", "?", "rouge_l", "not", "here"]
    home = Path(catalogue().named(["pubmed_qa"])[0].path)
    assert done.err.splitlines() == [
        f"medhelm: {own}/test_broken.py cannot be imported (NameError: name 'nothing' is not defined)",
        f"medhelm: {own}/test_empty.py declares no TASK",
        f"medhelm: {own}/test_pubmed_qa.py is left out: {home} is called pubmed_qa too",
    ]
    assert medhelm("tasks", "toy", "--benchmarks", own / "test_toy.py").status == 0
    absent = medhelm("tasks", "--benchmarks", tmp_path / "absent")
    assert (absent.status, absent.err.startswith("medhelm: there is no ")) == (1, True)
    assert medhelm("tasks", "--data", tmp_path / "absent").err == (
        f"medhelm: --data: there is no folder {tmp_path}/absent\n"
    )


# What the files hold, and docs/data.md


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.csv", "\ufeffNote ID,Focus (Drug)\n7,x\n", "CSV, columns `Note ID`, `Focus (Drug)`"),
        ("x.csv", "Which one is it?,one,two,A\n", "CSV without a header, 4 columns"),
        ("x.csv", "", "CSV without a header, 0 columns"),
        ("x.tsv", "id\ttext\n", "tab-separated, columns `id`, `text`"),
        ("x.jsonl", '{"a": 1, "b": 2}\n{"a": 3}\n', "JSON lines, fields `a`, `b`"),
        ("x.json", '{"a": 1}\n{"a": 3}\n', "JSON lines, fields `a`"),
        ("x.json", '[{"a": 1}]', "JSON, a list of records: fields `a`"),
        ("x.json", '{"1": {"a": 1}, "2": {"a": 2}}', "JSON, records by id: fields `a`"),
        ("x.json", '{"v": 1, "data": [{"a": 1}]}', "JSON, fields `v`, `data`; in data, fields `a`"),
        ("x.xml", "<r><c d='1'/><e><c/></e></r>", "XML, root `r`, elements `c`, `e`"),
        ("x.tok", "one\ntwo\n", "text, one record a line"),
        ("x.xml", "<r>", "the sample file cannot be read (ParseError)"),
        ("x.jsonl", "", "the sample file cannot be read (JSONDecodeError)"),
        ("y.csv", "", ""),
    ],
)
def test_an_outline_names_columns_and_fields(name: str, content: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    assert outline(tmp_path, DataFile("x.csv" if name == "y.csv" else name)) == expected


def test_every_file_of_every_benchmark_has_an_outline() -> None:
    pytest.importorskip("pyarrow")
    pytest.importorskip("openpyxl")
    for entry in some(catalogue().entries):
        for file in some(entry.task.files):
            said = outline(entry.samples, file)
            assert said, (entry.task.name, file.name)
            assert "cannot be read" not in said, (entry.task.name, file.name)


def test_the_page_on_data_is_up_to_date() -> None:
    path = CHECKOUT / "docs" / "tables.py"
    spec = spec_from_file_location("docs_tables", path)
    assert spec
    assert spec.loader
    tables = module_from_spec(spec)
    spec.loader.exec_module(tables)
    text = tables.PAGE.read_text("utf-8")
    assert tables.page(text) == text, "type: python docs/tables.py"
    listed = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `") and line.count("|") == 8]
    assert listed == sorted(entry.task.name for entry in catalogue().entries)


# The command itself


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from pytest_medhelm.cli.main import main\ntry: main(['--help'])\nfinally: print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    loaded = set(shown.stdout.splitlines()[-1].split())
    assert "medhelm fetch med_qa" in shown.stdout
    assert "argparse" in loaded
    assert not loaded & {"pytest", "numpy", "openai", "aiohttp", "jinja2", "pytest_medhelm.tasks.task"}


def test_a_closed_pipe_is_no_traceback() -> None:
    code = f"{sys.executable} -m pytest_medhelm tasks --json | head -c 1"
    done = subprocess.run(["sh", "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("{", "")
