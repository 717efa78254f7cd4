"""Metrics against published and hand-worked values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from benchmarks.clinical_decision_support import test_med_qa as med_qa
from benchmarks.clinical_decision_support import test_medcalc_bench as medcalc_bench
from benchmarks.shared.calculation import (
    Value,
    medcalc_accuracy,
    medcalc_accuracy_helm,
    parse_value,
    read_gestational_age,
    read_value,
)
from pytest_medhelm.models.engine.request import Completion
from pytest_medhelm.results.stats.intervals import standard_error
from pytest_medhelm.scoring.metrics import METRICS
from pytest_medhelm.scoring.metrics.exact_match import (
    exact_match,
    f1_score,
    prefix_exact_match,
    quasi_exact_match,
    quasi_prefix_exact_match,
)
from pytest_medhelm.scoring.metrics.rouge import rouge_english, rouge_unicode
from pytest_medhelm.scoring.metrics.rouge import rouge_english as rouge
from pytest_medhelm.scoring.response import Response
from pytest_medhelm.scoring.score import Score
from pytest_medhelm.tasks.task import Instance
from tests.support.real_data import real


@pytest.mark.parametrize(
    ("prediction", "reference", "value"),
    [
        ("B", "B", 1.0),
        (" B\n", "B", 1.0),
        ("b", "B", 0.0),
        ("B.", "B", 0.0),
        ("The answer is B", "B", 0.0),
        ("", "B", 0.0),
    ],
)
def test_exact_match_forgives_blanks_at_the_ends_only(prediction: str, reference: str, value: float) -> None:
    assert exact_match(prediction, reference) == value


# Lin 2004, section 3.1: the reference "police killed the gunman" and three candidates. With stemming
# the first candidate there ("police kill the gunman") equals the reference.


@pytest.mark.parametrize(
    ("prediction", "reference", "rouge_1", "rouge_2", "rouge_l"),
    [
        ("police kill the gunman", "police killed the gunman", 1, 1, 1),
        ("the gunman kill police", "police killed the gunman", 1, 1 / 3, 2 / 4),
        ("the gunman police killed", "police killed the gunman", 1, 2 / 3, 2 / 4),
        # five of six words, three of five pairs, the subsequence "the cat on the mat"
        ("the cat sat on the mat", "the cat was on the mat", 5 / 6, 3 / 5, 5 / 6),
        # precision 3/3 and recall 3/7; pairs: precision 1/2 and recall 1/6
        ("take with food", "take the tablet with food every morning", 0.6, 0.25, 0.6),
        # a repeated word counts as often as the reference has it: precision 1/4, recall 1/2
        ("pain pain pain pain", "chest pain", 1 / 3, 0, 1 / 3),
        ("Take 500 mg, twice!", "take 500 MG twice", 1, 1, 1),
        ("nothing alike", "chest pain", 0, 0, 0),
        ("", "chest pain", 0, 0, 0),
    ],
)
def test_rouge_is_the_f_measure_of_stemmed_words(
    prediction: str, reference: str, rouge_1: float, rouge_2: float, rouge_l: float
) -> None:
    assert rouge(prediction, reference) == pytest.approx({"rouge_1": rouge_1, "rouge_2": rouge_2, "rouge_l": rouge_l})


def test_metrics_return_plain_floats_under_the_names_they_announce() -> None:
    values = rouge("take with food", "take it with food")
    assert tuple(values) == METRICS["rouge_english"].names
    # numpy floats would crash xdist, and they are instances of float
    assert {type(value) for value in values.values()} == {float}
    assert type(exact_match("A", "A")) is float
    assert type(medcalc_accuracy(3.0, "3", "3")) is float


@pytest.mark.parametrize(
    ("prediction", "lower", "upper", "value"),
    [
        (25.238, "23.9761", "26.4999", 1.0),
        (23.9761, "23.9761", "26.4999", 1.0),
        (26.4999, "23.9761", "26.4999", 1.0),
        (26.5, "23.9761", "26.4999", 0.0),
        (-0.828, "-0.8694", "-0.7866", 1.0),
        (0.828, "-0.8694", "-0.7866", 0.0),
        (12.0, "12", "12", 1.0),
        (12.4, "12", "12", 0.0),
        (0.0, "0", "0", 1.0),
        (date(2014, 9, 23), "09/23/2014", "09/23/2014", 1.0),
        (date(2014, 9, 24), "09/23/2014", "09/23/2014", 0.0),
        (timedelta(days=99), "('14 weeks', '1 days')", "('14 weeks', '1 days')", 1.0),
        (timedelta(days=98), "('14 weeks', '1 days')", "('14 weeks', '1 days')", 0.0),
        # of another form than the limits
        (14.0, "('14 weeks', '1 days')", "('14 weeks', '1 days')", 0.0),
        (2014.0, "09/23/2014", "09/23/2014", 0.0),
    ],
)
def test_medcalc_accuracy(prediction: Value, lower: str, upper: str, value: float) -> None:
    assert medcalc_accuracy(prediction, lower, upper) == value


@pytest.mark.parametrize("text", ["", "about 5", "nan", "inf", "13/23/2014", "('14 weeks')"])
def test_a_malformed_limit_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (the message is Python's own)
        parse_value(text)


@pytest.mark.parametrize(
    "text",
    [
        "('14 weeks', '1 days')",
        "(14 weeks, 1 days)",
        "(14 weeks, 1 day)",
        "14 weeks and 1 day",
        "14 weeks, 1 day",
        "14 Weeks 1 Day",
        "14w1d",
        "14w 1d",
        "14 wks + 1 d",
        "14-weeks 1-day",
        "14+1",
        "14 + 1 weeks",
        "14 1/7 weeks",
        "(14, 1)",
        "99 days",
        "**14 weeks** and **1 day**",
        r"$\boxed{14 \text{ weeks}, 1 \text{ day}}$",
        '{"answer": "14 weeks, 1 day"}',
        "The gestational age is 14 weeks and 1 day.",
        "99 days have passed, which are 14 weeks and 1 day.",
        "January gives 27 + 4 days.\nAnswer: 14 weeks 1 day",
        "At first I thought 13 weeks 6 days, but I recounted.\n\nAnswer: (14 weeks, 1 days)",
    ],
)
def test_a_gestational_age_is_read_in_its_usual_dresses(text: str) -> None:
    assert read_gestational_age(text) == timedelta(weeks=14, days=1)


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("14 weeks", timedelta(weeks=14)),
        ("6 days", timedelta(days=6)),
        ("(0 weeks, 6 days)", timedelta(days=6)),
        ("", None),
        ("The age cannot be determined.", None),
        ("Answer: 14", None),
        ("14 weeks 1 day or 14 weeks 2 days", None),
        ("14.57 weeks", None),
    ],
)
def test_a_gestational_age_is_never_guessed(text: str, age: timedelta | None) -> None:
    assert read_gestational_age(text) == age


def respond(text: str, instance: Instance) -> Response:
    return Response(Completion("ok", text, finish_reason="stop"), key="0" * 64, instance=instance, language="en")


def calculation(category: str, answer: str, lower: str = "", upper: str = "") -> Instance:
    return Instance(
        id="1",
        question="",
        answer=answer,
        fields={"category": category, "lower": lower or answer, "upper": upper or answer},
    )


@pytest.mark.parametrize("text", ["I cannot tell.", "Answer: none", ""])
@pytest.mark.parametrize("answer", ["25.238", "09/23/2014", "('14 weeks', '1 days')"])
def test_a_result_that_cannot_be_read_is_none(text: str, answer: str) -> None:
    assert read_value(respond(text, calculation("lab", answer)), answer) is None


# Each row follows from the rules that reference/medhelm/metrics.md gives for release 0.8.0.
@pytest.mark.parametrize(
    ("text", "instance", "value"),
    [
        ("25.238", calculation("lab", "25.238", "23.9761", "26.4999"), 0.0),
        ("35.2", calculation("dosage", "35.2", "33.44", "36.96"), 0.0),
        ("35.2", calculation("dosage conversion", "35.2", "33.44", "36.96"), 1.0),
        (" 100\n", calculation("physical", "100", "95", "105"), 1.0),
        ("105", calculation("physical", "100", "95", "105"), 1.0),
        ("105.1", calculation("physical", "100", "95", "105"), 0.0),
        ("100 mm Hg", calculation("physical", "100", "95", "105"), 0.0),
        ("Answer: 100", calculation("physical", "100", "95", "105"), 0.0),
        ("12", calculation("severity", "12"), 1.0),
        ("12.0", calculation("severity", "12"), 0.0),
        ("1.5", calculation("risk", "1.5", "1.425", "1.575"), 1.0),
        ("1.50", calculation("risk", "1.5", "1.425", "1.575"), 0.0),
        ("2", calculation("diagnosis", "2"), 1.0),
        ("9/23/2014", calculation("date", "09/23/2014"), 1.0),
        ("September 23, 2014", calculation("date", "09/23/2014"), 0.0),
        ("('14 weeks', '1 days')", calculation("date", "('14 weeks', '1 days')"), 1.0),
        ("('13 weeks', '8 days')", calculation("date", "('14 weeks', '1 days')"), 1.0),
        ("('14 weeks', '1 days') by the last period", calculation("date", "('14 weeks', '1 days')"), 1.0),
        ("It is ('14 weeks', '1 days')", calculation("date", "('14 weeks', '1 days')"), 0.0),
        ("(14 weeks, 1 days)", calculation("date", "('14 weeks', '1 days')"), 0.0),
        ("", calculation("date", "09/23/2014"), 0.0),
    ],
)
def test_medcalc_accuracy_as_medhelm_has_it(text: str, instance: Instance, value: float) -> None:
    assert medcalc_accuracy_helm(text, instance) == value


class Scores(dict[str, float]):
    """Stands in for the ``score`` fixture; an answer that cannot be read is 0."""

    def exact_match(self, prediction: str | None, reference: str) -> None:
        self["exact_match"] = 0.0 if prediction is None else exact_match(prediction, reference)

    choice = Score.choice  # the real one, on these scores
    _settings = SimpleNamespace(answer_form="any")

    def metric(self, metric: Callable[..., float], prediction: Value | None, lower: str, upper: str) -> None:
        self[metric.__name__] = 0.0 if prediction is None else metric(prediction, lower, upper)

    def helm(self, name: str, value: float) -> None:
        self[f"{name}_helm"] = value


@pytest.mark.parametrize(
    ("text", "value", "helm"),
    [
        ("B", 1.0, 1.0),
        ("B.", 1.0, 1.0),
        ("B. two", 1.0, 1.0),
        ("B\n\nExplanation: it is the second.", 1.0, 1.0),
        ("Answer: B", 1.0, 1.0),
        ("The first is wrong.\n\n**Answer:** B", 1.0, 1.0),
        ("Respuesta: B", 1.0, 1.0),
        ("The answer is **B**.", 1.0, 0.0),
        ("b", 1.0, 0.0),
        ("C", 0.0, 0.0),
        ("", 0.0, 0.0),
    ],
)
def test_a_letter_is_read_by_us_and_looked_up_by_medhelm(text: str, value: float, helm: float) -> None:
    instance = Instance(id="1", question="?", answer="B", choices=("one", "two", "three", "four"))
    scores = Scores()
    med_qa.test_med_qa(instance, respond(text, instance), scores)  # type: ignore[arg-type]
    assert scores == {"exact_match": value, "exact_match_helm": helm}


@pytest.mark.parametrize(
    ("category", "text", "value", "helm"),
    [
        ("lab", "12", 1.0, 0.0),
        ("physical", "12", 1.0, 1.0),
        ("physical", "138 - 126 = 12\nAnswer: 12 mEq/L", 1.0, 0.0),
        ("risk", "12.0", 1.0, 0.0),
        ("risk", "13", 0.0, 0.0),
    ],
)
def test_a_calculation_is_read_by_us_and_taken_whole_by_medhelm(
    category: str, text: str, value: float, helm: float
) -> None:
    instance = calculation(category, "12", "11.4", "12.6")
    scores = Scores()
    medcalc_bench.test_medcalc_bench(instance, respond(text, instance), scores)  # type: ignore[arg-type]
    assert scores == {"medcalc_accuracy": value, "medcalc_accuracy_helm": helm}


@pytest.fixture(scope="module")
def calculations() -> list[Instance]:
    return list(medcalc_bench.load(real("medcalc_bench", "test_data.csv")))


def usual_dresses(answer: str) -> Iterator[str]:
    """A gold answer in the ways that a model may write it."""
    value = parse_value(answer)
    if isinstance(value, timedelta):
        weeks, days = divmod(value.days, 7)
        yield from (
            answer,
            f"({weeks} weeks, {days} days)",
            f"{weeks} weeks and {days} days",
            f"{weeks}w{days}d",
        )
    elif isinstance(value, date):
        yield from (answer, f"{value:%B} {value.day}, {value.year}", value.isoformat())
    else:
        yield answer
        yield f"{value:.4f}"
        yield answer.replace("-", "\N{MINUS SIGN}")


def test_every_gold_answer_of_the_real_file_scores_one(calculations: list[Instance]) -> None:
    wrong = []
    for instance in calculations:
        for dress in usual_dresses(instance.answer):
            for text in (dress, f"First 2 + 3 = 5.\n\n**Answer:** {dress}", f"Working.\nAnswer: {dress}."):
                value = read_value(respond(text, instance), instance.answer)
                limits = instance.fields["lower"], instance.fields["upper"]
                if value is None or medcalc_accuracy(value, *limits) != 1.0:
                    wrong.append((instance.id, text))
    assert wrong == []


def test_the_same_answers_as_medhelm_scores_them(calculations: list[Instance]) -> None:
    scores: dict[str, set[float]] = {}
    for entry in calculations:
        scores.setdefault(entry.slices["category"], set()).add(medcalc_accuracy_helm(entry.answer, entry))
    assert scores.pop("lab") == {0.0}
    assert scores.pop("dosage") == {0.0}
    assert sorted(scores) == ["date", "diagnosis", "physical", "risk", "severity"]
    assert all(values == {1.0} for values in scores.values())


# String matches and F1 as MedHELM normalises: lower case, no ASCII punctuation, no a/an/the, single blanks


@pytest.mark.parametrize(
    ("prediction", "reference", "exact", "quasi", "prefix", "quasi_prefix"),
    [
        ("Yes", "Yes", 1, 1, 1, 1),
        (" Yes\n", "Yes", 1, 1, 1, 1),
        ("yes.", "Yes", 0, 1, 0, 1),
        ("The ACE-inhibitor", "ace inhibitor", 0, 0, 0, 0),  # the hyphen is deleted, not a blank
        ("The ACE inhibitor!", "ace  inhibitor", 0, 1, 0, 1),
        ("Yes, because of it", "Yes", 0, 0, 1, 1),
        ("No", "Yes", 0, 0, 0, 0),
        ("An aspirin a day", "aspirin day", 0, 1, 0, 1),
        ("", "Yes", 0, 0, 0, 0),
        ("anything", "the", 0, 0, 0, 0),  # MedHELM: everything begins with nothing
        ("A", "the", 0, 1, 0, 1),
    ],
)
def test_string_matches(
    prediction: str, reference: str, exact: int, quasi: int, prefix: int, quasi_prefix: int
) -> None:
    found = [
        match(prediction, reference)
        for match in (exact_match, quasi_exact_match, prefix_exact_match, quasi_prefix_exact_match)
    ]
    assert found == [exact, quasi, prefix, quasi_prefix]


@pytest.mark.parametrize(
    ("prediction", "reference", "value"),
    [
        ("take with food", "take it with food", 2 * 3 / (3 + 4)),
        ("food food food", "food", 1.0),  # sets of words
        ("The food.", "food", 1.0),
        ("water", "food", 0.0),
        ("", "food", 0.0),
        ("the", "a", 0.0),  # nothing is left of either
    ],
)
def test_f1_over_words(prediction: str, reference: str, value: float) -> None:
    assert f1_score(prediction, reference) == pytest.approx(value)


def test_rouge_outside_english_counts_whole_words_of_any_script() -> None:
    german = rouge_unicode("Der Schädel ist gebrochen", "Der Schädel ist nicht gebrochen")
    assert german["rouge_1"] == pytest.approx(2 * 4 / (4 + 5))
    assert german["rouge_l"] == pytest.approx(2 * 4 / (4 + 5))
    # a-z words: der, sch, del, ist, gebrochen; and nicht
    assert rouge_english("Der Schädel ist gebrochen", "Der Schädel ist nicht gebrochen")["rouge_1"] == pytest.approx(
        2 * 5 / (5 + 6)
    )
    russian = rouge_unicode("перелом черепа", "перелом черепа")
    assert (russian["rouge_1"], russian["rouge_2"], russian["rouge_l"]) == (1.0, 1.0, 1.0)
    assert rouge_english("перелом черепа", "перелом черепа")["rouge_l"] == 0.0
    chinese = rouge_unicode("没有骨折", "没有骨裂")
    assert chinese["rouge_1"] == pytest.approx(0.75)
    assert tuple(german) == METRICS["rouge_unicode"].names
    # no stemming: "Tabletten" and "Tablette" are two words
    assert rouge_unicode("Tabletten", "Tablette")["rouge_1"] == 0.0


def test_standard_errors_worked_by_hand() -> None:
    assert standard_error([1.0] * 90 + [0.0] * 10, (0.0, 1.0)) == pytest.approx(0.03)  # sqrt(0.9 * 0.1 / 100)
    assert standard_error([1, 2, 3, 4, 5], (1.0, 5.0)) == pytest.approx((2.5 / 5) ** 0.5)
    assert standard_error([1, 2, 3, 4, 5], (5.0, 1.0)) == pytest.approx((2.5 / 5) ** 0.5)
    assert standard_error([1.0], (0.0, 1.0)) is None
    scores = [1.0] * 810 + [0.0] * 90 + [1.0] * 50 + [0.0] * 50
    strata = ["one"] * 900 + ["two"] * 100
    assert standard_error(scores, (0.0, 1.0), strata=strata) == pytest.approx((0.0001 + 0.0025) ** 0.5 / 2)
    # each score twice, from the same source: as uncertain as one of each
    pairs = [value for value in [1.0] * 60 + [0.0] * 40 for _ in range(2)]
    clusters = [str(index // 2) for index in range(200)]
    single = standard_error([1.0] * 60 + [0.0] * 40, (0.0, 1.0))
    assert single is not None
    assert standard_error(pairs, (0.0, 1.0), clusters) == pytest.approx(single, rel=0.01)
