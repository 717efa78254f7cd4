# mypy: ignore-errors
"""What perf.peers has DeepEval run: ``python deepeval_run.py URL CONCURRENCY choices|jury``.

Answers are fetched with the openai package; DeepEval itself asks judges alone.
"""

import asyncio
import json
import sys
from pathlib import Path

from deepeval import evaluate
from deepeval.evaluate.configs import AsyncConfig, CacheConfig, DisplayConfig
from deepeval.metrics import ExactMatchMetric, GEval
from deepeval.models import LocalModel
from deepeval.test_case import LLMTestCase, LLMTestCaseParams
from openai import AsyncOpenAI

url, concurrency, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
rows = [json.loads(line) for line in Path("rows.jsonl").read_text("utf-8").splitlines()]
SHOWN = [LLMTestCaseParams.INPUT, LLMTestCaseParams.ACTUAL_OUTPUT, LLMTestCaseParams.EXPECTED_OUTPUT]
STEPS = ["Compare the actual output with the expected output.", "Grade how far they agree."]


async def answers(prompts: list[str]) -> list[str]:
    """The model's answers, so many at once."""
    slots = asyncio.Semaphore(concurrency)
    async with AsyncOpenAI(base_url=url, api_key="x") as client:

        async def ask(prompt: str) -> str:
            async with slots:
                messages = [{"role": "user", "content": prompt}]
                reply = await client.chat.completions.create(
                    model="mock", temperature=0, max_tokens=16, messages=messages
                )
                return reply.choices[0].message.content or "-"

        return await asyncio.gather(*map(ask, prompts))


asked, right = ("prompt", "target") if what == "choices" else ("open", "reference")
given = asyncio.run(answers([row[asked] for row in rows]))
cases = [
    LLMTestCase(input=row[asked], actual_output=text, expected_output=row[right])
    for row, text in zip(rows, given, strict=True)
]
metrics = [ExactMatchMetric()]
if what == "jury":
    metrics = [
        GEval(
            name=name,
            evaluation_params=SHOWN,
            evaluation_steps=STEPS,
            model=LocalModel(model=name, base_url=url, api_key="x", temperature=0),
        )
        for name in ("judge-a", "judge-b", "judge-c")
    ]
evaluate(
    cases,
    metrics,
    async_config=AsyncConfig(max_concurrent=concurrency),
    display_config=DisplayConfig(print_results=False, show_indicator=False, inspect_after_run=False),
    cache_config=CacheConfig(write_cache=False),
)
