"""Measure pytest-medhelm beside medhelm 0.8.0, inspect_ai, lm-eval and DeepEval: the same questions, the same server.

    python -m perf.peers --data DIR [--environments FOLDER] [--instances 1000] [--runs 3] [--only NAME ...]

Each peer gets an environment of its own in FOLDER (kept, and used again), and runs there as its documentation has it:
1,000 PubMedQA questions cold, with all answers stored (warm), killed with half of the answers there and started
again (resumed), and open answers graded by three judges (jury). DIR has pubmed_qa/ori_pqal.json. Prints a table in
Markdown: medians of whole processes, in seconds and CPU seconds, with machine and versions. What a peer does not offer
is "-", what ended in an error or after the time limit says so. What each is asked to do is in perf/peer_files.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perf.jury import write_benchmark
from perf.mock_replies import default_reply, prompt_text
from perf.mock_server import MockServer
from perf.peer_setup import FILES, JUDGES, prepare_medhelm, write_rows
from perf.processes import ROOT

LATENCY = 0.05
CASES = ("cold", "warm", "resumed", "jury")
OURS = ("--editable", str(ROOT))


@dataclass(frozen=True)
class Peer:
    """A tool, and how it is run. In the arguments {bin} is its environment's, {url} the server's, {n} the instances."""

    packages: Sequence[str]
    """What pip installs; the last one's version is shown."""
    cold: Sequence[str]
    jury: Sequence[str] = ()
    stored: Sequence[str] = ()
    """Keeps its answers, and when it is run again uses them; empty: that is not offered."""
    again: Sequence[str] = ()
    """Goes on after it was killed; empty: as ``stored``."""
    prepare: Callable[[Path, Path, str], None] = lambda folder, data, url: None
    environment: Mapping[str, str] = field(default_factory=dict)
    jury_instances: int = 200

    @property
    def package(self) -> str:
        """The name of what is measured."""
        if self.packages == OURS:
            return "pytest-medhelm"
        return self.packages[-1].partition("[")[0].partition("=")[0]


@dataclass(frozen=True)
class Cost:
    """Of one run."""

    wall: float
    cpu: float


