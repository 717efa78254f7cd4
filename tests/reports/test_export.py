"""medhelm export: the tables of a suite, with hostile text, and what an aggregate gives away."""

from __future__ import annotations

import csv
import json
import re
import stat
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf.mock_server import Fault, MockServer
from pytest_medhelm.cli import export as command
from pytest_medhelm.cli.main import main
from pytest_medhelm.reports.export.aggregate import aggregate_rows, count_band, share_band
from pytest_medhelm.reports.export.columns import AGGREGATE, CELLS, REASONS, SCORES, TEXTS, VERDICTS
from pytest_medhelm.reports.export.csv_injection import without_formula
from pytest_medhelm.results.leaderboard.aggregate import make_cell
from pytest_medhelm.results.leaderboard.columns import Columns
from tests.support.browser import faults, needs_browser
from tests.support.juries import named, number_of, rating, talks
from tests.support.letters import gold
from tests.support.paths import CHECKOUT
from tests.support.suites import cell, leaderboard

SUITE = "medhelm-results/default"
HOSTILE = (
    "=HYPERLINK(\"http://x\",\"y\")", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "a;=1+1",
    "\x00\x1b[31mred", "\u202egnp.exe", "one\r\ntwo", "<script>alert(1)</script>", "\uff1d1", '"=1',
)  # fmt: skip
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")


def export(folder: Path, *arguments: str, to: str) -> list[dict[str, Any]]:
    """The rows that the command wrote."""
    file = folder / to
    assert main(["export", str(folder / SUITE), f"--to={file}", *arguments]) == 0
    if file.suffix == ".csv":
        with file.open(newline="", encoding="utf-8") as text:
            return list(csv.DictReader(text))
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_score_per_row_that_add_up_to_the_leaderboard(
    pytester: pytest.Pytester, letters: Any, server: MockServer, run: Callable[..., Any]
) -> None:
    server.reply = lambda body: "A"
    run("--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", f"--medhelm-data={letters()}")
    rows = export(pytester.path, to="scores.csv")
    assert list(rows[0]) == [column.name for column in SCORES]
    main_rows = [row for row in rows if row["main_metric"] == "True"]
    assert [row["instance"] for row in main_rows] == [f"q{number:03d}" for number in range(10)]
    # Gold is A, B, C, D, A, ... of ten: three are A.
    assert sum(float(row["score"]) for row in main_rows) == 3
    assert cell(leaderboard(pytester.path), "letters")["metrics"]["exact_match"]["value"] == 0.3
    assert {row["state"] for row in rows} == {"measured"}
    assert {(row["metric"], row["scale_worst"], row["scale_best"]) for row in main_rows} == {
        ("exact_match", "0.0", "1.0")
    }
    file = pytester.path / "scores.csv"
    assert "Case" not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_was_not_measured_has_a_row_without_a_number(
    pytester: pytest.Pytester, letters: Any, run: Callable[..., Any]
) -> None:
    with MockServer(lambda body: Fault("status", 400) if "Case 3." in str(body) else gold(body)) as server:
        run("--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", f"--medhelm-data={letters()}")
    rows = {(row["instance"], row["metric"]): row for row in export(pytester.path, to="s.jsonl")}
    assert len(rows) == 20
    lost = rows["q003", "exact_match"]
    assert (lost["score"], lost["state"], lost["status"]) == (None, "missing", "request_error")
    assert (rows["q002", "exact_match"]["score"], rows["q002", "exact_match"]["state"]) == (1.0, "measured")
    (main_cell,) = [row for row in export(pytester.path, "--table=cells", to="c.jsonl") if row["main_metric"]]
    assert (main_cell["value"], main_cell["n"], main_cell["missing"]) == (1.0, 9, 1)
    assert main_cell["status_request_error"] == 1


