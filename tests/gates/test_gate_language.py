"""The language of gate rules: what is read, what is refused and how, and that a rule prints as it reads."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_medhelm.gates.gate_file import is_gate_file, read_gate
from pytest_medhelm.gates.rule import Rule, parse_rule
from pytest_medhelm.util.errors import ConfigError
from tests.support.examples import any_text, drawn, hostile


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("pubmed_qa.exact_match >= 0.70", Rule("pubmed_qa", None, "exact_match", "", ">=", 0.7)),
        ("pubmed_qa>=.7".replace(".7", "0.7"), Rule("pubmed_qa", None, "", "", ">=", 0.7)),
        ("pubmed_qa.lower >= 0.70", Rule("pubmed_qa", None, "", "lower", ">=", 0.7)),
        ("aci_bench.harm_severe.upper <= 0.05", Rule("aci_bench", None, "harm_severe", "upper", "<=", 0.05)),
        ("medcalc_bench >= baseline - 0.02", Rule("medcalc_bench", None, "", "", ">=", -0.02, True)),
        ("medcalc_bench >= baseline+0.02", Rule("medcalc_bench", None, "", "", ">=", 0.02, True)),
        ("medcalc_bench >= baseline", Rule("medcalc_bench", None, "", "", ">=", 0.0, True)),
        ("clear[condition=homelessness] >= 0.6", Rule("clear", ("condition", "homelessness"), "", "", ">=", 0.6)),
        ('a[b="x]y"].c >= 1', Rule("a", ("b", "x]y"), "c", "", ">=", 1.0)),
        ("a[exam year=2018] >= 1", Rule("a", ("exam year", "2018"), "", "", ">=", 1.0)),
        ("*.request_error <= 0.01", Rule("*", None, "request_error", "", "<=", 0.01)),
        ("cost <= 50", Rule("cost", None, "", "", "<=", 50.0)),
        ("*.must_pass >= 1", Rule("*", None, "must_pass", "", ">=", 1.0)),
        ("x.mean-error <= -0.5", Rule("x", None, "mean-error", "", "<=", -0.5)),
    ],
)
def test_what_a_rule_says(text: str, rule: Rule) -> None:
    assert parse_rule(text) == rule


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("", 1, "a benchmark"),
        ("PubMed >= 1", 1, "a benchmark"),
        ("pubmed_qa. >= 1", 11, "a metric after the dot"),
        ("pubmed_qa.exact_match.middle >= 1", 23, ".lower or .upper"),
        ("pubmed_qa = 1", 11, ">= or <="),
        ("pubmed_qa >= high", 14, "a number, or baseline"),
        ("pubmed_qa >= .7", 14, "a number"),
        ("pubmed_qa >= 1e-3", 14, "a number"),
        ("pubmed_qa >= baseline -", 23, "+ or - and a margin"),
        ("pubmed_qa >= baseline 0.02", 23, "+ or - and a margin"),
        ("pubmed_qa[year] >= 1", 15, "expected ="),
        ("pubmed_qa[year=2018 >= 1", 25, "expected ]"),
        ("pubmed_qa >= 1 and more", 16, "nothing more"),
        ("pubmed_qa.win_rate >= 0.5", 11, "win_rate depends on which other models"),
        ("mean_win_rate >= 0.5", 1, "mean_win_rate depends on which other models"),
        ("pubmed_qa >= \u0667", 14, "a number"),
        ("pubmed_qa >= baseline - 0.\u0660\u0662", 23, "+ or - and a margin"),
    ],
)
def test_an_error_names_the_column_and_what_was_expected(text: str, column: int, expected: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_rule(text)
    assert f"column {column}: " in str(error.value)
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a.must_pass >= 0.9", "never-events know no tolerance: write 'a.must_pass >= 1'"),
        ("a.upper >= 0.9", "a lower bound is compared with >= and an upper bound with <="),
        ("a.lower >= baseline - 0.1", "leave out .lower"),
        ("cost >= 3", "a rule about money reads 'cost <= 50'"),
        ("a[b=c].p95_latency <= 3", "leave out the brackets"),
    ],
)
def test_a_rule_that_would_decide_nothing_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_rule(text)
    assert sentence in str(error.value)


PARTS = [
    "a", "pubmed_qa", "*", ".", "accuracy", "lower", "upper", "must_pass", "p95_latency", "cost", "status",
    "[", "]", "=", '"', ">=", "<=", ">", "<", "==", "baseline", "+", "-", "0.7", "1", "1e309", "nan", "-0",
    ".5", "5.", " ", "  ", "\t", "\n", "any_of", "jury", "severe", "é", "٣", "\x00", "\ud800",
]  # fmt: skip


def any_rule(random: Random) -> str:
    """Parts of rules in any order, or any text."""
    if random.random() < 0.2:
        return any_text(random, 60)
    return random.choice(["", " "]).join(random.choices(PARTS, k=random.randrange(12)))


@hostile
@given(drawn(any_rule))
def test_no_input_breaks_the_parser(texts: list[str]) -> None:
    for text in texts:
        with suppress(ConfigError):
            rule = parse_rule(text)
            assert parse_rule(str(rule)) == rule


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True).filter(lambda name: name != "cost")
NUMBERS = st.decimals(-9999, 9999, places=4, allow_nan=False).map(float)
SLICES = st.tuples(
    st.from_regex(r"[A-Za-z][A-Za-z0-9_ -]{0,8}[a-z]", fullmatch=True),
    st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\n"), max_size=12),
)


@given(NAMES, st.none() | SLICES, NAMES, st.sampled_from(["", "bound"]), st.sampled_from([">=", "<="]), NUMBERS)
def test_a_rule_prints_as_it_reads(
    name: str, part: tuple[str, str] | None, metric: str, bound: str, comparison: str, number: float
) -> None:
    end = ("lower" if comparison == ">=" else "upper") if bound else ""
    rule = Rule(name, part, f"m_{metric}", end, comparison, number + 0.0)
    assert parse_rule(str(rule)) == rule


@given(NAMES, NUMBERS, st.sampled_from([">=", "<="]))
def test_a_comparison_with_the_baseline_prints_as_it_reads(name: str, margin: float, comparison: str) -> None:
    rule = Rule(name, None, "", "", comparison, margin + 0.0, True)
    assert parse_rule(str(rule)) == rule


GATE = """
title = "Letters"
alpha = 0.05

