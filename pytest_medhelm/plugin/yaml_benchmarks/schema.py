"""What a NAME.medhelm.yaml may say: checked key by key, each error with line, column and what to type instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from pytest_medhelm.plugin.yaml_benchmarks.answer import read_answer
from pytest_medhelm.plugin.yaml_benchmarks.names import name_problem
from pytest_medhelm.plugin.yaml_benchmarks.scores import read_metrics, read_rubric, read_rules, score_names
from pytest_medhelm.plugin.yaml_benchmarks.spec import Column, Spec
from pytest_medhelm.plugin.yaml_benchmarks.template import parse_template
from pytest_medhelm.tasks.perturbations.chosen import BUILT_IN
from pytest_medhelm.tasks.perturbations.perturbation import FAMILIES
from pytest_medhelm.tasks.task import KEEPS_GOLD
from pytest_medhelm.tasks.taxonomy import CATEGORY_OF, Access
from pytest_medhelm.util.document import DocumentError, Table, Value, read_document

FORMATS = ("csv", "tsv", "jsonl", "json", "xlsx")
KEYS = (
    "name", "title", "description", "subcategory", "language", "access", "may_use_hosted_api", "licence", "source",
    "data", "delimiter", "columns", "prompt", "answer", "metrics", "rubric", "examples", "keeps_gold", "gate",
)  # fmt: skip
DELIMITERS: Mapping[str, str] = {",": ",", ";": ";", "|": "|", "tab": "\t"}


def read_spec(path: Path) -> Spec:
    """Read and check a file. Raises DocumentError with one sentence."""
    table = read_document(path, KEYS)
    name = _name(table, path)
    identity, cluster, slices = _columns(table)
    answer = read_answer(table.need("answer", "{kind: letter, column: answer, choices: [yes, no]}"))
    metrics = read_metrics(table, answer.kind)
    rubric = read_rubric(table, metrics)
    access = _access(table)
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
        may_use_hosted_api=_may_use_hosted_api(table, access),
        licence=table.text("licence", "not stated"),
        source=table.text("source", "own data"),
        data=_data_file(data),
        delimiter=_delimiter(table, data),
        examples=_data_file(table.values["examples"]) if "examples" in table.values else "",
        id=identity,
        cluster=cluster,
        slices=slices,
        prompt=parse_template(table.need("prompt", "'{question}'"), has_choices=answer.has_choices),
        answer=answer,
        metrics=metrics,
        rubric=rubric,
        keeps_gold=_keeps_gold(table),
        gates=read_rules(table, name, score_names(answer, metrics, rubric, language)),
    )


def name_of(path: Path) -> str:
    """The benchmark's name as far as the file can be read for it; empty else."""
    try:
        return _name(read_document(path), path)
    except DocumentError:
        return ""


def _name(table: Table, path: Path) -> str:
    value = table.need("name", re.sub(r"\W+", "_", path.name.split(".")[0].lower()) or "triage")
    name = value.text()
    problem = name_problem(name)
    if problem:
        raise value.error(problem)
    return name


def _columns(table: Table) -> tuple[Column | None, Column | None, tuple[Column, ...]]:
    """The columns of ids, of clusters and of slices."""
    if "columns" not in table.values:
        return None, None, ()
    named = table.values["columns"].table(("id", "cluster", "slices"))
    identity, cluster = (Column.of(value) if (value := named.get(key)) else None for key in ("id", "cluster"))
    slices = []
    if value := named.get("slices"):
        value.texts()
        slices = [Column.of(item) for item in value.items()]
    sources = {column.name for column in (identity, cluster) if column}
    for column in slices:
        if column.name in sources:
            raise column.position.error(
                f"{column.name!r} tells records or patients apart; slices are groups that reports name, e.g. wards"
            )
    return identity, cluster, tuple(slices)


def _access(table: Table) -> Access:
    value = table.get("access")
    if value is not None:
        text = value.one_of(get_args(Access))
        return next(name for name in get_args(Access) if name == text)
    return "private"


def _may_use_hosted_api(table: Table, access: Access) -> bool | None:
    value = table.get("may_use_hosted_api")
    if value is not None and value.truth() and access != "public":
        raise value.error(
            f"may_use_hosted_api is for access: public; {access} data go only to hosts of --medhelm-allow-host, "
            "so delete this line"
        )
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


def _keeps_gold(table: Table) -> tuple[str, ...]:
    """What leaves the right answers right; a name of a project's own hook is not known yet, its family is."""
    value = table.get("keeps_gold")
    if value is None:
        return KEEPS_GOLD
    if value.says("none"):
        return ()
    value.texts()
    return tuple(item.one_of((*FAMILIES, *BUILT_IN)) for item in value.items())


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
