"""Gates as a hospital uses them: files, evaluation sets, baselines, slices, never-events. Plain and with -n 2."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.mock_server import Fault, MockServer
from pytest_medhelm.cli.main import main
from pytest_medhelm.gates.baseline import Baseline
from pytest_medhelm.gates.baseline import compared_with_baseline as compared
from pytest_medhelm.gates.gate_file import gate_of, read_gate
from pytest_medhelm.gates.judge import Evidence, judge
from pytest_medhelm.gates.rule import parse_rule
from pytest_medhelm.gates.verdict import Measured
from pytest_medhelm.results.leaderboard.aggregate import make_cell
from pytest_medhelm.results.stats.paired import tango_limits
from tests.support.cells import cell_of
from tests.support.letters import gold
from tests.support.paths import BENCHMARKS, CHECKOUT
from tests.support.servers import vllm
from tests.support.suites import leaderboard


def verdict(rule: str, candidate: Any, baseline: Any = None, alpha: float = 0.025) -> str:
    """What one rule comes to."""
    gate = gate_of([rule])
    gate = replace(gate, demands=tuple(
        replace(demand, alternatives=tuple(replace(entry, alpha=alpha) for entry in demand.alternatives))
        for demand in gate.demands
    ))  # fmt: skip
    stored = Baseline("old", Path("old"), {"b": baseline}) if baseline else None
    (found,) = judge(gate, Evidence([candidate], selected={"b"}, baseline=stored), ["m"])
    return found.verdict


def test_identical_answers_show_little_on_a_hundred_instances() -> None:
    same = cell_of([1.0] * 80 + [0.0] * 20)
    rule = replace(parse_rule("b >= baseline - 0.02"), alpha=0.05)
    found = compared(rule, same, Baseline("old", Path("old"), {"b": same}))
    assert isinstance(found, Measured)
    limits = found.limits
    assert limits is not None
    assert limits.low == pytest.approx(0.05 ** (1 / 100) - 1), "all that 0 of 100 leaves possible in one direction"
    assert verdict("b >= baseline - 0.02", same, same, 0.05) == "inconclusive", "the limit is -0.0295"
    assert verdict("b >= baseline - 0.03", same, same, 0.05) == "pass"
    assert verdict("b >= baseline - 0.02", same) == "not evaluated", "without a baseline"


def test_the_published_limits_of_a_paired_difference() -> None:
    """Fagerland, Lydersen and Laake, Stat. Med. 33 (2014): 1 and 7 discordant pairs of 21, 95 % -0.517 to -0.026.

    Those decide nothing: at n = 21 their exact size is above alpha, so that the limits of a gate are wider.
    """
    new = [1.0] * 2 + [0.0] * 19
    old = [1.0] + [0.0] + [1.0] * 7 + [0.0] * 12
    found = compared(parse_rule("b >= baseline"), cell_of([*new]), Baseline("old", Path(), {"b": cell_of([*old])}))
    assert isinstance(found, Measured)
    limits = found.limits
    assert limits is not None
    published = tango_limits(1, 7, 21, 1.959964)
    assert published == pytest.approx((-0.517, -0.026), abs=5e-4)
    assert -0.56 < limits.low < published[0] < published[1] < limits.high < 0.02


def test_ninety_of_ninety_five_with_five_unanswered_is_inconclusive_at_092() -> None:
    cell = cell_of([1.0] * 90 + [0.0] * 5 + [None] * 5)
    (found,) = judge(gate_of(["b >= 0.92"]), Evidence([cell], selected={"b"}), ["m"])
    assert found.value == pytest.approx(90 / 95)
    assert (found.verdict, found.reason.partition(";")[0]) == (
        "inconclusive",
        "missing data leave 0.900 to 0.950 possible",
    )


def test_missing_answers_of_either_side_can_turn_a_comparison() -> None:
    right = [1.0] * 400
    assert verdict("b >= baseline - 0.02", cell_of([*right]), cell_of([*right])) == "pass"
    gone: list[float | None] = [None] * 10
    assert verdict("b >= baseline - 0.02", cell_of([*right[10:], *gone]), cell_of([*right])) == "inconclusive"
    old = cell_of([*right[10:], *gone])
    assert verdict("b >= baseline + 0.005", cell_of([*right]), old) == "inconclusive"


def test_a_cluster_counts_as_one() -> None:
    """Forty notes with ten questions each, three notes of them better throughout: 30 of 400, but only 3 of 40."""
    new = [1.0] * 400
    old = [0.0 if number < 30 else 1.0 for number in range(400)]
    notes = [f"note {number // 10}" for number in range(400)]
    alone = compared(parse_rule("b >= baseline"), cell_of([*new]), Baseline("o", Path(), {"b": cell_of([*old])}))
    together = compared(
        parse_rule("b >= baseline"),
        cell_of([*new], clusters=notes),
        Baseline("o", Path(), {"b": cell_of([*old], clusters=notes)}),
    )
    assert isinstance(alone, Measured)
    assert isinstance(together, Measured)
    assert alone.limits is not None
    assert together.limits is not None
    assert together.limits.low < alone.limits.low


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(0, 59), st.floats(0, 1))
def test_one_more_right_answer_turns_no_pass_around(right: list[bool], place: int, bar: float) -> None:
    before = [float(entry) for entry in right]
    after = [1.0 if number == place % len(right) else score for number, score in enumerate(before)]
    base = cell_of([1.0] * len(right))
    for rule in (f"b >= {bar:.3f}", f"b.lower >= {bar:.3f}", f"b >= baseline - {bar:.3f}"):
        if verdict(rule, cell_of([*before]), base) == "pass":
            assert verdict(rule, cell_of([*after]), base) == "pass"


def test_several_candidates_share_the_level() -> None:
    """84 of 100: the 95 % interval begins at 0.756, the one at half the level at 0.743."""
    cells = [cell_of([1.0] * 84 + [0.0] * 16, model) for model in ("m", "other")]
    weak = cell_of([1.0] * 50 + [0.0] * 50, "weak")
    rule = gate_of(["b.lower >= 0.75"])
    evidence = Evidence([*cells, weak], selected={"b"})
    assert [found.verdict for found in judge(rule, evidence, ["m"])] == ["pass"]
    assert [found.verdict for found in judge(rule, evidence, ["m", "other"])] == ["inconclusive"] * 2
    strong = cell_of([1.0] * 100, "other")
    found = judge(rule, Evidence([cells[0], strong], selected={"b"}), ["m", "other"])
    assert [entry.verdict for entry in found] == ["pass", "pass"], "Holm: the second is judged at the whole level"


def test_never_events_know_no_tolerance() -> None:
    assert verdict("b.must_pass >= 1", cell_of([1.0, 0.0], floors={0: 1.0})) == "pass"
    assert verdict("b.must_pass >= 1", cell_of([1.0, 0.0], floors={1: 1.0})) == "fail"
    assert verdict("*.must_pass >= 1", cell_of([None, 1.0], floors={0: 1.0})) == "fail", "one that errored"
    assert verdict("*.must_pass >= 1", cell_of([1.0, 1.0])) == "not evaluated", "there is none"


def test_a_slice_has_a_value_of_its_own() -> None:
    cell = cell_of([1.0] * 6 + [0.0] * 4, slices={"year": ["2018"] * 6 + ["2019"] * 4})
    assert verdict("b[year=2018] >= 0.9", cell) == "pass"
    assert verdict("b[year=2019] >= 0.9", cell) == "fail"
    assert verdict("b[year=2020] >= 0.9", cell) == "not evaluated"
    found = judge(gate_of(["b[year=*] >= 0.5"]), Evidence([cell], selected={"b"}), ["m"])
    assert [(entry.benchmark, entry.verdict) for entry in found] == [("b[year=2018]", "pass"), ("b[year=2019]", "fail")]


def test_the_bounds_of_a_status_are_exact_as_those_of_a_share_of_right_answers() -> None:
    # 2 of 100 without an answer: Clopper and Pearson's upper limit at one-sided 5 % is 0.0617 (scipy.stats.beta.ppf(
    # 0.95, 3, 98)), Wilson's 0.0586.
    cell = cell_of([None] * 2 + [1.0] * 98)
    assert verdict("b.request_error.upper <= 0.0616", cell, alpha=0.05) == "inconclusive"
    assert verdict("b.request_error.upper <= 0.0618", cell, alpha=0.05) == "pass"


@pytest.mark.parametrize("rule", ["*.must_pass >= 1", "letters.must_pass >= 1"])
def test_a_never_event_that_the_limit_leaves_out_was_not_run(
    rule: str, letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    options = (*vllm(server), f"--medhelm-data={letters(20)}", f"--medhelm-gate={rule}")
    module = pytester.path / "test_letters.py"
    module.write_text(module.read_text().replace('"four"))', '"four"), must_pass=1.0 if row["id"] < "q008" else None)'))
    result = run(*options)
    result.stdout.fnmatch_lines([f"gate pass: {rule}: vllm/mock on letters has 1.000: *; 0 of 8 happened, 0 *"])
    assert result.ret == 0
    for limit in (1, 12):
        result = run(*options, f"--medhelm-limit={limit}", f"--medhelm-suite=limit-{limit}")
        result.stdout.fnmatch_lines([f"gate fail: {rule}: *of 8 never-events were not run: type --medhelm-limit=all"])
        assert result.ret == 1


@pytest.mark.parametrize(
    "rules", ['rule = "b >= 0.1"', 'any_of = ["b >= 0.1", "b >= 0.2"]', 'rule = "b.must_pass >= 1"']
)
def test_a_benchmark_that_is_stated_must_have_been_run_as_stated_whatever_the_rules(rules: str, tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    cell = cell_of([1.0] * 10, floors={0: 1.0})
    other = replace(cell, benchmark="c")

    def verdicts(stated: str, *cells: Any) -> list[str]:
        path.write_text(f"[benchmarks.b]\n[benchmarks.c]\n{stated}\n[[rule]]\n{rules}\n")
        return [found.verdict for found in judge(read_gate(path), Evidence(cells, selected={"b"}), ["m"])]

    assert verdicts("", cell) == ["pass", "not evaluated"]
    assert verdicts("n = 500", cell, other) == ["pass", "not evaluated"]
    assert verdicts("", cell, replace(other, partial=True)) == ["pass", "not evaluated"]
    assert verdicts("n = 10", cell, other) == ["pass"]


GATE = """
title = "Letters for the ward"

