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
    criteria = body["messages"][-1]["content"].partition("Criteria:\n")[2]
    return json.dumps({str(number): met for number in range(1, 1 + criteria.count(" points] "))} or met)


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


def test_prompts_that_a_model_cannot_take_are_told_before(run: Any) -> None:
    """At four characters a token a record of 8,000 tokens is too long for a context of 4,096, one of 2,000 is not."""
    with MockServer(lambda _: "nothing", models=("doctor",), entry={"max_model_len": 4096}) as server:
        result = run(
            BENCHMARKS / "clinical_note_generation" / "test_long_record.py", "--medhelm-model=vllm/doctor",
            f"--medhelm-base-url={server.url}", "--medhelm-sub-tasks=2k,8k", "--medhelm-limit=3",
        )  # fmt: skip
    told = [line for line in result.outlines if "are longer than" in line]
    assert told == [
        "medhelm: 3 instances of long_record are longer than the 4,096 tokens of vllm/doctor, at four characters a "
        "token: they count as too_long"
    ]


def test_a_sub_task_that_nobody_has_is_a_sentence(run: Any) -> None:
    result = run(
        BENCHMARKS / "clinical_note_generation" / "test_long_record.py", "--medhelm-model=baseline/random",
        "--medhelm-sub-tasks=2k,3k",
    )  # fmt: skip
    assert result.ret == 4
    assert (
        "ERROR: --medhelm-sub-tasks: no selected benchmark has a sub-task '3k'; name some of 2k, 8k, 32k, 128k, 512k, "
        "1m"
    ) in result.errlines
