"""medhelm promote: two people, a gate that was fixed beforehand, and an entry that names its evidence."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from tests.support.ledgers import LEDGER, entries, gate
from tests.support.letters import gold
from tests.support.suites import cell

SUITE = "medhelm-results/default"
ASKED = {
    "--gate": "gate.toml",
    "--requested-by": "Ada",
    "--approved-by": "Grace",
    "--intended-use": "Drafts of discharge letters",
    "--expires": "2999-12-31",
    "--rollback": "vllm/old",
}


def promote(*more: str, suite: str = SUITE, **changes: str) -> int:
    given = ASKED | {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    return main(["promote", suite, *(f"{name}={value}" for name, value in given.items()), *more])


@pytest.fixture
def evaluated(letters: Callable[..., Path], run: Any) -> Callable[..., None]:
    """A candidate on 20 questions of real data; the gate file is locked before, or after."""

    def make(least: float = 0.5, *, locked: bool = True, models: tuple[str, ...] = ("new<b>",)) -> None:
        data = letters(20)
        gate(least)
        if locked:
            assert main(["gate", "lock", "gate.toml"]) == 0
        with MockServer(gold, models=list(models)) as server:
            names = [f"--medhelm-model=vllm/{name}" for name in models]
            run(*names, f"--medhelm-base-url={server.url}", f"--medhelm-data={data}")
        if not locked:
            assert main(["gate", "lock", "gate.toml"]) == 0

    return make


def test_a_promotion_is_recorded_with_its_evidence(
    evaluated: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated()
    capsys.readouterr()
    assert promote() == 0
    shown = capsys.readouterr().out
    assert (
        "promoted: vllm/new<b> for Drafts of discharge letters, until 2999-12-31; asked for by Ada, approved by"
        in shown
    )
    entry = entries()[-1]
    assert entry["kind"] == "promotion"
    facts = entry["facts"]
    assert (facts["requested_by"], facts["approved_by"], facts["rollback"]) == ("Ada", "Grace", "vllm/old")
    assert facts["override"] is False
    board = Path(SUITE, "leaderboard.json").read_bytes()
    assert facts["evidence"]["leaderboard.json"] == hashlib.sha256(board).hexdigest()
    assert facts["gates"] == {"gate.toml": hashlib.sha256(Path("gate.toml").read_bytes()).hexdigest()}
    assert len(facts["fingerprint"]) == 64
    assert json.loads(board)["results"]["gates"][0]["verdict"] == "pass"
    assert main(["ledger", "verify"]) == 0
    card = Path(SUITE, "model-card.md").read_text()
    for said in (
        "Clinical evaluation of vllm/new",
        "Drafts of discharge letters",
        "| Letters |",
        "Benchmarks are no trial",
    ):
        assert said in card.replace("\\", "")
    assert "<b>" not in card
    assert "Case 1." not in card


def test_what_is_missing_is_said_in_a_sentence(
    evaluated: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated()
    before = LEDGER.read_text()
    for changes, said in (
        ({"approved_by": " ada "}, "must be two people"),
        ({"approved_by": "A\u200bd a."}, "must be two people"),
        ({"approved_by": " "}, "must be two people"),
        ({"expires": "2020-01-01"}, "is not in the future"),
        ({"expires": "soon"}, "write a date as 2027-06-30"),
        ({"rollback": "vllm/new<b> "}, "must name another model"),
        ({"intended_use": " "}, "--intended-use is empty"),
        ({"model": "vllm/none"}, "name the candidate to promote; the suite has vllm/new<b>"),
        ({"gate": "letters >= 0.5"}, "a promotion needs a gate file"),
        ({"ledger": "other.jsonl"}, "there is no ledger other.jsonl"),
        ({"ledger": "medhelm-results"}, "the ledger medhelm-results cannot be read (Is a directory)"),
    ):
        capsys.readouterr()
        assert promote(**changes) == 1
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1
        assert LEDGER.read_text() == before


def test_a_gate_that_fails_is_not_overridden(
    evaluated: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated(1.0)
    Path("gate.toml").write_text(Path("gate.toml").read_text().replace(">= 1.0", "<= 0.5"))
    assert main(["gate", "lock", "gate.toml"]) == 0
    assert promote("--override", "--reason=we want it") == 1
    assert "1 of 1 rules do not pass; an override does not change that" in capsys.readouterr().err
    assert not [entry for entry in entries() if entry["kind"] == "promotion"]


def test_a_gate_after_the_fact_needs_an_override_with_a_reason(
    evaluated: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated(locked=False)
    assert promote() == 1
    assert "the gate file is not fixed beforehand (post hoc: locked" in capsys.readouterr().err
    assert promote("--override") == 1
    assert "--override needs --reason" in capsys.readouterr().err
    assert promote("--override", "--reason=first gate of the ward") == 0
    assert "OVERRIDDEN: the gate file is not fixed beforehand" in capsys.readouterr().out
    facts = entries()[-1]["facts"]
    assert (facts["override"], facts["reason"], len(facts["overridden"])) == (True, "first gate of the ward", 1)
    card = Path(SUITE, "model-card.md").read_text()
    assert "**Overridden**: the gate file is not fixed beforehand" in card
    assert "Reason: first gate of the ward" in card


@pytest.mark.parametrize("step", ["apply", "promote"])
def test_a_gate_changed_after_the_run_is_post_hoc_without_a_lock_too(
    step: str, evaluated: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same run is judged again by another rule: its own results are what the rule could be fitted to."""
    evaluated(1.0)
    file = Path("gate.toml")
    file.write_text(file.read_text().replace(">= 1.0", ">= 0.1"))
    if step == "apply":
        assert main(["gate", "apply", SUITE, "gate.toml"]) == 0
    capsys.readouterr()
    assert promote() == 1
    assert "(post hoc: first used" in capsys.readouterr().err
    assert not [entry for entry in entries() if entry["kind"] == "promotion"]


