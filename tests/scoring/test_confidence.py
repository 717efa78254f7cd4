"""Which token says the option, how probable it was among the options, and what a model states of itself."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_medhelm.models.engine.reply import read_reply
from pytest_medhelm.models.engine.request import Completion
from pytest_medhelm.scoring.answers import find_choice, split_stated
from pytest_medhelm.scoring.confidence import confidence_of, letter_position, share_of, token_at
from pytest_medhelm.scoring.response import Response
from pytest_medhelm.tasks.prompts import confidence_line
from pytest_medhelm.tasks.task import Instance

CHOICES = ("Aspirin", "Heparin", "Warfarin", "None of these")
INSTANCE = Instance("i", "Which one?", "B", choices=CHOICES)


def logs(**shares: float) -> list[tuple[str, float]]:
    """Tokens with their probabilities; an underscore stands for a space."""
    return [(name.replace("_", " "), math.log(share)) for name, share in shares.items()]


def answered(tokens: list[str], place: int | None, listed: list[tuple[str, float]], thinking: str = "") -> Response:
    """A response of these tokens, with what might have stood at one place."""
    text = "".join(tokens).removeprefix(thinking)
    chosen = dict(listed)
    logprobs = [(token, chosen.get(token, -0.1) if number == place else -0.1) for number, token in enumerate(tokens)]
    completion = Completion(
        "ok", text, thinking, "stop", logprobs=logprobs, alternatives={} if place is None else {place: listed}
    )
    return Response(completion, key="k", instance=INSTANCE)


def test_normalised_over_the_options_with_and_without_a_space() -> None:
    listed = logs(_B=0.5, B=0.1, _A=0.2, The=0.1, _E=0.05)
    response = answered(["Answer", ":", " B"], 2, listed)
    assert confidence_of(response, CHOICES, "logprobs").value == pytest.approx(0.6 / 0.8)


def test_a_drawn_token_that_is_not_listed_counts_too() -> None:
    assert share_of("D", "ABCD", logs(_D=0.01)[0], logs(_A=0.6, _B=0.39)) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("B", 0),
        ("Answer: B", 8),
        ("A is wrong, since B helps. Answer: B", 35),
        ("Answer: B\n\nOption A does not act as B does.", 8),
        ("The answer is (B) Heparin.", 15),
        ("**Answer: B**\nIt is a known fact.", 10),
    ],
)
def test_the_letter_that_was_read_is_found(text: str, place: int) -> None:
    assert letter_position(text, "B", CHOICES) == place


def test_an_option_named_by_its_text_alone_has_no_letter() -> None:
    text = "Heparin"
    found = find_choice(text, CHOICES)
    assert found is not None
    assert found.letter == "B"
    response = answered([text], 0, [])
    assert confidence_of(response, CHOICES, "logprobs").reason == "the answer names the option without its letter"


def test_thinking_before_the_answer_is_not_taken_for_it() -> None:
    tokens = ["Perhaps", " A", ".", "Answer:", " B"]
    response = answered(tokens, 4, logs(_B=0.7, _A=0.3), thinking="Perhaps A.")
    assert confidence_of(response, CHOICES, "logprobs").value == pytest.approx(0.7)


def test_characters_in_pieces_do_not_hide_the_letter() -> None:
    assert token_at(["Ré", "ponse\ufffd", "\ufffd", ": ", "B"], "Réponse\u2019: B", 10) == 4
    assert token_at(["some", "thing"], "Answer: B", 8) is None


@pytest.mark.parametrize(
    ("tokens", "place", "reason"),
    [
        (["no idea"], None, "no option was read (unparsed)"),
        (["Answer: B"], None, "the letter is no token of its own"),
        (["Answer:", " B"], None, "the server lists no other tokens (top_logprobs)"),
    ],
)
def test_what_is_not_known_has_a_reason_and_no_number(tokens: list[str], place: int | None, reason: str) -> None:
    response = answered(tokens, place, [])
    assert response.choice in (None, "B")
    found = confidence_of(response, CHOICES, "logprobs")
    assert (found.value, found.reason) == (None, reason)


def test_a_reply_keeps_the_letters_that_might_have_stood_there_and_nothing_else() -> None:
    listed = [{"token": " B", "logprob": -0.1}, {"token": "The", "logprob": -3}, {"token": "a", "logprob": -4},
              {"token": " C", "logprob": "x"}]  # fmt: skip
    content = [{"token": "Answer:", "logprob": 0, "top_logprobs": listed}, {"token": " B", "logprob": -0.1,
                "top_logprobs": listed}]  # fmt: skip
    choice: dict[str, Any] = {"message": {"content": "Answer: B"}, "logprobs": {"content": content}}
    found = read_reply(json.dumps({"choices": [choice]}).encode())
    assert found.alternatives == {1: [(" B", -0.1), ("a", -4.0), (" C", None)]}
    choice["logprobs"] = {"content": [{"token": " B", "logprob": -0.1, "top_logprobs": "none"}]}
    assert read_reply(json.dumps({"choices": [choice]}).encode()).alternatives == {}


shares = st.lists(st.floats(0.001, 1), min_size=4, max_size=4)


@given(shares, st.sampled_from("ABCD"))
def test_confidences_of_all_options_are_one_together(parts: list[float], said: str) -> None:
    whole = sum(parts)
    listed = [(f" {letter}", math.log(part / whole)) for letter, part in zip("ABCD", parts, strict=True)]
    found = [share_of(letter, "ABCD", token, listed) for letter, token in zip("ABCD", listed, strict=True)]
    assert sum(found) == pytest.approx(1.0)
    assert all(0 <= share <= 1 for share in found)
    assert found["ABCD".index(said)] == pytest.approx(parts["ABCD".index(said)] / whole)


@pytest.mark.parametrize(
    ("text", "rest", "value"),
    [
        ("Answer: B\nConfidence: 80", "Answer: B", 0.8),
        ("Answer: B\n**Confidence:** 85%", "Answer: B", 0.85),
        ("Answer: B. Confidence: 0.8", "Answer: B", 0.8),
        ("Confidence: 100 %\nAnswer: C", "Answer: C", 1.0),
        ("Answer: B\nConfidence: 70/100.", "Answer: B", 0.7),
        ("Respuesta: B\nConfianza: 62,5 %", "Respuesta: B", 0.625),
        ("Answer: B\nConfidence: 60\nConfidence: 90", "Answer: B", 0.9),
        ("Answer: B\nConfidence: 80-90", "Answer: B", None),
        ("Answer: B\nConfidence: high", "Answer: B", None),
        ("Answer: B\nConfidence: 1.0", "Answer: B", None),
        ("Answer: B\nConfidence: 180", "Answer: B", None),
        ("Answer: B\nConfidence: N", "Answer: B", None),
        ("Answer: B", "Answer: B", None),
        ("My confidence: low, since A and B are alike", "My confidence: low, since A and B are alike", None),
    ],
)
def test_a_stated_probability_is_read_or_not_at_all(text: str, rest: str, value: float | None) -> None:
    assert split_stated(text) == (rest, value)


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    rest, value = split_stated(text)
    assert len(rest) <= len(text)
    assert value is None or 0 <= value <= 1


@given(st.integers(0, 100), st.sampled_from(["en", "de", "es", "fr", "it", "pt", "zh"]))
def test_the_line_that_is_asked_for_is_read_in_each_language(percent: int, language: str) -> None:
    asked = confidence_line(language)
    assert asked.endswith(": N")
    label = re.split(r"[ ：]", asked.removesuffix(": N"))[-1]
    assert split_stated(f"Answer: A\n{label}: {percent}") == ("Answer: A", percent / 100)


def test_the_answer_is_read_without_the_line() -> None:
    completion = Completion("ok", "Answer: B\nConfidence: 90", finish_reason="stop")
    response = Response(completion, key="k", instance=INSTANCE, stated=True)
    assert (response.text, response.choice, response.read_as, response.stated) == ("Answer: B", "B", "form", 0.9)
    assert confidence_of(response, CHOICES, "stated").value == 0.9
    silent = Response(Completion("ok", "B", finish_reason="stop"), key="k", instance=INSTANCE, stated=True)
    assert confidence_of(silent, CHOICES, "stated") == ("stated", None, "the answer states no probability")
