"""Has a judge grade the answers of a meta-evaluation file, as the jury would: one request for each criterion."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pytest_medhelm.models.endpoint import Endpoint, base_url
from pytest_medhelm.models.engine.engine import Engine
from pytest_medhelm.models.engine.request import make_request
from pytest_medhelm.models.probe import match_served, served_models
from pytest_medhelm.models.spec import Model
from pytest_medhelm.results.agreement.meta_evaluation import Labelled
from pytest_medhelm.scoring.jury.panel import Panel
from pytest_medhelm.scoring.jury.points_calls import PointsCall, points_calls
from pytest_medhelm.tasks.points import PointsCriterion, PointsRubric
from pytest_medhelm.tasks.rubric_files import load_rubric
from pytest_medhelm.tasks.task import Instance

AHEAD = 64
"""Requests under way."""


def graded(examples: Sequence[Labelled], judge: str, address: str, folder: Path) -> dict[tuple[str, str], bool]:
    """The judge's verdicts; one that cannot be read is asked once more, and then left out.

    Answers are stored in ``folder``/responses.sqlite: the same command goes on where it was, and asks nothing twice.
    Raises ConfigError or ModelError when the server cannot be asked.
    """
    endpoint = Endpoint("judge", base_url(address, "--base-url"))
    listed = served_models(endpoint)
    served = match_served(judge, listed).id if listed is not None else judge
    model = Model(f"judge/{judge}", "judge", served, endpoint, body={"temperature": 0})

    def request(judge: Model, messages: Any, instance: str, **options: Any) -> Any:
        return make_request(judge, messages, instance=instance, **options)

    panel = Panel((model,), 1, False, request)
    engine = Engine(folder / "responses.sqlite", run=uuid.uuid4().hex, use_cache=True)
    grades: dict[tuple[str, str], bool] = {}
    try:
        pending = iter(_calls(examples, panel))
        under_way = list(islice(pending, AHEAD))
        for _, call in under_way:
            engine.submit(*call.call.next.both)
        while under_way:
            example, call = under_way.pop(0)
            for later in islice(pending, 1):
                under_way.append(later)
                engine.submit(*later[1].call.next.both)
            first = engine.ask(call.call.request)
            repair = call.call.repair(first)
            (met,) = call.read([first] if repair is None else [first, engine.ask(repair)])
            if met is not None:
                grades[example.key] = met
    finally:
        engine.close()
    return grades


def _calls(examples: Sequence[Labelled], panel: Panel) -> Iterator[tuple[Labelled, PointsCall]]:
    rubric = load_rubric("points")
    assert isinstance(rubric, PointsRubric)
    for example in examples:
        talk = "\n\n".join(f"{message.get('role')}: {message.get('content')}" for message in example.prompt)
        criteria = (PointsCriterion(example.rubric, 5),)
        for call in points_calls(
            panel, rubric, Instance(example.completion_id, talk, "", criteria=criteria), example.completion
        ):
            yield example, call
