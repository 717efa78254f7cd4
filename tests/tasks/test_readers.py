"""Readers: every format that upstream uses, and one sentence for what cannot be read."""

from __future__ import annotations

import gzip
import json
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_medhelm.tasks.data.arrow import read_columnar
from pytest_medhelm.tasks.data.folders import files_in, listing
from pytest_medhelm.tasks.data.json_records import records_of
from pytest_medhelm.tasks.data.labelled_tables import labelled_csv
from pytest_medhelm.tasks.data.office import read_docx, read_xlsx
from pytest_medhelm.tasks.data.readers import read_csv, read_json, read_jsonl, read_text
from pytest_medhelm.tasks.data.rows import Row
from pytest_medhelm.tasks.data.xml_files import child_text, read_xml
from pytest_medhelm.tasks.task import Excluded
from pytest_medhelm.util.errors import DataError, DataMissing

# Text, JSON, tables


def test_cells_with_line_breaks_and_quotes_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_bytes(b'id,note\r\n1,"first ""line""\nsecond, line"\r\n\r\n2,plain\r\n')
    rows = list(read_csv(path))
    assert [dict(row.values) for row in rows] == [
        {"id": "1", "note": 'first "line"\nsecond, line'},
        {"id": "2", "note": "plain"},
    ]
    assert [row.number for row in rows] == [1, 2]


