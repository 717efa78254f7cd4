"""A session that evaluated nothing is no success: exit status 5, and what to type."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.letters import LETTERS

LEXICAL = "--medhelm-model=baseline/lexical"


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("data/letters", "letters.json lies in *data/letters itself: name its parent, --medhelm-data=*data"),
        (".", "it lies one level deeper: name --medhelm-data=*data"),
        (
            "elsewhere",
            "get it from the tests; put letters.json into *elsewhere/letters and name --medhelm-data=*elsewhere",
        ),
        ("flat", "letters.json lies in *flat itself: put it into *flat/letters"),
    ],
)
def test_data_in_the_wrong_place_says_what_to_type(
    folder: str,
    said: str,
    letters: Callable[..., Path],
    run: Callable[..., pytest.RunResult],
    pytester: pytest.Pytester,
) -> None:
    letters(3)
    (pytester.path / "elsewhere").mkdir()
    (pytester.path / "flat").mkdir()
    shutil.copy(pytester.path / "data/letters/letters.json", pytester.path / "flat")
    result = run(LEXICAL, f"--medhelm-data={folder}")
    assert result.ret == 5
    result.stdout.fnmatch_lines_random(
        [f"*letters has no data here: {said}*", "*nothing was evaluated (exit status 5)*"]
    )


def test_a_name_that_is_misspelt(letters: Callable[..., Path], run: Callable[..., pytest.RunResult]) -> None:
    """Also where tests are only listed, and by workers of xdist."""
    letters(3)
    options = (LEXICAL, "--medhelm-data=data", "-k", "lettters")
    for more in ((), ("--collect-only", "-q")):
        result = run(*options, *more)
        assert result.ret == 5
        result.stdout.fnmatch_lines(["*nothing is called 'lettters': did you mean letters?*"])
    assert "nothing is called" not in run(LEXICAL, "--medhelm-data=data", "-k", "letters", "--co", "-q").stdout.str()
    strict = run(LEXICAL, "--medhelm-data=data", "-m", "lettters", "--strict-markers", "-n", "2")
    assert strict.ret == 4
    assert "INTERNALERROR" not in strict.stdout.str()
    strict.stderr.fnmatch_lines(["ERROR: medhelm: the workers of -n refuse this command: add -n 0, which says why"])


def test_nothing_is_left_of_it(letters: Callable[..., Path], run: Callable[..., pytest.RunResult]) -> None:
    """Of a run that was called wrongly, or selected nothing: 'medhelm trend medhelm-results/*' meets suites alone."""
    letters(3)
    results = Path("medhelm-results")
    assert run(LEXICAL, "--medhelm-data=elsewhere").ret == 4
    assert run(LEXICAL, "--medhelm-data=data", "-m", "lettters").ret == 5
    assert not (results / "default").exists()
    assert run(LEXICAL, "--medhelm-data=data", "--medhelm-suite=kept").ret == 0
    assert run(LEXICAL, "--medhelm-data=data", "--medhelm-suite=kept", "-m", "lettters").ret == 5
    assert (results / "kept" / "suite.sqlite").is_file(), "what an earlier run made stays"


def test_one_benchmark_that_was_evaluated_is_enough(
    letters: Callable[..., Path], run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    data = letters(3)
    path = pytester.path / "test_letters.py"
    (pytester.path / "test_other.py").write_text(path.read_text().replace('name="letters"', 'name="other"'))
    both = run(LEXICAL, f"--medhelm-data={data}")
    assert both.ret == 0
    both.stdout.fnmatch_lines(["*1 skipped, 3 scored*"])
    assert run(LEXICAL, f"--medhelm-data={data}", "-k", "other", "-n", "2").ret == 5
    assert run(LEXICAL, f"--medhelm-data={data}", "-k", "other", "--medhelm-gate=other >= 0.1").ret == 1
    assert run(LEXICAL, f"--medhelm-data={data}", "-k", "other", "--collect-only").ret == 0
    assert run(f"--medhelm-data={data}").ret == 0


def test_two_benchmarks_of_one_name_are_refused_at_collection(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    (pytester.path / "pinned.json").write_text("[]")
    for name in ("test_first.py", "test_second.py"):
        (pytester.path / name).write_text(LETTERS)
    result = run(LEXICAL)
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*test_second.py: the name 'letters' is taken by *test_first.py; choose another*"])
    assert not (pytester.path / "medhelm-results/default/leaderboard.json").exists()
