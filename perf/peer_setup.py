"""What perf.peers puts into the folder where a peer runs: the questions, and medhelm's configuration."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

FILES = Path(__file__).parent / "peer_files"
JUDGES = ("judge-a", "judge-b", "judge-c")
_LETTERS = {"yes": "A", "no": "B", "maybe": "C"}

_DEPLOYMENT = """\
  - name: mock/{name}
    model_name: mock/{name}
    tokenizer_name: simple/tokenizer1
    max_sequence_length: 128000
    client_spec:
      class_name: "helm.clients.vllm_client.VLLMChatClient"
      args: {{base_url: "{url}", vllm_model_name: {name}}}
"""
_MODEL = """\
  - name: mock/{name}
    display_name: {name}
    description: a server that makes up its answers
    creator_organization_name: nobody
    access: open
    release_date: 2026-01-01
    tags: [TEXT_MODEL_TAG, FULL_FUNCTIONALITY_TEXT_MODEL_TAG, INSTRUCTION_FOLLOWING_MODEL_TAG]
"""
_BENCHMARK = """\
name: openqa
description: open questions with a jury
prompt_file: cfg/prompt.txt
dataset_file: cfg/open.csv
max_tokens: 512
metrics:
  - name: jury_score
    prompt_file: cfg/jury.txt
    judges:
"""
_JURY = """\
Grade the response to the question with 1 to 5.

Question: {QUESTION}
Response: {RESPONSE}
Reference: {GOLD_RESPONSE}

<rubric_criteria>
{"accuracy": "Is it right?", "completeness": "Is it complete?", "clarity": "Is it clear?"}
</rubric_criteria>

Reply with JSON: for each criterion an object with score and explanation.
"""


def write_rows(folder: Path, data: Path, count: int) -> None:
    """rows.jsonl: the first questions of PubMedQA, as choices and as open questions."""
    records = json.loads((data / "pubmed_qa" / "ori_pqal.json").read_text("utf-8"))
    with open(folder / "rows.jsonl", "w", encoding="utf-8") as file:
        for name, record in list(records.items())[:count]:
            context, question = "\n".join(record["CONTEXTS"]), record["QUESTION"]
            row = {
                "id": name,
                "question": f"{context}\n\n{question}",
                "prompt": f"{context}\n\n{question}\nA. yes\nB. no\nC. maybe\n\nReply with the letter only.",
                "target": _LETTERS[record["final_decision"]],
                "open": question,
                "reference": record["LONG_ANSWER"],
            }
            file.write(json.dumps(row) + "\n")


def prepare_medhelm(folder: Path, data: Path, url: str) -> None:
    """The files by which medhelm 0.8.0 knows a local server, PubMedQA's data, and a benchmark with a jury."""
    scenario = folder / "benchmark_output" / "scenarios" / "pubmed_qa" / "data"
    scenario.mkdir(parents=True)
    shutil.copy(data / "pubmed_qa" / "ori_pqal.json", scenario / "test_set.json")
    settings, benchmark = folder / "prod_env", folder / "cfg"
    settings.mkdir()
    benchmark.mkdir()
    names = ("mock", *JUDGES)
    (settings / "credentials.conf").write_text("")
    deployments = "".join(_DEPLOYMENT.format(name=name, url=url) for name in names)
    (settings / "model_deployments.yaml").write_text(f"model_deployments:\n{deployments}")
    (settings / "model_metadata.yaml").write_text("models:\n" + "".join(_MODEL.format(name=name) for name in names))
    judges = "".join(f"      - {{name: mock/{name}, model_name: mock/{name}}}\n" for name in JUDGES)
    (benchmark / "bench.yaml").write_text(_BENCHMARK + judges)
    (benchmark / "prompt.txt").write_text("Answer the question.\n\n{question}\n")
    (benchmark / "jury.txt").write_text(_JURY)
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text("utf-8").splitlines()]
    lines = [f"{json.dumps(row['open'])},{json.dumps(row['reference'])}".replace('\\"', '""') for row in rows]
    (benchmark / "open.csv").write_text("\n".join(["question,correct_answer", *lines]) + "\n")