def test_a_table_without_header_or_with_another_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "exam.csv"
    path.write_text('"Which, then?",one,two,A\nAnd now?,"three\nlines",four,B\n')
    rows = list(read_csv(path, columns=("question", "A", "B", "key")))
    assert [(row.number, row.text("question"), row.text("key")) for row in rows] == [
        (1, "Which, then?", "A"),
        (2, "And now?", "B"),
    ]
    with pytest.raises(DataError, match=r"^exam\.csv, row 1: it has 4 cells instead of 3$"):
        list(read_csv(path, columns=("question", "A", "key")))
    path.write_text("id\tnote\n1\ta, b\n")
    assert next(read_csv(path, delimiter="\t")).text("note") == "a, b"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"id;note\n1;a\n", "t.csv: its cells are separated by semicolons; save it as a table separated by commas"),
        (b"id\tnote\n1\ta\n", "t.csv: its cells are separated by tabs; save it as a table separated by commas"),
        (b"id,note,note\n1,a,b\n", "t.csv: the columns 2 and 3 have the same name"),
        (b"PK\x03\x04 and so on", "t.csv is a zip file, an Excel workbook or a Word document, not a text"),
        ("id,note\n1,a\n".encode("utf-16"), "t.csv is text in UTF-16; save it as UTF-8"),
        (b"id,Note \n1,a\n", "t.csv, row 1: the column 'note' is missing, it is written 'Note ' there"),
        (b"id,text\n1,a\n", "t.csv, row 1: the column 'note' is missing, so this is not the file that is expected"),
    ],
)
def test_what_spreadsheets_do_to_a_table_is_named(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        [row.text("note") for row in read_csv(path)]
    assert str(caught.value).startswith(sentence)


def test_a_table_of_one_column_and_unnamed_columns_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("note\na; b\n")
    assert [row.text("note") for row in read_csv(path)] == ["a; b"]
    path.write_text("note,,\na,,\n")
    assert [row.text("note") for row in read_csv(path)] == ["a"]


def test_a_long_note_is_read(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text(f'id,note\n1,"{"x" * 200_000}"\n')
    assert len(next(read_csv(path)).text("note")) == 200_000


def test_unicode_line_separators_do_not_split_a_json_line(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text('{"note": "one\u2028two"}\n\n{"note": "three"}\n', encoding="utf-8")
    assert [(row.number, row.text("note")) for row in read_jsonl(path)] == [(1, "one\u2028two"), (3, "three")]


@pytest.mark.parametrize("content", ["[1, 2]", "7", "{}", "[]", '{"a": 1}', "[" * 100_000])
def test_json_without_records_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "records.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"^records\.json"):
        list(read_json(path))


RECORDS = (
    '{"a": {"x": 1}, "b": [1, 2]}',
    '[{"a": 1}, {"b": "c,]}"}]',
    " {} ",
    '{"d": [{"a": 1.5}], "z": null}',
    "[[[]]]",
)
TYPED = st.tuples(st.integers(0, 40), st.sampled_from('[]{},:" 1an\n'))
"""A letter, and where it is typed."""


def test_a_text_that_is_cut_off_is_refused_before_its_first_record(tmp_path: Path) -> None:
    path = tmp_path / "records.json"
    path.write_text('{"data": [{"a": "1"}, {"a": "2"}]\n')
    with pytest.raises(DataError, match="line 1: this is not valid JSON"):
        next(read_json(path, "data"))


@given(st.sampled_from(RECORDS), st.lists(TYPED, max_size=3))
def test_records_are_what_json_holds_however_a_text_is_damaged(text: str, typed: list[tuple[int, str]]) -> None:
    for place, letter in typed:
        text = text[:place] + letter + text[place + (place % 2) :]
    try:
        document, pairs = json.loads(text), json.loads(text, object_pairs_hook=list)
    except ValueError:
        document, pairs = None, []
    if isinstance(document, dict) and len(document) < len(pairs):
        document = None  # A key stands there twice.
    if isinstance(document, dict):
        assert dict(records_of(text)) == document
    elif isinstance(document, list):
        assert [record for _, record in records_of(text)] == document
    else:
        with pytest.raises((ValueError, TypeError)):
            list(records_of(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"data": [{"a": "1"}],\n "data": [{"a": "2"}]}', "line 2: this is not valid JSON .a key stands there twice"),
        ('{"data": {"k": {"a": "1"}, "k": {"a": "2"}}}', "line 1: .*a key stands there twice"),
        ('{"other": {"data": [1]}, "data": {"k": {"a": "1"}}, "more": [[]]}', ["1"]),
        ('{"other": 1}', "has no field 'data'"),
        ("[1]", "has no field 'data'"),
        ('{"data": 7}', "neither a list nor an object"),
        ('{"data": [{"a": "1"}]', "line 1: this is not valid JSON"),
        ('{"data": [{"a": "1"}], }', "line 1: this is not valid JSON"),
        ('{"data": [{"a": "1"},\n]}', "line 2: this is not valid JSON"),
    ],
)
def test_records_stand_in_a_field(text: str, said: list[str] | str, tmp_path: Path) -> None:
    path = tmp_path / "records.json"
    path.write_text(text)
    if isinstance(said, str):
        with pytest.raises(DataError, match=said):
            list(read_json(path, "data"))
    else:
        assert [row.text("a") for row in read_json(path, "data")] == said


def test_a_row_never_shows_its_content() -> None:
    row = Row("notes.csv", 3, {"note": "Mrs Example has a cough", "age": 71})
    assert "cough" not in repr(row)
    with pytest.raises(DataError, match=r"^notes\.csv, row 3: the column 'dose' is missing"):
        row.text("dose")
    with pytest.raises(DataError, match="'age' holds a int instead of a str"):
        row.text("age")


# Labelled tables


def labelled(path: Path, *rows: str) -> list[Any]:
    path.write_text("\n".join(["prompt,context,label", *rows]), "utf-8")
    return list(labelled_csv(("yes", "no"))(path))


def test_a_labelled_table_keeps_every_row_and_clusters_a_note(tmp_path: Path) -> None:
    first, second, repeated = labelled(
        tmp_path / "t.csv", "Drug named?,Note one,A", "Dose named?,Note one, b ", "Drug named?,Note one,A"
    )
    assert (first.question, first.context, first.answer, first.choices) == (
        "Drug named?",
        "Note one",
        "A",
        ("yes", "no"),
    )
    assert (second.answer, second.slices["label"]) == ("B", "no")
    assert first.cluster == second.cluster != ""
    assert repeated.id == f"{first.id}-2"


def test_the_empty_rows_of_a_spreadsheet_are_counted(tmp_path: Path) -> None:
    found = labelled(tmp_path / "t.csv", "Drug named?,Note,A", ",,", " , ,", "Dose named?,Note,B", ",,")
    assert found[1:3] == [Excluded("an empty row")] * 2
    assert len(found) == 4, "those at the end are no rows"


@pytest.mark.parametrize("label", ["C", "yes", "AB", "1", ""])
def test_a_wrong_label_is_refused_with_its_row(label: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^t\.csv, row 2: the column 'label' (does not hold one of|is empty)"):
        labelled(tmp_path / "t.csv", "Drug named?,Note,A", f"Drug named?,Note,{label}")


# Word, Excel


def write_docx(path: Path, *paragraphs: Iterable[tuple[str, str | None]]) -> Path:
    docx = pytest.importorskip("docx")
    document = docx.Document()
    for runs in paragraphs:
        paragraph = document.add_paragraph()
        for text, colour in runs:
            run = paragraph.add_run(text)
            if colour:
                run.font.color.rgb = docx.shared.RGBColor.from_string(colour)
    document.save(path)
    return path


def test_a_word_document_gives_paragraphs_with_their_colours(tmp_path: Path) -> None:
    path = write_docx(
        tmp_path / "answers.docx",
        [("Run 1: why?", None)],
        [("Because ", None), ("of race", "FF0000"), (".", "0070C0")],
        [],
        [("Nothing", None), ("  ", "FF0000")],
    )
    found = list(read_docx(path))
    assert [entry.text for entry in found] == ["Run 1: why?", "Because of race.", "", "Nothing  "]
    assert [sorted(entry.colours) for entry in found] == [[], ["0070C0", "FF0000"], [], []]
    assert [entry.number for entry in found] == [1, 2, 3, 4]


def test_a_colour_that_is_none_and_a_document_type_in_a_word_document(tmp_path: Path) -> None:
    path = write_docx(tmp_path / "answers.docx", [("red", "FF0000"), ("also", None)])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    body = parts["word/document.xml"]

    def changed(content: bytes) -> Path:
        with zipfile.ZipFile(tmp_path / "changed.docx", "w") as archive:
            for name, part in (parts | {"word/document.xml": content}).items():
                archive.writestr(name, part)
        return tmp_path / "changed.docx"

    (paragraph,) = read_docx(changed(body.replace(b'"FF0000"', b'"red"')))
    assert (paragraph.text, paragraph.colours) == ("redalso", frozenset())
    declared = body.replace(b"<w:document", b'<!DOCTYPE w:document [<!ENTITY a "boo">]><w:document', 1)
    with pytest.raises(DataError, match="is not a Word document"):
        list(read_docx(changed(declared)))


def test_a_word_document_is_read_as_python_docx_reads_it(tmp_path: Path) -> None:
    docx = pytest.importorskip("docx")
    path = write_docx(tmp_path / "answers.docx", [("One\ttab and\na line ", "00ff00"), ("", "FF0000")])
    document = docx.Document(path)
    (paragraph,) = document.paragraphs
    for xml in (
        "<w:hyperlink {w}><w:r><w:rPr><w:color w:val='FF0000'/></w:rPr><w:t>a link</w:t></w:r></w:hyperlink>",
        "<w:ins {w}><w:r><w:t>an insertion</w:t></w:r></w:ins>",
        "<w:r {w}><w:rPr><w:color w:val='auto'/></w:rPr><w:t xml:space='preserve'> </w:t><w:noBreakHyphen/></w:r>",
        "<w:r {w}><w:cr/></w:r>",
        "<w:r {w}><w:br w:type='page'/><w:t>x</w:t><w:ptab/><w:br w:type='textWrapping'/></w:r>",
        "<w:r {w}><w:delText>old</w:delText></w:r>",
    ):
        paragraph._p.append(docx.oxml.parse_xml(xml.format(w=docx.oxml.ns.nsdecls("w"))))
    document.add_table(1, 1).cell(0, 0).text = "in a table"
    document.add_paragraph("the end")
    document.save(path)
    (first, second) = read_docx(path)
    assert first.text == paragraph.text == "One\ttab and\na line a link -\nx\t\n"
    assert first.colours == {"00FF00"}
    assert (second.number, second.text) == (2, "the end")


def test_a_word_document_without_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"answers\.docx has no rows"):
        list(read_docx(write_docx(tmp_path / "answers.docx", [])))


def test_an_archive_that_is_no_document_is_refused(tmp_path: Path) -> None:
    for name, read in (("x.docx", read_docx), ("x.xlsx", read_xlsx)):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("hello.txt", "hello")
        with pytest.raises(DataError, match=f"^{name} is not "):
            list(read(tmp_path / name))


# Arrow, Feather, Parquet

ROWS = {"code": [["I10", "E11.9"], ["N17.9"]], "text": ["first", "second"], "subject": [7, 8]}


def as_stream(table: Any, path: Path) -> None:
    from pyarrow import ipc

    with ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)


def as_feather(table: Any, path: Path) -> None:
    from pyarrow import feather

    feather.write_feather(table, path)


def as_parquet(table: Any, path: Path) -> None:
    from pyarrow import parquet

    parquet.write_table(table, path)


formats = pytest.mark.parametrize("write", [as_stream, as_feather, as_parquet])


@formats
def test_columnar_files_give_python_values(write: Callable[[Any, Path], None], tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    path = tmp_path / "table.bin"
    write(pyarrow.table(ROWS), path)
    rows = list(read_columnar(path))
    assert [dict(row.values) for row in rows] == [
        {"code": ["I10", "E11.9"], "text": "first", "subject": 7},
        {"code": ["N17.9"], "text": "second", "subject": 8},
    ]
    assert [row.number for row in rows] == [1, 2]
    first, _ = read_columnar(path, ["text", "subject"])
    assert dict(first.values) == {"text": "first", "subject": 7}
    with pytest.raises(DataError, match=r"table\.bin: the column 'dose' is missing"):
        list(read_columnar(path, ["dose"]))


@formats
def test_a_cut_columnar_file_is_refused(write: Callable[[Any, Path], None], tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    path = tmp_path / "table.bin"
    write(pyarrow.table(ROWS), path)
    content = path.read_bytes()
    for share in (0.2, 0.6, 0.9):
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(DataError, match=r"^table\.bin"):
            list(read_columnar(path))
    path.write_text("id,note\n1,hello\n")
    with pytest.raises(DataError, match=r"^table\.bin is not a table"):
        list(read_columnar(path))
    write(pyarrow.table({"a": []}), path)
    with pytest.raises(DataError, match=r"^table\.bin has no rows"):
        list(read_columnar(path))


def test_without_an_extra_the_command_to_install_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package, read in (("pyarrow", read_columnar), ("openpyxl", read_xlsx)):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(DataMissing, match=r"pip install 'pytest-medhelm\[data\]'"):
            list(read(tmp_path / "any"))


# XML


def test_xml_is_read_and_its_root_checked(tmp_path: Path) -> None:
    path = tmp_path / "q.xml"
    path.write_bytes('<?xml version="1.0" encoding="ISO-8859-1"?><Q><T> caf\xe9 </T><E/></Q>'.encode("latin-1"))
    root = read_xml(path, "Q")
    assert (child_text(root, "T"), child_text(root, "E"), child_text(root, "X")) == ("café", "", "")
    with pytest.raises(DataError, match=r"^q\.xml: its root element is not <Record>"):
        read_xml(path, "Record")


@pytest.mark.parametrize("content", ["<Q>\n<T>cut", "no xml", "<Q></T>", '<?xml version="1.0" encoding="x"?><Q/>'])
def test_broken_xml_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "q.xml"
    path.write_text(content)
    with pytest.raises(DataError, match=r"^q\.xml"):
        read_xml(path, "Q")


def test_an_entity_bomb_ends_in_a_sentence(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 20}">' for n in range(1, 12))
    path = tmp_path / "q.xml"
    path.write_text(f'<!DOCTYPE Q [<!ENTITY e0 "{"x" * 20}">{entities}]><Q>&e11;</Q>')
    with pytest.raises(DataError, match=r"^q\.xml"):
        read_xml(path, "Q")


# Folders and zip files


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    (folder / "deeper").mkdir(parents=True)
    for name in ("b & c.txt", "a, 'd'.txt", "other.md", "deeper/e.txt"):
        (folder / name).write_text(f"text of {name}", "utf-8")
    return folder


def test_a_folder_gives_its_files_by_name(notes: Path) -> None:
    found = list(files_in(notes, "*.txt"))
    assert [path.name for path in found] == ["a, 'd'.txt", "b & c.txt"]
    assert read_text(found[0]) == "text of a, 'd'.txt"


@pytest.mark.parametrize("inside", ["", "notes/"])
def test_a_zip_file_is_as_good_as_its_folder(inside: str, notes: Path, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "notes.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for file in notes.glob("*.*"):
            archive.write(file, f"{inside}{file.name}")
        archive.writestr("__MACOSX/notes/._a", "")
    found = list(files_in(path, "*.txt"))
    assert [(file.name, read_text(file)) for file in found] == [
        (file.name, read_text(file)) for file in files_in(notes, "*.txt")
    ]
    assert listing(path, "*.txt") == listing(notes, "*.txt")


def test_a_listing_depends_on_names_and_contents(notes: Path) -> None:
    before = listing(notes, "*.txt")
    (notes / "b & c.txt").write_text("another text")
    changed = listing(notes, "*.txt")
    (notes / "b & c.txt").rename(notes / "z.txt")
    assert len({before, changed, listing(notes, "*.txt")}) == 3


def test_a_folder_without_such_files_and_a_broken_zip_are_refused(notes: Path) -> None:
    with pytest.raises(DataError, match=r"^notes holds no file called \*\.xml$"):
        list(files_in(notes, "*.xml"))
    path = notes.with_name("broken.zip")
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(DataError, match=r"^broken\.zip is neither a folder nor a zip file"):
        list(files_in(path))


def test_files_that_systems_put_beside_the_data_are_no_data(notes: Path) -> None:
    before = [path.name for path in files_in(notes, "*.txt")]
    for name in ("~$a.txt", "._a.txt", ".hidden.txt"):
        (notes / name).write_text("lock")
    assert [path.name for path in files_in(notes, "*.txt")] == before


def test_a_gzipped_file_inside_a_folder(notes: Path) -> None:
    (notes / "f.txt.gz").write_bytes(gzip.compress(b"packed"))
    assert read_text(next(files_in(notes, "*.gz"))) == "packed"


# What a row gives


ROW = Row(
    "exam.csv", 7, {"cop": 2, "text": "2", "key": " b", "op1": " one ", "op2": "", "verdict": "maybe", "flag": True}
)


def test_the_letter_of_the_right_option() -> None:
    assert ROW.letter("cop", of=4, first=1) == "B"
    assert ROW.letter("cop", of=4, first=0) == "C"
    assert ROW.letter("text", of=2, first=1) == "B"
    assert ROW.letter("key", of=2) == "B"
    assert ROW.letter_of("verdict", ("yes", "no", "maybe")) == "C"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: ROW.letter("cop", of=1, first=1), "the column 'cop' is not a number from 1 to 1"),
        (lambda: ROW.letter("cop", of=4, first=3), "the column 'cop' is not a number from 3 to 6"),
        (lambda: ROW.letter("flag", of=4, first=1), "the column 'flag' is not a number from 1 to 4"),
        (lambda: ROW.letter("key", of=1), "the column 'key' is not a letter from A to A"),
        (lambda: ROW.letter("verdict", of=26), "the column 'verdict' is not a letter from A to Z"),
        (lambda: ROW.letter("op2", of=4), "the column 'op2' is empty"),
        (lambda: ROW.letter("KEY", of=4), "the column 'KEY' is missing, it is written 'key' there"),
        (lambda: ROW.letter_of("verdict", ("yes", "no")), "the column 'verdict' is not one of yes, no"),
        (lambda: ROW.texts("op1", "op2"), "the column 'op2' is empty"),
        (lambda: ROW.cells("op1", "op3"), "the column 'op3' is missing, so this is not the file that is expected"),
    ],
)
def test_a_row_says_what_is_wrong_with_a_cell(call: Callable[[], object], sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        call()
    assert str(caught.value) == f"exam.csv, row 7: {sentence}"


def test_texts_and_cells() -> None:
    assert ROW.texts("op1", "verdict") == ("one", "maybe")
    assert ROW.cells("op1", "op2") == ("one", "")
    assert (ROW.optional("op2"), ROW.optional("none")) == ("", "")


# What is not there


@pytest.mark.parametrize("end", ["  \n \t\n", "", "\n", ",,\n", ",,\n\n,,\n", " , ,\t\n,,"])
def test_empty_rows_at_the_end_of_a_table_are_passed_over(end: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"id,question,answer\n1,x,A\n2,y,B\n{end}")
    assert [row.text("id") for row in read_csv(path)] == ["1", "2"]


def test_an_empty_row_in_between_is_an_error_of_that_row(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("id,question,answer\n1,x,A\n,,\n3,y,B\n")
    with pytest.raises(DataError, match="row 2: the column 'id' is empty"):
        [row.text("id") for row in read_csv(path)]


@pytest.mark.parametrize("written", ["NaN", "nan", " NaN ", ""])
def test_nan_is_an_empty_cell(written: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"id,answer\n1,{written}\n")
    with pytest.raises(DataError, match="row 1: the column 'answer' is empty"):
        [row.text("answer") for row in read_csv(path)]


@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity", "null"])
def test_what_is_no_number_in_json_is_an_empty_cell(written: str, tmp_path: Path) -> None:
    for name, text in (("rows.json", f'[{{"a": {written}}}]'), ("rows.jsonl", f'{{"a": {written}}}')):
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(DataError, match="row 1: the column 'a' is empty"):
            [row.text("a") for row in (read_json if name.endswith("json") else read_jsonl)(path)]