[benchmarks.letters]
n = {n}

[[rule]]
rule = "letters >= baseline - 0.1"
why = "one in ten"

[[rule]]
any_of = ["letters >= 0.99", "letters.lower >= 0.5"]
"""


def test_from_a_gate_file_to_the_exit_status(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    data = letters(60)
    (pytester.path / "gate.toml").write_text(GATE.format(n=60))

    def reply(body: dict[str, Any]) -> str:
        worse = body["model"] == "worse" and int(re.findall(r"Case (\d+)", str(body))[-1]) % 3 == 0
        return "ABCD"[("ABCD".index(gold(body)) + 1) % 4] if worse else gold(body)

    with MockServer(reply, models=("old", "good", "worse")) as server:
        base = (f"--medhelm-base-url={server.url}", f"--medhelm-data={data}")
        run("--medhelm-model=vllm/old", "--medhelm-suite=in-use", *base)
        gate = ("--medhelm-gate=gate.toml", "--medhelm-baseline=medhelm-results/in-use")
        good = run("--medhelm-model=vllm/good", "--medhelm-suite=good", *gate, *base, "--junitxml=good.xml")
        worse = run("--medhelm-model=vllm/worse", "--medhelm-suite=worse", *gate, *base, "--junitxml=worse.xml")
        few = run("--medhelm-model=vllm/good", "--medhelm-suite=few", "--medhelm-limit=10", *gate, *base)
    assert (good.ret, worse.ret, few.ret) == (0, 1, 1)
    few.stdout.fnmatch_lines(["medhelm: letters >= baseline - 0.1: an equal model passes * on 10 instances*"])
    good.stdout.fnmatch_lines(["gate pass: letters >= baseline - 0.1: vllm/good on letters has +0.000 against *"])
    worse.stdout.fnmatch_lines(["gate fail: letters >= baseline - 0.1: vllm/worse on letters has -0.333 against *"])
    few.stdout.fnmatch_lines(["gate not evaluated: *it states 60 instances, 10 were to be run: type *=60"])
    gates = leaderboard(pytester.path, "worse")["results"]["gates"]
    assert gates[0]["why"] == "one in ten"
    for name in ("good", "worse"):
        page = (pytester.path / f"medhelm-results/{name}/leaderboard.html").read_text()
        assert "Reason for the rule: one in ten" in page
    cases = [
        case for case in ElementTree.parse("worse.xml").getroot().iter("testcase") if case.find("failure") is not None
    ]
    assert len(cases) == 1, "the alternative passes"
    assert main(["gate", "apply", "medhelm-results/good", "gate.toml", "--baseline=medhelm-results/in-use"]) == 0
    (pytester.path / "either.toml").write_text('[[rule]]\nany_of = ["letters >= 0.99", "letters >= 0.98"]\n')
    assert main(["gate", "apply", "medhelm-results/worse", "either.toml"]) == 1
    page = (pytester.path / "medhelm-results/worse/leaderboard.html").read_text()
    assert "vllm/worse on letters has none of 2 alternatives shown: fail: letters" in page
    stored = "--baseline=medhelm-results/in-use/leaderboard.json"
    assert main(["gate", "apply", "medhelm-results/worse", "gate.toml", stored]) == 1


def test_a_baseline_that_was_made_otherwise_is_refused(
    letters: Callable[..., Path],
    run: Any,
    server: MockServer,
    pytester: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = (*vllm(server), f"--medhelm-data={letters(40)}")
    run(*options, "--medhelm-suite=new")
    run(*options, "--medhelm-suite=few", "--medhelm-limit=20")
    (pytester.path / "medhelm.toml").write_text(
        '[models."vllm/mock"]\nsystem_prompt = "Be careful."\ntemperature = 0.7\nseed = 3\n'
    )
    run(*options, "--medhelm-suite=system")
    module = pytester.path / "test_letters.py"
    module.write_text(module.read_text().replace('f"{instance.question}', 'f"Please: {instance.question}'))
    run(*options, "--medhelm-suite=prompt")
    rule = "letters >= baseline - 0.2"
    for name, sentence in (
        ("few", "the baseline has another set of instances"),
        ("prompt", "the baseline has another prompt"),
        ("system", "gate pass: letters >= baseline - 0.2"),
        (
            "system",
            "40 pairs; settings of the models differ: seed not set here, 3 there, system_prompt not set here, Be "
            "careful. there, temperature 0 here, 0.7 there\n",
        ),
    ):
        capsys.readouterr()
        main(["gate", "apply", "medhelm-results/new", rule, f"--baseline=medhelm-results/{name}"])
        assert sentence in capsys.readouterr().out


@pytest.mark.parametrize(
    ("theirs", "sentence"),
    [
        ({"judges": {"a": "a-7b"}, "rubric": "r", "wording": "w"}, "the baseline has other judges"),
        ({"judges": {"a": "a-70b"}, "rubric": "s", "wording": "w"}, "the baseline has other rubric"),
        ({"judges": {"a": "a-70b"}, "rubric": "r", "wording": "v"}, "the baseline has other wording of the judges'"),
        ({"judges": {"a": "a-70b"}, "rubric": "r", "wording": "w", "repeats": 3}, "was judged in another way"),
        (None, "the baseline has other judges"),
        ({"judges": {"a": "a-70b"}, "rubric": "r", "wording": "w"}, ""),
    ],
)
def test_a_baseline_of_other_judges_is_refused_for_their_scores_only(theirs: Any, sentence: str) -> None:
    ours = {"judges": {"a": "a-70b"}, "rubric": "r", "wording": "w"}
    scores = [3.0, 4.0] * 10
    columns = cell_of([1.0, 0.0] * 10).columns
    columns.scores["jury"] = columns.scores["exact_match"] = list(scores)
    columns.scales["jury"] = columns.scales["exact_match"] = [1.0, 5.0]
    facts = {"sub_tasks": [], "data": {"origin": "given"}, "category": "", "subcategory": ""}
    whole = {"eval_set_hash": "e", "data": {}, "prompt": "p", "scoring": "s", "code": "c", "model": None}
    mine, base = (make_cell("b", "m", columns, facts, whole | {"jury": jury}) for jury in (ours, theirs))
    found = {
        metric: compared(parse_rule(f"b.{metric} >= baseline - 1"), mine, Baseline("old", Path(), {"b": base}))
        for metric in ("jury", "exact_match")
    }
    assert isinstance(found["exact_match"], Measured)
    assert sentence in getattr(found["jury"], "reason", "")
    assert isinstance(found["jury"], Measured) is not bool(sentence)


def test_a_rule_without_its_baseline_is_a_usage_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--medhelm-model=baseline/random", "--medhelm-gate=med_qa >= baseline - 0.02")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: gate 'med_qa >= baseline - 0.02' needs a baseline: add --medhelm-baseline=*"])


def test_a_file_to_start_from(
    letters: Callable[..., Path],
    run: Any,
    server: MockServer,
    pytester: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(*vllm(server), f"--medhelm-data={letters(40)}")
    suite = "medhelm-results/default"
    assert main(["gate", "new", "gate.toml", f"--suite={suite}"]) == 0
    assert main(["gate", "check", "gate.toml"]) == 0
    assert "letters.lower >= 0.5  (one-sided alpha 0.025)" in capsys.readouterr().out
    assert main(["gate", "apply", suite, "gate.toml"]) == 0
    changed = Path("gate.toml").read_text().replace('prompt = "', 'prompt = "0')
    Path("other.toml").write_text(changed)
    assert main(["gate", "apply", suite, "other.toml"]) == 1
    assert "the gate file does not describe this run: it states another prompt: 0" in capsys.readouterr().out
    assert main(["gate", "new", "gate.toml", f"--suite={suite}"]) == 1
    assert "gate.toml is there already" in capsys.readouterr().err
    assert main(["gate", "new", "gate.toml/new.toml", f"--suite={suite}"]) == 1
    assert "gate.toml/new.toml cannot be written" in capsys.readouterr().err
    assert main(["gate", "check", "none.toml"]) == 1
    assert "there is no such file" in capsys.readouterr().err
    Path("odd.toml").write_text(
        'title = "T\\u001b[2J\\u202e"\n[[rule]]\nrule = "med_qa >= 1"\nwhy = "##vso[task.x]y"\n'
    )
    assert main(["gate", "check", "odd.toml"]) == 0
    shown = capsys.readouterr().out
    assert not {"\x1b", "\u202e"} & set(shown)
    assert "##vso" not in shown
    rules = ("pubmedqa >= 0.7", "med_qa >= 0.7", "* >= 0.1", "clinical_decision_support >= 0.1", "cost <= 5")
    Path("named.toml").write_text("".join(f"[[rule]]\nrule = '{rule}'\n" for rule in rules))
    assert main(["gate", "check", "named.toml"]) == 1
    *_, last = capsys.readouterr().out.splitlines()
    assert last.startswith("gate 'pubmedqa >= 0.7': there is no benchmark, category or subcategory 'pubmedqa'")
    assert "did you mean 'pubmed_qa'?" in last


def test_a_file_from_repeats_and_other_words_states_and_uses_them(
    letters: Callable[..., Path], run: Any, server: MockServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was asked is part of what is agreed on, and the file can be judged on the suite that it is from."""
    options = ("--medhelm-repeats=3", "--medhelm-perturb=helm,extra_spaces", "--medhelm-confidence=stated")
    run(*vllm(server), f"--medhelm-data={letters(20)}", *options)
    suite = "medhelm-results/default"
    assert main(["gate", "new", "gate.toml", f"--suite={suite}"]) == 0
    text = Path("gate.toml").read_text()
    assert '[evaluation]\nrepeats = 3\nperturbations = ["helm", "extra_spaces"]\nperturb_limit = "all"\n' in text
    assert 'rule = "letters.flip_rate.upper <= 0.1"' in text
    assert main(["gate", "check", "gate.toml"]) == 0
    main(["gate", "apply", suite, "gate.toml"])
    assert "does not describe this run" not in capsys.readouterr().out
    Path("gate.toml").rename("once.toml")
    Path("gate.toml").write_text(Path("once.toml").read_text().replace("repeats = 3", "repeats = 2"))
    assert main(["gate", "apply", suite, "gate.toml"]) == 1
    assert "it states repeats = 2, the run had 3" in capsys.readouterr().out
    Path("gate.toml").write_text(Path("once.toml").read_text().replace('perturb_limit = "all"', "perturb_limit = 9"))
    assert main(["gate", "apply", suite, "gate.toml"]) == 1
    assert "it states perturb_limit = 9, the run had all" in capsys.readouterr().out


