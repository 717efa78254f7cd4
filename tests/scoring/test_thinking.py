"""Thinking is cut off by family before anything else sees an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_medhelm.scoring.answers.thinking import FAMILIES, MARK_STARTS, split_thinking, unknown_mark

# One pair of marks for each family, as the models write them.
PAIRS = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
    ("<thought>", "</thought>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<analysis>", "</analysis>"),
    ("<unused94>thought\n", "<unused95>"),
    ("<|channel>thought\n", "<channel|>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<seed:think>", "</seed:think>"),
    ("<mm:think>", "</mm:think>"),
    ("<longcat_think>", "</longcat_think>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
]


@given(
    st.sampled_from([mark for family in FAMILIES for mark in family[1:]]).flatmap(
        lambda mark: st.from_regex(mark, fullmatch=True)
    )
)
def test_every_mark_begins_as_is_said(mark: str) -> None:
    assert mark.startswith(MARK_STARTS)


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
def test_every_family_is_split(opening: str, closing: str) -> None:
    whole = split_thinking(f"{opening}It may be A.{closing}\n\nB")
    assert (whole.reasoning, whole.answer, whole.closed) == ("It may be A.", "B", True)
    lone = split_thinking(f"It may be A.{closing}B")
    assert (lone.reasoning, lone.answer, lone.closed) == ("It may be A.", "B", True)
    unclosed = split_thinking(f"{opening}It may be A. The answer is B")
    assert (unclosed.answer, unclosed.closed) == ("", False)
    empty = split_thinking(f"{opening}{closing}B")
    assert (empty.reasoning, empty.answer) == ("", "B")


def test_marks_around_the_answer_fall_off() -> None:
    assert split_thinking("<|START_THINKING|>x<|END_THINKING|><|START_RESPONSE|>B<|END_RESPONSE|>").answer == "B"
    assert (
        split_thinking("<|begin_of_thought|>x<|end_of_thought|><|begin_of_solution|>B<|end_of_solution|>").answer == "B"
    )


def test_harmony_with_a_family_mark_in_its_final_channel() -> None:
    said = split_thinking(
        "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|><think>b</think>B"
    )
    assert (said.reasoning, said.answer) == ("a\n\nb", "B")


@pytest.mark.parametrize(
    ("answer", "mark"),
    [
        ("<ponder>It may be A.</ponder>B", "<ponder>"),
        ("[REASON]It may be A.[/REASON]\nB", "[REASON]"),
        ("<inner.monologue>x</inner.monologue> B", "<inner.monologue>"),
        ("<ponder>It may be A.</ponder>", ""),
        ("<ponder>It may be A. B", ""),
        ("<answer>B</answer> because", ""),
        ("<p>Text</p><p>Text</p>", ""),
        ("<sql>SELECT 1</sql> done", ""),
        ("B <ponder>x</ponder> y", ""),
        ("B", ""),
        ("", ""),
    ],
)
def test_an_unknown_mark_around_the_first_part_is_named(answer: str, mark: str) -> None:
    assert unknown_mark(answer) == mark


PIECES = st.sampled_from([mark for pair in PAIRS for mark in pair] + ["<thi", "nk>", "<|chan", "nel|>", "B", " ", "\n"])
CHANNELS = st.sampled_from(["<|channel|>", "final", "analysis", "<|message|>", "<|start|>", "<|end|>"])


@given(st.lists(st.one_of(PIECES, CHANNELS), max_size=14).map("".join))
def test_cutting_thinking_is_idempotent(content: str) -> None:
    once = split_thinking(content)
    assert once.closed or once.answer == ""
    again = split_thinking(once.answer)
    assert (again.answer, again.reasoning) == (once.answer, "")
