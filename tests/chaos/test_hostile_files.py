"""Whatever stands in a file: a reader gives rows or the one error that it declares, and never anything else.

A valid file of each kind is damaged at random: bytes changed, parts cut out, repeated or put in their place that XX
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given

from pytest_medhelm.gates.gate_file import read_gate
from pytest_medhelm.gates.suite_outcome import conclude
from pytest_medhelm.models.spec import Model, resolve_model
from pytest_medhelm.plugin.yaml_benchmarks.schema import read_spec
from pytest_medhelm.results.leaderboard.stored_results import read_stored
from pytest_medhelm.results.store.opening import open_suite
from pytest_medhelm.tasks.data.arrow import read_columnar
from pytest_medhelm.tasks.data.checksums import content_sha256
from pytest_medhelm.tasks.data.folders import files_in
from pytest_medhelm.tasks.data.office import read_docx, read_xlsx
from pytest_medhelm.tasks.data.readers import read_csv, read_json, read_jsonl, read_text
from pytest_medhelm.tasks.data.xml_files import read_xml
from pytest_medhelm.util.config_file import read_config
from pytest_medhelm.util.errors import MedhelmError
from pytest_medhelm.util.options import make_settings
from tests.support.examples import any_bytes, drawn, hostile

ROWS = [{"id": "1", "text": "a cough\nsince May", "n": 3}, {"id": "2", "text": "Übelkeit", "n": 4}]
CSV = 'id,text,n\r\n1,"a cough\nsince May",3\r\n2,Übelkeit,4\r\n'.encode()
XML = b'<?xml version="1.0" encoding="UTF-8"?><notes><note id="1">a cough &amp; more</note></notes>'
GATE = b"""
title = "ward"
[evaluation]
judges = ["a", "b"]
[benchmarks.letters]
n = 500
data = { "a.csv" = "00ff" }
[[rule]]
rule = "letters.exact_match.lower >= 0.7"
why = "as good as now"
alpha = 0.025
[[rule]]
any_of = ["letters >= 0.5", "letters >= baseline - 0.02"]
why = "either"
"""
CONFIG = b"""
[run]
models = ["ward/llama3"]
[endpoints.ward]
base_url = "http://localhost:8000/v1"
concurrency = 64
timeout = 120.5
headers = { X-Team = "ward" }
[models."ward/llama3"]
max_tokens = 4000
temperature = 0
extra_body = { chat_template_kwargs = { enable_thinking = true } }
[data.pubmed_qa]
accept = ["a.json"]
[rubrics]
dischargeme = "discharge"
"""
YAML = b"""\
name: ward_triage
title: Triage of the ward
subcategory: Planning Treatments
access: private
licence: our own
source: the ward
data: rows.csv
prompt: |
  {text}
answer:
  column: n
  kind: number
"""
TOKENS = [
    b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"{", b"[" * 3000, b'{"a":' * 3000, b'"', b"\\ud800", b"NaN",
    b"-Infinity", b"1e999", b"9" * 4400, b"\r", b"\n\n", b",,,,", b"=", b"'''", b'"""', b"&a;",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"*a", b"&a [*a]", b"!!python/object:os.system", b"<<: *x", b"2026-01-01", b"1979-05-27T07:32:00Z", b"[[rule]]",
    b"inf", b"PK\x03\x04", b"PK\x05\x06", b"PAR1", b"ARROW1", b"\x1f\x8b", b"%s", b"{text!r:>99999999}", b"\x1b[2J",
]  # fmt: skip


def xlsx() -> bytes:
    openpyxl = pytest.importorskip("openpyxl")
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in ([*ROWS[0]], *([*row.values()] for row in ROWS)):
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def docx() -> bytes:
    document, file = pytest.importorskip("docx").Document(), io.BytesIO()
    document.add_paragraph("a cough")
    document.save(file)
    return file.getvalue()


def columnar(kind: str) -> bytes:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import feather, parquet

    table, file = pyarrow.Table.from_pylist(ROWS), io.BytesIO()
    if kind == "parquet":
        parquet.write_table(table, file)
    else:
        feather.write_feather(table, file)
    return file.getvalue()


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("notes/1.json", json.dumps(ROWS))
        archive.writestr("notes/2.json", json.dumps(ROWS))
    return file.getvalue()


def lines() -> bytes:
    return "\n".join(map(json.dumps, ROWS)).encode()


def board() -> bytes:
    """The leaderboard.json of a small suite."""
    with TemporaryDirectory() as name:
        folder = Path(shutil.copytree(Path(__file__).parents[1] / "results" / "unversioned_suite", Path(name) / "ward"))
        with closing(open_suite(folder)) as suite:
            return json.dumps(conclude(suite, (), (), ()).leaderboard).encode()


def models(path: Path) -> list[Model]:
    """The models of a config file, as a session would ask them."""
    config = read_config(path)
    settings = make_settings({}, path.parent, config=config)
    found = [resolve_model(name, settings, frozenset()) for name in config.models]
    json.dumps([[dict(model.body), model.system_prompt] for model in found], allow_nan=False)
    return found


KINDS: dict[str, tuple[Callable[[], bytes], Callable[[Path], Any]]] = {
    "rows.json": (lambda: json.dumps(ROWS).encode(), read_json),
    "rows.jsonl": (lines, read_jsonl),
    "rows.csv": (lambda: CSV, read_csv),
    "rows.csv.gz": (lambda: gzip.compress(CSV), read_csv),
    "sum.gz": (lambda: gzip.compress(CSV), lambda path: [content_sha256(path)]),
    "notes.txt": (lambda: CSV, lambda path: [read_text(path)]),
    "notes.xml": (lambda: XML, lambda path: [read_xml(path)]),
    "rows.xlsx": (xlsx, read_xlsx),
    "text.docx": (docx, read_docx),
    "rows.parquet": (lambda: columnar("parquet"), read_columnar),
    "rows.feather": (lambda: columnar("feather"), read_columnar),
    "notes.zip": (zipped, lambda path: [list(read_json(note)) for note in files_in(path, "*.json")]),
    "gate.toml": (lambda: GATE, lambda path: [read_gate(path)]),
    "medhelm.toml": (lambda: CONFIG, lambda path: [models(path)]),
    "leaderboard.json": (board, lambda path: [read_stored(path)]),
    "ward.medhelm.yaml": (lambda: YAML, lambda path: [read_spec(path)]),
}


@cache
def whole(name: str) -> bytes:
    return KINDS[name][0]()


def damaged(content: bytes, random: Random) -> bytes:
    """The content in which one to three parts, mostly short ones, are something else."""
    for _ in range(random.randint(1, 3)):
        start = random.randrange(len(content) + 1)
        length = int(random.uniform(0, 0.2) ** 2 * len(content))
        token = random.choice(TOKENS) if random.random() < 0.5 else any_bytes(random, 4)
        content = content[:start] + token + content[start + length :]
    return content


@pytest.mark.parametrize("name", KINDS)
def test_the_whole_file_is_read(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(whole(name))
    assert list(KINDS[name][1](tmp_path / name))


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_is_rows_or_a_sentence(name: str, tmp_path: Path) -> None:
    path = tmp_path / name

    @hostile
    @given(drawn(lambda random: damaged(whole(name), random)))
    def check(files: list[bytes]) -> None:
        for content in files:
            path.write_bytes(content)
            with suppress(MedhelmError):
                list(KINDS[name][1](path))

    check()
