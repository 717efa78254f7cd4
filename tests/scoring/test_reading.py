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


# Each names Metformin, the option A, and nothing else.
ANSWERED = [
    *("Answer: A", "A", "A. Metformin", "The answer is A.", "**Answer: A. Metformin**", "I would choose A."),
    *("Option A is correct.", "\\boxed{A}", '{"answer": "A"}', "Metformin", "The best choice is metformin."),
]
CORRECTED = [
    *("Wait, the renal function is normal. So B.", "Hmm, but he bleeds. B then.", "On second thought, B."),
    *("On reflection, I prefer B.", "Let me reconsider. The INR is low. B is better."),
    *("Actually, insulin glargine.", "Actually, no. Insulin glargine.", "Actually, that should be B."),
    *("Sorry, B.", "Sorry, I meant B.", "Oops: B", "My mistake: it's B.", "I stand corrected: B."),
    *("I was wrong; the answer is B.", "No, B.", "Rather B.", "Or rather B.", "Revised answer: B"),
    *("New answer: B", "Corrected: B", "Edit: B", "Edit: should be B", "EDIT: B, because of AF", "Update: B"),
    *("Change that to B.", "Change to B.", "Make that B.", "Scratch that, B.", "Scratch that. B."),
    *("Hold on, he has AF. B.", "Hold on. He has AF, so B.", "But wait, he has AF. Therefore B."),
    *("Upon review, B is correct.", "After reviewing again, B.", "Re-reading the question, the answer is B."),
    *("Reading again: AF. B.", "I misread the question. B.", "I need to correct myself: B."),
    *("Let me correct that: B.", "Correction - B", "Correction (B)", "Final answer after reconsideration: B"),
    *("Final decision: B", "So in the end: B", "Ultimately B.", "Thinking about it more, B is right."),
    *("Thinking about it again: insulin glargine (B).", "That's not right. It is B.", "That is incorrect. B."),
    *("This is wrong, it's B.", "A is wrong. B.", "A is wrong; B is right.", "No wait. A is contraindicated. B."),
    *("Not A, B.", "Hmm, A is contraindicated. B it is."),
]  # fmt: skip
KEPT = [
    *("Re-reading the question confirms A.", "Thinking about it more, A is still right."),
    *("After reviewing, A stands.", "Rather than B, A.", "Not B, A.", "In the end, A."),
    *("Wait, is it B? No, it's A.", "B was considered but A is better.", "Let me double-check: yes, A."),
    *("Double-checking... A is right.", "Hmm, B? No.", "B is wrong.", "B would be used in AF.", "Not B."),
    *("I considered B.", "Note: B is a common error.", "Why not B? Because of bleeding.", "B is second best."),
    *("Some may choose B.", "If he had AF, B.", "Unlike B, it needs no monitoring."),
    *("The alternative would be B.", "Alternative: B", "Confidence: 90 %", "Runner-up: B"),
    *("(B is incorrect because of bleeding.)", "B, C, and D are incorrect.", "Incorrect: B, C, D"),
    *("Explanation: B increases bleeding.",),
]  # fmt: skip


@pytest.mark.parametrize("answered", ANSWERED)
def test_what_follows_an_answer_replaces_it_or_leaves_it(answered: str) -> None:
    """The letter that was taken back is never read, and none that was only mentioned."""
    misread = [added for added in CORRECTED if read_choice(f"{answered}\n\n{added}", DRUGS) not in ("B", None)]
    misread += [added for added in KEPT if read_choice(f"{answered}\n\n{added}", DRUGS) not in ("A", None)]
    assert misread == []
    assert read_choice(f"{answered}\n\nFinal answer after reconsideration: B", DRUGS) == "B"


@pytest.mark.timeout(10)
def test_a_long_answer_is_read_by_its_beginning_and_its_end() -> None:
    middle = "The patient has diabetes, and option A was considered at length. " * 20_000
    assert read_choice(f"{middle}\n\nAnswer: B", DRUGS) == "B"
    assert read_choice(f"B\n\n{middle}", DRUGS) == "B"
    assert read_choice(f"Answer: B\nHuman: and now?\n{middle}\nAnswer: C", DRUGS) == "B"