[evaluation]
shots = 0

[benchmarks.pubmed_qa]
n = 500

[[rule]]
rule = "pubmed_qa >= baseline - 0.02"
why = "two in a hundred"

[[rule]]
any_of = ["med_qa >= 0.7", "medbullets.lower >= 0.6"]
alpha = 0.01

[[rule]]
rule = "aci_bench.jury.lower >= 3.5"
judges = 3
jury_agreement = 0.5
"""


def test_a_gate_file(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(GATE)
    gate = read_gate(path)
    first, second, third = gate.demands
    assert (gate.title, gate.benchmarks["pubmed_qa"]["n"], gate.evaluation) == ("Letters", 500, {"shots": 0})
    (margin,) = first.alternatives
    assert (margin.threshold, margin.alpha, margin.why) == (-0.02, 0.05, "two in a hundred")
    assert [rule.alpha for rule in second.alternatives] == [0.01, 0.01]
    assert (third.alternatives[0].judges, third.alternatives[0].jury_agreement) == (3, 0.5)
    assert len(gate.digest) == 64


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "it has no rule"),
        ("[[rule]]\nrul = 'a >= 1'", "[[rule]] number 1 has no key 'rul'; known are: rule, any_of"),
        ("[[rule]]\nrule = 'a > 1'", "column 3: expected >= or <="),
        ("[[rule]]\nrule = 'a >= baseline - 0.1'", "a margin needs its reason: add why"),
        ("[[rule]]\nany_of = []", "needs either rule = '...' or any_of"),
        ("[[rule]]\nrule = 'a >= 1'\nany_of = ['b >= 1']", "needs either rule = '...' or any_of"),
        ("[[rule]]\nrule = 3", "is of the wrong type"),
        ("rule = ['a >= 1']", "must be a table"),
        ("alpha = 0.7\n[[rule]]\nrule = 'a >= 1'", "must lie between 0.0001 and 0.2"),
        ("[benchmarks]\na = 3\n[[rule]]\nrule = 'a >= 1'", "write [benchmarks.a] as a table"),
        ("[benchmarks.a]\nn = 'some'\n[[rule]]\nrule = 'a >= 1'", "neither a number of instances nor"),
        ("[evaluation]\nseed = 3\n[[rule]]\nrule = 'a >= 1'", "[evaluation] has no key 'seed'"),
        ("rule = [", "cannot be read as TOML"),
        ("[[rule]]\nrule = 'a >= 1'\nalpha = 1e-300", "must lie between 0.0001 and 0.2"),
        ("[[rule]]\nrule = 'a >= 1'\nalpha = nan", "must lie between 0.0001 and 0.2"),
        ("[[rule]]\nrule = 'a.jury >= 1'\njudges = 0", "judges = 0: at least one judge must have rated"),
        ("[[rule]]\nrule = 'a.jury >= 1'\njury_agreement = -1", "jury_agreement = -1 must lie between 0 and 1"),
        ("[evaluation]\njudges = [1]\n[[rule]]\nrule = 'a >= 1'", "[evaluation] judges must be a list of names"),
        ("[evaluation]\nperturbations = [3]\n[[rule]]\nrule = 'a >= 1'", "perturbations must be a list of names"),
        ("[benchmarks.a]\ndata = {f = 3}\n[[rule]]\nrule = 'a >= 1'", "[benchmarks.a] data must be a checksum or"),
    ],
)
def test_a_gate_file_that_is_wrong_says_where(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        read_gate(path)
    assert sentence in str(error.value)
    assert "gate.toml" in str(error.value)
    assert "\n" not in str(error.value).replace("\\n", "")


def test_a_gate_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        read_gate(tmp_path / "none.toml")


@pytest.mark.parametrize(("text", "is_file"), [("gate.toml", True), ("a >= 1", False), ("", False)])
def test_a_rule_or_a_file(text: str, is_file: bool) -> None:
    assert is_gate_file(text) is is_file


def test_a_rule_may_do_without_validated_judges_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    rule = '[[rule]]\nrule = "a.harm_severe.upper <= 0.05"\n'
    path.write_text(f'{rule}validated = "not required"\nwhy = "a nurse reads every answer"\n')
    assert read_gate(path).rules[0].validated
    path.write_text(rule)
    assert not read_gate(path).rules[0].validated
    for more, sentence in (
        ('validated = "not required"', "judges that nobody validated need a reason: add why"),
        ('validated = "no"\nwhy = "x"', 'write "required" or "not required"'),
    ):
        path.write_text(f"{rule}{more}\n")
        with pytest.raises(ConfigError, match=sentence):
            read_gate(path)
