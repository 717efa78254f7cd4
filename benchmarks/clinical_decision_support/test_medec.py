"""MEDEC: does a clinical text hold a medical error, in which sentence, and what should that sentence say?

Asked: the text as numbered sentences; at most one is wrong: a diagnosis, a causal organism, a drug, another
treatment or the further management that does not fit the findings. The model replies CORRECT, or the number of the
wrong sentence with the sentence corrected.
Read: CORRECT (also as "The text is correct."), or a number and the text behind it, as a line or as JSON; not several.
Scored: whether the flag is right (main); whether the sentence is right (for a correct text: none); and for a wrong
text that was flagged the overlap of the corrected sentence with the reference (ROUGE). Precision and recall are those
of "error". Results can be broken down by error type. MedHELM's own numbers, recorded beside them, take only the bare
word CORRECT for an answer without error, and never count the sentence of a wrong text.

Rows without sentences are left out; the 328 blank rows that end the test file are no records. Most texts come as a
pair, one wrong and one right version of a vignette: they share a cluster, made from their second sentence.

Source: Ben Abacha et al. 2024, https://github.com/abachaa/MEDEC (MEDEC-MS, test set)
"""

from pathlib import Path

from pytest_medhelm import DataFile, Examples, Excluded, Instance, Instances, Metric, Response, Score, Task
from pytest_medhelm import digest, read_csv

from ..shared.error_detection import CORRECT, Finding, medec, medec_helm, read_finding
from ..shared.templates import CC_BY

URL = "https://raw.githubusercontent.com/abachaa/MEDEC/49c59dcba43a7af8717590a405b11a57f42b04df/MEDEC-MS/"
TEST = "MEDEC-MS-TestSet-with-GroundTruth-and-ErrorType.csv"
VALIDATION = "MEDEC-MS-ValidationSet-with-GroundTruth-and-ErrorType.csv"


def load(path: Path) -> Instances:
    """One instance for each row that has sentences."""
    for row in read_csv(path):
        sentences = [line.strip() for line in row.take("Sentences", str).splitlines() if line.strip()]
        if not sentences:
            yield Excluded("a row without sentences")
            continue
        flag, number = row.text("Error Flag"), row.text("Error Sentence ID")
        if (flag, number) != ("0", "-1") and (flag != "1" or not number.isdecimal()):
            raise row.error("Error Flag and Error Sentence ID do not fit: 0 with -1, or 1 with a number")
        if flag == "1" and not any(line.split()[0] == number for line in sentences):
            raise row.error("no sentence has the number that Error Sentence ID names")
        gold = Finding(int(number), " ".join(row.text("Corrected Sentence").split())) if flag == "1" else Finding()
        yield Instance(
            id=row.text("Text ID"),
            question="Is one of the sentences medically wrong?",
            answer=f"{gold.sentence} {gold.correction}" if gold.has_error else CORRECT,
            context="\n".join(sentences),
            cluster=digest(sentences[min(1, len(sentences) - 1)]),
            slices={"error_type": row.text("Error Type") if gold.has_error else "none"},
            fields={"gold": gold},
        )


TASK = Task(
    name="medec",
    version=5,
    title="Medec",
    subcategory="Planning Treatments",
    access="public",
    kind="classification",
    files=(DataFile(TEST, "f35e2c3c1e4d98ca900394c4fcff14c2a84752e48ddc83698401da6a360c707e", URL + TEST),),
    load=load,
    main_metric="medec_error_flag_accuracy",
    metrics=(Metric(medec, ("medec_error_flag_accuracy", "medec_error_sentence_accuracy"), binary=True),),
    keeps_gold=("extra_spaces",),
    source="https://github.com/abachaa/MEDEC",
    attribution="Ben Abacha et al. 2024",
    size=597,
    chance=1 / 2,
    positive="error",
    examples=Examples(
        (DataFile(VALIDATION, "7571aec311e2fb88d9084082af2323aa579d102e1d5e1a06faf930fe4fd3977d", URL + VALIDATION),),
        load,
    ),
    **CC_BY,
)


def prompt(instance: Instance) -> str:
    """The numbered sentences, and the two forms that a reply can have."""
    return (
        "Below is a clinical text, one numbered sentence a line. Either all of it is medically correct, or one "
        "sentence holds an error: a diagnosis, cause, drug, treatment or next step that the other sentences "
        "contradict, or that is not the best choice for what they describe.\n\n"
        f"{instance.context}\n\n"
        f"If there is no error, reply with the one word {CORRECT}. Otherwise reply with one line: the number of the "
        "wrong sentence, a blank, and the sentence as it should read. Write nothing else."
    )


def test_medec(instance: Instance, response: Response, score: Score) -> None:
    gold, finding = instance.fields["gold"], response.read(read_finding)
    score.metric(medec, finding, gold)
    score.label(None if finding is None else finding.label, gold.label)
    if gold.has_error and (finding is None or finding.has_error):
        score.rouge(finding.correction if finding else "", gold.correction)
    else:
        score.not_applicable("rouge_1", "rouge_2", "rouge_l")
    score.helm_scores(medec_helm(response.text, gold))
