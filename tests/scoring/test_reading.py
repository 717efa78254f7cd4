"""What models say, by kind: a corpus of replies, and what must hold for every text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_medhelm.scoring.answers import find_choice, read_choice
from tests.support import reading

CLOSED = list(reading.closed())
DRUGS = ("Metformin", "Insulin glargine", "Beta-blocker", "Lévothyroxine")


def test_no_reply_is_misread() -> None:
    """The corpus is as large as it says, nothing in it is read wrong, and hardly anything is left unread."""
    found = list(reading.replies())
    assert len(found) >= 400
    assert [(reply.text, reply.expected, reply.found) for reply in found if reply.verdict == "wrong"] == []
    unread = [reply.text for reply in found if reply.verdict == "unparsed"]
    assert len(unread) <= 0.03 * len(found), unread


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("Answer: B", "form"),
        ("\\boxed{B}", "form"),
        ('{"answer": "B"}', "form"),
        ("The kidneys fail.\n\nAnswer: B", "form"),
        ("The answer is B.", "phrase"),
        ("I would choose B.", "phrase"),
        ("B is correct.", "phrase"),
        ("The most likely is B. Insulin glargine, as the kidneys fail.", "citation"),
        ("Insulin glargine", "citation"),
        ("B", "lone letter"),
        ("**B**", "lone letter"),
        ("The kidneys fail.\n\nB", "lone letter"),
    ],
)
def test_how_it_was_read_is_told(text: str, read_as: str) -> None:
    assert find_choice(text, DRUGS) == ("B", read_as)


PIECES = st.sampled_from(
    [
        *("A", "B", "(C)", "D.", "E", "I", "a", "Answer:", "The answer is", "is correct", "is wrong"),
        *("not", "Wait,", "if", "yes", "no"),
        *("\n", "\n\n", " ", ". ", ": ", ", ", " or ", "- ", "**", "\\boxed{", "}", '{"answer": "', '"}', "<|im_end|>"),
        *("Metformin", "Insulin glargine", "Human:", "Question:", "Correction:", "80%", "正解は", "الجواب", "?"),
    ]
)  # fmt: skip


@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=25).map("".join)))
def test_any_text_has_a_letter_of_the_question_or_none(text: str) -> None:
    assert read_choice(text, DRUGS) in (None, *"ABCD")


REJECTIONS = [
    *("\nOption {} is wrong.", "\n\n{} is not correct.", "\n{}: contraindicated"),
    *(" not {}", ", not {}", " and not {}", " (not {})", " rather than {}", " instead of {}", " over {}"),
    *(" {} is wrong", " {} is incorrect.", " - {} is contraindicated", "; {} is wrong", " because {} is wrong"),
]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(CLOSED), st.sampled_from(REJECTIONS), st.integers(0, 3))
def test_a_rejected_option_at_the_end_changes_nothing(
    case: tuple[str, str, list[str], str | None], rejection: str, number: int
) -> None:
    _, text, options, _ = case
    before, letter = read_choice(text, options), "ABCD"[number % len(options)]
    if before != letter:
        assert read_choice(text + rejection.format(letter), options) == before


@pytest.mark.timeout(10)
def test_a_long_answer_is_read_by_its_beginning_and_its_end() -> None:
    middle = "The patient has diabetes, and option A was considered at length. " * 20_000
    assert read_choice(f"{middle}\n\nAnswer: B", DRUGS) == "B"
    assert read_choice(f"B\n\n{middle}", DRUGS) == "B"
    assert read_choice(f"Answer: B\nHuman: and now?\n{middle}\nAnswer: C", DRUGS) == "B"
