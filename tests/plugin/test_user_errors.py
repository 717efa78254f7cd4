"""What a user gets wrong ends in one sentence and pytest's own exit status, and loses nothing."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from tests.support.mistakes import COMMANDS, OPTIONS, RUNS, Mistake
from tests.support.paths import BENCHMARKS, CHECKOUT
from tests.support.servers import vllm
from tests.support.suites import cell, leaderboard

LOCAL = "--medhelm-base-url=http://127.0.0.1:9/v1"


@pytest.mark.parametrize("mistake", OPTIONS, ids=lambda mistake: mistake.said[:40])
def test_wrong_options_are_one_sentence(mistake: Mistake, pytester: pytest.Pytester) -> None:
    write(mistake)
    result = pytester.runpytest_inprocess(*shlex.split(mistake.typed)[1:])
    assert result.ret == mistake.status
    assert mistake.is_told_in(result.stderr.str()), result.stderr.str()
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


@pytest.mark.parametrize("mistake", RUNS, ids=lambda mistake: mistake.said[:40])
def test_what_cannot_be_meant_is_one_sentence(mistake: Mistake, letters: Callable[..., Path], run: Any) -> None:
    letters(4)
    result = run(*shlex.split(mistake.typed)[1:])
    told = result.stderr.str() + result.stdout.str()
    assert mistake.is_told_in(told), told
    assert result.ret == mistake.status
    if mistake.status == 4:
        assert not Path("medhelm-results/default/leaderboard.json").exists(), "before the first request"


@pytest.mark.parametrize("mistake", COMMANDS, ids=lambda mistake: mistake.said[:40])
def test_the_medhelm_command_fails_in_one_line(
    mistake: Mistake, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    write(mistake)
    assert main(shlex.split(mistake.typed)[1:]) == mistake.status
    shown = capsys.readouterr()
    assert mistake.is_told_in(shown.err + shown.out), shown
    assert shown.err.count("\n") <= 1


def write(mistake: Mistake) -> None:
    for name, text in mistake.files.items():
        Path(name).write_text(text)


def test_the_table_of_mistakes_is_that_of_the_page() -> None:
    path = CHECKOUT / "docs" / "troubleshooting.py"
    spec = spec_from_file_location("docs_troubleshooting", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    text = module.PAGE.read_text("utf-8")
    assert module.page(text) == text, "type: python docs/troubleshooting.py"


@pytest.mark.parametrize(
    ("rule", "column", "expected"),
    [
        ("pubmed_qa.exact_match > 0.7", 23, ">= or <="),
        ("pubmed_qa.exact_match >= high", 26, "a number"),
        (">= 0.7", 1, "a benchmark, a category, [*], or cost"),
        ("pubmed_qa.exact_match.middle >= 0.7", 23, ".lower or .upper"),
        ("pubmed_qa.exact_match >= 0.7 please", 30, "nothing more"),
        ("", 1, "a benchmark, a category, [*], or cost"),
    ],
)
def test_a_wrong_gate_names_the_column(rule: str, column: int, expected: str, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--medhelm-model=baseline/random", f"--medhelm-gate={rule}")
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: gate *, column {column}: expected {expected}*"])


def test_a_dead_server_is_one_sentence_and_nothing_else(letters: Callable[..., Path], run: Any) -> None:
    result = run("--medhelm-model=vllm/a", LOCAL, f"--medhelm-data={letters(5)}")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: no server answers at http://127.0.0.1:9/v1/models (*): start it, or name *"])
    assert len(result.stderr.lines) <= 2
    assert "Traceback" not in result.stdout.str()


def test_a_model_that_is_not_served(letters: Callable[..., Path], run: Any) -> None:
    with MockServer(models=("org/llama-3-8b", "org/llama-3-70b")) as server:
        base = f"--medhelm-base-url={server.url}"
        result = run("--medhelm-model=vllm/mistral", base, f"--medhelm-data={letters(2)}")
        assert result.ret == 4
        result.stderr.fnmatch_lines(
            ["ERROR: 'mistral' is not served; the server lists: org/llama-3-8b, org/llama-3-70b"]
        )
        result = run("--medhelm-model=vllm/llama-3", base, f"--medhelm-data={letters(2)}")
        result.stderr.fnmatch_lines(["ERROR: 'llama-3' stands for several served models: *; type one of them whole"])
        assert run("--medhelm-model=vllm/LLAMA-3-8b", base, f"--medhelm-data={letters(2)}").ret == 0
        assert server.requests[0]["model"] == "org/llama-3-8b"


def test_a_refused_key(letters: Callable[..., Path], run: Any) -> None:
    with MockServer(api_key="sesame") as server:
        result = run(*vllm(server), f"--medhelm-data={letters(2)}")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: * refuses the key (HTTP 401): check $VLLM_API_KEY of endpoint 'vllm'"])


def test_a_server_that_speaks_something_else(run: Any) -> None:
    import http.server
    import threading

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        result = run("--medhelm-model=vllm/a", f"--medhelm-base-url=http://127.0.0.1:{server.server_port}/v1")
        server.shutdown()
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: * is not an OpenAI-compatible server: it does not list models as JSON"])


def test_an_unknown_benchmark(run: Any) -> None:
    result = run(BENCHMARKS, "--medhelm-model=baseline/random", "-k", "pubmedqa")
    assert result.ret == 5
    result.stdout.fnmatch_lines(["medhelm: nothing is called 'pubmedqa': did you mean pubmed_qa? 'medhelm tasks' *"])


def test_a_wrong_checksum_fails_alone(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    data = letters(4)
    (data / "pubmed_qa").mkdir()
    (data / "pubmed_qa" / "ori_pqal.json").write_text("{}")
    result = run(
        pytester.path, BENCHMARKS / "medical_research_assistance/test_pubmed_qa.py",
        "--medhelm-model=baseline/majority", f"--medhelm-data={data}",
    )  # fmt: skip
    assert result.ret == 1
    output = result.stdout.str()
    assert "ori_pqal.json is not the pinned file (sha256 44136fa355b3..., not 8b3276be8942...)" in output
    assert "[data.pubmed_qa] accept = ['ori_pqal.json']" in output
    assert "Traceback" not in output
    assert cell(leaderboard(pytester.path), "letters")["statuses"] == {"ok": 4}


def test_an_accepted_file_is_used_and_named(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    data = letters(4)
    file = data / "letters" / "letters.json"
    file.write_text(file.read_text().replace("Case 1", "Case 99"))
    assert run("--medhelm-model=baseline/majority", f"--medhelm-data={data}").ret == 1
    (pytester.path / "medhelm.toml").write_text('[data.letters]\naccept = ["letters.json"]\n')
    assert run("--medhelm-model=baseline/majority", f"--medhelm-data={data}").ret == 0
    (benchmark,) = leaderboard(pytester.path)["results"]["benchmarks"]
    assert benchmark["data"]["accepted"] == ["letters.json"]


def test_missing_data_skips_alone_and_says_what_to_get(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    letters(4)
    result = run("--medhelm-model=baseline/majority")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(
        ["medhelm: letters has no data here: get it from the tests; put letters.json into *letters and name *"]
    )


def test_malformed_data_is_one_sentence(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    (pytester.path / "medhelm.toml").write_text('[data.pubmed_qa]\naccept = ["ori_pqal.json"]\n')
    folder = pytester.path / "data" / "pubmed_qa"
    folder.mkdir(parents=True)
    (folder / "ori_pqal.json").write_text('{"1": {"QUESTION": "Secret complaint?"}}')
    result = run(
        BENCHMARKS / "medical_research_assistance/test_pubmed_qa.py", "--medhelm-model=baseline/majority",
        f"--medhelm-data={pytester.path / 'data'}",
    )  # fmt: skip
    assert result.ret == 1
    output = result.stdout.str()
    assert "ori_pqal.json" in output
    assert re.search(r"row 1: the column '\w+' is missing", output)
    assert "Secret" not in output
    assert "Traceback" not in output


@pytest.mark.parametrize("what", ["a file", "a foreign database"])
def test_a_suite_that_cannot_be_written(what: str, run: Any, pytester: pytest.Pytester) -> None:
    if what == "a file":
        (pytester.path / "results").write_text("")
    else:
        (pytester.path / "results/default").mkdir(parents=True)
        (pytester.path / "results/default/responses.sqlite").write_text("something else altogether " * 100)
    result = run("--medhelm-model=baseline/random", "--medhelm-results=results")
    assert result.ret == 4
    said = "ERROR: the suite *default cannot be written (*): name a folder with *"
    if what == "a foreign database":
        said = "ERROR: *responses.sqlite is damaged or no database (*): take it from a backup, or move it away and *"
    result.stderr.fnmatch_lines([said])


def test_a_suite_that_may_only_be_read(run: Any, pytester: pytest.Pytester) -> None:
    options = ("--medhelm-model=baseline/random", "--medhelm-results=results")
    suite = pytester.path / "results/default/suite.sqlite"
    suite.parent.mkdir(parents=True)
    suite.write_bytes(b"")
    suite.chmod(0o400)
    if os.access(suite, os.W_OK):
        pytest.skip("whoever runs this test may write to every file (root)")
    result = run(*options)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: the suite *default cannot be written (suite.sqlite is read-only): name *"])


def test_a_fixture_without_a_task_is_explained(pytester: pytest.Pytester, run: Any) -> None:
    pytester.makepyfile("def test_it(instance, response): pass")
    result = run("--medhelm-model=baseline/random")
    assert result.ret != 0
    assert "its module declares no TASK = Task(...)" in result.stdout.str() + result.stderr.str()


def test_an_unknown_metric_is_named(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    data = letters(1)
    path = pytester.path / "test_letters.py"
    path.write_text(path.read_text().replace("score.exact_match", "score.exact_macth"))
    result = run("--medhelm-model=baseline/random", f"--medhelm-data={data}", "--medhelm-show-text")
    assert "'Score' object has no attribute 'exact_macth'" in result.stdout.str()


def test_the_medhelm_command_lists_and_reports(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    import sys

    result = pytester.run(sys.executable, "-m", "pytest_medhelm", "models", server.url)
    assert result.stdout.lines == ["mock"]
    run(*vllm(server), f"--medhelm-data={letters(3)}")
    before = leaderboard(pytester.path)
    page = pytester.path / "medhelm-results/default/leaderboard.html"
    page.unlink()
    result = pytester.run(sys.executable, "-m", "pytest_medhelm", "report", "medhelm-results/default")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["benchmark *mock", "  letters *1.00*", "page: *leaderboard.html"])
    assert page.exists()
    assert leaderboard(pytester.path)["results"] == before["results"]


def test_a_suite_that_cannot_be_read_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for content, said in (
        (b"no database at all, but long enough to look like one", "cannot be read"),
        (b"", "no run yet"),
    ):
        (tmp_path / "suite.sqlite").write_bytes(content)
        assert main(["report", str(tmp_path)]) == 1
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1


def test_a_refused_gate_is_no_wrong_name_of_a_benchmark(letters: Callable[..., Path], run: Any) -> None:
    gate = "--medhelm-gate=letterz.exact_match >= 0.5"
    result = run("--medhelm-model=baseline/random", f"--medhelm-data={letters(4)}", "-k", "q000", gate)
    assert result.ret == 4
    assert "nothing is called" not in result.stdout.str()
    result.stderr.fnmatch_lines(["ERROR: gate 'letterz.exact_match >= 0.5': there is no benchmark*"])
