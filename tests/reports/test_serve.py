"""medhelm serve over HTTP: the same as the files, live, to nobody else, and without writing."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from pytest_medhelm.results.store.suite import SECONDS_HELD_BACK
from tests.support.letters import gold
from tests.support.servers import WAIT, until, vllm
from tests.support.serving import Served, serving


@pytest.fixture(scope="module")
def served(suite: Path) -> Iterator[Served]:
    with serving(suite) as running:
        yield running


def without_bar(page: str) -> str:
    """A page without what a served one has besides: the bar, its style and script, and their leave to run."""
    page = re.sub(r'<aside class="live".*?</aside>\n?', "", page, flags=re.DOTALL)
    page = re.sub(r"<style>.*?</style>|<meta http-equiv=.*?>", "", page, flags=re.DOTALL)
    page = re.sub(r"<script>// On pages that `medhelm serve` shows.*?</script>\n", "", page, flags=re.DOTALL)
    return page.replace("\n\n", "\n")


def handed_over(script: str) -> tuple[str, Any]:
    """Key and value of a data file of the instance browser."""
    found = re.fullmatch(r"medhelm\.take\('(.*?)','(.*)'\);\n", script, flags=re.DOTALL)
    assert found
    return found[1], json.loads(found[2].replace("\\'", "'").replace("\\\\", "\\"))


def test_the_pages_are_those_of_the_files(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    folder = pytester.path / "medhelm-results" / "default"
    with MockServer(gold) as server:
        run(
            *vllm(server),
            f"--medhelm-data={letters()}",
            "--medhelm-gate=letters >= 0.5",
            "--medhelm-concurrency=1",
        )
    with serving() as served:  # medhelm-results/default is what it shows unless told
        pages = {name: served.page(f"/default/{name}") for name in ("leaderboard.html", "instances.html")}
        scripts = {"index": served.page("/default/browser/index.js")}
        _, index = handed_over(scripts["index"])
        chunk = served.page(f"/default/browser/letters-0.js?version={index['version']}")
        state = served.state()
    for name, page in pages.items():
        assert 'id="live"' in page
        assert 'id="live"' not in (folder / name).read_text()
        assert without_bar(page) == without_bar((folder / name).read_text())
    assert "pass: letters" in pages["leaderboard.html"]
    assert chunk == (folder / "browser" / "letters-0.js").read_text()
    version = index.pop("version")
    assert version
    assert ("index", index) == handed_over((folder / "browser" / "index.js").read_text())
    assert (state["progress"], state["text"]) == ("finished", "10 results")


def test_a_run_is_seen_to_grow(letters: Callable[..., Path], pytester: pytest.Pytester) -> None:
    answers = threading.Semaphore(0)

    def reply(body: dict[str, Any]) -> str:
        answers.acquire(timeout=WAIT)
        return gold(body)

    folder = pytester.path / "medhelm-results" / "default"
    seen: list[tuple[dict[str, Any], str]] = []

    def look(served: Served) -> dict[str, Any]:
        seen.append((served.state(), served.get("/default/leaderboard.html").text))
        return seen[-1][0]

    with MockServer(reply) as server:
        data = letters(8)
        (pytester.path / "medhelm.toml").write_text(f"[endpoints.one]\nbase_url = '{server.url}'\nconcurrency = 1\n")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--medhelm-model=one/mock"]
        command += [f"--medhelm-data={data}", "--medhelm-gate=letters >= 0.5"]
        process = subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.DEVNULL)
        until((folder / "responses.sqlite").is_file)
        with serving(folder) as served:
            for due in range(1, 4):
                answers.release()
                until(lambda due=due: look(served)["last_record"] == due)  # type: ignore[misc]
                time.sleep(SECONDS_HELD_BACK)  # so that the next record is not held back
            answers.release(8)
            until(lambda: look(served)["progress"] == "finished" and "pass: letters" in seen[-1][1])
            assert process.wait() == 0
            assert without_bar(served.page("/default/leaderboard.html")) == without_bar(
                (folder / "leaderboard.html").read_text()
            )
            assert served.stop()[2] == "medhelm: interrupted\n"
    records = [state["last_record"] for state, _ in seen]
    assert records == sorted(records)
    assert {1, 2, 3} <= set(records)
    growing = [(state, page) for state, page in seen if 0 < state["last_record"] < 8]
    assert all(state["progress"] == "running" and "of up to 8 results" in state["text"] for state, _ in growing)
    assert any("instances." in page and "Incomplete" in page for _, page in growing)
    assert not any(log.stat().st_size for log in folder.glob("*-wal"))


def test_a_page_keeps_the_chunks_of_its_own_index(suite: Path, tmp_path: Path) -> None:
    """While a run adds instances, chunks move; an open page goes on asking for those that it knows."""
    folder = Path(shutil.copytree(suite, tmp_path / "grown"))
    with serving(folder) as served:
        _, index = handed_over(served.page("/grown/browser/index.js"))
        address = f"/grown/browser/letters-0.js?version={index['version']}"
        _, before = handed_over(served.page(address))
        with sqlite3.connect(folder / "suite.sqlite") as records:
            records.execute("DELETE FROM records WHERE instance >= 'q006'")
        records.close()
        until(lambda: handed_over(served.page("/grown/browser/index.js"))[1]["version"] != index["version"])
        _, after = handed_over(served.page(address))
        assert served.get("/grown/browser/letters-0.js?version=0123456789abcdef").status == 404
        assert served.get("/grown/browser/letters-0.js").status == 404
    assert len(before["instances"]) == 12
    assert sorted(after["instances"]) == [f"q{number:03d}" for number in range(6)]


def test_nothing_is_written(suite: Path, tmp_path: Path) -> None:
    """Neither the databases nor anything beside them, also where nothing can be written."""

    def content(folder: Path) -> dict[str, str]:
        return {
            str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in folder.rglob("*")
            if file.is_file()
        }

    folder = Path(shutil.copytree(suite, tmp_path / "shelf"))
    (folder / "manifest.json").unlink()  # so that the leaderboard is computed
    before = content(folder)
    for file in folder.iterdir():
        file.chmod(0o500 if file.is_dir() else 0o400)
    folder.chmod(0o500)
    with serving(folder) as served:
        _, index = handed_over(served.page("/shelf/browser/index.js"))
        served.page(f"/shelf/browser/letters-0.js?version={index['version']}")
        assert "Leaderboard of suite" in served.page("/shelf/leaderboard.html")
        assert content(folder) == before
    assert content(folder) == before
    folder.chmod(0o700)


def test_what_a_killed_run_left_in_its_log_is_shown(suite: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(suite, tmp_path / "killed"))
    records = sqlite3.connect(folder / "suite.sqlite")
    records.execute("UPDATE records SET rowid = rowid + 100 WHERE instance = 'q003'")
    records.commit()
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name in ("suite.sqlite", "suite.sqlite-wal", "responses.sqlite", "manifest.json"):
        shutil.copy(folder / name, crashed / name)
    records.close()
    with serving(crashed) as served:
        assert served.state("crashed")["last_record"] > 100
        assert served.state("crashed")["progress"] == "running"
        assert "exact_match" in served.page("/crashed/leaderboard.html")


def test_several_suites_are_listed(suite: Path, tmp_path: Path) -> None:
    for name in ("a", "b & <i>b"):
        shutil.copytree(suite, tmp_path / name)
    (tmp_path / "notes").mkdir()
    with serving(tmp_path) as served:
        page = served.page("/")
        assert 'href="/a/leaderboard.html"' in page
        assert "b &amp; &lt;i&gt;b" in page
        assert "notes" not in page
        assert 'href="/">All suites' in served.page("/b%20%26%20%3Ci%3Eb/leaderboard.html")
        assert served.get("/c/leaderboard.html").status == 404
        shutil.copytree(suite, tmp_path / "c")
        assert "Leaderboard of suite" in served.page("/c/leaderboard.html")


def test_one_suite_is_there_at_once(served: Served) -> None:
    for path in ("/", "/default/"):
        answer = served.get(path)
        assert (answer.status, answer.headers["Location"].endswith("leaderboard.html")) == (302, True)
    assert "All suites" not in served.page("/default/leaderboard.html")


@pytest.mark.parametrize("gone", ["folder", "file"])
def test_a_suite_that_is_deleted_meanwhile(suite: Path, tmp_path: Path, gone: str) -> None:
    folder = Path(shutil.copytree(suite, tmp_path / "short"))
    with serving(folder) as served:
        assert served.state("short")["progress"] == "finished"
        if gone == "folder":
            shutil.rmtree(folder)
        else:
            (folder / "suite.sqlite").write_bytes(b"no database" * 1000)
        for path in ("/short/leaderboard.html", "/short/instances.html", "/short/browser/index.js"):
            answer = served.get(path)
            assert answer.status == (503 if gone == "folder" else 500)
            assert ("is not there any more" if gone == "folder" else "cannot be read") in answer.text
        assert served.state("short")["progress"] == "gone"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(suite, folder)
        assert "Leaderboard of suite" in served.page("/short/leaderboard.html")
        status, _, err = served.stop()
    assert (status, err) == (130, "medhelm: interrupted\n")


HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "medhelm",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@pytest.mark.parametrize(
    "path", ["/", "/default/leaderboard.html", "/default/instances.html", "/default/browser/index.js", "/nowhere"]
)
def test_every_answer_is_guarded(served: Served, path: str) -> None:
    headers = served.get(path).headers
    assert headers.items() >= HEADERS.items()
    assert not [name for name in headers if name.lower().startswith("access-control")]
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'unsafe" not in policy
    assert served.get(path, Origin="http://evil.example").headers.keys() == headers.keys()


def test_only_reading_is_answered(served: Served) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        answer = served.get("/default/leaderboard.html", method)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    head = served.get("/default/leaderboard.html", "HEAD")
    assert (head.status, head.text) == (200, "")


@pytest.mark.parametrize(
    "path",
    [
        "/default/suite.sqlite",
        "/default/responses.sqlite",
        "/default/manifest.json",
        "/default/browser/../suite.sqlite",
        "/default/browser/..%2fsuite.sqlite",
        "/default/browser/..%2f..%2f..%2fpinned.js",
        "/../../../../etc/passwd",
        "/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/default/browser/%00.js",
        "/default/browser/letters-0.js%00?version=x",
        "/./leaderboard.html",
        "/%64%65fault/../default/leaderboard.json",
    ],
)
def test_nothing_else_is_there(served: Served, path: str) -> None:
    answer = served.get(path)
    assert answer.status in (400, 404)
    assert "root:" not in answer.text
    assert "SQLite" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:8000", "LOCALHOST", "[::1]:8000", "10.1.2.3"])
def test_it_is_asked_by_its_own_names(served: Served, host: str) -> None:
    assert served.get("/default/leaderboard.html", Host=host).status == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8000", "", "a b"])
def test_a_name_that_points_here_is_refused(served: Served, host: str) -> None:
    answer = served.get("/default/leaderboard.html", Host=host)
    assert answer.status in (400, 421)
    assert "Leaderboard of suite" not in answer.text


@pytest.mark.parametrize(
    ("site", "mode", "status"),
    [
        ("none", "navigate", 200),
        ("same-origin", "no-cors", 200),
        ("cross-site", "navigate", 200),
        ("same-site", "no-cors", 403),
        ("cross-site", "cors", 403),
    ],
)
def test_another_site_gets_no_data(served: Served, site: str, mode: str, status: int) -> None:
    answer = served.get("/default/browser/index.js", Sec_Fetch_Site=site, Sec_Fetch_Mode=mode)
    assert answer.status == status


def test_the_token_is_shown_once(suite: Path) -> None:
    with serving(suite, "--token", "--verbose") as served:
        token = served.query.removeprefix("?token=")
        assert len(token) >= 32
        for path in ("/", "/default/leaderboard.html", "/default/browser/index.js?token=wrong", "/?token="):
            answer = served.get(path)
            assert answer.status == 403
            assert "open the address that medhelm serve printed" in answer.text
        answer = served.get(f"/default/leaderboard.html?token={token}")
        assert (answer.status, answer.headers["Location"]) == (303, "/default/leaderboard.html")
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert token not in cookie
        shown = cookie.partition(";")[0]
        assert shown.startswith(f"medhelm-{served.port}=")
        assert served.get("/default/leaderboard.html", Cookie=shown).status == 200
        assert served.get("/default/status.json", Cookie=shown + "x").status == 403
        assert served.get(f"//evil.example/?token={token}").headers["Location"] == "/evil.example/"
        _, _, err = served.stop()
    assert token not in err
    assert "GET /default/leaderboard.html 303\n" in err


def test_a_token_of_ones_own(suite: Path) -> None:
    with serving(suite, "--token=correct horse battery") as served:
        assert served.query == "?token=correct%20horse%20battery"
        assert served.get("/" + served.query).status == 303


def test_other_machines_need_the_token(suite: Path) -> None:
    with serving(suite, "--host=0.0.0.0", "--token") as served:
        assert served.get("/default/leaderboard.html").status == 403
        assert served.get("/" + served.query).status == 303
        assert served.get("/" + served.query, Host=socket.gethostname()).status == 303
        _, out, _ = served.stop()
    assert "unencrypted" in out


def test_requests_are_not_printed_unless_asked(suite: Path) -> None:
    for options, expected in (((), []), (("--verbose",), ["GET /%1B%5B2J 404", "GET /default/status.json 200"])):
        with serving(suite, *options) as served:
            served.get("/%1B%5B2J")
            served.get("/default/status.json?instance=secret")
            _, out, err = served.stop()
        assert err.splitlines()[:-1] == expected
        assert "GET" not in out


def test_ctrl_c_ends_it_while_somebody_is_connected(suite: Path) -> None:
    with serving(suite) as served, socket.create_connection(("127.0.0.1", served.port)) as idle:
        idle.sendall(b"GET /default/leaderboard.html HTTP/1.1\r\n")
        with socket.create_connection(("127.0.0.1", served.port)) as away:
            away.sendall(b"GET /default/browser/index.js HTTP/1.1\r\nHost: localhost\r\n\r\n")
        status, _, err = served.stop()
    assert (status, err) == (130, "medhelm: interrupted\n")


def test_the_next_free_port_is_taken(suite: Path, tmp_path: Path) -> None:
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind(("127.0.0.1", 8000))
        taken.listen()
    except OSError:
        pass  # another program has it, which is as good
    with taken:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest_medhelm", "serve", suite],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            served = Served(process)
            assert 8000 < served.port < 8100
            assert "(port 8000 is taken; Ctrl-C ends it)" in served.said
            assert served.get("/default/leaderboard.html").status == 200
        finally:
            process.kill()
            process.communicate()


def test_a_suite_that_has_just_begun(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "responses.sqlite").touch()
    with serving(folder) as served:
        for sql in ("", "CREATE TABLE settings(hash, facts)", "CREATE TABLE runs(number, id, manifest)"):
            answer = served.get("/new/leaderboard.html")
            assert (answer.status, "has no result yet" in answer.text) == (200, True)
            assert served.state("new")["progress"] == "gone"
            records = sqlite3.connect(folder / "suite.sqlite")
            records.execute(sql)
            records.close()
        answer = served.get("/new/leaderboard.html")
        assert (answer.status, "has no result yet" in answer.text) == (200, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "nowhere is no suite, and holds none: run pytest with --medhelm-model=... first"),
        ([], "medhelm-results/default is no suite, and holds none"),
        (["SUITE", "--host=0.0.0.0"], "lets other machines in, so it needs a token: type --host=0.0.0.0 --token"),
        (["SUITE", "--host=::"], "lets other machines in, so it needs a token: type --host=:: --token"),
        (["SUITE", "--host=192.0.2.7", "--token"], "--host=192.0.2.7 cannot be bound"),
        (["SUITE", "--host=no such host"], "is no address of this machine"),
        (["SUITE", "--token=short"], "--token=short could be guessed"),
        (["SUITE", "--port=TAKEN"], "is taken by another program: leave it out to get the next free one"),
        (["SUITE", "--port=99999"], "--port=99999 is no port: type a number from 1 to 65535"),
        (["SUITE", "--port=-1"], "--port=-1 is no port: type a number from 1 to 65535"),
        (["TEXT"], "cannot be read (file is not a database)"),
        (["OLDER"], "is of another version: type medhelm report"),
        (["HALF"], "cannot be read (No such file or directory)"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(
    arguments: list[str],
    sentence: str,
    suite: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "suite.sqlite").write_text("these are no records" * 100)
    (tmp_path / "text" / "responses.sqlite").touch()
    (tmp_path / "half").mkdir()
    shutil.copy(suite / "suite.sqlite", tmp_path / "half")
    older = Path(shutil.copytree(suite, tmp_path / "older"))
    records = sqlite3.connect(older / "suite.sqlite")
    records.execute("DROP TABLE records")
    records.commit()
    records.close()
    os.utime(older / "suite.sqlite", (1e9, 1e9))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        names = {
            "SUITE": str(suite), "TAKEN": str(taken.getsockname()[1]), "TEXT": "text", "OLDER": "older", "HALF": "half",
        }  # fmt: skip
        told = [re.sub("|".join(names), lambda found: names[found[0]], argument) for argument in arguments]
        status = main(["serve", *told])
    out, err = capsys.readouterr()
    assert (status, out) == (1, "")
    assert sentence in err
    assert err.startswith("medhelm: ")
    assert len(err.splitlines()) == 1
