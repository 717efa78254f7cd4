"""What -m, -k and --deselect leave nothing of is not read, and the same items run as if it had been."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import KeywordMatcher, MarkMatcher
from _pytest.mark.expression import Expression
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_medhelm.plugin.left_out import LeftOut
from pytest_medhelm.plugin.options import SETTINGS
from tests.support.benchmark_modules import MODULES
from tests.support.paths import BENCHMARKS

WORDS = st.sampled_from(
    [
        *(module.TASK.name for module in MODULES),
        *("medication", "qa", "test_med", "test_medec.py", "benchmarks", "clinical_note_generation", "recording"),
        *("public", "private", "gated", "jury", "sql", "skip", "no-data", "baseline", "random", "random-", "-1", "1"),
        *("[baseline/random", "-2]", "PubMed_QA", "clear", "nothing_like_it", "a", "conducting_literature_research"),
    ]
)
EXPRESSIONS = st.recursive(
    WORDS,
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) and ({pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) or ({pair[1]})"),
    ),
    max_leaves=6,
)


@contextmanager
def collected(pytester: pytest.Pytester, *arguments: object) -> Iterator[list[pytest.Function]]:
    """The items that a session in this process collects."""
    config = pytester.parseconfigure("--collect-only", "-p", "no:terminal", *map(str, arguments))
    session = pytest.Session.from_config(config)
    config.hook.pytest_sessionstart(session=session)
    try:
        yield [item for item in session.perform_collect() if isinstance(item, pytest.Function)]
    finally:
        config.hook.pytest_sessionfinish(session=session, exitstatus=0)


def test_no_item_that_an_expression_selects_is_left_out(pytester: pytest.Pytester, tmp_path: Path) -> None:
    (tmp_path / "test_pubmed_qa.py").write_text(OWN)
    models = ("--medhelm-model=baseline/random", "--medhelm-model=baseline/majority", "--medhelm-limit=2")
    with collected(pytester, *models, BENCHMARKS, tmp_path) as items:
        functions = {(item.parent, item.originalname): item.obj for item in items}
        assert len(functions) == len(MODULES) + 1
        config, decided = items[0].config, {True: 0, False: 0}

        @settings(max_examples=60, deadline=None)
        @given(EXPRESSIONS, st.sampled_from(["keyword", "markexpr"]))
        def same_items(text: str, option: str) -> None:
            if option == "markexpr":
                text = text.replace("[", "").replace("]", "")
            setattr(config.option, option, text)
            try:
                plugin = LeftOut(config, config.stash[SETTINGS])
            finally:
                setattr(config.option, option, "")
            selects = Expression.compile(text).evaluate
            survivors = {
                (item.parent, item.originalname)
                for item in items
                if selects(
                    KeywordMatcher.from_item(item)
                    if option == "keyword"
                    else MarkMatcher.from_markers(item.iter_markers())
                )
            }
            for (parent, name), function in functions.items():
                assert isinstance(parent, pytest.Module)
                left_out = plugin.pytest_pycollect_makeitem(parent, name, function) == []
                assert not (left_out and (parent, name) in survivors), text
                decided[left_out] += 1

        same_items()
        assert min(decided.values()) > 300  # Neither is all read nor all left out.


OWN = '''
"""Own questions."""

from pytest_medhelm import Instance, Task, DataFile


def load(path):
    yield Instance(id="like-med_qa-1", question="?", answer="a")
    yield Instance(id="2", question="!", answer="b")


TASK = Task(
    name="own_questions", title="Own", subcategory="Planning Treatments", files=(DataFile("q.csv"),), load=load,
    access="public", kind="classification", main_metric="exact_match", licence="CC0-1.0", source="own",
    folder=__import__("pathlib").Path(__file__).parent,
)


def prompt(instance):
    return instance.question


def test_own(instance, response, score):
    score.classify(response, instance)
'''


def test_data_of_what_is_not_selected_are_not_opened(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    letters(3)
    broken = pytester.path / "data" / "pubmed_qa"
    broken.mkdir()
    (broken / "ori_pqal.json").write_text("not json")
    folder = BENCHMARKS / "medical_research_assistance"
    count = len(list(folder.glob("test_*.py")))
    arguments = ("--medhelm-model=baseline/random", "--medhelm-data=data", folder, ".")
    result = run(*arguments, "-m", "letters")
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"medhelm: {count} benchmarks are left out by the selection, and not read"])
    result = run(*arguments, "-k", "pubmed_qa", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["*[[]data-error-all]", "1/4 tests collected (3 deselected)*"])


def test_a_deselected_function_is_not_read_and_a_named_node_id_is(letters: Callable[..., Path], run: Any) -> None:
    arguments = ("--medhelm-model=baseline/random", f"--medhelm-data={letters(3)}")
    result = run(*arguments, "--deselect=test_letters.py::test_letters")
    result.stdout.fnmatch_lines(["medhelm: 1 benchmark is left out by the selection, and not read"])
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result = run(*arguments, "--deselect=test_letters.py::test_letters[baseline/random-")
    result.stdout.fnmatch_lines(["*3 deselected*"])
    result = run(*arguments, "test_letters.py::test_letters", "-k", "pubmed_qa")
    result.stdout.fnmatch_lines(["*3 deselected*"])
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_marks_that_a_conftest_gives_select_as_before(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(3)
    pytester.makeconftest(
        "def pytest_collection_modifyitems(items):\n"
        "    for item in items:\n"
        "        if item.name.endswith('1]'):\n"
        "            item.add_marker('nightly')\n"
    )
    result = run("--medhelm-model=baseline/random", f"--medhelm-data={data}", "-m", "nightly", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["*1]"])
    assert result.ret == 0
