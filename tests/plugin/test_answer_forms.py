"""How closed questions ask, how their answers were read, and what counts only the form that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.tasks.prompts import answer_letter, in_form, letter_prompt, solved
from pytest_medhelm.tasks.task import Instance
from tests.support.letters import LETTERS, gold
from tests.support.suites import cell, leaderboard

TWO = ("yes", "no")


def test_a_closed_question_asks_for_one_last_line_in_its_language() -> None:
    text = letter_prompt("A question.", Instance(id="1", question="Why?", answer="B", choices=TWO))
    assert text.endswith("(A, B): Answer: X")
    assert in_form(text, TWO, "line", "pt-BR").endswith("(A, B): Resposta: X")
    assert in_form(text, TWO, "line", "xx") == text, "English where the language is not known"
    helm = in_form(text, TWO, "helm", "es")
    assert helm.endswith("Reply with the letter of the best option (A or B) and nothing else.")
    assert in_form(text, TWO, "helm", "pt").endswith("(A ou B) e nada mais."), "MedHELM's one benchmark not in English"
    assert in_form("Free text.", TWO, "helm", "en") == "Free text.", "a prompt of its own wording stays"
    assert answer_letter(TWO) in text
    assert (solved("B", "line", "es"), solved("B", "helm", "es")) == ("Respuesta: B", "B")


REPLIES = [
    "Answer: {}",
    "The answer is {}.",
    "{}",
    "<ponder>Is it A?</ponder>Answer: {}",
    "I do not know.",
]


@pytest.mark.parametrize(
    ("options", "strict", "asked"),
    [((), None, "Answer: X"), (("--medhelm-answer-form=strict",), 0.4, "Answer: X")],
)
def test_how_answers_were_read_is_told_and_a_second_value_counts_the_form(
    options: tuple[str, ...],
    strict: float | None,
    asked: str,
    letters: Callable[..., Path],
    run: Any,
    pytester: pytest.Pytester,
) -> None:
    data = letters(5)
    path = pytester.path / "test_letters.py"
    path.write_text(LETTERS.partition("    score.exact_match")[0] + "    score.choice(response, instance)\n")

    def reply(body: dict[str, Any]) -> str:
        number = int(body["messages"][-1]["content"].partition("Case ")[2].partition(".")[0])
        return REPLIES[number].format(gold(body))

    with MockServer(reply, models=("doctor",)) as server:
        base = f"--medhelm-base-url={server.url}"
        result = run("--medhelm-model=vllm/doctor", base, f"--medhelm-data={data}", *options)
        assert all(body["messages"][-1]["content"].endswith(asked) for body in server.requests)
    found = cell(leaderboard(pytester.path), "letters")
    assert found["metrics"]["exact_match"]["value"] == 0.8
    assert found["read_as"] == {"form": 2, "lone letter": 1, "phrase": 1}
    assert found["metrics"].get("exact_match_strict", {}).get("value") == strict
    assert found["unknown_marks"] == {"<ponder>": 1}
    result.stdout.fnmatch_lines(["*1 answer begins with <ponder>: is this thinking?*"])
    page = (pytester.path / "medhelm-results/default/leaderboard.html").read_text("utf-8")
    assert "50&nbsp;% from the line or form asked for" in page
    assert "25&nbsp;% from a sentence" in page
