"""ACI-Bench: write the clinical note of a visit from what doctor and patient said.

Asked: the transcript of the visit, and a note in four named sections.
Read: the whole answer as text.
Scored: overlap with the note that an expert wrote (ROUGE); and, when judges are named, a jury that rates accuracy,
completeness and clarity from 1 to 5 with that note at hand. Results can be broken down by test set (test1 to
test3) and by how the visit was recorded (virtassist: dictated to an assistant; virtscribe: to a scribe; aci: a
plain conversation).

The three test sets stand in the order of the leaderboard. Visits are role-played. An instance's id is the field
"file", the number of the encounter and its kind. Solved examples come from the 67 visits for training.

Source: Yim et al. 2023, https://github.com/wyim/aci-bench (full notes of the three test sets)
"""

from pathlib import Path

from pytest_medhelm import DataFile, Examples, Instance, Instances, Jury, Response, Score, read_json

from ..shared.templates import CC_BY, score_text, text_task

SPLITS = ("test1", "test3", "test2")
SECTIONS = ("HISTORY OF PRESENT ILLNESS", "PHYSICAL EXAM", "RESULTS", "ASSESSMENT AND PLAN")
FOLDER = (
    "https://raw.githubusercontent.com/wyim/aci-bench/e75b383172195414a7a68843ec4876e83e5409f7/data/challenge_data_json"
)


def load(*paths: Path) -> Instances:
    """One instance for each encounter of the three test files."""
    for split, path in zip(SPLITS, paths, strict=True):
        yield from encounters(path, split)


def encounters(path: Path, split: str = "train") -> Instances:
    """One instance for each encounter of a file."""
    for row in read_json(path, "data"):
        name = row.text("file")
        yield Instance(
            id=name,
            question="Write the clinical note of this visit.",
            answer=row.text("tgt"),
            context=row.text("src"),
            slices={"split": split, "source": name.rpartition("-")[2]},
        )


def pinned(name: str, sha256: str) -> DataFile:
    """One of upstream's files."""
    return DataFile(name, sha256, f"{FOLDER}/{name}")


TASK = text_task(
    name="aci_bench",
    title="ACI-Bench",
    subcategory="Documenting Patient Visits",
    files=(
        pinned("clinicalnlp_taskB_test1_full.json", "8ac8782e027b410a25d909f862124b2ed8827bfb64e62833bed9704c3d02dd69"),
        pinned("clef_taskC_test3_full.json", "e68472c6015566b35289c16ae30659d72180055f0e9432d8e357d74b204e8a19"),
        pinned("clinicalnlp_taskC_test2_full.json", "22eac3d9b12dd657c1034737473c426b7d8e0afe67397f5b40a2cd300b1a0e2c"),
    ),
    load=load,
    source="https://github.com/wyim/aci-bench",
    attribution="Yim et al. 2023",
    size=120,
    examples=Examples(
        (pinned("train_full.json", "aa4d5afbcbe5e26bc0aa79cedaa3f3f4ff54d4fd4fb15dd4449259da0d31d77a"),), encounters
    ),
    **CC_BY,
)


def prompt(instance: Instance) -> str:
    """The transcript, and the four sections that the note is to have."""
    return (
        "Here is the transcript of a visit to the doctor.\n\n"
        f"{instance.context}\n\n"
        f"{instance.question} Use these four headings: {', '.join(SECTIONS)}. Put down only what was said; leave a "
        "section empty when nothing was said for it."
    )


def test_aci_bench(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score_text(instance, response, score, jury, source=instance.context, sections=SECTIONS)