def test_hostile_answers_are_cells_and_nothing_more(
    pytester: pytest.Pytester, letters: Any, run: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    data = letters(len(HOSTILE))
    with MockServer(lambda body: HOSTILE[int(str(body["messages"][-1]["content"]).split()[1].strip("."))]) as server:
        run("--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", f"--medhelm-data={data}")
    rows = export(pytester.path, "--text", to="t.csv")
    assert "CLINICAL TEXT" in capsys.readouterr().out
    assert len(rows) == 2 * len(HOSTILE)
    assert not [row["answer"] for row in rows if _FORMULA.match(row["answer"])]
    raw = (pytester.path / "t.csv").read_bytes().decode()
    assert all(sign.isprintable() or sign in "\n\t" for sign in raw)
    assert any(row["prompt"].startswith("Case 0. Gold A.") for row in rows)
    exact = {row["instance"]: row["answer"] for row in export(pytester.path, "--text", to="t.jsonl")}
    assert [exact[f"q{number:03d}"].strip() for number in range(len(HOSTILE))] == [text.strip() for text in HOSTILE]
    assert (pytester.path / "t.jsonl").read_bytes().isascii()


def test_a_row_per_judge_and_criterion(pytester: pytest.Pytester, run: Callable[..., Any]) -> None:
    def answer(body: dict[str, Any]) -> str:
        return {"doctor": "Rest.", "kind": rating(5, 4, 3), "broken": "no JSON"}[body["model"]]

    with MockServer(answer, models=("doctor", "kind", "broken")) as server:
        run(talks(pytester.path, 2), *named(server, "kind", "broken"))
    rows = export(pytester.path, "--table=verdicts", "--text", to="v.jsonl")
    assert list(rows[0]) == [column.name for column in (*VERDICTS, *REASONS, *TEXTS)]
    kind = [row for row in rows if row["judge"] == "vllm/kind" and row["instance"] == "t000"]
    assert {row["criterion"]: row["score"] for row in kind} == {"accuracy": 5, "completeness": 4, "clarity": 3}
    assert {row["criterion"]: row["reason"] for row in kind}["clarity"] == "why clarity"
    (broken,) = [row for row in rows if row["judge"] == "vllm/broken" and row["instance"] == "t000"]
    assert (broken["criterion"], broken["score"]) == (None, None)
    assert broken["verdict_status"] != "ok"
    plain = export(pytester.path, "--table=verdicts", to="plain.jsonl")
    assert list(plain[0]) == [column.name for column in VERDICTS]
    assert "why clarity" not in str(plain)


def test_parquet_holds_what_json_lines_hold(
    pytester: pytest.Pytester, letters: Any, server: MockServer, run: Callable[..., Any]
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    run("--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", f"--medhelm-data={letters()}")
    assert main(["export", str(pytester.path / SUITE), "--format=parquet", "--text"]) == 0
    found = parquet.read_table(pytester.path / SUITE / "scores.parquet").to_pylist()
    assert found == export(pytester.path, "--text", to="t.jsonl")


@given(st.text() | st.builds(lambda head, rest: head + rest, st.sampled_from("=+-@\t\r\n;'\" \ufeff\u200b"), st.text()))
def test_no_text_begins_a_formula(text: str) -> None:
    found = without_formula(text)
    assert not _FORMULA.match(found) or re.fullmatch(r"[+-]?[0-9.eE+-]+", text)
    assert not set(found) & {"\0", "\r", "\x1b", "\u202e", "\u2066", "\u2028"}


@pytest.mark.parametrize("number", ["-0.5", "+3", "12", "-1e-5", "0.25"])
def test_numbers_stay_numbers(number: str) -> None:
    assert without_formula(number) == number


@pytest.mark.parametrize("text", ["-", "plain", "a - b", "x = 1", "two\nlines", "5-3"])
def test_harmless_text_stays(text: str) -> None:
    assert without_formula(text).lstrip("'") == text


def test_every_column_is_documented() -> None:
    page = (CHECKOUT / "docs" / "export.md").read_text()
    for column in (*SCORES, *VERDICTS, *CELLS, *AGGREGATE, *TEXTS, *REASONS):
        name = "status_" if column.name.startswith("status_") else column.name
        assert f"`{name}" in page, column.name


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--to=scores.txt"], "ends with none of .csv, .jsonl, .parquet"),
        (["--to=scores.csv", "--format=jsonl"], "end its name with .jsonl"),
        (["--table=cells", "--text"], "--table=cells holds no text"),
        (["--aggregate", "--text"], "leave --text and --table out"),
        (["--format=html"], "add --aggregate"),
        (["--aggregate", f"--to={SUITE}/leaderboard.html"], "is a page of the suite"),
        (["--to=folder.csv"], "is a folder"),
        (["--to=file/scores.csv"], "cannot be written"),
    ],
)
def test_mistakes_end_in_one_sentence(
    arguments: list[str],
    sentence: str,
    pytester: pytest.Pytester,
    letters: Any,
    run: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("--medhelm-model=baseline/random", f"--medhelm-data={letters()}")
    (pytester.path / "folder.csv").mkdir()
    (pytester.path / "file").write_text("")
    assert main(["export", SUITE, *arguments]) == 1
    assert sentence in capsys.readouterr().err


def test_a_folder_without_a_suite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path)]) == 1
    assert "is no suite" in capsys.readouterr().err


# What an aggregate gives away

FACTS: dict[str, Any] = {
    "name": "b", "subcategory": "Planning Treatments", "sub_tasks": [], "data": {"origin": "upstream"}, "labels": None,
}  # fmt: skip
World = tuple[int, int, int, int]
"""Instances with: a right answer, a wrong one, a refusal (scored 0), a request error. The rest: no record."""


