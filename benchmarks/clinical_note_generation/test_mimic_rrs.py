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
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_medhelm import DataError, DataFile, Excluded, Instance, Jury, Response, Score, Task, content_id, read_text


def load(findings: Path, impressions: Path) -> Iterator[Instance | Excluded]:
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
        yield Instance(
            id=content_id(seen, finding, impression),
            question="Write the impression of this radiology report, as briefly as its content allows.",
            answer=impression,
            context=finding,
        )


def lines(path: Path) -> Sequence[str]:
    """The lines of a text, without blanks around them."""
    text = read_text(path).replace("\r\n", "\n").removesuffix("\n")
    # not splitlines(): a report may hold other line separators
    return [line.strip() for line in text.split("\n")]


TASK = Task(
    name="mimic_rrs",
    title="MIMIC-RRS",
    subcategory="Documenting Diagnostic Reports",
    access="gated",
    kind="jury",
    files=(DataFile("test.findings.tok"), DataFile("test.impression.tok")),
    load=load,
    main_metric="rouge_l",
    rubric="accuracy_completeness_clarity",
    licence="PhysioNet Credentialed Health Data License 1.5.0",
    source="https://arxiv.org/abs/2211.08584",
    attribution="Chen et al. 2023; Johnson et al. 2016 (MIMIC-III)",
    redistribution=False,
    may_use_hosted_api=False,
    how_to_obtain="sign the data use agreement of MIMIC-III on PhysioNet and get the summarisation set that the "
    "authors of MIMIC-RRS made from it (rrs-mimiciii, folder all)",
)


def prompt(instance: Instance) -> str:
    """The findings, and the impression asked for."""
    return (
        f"Here are the findings of a radiology report.\n\nFindings:\n{instance.context}\n\n"
        f"{instance.question} Reply with the impression alone."
    )


def test_mimic_rrs(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score.overlap(response.text, instance.answer, instance.context)
    score.style(response.text, reference=instance.answer, audience="clinician")
    jury.rate(response, instance.answer)
