"""``medhelm new``: a benchmark to start from, which runs as it stands.

The starter is a telephone triage of invented calls; its author replaces the rows, the prompt and the options.
"""

from __future__ import annotations

from pathlib import Path

from pytest_medhelm.util.errors import ConfigError

_ROWS = (
    ("call-1", "Crushing chest pain for twenty minutes, sweating, pain in the left arm.", "emergency"),
    ("call-2", "Would like a repeat prescription for blood pressure tablets; feels well.", "routine"),
    ("call-3", "Burning when passing water since yesterday, no fever, not pregnant.", "today"),
    ("call-4", "One side of the face droops and the speech is slurred since breakfast.", "emergency"),
    ("call-5", "Asks for the date of a vaccination against influenza.", "routine"),
    ("call-6", "A child of five has had ear pain and a temperature of 38.5 since last night.", "today"),
    ("call-7", "Swollen lips and difficulty breathing after eating peanuts.", "emergency"),
    ("call-8", "A mole has looked the same for years; wants it looked at some time.", "routine"),
)

_YAML = """\
# A benchmark of your own. All keys: docs/own-benchmarks.md
name: {name}
title: {title}
description: How soon must somebody who calls the practice be seen?
subcategory: Care Coordination and Planning
data: {name}.csv

columns:
  id: call                  # what tells the rows apart; without it a hash of the question does

prompt: |
  Somebody calls a medical practice. Decide how soon this person must be seen.

  Call: {{note}}

answer:
  kind: label               # letter, label, number or text
  column: urgency
  choices: [emergency, today, routine]
  positive: emergency       # precision and recall are reported for this one

# Decides the exit status of pytest. It stays a comment until you have set your own bar.
# gate:
#   - exact_match.lower >= 0.80
#   - recall >= 0.95
"""

_PYTHON = '''\
"""{title}: how soon must somebody who calls the practice be seen?

Asked: what the caller says, and the options.
Read: the letter of the option.
Scored: exact match with the key, and F1 over the options.

Source: own data
"""

from pathlib import Path

from pytest_medhelm import DataFile, Instance, Instances, Response, Score, Task, letter_prompt, read_csv

CHOICES = ("emergency", "today", "routine")


def load(path: Path) -> Instances:
    """One instance for each row of {name}.csv."""
    for row in read_csv(path):
        answer = row.letter_of("urgency", CHOICES)
        yield Instance(id=row.text("call"), question=row.text("note"), answer=answer, choices=CHOICES)


TASK = Task(
    name="{name}",
    title="{title}",
    subcategory="Care Coordination and Planning",
    access="private",
    kind="classification",
    files=(DataFile("{name}.csv"),),
    load=load,
    main_metric="exact_match",
    licence="not stated",
    source="own data",
    how_to_obtain="Ask whoever keeps the calls for {name}.csv",
    may_use_hosted_api=False,
    positive="emergency",
    chance=1 / 3,
)


def prompt(instance: Instance) -> str:
    """What the caller says, and the options."""
    return letter_prompt("Somebody calls a medical practice. Decide how soon this person must be seen.", instance)


def test_{name}(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
'''


def starter(name: str, *, python: bool) -> dict[Path, str]:
    """The starter's files by their path, the one that pytest is given first. Raises ConfigError for a wrong name."""
    from pytest_medhelm.plugin.yaml_benchmarks.names import name_problem

    problem = name_problem(name)
    if problem:
        raise ConfigError(problem)
    title = name.replace("_", " ").capitalize()
    table = "call,note,urgency\n" + "".join(f'{call},"{note}",{urgency}\n' for call, note, urgency in _ROWS)
    if python:
        return {
            Path(f"test_{name}.py"): _PYTHON.format(name=name, title=title),
            Path("samples") / name / f"{name}.csv": table,
        }
    return {Path(f"{name}.medhelm.yaml"): _YAML.format(name=name, title=title), Path(f"{name}.csv"): table}
