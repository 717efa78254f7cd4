"""Sessions as a user sees them: scores, statuses, models side by side, suites that add up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import Fault, MockServer
from tests.support.benchmark_modules import MODULES
from tests.support.browser import browser_data
from tests.support.checks import some
from tests.support.juries import records
from tests.support.letters import gold
from tests.support.nightly import NIGHTLY
from tests.support.paths import BENCHMARKS
from tests.support.servers import vllm
from tests.support.suites import cell, leaderboard


def test_a_wrong_answer_is_scored_never_passed(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    with MockServer(lambda body: "A") as server:
        result = run(*vllm(server), f"--medhelm-data={letters(8)}", "-v")
    assert result.ret == 0
    result.assert_outcomes(passed=0, failed=0)
    result.stdout.fnmatch_lines(["*8 scored in*"])
    assert "PASSED" not in result.stdout.str()
    assert result.stdout.str().count("SCORED ok 0.00") == 6
    found = cell(leaderboard(pytester.path), "letters")
    assert found["metrics"]["exact_match"]["value"] == 0.25
    assert found["scores"]["exact_match"] == [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]


def test_strict_makes_a_wrong_answer_fail(letters: Callable[..., Path], run: Any) -> None:
    with MockServer(lambda body: "A") as server:
        result = run(*vllm(server), f"--medhelm-data={letters(4)}", "--medhelm-strict")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*--medhelm-strict: exact_match is 0*", "*3 failed, 1 scored*"])


def test_a_never_event_fails_below_its_floor(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    data = letters(4)
    path = pytester.path / "test_letters.py"
    path.write_text(
        path.read_text().replace('"four"))', '"four"), must_pass=1.0 if row["id"] in ("q000", "q001") else None)')
    )
    with MockServer(lambda body: "A") as server:
        result = run(*vllm(server), f"--medhelm-data={data}")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*must_pass: exact_match is 0, at least 1 is required*", "FAILED *q001*", "*1 failed, 3 scored*"]
    )


def test_every_status_is_told_apart(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    answers: dict[int, Any] = {
        0: "A",
        1: "I would say A or B.",
        2: "I'm sorry, but I can't help with that.",
        3: {"content": "D because", "finish_reason": "length"},
        4: {"content": "", "finish_reason": "stop"},
        5: {"content": "", "finish_reason": "content_filter"},
        6: "<think>The answer is A.",
        7: {"content": "<think>A? B? No, D.</think>\n**D**"},
        8: {"content": "The answer is (A).", "reasoning_content": "B, surely."},
        9: Fault("status", 400),
    }

    def reply(body: dict[str, Any]) -> Any:
        return answers[int(body["messages"][-1]["content"].split()[1].rstrip("."))]

    with MockServer(reply) as server:
        result = run(*vllm(server), f"--medhelm-data={letters(10)}")
    assert result.ret == 1
    found = cell(leaderboard(pytester.path), "letters")
    assert found["statuses"] == {
        "ok": 3, "unparsed": 1, "refused": 1, "truncated": 2, "blocked": 1, "empty": 1, "request_error": 1,
    }  # fmt: skip
    summary = found["metrics"]["exact_match"]
    assert summary["n"] == 9
    assert summary["value"] == pytest.approx(3 / 9, abs=1e-6)
    assert summary["answered"] == 1.0
    assert (summary["worst"], summary["best"]) == (0.3, 0.4)


def test_models_and_invocations_add_up_in_one_suite(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(8)
    with MockServer(gold, models=("right", "wrong")) as server:
        base = f"--medhelm-base-url={server.url}"
        run("--medhelm-model=vllm/right", base, f"--medhelm-data={data}")
        server.reply = lambda body: "A"
        run("--medhelm-model=vllm/wrong", "--medhelm-model=baseline/random", base, f"--medhelm-data={data}")
    board = leaderboard(pytester.path)
    assert [entry["model"] for entry in board["results"]["cells"]] == ["baseline/random", "vllm/right", "vllm/wrong"]
    (pair,) = board["results"]["paired"]
    assert pair["models"] == ["vllm/right", "vllm/wrong"]
    assert pair["difference"] == 0.75
    assert pair["n"] == 8
    assert board["results"]["win_rate"]["rates"] == {}, "with two candidates there are paired differences instead"


def test_three_candidates_have_a_win_rate_and_baselines_stand_outside(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    def reply(body: dict[str, Any]) -> str:
        return {"good": gold(body), "bad": "A", "worst": "none of them"}[body["model"]]

    with MockServer(reply, models=("good", "bad", "worst")) as server:
        run(
            *(f"--medhelm-model=vllm/{name}" for name in server.models), "--medhelm-model=baseline/majority",
            f"--medhelm-base-url={server.url}", f"--medhelm-data={letters(8)}",
        )  # fmt: skip
    rates = leaderboard(pytester.path)["results"]["win_rate"]["rates"]
    assert rates == {"vllm/bad": 0.5, "vllm/good": 1.0, "vllm/worst": 0.0}


def test_a_smaller_limit_is_a_subset_and_is_not_mixed_with_the_larger_one(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    options = (*vllm(server), f"--medhelm-data={letters(30)}")
    run(*options, "--medhelm-limit=20")
    large = cell(leaderboard(pytester.path), "letters")
    run(*options, "--medhelm-limit=8")
    small = cell(leaderboard(pytester.path), "letters")
    assert (large["n"], small["n"]) == (20, 8)
    assert set(small["instances"]) < set(large["instances"])
    assert len(server.requests) == 20
    run(*options, "--medhelm-limit=all")
    assert cell(leaderboard(pytester.path), "letters")["n"] == 30


def test_missing_instances_make_a_cell_partial(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    options = (*vllm(server), f"--medhelm-data={letters(10)}")
    result = run(*options, "-k", "q00 and not q003")
    result.stdout.fnmatch_lines(["*PARTIAL: 9 of 10 have records*"])
    assert cell(leaderboard(pytester.path), "letters")["partial"]
    run(*options)
    assert not cell(leaderboard(pytester.path), "letters")["partial"]


def test_a_model_can_be_asked_in_any_test(pytester: pytest.Pytester, run: Any, server: MockServer) -> None:
    pytester.makepyfile(
        """
        def test_two_turns(model):
            first = model.ask("Gold B?")
            assert first.text == "B" and first.status == "ok"
            second = model.ask([{"role": "user", "content": "Gold B?"},
                                {"role": "assistant", "content": first.text},
                                {"role": "user", "content": "Gold C?"}], max_tokens=7)
            assert second.text == "C"
        """
    )
    result = run(*vllm(server))
    result.assert_outcomes(passed=1)
    assert server.requests[1]["max_tokens"] == 7
    assert len(server.requests) == 2


def test_projects_with_fixtures_of_the_same_names_are_left_alone(pytester: pytest.Pytester, run: Any) -> None:
    pytester.makepyfile(
        """
        import pytest
        @pytest.fixture
        def model():
            return "their own"
        def test_theirs(model):
            assert model == "their own"
        """
    )
    run("--medhelm-model=baseline/random").assert_outcomes(passed=1)
    run().assert_outcomes(passed=1)


def test_config_file_shapes_the_request(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    with MockServer(gold, models=("org/model-70b",), api_key="sesame") as server:
        (pytester.path / "medhelm.toml").write_text(
            f"""
            [run]
            models = ["candidate"]
            limit = 2
            [endpoints.ward]
            base_url = "{server.url}"
            api_key_env = "WARD_KEY"
            headers = {{ "X-Unit" = "7" }}
            [models.candidate]
            endpoint = "ward"
            model = "model-70b"
            max_tokens = 4000
            temperature = "default"
            system_prompt = "Be brief."
            logprobs = true
            extra_body = {{ chat_template_kwargs = {{ enable_thinking = true }} }}
            """
        )
        pytester.plugins = []
        data = letters(5)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WARD_KEY", "sesame")
            assert run(f"--medhelm-data={data}").ret == 0
        body = server.requests[0]
        assert body["model"] == "org/model-70b"
        assert body["max_tokens"] == 4000
        assert "temperature" not in body
        assert body["logprobs"] is True
        assert body["chat_template_kwargs"] == {"enable_thinking": True}
        assert body["messages"][0] == {"role": "system", "content": "Be brief."}
        assert server.headers[0]["x-unit"] == "7"
        assert len(server.requests) == 2
    manifest = (pytester.path / "medhelm-results/default/manifest.json").read_text()
    assert "sesame" not in manifest
    assert "org/model-70b" in manifest


def test_reasoning_usage_and_logprobs_are_kept(pytester: pytest.Pytester, run: Any) -> None:
    pytester.makepyfile(
        """
        def test_kept(model):
            for again in range(2):
                response = model.ask("hello")
                assert response.text == "B"
                assert response.reasoning == "Let me see."
                assert response.finish_reason == "stop"
                assert response.usage == {"prompt_tokens": 11, "completion_tokens": 5, "reasoning_tokens": 3}
                assert response.logprobs == [("B", -0.25)]
                assert response.latency > 0
                assert "B" not in repr(response)
        """
    )
    answer = {
        "content": "B",
        "reasoning_content": "Let me see.",
        "logprobs": {"content": [{"token": "B", "logprob": -0.25, "top_logprobs": []}]},
        "usage": {
            "prompt_tokens": 11,
            "completion_tokens": 5,
            "completion_tokens_details": {"reasoning_tokens": 3},
        },
    }
    with MockServer(lambda body: answer) as server:
        run(*vllm(server)).assert_outcomes(passed=1)
        assert len(server.requests) == 1


def test_without_a_model_the_benchmarks_say_how_to_name_one(run: Any) -> None:
    result = run(BENCHMARKS)
    assert result.ret == 0
    result.assert_outcomes(skipped=len(MODULES))
    result.stdout.fnmatch_lines([f"medhelm: {len(MODULES)} tests skipped: no model named: type e.g. --medhelm-model=*"])


def test_the_benchmarks_run_on_sample_data(run: Any, pytester: pytest.Pytester) -> None:
    """By day a dozen of all kinds; with one model all of them run in the README's test too."""
    models = [f"--medhelm-model=baseline/{name}" for name in ("random", "majority", "lexical")]
    result = run(BENCHMARKS, *models, *(() if NIGHTLY else ("-m", "quick")))
    assert result.ret == 0
    result.stdout.fnmatch_lines(["SAMPLE DATA in *"])
    board = leaderboard(pytester.path)
    asked = {module.TASK.name for module in MODULES if module.TASK.kind != "agentic" and (NIGHTLY or module.TASK.quick)}
    assert {entry["benchmark"] for entry in board["results"]["cells"]} == asked, "they are no agents"
    covered = [bool(entry["benchmarks"]) for entry in some(board["results"]["coverage"])]
    assert all(covered) or not NIGHTLY
    result.stdout.fnmatch_lines([f"coverage: {sum(covered)} of 22 subcategories have a benchmark here"])
    for entry in board["results"]["cells"]:
        made_here = entry["benchmark"] in ("long_record", "tumour_board")
        assert entry["sample"] != made_here
        assert not entry["partial"]
        assert entry["n"] >= 5
        needs_judges = entry["benchmark"] in ("health_bench_consensus", "health_bench_hard")  # they have no references
        assert needs_judges == (entry["metrics"].get(entry["main_metric"], {}).get("value") is None)


