"""Which instances MedHELM 0.8.0 draws, by its own sampler: tests/tasks/helm_draws.json holds what it printed.

Run in an environment of its own: ``pip install medhelm==0.8.0 && python tests/support/helm_draws.py``. MedHELM draws
from the validation and the test split together, which a scenario gives one after the other; an instance is known here
by its position in that order.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

CASES = {
    # validation split, test split, limit
    "ehr_sql": (0, 1959, 1000),
    "med_qa": (1272, 1273, 1000),
    "mmlu_clinical_afr clinical_knowledge": (29, 265, 100),
    "mmlu_clinical_afr college_medicine": (22, 173, 20),
    "mmlu_clinical_afr virology": (18, 166, 1000),
}


def drawn(validation: int, test: int, limit: int) -> list[int]:
    """Positions of the drawn instances of the test split, from 0, sorted."""
    from helm.benchmark.runner import downsample_eval_instances  # type: ignore[import-not-found]

    instances: list[Any] = [
        SimpleNamespace(split="valid" if number < validation else "test", number=number)
        for number in range(validation + test)
    ]
    kept = downsample_eval_instances(instances, limit, ["valid", "test"])
    return sorted(entry.number - validation for entry in kept if entry.split == "test")


if __name__ == "__main__":
    print(json.dumps({name: [*case, drawn(*case)] for name, case in CASES.items()}))
