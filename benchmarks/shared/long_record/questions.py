"""What is asked about a record: a summary, pinpoint questions with their evidence, and statements to be checked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from pytest_medhelm import Instance, PointsCriterion, answers

from .facts import Fact, names_in
from .lexicon import named
from .plan import Plan

SUMMARY = (
    "Summarise this record for the doctor who takes over. State, in plain sentences: every drug allergy with its "
    "reaction; every medicine that was stopped and restarted, with the dates and the present dose; every result that "
    "was never followed up, with the test that is missing; every diagnosis that was corrected; every document that "
    "does not belong to this patient. Write nothing that the record does not hold."
)
PINPOINT: Mapping[str, str] = {
    "allergy": "To which drug is the patient allergic?",
    "restart": "Which medicine was stopped and later restarted, and at what dose is it taken since?",
    "open_result": "Which recommended test has never been done?",
    "correction": "Which diagnosis replaced an earlier one that could not be upheld?",
    "misfiled": "About which condition is the document that belongs to another patient?",
}
EVIDENCE = (
    'Reply with one JSON object: {"answer": "<a few words>", "date": "<YYYY-MM-DD>", "document": "<DOC-...>"}, with '
    "the date and the number of the document that decides it."
)
STATEMENTS = (
    "Which of these statements about the patient are not supported by the record? A note about somebody else supports "
    'nothing about this patient. Reply with one JSON object: {"unsupported": [<numbers>]}.'
)


def instances_of(plan: Plan) -> Iterator[Instance]:
    """All that is asked about one record. Nothing of its text is built here."""
    shared = {"length": plan.length}
    yield _instance(plan, "summary", SUMMARY, oracle_summary(plan.facts), shared, criteria(plan.facts))
    for fact in plan.facts:
        slices = {**shared, "depth": f"{fact.depth} %", "fact": fact.kind}
        question = f"{PINPOINT[fact.kind]} {EVIDENCE}"
        yield _instance(plan, fact.name, question, oracle_answer(fact), slices)
    listed, wrong = statements(plan)
    text = "\n".join(f"{number}. {statement}" for number, statement in enumerate(listed, start=1))
    yield _instance(plan, "statements", f"{STATEMENTS}\n{text}", json.dumps({"unsupported": wrong}), shared)


def _instance(
    plan: Plan, what: str, question: str, answer: str, slices: Mapping[str, str], graded: Sequence[PointsCriterion] = ()
) -> Instance:
    task = what if what in ("summary", "statements") else "pinpoint"
    return Instance(
        id=f"{plan.name}-{what}",
        question=question,
        answer=answer,
        cluster=plan.name,
        slices={**slices, "task": task},
        fields={"plan": (plan.seed, plan.length, plan.number), "fact": what},
        criteria=tuple(graded),
        characters=plan.characters,
    )


# Pinpoint questions


def expected(fact: Fact) -> Sequence[str]:
    """What an answer must name."""
    values = fact.values
    return {
        "allergy": (values.get("drug", ""),),
        "restart": (values.get("drug", ""), values.get("dose", "").partition(" ")[0]),
        "open_result": (values.get("test", ""),),
        "correction": (values.get("right", ""),),
        "misfiled": (values.get("condition", ""),),
    }[fact.kind]


def pinpointed(fact: Fact, text: str) -> dict[str, float] | None:
    """Whether answer, date and document are right, each 0 or 1; None where no answer can be read.

    An answer that names another candidate beside the right one has not answered.
    """
    value = answers.read_json(text)
    if not isinstance(value, Mapping) or not isinstance(value.get("answer"), str):
        return None
    answer = value["answer"]
    others = [name for name in names_in(fact.kind) if name not in expected(fact) and named(name).search(answer)]
    right = all(named(name).search(answer) for name in expected(fact)) and not _clashes(fact, others)
    return {
        "answer": float(right),
        "date": float(str(value.get("date", "")).strip() == fact.values["date"]),
        "document": float(str(value.get("document", "")).strip().upper() == fact.values["doc"]),
    }


def _clashes(fact: Fact, others: Sequence[str]) -> bool:
    """Of a result that was not followed up the finding may be named beside the test."""
    own = fact.values.get("finding", "")
    return bool([name for name in others if name != own])


def oracle_answer(fact: Fact) -> str:
    """What one replies who knows what was planted."""
    said = " ".join(expected(fact))
    if fact.kind == "restart":
        said = f"{fact.values['drug']}, {fact.values['dose']}"
    return json.dumps({"answer": said, "date": fact.values["date"], "document": fact.values["doc"]})


# Statements


TRUE = {
    "allergy": "She had {reaction} after taking {drug}.",
    "restart": "She takes {drug} {dose} since {restarted}.",
    "open_result": "For the {finding} the report recommends {test}.",
    "correction": "Her diagnosis is {right}, after an earlier one was given up.",
    "misfiled": "Her record holds a note about another patient, {other}.",
}
FALSE = {
    "allergy": "She tolerated {drug} without any reaction.",
    "restart": "She has not taken {drug} since {stopped}.",
    "open_result": "The {finding} was followed up with {test}, which was normal.",
    "correction": "Her diagnosis is {wrong}; {right} was excluded.",
    "misfiled": "She has {condition} and takes {other_drug}.",
}
PADDING = (
    ("Her usual tablets include ramipril 5 mg daily.", True),
    ("She takes pantoprazole 20 mg daily.", True),
    ("She takes insulin glargine in the evening.", False),
    ("She smokes twenty cigarettes a day.", False),
)


def statements(plan: Plan) -> tuple[list[str], list[int]]:
    """Nine statements in an order of the record's own, and the numbers (from 1) of those that are not supported."""
    random = plan.random("statements")
    false = set(random.sample([fact.kind for fact in plan.facts], random.choice((2, 3))))
    entries = [
        ((FALSE if fact.kind in false else TRUE)[fact.kind].format(**fact.values), fact.kind not in false)
        for fact in plan.facts
    ]
    entries += PADDING
    random.shuffle(entries)
    return [text for text, _ in entries], [number for number, (_, held) in enumerate(entries, start=1) if not held]


