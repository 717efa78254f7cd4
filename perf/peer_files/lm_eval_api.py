# mypy: ignore-errors
"""What perf.peers has lm-eval run by its Python API: ``python lm_eval_api.py URL CONCURRENCY [CACHE]``."""

import json
import sys

from lm_eval.evaluator import simple_evaluate
from lm_eval.tasks import TaskManager

url, concurrency, *cache = sys.argv[1:]
results = simple_evaluate(
    model="local-chat-completions",
    model_args={
        "model": "mock",
        "base_url": f"{url}/chat/completions",
        "num_concurrent": int(concurrency),
        "tokenized_requests": False,
    },
    tasks=["peers_choices"],
    task_manager=TaskManager(include_path="tasks", include_defaults=False),
    apply_chat_template=True,
    use_cache=cache[0] if cache else None,
)
print(json.dumps(results["results"], default=str))
