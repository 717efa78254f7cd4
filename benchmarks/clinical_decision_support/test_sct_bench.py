"""SCT-Bench: how does a new finding change what you were thinking of? A script concordance test.

Asked: the case, a hypothesis (a diagnosis, a test or a treatment) and a new finding. The model rates from -2
(speaks strongly against it) to +2 (speaks strongly for it).
Read: the rating behind "Rating:", or a bare rating.
Scored: the votes of an expert panel for that rating, divided by those for the most frequent one (sct_score: 1 is
what most experts chose); beside it, whether any expert chose it. Results can be broken down by source. MedHELM's
own numbers, recorded beside them, take "Rating: 1" without the plus sign for no rating.

The votes are head counts in one source and already divided in the other; the division makes them equal. Where
ratings tie, each scores 1 and the first is shown as reference. The file holds 174 questions; MedHELM's text says
177. Questions about one case share a cluster. Characters garbled upstream (UTF-8 read as Latin-1) are restored.

Source: McCoy et al. 2025, https://github.com/SCT-Bench/sctpublic (public set)
"""

import re
from pathlib import Path

from pytest_medhelm import DataFile, Instance, Instances, Metric, Response, Score, Task, digest, read_csv

from ..shared.script_concordance import RATINGS, panel_votes, read_rating, sct_score, sct_score_helm
from ..shared.templates import MIT


def load(path: Path) -> Instances:
    """One instance for each row of sct_cleaned_full.csv."""
    for row in read_csv(path):
        case = restored(row.text("sct_stem"))
        votes = panel_votes(row)
        yield Instance(
            id=row.text("question_id"),
            question=f"{restored(row.text('question'))}\n{restored(row.text('additional_info'))}",
            answer=RATINGS[votes.index(max(votes))],
            context=case,
            cluster=digest(case),
            slices={"source": row.text("source")},
            fields={"weights": votes},
        )


def restored(text: str) -> str:
    """The text as it was before UTF-8 was read as Latin-1, if that happened to it."""
    if re.search("[\u0080-\u009f\u00c2]", text):
        try:
            return text.encode("latin-1").decode("utf-8")
        except UnicodeError:
            pass
    return text


TASK = Task(
    name="sct_bench",
    version=5,
    title="SCT-Bench",
    subcategory="Supporting Diagnostic Decisions",
    category_assigned_here=True,
    access="public",
    kind="rating",
    files=(
        DataFile(
            "sct_cleaned_full.csv",
            "1328f30945fd44b1557ebbf163d83d6113fbf0ae64db51149343fb42ea7814d8",
            "https://raw.githubusercontent.com/tmabraham/med-lm-envs/23fa6c51948691e14fddc9dbc0b8d4940c3fc896/"
            "environments/sctpublic/sctpublic/data/sct_cleaned_full.csv",
        ),
    ),
    load=load,
    main_metric="sct_score",
    metrics=(Metric(sct_score, ("sct_score", "sct_expert_set_membership")),),
    source="https://github.com/SCT-Bench/sctpublic",
    attribution="Liam McCoy and others, 2025; Adelaide SCT; Open Medical SCT",
    size=174,
    chance=0.327,
    **MIT,
)


def prompt(instance: Instance) -> str:
    """The case, the hypothesis with the new finding, and the scale."""
    return (
        "You see a patient, have something in mind, and learn something new. Rate what the new finding does to the "
        "idea:\n-2: speaks strongly against it\n-1: speaks somewhat against it\n0: changes nothing\n"
        "+1: speaks somewhat for it\n+2: speaks strongly for it\n\n"
        f"Case:\n{instance.context}\n\n"
        f"{instance.question}\n\n"
        'Reply with "Rating: " and one of -2, -1, 0, +1, +2, and nothing else.'
    )


def test_sct_bench(instance: Instance, response: Response, score: Score) -> None:
    votes = instance.fields["weights"]
    score.metric(sct_score, response.read(read_rating), votes)
    score.helm_scores(sct_score_helm(response.text, votes))
