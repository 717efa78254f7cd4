"""A stand-in for a batch service: answers a file of requests with the mock server's replies, out of order.

    python -m perf.batch_runner -i out.jsonl -o results.jsonl

It reads what OpenAI's Batch API and ``vllm run-batch`` read, and writes what they write.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from perf.mock_replies import completion, default_reply, error_body

Reply = Callable[[dict[str, Any]], str | Mapping[str, Any]]


def run_batch(
    requests: Path,
    results: Path,
    reply: Reply = default_reply,
    *,
    fail: Collection[int] = (),
    lose: Collection[int] = (),
) -> None:
    """Answer every request of a file, in an order of its own.

    ``fail`` and ``lose`` are places in the file, from 0: those requests get an error, or no result at all.
    """
    lines = []
    for index, line in enumerate(requests.read_text("utf-8").splitlines()):
        asked = json.loads(line)
        response: dict[str, Any] = {"status_code": 200, "request_id": f"request-{index}"}
        if index in fail:
            response |= {"status_code": 500, "body": error_body("The batch's own server failed.", "server_error")}
        else:
            response["body"] = completion(asked["body"], reply(asked["body"]), index)
        if index not in lose:
            lines.append({"id": f"b-{index}", "custom_id": asked["custom_id"], "response": response, "error": None})
    random.Random(0).shuffle(lines)
    results.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m perf.batch_runner", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("-i", "--input", type=Path, required=True, help="file of requests")
    parser.add_argument("-o", "--output", type=Path, required=True, help="file of results")
    options = parser.parse_args()
    run_batch(options.input, options.output)


if __name__ == "__main__":
    main()
