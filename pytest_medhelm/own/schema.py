"""What a NAME.medhelm.yaml may say: checked key by key, each error with line, column and what to type instead."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pytest_medhelm.errors import ConfigError
from pytest_medhelm.gates.rule import BESIDE_METRICS, parse_rule
from pytest_medhelm.jury.rubric import Rubric, load_rubric
from pytest_medhelm.jury.rubric_files import CRITERIA_KEYS, rubric_of
from pytest_medhelm.own.document import OwnError, Place, Table, Value, read_document, suggestion
from pytest_medhelm.own.template import Template, parse_template
from pytest_medhelm.response import STATUSES
from pytest_medhelm.taxonomy import CATEGORIES, CATEGORY_OF, Access, Kind, slug

SUFFIXES = (".medhelm.yaml", ".medhelm.yml")
FORMATS = ("csv", "tsv", "jsonl", "json", "xlsx")
ANSWERS = ("letter", "label", "number", "text")
MARKS = (
    "parametrize", "skip", "skipif", "xfail", "usefixtures", "filterwarnings", "tryfirst", "trylast", "timeout", "slow",
)  # fmt: skip
"""Names that pytest and its usual plugins use."""
KEYS = (
    "name", "title", "description", "subcategory", "language", "access", "third_party", "licence", "source", "data",
    "delimiter", "columns", "prompt", "answer", "metrics", "rubric", "examples", "gate",
)  # fmt: skip
TEXT_METRICS = (
    "rouge", "exact_match", "quasi_exact_match", "prefix_exact_match", "quasi_prefix_exact_match", "f1_score", "jury",
)  # fmt: skip
METRICS: Mapping[str, tuple[str, ...]] = {
    "letter": ("exact_match",),
    "label": ("exact_match",),
    "number": ("number_accuracy",),
    "text": TEXT_METRICS,
}
ROUGE = ("rouge_1", "rouge_2", "rouge_l")
DELIMITERS: Mapping[str, str] = {",": ",", ";": ";", "|": "|", "tab": "\t"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the data, and where the file names it."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a number may be from the reference."""

    amount: float = 0.0
    is_share: bool = False
    """The amount is a share of the reference."""

    def around(self, reference: float) -> float:
        """The accepted distance from this reference."""
        return self.amount * abs(reference) if self.is_share else self.amount


@dataclass(frozen=True, slots=True)
class Spec:
    """The checked content of one file."""

    path: Path
    name: str
    title: str
    description: str
    subcategory: str
    language: str
    access: Access
    third_party: bool | None
    licence: str
    source: str
    data: str
    delimiter: str
    """Between the cells of a CSV file; empty: a comma."""
    examples: str
    """File with solved examples; empty for none."""
    id: Column | None
    cluster: Column | None
    slices: tuple[Column, ...]
    prompt: Template
    answer: Column
    answer_kind: str
    choices: tuple[str, ...]
    """The options where they are the same in every row."""
    choice_columns: tuple[Column, ...]
    """The columns that hold the options; a single one holds a list."""
    tolerance: Tolerance
    positive: str
    metrics: tuple[str, ...]
    rubric: str | Rubric
    gates: tuple[str, ...]

    @property
    def has_choices(self) -> bool:
        """The answer is one of several options."""
        return self.answer_kind in ("letter", "label")

    @property
    def kind(self) -> Kind:
        """The benchmark's kind, by which it can be selected."""
        if self.has_choices:
            return "classification" if self.choices else "multiple_choice"
        if self.answer_kind == "number":
            return "calculation"
        if self.rubric:
            return "jury"
        return "extraction" if self.metrics[0].endswith("exact_match") else "generation"

    @property
    def main_metric(self) -> str:
        """The name of the main score without a jury."""
        first = next(name for name in self.metrics if name != "jury")
        return "rouge_l" if first == "rouge" else first

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns that the data must have."""
        named = [Column(name, place) for name, place in self.prompt.columns.items()]
        others = [column for column in (self.id, self.cluster, self.answer) if column is not None]
        return (*named, *others, *self.slices, *self.choice_columns)


def read_spec(path: Path) -> Spec:
    """Read and check a file. Raises OwnError with one sentence."""
    table = read_document(path, KEYS)
    name = _name(table, path)
    columns = table.values["columns"].table(("id", "cluster", "slices")) if "columns" in table.values else None
    identity, cluster, slices = _columns(columns)
    answer = table.need("answer", "{kind: letter, column: answer, choices: [yes, no]}").table(
        ("kind", "column", "choices", "choices_column", "choices_columns", "tolerance", "positive")
    )
    kind = answer.need("kind", "letter").one_of(ANSWERS)
    choices, choice_columns = _choices(answer, kind)
    metrics = _metrics(table, kind)
    rubric = _rubric(table, metrics)
    access = _access(table)
    positive = _positive(answer, choices)
    language = _language(table)
    data = table.need("data", f"{name}.csv")
    return Spec(
        path=path,
        name=name,
        title=table.text("title", name.replace("_", " ").capitalize()),
        description=table.text("description"),
        subcategory=table.need("subcategory", "Planning Treatments").one_of(CATEGORY_OF),
        language=language,
        access=access,
        third_party=_third_party(table, access),
        licence=table.text("licence", "not stated"),
        source=table.text("source", "own data"),
        data=_data_file(data),
        delimiter=_delimiter(table, data),
        examples=_data_file(table.values["examples"]) if "examples" in table.values else "",
        id=identity,
        cluster=cluster,
        slices=slices,
        prompt=parse_template(table.need("prompt", "'{question}'"), has_choices=kind in ("letter", "label")),
        answer=_column(answer.need("column", "answer")),
        answer_kind=kind,
        choices=choices,
        choice_columns=choice_columns,
        tolerance=_tolerance(answer, kind),
        positive=positive,
        metrics=metrics,
        rubric=rubric,
        gates=_gates(table, name, _scores(kind, metrics, rubric, choices, positive, language)),
    )


def name_of(path: Path) -> str:
    """The benchmark's name as far as the file can be read for it; empty else."""
    try:
        return _name(read_document(path), path)
    except OwnError:
        return ""


