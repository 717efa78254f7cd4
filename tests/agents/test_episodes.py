"""Episodes as test items: whole sessions against a server that calls tools."""

from __future__ import annotations

from typing import Any

import pytest

from perf.mock_server import MockServer
from tests.support.agent_modules import WARD, calls, records_of, turn_of


def potassium(body: dict[str, Any]) -> dict[str, Any] | str:
    """Looks at the potassium, orders what is due, and says so."""
    patient = body["messages"][-1]["content"] if turn_of(body) == 0 else ""
    match turn_of(body):
        case 0:
            return calls(("search", {"resource_type": "Observation", "parameters": {"patient": patient.split()[-1]}}))
        case 1:
            return calls(("find_code", {"words": "potassium chloride"}), ("nonsense", {}))
        case 2:
            patient = next(message["content"].split()[-1] for message in body["messages"] if message["role"] == "user")
            return calls(("send_message", {"patient": patient, "to": "dr-osei", "text": "Potassium seen"}))
        case _:
            return "Done."


def test_one_item_is_one_episode(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_ward=WARD)
    with MockServer(potassium) as server:
        result = pytester.runpytest("--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", "-v")
    assert result.ret == 0
    found = records_of(pytester.path)
    assert len(found) == 3
    for record in found:
        assert record["episode"] | {"text": ""} == {
            "ending": "ok", "steps": 4, "calls": 4, "malformed": 1, "refused": 0, "changes": 1, "text": "",
        }  # fmt: skip
        assert record["scores"] == {"told": 1.0, "looked": 1.0, "ordered": 0.0, "partial": 2 / 3, "success": 0.0}
        assert record["status"] == "ok"
    assert len(server.requests) == 12
    assert result.stdout.str().count("::test_ward[") == 3
