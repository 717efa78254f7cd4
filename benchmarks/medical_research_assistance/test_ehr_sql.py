"""EHRSQL: turn a question of hospital staff into SQL on intensive-care records, or say that they hold no answer.

Asked: the tables of the database, the fixed present time, and the question. The model replies with one SQLite
statement inside <sql></sql>, or with nothing inside when the tables cannot answer.
Read: the last such statement, else a fenced block, else a reply that is a statement.
Scored: execution accuracy (main) on answerable questions: 1 when the query gives the reference's rows, in any order,
each as often, numbers within 1e-6; two empty results are equal. Query validity: it runs. Precision and recall of
"answerable" are over all questions. Slices: answerable, split, importance. MedHELM's own numbers, recorded beside
these, leave unanswerable questions out, take two empty results for different, and rest on 724 reference queries that
SQLite misunderstands or rejects as the files hold them (repaired here as upstream does).

A model's query can only read, and is invalid after 10,000 rows or some seconds. The limit holds for answerable and
unanswerable questions each. Questions of one template, or topic where unanswerable, are one cluster. Where a reference
query fails on your database, a warning says so and accuracy does not exist.

Source: Lee et al. 2022, https://github.com/glee4810/EHRSQL (eICU, version 1.5.1, test and validation as on MedHELM)
"""

from pathlib import Path

from pytest_medhelm import DataFile, Instance, Instances, Metric, Response, Score, Task, digest, read_json

from ..shared import sql

URL = "https://raw.githubusercontent.com/glee4810/EHRSQL/01241a3c55bda895561c76923251ea2421d2e892/dataset/ehrsql/"
TEST, VALID, SCHEMA = "eicu/test.json", "eicu/valid.json", "eicu/eicu.sql"


def load(test: Path, valid: Path, schema: Path, sqlite: Path) -> Instances:
    """One instance for each question of both files, in MedHELM's order."""
    tables = sql.read_schema(schema)
    database = sql.open_database(sqlite, tables)
    for path in (valid, test):
        for row in read_json(path):
            query, impossible = row.text("query"), row.take("is_impossible", bool)
            if impossible != (query == "null"):
                raise row.error("is_impossible and query do not fit: true with null, or false with a query")
            answerable, importance = "no" if impossible else "yes", row.optional("importance") or "not stated"
            yield Instance(
                id=row.text("id"),
                question=row.text("question"),
                answer=query,
                context=tables,
                cluster=digest(row.text("template" if impossible else "q_tag")),
                slices={"answerable": answerable, "split": row.text("split"), "importance": importance},
                fields={"database": database},
            )


TASK = Task(
    name="ehr_sql",
    version=4,
    title="EHRSQL",
    subcategory="Analyzing Clinical Research Data",
    access="public",
    kind="sql",
    files=(
        DataFile(TEST, "64dae91d50ab88140b10e994cb0f690286e8b62272101f9d911e75a588e757fa", URL + TEST),
        DataFile(VALID, "338834d2ff7b4e62687a8efd56dcf5b8d228858afefcc1872b42423e59737119", URL + VALID),
        DataFile(SCHEMA, "e423f49c2e45b7a4441f83dd69c18c7b01889958f58db4130a2b280de8b9ab28", URL + SCHEMA),
        DataFile("eicu.sqlite"),
    ),
    load=load,
    main_metric="ehr_sql_execution_accuracy",
    licence="CC BY 4.0 for questions and queries; the database is eICU-CRD (PhysioNet credentialed)",
    source="https://github.com/glee4810/EHRSQL",
    attribution="Lee et al. 2022",
    redistribution=False,
    may_use_hosted_api=True,
    how_to_obtain="get access to eICU-CRD 2.0 on PhysioNet and build eicu.sqlite as github.com/glee4810/EHRSQL says",
    size=1959,
    metrics=(Metric(sql.ehr_sql, ("ehr_sql_execution_accuracy", "ehr_sql_query_validity"), binary=True),),
    limit_by="answerable",
    positive="answerable",
)


def prompt(instance: Instance) -> str:
    """The tables, what is fixed by convention, the question, and the form of the reply."""
    return (
        f"Hospital staff ask a question about intensive-care records in a SQLite database:\n\n{instance.context}\n\n"
        f"The present time is '{sql.NOW}'; current_time stands for it. All texts in the tables are in lower case. "
        f"Patients are named by uniquepid. Normal ranges: {sql.NORMAL_RANGES}.\n\n"
        f"Question: {instance.question}\n\n"
        "Reply with one SQLite SELECT statement inside <sql></sql>. If these tables cannot answer the question, write "
        "<sql></sql> with nothing inside."
    )


def test_ehr_sql(instance: Instance, response: Response, score: Score) -> None:
    query, answerable = response.read(sql.read_sql), instance.slices["answerable"] == "yes"
    score.label(sql.answerability(query), "answerable" if answerable else "unanswerable")
    if not answerable:
        return score.not_applicable(*sql.SCORES)
    database = instance.fields["database"].path
    gold = sql.gold_rows(instance, database, sql.NOW)
    if gold is None:
        score.not_applicable("ehr_sql_execution_accuracy")
    score.metric(sql.ehr_sql, None if query is None else sql.at_time(query, sql.NOW), gold, database)
    score.helm_scores(sql.ehr_sql_helm(response.text, sql.at_time(instance.answer, sql.NOW), database))
