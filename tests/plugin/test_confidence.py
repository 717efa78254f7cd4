"""How sure a model is: asked for, read, aggregated, gated and shown, in whole sessions."""

from __future__ import annotations

import csv
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from perf.mock_server import Fault, MockServer, error_body
from pytest_medhelm.cli.main import main
from tests.support.confident import case_of, drawn, stating, with_logprobs
from tests.support.letters import gold, write_letters
from tests.support.paths import CHECKOUT
from tests.support.sessions import Sessions
from tests.support.suites import cell, leaderboard

GATES = ("letters.brier <= 0.25", "letters.brier.upper <= 0.2", "letters.auroc.lower >= 0.3", "letters.ece <= 0.2",
         "letters.nll <= 0.3", "letters.selective_accuracy >= 0.8")  # fmt: skip
N = 80


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, sessions: Sessions) -> Iterator[tuple[Path, str, MockServer]]:
    """One session with log-probabilities: every 40th answer names no option, every 40th lists no tokens."""
    folder = tmp_path_factory.mktemp("confidence")
    data = write_letters(folder, N)
    with MockServer(with_logprobs(unread=40, bare=40)) as server:
        found = sessions.run_in(
            folder, *asked(server, data), *options_of_docs(), *(f"--medhelm-gate={rule}" for rule in GATES)
        )
        yield folder, found.stdout.str(), server


def options_of_docs() -> list[str]:
    """What docs/calibration.md types, of the small benchmark."""
    text = (CHECKOUT / "docs/calibration.md").read_text("utf-8")
    typed = shlex.split(text.partition("```sh\n")[2].partition("\n```")[0].replace("pubmed_qa", "letters"))
    return [word for word in typed if word.startswith(("--medhelm-confidence", "--medhelm-gate"))]


def asked(server: MockServer, data: Path) -> tuple[str, ...]:
    return (
        "test_letters.py", "--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", f"--medhelm-data={data}",
    )  # fmt: skip


def verdict(folder: Path, rule: str) -> tuple[str, str]:
    found = next(gate for gate in leaderboard(folder)["results"]["gates"] if gate["rule"] == rule)
    return found["verdict"], found["reason"]


def test_it_is_asked_for_with_the_answer(shared: tuple[Path, str, MockServer]) -> None:
    _, _, server = shared
    assert len(server.requests) == N
    assert all((body["logprobs"], body["top_logprobs"]) == (True, 10) for body in server.requests)


def test_figures_are_those_of_what_the_server_says(shared: tuple[Path, str, MockServer]) -> None:
    found = cell(leaderboard(shared[0]), "letters")
    known = [drawn(case) for case in range(N) if case % 40 not in (0, 1)]
    brier = found["metrics"]["brier"]
    assert brier["value"] == pytest.approx(fmean((sure - right) ** 2 for sure, right in known), abs=1e-6)
    assert (brier["n"], brier["missing"]) == (N - 4, 4)
    assert brier["low"] < brier["value"] < brier["high"]
    [calibration] = found["calibration"]
    assert (calibration["kind"], calibration["n"], calibration["missing"]) == ("logprobs", N - 4, 4)
    assert calibration["reasons"] == {
        "no option was read (unparsed)": 2, "the server gave no log-probabilities": 2,
    }  # fmt: skip
    parts = calibration["parts"]
    whole = parts["miscalibration"] - parts["discrimination"] + parts["uncertainty"]
    assert whole == pytest.approx(brier["value"], abs=3e-6)
    assert sum(step["answers"] for step in calibration["curve"]) == N - 4
    assert [value is None for value in calibration["confidence"]].count(True) == 4


def test_a_missing_confidence_is_no_number_and_bounds_the_figures(shared: tuple[Path, str, MockServer]) -> None:
    metrics = cell(leaderboard(shared[0]), "letters")["metrics"]
    value = metrics["brier"]["value"]
    assert metrics["brier"]["worst"] == pytest.approx((value * (N - 4) + 4) / N, abs=1e-6)
    assert metrics["brier"]["best"] == pytest.approx(value * (N - 4) / N, abs=1e-6)
    error = metrics["ece"]["value"]
    assert metrics["ece"]["worst"] == pytest.approx((error * (N - 4) + 4) / N, abs=1e-6)
    assert metrics["auroc"]["worst"] < metrics["auroc"]["value"]
    assert metrics["exact_match"]["missing"] == 0


def test_gates_decide_on_figures_and_not_on_chance(shared: tuple[Path, str, MockServer]) -> None:
    folder, said, _ = shared
    assert verdict(folder, GATES[0])[0] == "pass"
    assert verdict(folder, GATES[1])[0] == "inconclusive"  # The missing ones could bring it beyond.
    assert verdict(folder, GATES[2])[0] == "pass"
    refused = verdict(folder, GATES[3])
    assert refused[0] == "not evaluated"
    assert "needs 500; name brier or nll" in refused[1]
    assert verdict(folder, GATES[4])[0] == "fail"
    assert verdict(folder, GATES[5])[0] == "pass"
    typed = [word.removeprefix("--medhelm-gate=") for word in options_of_docs()[1:]]
    assert len(typed) == 2
    assert [verdict(folder, rule)[0] for rule in typed] == ["pass", "pass"]
    assert re.search(r"confidence \(token probabilities\): letters vllm/mock Brier score 0\.\d{3} \(", said)


def test_page_summary_and_card_say_what_it_means(shared: tuple[Path, str, MockServer], capsys: Any) -> None:
    folder, _, _ = shared
    suite = folder / "medhelm-results/default"
    page = (suite / "leaderboard.html").read_text()
    assert 'id="calibration"' in page
    assert "<polyline points=" in page
    assert "4 of 80 have none" in page
    assert "which is no sign of miscalibration" in page
    assert "more than chance makes" not in page
    assert "AUROC" in (suite / "summary.md").read_text()


