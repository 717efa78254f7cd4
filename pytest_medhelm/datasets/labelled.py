"""Tables of labelled texts, as hospitals keep them: a prompt, a context and the letter of the right label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from string import ascii_uppercase

from pytest_medhelm.datasets.readers import Row, content_id, digest, read_csv
from pytest_medhelm.task import Instance


def labelled_csv(
    choices: Sequence[str], *, question: str = "prompt", context: str = "context", label: str = "label"
) -> Callable[[Path], Iterator[Instance]]:
    """A ``load`` for a CSV file with one labelled text a row.

    The arguments after ``choices`` name its columns. The label is the letter of a choice. The file has no ids, so an
    instance's id is a hash of its texts. Questions about the same context are one cluster.
    """

    def load(path: Path) -> Iterator[Instance]:
        seen: Counter[str] = Counter()
        for row in read_csv(path):
            yield labelled_instance(row, seen, choices, question=question, context=context, label=label)

    return load


def labelled_instance(
    row: Row, seen: Counter[str], choices: Sequence[str], *, question: str, context: str, label: str
) -> Instance:
    """One row of such a table. Raises DataError when the label is not the letter of a choice."""
    letter = row.text(label).upper()
    letters = ascii_uppercase[: len(choices)]
    if len(letter) != 1 or letter not in letters:
        raise row.error(f"the column {label!r} does not hold one of the letters {', '.join(letters)}")
    asked, text = row.text(question), row.optional(context)
    return Instance(
        id=content_id(seen, asked, text, letter),
        question=asked,
        answer=letter,
        context=text,
        choices=tuple(choices),
        cluster=digest(text) if text else "",
        slices={"label": choices[letters.index(letter)]},
    )