def sorted_out(plan: Plan, text: str) -> float | None:
    """How well supported and unsupported statements are told apart: sensitivity + specificity - 1, at least 0.

    All or none named gives 0. None where no list of numbers can be read.
    """
    value = answers.read_json(text)
    given = value.get("unsupported") if isinstance(value, Mapping) else value
    if not isinstance(given, list) or not all(_is_number(entry) for entry in given):
        return None
    named_here = {int(entry) for entry in given}
    listed, wrong = statements(plan)
    right = set(range(1, len(listed) + 1)) - set(wrong)
    if not named_here <= right | set(wrong):
        return 0.0
    caught, spared = len(named_here & set(wrong)) / len(wrong), len(right - named_here) / len(right)
    return max(0.0, caught + spared - 1)


def _is_number(entry: object) -> bool:
    return (isinstance(entry, int) and not isinstance(entry, bool)) or bool(re.fullmatch(r"\d{1,2}", str(entry)))


# The summary


def oracle_summary(facts: Sequence[Fact]) -> str:
    """What one writes who knows what was planted."""
    wording = {
        "allergy": "Allergic to {drug}, which caused {reaction}; the copied line on no allergies is wrong.",
        "restart": "{drug} was stopped on {stopped} because of {reason} and restarted on {restarted}, now {dose}.",
        "open_result": "{finding} ({date}): {test} was recommended and never done.",
        "correction": "The diagnosis of {wrong} was corrected to {right} on {date}.",
        "misfiled": "{doc} belongs to another patient, {other} ({condition}).",
    }
    lines = [wording[fact.kind].format(**fact.values) for fact in facts]
    return "\n".join(line[0].upper() + line[1:] for line in lines)


def criteria(facts: Sequence[Fact]) -> list[PointsCriterion]:
    """What judges, where they are named, grade the summary by."""
    wanted = {
        "allergy": "States that the patient is allergic to {drug}",
        "restart": "States that {drug} was restarted and is taken now, at {dose}",
        "open_result": "States that {test}, recommended for the {finding}, was never done",
        "correction": "States that the diagnosis is {right} and no longer {wrong}",
        "misfiled": "States that the note on {other} ({condition}) belongs to another patient",
    }
    faults = {
        "allergy": "Says that there is no drug allergy",
        "restart": "Says that {drug} is no longer taken",
        "open_result": "Says that {test} was done",
        "correction": "Says that the patient has {wrong}",
        "misfiled": "Says that the patient has {condition} or takes {other_drug}",
    }
    good = [PointsCriterion(wanted[fact.kind].format(**fact.values), 5, (f"fact:{fact.kind}",)) for fact in facts]
    bad = [PointsCriterion(faults[fact.kind].format(**fact.values), -5, (f"fact:{fact.kind}",)) for fact in facts]
    return good + bad