def test_the_export_has_a_confidence_for_each_record(shared: tuple[Path, str, MockServer], tmp_path: Path) -> None:
    target = tmp_path / "scores.csv"
    assert main(["export", str(shared[0] / "medhelm-results/default"), f"--to={target}"]) == 0
    rows = [row for row in csv.DictReader(target.open()) if row["metric"] == "exact_match"]
    assert len(rows) == N
    assert {row["confidence_kind"] for row in rows} == {"logprobs"}
    assert sum(not row["confidence"] for row in rows) == 4


def test_rescore_reads_the_same_confidences_from_what_is_stored(shared: tuple[Path, str, MockServer]) -> None:
    folder, _, server = shared
    before = cell(leaderboard(folder), "letters")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["rescore", "medhelm-results/default", "--to=medhelm-results/again"]) == 0
    after = cell(leaderboard(folder, "again"), "letters")
    assert after["calibration"] == before["calibration"]
    assert after["metrics"] == before["metrics"]
    assert len(server.requests) == N


def test_a_stated_confidence_is_one_more_line_of_the_same_request(
    pytester: pytest.Pytester, run: Any, letters: Any
) -> None:
    data = letters(30)
    with MockServer(stating) as server:
        run(*asked(server, data), "--medhelm-confidence=stated")
        assert len(server.requests) == 30
        asks = str(server.requests[0]["messages"][-1]["content"]).splitlines()[-2:]
        assert asks[0].endswith("Answer: X")
        assert asks[1].endswith("Confidence: N")
        assert "logprobs" not in server.requests[0]
        found = cell(leaderboard(pytester.path), "letters")
        right = [drawn(case)[1] for case in range(30)]
        assert found["metrics"]["exact_match"]["value"] == pytest.approx(fmean(right))
        expected = fmean((round(drawn(case)[0], 2) - drawn(case)[1]) ** 2 for case in range(30))
        assert found["metrics"]["brier"]["value"] == pytest.approx(expected, abs=1e-6)
        assert found["calibration"][0]["kind"] == "stated"
        # Another prompt is another evaluation: never compared with answers that were asked without it.
        run(*asked(server, data), "--medhelm-suite=plain")
        plain = cell(leaderboard(pytester.path, "plain"), "letters")
        assert plain["calibration"] == []
        assert plain["provenance"]["fingerprint"] != found["provenance"]["fingerprint"]
        assert "brier" not in plain["metrics"]


def test_repeats_agree_and_are_a_kind_of_their_own(pytester: pytest.Pytester, run: Any, letters: Any) -> None:
    """Cases 0, 1, 2, ... in turn: three alike and right, two of three right, two of three wrong, no option at all."""
    data, times = letters(16), dict.fromkeys(range(16), 0)

    def reply(body: dict[str, Any]) -> str:
        case = case_of(body)
        times[case] += 1
        wrong = "ABCD"[(case + 1) % 4]
        right = "ABCD"[case % 4]
        kind = case % 4
        if kind == 3:
            return "no idea"
        turned = (kind == 1 and times[case] == 2) or (kind == 2 and times[case] != 2)
        return wrong if turned else right

    with MockServer(reply) as server:
        run(*asked(server, data), "--medhelm-repeats=3", "--medhelm-concurrency=1", "--medhelm-prefetch=0")
    found = cell(leaderboard(pytester.path), "letters")
    [calibration] = found["calibration"]
    assert calibration["kind"] == "agreement"
    assert calibration["missing"] == 4
    assert sorted({*calibration["confidence"]} - {None}) == [pytest.approx(2 / 3), 1.0]
    expected = (0 + (2 / 3 - 1) ** 2 + (2 / 3 - 0) ** 2) / 3
    assert found["metrics"]["brier_agreement"]["value"] == pytest.approx(expected, abs=1e-6)
    assert found["metrics"]["auroc_agreement"]["n"] == 12
    assert "brier" not in found["metrics"]


def test_a_server_that_refuses_is_asked_without_and_said_once(run: Any, letters: Any) -> None:
    message = "`logprobs` is not supported with this model"

    def reply(body: dict[str, Any]) -> str | Fault:
        return Fault("status", 400, body=error_body(message)) if "logprobs" in body else gold(body)

    with MockServer(reply) as server:
        found = run(*asked(server, letters(30)), "--medhelm-confidence=logprobs", "--medhelm-concurrency=1")
    said = " ".join((found.stdout.str() + found.stderr.str()).split())
    assert said.count("gives no log-probabilities of mock, which is asked without them") == 1
    assert "30 of 30 have none (the server gave no log-probabilities: 30)" in said
    found.assert_outcomes()
    assert found.ret == 0
    assert len(server.requests) == 31


def test_a_line_more_and_a_letter_alone_exclude_each_other(run: Any) -> None:
    found = run("--medhelm-confidence=stated", "--medhelm-prompt-form=helm", "--medhelm-model=vllm/mock")
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    found.stderr.fnmatch_lines(["*leave out one of them*"])


def test_too_sure_is_called_so_where_chance_does_not_make_it(pytester: pytest.Pytester, run: Any, letters: Any) -> None:
    data = letters(120)
    with MockServer(with_logprobs(surer=0.25)) as server:
        run(*asked(server, data), "--medhelm-confidence=logprobs", "--medhelm-limit=all")
    page = (pytester.path / "medhelm-results/default/leaderboard.html").read_text()
    assert "more than chance makes (surer than it should be)" in page
    board = json.dumps(leaderboard(pytester.path)["results"]["cells"])
    assert "NaN" not in board