def published(world: World, size: int) -> str:
    """All that the aggregate says of a cell of a right-or-wrong metric."""
    right, wrong, refused, lost = world
    scores = [1.0] * right + [0.0] * (wrong + refused) + [None] * lost
    columns = Columns(
        eval_set_hash="e",
        size=size,
        main_metric="m",
        ids=[str(number) for number in range(len(scores))],
        statuses=["ok"] * (right + wrong) + ["refused"] * refused + ["request_error"] * lost,
        clusters=[str(number) for number in range(len(scores))],
        sub_tasks=[""] * len(scores),
        scores={"m": scores},
        scales={"m": [0.0, 1.0]},
        labels=[None] * len(scores),
    )
    return json.dumps([dict(row) for row in aggregate_rows([make_cell("b", "m", columns, FACTS)], {})])


SIZE = 24


@cache
def consistent() -> dict[str, list[World]]:
    """By what is published, every world of SIZE instances that it fits: the attacker knows the size and the rule."""
    found: dict[str, list[World]] = defaultdict(list)
    for right, wrong, refused, lost in product(range(SIZE + 1), repeat=4):
        if 0 < right + wrong + refused + lost <= SIZE:
            found[published((right, wrong, refused, lost), SIZE)].append((right, wrong, refused, lost))
    return found


def counts(world: World, size: int) -> dict[str, int]:
    """What the attacker would like to know."""
    right, wrong, refused, lost = world
    return {
        "right": right,
        "not right": wrong + refused,
        "refused": refused,
        "request_error": lost,
        "measured": right + wrong + refused,
        "not measured": size - right - wrong - refused,
        "no record": size - sum(world),
    }


def test_no_small_count_can_be_computed_back() -> None:
    """Every world that fits is listed: each count from 1 to 10 has at least one other value in these."""
    for worlds in consistent().values():
        for name in counts(worlds[0], SIZE):
            values = {counts(world, SIZE)[name] for world in worlds}
            assert len(values) > 1 or not 1 <= min(values) <= 10, (name, values, worlds[0])


@settings(max_examples=100, deadline=None)
@given(st.integers(11, 400), st.data())
def test_larger_cells_have_another_world_too(size: int, data: st.DataObject) -> None:
    """The neighbouring worlds of the proof in docs/export.md, at sizes that cannot be listed."""
    right = data.draw(st.integers(0, size) | st.integers(0, 10))
    wrong = data.draw(st.integers(0, size - right))
    refused = data.draw(st.integers(0, size - right - wrong))
    world = (right, wrong, refused, data.draw(st.integers(0, size - right - wrong - refused)))
    seen = published(world, size)
    for name, count in counts(world, size).items():
        if 1 <= count <= 10:
            steps = product((-1, 0, 1), repeat=4)
            near = [tuple(map(sum, zip(world, step, strict=True))) for step in steps]
            others = [
                other
                for other in near
                if min(other) >= 0 and 0 < sum(other) <= size and counts(other, size)[name] != count  # type: ignore[arg-type]
            ]
            assert any(published(other, size) == seen for other in others), (name, world)  # type: ignore[arg-type]


@given(st.integers(11, 3000), st.data())
def test_bands_hold_eleven_counts_and_their_ends_all_small_ones(size: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, size))
    low, high = count_band(count, size)
    assert low <= count <= high
    assert high - low >= 10
    assert {count_band(other, size) for other in (low, high)} == {(low, high)}
    assert len({count_band(other, size) for other in range(11)}) == 1
    assert len({count_band(size - other, size) for other in range(11)}) == 1
    # A share of more instances than are known to be measured at least.
    more = data.draw(st.integers(size, 2 * size))
    assert len({share_band(other / more, size) for other in range(11)}) == 1
    assert len({share_band((more - other) / more, size) for other in range(11)}) == 1


def test_bands_of_too_few_are_refused() -> None:
    for call in (lambda: count_band(3, 10), lambda: count_band(12, 11), lambda: share_band(0.5, 10)):
        with pytest.raises(ValueError, match=r"of 1[01]|10 instances"):
            call()


def test_the_bands_of_a_hundred() -> None:
    """101 counts in 9 bands of 11 or 12, worked by hand: edges at 101 i / 9 rounded down."""
    assert [count_band(count, 100) for count in (0, 11, 22, 100)] == [(0, 10), (11, 21), (22, 32), (89, 100)]
    assert share_band(0.5, 100) == (4 / 9, 5 / 9)
    assert share_band(1.0, 100) == (8 / 9, 1.0)


