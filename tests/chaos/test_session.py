"""A sample of the faults through a whole session: neighbours untouched, statuses right, the gate's verdict honest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from tests.chaos.faults import KEPT, UNREADABLE
from tests.support.letters import gold
from tests.support.servers import quick
from tests.support.suites import cell, leaderboard

ODD = ("usage is Infinity", "reasoning is a list", "finish reason is an object", "model is a surrogate")
LOST = ("deep JSON", "a web page", "the message is null", "no choices")


def test_odd_fields_lose_nothing_and_lost_answers_are_errors(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    faults = {number: UNREADABLE[name] for number, name in zip((2, 12, 22, 32), LOST, strict=True)}
    odd = {number: KEPT[name] for number, name in zip((3, 13, 23, 33), ODD, strict=True)}

    def reply(body: dict[str, Any]) -> Any:
        number = int(body["messages"][-1]["content"].split("Case ")[1].split(".")[0])
        if number in odd and broken:
            made = odd[number]
            # The table's answer is "fine"; here it is the right letter.
            letter = gold(body)
            if isinstance(made, bytes):
                return made.replace(b"fine", letter.encode())
            message = {**made["choices"][0]["message"], "content": letter}
            return made | {"choices": [{**made["choices"][0], "message": message}]} if "choices" in made else made
        return faults[number] if number in faults and broken else gold(body)

    broken = True
    data = letters(40)
    with MockServer(lambda body: dumped(reply(body))) as server:
        options = (quick(pytester, server.url, retries=1), f"--medhelm-data={data}")
        result = run(*options, "--medhelm-gate=*.request_error <= 0.01", "--medhelm-gate=letters >= 0.5")
        assert result.ret == 1, "the rule on errors fails"
        found = cell(leaderboard(pytester.path), "letters")
        assert found["statuses"] == {"ok": 36, "request_error": 4}, "no other answer is lost, and none is skipped"
        assert found["metrics"]["exact_match"]["value"] == 1.0
        verdicts = {gate["rule"]: gate["verdict"] for gate in leaderboard(pytester.path)["results"]["gates"]}
        assert [verdict for rule, verdict in verdicts.items() if "request_error" in rule] == ["fail"]
        assert "Traceback" not in result.stdout.str()
        broken = False
        assert run(*options, "--medhelm-gate=*.request_error <= 0.01").ret in (0, 1)
        assert cell(leaderboard(pytester.path), "letters")["statuses"] == {"ok": 40}


def dumped(reply: Any) -> Any:
    """An object with choices is a whole reply, which the mock server would put into a choice of its own."""
    return json.dumps(reply).encode() if isinstance(reply, dict) and "choices" in reply else reply