MODULE = str(ROOT / "benchmarks" / "medical_research_assistance" / "test_pubmed_qa.py")
_PYTEST = (
    "{bin}/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--medhelm-base-url={url}", "--medhelm-limit={n}",
    "--medhelm-model=vllm/mock", "--medhelm-concurrency=128",
)  # fmt: skip
_LM_EVAL = "model=mock,base_url={url}/chat/completions,num_concurrent=128,tokenized_requests=False"
_LM_EVAL_CLI = (
    "{bin}/lm_eval", "run", "--model", "local-chat-completions", "--model_args", _LM_EVAL, "--include_path", "tasks",
    "--tasks", "peers_choices", "--apply_chat_template", "--output_path", "out", "--log_samples",
)  # fmt: skip
_INSPECT = ("--model", "openai-api/mock/mock", "--max-connections", "128", "--log-dir", "logs", "--display", "none")
_MEDHELM = ("{bin}/medhelm-run", "--suite", "s", "-n", "32", "-m", "{n}", "--run-entries")
_PUBMED_QA = (*_PYTEST, MODULE, "--medhelm-data={data}")
_JUDGED = tuple(f"--medhelm-judge=vllm/{name}" for name in JUDGES)
_OFFLINE = {"OPENAI_API_KEY": "x", "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}

PEERS: Mapping[str, Peer] = {
    "pytest-medhelm": Peer(
        OURS,
        _PUBMED_QA,
        (*_PYTEST, "advice.medhelm.yaml", *_JUDGED),
        _PUBMED_QA,
        prepare=lambda folder, data, url: write_benchmark(folder),
    ),
    "lm-eval, Python API": Peer(
        ("lm-eval[api]",),
        ("{bin}/python", "lm_eval_api.py", "{url}", "128"),
        stored=("{bin}/python", "lm_eval_api.py", "{url}", "128", "cache"),
        environment=_OFFLINE,
    ),
    "lm-eval, command line": Peer(
        ("lm-eval[api]",), _LM_EVAL_CLI, stored=(*_LM_EVAL_CLI, "--use_cache", "cache"), environment=_OFFLINE
    ),
    "inspect_ai": Peer(
        ("openai", "inspect-ai"),
        ("{bin}/inspect", "eval", "inspect_tasks.py@choices", *_INSPECT, "--no-log-realtime"),
        ("{bin}/inspect", "eval", "inspect_tasks.py@jury", *_INSPECT, "--no-log-realtime"),
        again=("sh", "-c", "exec {bin}/inspect eval-retry logs/*.eval --log-dir logs --display none"),
        environment={"MOCK_API_KEY": "x", "MOCK_BASE_URL": "{url}"},
    ),
    "DeepEval": Peer(
        ("openai", "deepeval"),
        ("{bin}/python", "deepeval_run.py", "{url}", "128", "choices"),
        ("{bin}/python", "deepeval_run.py", "{url}", "32", "jury"),
        environment={"DEEPEVAL_TELEMETRY_OPT_OUT": "YES", "CI": "true"},
    ),
    "medhelm": Peer(
        ("medhelm[openai]==0.8.0",),
        (*_MEDHELM, "pubmed_qa:model=mock/mock"),
        (*_MEDHELM, "medhelm_configurable_benchmark:config_path=cfg/bench.yaml,model=mock/mock"),
        (*_MEDHELM, "pubmed_qa:model=mock/mock"),
        prepare=prepare_medhelm,
    ),
}  # fmt: skip


class Bench:
    """One server, one machine, a folder for each peer."""

    def __init__(self, server: MockServer, options: argparse.Namespace) -> None:
        self.server = server
        self.options = options
        self.environments: Path = options.environments.absolute()

    def bin(self, peer: Peer) -> Path:
        """The environment of a peer, made if it is not there."""
        folder: Path = self.environments / peer.package
        done = folder / "done"
        if not done.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            subprocess.run([str(folder / "bin" / "pip"), "install", "-q", *peer.packages], check=True)
            done.touch()
        return folder / "bin"

    def folder(self, name: str, peer: Peer, instances: int) -> Path:
        """A new folder to run in."""
        folder = self.environments / "runs" / name.replace(",", "").replace(" ", "-")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(FILES, folder)
        write_rows(folder, self.options.data, instances)
        peer.prepare(folder, self.options.data, self.server.url)
        return folder

    def run(self, peer: Peer, arguments: Sequence[str], folder: Path, instances: int, kill_at: int = 0) -> Cost | str:
        """Run it to its end, or till so many requests have come; a word where it failed."""
        known = {"bin": self.bin(peer), "url": self.server.url, "n": instances, "data": self.options.data}
        environment = {**os.environ, **{key: value.format(**known) for key, value in peer.environment.items()}}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        before, started = self.server.stats()["requests"], time.perf_counter()
        with open(folder / "output.txt", "ab") as output:
            process = subprocess.Popen(
                [part.format(**known) for part in arguments],
                cwd=folder, env=environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        while True:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            wall = time.perf_counter() - started
            if ended:
                process.returncode = os.waitstatus_to_exitcode(status)
                return Cost(wall, usage.ru_utime + usage.ru_stime) if status == 0 else "failed"
            if wall > self.options.timeout or (kill_at and self.server.stats()["requests"] - before >= kill_at):
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return "killed" if kill_at and wall <= self.options.timeout else f"over {self.options.timeout} s"
            time.sleep(0.01)

    def case(self, case: str, name: str, peer: Peer) -> Cost | str:
        """One run of a case; "-" where the peer does not offer it."""
        count = min(self.options.instances, peer.jury_instances) if case == "jury" else self.options.instances
        arguments = {"cold": peer.cold, "jury": peer.jury, "warm": peer.stored, "resumed": peer.again or peer.stored}[
            case
        ]
        if not arguments:
            return "-"
        folder = self.folder(name, peer, count)
        if case == "warm":
            first = self.run(peer, peer.stored, folder, count)
            if isinstance(first, str):
                return first
        elif case == "resumed":
            first = self.run(peer, peer.stored or peer.cold, folder, count, kill_at=count // 2)
            if first != "killed":
                return "failed" if isinstance(first, Cost) else first
        shutil.rmtree(folder / "benchmark_output" / "runs", ignore_errors=True)  # medhelm's results, not its answers
        return self.run(peer, arguments, folder, count)

    def cell(self, case: str, name: str, peer: Peer) -> str:
        """The median of some runs, as the table shows it."""
        costs: list[Cost] = []
        for _ in range(self.options.runs):
            cost = self.case(case, name, peer)
            if isinstance(cost, str):
                return cost
            costs.append(cost)
        wall, cpu = (statistics.median(values) for values in zip(*((c.wall, c.cpu) for c in costs), strict=True))
        return f"{wall:.1f} ({cpu:.1f})"

    def version(self, peer: Peer) -> str:
        """Of the peer's package."""
        code = f"import importlib.metadata as m; print(m.version({peer.package!r}))"
        return subprocess.run(
            [str(self.bin(peer) / "python"), "-c", code], capture_output=True, text=True, check=False
        ).stdout.strip()


def reply(body: dict[str, Any]) -> str:
    """A letter; of a judge what the tool that asks wants to read."""
    if body["model"].rpartition("/")[2] not in JUDGES:
        return default_reply(body)
    if "GRADE:" in prompt_text(body):
        return "The answer agrees with the reference.\nGRADE: C"
    grades = {name: {"score": 4, "explanation": "it says so"} for name in ("accuracy", "completeness", "clarity")}
    harm = {"severity": "none", "kinds": [], "explanation": ""}
    return json.dumps({**grades, "harm": harm, "score": 8, "reason": "it agrees"})


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with pubmed_qa/ori_pqal.json")
    parser.add_argument("--environments", type=Path, default=Path("peers"), help="where the peers are installed")
    parser.add_argument("--instances", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3, help="runs of which medians are shown")
    parser.add_argument("--timeout", type=int, default=600, help="seconds that a run may take")
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS), help="these peers alone")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    options = parser.parse_args()
    options.data = options.data.absolute()
    with MockServer(reply, models=("mock", *JUDGES), latency=LATENCY, keep=False) as server:
        bench = Bench(server, options)
        load = f"load {os.getloadavg()[0]:.1f}"
        print(f"{os.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}, {load}")
        print(
            f"{options.instances} instances, {1000 * LATENCY:g} ms, medians of {options.runs}: seconds (CPU seconds)\n"
        )
        print("| tool | version |", " | ".join(options.cases), "|")
        print("|---|---|" + "---|" * len(options.cases))
        for name in options.only:
            peer = PEERS[name]
            try:
                cells = [bench.cell(case, name, peer) for case in options.cases]
                print(f"| {name} | {bench.version(peer)} |", " | ".join(cells), "|", flush=True)
            except subprocess.CalledProcessError:
                print(f"| {name} | cannot be installed here |", " | ".join("-" for _ in options.cases), "|", flush=True)


if __name__ == "__main__":
    main()