def name_problem(name: str) -> str:
    """Why this cannot be the name of a benchmark; empty when it can."""
    marks = {slug(entry) for pair in CATEGORIES.items() for entry in (pair[0], *pair[1])}
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        return (
            f"the name {name!r} is not made of small letters, digits and _, beginning with a letter, e.g. ward_triage"
        )
    if keyword.iskeyword(name) or name in {*marks, *get_args(Access), *get_args(Kind), *MARKS}:
        return f"the name {name!r} has a meaning of its own in pytest or Python; choose another, e.g. own_{name}"
    return ""


def _name(table: Table, path: Path) -> str:
    value = table.need("name", re.sub(r"\W+", "_", path.name.split(".")[0].lower()) or "triage")
    name = value.text()
    problem = name_problem(name)
    if problem:
        raise value.error(problem)
    return name


def _column(value: Value) -> Column:
    return Column(value.text(), value.place)


def _columns(table: Table | None) -> tuple[Column | None, Column | None, tuple[Column, ...]]:
    if table is None:
        return None, None, ()
    identity, cluster = (_column(value) if (value := table.get(key)) else None for key in ("id", "cluster"))
    slices = []
    if value := table.get("slices"):
        value.texts()
        slices = [_column(item) for item in value.items()]
    sources = {column.name for column in (identity, cluster) if column}
    for column in slices:
        if column.name in sources:
            raise column.place.error(
                f"{column.name!r} tells records or patients apart; slices are groups that reports name, e.g. wards"
            )
    return identity, cluster, tuple(slices)


def _choices(answer: Table, kind: str) -> tuple[tuple[str, ...], tuple[Column, ...]]:
    given = [key for key in ("choices", "choices_column", "choices_columns") if key in answer.values]
    if kind not in ("letter", "label"):
        if given:
            raise answer.values[given[0]].error(f"a {kind} has no options; delete this line, or write kind: letter")
        return (), ()
    if not given:
        answer.need("choices", "[yes, no]")
    if len(given) > 1:
        raise answer.values[given[1]].error(f"the options are named by {given[0]} already; keep one of the two")
    value = answer.values[given[0]]
    if given[0] == "choices_column":
        return (), (_column(value),)
    texts = value.texts()
    if not 2 <= len(texts) <= 26:
        raise value.error(f"{value.name} names {len(texts)} instead of 2 to 26, e.g. [yes, no]")
    if given[0] == "choices_columns":
        return (), tuple(_column(item) for item in value.items())
    return tuple(texts), ()


def _positive(answer: Table, choices: tuple[str, ...]) -> str:
    value = answer.get("positive")
    if value is None:
        return ""
    if not choices:
        raise value.error("precision and recall of one label need choices that are the same in every row")
    return value.one_of(choices)


def _tolerance(answer: Table, kind: str) -> Tolerance:
    value = answer.get("tolerance")
    if value is None:
        return Tolerance()
    if kind != "number":
        raise value.error("only an answer of kind: number has a tolerance; delete this line")
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", value.text())
    if found is None:
        raise value.error("tolerance is a number, e.g. 0.5, or a share of the reference, e.g. 5 %")
    return Tolerance(float(found[1]) / 100, True) if found[2] else Tolerance(float(found[1]))


