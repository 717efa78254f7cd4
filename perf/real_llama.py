"""Runs against a real llama.cpp server, the embedded one, asked over HTTP as openai/...: the list of perf/real_vllm.py.

    python -m perf.real_llama

It needs the extra ``local``. Each line says what was expected and what came; exit status 1 when a line differs.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from perf.real_vllm import BENCHMARK, Runs
from pytest_medhelm.models.embedded.server import EmbeddedServer
from pytest_medhelm.models.embedded.weights import weights

NAME = "smollm2-135m"
CONFIG = """\
[models."openai/smollm2-135m"]
max_tokens = 8
[models.roomy]
endpoint = "openai"
model = "smollm2-135m"
max_tokens = 7000
[models.judge]
endpoint = "openai"
model = "smollm2-135m"
max_tokens = 300
"""


def main() -> None:
    """The command line."""
    path = weights(NAME, progress=print)
    os.environ["OPENAI_API_KEY"] = "none"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = Runs(folder, "", "")
        (folder / "medhelm.toml").write_text(CONFIG)
        (folder / "advice.medhelm.yaml").write_text(BENCHMARK)
        with EmbeddedServer(path, NAME) as server:
            os.environ["OPENAI_BASE_URL"] = server.start()
            answers(runs)
            server.stop()
            done = runs.run("gone", "--medhelm-model=openai/smollm2-135m", "--medhelm-wait=0")
            runs.check(
                "a server that is gone: exit 4 and its address",
                (4, True),
                (done.returncode, "127.0.0.1" in done.stderr),
            )
    raise SystemExit(bool(runs.wrong))


def short(runs: Runs, suite: str) -> dict[str, int]:
    """The statuses; a model of this size ends some of its eight tokens by itself."""
    statuses = dict(runs.statuses(suite))
    statuses["truncated"] = statuses.get("truncated", 0) + statuses.pop("ok", 0)
    return statuses


def answers(runs: Runs) -> None:
    """What a server that stays says."""
    runs.questions(6)
    done = runs.run("answers", "--medhelm-model=openai/smollm2-135m")
    runs.check("6 answers of eight tokens", ({"truncated": 6}, 0), (short(runs, "answers"), done.returncode))
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-1000:])
    runs.questions(2, 2)
    table = runs.folder / "advice.csv"
    table.write_text(table.read_text().replace(" fever", " fever" * 6))
    done = runs.run("long", "--medhelm-model=openai/smollm2-135m")
    runs.check("2 of 4 prompts too long", ({"truncated": 2, "too_long": 2}, 0), (short(runs, "long"), done.returncode))
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-1000:])
    runs.questions(1)
    done = runs.run("self", "--medhelm-model=openai/smollm2-135m", "--medhelm-judge=judge")
    runs.check("one model under two names judges itself: exit 4", 4, done.returncode)
    done = runs.run(
        "judged", "--medhelm-model=openai/smollm2-135m", "--medhelm-judge=judge", "--medhelm-allow-self-judging"
    )
    print(done.stdout[-1500:], runs.statuses("judged"))
    runs.check("a judge under a JSON schema: the session ends by itself", True, done.returncode in (0, 1))


if __name__ == "__main__":
    main()
