"""Which HTTP client should carry the requests? Measures each in a fresh process against the mock server.

    python -m perf.transports --requests 1000 --latency-ms 50 --concurrency 8 32 128

Every client sends the same prompts of about 2 KB, over at most as many connections as its concurrency, and
reads the text of every answer. CPU is user and system time of the whole client process, imports included.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from importlib import import_module
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from perf import bare_client
from perf.processes import mock_server

Body = dict[str, Any]
Ask = Callable[[Body], Awaitable[str]]


async def _in_workers(ask: Ask, bodies: Iterable[Body], concurrency: int) -> int:
    """Ask everything, at most `concurrency` at a time; the number of answers that are not empty."""
    waiting, answers = iter(bodies), 0

    async def worker() -> None:
        nonlocal answers
        for body in waiting:
            text = await ask(body)
            answers += bool(text)

    await asyncio.gather(*(worker() for _ in range(concurrency)))
    return answers


async def raw(url: str, bodies: Iterable[Body], concurrency: int) -> int:
    """HTTP/1.1 by hand on asyncio streams: kept connections and Content-Length, nothing else."""
    base = urlsplit(url)
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(body: Body) -> str:
        reader, writer = idle.pop() if idle else await asyncio.open_connection(base.hostname, base.port)
        data = json.dumps(body).encode()
        head = f"POST {base.path}/chat/completions HTTP/1.1\r\nHost: {base.netloc}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        writer.write(head.encode() + data)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(":") for line in lines[1:])}
        answer = json.loads(await reader.readexactly(int(headers["content-length"])))
        idle.append((reader, writer))
        return str(answer["choices"][0]["message"]["content"])

    answers = await _in_workers(ask, bodies, concurrency)
    for _, writer in idle:
        writer.close()
    return answers


async def openai_default(url: str, bodies: Iterable[Body], concurrency: int) -> int:
    """openai.AsyncOpenAI as it comes."""
    openai = import_module("openai")
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
        return await _in_workers(_asks_openai(client), bodies, concurrency)


async def openai_aiohttp(url: str, bodies: Iterable[Body], concurrency: int) -> int:
    """openai.AsyncOpenAI over aiohttp; RuntimeError when the extra that this needs is missing."""
    openai = import_module("openai")
    transport = openai.DefaultAioHttpClient()
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0, http_client=transport) as client:
        return await _in_workers(_asks_openai(client), bodies, concurrency)


def _asks_openai(client: Any) -> Ask:
    async def ask(body: Body) -> str:
        answer = await client.chat.completions.create(**body)
        return str(answer.choices[0].message.content)

    return ask


def _httpx(module: str) -> Callable[[str, Iterable[Body], int], Awaitable[int]]:
    async def run(url: str, bodies: Iterable[Body], concurrency: int) -> int:
        httpx = import_module(module)
        limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
        async with httpx.AsyncClient(limits=limits, timeout=600) as client:

            async def ask(body: Body) -> str:
                answer = await client.post(f"{url}/chat/completions", json=body)
                return str(answer.raise_for_status().json()["choices"][0]["message"]["content"])

            return await _in_workers(ask, bodies, concurrency)

    return run


CLIENTS: dict[str, tuple[str, Callable[[str, Iterable[Body], int], Awaitable[int]]]] = {
    "aiohttp": ("aiohttp", bare_client.send),
    "raw asyncio streams": ("asyncio", raw),
    "openai": ("openai", openai_default),
    "openai over aiohttp": ("openai", openai_aiohttp),
    "httpx": ("httpx", _httpx("httpx")),
    "httpx2": ("httpx2", _httpx("httpx2")),
}
"""Name of the row: the module whose import is timed, and the client. Ratios are to the first row."""


async def _run(name: str, url: str, bodies: list[Body], concurrency: int) -> int:
    return await CLIENTS[name][1](url, bodies, concurrency)


def _child(name: str, url: str, requests: int, concurrency: int) -> dict[str, Any]:
    """What one client process reports: its figures, or why it cannot run."""
    bodies = list(bare_client.chat_bodies(requests))
    start = time.perf_counter()
    try:
        import_module(CLIENTS[name][0])
        imported = time.perf_counter()
        answers = asyncio.run(_run(name, url, bodies, concurrency))
    except (ImportError, RuntimeError) as error:
        return {"absent": str(error)}
    if answers != requests:
        raise SystemExit(f"{name}: only {answers} of {requests} requests were answered")
    return {"import": imported - start, "wall": time.perf_counter() - imported}


def _measure(name: str, url: str, requests: int, concurrency: int) -> dict[str, Any]:
    """One fresh process: what it reports, its CPU time from outside, and its whole wall time."""
    command = [sys.executable, "-m", "perf.transports", "--child", name, "--url", url]
    command += ["--requests", str(requests), "--concurrency", str(concurrency)]
    before, start = os.times(), time.perf_counter()
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    whole, after = time.perf_counter() - start, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"whole": whole, "cpu": cpu * 1000 / requests, **json.loads(output)}


def _table(rows: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """One line a client: medians over its runs, and their ratios to those of the first client."""
    yield f"{'client':<22}{'wall s':>14}{'whole s':>14}{'CPU ms/req':>16}{'import s':>10}"
    first: dict[str, float] = {}
    for name, runs in rows.items():
        if "absent" in runs[0]:
            yield f"{name:<22}  absent: {runs[0]['absent']}"
            continue
        medians = {key: median(run[key] for run in runs) for key in ("wall", "whole", "cpu", "import")}
        first = first or medians
        wall, whole, cpu = (f"{medians[k]:.2f} ({medians[k] / first[k]:.2f}x)" for k in ("wall", "whole", "cpu"))
        yield f"{name:<22}{wall:>14}{whole:>14}{cpu:>16}{medians['import']:>10.2f}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m perf.transports", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[8, 32, 128])
    parser.add_argument("--latency-ms", type=float, default=50.0)
    parser.add_argument("--runs", type=int, default=3, help="processes per client; the table shows medians")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(_child(options.child, options.url, options.requests, options.concurrency[0])))
        return
    with mock_server(options.latency_ms) as url:
        for limit in options.concurrency:
            print(f"{options.requests} requests at {options.latency_ms:g} ms, {limit} at a time")
            # Client by client within a round, so that a busy minute of the machine hits all of them alike.
            rounds = [{n: _measure(n, url, options.requests, limit) for n in CLIENTS} for _ in range(options.runs)]
            print(
                *_table({name: [r[name] for r in rounds] for name in CLIENTS}),
                sep="\n",
                end="\n\n",
                flush=True,
            )


if __name__ == "__main__":
    main()