def test_the_header_says_what_was_selected(letters: Callable[..., Path], run: Any) -> None:
    result = run("--medhelm-model=baseline/random", f"--medhelm-data={letters(30)}", "--medhelm-limit=12")
    result.stdout.fnmatch_lines(
        ["medhelm: baseline/random; at most 12 instances a benchmark", "medhelm: instances: letters 12 of 30"]
    )


def test_a_gzipped_upstream_file_is_as_good(run: Any, pytester: pytest.Pytester, real_data: Path) -> None:
    import gzip

    folder = pytester.path / "packed" / "pubmed_qa"
    folder.mkdir(parents=True)
    original = (real_data / "pubmed_qa" / "ori_pqal.json").read_bytes()
    (folder / "ori_pqal.json.gz").write_bytes(gzip.compress(original, 1))
    module = BENCHMARKS / "medical_research_assistance" / "test_pubmed_qa.py"
    run(module, "--medhelm-model=baseline/random", f"--medhelm-data={folder.parent}", "--medhelm-limit=20")
    packed = leaderboard(pytester.path)["results"]
    run(module, "--medhelm-model=baseline/random", f"--medhelm-data={real_data}", "--medhelm-limit=20")
    assert leaderboard(pytester.path)["results"] == packed


def test_the_cache_folder_comes_before_the_sample_data(
    run: Any, pytester: pytest.Pytester, real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    monkeypatch.setenv("MEDHELM_CACHE", str(pytester.path / "cache"))
    shutil.copytree(real_data / "pubmed_qa", pytester.path / "cache/data/pubmed_qa")
    module = BENCHMARKS / "medical_research_assistance" / "test_pubmed_qa.py"
    run(module, "--medhelm-model=baseline/random", "--medhelm-limit=5")
    (benchmark,) = leaderboard(pytester.path)["results"]["benchmarks"]
    assert benchmark["data"]["origin"] == "cache"
    assert benchmark["data"]["instances"] == 1000


def test_models_on_different_evaluation_sets_are_not_ranked(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(20)
    with MockServer(gold, models=("a", "b", "c")) as server:
        for name, limit in (("a", 10), ("b", 10), ("c", 20)):
            base = f"--medhelm-base-url={server.url}"
            run(f"--medhelm-model=vllm/{name}", base, f"--medhelm-data={data}", f"--medhelm-limit={limit}")
    assert leaderboard(pytester.path)["results"]["win_rate"]["rates"] == {}


def test_the_pages_of_a_short_run_show_the_reference(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    run(*vllm(server), f"--medhelm-data={letters(3)}")
    instances = browser_data(pytester.path / "medhelm-results/default", "letters-0")["instances"]
    assert [view["references"] for view in instances.values()] == [["A"], ["B"], ["C"]]


@pytest.mark.parametrize(
    "skipping",
    [
        "def pytest_runtest_setup(item):",
        "@pytest.hookimpl(trylast=True)\ndef pytest_runtest_setup(item):",
        "@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_call(item):",
        "@pytest.fixture(autouse=True)\ndef look(request, response):\n    item = request.node",
    ],
    ids=["setup", "late", "call", "fixture"],
)
def test_an_item_that_is_skipped_leaves_what_was_measured(
    letters: Callable[..., Path], server: MockServer, run: Any, pytester: pytest.Pytester, skipping: str
) -> None:
    command = (*vllm(server), f"--medhelm-data={letters(4)}")
    assert run(*command).ret == 0
    pytester.makeconftest(f"import pytest\n{skipping}\n    if '002' in item.nodeid: pytest.skip('the ward is closed')")
    run(*command).stdout.fnmatch_lines(["*3 scored*"])
    assert [(record["status"], record["scores"]["exact_match"]) for record in records(pytester.path)] == [
        ("ok", 1.0)
    ] * 4


def with_more(letters: Callable[..., Path], pytester: pytest.Pytester, code: str) -> Path:
    """The small benchmark of four instances with more tests; returns its data folder."""
    data = letters(4)
    with (pytester.path / "test_letters.py").open("a") as module:
        module.write(code)
    return data


SEVERAL_FUNCTIONS = """
def test_others(instance, response, score):
    score.exact_match(response.choice, instance.answer)
    score.helm("exact_match", 1.0)

class TestInAClass:
    def test_letters(self, instance, response, score):
        score.exact_match(response.choice, instance.answer)
        score.helm("exact_match", 1.0)
"""
ASKS_PYTEST = """
import pytest
@pytest.fixture(autouse=True)
def place(request):
    path, line, name = request.node.reportinfo()
    yield
    print("places", request.node.location == (path.name, line, name), file=open("places.txt", "a"))
"""


def test_every_item_is_where_pytest_finds_it(
    letters: Callable[..., Path], server: MockServer, run: Any, pytester: pytest.Pytester
) -> None:
    data = with_more(letters, pytester, SEVERAL_FUNCTIONS)
    pytester.makeconftest(ASKS_PYTEST)
    pytester.makepyfile(test_plain="import pytest\n@pytest.mark.parametrize('i', '123')\ndef test_it(i): pass")
    assert run(*vllm(server), f"--medhelm-data={data}").ret == 0
    assert (pytester.path / "places.txt").read_text() == "places True\n" * 15


INHERITED = """
import pytest

class Both:
    def test_both(self, instance, response, score):
        score.exact_match(response.choice, instance.answer)
        score.helm("exact_match", 1.0)

class TestOurs(Both): pass

class TestOwn(Both):
    @pytest.fixture
    def response(self, response):
        print("own", file=open("own.txt", "a"))
        return response
"""


def test_an_inherited_test_has_the_fixtures_of_its_class(
    letters: Callable[..., Path], server: MockServer, run: Any, pytester: pytest.Pytester
) -> None:
    data = with_more(letters, pytester, INHERITED)
    assert run(*vllm(server), f"--medhelm-data={data}").ret == 0
    assert (pytester.path / "own.txt").read_text() == "own\n" * 4


@pytest.mark.parametrize(
    ("test", "fixtures"),
    [
        ("def test_letters(instance): pass", ""),
        ("def test_letters(instance, response): pass", "@pytest.fixture\ndef model(model): return model"),
        ("def test_letters(instance, model): pass", "@pytest.fixture\ndef instance(instance): return instance"),
    ],
    ids=["without a model", "own model", "own instance"],
)
def test_a_fixture_without_a_value_says_what_it_needs(
    test: str, fixtures: str, letters: Callable[..., Path], server: MockServer, run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(4)
    module = pytester.path / "test_letters.py"
    module.write_text(f"{module.read_text().partition('def test_letters')[0]}\n{test}\n")
    pytester.makeconftest(f"import pytest\n{fixtures}")
    result = run(*vllm(server), f"--medhelm-data={data}")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["the fixture '*' has no value here: a test takes 'instance' together with 'model'*"])