def test_an_aggregate_holds_cells_alone(pytester: pytest.Pytester, letters: Any, run: Callable[..., Any]) -> None:
    with MockServer(lambda body: Fault("status", 400) if "Case 3." in str(body) else gold(body)) as server:
        url = f"--medhelm-base-url={server.url}"
        run("--medhelm-model=vllm/mock", url, f"--medhelm-data={letters(40)}")
    rows = export(pytester.path, "--aggregate", to="a.jsonl")
    assert list(rows[0]) == [column.name for column in AGGREGATE]
    # 41 counts in 3 bands: edges 0, 13, 27. One request error, 39 of 39 right.
    found = {(row["kind"], row["name"]): (row["low"], row["high"]) for row in rows}
    assert found["status", "request_error"] == (0, 12)
    assert found["measured", "exact_match"] == (27, 40)
    assert found["value", "exact_match"] == (0.5, 1.0)
    assert ("status", "ok") not in found
    assert main(["export", str(pytester.path / SUITE), "--aggregate", "--format=html"]) == 0
    page = (pytester.path / SUITE / "aggregate.html").read_text()
    assert "0.500 to 1.000" in page
    for secret in ("q003", "Case", "HTTP 400"):
        assert secret not in page + (pytester.path / "a.jsonl").read_text()


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_aggregate_page_reads_well(
    scheme: str,
    pytester: pytest.Pytester,
    letters: Any,
    run: Callable[..., Any],
    visit: Any,
) -> None:
    run("--medhelm-model=baseline/random", "--medhelm-model=baseline/lexical", f"--medhelm-data={letters(20)}")
    page = pytester.path / "aggregate.html"
    assert main(["export", str(pytester.path / SUITE), "--aggregate", f"--to={page}"]) == 0
    tab = visit.open(page, wide=400, color_scheme=scheme)
    tab.locator("summary").first.click()
    assert faults(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400
    table = tab.locator("table").first
    assert table.locator("tr.group, th.group").all_inner_texts() == ["letters exact_match"]
    assert table.locator("tbody th[scope=row]").all_inner_texts() == [
        "baseline/lexical baseline",
        "baseline/random baseline",
    ]


def test_a_cell_under_eleven_is_not_shown(pytester: pytest.Pytester, letters: Any, run: Callable[..., Any]) -> None:
    run("--medhelm-model=baseline/random", f"--medhelm-data={letters(10)}")
    (row,) = export(pytester.path, "--aggregate", to="a.jsonl")
    assert row["suppressed"] == "fewer than 11 instances"
    assert {row[name] for name in ("size", "low", "high", "partial")} == {None}
    assert main(["export", str(pytester.path / SUITE), "--aggregate", "--format=html"]) == 0
    assert "fewer than 11 instances" in (pytester.path / SUITE / "aggregate.html").read_text()


def test_sub_runs_that_count_alike_have_no_value(
    pytester: pytest.Pytester, letters: Any, run: Callable[..., Any]
) -> None:
    data = letters(40)
    module = (pytester.path / "test_letters.py").read_text()
    module = module.replace('row["answer"], choices', 'row["answer"], slices={"ward": row["answer"]}, choices')
    (pytester.path / "test_letters.py").write_text(module.replace("chance=0.25", 'chance=0.25, sub_tasks_by="ward"'))
    run("--medhelm-model=baseline/random", f"--medhelm-data={data}")
    rows = export(pytester.path, "--aggregate", to="a.jsonl")
    values = [row for row in rows if row["kind"] == "value"]
    assert {(row["low"], row["high"], row["suppressed"]) for row in values} == {
        (None, None, "its sub-tasks count alike, and some may be small")
    }
    assert "ward" not in str(rows)
    scores = export(pytester.path, to="s.jsonl")
    assert {(row["sub_task"], row["slices"]) for row in scores} == {(x, json.dumps({"ward": x})) for x in "ABCD"}


def test_graded_scores_are_bands_of_their_scale(pytester: pytest.Pytester, run: Callable[..., Any]) -> None:
    def answer(body: dict[str, Any]) -> str:
        return "Rest." if body["model"] == "doctor" else rating(4 if number_of(body) == 0 else 5)

    with MockServer(answer, models=("doctor", "kind")) as server:
        run(talks(pytester.path, 32), *named(server, "kind"))
    rows = {(row["kind"], row["name"]): row for row in export(pytester.path, "--aggregate", to="a.jsonl")}
    jury = rows["value", "jury"]
    # 32 measured, at least 22 by their band of 33 counts in 3: two halves of the scale from 1 to 5.
    assert (jury["scale_worst"], jury["scale_best"]) == (1.0, 5.0)
    assert (jury["low"], jury["high"]) == (3.0, 5.0)


def test_ctrl_c_leaves_nothing_behind(
    pytester: pytest.Pytester, letters: Any, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("--medhelm-model=baseline/random", f"--medhelm-data={letters()}")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "write_table", interrupted)
    assert main(["export", str(pytester.path / SUITE), "--to=out/s.csv"]) == 130
    assert not list((pytester.path / "out").iterdir())