def test_results_that_the_ledger_does_not_know_are_not_promoted(
    letters: Callable[..., Path], run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Looked at first, under another ledger, and the gate locked afterwards: no entry of this ledger shows it."""
    with MockServer(gold, models=["new"]) as server:
        options = ["--medhelm-model=vllm/new", f"--medhelm-base-url={server.url}", f"--medhelm-data={letters(20)}"]
        run(*options, "--medhelm-ledger=elsewhere.jsonl")
    gate()
    assert main(["gate", "lock", "gate.toml"]) == 0
    assert main(["gate", "apply", SUITE, "gate.toml"]) == 0
    capsys.readouterr()
    assert promote() == 1
    assert "1 of 1 runs of the suite, the first of 20" in capsys.readouterr().err
    # Nor does a merge make them known.
    time.sleep(1)
    Path("later.toml").write_text(Path("gate.toml").read_text() + "# later\n")
    assert main(["gate", "lock", "later.toml"]) == 0
    assert main(["merge", SUITE, "--to=medhelm-results/whole", "--gate=later.toml"]) == 0
    capsys.readouterr()
    assert promote(gate="later.toml", suite="medhelm-results/whole") == 1
    assert "1 of 1 runs of the suite, the first of 20" in capsys.readouterr().err


def test_shards_of_other_machines_are_promoted_when_the_gate_was_locked_before(
    letters: Callable[..., Path], run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    data = letters(20)
    gate()
    assert main(["gate", "lock", "gate.toml"]) == 0
    with MockServer(gold, models=["new"]) as server:
        options = ["--medhelm-model=vllm/new", f"--medhelm-base-url={server.url}", f"--medhelm-data={data}"]
        for part in (1, 2):
            there = [f"--medhelm-ledger=machine{part}.jsonl", f"--medhelm-suite=part{part}"]
            run(*options, *there, f"--medhelm-shard={part}/2")
    parts = ["medhelm-results/part1", "medhelm-results/part2"]
    assert main(["merge", *parts, "--to=medhelm-results/whole", "--gate=gate.toml"]) == 0
    assert promote(suite="medhelm-results/whole") == 0
    assert entries()[-1]["facts"]["override"] is False


def test_an_override_of_nothing_is_not_recorded_as_one(
    evaluated: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated()
    assert promote("--override", "--reason=to be safe") == 0
    assert "there was nothing to override" in capsys.readouterr().out
    assert entries()[-1]["facts"]["override"] is False


def test_a_changed_ledger_promotes_nothing(evaluated: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    evaluated()
    LEDGER.write_text(LEDGER.read_text().replace('"complete"', '"partial"'))
    assert promote() == 1
    assert "was edited" in capsys.readouterr().err
    assert "promotion" not in LEDGER.read_text()


def test_several_candidates_are_corrected_for_and_one_is_named(
    evaluated: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated(models=("one", "two"))
    assert promote() == 1
    assert "the suite has vllm/one, vllm/two" in capsys.readouterr().err
    assert promote(model="vllm/two") == 0
    assert "one-sided 97.5 % bounds shared among 2 chances," in Path(SUITE, "leaderboard.json").read_text()


def test_the_model_in_use_is_no_candidate_for_its_own_place_and_is_named_by_hash(
    evaluated: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated(models=("new", "old"))
    margin = '[[rule]]\nrule = "letters >= baseline - 0.2"\nwhy = "as agreed"\n'
    Path("gate.toml").write_text(margin)
    override = ("--override", "--reason=a test")
    old = ("--baseline=medhelm-results/default", "--baseline-model=vllm/old")
    # On 20 identical answers the limit at 0.025 is -0.161, and at half of it -0.201 (z^2 / (n + z^2)).
    assert main(["gate", "apply", SUITE, "gate.toml", *old]) == 0
    assert main(["gate", "apply", SUITE, "gate.toml", *old, "--model=vllm/old"]) == 1
    assert "it has vllm/new" in capsys.readouterr().err
    assert promote(*override, *old) == 1, "which of the two?"
    assert promote(*override, *old, model="vllm/new") == 0
    first = entries()[-1]["facts"]
    json_file = ("--baseline=medhelm-results/default/leaderboard.json", "--baseline-model=vllm/old")
    assert promote(*override, *json_file, model="vllm/new") == 0
    second = entries()[-1]["facts"]
    assert first["baseline"] == second["baseline"] == "vllm/old"
    assert first["evidence"]["baseline"] == second["evidence"]["baseline"]
    board = json.loads(Path(SUITE, "leaderboard.json").read_text())
    cell(board, "letters", "vllm/old")["scores"]["exact_match"][0] = 0.0
    Path("worse.json").write_text(json.dumps(board))
    two = ("--baseline=worse.json", "--baseline-model=vllm/old")
    Path("gate.toml").write_text(margin.replace("0.2", "0.3"))
    assert promote(*override, *two, model="vllm/new") == 0
    assert entries()[-1]["facts"]["evidence"]["baseline"] != first["evidence"]["baseline"]


def test_sample_data_is_never_promoted(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    module = Path(__file__).parents[2] / "benchmarks/medical_research_assistance/test_pubmed_qa.py"
    Path("gate.toml").write_text("[[rule]]\nrule = 'pubmed_qa.exact_match >= 0.01'\n")
    assert main(["gate", "lock", "gate.toml"]) == 0
    with MockServer(lambda body: "A") as server:
        run(module, "--medhelm-suite=default", "--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}")
    assert promote() == 1
    assert "rules do not pass" in capsys.readouterr().err


def test_the_card_can_be_printed_without_a_promotion(
    evaluated: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated()
    capsys.readouterr()
    assert main(["gate", "card", SUITE]) == 0
    assert capsys.readouterr().out.startswith("## Clinical evaluation of ")
    assert main(["gate", "card", SUITE, "--model=x"]) == 1
    board = Path(SUITE, "leaderboard.json")
    for text in ("{", "[]", '{"results": {}}'):
        board.write_text(text)
        assert main(["gate", "card", SUITE]) == 1
        assert "leaderboard.json was written by another version: write it again" in capsys.readouterr().err
