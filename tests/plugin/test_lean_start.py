"""What a session need not pay for at its start and its end."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.reports.html.templating import template


def test_our_modules_are_not_rewritten_and_benchmarks_are(
    letters: Callable[..., Path], pytester: pytest.Pytester
) -> None:
    letters(1)
    pytester.makeconftest(
        "import sys\n"
        "def pytest_sessionfinish():\n"
        "    for name in ('pytest_medhelm.reports.write', 'test_letters'):\n"
        "        print(name, type(sys.modules[name].__spec__.loader).__name__)\n"
    )
    # A Python of its own: the sessions of other tests have imported everything before.
    arguments = ("-p", "no:cacheprovider", "--medhelm-model=baseline/random", "--medhelm-data=data", "-s")
    result = pytester.run(sys.executable, "-m", "pytest", *arguments)
    result.stdout.re_match_lines(
        [".*pytest_medhelm.reports.write SourceFileLoader", "test_letters AssertionRewritingHook"]
    )


def test_right_or_wrong_scores_need_no_numpy_and_stored_answers_no_client(
    letters: Callable[..., Path], pytester: pytest.Pytester, server: MockServer
) -> None:
    data = letters(10)
    pytester.makeconftest(
        "import sys\n"
        "def pytest_unconfigure():\n"
        "    print('HEAVY', *sorted({'numpy', 'aiohttp', 'openai', 'yaml'} & {*sys.modules}))\n"
    )
    asked = (f"--medhelm-data={data}", "--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}")
    loaded = []
    for _ in range(2):
        # A Python of its own, as above.
        result = pytester.run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *asked)
        assert result.ret == 0
        loaded += [line for line in result.outlines if line.startswith("HEAVY")]
    assert loaded == ["HEAVY aiohttp", "HEAVY"]


def test_agents_perturbations_and_gates_cost_nothing_where_there_are_none(
    letters: Callable[..., Path], pytester: pytest.Pytester
) -> None:
    letters(1)
    rooms = ("agents", "tasks.perturbations.chosen", "gates.rule", "scoring.answers.number")
    # When items have run: the pages know of gates whether there are any or not.
    pytester.makeconftest(
        "import sys\n"
        "def pytest_runtest_teardown():\n"
        f"    print('LOADED', *(room for room in {rooms} if 'pytest_medhelm.' + room in sys.modules))\n"
    )
    arguments = ("-p", "no:cacheprovider", "--medhelm-model=baseline/majority", "--medhelm-data=data", "-s")
    loaded = []
    for more in ((), ("--medhelm-perturb=robustness", "--medhelm-gate=letters.exact_match >= 0.1")):
        result = pytester.run(sys.executable, "-m", "pytest", *arguments, *more)
        loaded.append(next(line for line in result.outlines if "LOADED" in line).partition("LOADED")[2].split())
    assert loaded == [[], ["tasks.perturbations.chosen", "gates.rule"]]


def test_items_without_a_fixture_of_ones_own_are_set_up_at_once(
    letters: Callable[..., Path], run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    data = letters(2)
    module = pytester.path / "test_letters.py"
    code = module.read_text()
    start = code.index("def test_letters(")
    test = code[start:]
    own = "\n\n@pytest.fixture\ndef own(response):\n    return response\n\n\n"
    second = test.replace("def test_letters(", "def test_with_own(own, ") + "    assert own is response\n"
    module.write_text("import pytest\n" + code + own + second)
    pytester.makeconftest(
        "import gc\n"
        "def pytest_fixture_setup(fixturedef, request):\n"
        "    print('FIXTURE', request.function.__name__, fixturedef.argname)\n"
        "def pytest_sessionfinish():\n"
        "    print('GARBAGE', gc.get_threshold()[0])\n"
    )
    result = run(f"--medhelm-data={data}", "--medhelm-model=baseline/majority", "-s")
    assert "4 scored" in result.stdout.str()
    made = {tuple(line.split("FIXTURE")[1].split()) for line in result.outlines if "FIXTURE" in line}
    assert made == {("test_with_own", name) for name in ("model", "instance", "response", "score", "own")}
    result.stdout.fnmatch_lines(["*GARBAGE 50000*"])


@pytest.mark.parametrize("stemmer", ["as it is", "needs more of nltk"])
def test_rouge_imports_of_nltk_what_its_stemmer_needs(stemmer: str, tmp_path: Path) -> None:
    # As a later version might: its stemmer takes something from the package itself.
    folder = tmp_path / "nltk"
    (folder / "stem").mkdir(parents=True)
    (folder / "__init__.py").write_text("HERE = 1\n")
    (folder / "stem" / "__init__.py").write_text("from nltk.stem import porter\n")
    (folder / "stem" / "porter.py").write_text(
        "from nltk import HERE\nclass PorterStemmer:\n    def stem(self, word):\n        return word[:-1]\n"
    )
    code = (
        "import sys\n"
        "from pytest_medhelm.scoring.metrics.rouge import rouge_english\n"
        "before = rouge_english('Conditional treatments were running', 'a condition treated runs')\n"
        "print('WHOLE', bool({'nltk', 'scipy'} & {*sys.modules}), before['rouge_1'])\n"
        "import nltk\n"
        "assert before == rouge_english('Conditional treatments were running', 'a condition treated runs')\n"
        "print('LATER', hasattr(nltk, 'edit_distance'))\n"
    )
    environment = os.environ | ({} if stemmer == "as it is" else {"PYTHONPATH": str(tmp_path)})
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    # Of four words each, condit and run are the same; a stemmer that cuts the last letter finds none.
    expected = "WHOLE False 0.5\nLATER True\n" if stemmer == "as it is" else "WHOLE True 0.0\nLATER False\n"
    assert ran.stdout == expected


@pytest.mark.parametrize("marks", ["item.own_markers.append(skip.mark)", "item.add_marker(skip)"])
def test_what_a_hook_skips_is_not_asked(
    marks: str, letters: Callable[..., Path], run: Callable[..., pytest.RunResult], pytester: pytest.Pytester,
    server: MockServer,
) -> None:  # fmt: skip
    data = letters(10)
    pytester.makeconftest(
        "import pytest\n"
        "skip = pytest.mark.skip(reason='not today')\n"
        "def pytest_collection_modifyitems(items):\n"
        f"    for item in items[::2]: {marks}\n"
    )
    result = run(f"--medhelm-data={data}", "--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}")
    assert "5 skipped, 5 scored" in result.stdout.str() or "5 scored, 5 skipped" in result.stdout.str()
    assert server.stats()["requests"] == 5


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDHELM_CACHE", str(tmp_path))
    template.cache_clear()
    return tmp_path


def test_compiled_templates_are_kept_for_their_owner_alone(cache_folder: Path) -> None:
    source = template("leaderboard.html").name
    kept = list((cache_folder / "templates").iterdir())
    assert kept
    assert stat.S_IMODE((cache_folder / "templates").stat().st_mode) == 0o700
    template.cache_clear()
    assert template("leaderboard.html").name == source


@pytest.mark.parametrize("mode", [0o777, 0o720])
def test_a_folder_that_others_may_use_is_not_used(cache_folder: Path, mode: int) -> None:
    (cache_folder / "templates").mkdir()
    (cache_folder / "templates").chmod(mode)
    template("leaderboard.html")
    assert not list((cache_folder / "templates").iterdir())


def test_a_cache_folder_that_cannot_be_made_costs_nothing_but_time(
    cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache_folder / "file").touch()
    monkeypatch.setenv("MEDHELM_CACHE", str(cache_folder / "file"))
    assert template("leaderboard.html")
    (cache_folder / "templates").touch()
    monkeypatch.setenv("MEDHELM_CACHE", str(cache_folder))
    template.cache_clear()
    assert template("leaderboard.html")
