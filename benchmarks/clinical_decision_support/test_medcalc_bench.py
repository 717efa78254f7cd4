"""MedCalc-Bench: work out a clinical score, laboratory or physical value, dose or date from a patient note.

Asked: the note and what to calculate with which of 55 calculators. The model may reason and closes with a line
"Answer: ..." that holds the value alone.
Read: a number, a date (month first) or a gestational age in weeks and days, whichever the reference is.
Scored: 1 when the value lies inside the dataset's accepted range (5 % around a decimal, exact for scores and dates).
Results can be broken down by category and calculator. MedHELM's own number, recorded beside it, gives every laboratory
and dosage item 0.

Questions about the same note are not independent: they share a cluster. It is made from the note's text, since the
file's "Note ID" numbers the template notes anew for each calculator. Repeated rows stay, as upstream.

Source: Khandekar et al. 2024, https://github.com/ncbi-nlp/MedCalc-Bench (version 1.0, test split)
"""

from pathlib import Path

from pytest_medhelm import DataFile, Instance, Instances, Metric, Response, Score, Task, digest, read_csv

from ..shared.calculation import medcalc_accuracy, medcalc_accuracy_helm, parse_value, read_value


def load(path: Path) -> Instances:
    """One instance for each row of test_data.csv."""
    for row in read_csv(path):
        answer, lower, upper = row.texts("Ground Truth Answer", "Lower Limit", "Upper Limit")
        try:
            kinds = {type(parse_value(text)) for text in (answer, lower, upper)}
        except ValueError:
            raise row.error("the answer or a limit is no number, date or gestational age") from None
        if len(kinds) > 1:
            raise row.error("the answer and its limits are not of one kind")
        note, category = row.text("Patient Note"), row.text("Category")
        yield Instance(
            id=row.text("Row Number"),
            question=row.text("Question"),
            answer=answer,
            context=note,
            cluster=digest(note),
            slices={"category": category, "calculator": row.text("Calculator Name")},
            fields={
                "category": category,
                "lower": lower,
                "upper": upper,
                "output_type": row.text("Output Type"),
            },
        )


TASK = Task(
    name="medcalc_bench",
    version=2,
    title="MedCalc-Bench",
    subcategory="Supporting Diagnostic Decisions",
    access="public",
    kind="calculation",
    files=(
        DataFile(
            "test_data.csv",
            "c2d23097f8bdb7ae4a77dbf4a5a767335df7303998d7c7664a73a29fd8e2b31a",
            "https://raw.githubusercontent.com/ncbi-nlp/MedCalc-Bench/"
            "5523b7785c004912e76ca4db19efbd7367b23c40/dataset/test_data.csv",
        ),
    ),
    load=load,
    main_metric="medcalc_accuracy",
    metrics=(Metric(medcalc_accuracy, ("medcalc_accuracy",), binary=True),),
    licence="CC BY-SA 4.0",
    source="https://github.com/ncbi-nlp/MedCalc-Bench",
    attribution="Nikhil Khandekar and others, 2024",
    redistribution=True,
    may_use_hosted_api=True,
    size=1047,
    quick=True,
)


def prompt(instance: Instance) -> str:
    """The note and the question; the value is asked for in a last line of its own.

    Questions of dates say "with just the date and not other text", which would contradict that: it is left out.
    """
    question = instance.question.replace(" with just the date and not other text", "")
    return (
        "Read the patient note and do the calculation that is asked for.\n\n"
        f"Patient note:\n{instance.context}\n\n"
        f"Question: {question}\n\n"
        'You may show your working. Close with one line "Answer: <value>" that holds only the value in the '
        "unit or format asked for."
    )


def test_medcalc_bench(instance: Instance, response: Response, score: Score) -> None:
    value = read_value(response, instance.answer, instance.question)
    score.metric(medcalc_accuracy, value, instance.fields["lower"], instance.fields["upper"])
    score.helm("medcalc_accuracy", medcalc_accuracy_helm(response.text, instance))
