"""Every way in which a test of a benchmark can end, in every report: no text of a record is shown, and what can be is.

One module holds the ways; each ends one of its items. Its canaries must be nowhere but in the suite's two databases.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from perf.mock_server import MockServer
from tests.support.letters import LETTERS
from tests.support.servers import vllm

CANARY = "CANARY"
"""In every text of the data, of the answers, and of what the module says of them."""
WAYS = """
import logging, sys, threading, unittest, warnings
import pytest

def prompt(instance):
    print("CANARY printed in the prompt")
    return f"CANARY {instance.question}"

class Careless(Exception):
    def __repr__(self):
        return "CANARY in a repr"

class Unraisable:
    def __del__(self):
        raise ValueError("CANARY unraisable")

def _thread():
    def target():
        raise RuntimeError("CANARY in a thread")
    thread = threading.Thread(target=target)
    thread.start()
    thread.join()

def _note(error):
    error.add_note("CANARY in a note")
    return error

def _chain():
    try:
        raise KeyError("CANARY cause")
    except KeyError as error:
        raise ValueError("CANARY effect") from error

def ways(text, request):
    return {
        "assert": lambda: pytest.fail("unused") if text == "CANARY nothing" else None,
        "equal": lambda: _equal(text),
        "fail": lambda: pytest.fail(f"{text} failed"),
        "fail_bare": lambda: pytest.fail(f"{text} failed", pytrace=False),
        "skip": lambda: pytest.skip(f"{text} skipped"),
        "unittest_skip": lambda: (_ for _ in ()).throw(unittest.SkipTest(f"{text} skipped")),
        "importorskip": lambda: pytest.importorskip("no_such_module_CANARY"),
        "xfail": lambda: pytest.xfail(f"{text} expected"),
        "key": lambda: {}[text],
        "group": lambda: (_ for _ in ()).throw(ExceptionGroup(f"{text} group", [ValueError(text)])),
        "chain": _chain,
        "note": lambda: (_ for _ in ()).throw(_note(ValueError(text))),
        "class": lambda: (_ for _ in ()).throw(type(f"CANARY_{len(text)}", (LookupError,), {})()),
        "careless": lambda: (_ for _ in ()).throw(Careless()),
        "exit": lambda: sys.exit(f"{text} exits"),
        "recursion": lambda: _recurse(text),
        "warn": lambda: warnings.warn(f"{text} warned"),
        "warn_user": lambda: warnings.warn_explicit(f"{text} warned", RuntimeWarning, "other_file.py", 3),
        "warn_named": lambda: warnings.warn_explicit("w", type("CANARY_w", (UserWarning,), {}), f"{text}.py", 3),
        "compiled": lambda: exec(compile("1 / 0", f"{text}.py", "exec")),
        "thread": _thread,
        "unraisable": lambda: Unraisable() and None,
        "log": lambda: logging.getLogger("ward").error("logged %s", text),
        "print": lambda: (print(text), print(text, file=sys.stderr), pytest.fail("after printing")),
        "property": lambda: request.getfixturevalue("record_property")("name", text),
        "attribute": lambda: request.getfixturevalue("record_xml_attribute")("name", text),
        "suite": lambda: request.getfixturevalue("record_testsuite_property")("name", text),
        "extra": lambda: request.getfixturevalue("extras").append({"format_type": "text", "name": "", "content": text}),
        "subtest": lambda: _subtest(text, request),
        "mark_xfail": lambda: request.applymarker(pytest.mark.xfail(reason=f"{text} expected")) or pytest.fail(text),
        "mark_strict": lambda: request.applymarker(pytest.mark.xfail(reason=f"{text} expected", strict=True)),
        "system_exit": lambda: (_ for _ in ()).throw(SystemExit(text)),
    }

def _equal(text):
    assert text == "CANARY of something else", f"{text} asserted"

def _recurse(text):
    return _recurse(text + "x")

def _subtest(text, request):
    with request.getfixturevalue("subtests").test(msg=f"{text} subtest", value=text):
        print(text)
        assert text == "CANARY other"

@pytest.fixture
def careless_setup(instance):
    if instance.fields["way"] == "setup":
        raise LookupError(f"{instance.question} in setup")
    yield
    if instance.fields["way"] == "teardown":
        print(instance.question)
        raise LookupError(f"{instance.question} in teardown")

