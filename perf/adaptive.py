"""Is a server that slows down under load driven near its best? Fixed limits and auto, against one mock server.

    python -m perf.adaptive [--knee 64] [--latency-ms 500] [--requests 4000]

The server takes its latency up to the knee, and above it grows slower with the square of its load: there alone it does
its best. The engine asks it, without pytest. Nothing is asserted; the last column is the share of the best possible.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from perf.mock_server import Fault, MockServer
from pytest_medhelm.models.endpoint import Endpoint
from pytest_medhelm.models.engine.engine import Engine
from pytest_medhelm.models.engine.request import make_request
from pytest_medhelm.models.spec import Model
from pytest_medhelm.util.settings import Concurrency

WARM_UP = 0.25
"""Part of the requests that is not counted in the second figure: auto finds its limit meanwhile."""


def rates(url: str, concurrency: Concurrency, requests: int) -> tuple[float, float, int]:
    """Answers a second of a run, the same without its beginning, and the limit at its end."""
    model = Model("x/mock", "x", "mock", Endpoint("x", url, concurrency=concurrency, timeout=600))
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder) / "responses.sqlite", run="r", use_cache=True)
        started = time.perf_counter()
        futures = [
            engine.submit(make_request(model, [{"role": "user", "content": f"{concurrency} {number}"}]))
            for number in range(requests)
        ]
        warm = int(requests * WARM_UP)
        for future in futures[:warm]:
            future.result()
        warmed = time.perf_counter()
        for future in futures[warm:]:
            future.result()
        ended = time.perf_counter()
        limit = engine.adaptive_limit or int(concurrency)
        engine.close()
    return requests / (ended - started), (requests - warm) / (ended - warmed), limit


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m perf.adaptive", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--knee", type=int, default=64, help="requests at once up to which the server slows down none")
    parser.add_argument("--latency-ms", type=float, default=500.0)
    parser.add_argument("--requests", type=int, default=4000, help="to auto; a fixed limit gets a quarter")
    options = parser.parse_args()
    latency, best = options.latency_ms / 1000, options.knee / options.latency_ms * 1000

    def slow(body: dict[str, Any]) -> Fault:
        return Fault("slow", delay=latency * max(1.0, (server.in_flight / options.knee) ** 2))

    print(f"best possible: {best:.0f} answers/s, with {options.knee} requests at once\n")
    print("| concurrency | answers/s | without its beginning | limit at its end | of the best |\n|---|---|---|---|---|")
    with MockServer(slow, keep=False) as server:
        for concurrency in (options.knee // 4, options.knee, 2 * options.knee, "auto"):
            count = options.requests if concurrency == "auto" else options.requests // 4
            whole, later, limit = rates(server.url, concurrency, count)
            print(f"| {concurrency} | {whole:.0f} | {later:.0f} | {limit} | {later / best:.0%} |", flush=True)


if __name__ == "__main__":
    main()
