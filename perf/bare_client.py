"""The floor: a bare aiohttp process that sends chat bodies and counts the answers.

    python -m perf.bare_client --url http://127.0.0.1:8000/v1 --requests 1000 --concurrency 128
    python -m perf.bare_client --url http://127.0.0.1:8000/v1 --data bodies.jsonl

Prints {"requests": answers received, "seconds": first request sent to last answer read, "cpu_seconds": user
and system time of the whole process, imports included}. The wall time of the process is the caller's to take.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_WORDS = (
    "patient",
    "dose",
    "trial",
    "pressure",
    "group",
    "outcome",
    "placebo",
    "risk",
    "weeks",
    "mean",
    "score",
)


def chat_bodies(count: int) -> Iterator[dict[str, Any]]:
    """Chat bodies with distinct multiple-choice prompts of about 2 KB, the same ones in every run."""
    for number in range(count):
        context = " ".join(_WORDS[(number + i * (1 + number % 7)) % len(_WORDS)] for i in range(310))
        question = f"Question {number}: does the passage support it?\nA. yes\nB. no\nC. maybe"
        prompt = f"{context}\n\n{question}\nReply with the letter only."
        messages = [{"role": "user", "content": prompt}]
        yield {"model": "mock", "messages": messages, "temperature": 0, "max_tokens": 16}


async def send(url: str, bodies: Iterable[dict[str, Any]], concurrency: int) -> int:
    """Send every body over at most `concurrency` kept connections; the number of answers with a choice.

    Raises aiohttp.ClientError when a request fails: a floor that lost requests would be no floor.
    """
    import aiohttp

    answers = 0
    waiting = iter(bodies)
    headers = {"Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector, headers=headers, raise_for_status=True) as session:

        async def worker() -> None:
            nonlocal answers
            for body in waiting:
                async with session.post(f"{url}/chat/completions", data=json.dumps(body).encode()) as answer:
                    choices = json.loads(await answer.read())["choices"]
                answers += bool(choices)

        await asyncio.gather(*(worker() for _ in range(concurrency)))
    return answers


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m perf.bare_client", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--url", required=True, help="base URL, ending in /v1")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--data", type=Path, help="a file with one chat body (JSON) a line")
    what.add_argument("--requests", type=int, default=1000, help="number of built-in prompts of 2 KB")
    parser.add_argument("--concurrency", type=int, default=128)
    options = parser.parse_args()
    if options.data:
        bodies = [json.loads(line) for line in options.data.read_text(encoding="utf-8").splitlines()]
    else:
        bodies = list(chat_bodies(options.requests))
    start = time.perf_counter()
    answers = asyncio.run(send(options.url.rstrip("/"), bodies, options.concurrency))
    seconds = time.perf_counter() - start
    print(json.dumps({"requests": answers, "seconds": seconds, "cpu_seconds": time.process_time()}))


if __name__ == "__main__":
    main()