def test_letters(instance, response, score, careless_setup, request):
    score.exact_match(response.choice, instance.answer)
    text = f"CANARY {instance.question} {response.text}"
    ways(text, request).get(instance.fields["way"], lambda: None)()
"""


def module(access: str = "private") -> str:
    """The module: the small benchmark with a way for each instance."""
    head = LETTERS.partition("def prompt")[0].replace('access="public"', f'access="{access}"')
    made = 'choices=("one", "two", "three", "four"))'
    assert made in head
    return head.replace(made, 'choices=("one", "two", "three", "four"), fields={"way": row["way"]})') + WAYS


def write(folder: Path, ways: list[str]) -> Path:
    """The module and its data; returns the data folder."""
    rows = [{"id": f"CANARY-{way}", "question": f"CANARY case of {way}.", "answer": "A", "way": way} for way in ways]
    (folder / "pinned.json").write_text(json.dumps(rows))
    (folder / "test_letters.py").write_text(module())
    (folder / "data/letters").mkdir(parents=True)
    (folder / "data/letters/letters.json").write_text(json.dumps(rows))
    return folder / "data"


def all_ways() -> list[str]:
    names = [line.split('"')[1] for line in WAYS.splitlines() if line.startswith('        "') and '": ' in line]
    assert len(names) > 25
    return [*names, "setup", "teardown"]


REPORTS = (
    "-v", "-rA", "--tb=long", "--showlocals", "--setup-show", "--durations=0", "-o", "junit_logging=all",
    "-o", "log_cli=true", "--log-file=log.txt", "--junitxml=ci.xml", "--html=ci.html", "--self-contained-html",
)  # fmt: skip


def outside_of_databases(folder: Path, said: pytest.RunResult) -> dict[str, str]:
    """By name what the session wrote and printed, but for what the author gave it, and the databases."""
    given = {"pinned.json", "test_letters.py", "letters.json", "conftest.py", "stdout", "stderr"}
    found = {"stdout": said.stdout.str(), "stderr": said.stderr.str()}
    for path in folder.rglob("*"):
        inside = path.relative_to(folder).parts
        # The pages of all instances are the suite's own files.
        kept = inside[0] == "medhelm-results" and (path.suffix == ".sqlite" or "browser" in inside)
        if path.is_file() and path.name not in given and path.suffix != ".pyc" and not kept:
            found["/".join(inside)] = html.unescape(html.unescape(path.read_bytes().decode("utf-8", "replace")))
    return found


@pytest.mark.parametrize("extra", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_no_way_to_end_shows_text(
    extra: tuple[str, ...], run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    ways = all_ways()
    data = write(pytester.path, ways)
    with MockServer(lambda body: "CANARY answered A") as server:
        result = run(*vllm(server), f"--medhelm-data={data}", *REPORTS, *extra)
    found = outside_of_databases(pytester.path, result)
    assert {"ci.xml", "ci.html", "medhelm-results/default/leaderboard.json"} <= found.keys()
    leaks = {name: [line for line in text.splitlines() if CANARY in line][:5] for name, text in found.items()}
    assert {name: lines for name, lines in leaks.items() if lines} == {}
    assert result.ret == 1
    # What is said instead: type, line, public id and the key of the request.
    result.stdout.fnmatch_lines_random(["*KeyError at test_letters.py:* (vllm/mock-*, request *"])
    assert (pytester.path / "medhelm-results/default/responses.sqlite").read_bytes().count(b"CANARY") >= len(ways)


@pytest.mark.parametrize("stop", ['pytest.exit(f"{text} stops", returncode=7)', "raise KeyboardInterrupt(text)"])
def test_what_stops_the_session_shows_no_text(
    stop: str, run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    data = write(pytester.path, ["none", "none2"])
    path = pytester.path / "test_letters.py"
    path.write_text(path.read_text() + f"    {stop}\n")
    with MockServer(lambda body: "CANARY answered A") as server:
        result = run(*vllm(server), f"--medhelm-data={data}", "--full-trace")
    assert CANARY not in result.stdout.str() + result.stderr.str()
    assert result.ret == (7 if "exit" in stop else 2)


def test_a_loader_that_interrupts_shows_no_text(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    data = write(pytester.path, ["none"])
    head, _, rest = module().partition("def load(path):")
    loader = "    raise KeyboardInterrupt('CANARY cell')\n    yield"
    (pytester.path / "test_letters.py").write_text(
        f"{head}def load(path):\n{loader}\n\nTASK = {rest.partition('TASK = ')[2]}"
    )
    result = run("--medhelm-model=baseline/random", f"--medhelm-data={data}", "--full-trace")
    assert CANARY not in result.stdout.str() + result.stderr.str()
    assert result.ret == 2


LOADERS = (
    "    raise KeyError('CANARY cell')\n    yield",
    "    import warnings\n    warnings.warn('CANARY in a loader')\n    raise ValueError('CANARY')\n    yield",
    "    raise SystemExit('CANARY')\n    yield",
    "    import pytest\n    pytest.skip('CANARY')\n    yield",
    "    print('CANARY printed')\n    raise RecursionError('CANARY')\n    yield",
    "    yield Instance('1', 'CANARY \\ud800', 'A', choices=('one', 'two', 'three', 'four'))",
)
IMPORTS = (
    "ROWS = {}['CANARY']",
    "import warnings; warnings.warn('CANARY'); ROWS = []",
    "raise ImportError('CANARY')",
    "import pytest; pytest.skip('CANARY', allow_module_level=True)",
    "assert 'CANARY' == 'CANARY 2'",
)


def test_no_loader_and_no_import_shows_text_or_stops_another_benchmark(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    data = write(pytester.path, ["none"])
    head, _, rest = module().partition("def load(path):")
    modules = [f"{head}def load(path):\n{loader}\n\nTASK = {rest.partition('TASK = ')[2]}" for loader in LOADERS]
    modules += [f"{module()}\n{line}\n" for line in IMPORTS]
    for number, text in enumerate(modules):
        (pytester.path / f"test_b{number}.py").write_text(text.replace('name="letters"', f'name="b{number}"'))
        (data / f"b{number}").mkdir()
        (data / f"b{number}/letters.json").write_bytes((data / "letters/letters.json").read_bytes())
    with MockServer(lambda body: "CANARY answered A") as server:
        options = (f"--medhelm-data={data}", "-rA", "--junitxml=ci.xml", "--continue-on-collection-errors")
        result = run(*vllm(server), *options)
    said = result.stdout.str() + (pytester.path / "ci.xml").read_text()
    assert [line for line in said.splitlines() if CANARY in line] == []
    # The whole benchmark, and the one whose import only warns.
    result.stdout.fnmatch_lines(["*2 scored*"])
    for number, error in enumerate(("KeyError", "ValueError", "SystemExit")):
        assert f"b{number}: its loader ends with {error} at test_b{number}.py:" in said
    assert "b5: instance 1 of its data holds half a character" in said
    assert "KeyError at test_b6.py:" in said


def test_with_show_text_all_of_it_is_there(run: Callable[..., pytest.RunResult], pytester: pytest.Pytester) -> None:
    data = write(pytester.path, ["key", "skip", "xfail", "warn"])
    with MockServer(lambda body: "CANARY answered A") as server:
        result = run(*vllm(server), f"--medhelm-data={data}", "-rA", "--medhelm-show-text", "--junitxml=ci.xml")
    said = result.stdout.str() + (pytester.path / "ci.xml").read_text()
    for part in ("CANARY case of key", "answered A skipped", "answered A expected", "answered A warned"):
        assert part in said


def test_other_tests_are_shown_as_ever(run: Callable[..., pytest.RunResult], pytester: pytest.Pytester) -> None:
    data = write(pytester.path, ["none"])
    (pytester.path / "test_other.py").write_text(
        "import warnings\ndef test_other():\n    print('mine')\n    warnings.warn('my warning')\n    assert 1 == 2\n"
    )
    with MockServer(lambda body: "A") as server:
        result = run(*vllm(server), f"--medhelm-data={data}", "-rA")
    result.stdout.fnmatch_lines_random(["E       assert 1 == 2", "mine", "*my warning"])