def _metrics(table: Table, kind: str) -> tuple[str, ...]:
    value = table.get("metrics")
    if value is None:
        return METRICS[kind][:1]
    value.texts()
    for item in value.items():
        if item.text() not in METRICS[kind]:
            elsewhere = any(item.text() in names for names in METRICS.values())
            told = (
                f" does not fit kind: {kind}; there it is {' or '.join(METRICS[kind])}"
                if elsewhere
                else f" is unknown{suggestion(item.text(), METRICS[kind])}"
            )
            raise item.error(f"the metric {item.text()!r}{told}")
    names = tuple(value.texts())
    if names == ("jury",):
        raise value.error("without judges a jury gives no score; name another metric beside it, e.g. [rouge, jury]")
    return names


def _rubric(table: Table, metrics: tuple[str, ...]) -> str | Rubric:
    value = table.get("rubric")
    if value is None:
        if "jury" in metrics:
            raise table.values["metrics"].error(
                "a jury needs a rubric; add e.g. 'rubric: accuracy_completeness_clarity', or criteria of your own"
            )
        return ""
    if "jury" not in metrics:
        raise value.error("nobody uses this rubric; add e.g. 'metrics: [rouge, jury]'")
    if value.is_table:
        return rubric_of(value.table(CRITERIA_KEYS), "own")
    try:
        rubric = load_rubric(value.text())
    except ConfigError as error:
        raise value.error(str(error)) from None
    if not rubric.criteria:
        raise value.error(
            f"the rubric {rubric.name!r} sorts replies instead of grading them; that takes a Python module"
        )
    return rubric.name


def _access(table: Table) -> Access:
    value = table.get("access")
    if value is not None:
        text = value.one_of(get_args(Access))
        return next(name for name in get_args(Access) if name == text)
    return "private"


def _third_party(table: Table, access: Access) -> bool | None:
    value = table.get("third_party")
    if value is not None:
        return value.truth()
    return None if access == "public" else False


def _language(table: Table) -> str:
    value = table.get("language")
    if value is None:
        return "en"
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]+)*", value.text()):
        raise value.error("language is a code, e.g. en, de, fr or pt-BR")
    return value.text()


def _data_file(value: Value) -> str:
    name = value.text()
    if file_format(name) not in FORMATS:
        raise value.error(f"{value.name} names a file that ends in .{', .'.join(FORMATS[:-1])} or .{FORMATS[-1]}")
    return name


def file_format(name: str) -> str:
    """The ending of a data file's name, e.g. "csv"; a .gz behind it does not count."""
    return Path(name.removesuffix(".gz")).suffix.removeprefix(".").lower()


def _delimiter(table: Table, data: Value) -> str:
    value = table.get("delimiter")
    if value is None:
        return ""
    if file_format(data.text()) != "csv":
        raise value.error("only a .csv file has a delimiter; delete this line")
    return DELIMITERS[value.one_of(DELIMITERS)]


def _scores(
    kind: str, metrics: tuple[str, ...], rubric: str | Rubric, choices: tuple[str, ...], positive: str, language: str
) -> list[str]:
    """Names of all scores that records will have: what a rule can be about."""
    names: list[str] = []
    for metric in metrics:
        if metric == "rouge":
            names += ROUGE
            if language.partition("-")[0] != "en":
                names += [f"{name}_helm" for name in ROUGE]
        elif metric == "jury":
            names += (load_rubric(rubric) if isinstance(rubric, str) else rubric).score_names()
        else:
            names.append(metric)
    if kind in ("letter", "label"):
        names.append("exact_match_helm")
        names += ["macro_f1", "micro_f1"] if choices else []
        names += ["precision", "recall", "f1"] if positive else []
    return names


def _gates(table: Table, name: str, scores: list[str]) -> tuple[str, ...]:
    value = table.get("gate")
    return () if value is None else tuple(_gate(item, name, scores) for item in value.items())


def _gate(value: Value, name: str, scores: list[str]) -> str:
    """A rule as it stands, or without the benchmark's name before it."""
    text = value.text()
    first = re.match(r"[A-Za-z][A-Za-z0-9_-]*", text)
    known = (*scores, *STATUSES, *BESIDE_METRICS)
    whole = f"{name}.{text}" if first and first[0] in known and first[0] != name else text
    try:
        rule = parse_rule(whole)
    except ConfigError as error:
        raise value.error(str(error).replace("pubmed_qa.exact_match", f"{name}.{scores[0]}")) from None
    if rule.benchmark != name:
        raise value.error(
            f"this rule is about {rule.benchmark!r}; here it is about {name}, e.g. '{name}.{scores[0]} >= 0.80'"
        )
    if rule.metric and rule.metric not in known:
        raise value.error(f"the metric {rule.metric!r} is not recorded by {name}{suggestion(rule.metric, known)}")
    return rule.text
