"""What is planted in a record: five kinds of facts that a reader must not miss, each with its documents.

What can be planted (``POOLS``) occurs nowhere else in a record, so that whatever names it is about the fact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

KINDS = ("allergy", "restart", "open_result", "correction", "misfiled")

ALLERGENS = ("trimethoprim", "clarithromycin", "cefuroxime", "moxifloxacin", "nitrofurantoin", "doxycycline")
REACTIONS = ("angioedema", "generalised urticaria", "anaphylaxis", "severe bronchospasm", "a blistering rash")
RESTARTED = (
    ("apixaban", "5 mg twice daily", "2.5 mg twice daily", "gastrointestinal bleeding"),
    ("methotrexate", "15 mg once weekly", "10 mg once weekly", "raised liver enzymes"),
    ("amiodarone", "200 mg daily", "100 mg daily", "thyrotoxicosis"),
    ("azathioprine", "150 mg daily", "75 mg daily", "leucopenia"),
    ("spironolactone", "50 mg daily", "12.5 mg daily", "hyperkalaemia"),
    ("carbimazole", "20 mg daily", "5 mg daily", "neutropenia"),
)
"""Drug, dose before, dose after the break, reason of the break."""
OPEN_RESULTS = (
    ("8 mm nodule in the right upper lobe", "chest CT in three months"),
    ("22 mm adrenal mass", "hormonal work-up"),
    ("14 mm thyroid nodule", "fine-needle aspiration"),
    ("serum calcium of 2.86 mmol/L", "parathyroid hormone measurement"),
    ("iron deficiency with a ferritin of 6 ug/L", "colonoscopy"),
    ("monoclonal band in the serum electrophoresis", "bone marrow examination"),
)
"""Finding, and the test that was recommended."""
CORRECTIONS = (
    ("rheumatoid arthritis", "psoriatic arthritis"),
    ("Crohn's disease", "intestinal tuberculosis"),
    ("multiple sclerosis", "neuromyelitis optica"),
    ("epilepsy", "cardiac syncope"),
    ("polymyalgia rheumatica", "giant cell arteritis"),
    ("chronic fatigue syndrome", "Addison's disease"),
)
"""What was thought at first, and what it is."""
MISFILED = (
    ("a mechanical mitral valve", "warfarin"),
    ("schizophrenia", "clozapine"),
    ("haemodialysis for kidney failure", "sevelamer"),
    ("chronic hepatitis B", "entecavir"),
    ("a kidney transplant", "tacrolimus"),
    ("Parkinson's disease", "levodopa"),
)
"""Another patient's condition and drug."""
OTHERS = ("Marta Holm", "Ruth Adler", "Ingrid Vos", "Paula Serra", "Nora Lind", "Edith Kern")


@dataclass(frozen=True, slots=True)
class Fact:
    """One planted fact."""

    kind: str
    depth: int
    """Per cent of the record before its decisive document."""
    values: Mapping[str, str]
    """What it says: e.g. drug and reaction; also ``date`` and ``doc`` of the decisive document."""

    @property
    def name(self) -> str:
        """Kind and depth, e.g. "allergy-50"."""
        return f"{self.kind}-{self.depth}"


DEPTHS = (10, 30, 50, 70, 90)
"""Per cent of the record's length at which facts stand."""


def plant(random: Random, turn: int, day_at: Mapping[int, date]) -> list[Fact]:
    """The facts of a record in the order of their depths.

    ``turn`` moves the kinds over the depths, so that five records have each kind once at each depth; ``day_at`` is the
    date of the decisive document at a depth.
    """
    kinds = [KINDS[(place + turn) % len(KINDS)] for place in range(len(DEPTHS))]
    return [Fact(kind, depth, _values(kind, random, day_at[depth])) for kind, depth in zip(kinds, DEPTHS, strict=True)]


def _values(kind: str, random: Random, day: date) -> dict[str, str]:
    values = {"date": day.isoformat()}
    if kind == "allergy":
        return values | {"drug": random.choice(ALLERGENS), "reaction": random.choice(REACTIONS)}
    if kind == "restart":
        drug, before, after, reason = random.choice(RESTARTED)
        stopped = day - timedelta(days=random.randint(20, 60))
        return values | {
            "drug": drug, "before": before, "dose": after, "reason": reason, "restarted": day.isoformat(),
            "stopped": stopped.isoformat(),
        }  # fmt: skip
    if kind == "open_result":
        finding, test = random.choice(OPEN_RESULTS)
        return values | {"finding": finding, "test": test}
    if kind == "correction":
        wrong, right = random.choice(CORRECTIONS)
        return values | {"wrong": wrong, "right": right}
    condition, drug = random.choice(MISFILED)
    return values | {"condition": condition, "other_drug": drug, "other": random.choice(OTHERS)}


def names_in(kind: str) -> Sequence[str]:
    """All that a fact of a kind could be about: of several such names in an answer only one can be right."""
    return {
        "allergy": ALLERGENS,
        "restart": tuple(entry[0] for entry in RESTARTED),
        "open_result": tuple(entry[0] for entry in OPEN_RESULTS),
        "correction": tuple(entry[1] for entry in CORRECTIONS),
        "misfiled": tuple(entry[0] for entry in MISFILED),
    }[kind]
