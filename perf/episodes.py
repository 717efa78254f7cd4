"""Episodes against the floor: ``python -m perf.episodes`` prints how many times a bare client's time they take.

300 agents take 8 steps each in the embedded hospital, on a server that answers after 50 ms, at most 128 at once; a bare
aiohttp client sends the same bodies in the same chains. Both are whole processes, in turn; medians of rounds. It stands
for the promise of at most 4 times. On a loaded machine only the CPU seconds say something.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perf.mock_server import MockServer
from perf.processes import Command, Cost, measure

PROMISED = 4.0
CONCURRENCY = 128
MODULE = '''"""Episodes of eight steps."""
from pathlib import Path
from pytest_medhelm import DataFile, Environment, Instance, Limits, Task, hospital, read_csv

def load(path):
    for row in read_csv(path):
        number = int(row.text("id"))
        patient = f"p{1 + number % 200:04d}"
        yield Instance(str(number), f"Task {number}: look after patient {patient}.", "")

TASK = Task(
    name="eight", title="Eight steps", subcategory="Planning Treatments", access="public", kind="agentic",
    files=(DataFile("ids.csv"),), load=load, main_metric="success", licence="own", source="own",
    folder=Path(__file__).parent,
)

def prompt(instance):
    return instance.question

def environment(instance):
    return Environment(hospital(), limits=Limits(steps=12))

def test_eight(episode):
    pass

def test_checkpoint_ordered(episode):
    assert len(episode.created) == 2
'''


def agent(body: dict[str, Any]) -> Any:
    """Seven calls, one a turn, and the answer."""
    asked = next(message["content"] for message in body["messages"] if message["role"] == "user")
    turn = sum(message["role"] == "assistant" for message in body["messages"])
    if asked.startswith("Call the tool ping"):
        return _calling("ping", {"word": "pong"})
    patient = asked.rpartition(" ")[2].rstrip(".")
    order = {
        "resourceType": "ServiceRequest", "status": "active", "intent": "order",
        "code": {"coding": [{"system": "urn:medhelm:services", "code": "cardiology"}]},
        "subject": {"reference": f"Patient/{patient}"},
    }  # fmt: skip
    steps: Sequence[tuple[str, dict[str, Any]]] = (
        ("read", {"resource_type": "Patient", "id": patient}),
        ("search", _about("Condition", patient)),
        ("search", _about("Observation", patient, code="2823-3", _sort="-date")),
        ("search", _about("MedicationRequest", patient, status="active")),
        ("find_code", {"words": "cardiology"}),
        ("create", {"resource": order}),
        ("write_note", {"patient": patient, "title": "Referral", "text": "Referred to cardiology."}),
    )
    return _calling(*steps[turn]) if turn < len(steps) else "Referred."


def _about(kind: str, patient: str, **more: str) -> dict[str, Any]:
    return {"resource_type": kind, "parameters": {"patient": patient, "_count": "5", **more}}


def _calling(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    call = {"id": "x", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    return {"content": None, "tool_calls": [call], "finish_reason": "tool_calls"}


async def send(url: str, chains: Sequence[Sequence[str]]) -> None:
    """Send each chain's bodies one after the other, so many chains at once."""
    import aiohttp

    waiting = iter(chains)
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=connector, headers=headers, raise_for_status=True) as session:

        async def worker() -> None:
            for chain in waiting:
                for body in chain:
                    async with session.post(f"{url}/chat/completions", data=body.encode()) as answer:
                        json.loads(await answer.read())["choices"]

        await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))


def _chains(requests: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The bodies of each episode, in their order."""
    chains: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for body in requests:
        chains[body["messages"][0]["content"]].append(body)
    return [[json.dumps(body) for body in sorted(chain, key=lambda body: len(body["messages"]))]
            for asked, chain in chains.items() if asked.startswith("Task ")]  # fmt: skip


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m perf.episodes", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--episodes", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency-ms", type=float, default=50.0)
    parser.add_argument("--bare", nargs=2, metavar=("URL", "FILE"), help="be the bare client")
    options = parser.parse_args()
    if options.bare:
        asyncio.run(send(options.bare[0], json.loads(Path(options.bare[1]).read_text())))
        return 0
    with tempfile.TemporaryDirectory() as name, MockServer(agent, latency=options.latency_ms / 1000) as server:
        folder = Path(name)
        (folder / "test_eight.py").write_text(MODULE)
        (folder / "ids.csv").write_text("id\n" + "\n".join(map(str, range(options.episodes))) + "\n")
        ours = Command(
            [
                sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_eight.py", f"--rootdir={folder}",
                "--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}",
                f"--medhelm-concurrency={CONCURRENCY}", "--medhelm-html=none",
            ],
            folder, fresh=True,
        )  # fmt: skip
        measure(ours)
        chains = _chains(server.requests)
        server.keep = False
        (folder / "chains.json").write_text(json.dumps(chains))
        print(f"{len(chains)} episodes of {sum(map(len, chains)) / len(chains):g} steps", flush=True)
        bare = Command(
            [sys.executable, "-m", "perf.episodes", "--bare", server.url, str(folder / "chains.json")], Path()
        )
        pairs: list[tuple[Cost, Cost]] = [(measure(bare), measure(ours)) for _ in range(options.rounds)]
    floor, whole = (statistics.median(pair[side].wall for pair in pairs) for side in (0, 1))
    floor_cpu, whole_cpu = (statistics.median(pair[side].cpu for pair in pairs) for side in (0, 1))
    print(f"bare {floor:.2f} s ({floor_cpu:.2f} CPU), medhelm {whole:.2f} s ({whole_cpu:.2f} CPU)")
    print(f"time {whole / floor:.2f}x (promised {PROMISED:g}x), CPU {whole_cpu / floor_cpu:.2f}x")
    return int(whole / floor > PROMISED)


if __name__ == "__main__":
    sys.exit(main())