def test_a_gate_file_from_baselines_where_no_candidate_was_run_yet(
    letters: Callable[..., Path], run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--medhelm-model=baseline/majority", f"--medhelm-data={letters(40)}")
    assert main(["gate", "new", "gate.toml", "--suite=medhelm-results/default"]) == 0
    assert main(["gate", "apply", "medhelm-results/default", "gate.toml"]) == 1
    shown = capsys.readouterr().out
    assert "gate fail: letters.lower >=" in shown
    assert "does not describe this run" not in shown


def test_no_gate_file_from_sample_data(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run(BENCHMARKS / "medical_research_assistance/test_pubmed_qa.py", "--medhelm-model=baseline/majority")
    assert main(["gate", "new", "gate.toml", "--suite=medhelm-results/sample"]) == 1
    assert "holds no result on real data" in capsys.readouterr().err


def test_a_latency_counts_failed_first_attempts_as_slow(letters: Callable[..., Path], run: Any) -> None:
    tries: dict[str, int] = {}

    def reply(body: dict[str, Any]) -> str | Fault:
        name = str(body["messages"])
        tries[name] = tries.get(name, 0) + 1
        return Fault("status", 500) if tries[name] == 1 and "Case 1" in name else gold(body)

    data = letters(30)
    with MockServer(reply) as server:
        options = (*vllm(server), f"--medhelm-data={data}")
        first = run(*options, "--medhelm-gate=letters.p50_latency <= 30", "--medhelm-gate=letters.p95_latency <= 30")
        again = run(*options, "--medhelm-gate=letters.p50_latency <= 30")
    first.stdout.fnmatch_lines(
        [
            "gate pass: letters.p50_latency *over 30 first attempts, the wait in the server's queue included",
            "gate fail: letters.p95_latency *first attempts failed*",
        ]
    )
    again.stdout.fnmatch_lines(["gate not evaluated: letters.p50_latency *only 0 answers were asked*"])


def test_the_documented_gate_file_is_read(tmp_path: Path) -> None:
    text = (CHECKOUT / "docs/gates.md").read_text()
    (block,) = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    tomllib.loads(block)
    path = tmp_path / "gate.toml"
    path.write_text(block)
    assert len(read_gate(path).demands) == 3
    for rule in re.findall(r"^\| `([^`]+)`(?:, `([^`]+)`)? \|", text.partition("## Verdicts")[0], re.MULTILINE):
        for entry in filter(None, rule):
            parse_rule(entry)


def test_stored_baselines_are_judged_where_they_are_alone(
    letters: Callable[..., Path], run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the session itself does."""
    data = letters(8)
    run("--medhelm-model=baseline/majority", f"--medhelm-data={data}")
    assert main(["gate", "apply", "medhelm-results/default", "letters.exact_match >= 0.25"]) == 0
    assert "gate pass: letters.exact_match >= 0.25: baseline/majority" in capsys.readouterr().out
