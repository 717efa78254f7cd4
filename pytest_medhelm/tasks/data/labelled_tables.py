"""Tables of labelled texts, as hospitals keep them: a question, a context and the letter of the right label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from string import ascii_uppercase

from pytest_medhelm.tasks.data.office import read_xlsx
from pytest_medhelm.tasks.data.readers import read_csv
from pytest_medhelm.tasks.data.rows import Row, content_id, digest
from pytest_medhelm.tasks.task import Excluded, Instance

NO_LABEL = Excluded("no label")
EMPTY_ROW = Excluded("an empty row")

Load = Callable[[Path], Iterator["Instance | Excluded"]]


def labelled_csv(choices: Sequence[str], *, question: str = "prompt", may_lack_label: bool = False) -> Load:
    """A ``load`` for a CSV file with one labelled text a row.

    Its columns are ``question``, context and label, the letter of a choice. The file has no ids, so an instance's id
    is a hash of its texts. Questions about the same context are one cluster. With
    ``may_lack_label`` a row whose label is empty is left out and counted; otherwise it is an error. Rows without any
    text, which spreadsheets like to append, are left out and counted too.
    """

    def load(path: Path) -> Iterator[Instance | Excluded]:
        seen: Counter[str] = Counter()
        for row in read_csv(path):
            if not any(map(str.strip, row.values.values())):
                yield EMPTY_ROW
            elif may_lack_label and not row.take("label", str).strip():
                yield NO_LABEL
            else:
                yield _instance(row, seen, choices, question=question, context="context", label="label")

    return load


def labelled_xlsx(choices: Sequence[str], *, sheet: str, context: str) -> Load:
    """As ``labelled_csv`` for a worksheet with the columns question, ``context`` and provided_label.

    Its other columns are kept in the instance's fields.
    """
    names = {"question": "question", "context": context, "label": "provided_label"}

    def load(path: Path) -> Iterator[Instance | Excluded]:
        seen: Counter[str] = Counter()
        for row in read_xlsx(path, sheet=sheet):
            yield _instance(row, seen, choices, **names, keep=True)

    return load


def _instance(
    row: Row,
    seen: Counter[str],
    choices: Sequence[str],
    *,
    question: str,
    context: str,
    label: str,
    keep: bool = False,
) -> Instance:
    """One row of such a table. The context may be empty, its column must be there.

    ``keep``: the other columns become fields. Raises DataError when the label is not the letter of a choice.
    """
    asked, text, letter = row.text(question), row.take(context, str).strip(), row.text(label).upper()
    letters = ascii_uppercase[: len(choices)]
    if len(letter) != 1 or letter not in letters:
        meanings = ", ".join(f"{known} ({choice})" for known, choice in zip(letters, choices, strict=True))
        raise row.error(f"the column {label!r} does not hold one of the letters {meanings}")
    return Instance(
        id=content_id(seen, asked, text, letter),
        question=asked,
        answer=letter,
        context=text,
        choices=tuple(choices),
        cluster=digest(text) if text else "",
        slices={"label": choices[letters.index(letter)]},
        fields={name: row.values[name] for name in row.values if keep and name not in (question, context, label)},
    )
