"""MIMIC-RRS: write the impression of a radiology report from its findings.

Asked: the findings, in lower case and split into tokens as the dataset has them.
Read: the whole answer as text.
Scored: overlap with the radiologist's impression (ROUGE); and, when judges are named, a jury that rates accuracy,
completeness and clarity from 1 to 5 with that impression at hand.

Two files belong together line by line; another number of lines in one of them is an error. A pair of which a line
is empty is left out, as on the MedHELM leaderboard. The files name neither patient nor study, so an instance's id is
a hash of its texts and reports of one patient cannot be told to be dependent; equal findings are one cluster.

Source: Chen et al. 2023, https://arxiv.org/abs/2211.08584 (the reports of MIMIC-III, all regions, test split)
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pytest_medhelm import DataError, DataFile, Excluded, Instance, Instances, Jury, Response, Score
from pytest_medhelm import content_id, read_text

from ..shared.templates import physionet_text, score_text


def load(findings: Path, impressions: Path) -> Instances:
    """One instance for each line of the two files."""
    left, right = lines(findings), lines(impressions)
    if len(left) != len(right):
        raise DataError(
            f"{findings.name} has {len(left)} lines and {impressions.name} has {len(right)}: line by line they "
            "belong together, so one of them is cut or of another split"
        )
    seen: Counter[str] = Counter()
    for finding, impression in zip(left, right, strict=True):
        if not finding or not impression:
            yield Excluded("an empty line in one of the files")
            continue
        question = "Write the impression of this radiology report, as briefly as its content allows."
        yield Instance(id=content_id(seen, finding, impression), question=question, answer=impression, context=finding)


def lines(path: Path) -> Sequence[str]:
    """The lines of a text, without spaces around them."""
    text = read_text(path).replace("\r\n", "\n").removesuffix("\n")
    # not splitlines(): a report may hold other line separators
    return [line.strip() for line in text.split("\n")]


TASK = physionet_text(
    name="mimic_rrs",
    title="MIMIC-RRS",
    subcategory="Documenting Diagnostic Reports",
    files=(DataFile("test.findings.tok"), DataFile("test.impression.tok")),
    load=load,
    source="https://arxiv.org/abs/2211.08584",
    attribution="Chen et al. 2023; Johnson et al. 2016 (MIMIC-III)",
    how_to_obtain="sign the data use agreement of MIMIC-III on PhysioNet and get the summarisation set that the "
    "authors of MIMIC-RRS made from it (rrs-mimiciii, folder all)",
    quick=True,
)


def prompt(instance: Instance) -> str:
    """The findings, and the impression asked for."""
    return (
        f"Here are the findings of a radiology report.\n\nFindings:\n{instance.context}\n\n"
        f"{instance.question} Reply with the impression alone."
    )


def test_mimic_rrs(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score_text(instance, response, score, jury, source=instance.context)
