"""What a run means is told before anything is asked: requests of judges and their cost, prompts that are too long."""

from __future__ import annotations

import json
from typing import Any

import pytest

from perf.mock_server import MockServer
from tests.support.paths import BENCHMARKS

CONFIG = """
[endpoints.house]
base_url = "{url}"
[models."house/judge"]
price = {{ input = 10, output = 20 }}
"""


def reply(body: dict[str, Any]) -> str:
    if body["model"] == "doctor":
        return "Drink enough."
    met = {"explanation": "", "criteria_met": True}
    return json.dumps({**met, **{str(number): met for number in range(1, 9)}})


@pytest.mark.parametrize(("calls", "told"), [("each", "judges get 148 requests"), ("together", "")])
def test_the_header_says_what_the_judges_get_to_do(calls: str, told: str, run: Any, pytester: pytest.Pytester) -> None:
    with MockServer(reply, models=("doctor", "judge", "second")) as server:
        (pytester.path / "medhelm.toml").write_text(CONFIG.format(url=server.url))
        result = run(
            BENCHMARKS / "clinical_decision_support", "-k", "health_bench", "--medhelm-model=house/doctor",
            "--medhelm-judge=house/judge", "--medhelm-judge-repeats=2", f"--medhelm-rubric-calls={calls}",
        )  # fmt: skip
        asked = sum(body["model"] == "judge" for body in server.requests)
    lines = [line for line in result.outlines if "judges get" in line]
    if not told:
        assert (asked, lines) == (40, []), "of few requests nothing is said"
        return
    (line,) = lines
    assert line.startswith(f"medhelm: {told} about 20 answers by 3.7 criteria each, about ")
    assert asked == 148
    # 148 prompts of some 4,000 characters and answers of 300, four characters a token, at 10 and 20 a million
    cost = float(line.partition(", about ")[2].removesuffix(" USD"))
    assert 148 * (900 * 10 + 75 * 20) / 1e6 < cost < 148 * (1100 * 10 + 75 * 20) / 1e6
