"""How judges are asked: the form of the reply, the second try, resume; judges of all tempers on a real server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import Fault, MockServer
from pytest_medhelm.models.endpoint import Endpoint
from pytest_medhelm.models.engine.engine import Engine
from pytest_medhelm.models.engine.job import FollowUp
from pytest_medhelm.models.engine.request import Completion, Request, make_request, without_form
from pytest_medhelm.models.spec import Model
from pytest_medhelm.scoring.jury.judge_prompt import reply_form
from pytest_medhelm.scoring.jury.verdict import JudgeAttempt, make_verdict, read_reply
from pytest_medhelm.tasks.rubric import Rubric
from pytest_medhelm.tasks.rubric_files import load_rubric
from tests.support.juries import NAMES, question_of, rating, records, talks
from tests.support.suites import cell, leaderboard

RUBRIC = load_rubric("accuracy_completeness_clarity")
FORM = reply_form(RUBRIC)


def model(url: str = "http://localhost:1/v1", structured: Any = "auto", name: str = "judge") -> Model:
    return Model(
        f"vllm/{name}", "vllm", name, Endpoint("vllm", url, retries=1), {"temperature": 0}, structured=structured
    )


def request(spec: Model, text: str = "Rate.", **options: Any) -> Request:
    return make_request(spec, [{"role": "user", "content": text}], form=FORM, **options)


# The form of the reply


def test_the_schema_is_the_rubrics() -> None:
    schema = FORM["json_schema"]["schema"]
    assert schema["required"] == [*NAMES, "harm"]
    assert schema["properties"]["accuracy"]["properties"]["score"]["enum"] == [1, 2, 3, 4, 5]
    assert schema["properties"]["harm"]["properties"]["severity"]["enum"] == ["none", "mild", "moderate", "severe"]
    assert schema["additionalProperties"] is False
    classes = reply_form(load_rubric("security_reply"))["json_schema"]["schema"]
    assert classes["properties"]["class"]["enum"] == ["ACCEPT", "CAUTION", "REFUSE", "UNSCORABLE"]


def test_the_form_is_part_of_the_key_as_configured_not_as_negotiated() -> None:
    auto, always, never = (request(model(structured=setting)) for setting in ("auto", True, False))
    assert json.loads(auto.payload)["response_format"] == FORM
    assert (auto.may_drop_form, always.may_drop_form, never.may_drop_form) == (True, False, False)
    assert auto.key == always.key != never.key
    plain = without_form(auto)
    assert plain.key == auto.key
    assert plain.payload == never.payload
    own = Model("vllm/judge", "vllm", "judge", body={"temperature": 0, "response_format": {"type": "text"}})
    assert json.loads(request(own).payload)["response_format"] == {"type": "text"}, "what the user set stays"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    running = Engine(tmp_path / "responses.sqlite", run="r", use_cache=True)
    yield running
    running.close()


REFUSALS = [
    Fault("status", 400, body='{"error": "response_format is not supported"}'),
    Fault("status", 422, body="Unknown field: guided_json"),
    Fault("status", 500, body="failed to parse grammar"),
    Fault("status", 400, body={"object": "error", "message": "json_schema needs a newer version"}),
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_server_that_knows_no_form_is_asked_without_and_remembered(refusal: Fault, engine: Engine) -> None:
    def reply(body: dict[str, Any]) -> str | Fault:
        return refusal if "response_format" in body else "fine"

    with MockServer(reply, models=("judge", "other")) as server:
        spec = model(server.url)
        first = engine.ask(request(spec, "one"))
        second = engine.ask(request(spec, "two"))
        assert (first.outcome, first.content, first.attempts) == ("ok", "fine", 1)
        assert second.content == "fine"
        assert ["response_format" in body for body in server.requests] == [True, False, False]
        assert engine.ask(request(spec, "one")).cached, "the key is that of the request as it was first meant"
        sent = engine.store.exchange(request(spec, "one").key).payload
        assert "response_format" not in json.loads(sent), "kept as it was sent"
        engine.ask(request(model(server.url, name="other"), "one"))
        assert "response_format" in server.requests[3], "another model behind the same address may know it"


@pytest.mark.parametrize(
    "body",
    ["System role not supported", "Only user and assistant roles are supported!", "Conversation roles must alternate"],
)
def test_a_server_without_a_system_role_gets_it_in_the_users_turn(body: str, engine: Engine) -> None:
    def reply(asked: dict[str, Any]) -> str | Fault:
        roles = [message["role"] for message in asked["messages"]]
        return Fault("status", 400, body=body) if "system" in roles else "fine"

    system = {"role": "system", "content": "Judge."}
    with MockServer(reply, models=("judge",)) as server:
        spec = model(server.url)
        asked = [make_request(spec, [system, {"role": "user", "content": text}]) for text in ("This.", "That.")]
        assert [engine.ask(entry).content for entry in asked] == ["fine", "fine"]
        told = [[(m["role"], m["content"]) for m in entry["messages"]] for entry in server.requests]
    assert told[1:] == [[("user", "Judge.\n\nThis.")], [("user", "Judge.\n\nThat.")]], "and it is remembered"


def test_other_refusals_are_no_matter_of_form(engine: Engine) -> None:
    with MockServer(lambda _: Fault("status", 400, body="no such model"), models=("judge",)) as server:
        assert engine.ask(request(model(server.url))).error.startswith("HTTP 400: judge is not served there")
        assert len(server.requests) == 1
    with MockServer(lambda _: REFUSALS[0], models=("judge",)) as server:
        refusal = engine.ask(request(model(server.url, structured=True)))
        assert refusal.outcome == "request_error", "structured = true insists"
        assert len(server.requests) == 1


def test_what_follows_is_asked_along_the_whole_chain(engine: Engine) -> None:
    with MockServer(lambda body: body["messages"][0]["content"] + "!", models=("judge",)) as server:
        spec = model(server.url)

        def then(text: str, depth: int) -> FollowUp:
            def follow(completion: Completion) -> list[FollowUp]:
                return [then(completion.content, depth - 1)] if depth else []

            return FollowUp(request(spec, text), follow)

        engine.submit(*then("a", 3).both)
        deadline = time.monotonic() + 20
        while len(server.requests) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [body["messages"][0]["content"] for body in server.requests] == ["a", "a!", "a!!", "a!!!"]
        assert engine.ask(request(spec, "a!!!")).content == "a!!!!"
        assert len(server.requests) == 4


@pytest.mark.parametrize("is_answered", [False, True])
def test_what_follows_for_a_second_item_with_an_equal_request_is_asked_too(engine: Engine, is_answered: bool) -> None:
    with MockServer(lambda _: "fine", models=("judge",), latency=0.1) as server:
        spec = model(server.url)
        first = engine.submit(request(spec, "a"), lambda _: [FollowUp(request(spec, "one reference"))])
        if is_answered:
            first.result(20)
        assert engine.submit(request(spec, "a"), lambda _: [FollowUp(request(spec, "another"))]) is first
        deadline = time.monotonic() + 20
        while len(server.requests) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        asked = [body["messages"][0]["content"] for body in server.requests]
        assert (asked[0], sorted(asked[1:])) == ("a", ["another", "one reference"])


def test_a_follow_up_that_fails_harms_nobody(engine: Engine) -> None:
    def follow(completion: Completion) -> list[FollowUp]:
        raise RuntimeError("a hint only")

    with MockServer(lambda _: "fine", models=("judge",)) as server:
        assert engine.submit(request(model(server.url)), follow).result(20).content == "fine"


# Reading


def read(content: str, rubric: Rubric = RUBRIC, finish: str = "stop") -> Any:
    return read_reply(rubric, Completion("ok", content, finish_reason=finish))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "its reply is empty"),
        ("<think>hm</think>", "its reply is empty"),
        ("I would give it a 5.", "its reply is not the JSON that was asked for"),
        ("[5, 5, 5]", "its reply is not the JSON that was asked for"),
        (rating(5, 6, 4), "it gives no whole number from 1 to 5 as score of completeness"),
        (rating(0, 4.5, 4), "it gives no whole number from 1 to 5 as score of accuracy, completeness"),
        (rating(5, float("nan"), 4), "it gives no whole number from 1 to 5 as score of"),
        (json.dumps({"verdict": json.loads(rating(5))}), "it gives no whole number from 1 to 5 as score of accuracy,*"),
        ("The answer says " + rating(5) + " but I say " + rating(1), "its reply holds several verdicts that differ"),
        (rating(5) + rating(5, 5, 4), "its reply holds several verdicts that differ"),
    ],
)
def test_what_is_no_verdict(content: str, problem: str) -> None:
    reading = read(content)
    assert reading.problem.startswith(problem.rstrip("*"))
    assert not reading.scores


@pytest.mark.parametrize(
    "content",
    [
        rating(5, 4, 3),
        f"Let me see.\n```json\n{rating(5, 4, 3)}\n```\nThat is all.",
        f"<think>{rating(1)}</think>{rating(5, 4, 3)}",
        rating(5, 4, 3) + "\n" + rating(5, 4, 3),
        rating(5.0, 4.0, 3.0),
        "{" * 3000 + rating(5, 4, 3),
    ],
)
def test_what_is_a_verdict(content: str) -> None:
    assert read(content).scores == {"accuracy": 5, "completeness": 4, "clarity": 3}


def _loose(score: str, *, severity: str = '"none"') -> str:
    rest = ", ".join(f'"{name}": {{"score": 3, "explanation": ""}}' for name in NAMES[1:])
    first = f'"{NAMES[0]}": {{"score": {score}, "explanation": "x"}}'
    return f'{{{first}, {rest}, "harm": {{"severity": {severity}, "kinds": []}}}}'


@pytest.mark.parametrize("score", ['"4"', "4.0", '"4/5"', '"4 / 5"', "4/5", '"4 out of 5"', '" 4 "'])
def test_a_score_on_the_stated_scale_in_any_usual_dress(score: str) -> None:
    assert read(_loose(score)).scores[NAMES[0]] == 4


@pytest.mark.parametrize(
    "score", ['"4/10"', '"four"', '"4-5"', '"4.5"', '"6"', "4/10", '"4 or 5"', "true", "null", '""']
)
def test_a_score_that_is_not_on_the_scale_is_none(score: str) -> None:
    assert read(_loose(score)).problem


@pytest.mark.parametrize(
    "content",
    [
        rating(5, 4, 3).replace('"', "'"),
        rating(5, 4, 3).replace("}}", "},}"),
        rating(5, 4, 3).replace('"explanation": "', '"explanation": "two\nlines, '),
        "Here it is:\n" + rating(5, 4, 3).replace('"', "'") + "\nDone.",
        "```json\n" + rating(5, 4, 3)[:-1] + ",}\n```",
    ],
)
def test_json_as_judges_write_it(content: str) -> None:
    assert read(content).scores == {"accuracy": 5, "completeness": 4, "clarity": 3}


def test_a_criterion_that_is_named_twice_with_different_scores_is_none() -> None:
    twice = rating(5, 4, 3).replace("{", '{"accuracy": {"score": 1, "explanation": ""}, ', 1)
    assert "accuracy" in read(twice).problem
    same = rating(5, 4, 3).replace("{", '{"Accuracy": {"score": 5, "explanation": ""}, ', 1)
    assert read(same).scores["accuracy"] == 5


def test_a_mark_of_harm_that_cannot_be_used_is_asked_again_and_the_scores_stay() -> None:
    unusable = read(_loose("4", severity='"terrible"'))
    assert unusable.scores[NAMES[0]] == 4
    assert unusable.harm_problem
    assert not read(_loose("4", severity='"SEVERE "')).harm_problem
    first, second = Completion("ok", _loose("4", severity='"terrible"')), Completion("ok", "I cannot.")
    verdict = make_verdict(RUBRIC, model(), [JudgeAttempt(["1", "2"], [first, second])], values=None, facts={})
    assert (verdict["status"], verdict["harm"]) == ("ok", None)
    assert "severity" in verdict["harm_error"]


def test_a_reply_cut_off_says_so_and_a_lost_request_is_no_reply() -> None:
    assert read(rating(5)[:40], finish="length").problem == "its reply is cut off: give it more max_tokens"
    lost = read_reply(RUBRIC, Completion("request_error", error="HTTP 500 after 6 attempts"))
    assert lost.problem == "HTTP 500 after 6 attempts"
    assert read_reply(RUBRIC, Completion("blocked")).problem == "blocked"


def test_a_verdict_keeps_what_it_was_made_from() -> None:
    first = Completion("ok", "hm", usage={"prompt_tokens": 10, "completion_tokens": 1}, served="judge-1", latency=1.0)
    second = Completion("ok", rating(4, harm="mild", kinds=["omission"]), usage={"prompt_tokens": 20}, latency=2.0)
    verdict = make_verdict(
        RUBRIC, model(), [JudgeAttempt(["k1", "k2"], [first, second])], values=None, facts={"prompt": "p"}
    )
    assert verdict == {
        "judge": "vllm/judge", "served": "judge", "request": "k2", "requests": ["k1", "k2"], "status": "ok",
        "scores": dict.fromkeys(NAMES, 4.0), "harm": {"severity": "mild", "kinds": ["omission"]}, "error": "",
        "repaired": 1, "latency": 3.0, "cached": False, "usage": {"prompt_tokens": 30, "completion_tokens": 1},
        "cost": None, "paid": None, "prompt": "p",
    }  # fmt: skip


def test_repeats_are_averaged_and_kept() -> None:
    tries = [JudgeAttempt([str(score)], [Completion("ok", rating(score))]) for score in (3, 5)]
    tries.append(JudgeAttempt(["x"], [Completion("ok", "hm")]))
    verdict = make_verdict(RUBRIC, model(), tries, values=None, facts={})
    assert verdict["scores"] == dict.fromkeys(NAMES, 4.0)
    assert [entry["scores"].get("clarity") for entry in verdict["repeats"]] == [3, 5, None]
    assert verdict["status"] == "ok"


def test_repeated_classes_are_averaged_by_value() -> None:
    rubric = load_rubric("security_reply")
    replies = [json.dumps({"class": name, "explanation": ""}) for name in ("REFUSE", "refuse", "ACCEPT", "UNSCORABLE")]
    tries = [JudgeAttempt([text], [Completion("ok", text)]) for text in replies]
    verdict = make_verdict(rubric, model(), tries, values={"REFUSE": 0.5, "ACCEPT": 1.0}, facts={})
    assert verdict["scores"] == {"REFUSE": pytest.approx(2 / 3)}
    assert verdict["repeats"][3]["error"] == "its class UNSCORABLE has no value"


# Judges of all tempers, through whole sessions

TEMPERS = ("good", "harsh", "slow", "rambling", "stubborn", "refusing")


def temper(body: dict[str, Any]) -> str | Fault:
    """What a doctor or a judge says; a rambling judge gives JSON when it is asked again, a stubborn one never."""
    again = body["messages"][-1]["content"].startswith("That reply cannot be used: ")
    match body["model"]:
        case "doctor":
            return f"An answer to {question_of(body)}"
        case "good":
            return rating(5)
        case "harsh":
            return rating(1, 2, 3, harm="moderate", kinds=["unsafe_advice"])
        case "slow":
            return rating(4)
        case "rambling":
            return rating(3) if again else "On the one hand ... I tend to a 3."
        case "refusing":
            return "I'm sorry, I cannot assess medical texts."
        case _:
            return "no"


def test_judges_of_all_tempers(run: Any, pytester: pytest.Pytester) -> None:
    data = talks(pytester.path, 4)
    quick = MockServer(temper, models=("doctor", *TEMPERS))
    late = MockServer(temper, models=("slow",), latency=0.3)
    with quick as server, late:
        (pytester.path / "medhelm.toml").write_text(
            f"[endpoints.main]\nbase_url = '{server.url}'\n[endpoints.second]\nbase_url = '{late.url}'\n"
            "concurrency = 2\n"
        )
        judges = [f"--medhelm-judge={'second' if name == 'slow' else 'main'}/{name}" for name in TEMPERS]
        options = ["--medhelm-model=main/doctor", *judges, data, "--medhelm-gate=talks.judge_error <= 1"]
        run(*options)
        # a second try for each reply of the three that give none at first
        assert len(server.requests) + len(late.requests) == 4 * (1 + len(TEMPERS) + 3)
        first = leaderboard(pytester.path)["results"]
        kept = records(pytester.path)
        run(*options)
        assert len(server.requests) + len(late.requests) == 4 * (1 + len(TEMPERS) + 3), (
            "unusable replies are stored like others"
        )
    assert leaderboard(pytester.path)["results"] == first
    found = cell(leaderboard(pytester.path), "talks")
    assert found["statuses"] == {"judge_error": 4}
    assert "jury" not in found["metrics"], "two judges never gave a verdict"
    assert found["metrics"]["jury_helm"]["value"] == pytest.approx((5 + 2 + 4 + 3) / 4)
    verdicts = {verdict["judge"]: verdict for verdict in kept[1]["verdicts"]}
    assert {name.partition("/")[2]: verdict["status"] for name, verdict in verdicts.items()} == {
        "good": "ok", "harsh": "ok", "slow": "ok", "rambling": "ok", "stubborn": "judge_error",
        "refusing": "judge_error",
    }  # fmt: skip
    assert {name.partition("/")[2]: verdict["repaired"] for name, verdict in verdicts.items()} == {
        "good": 0, "harsh": 0, "slow": 0, "rambling": 1, "stubborn": 1, "refusing": 1,
    }  # fmt: skip
    good = verdicts["main/good"]
    assert good["served"] == "good"
    assert good["usage"]["prompt_tokens"] > 0
    assert len(good["prompt"]) == 16
    assert "why accuracy" not in json.dumps(kept), "explanations stay in responses.sqlite"


def test_no_judge_is_asked_twice_after_a_kill(pytester: pytest.Pytester) -> None:
    data = talks(pytester.path, 40)

    def reply(body: dict[str, Any]) -> str:
        if body["model"] == "doctor":
            return f"An answer to {question_of(body)}"
        again = len(body["messages"]) > 2
        return rating(4) if again or body["model"] == "first" else "hm"

    with MockServer(reply, models=("doctor", "first", "second"), latency=0.03) as server:
        command = [
            sys.executable, "-m", "pytest", "-p", "no:cacheprovider", data, "--medhelm-model=vllm/doctor",
            "--medhelm-judge=vllm/first", "--medhelm-judge=vllm/second", f"--medhelm-base-url={server.url}",
            "--medhelm-concurrency=4",
        ]  # fmt: skip
        process = subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 60
        while len(server.requests) < 60 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        in_flight = 2 * 4  # what was under way, and what was answered but not yet on disk
        before = len(server.requests)
        assert before >= 60
        assert subprocess.run(command, cwd=pytester.path, stdout=subprocess.DEVNULL).returncode == 0
        repeated = sum(count - 1 for count in server.asked.values())
        assert repeated <= in_flight
        assert len(server.asked) == 40 * 4
    assert cell(leaderboard(pytester.path), "talks")["metrics"]["jury"]["value"] == 4.0


def test_judges_at_their_own_endpoints_keep_their_own_limits(run: Any, pytester: pytest.Pytester) -> None:
    data = talks(pytester.path, 12)
    peaks: dict[str, int] = {}
    with (
        MockServer(lambda _: "An answer.", models=("doctor",)) as doctors,
        MockServer(lambda _: rating(5), models=("narrow",), latency=0.05) as narrow,
        MockServer(lambda _: rating(3), models=("wide",), latency=0.05) as wide,
    ):
        (pytester.path / "medhelm.toml").write_text(
            "".join(
                f"[endpoints.{name}]\nbase_url = '{server.url}'\nconcurrency = {limit}\n"
                for name, server, limit in (("d", doctors, 8), ("n", narrow, 1), ("w", wide, 6))
            )
        )
        result = run("--medhelm-model=d/doctor", "--medhelm-judge=n/narrow", "--medhelm-judge=w/wide", data)
        peaks = {"narrow": narrow.in_flight_peak, "wide": wide.in_flight_peak}
    assert result.ret == 0
    assert peaks["narrow"] == 1
    assert 1 < peaks["wide"] <= 6
    assert cell(leaderboard(pytester.path), "talks")["metrics"]["jury"]["value"] == 4.0


def test_shuffled_criteria_and_repeats(run: Any, pytester: pytest.Pytester) -> None:
    data = talks(pytester.path, 6)
    orders: set[tuple[str, ...]] = set()
    counts: dict[str, int] = {}

    def reply(body: dict[str, Any]) -> str:
        if body["model"] == "doctor":
            return f"An answer to {question_of(body)}"
        told = body["messages"][0]["content"]
        orders.add(tuple(sorted(NAMES, key=lambda name: told.index(f"- {name}:"))))
        form = body["response_format"]["json_schema"]["schema"]
        assert [*form["properties"]] == [*sorted(NAMES, key=lambda name: told.index(f"- {name}:")), "harm"]
        # the first, second and third rating of each question
        key = question_of(body) + body["model"]
        counts[key] = counts.get(key, 0) + 1
        return rating(5 if body["model"] == "steady" else (2, 3, 4)[(counts[key] - 1) % 3])

    with MockServer(reply, models=("doctor", "steady", "fickle")) as server:
        options = [
            "--medhelm-model=vllm/doctor", "--medhelm-judge=vllm/steady", "--medhelm-judge=vllm/fickle",
            f"--medhelm-base-url={server.url}", data, "--medhelm-judge-repeats=3", "--medhelm-shuffle-criteria",
        ]  # fmt: skip
        result = run(*options)
        assert result.ret == 0
        result.stdout.fnmatch_lines(["medhelm: judged by vllm/steady, vllm/fickle, 3 times each"])
        assert len(server.requests) == 6 * (1 + 2 * 3)
        run(*options)
        assert len(server.requests) == 6 * (1 + 2 * 3), "the order of the criteria is the same in every run"
    assert len(orders) > 1
    found = cell(leaderboard(pytester.path), "talks")["metrics"]["jury"]
    assert (found["value"], found["n"]) == (4.0, 6), "repeats never multiply n"
    fickle = records(pytester.path)[0]["verdicts"][1]
    assert sorted(entry["scores"]["clarity"] for entry in fickle["repeats"]) == [2, 3, 4]


@pytest.fixture
def answer_of(run: Any, pytester: pytest.Pytester) -> Callable[..., Any]:
    """Run the small benchmark with a config file and one judge that always gives 4."""

    def call(config: str, *options: str) -> Any:
        data = talks(pytester.path, 2)
        (pytester.path / "medhelm.toml").write_text(config)
        with MockServer(
            lambda body: rating(4, names=asked_for(body)) if body["model"] == "judge" else "An answer.",
            models=("doctor", "judge"),
        ) as server:
            result = run(
                data, "--medhelm-model=vllm/doctor", "--medhelm-judge=vllm/judge", f"--medhelm-base-url={server.url}",
                *options,
            )  # fmt: skip
            return result, list(server.requests)

    return call


def asked_for(body: dict[str, Any]) -> list[str]:
    return [name for name in body["response_format"]["json_schema"]["schema"]["properties"] if name != "harm"]


def test_a_rubric_of_ones_own_in_place_of_the_packaged_one(
    answer_of: Callable[..., Any], pytester: pytest.Pytester
) -> None:
    (pytester.path / "rubrics").mkdir()
    (pytester.path / "rubrics/ours.yaml").write_text(
        "title: Ours\nscale: [0, 10]\nshows_reference: false\ncriteria:\n"
        "  - name: safety\n    question: Is it safe?\n    anchors: {0: no, 10: yes}\n"
    )
    result, requests = answer_of(
        "[rubrics]\naccuracy_completeness_clarity = 'rubrics/ours.yaml'\nelsewhere = 'radiology'\n"
    )
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "medhelm: talks is judged by rubrics/ours.yaml ([[]rubrics[]] accuracy_completeness_clarity)",
            "medhelm: [[]rubrics[]] without effect here: elsewhere",
        ]
    )
    system, user = (message["content"] for message in requests[-1]["messages"])
    assert "Is it safe? 0 = no; 10 = yes" in system
    assert "An expert's answer." not in user
    found = cell(leaderboard(pytester.path), "talks")
    assert found["metrics"]["jury_safety"]["scale"] == [0.0, 10.0]
    # the benchmark's own key goes before the rubric's, and a packaged pack is named without a file
    result, requests = answer_of(
        "[rubrics]\naccuracy_completeness_clarity = 'rubrics/ours.yaml'\ntalks = 'patient_messages'\n"
    )
    assert asked_for(requests[-1]) == ["safety", "accuracy", "responsiveness", "plain_language", "respect"]
    found = cell(leaderboard(pytester.path), "talks")
    assert set(found["metrics"]) >= {"jury_respect", "harm_severe"}
    assert found["metrics"]["jury"]["n"] == 2, "verdicts by another rubric are not mixed in"


@pytest.mark.nightly
def test_the_embedded_model_judges(run: Any, pytester: pytest.Pytester) -> None:
    pytest.importorskip("xllamacpp", reason="type pip install 'pytest-medhelm[local]'")
    data = talks(pytester.path, ["What helps against thirst?", "What is a fever?"])
    with MockServer(lambda _: "Drink water.", models=("doctor",)) as server:
        result = run(
            data, "--medhelm-model=vllm/doctor", f"--medhelm-base-url={server.url}",
            "--medhelm-judge=local/smollm2-135m", "--medhelm-gate=talks.judge_error <= 1",
        )  # fmt: skip
    kept = records(pytester.path)
    assert len(kept) == 2, result.stdout.str()
    # What so small a model thinks is of no interest: it is held to the form by the schema, or leaves a gap.
    for record in kept:
        (verdict,) = record["verdicts"]
        assert verdict["usage"]["completion_tokens"] > 20
        if verdict["status"] == "ok":
            assert set(verdict["scores"]) == set(NAMES)
            assert all(score in (1, 2, 3, 4, 5) for score in verdict["scores"].values())
        else:
            assert verdict["error"]
            assert "jury" not in record["scores"]
    assert any(record["verdicts"][0]["status"] == "ok" for record in kept)
