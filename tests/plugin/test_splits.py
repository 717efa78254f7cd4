"""Which instances are asked, with which solved examples, and where the data may go."""

from __future__ import annotations

import json
import pickle
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.mock_server import MockServer
from pytest_medhelm.tasks.benchmark import Benchmark, is_packaged
from pytest_medhelm.tasks.data.compressed import CompressedInstance, compress
from pytest_medhelm.tasks.data.sampling import Keeper, sample, spread
from pytest_medhelm.tasks.task import DataFile, Instance, Task
from tests.support.checks import some
from tests.support.paths import BENCHMARKS
from tests.support.servers import vllm
from tests.support.suites import cell, leaderboard


def packed(names: Sequence[str], group: str = "") -> list[CompressedInstance]:
    task = Task(
        name="t", title="T", subcategory="Planning Treatments", access="public", kind="classification",
        files=(DataFile("t.csv"),), load=lambda path: (), main_metric="exact_match", licence="", source="",
        sub_tasks_by="run" if group else "",
    )  # fmt: skip
    return [CompressedInstance(Instance(name, "?", "A", slices={"run": group}), task) for name in names]


def test_the_helm_sampler_draws_as_numpy_does_with_seed_0() -> None:
    names = [f"id{number}" for number in range(50)]
    chosen = sample(packed(names), 10, name="t", sampler="helm")
    np.random.seed(0)
    expected = set(np.random.choice(names, 10, replace=False))
    assert {entry.id for entry in chosen} == expected
    assert [entry.id for entry in chosen] == [name for name in names if name in expected]
    assert len(sample(packed(names), 60, name="t", sampler="helm")) == 50


def test_the_hash_sampler_does_not_see_the_order_and_grows() -> None:
    names = [f"id{number}" for number in range(50)]
    few, more = (sample(packed(names), limit, name="t") for limit in (10, 20))
    assert {entry.id for entry in few} < {entry.id for entry in more}
    assert {entry.id for entry in sample(packed(names[::-1]), 10, name="t")} == {entry.id for entry in few}
    assert {entry.id for entry in sample(packed(names), 10, name="other")} != {entry.id for entry in few}


@pytest.mark.parametrize("sampler", ["hash", "helm"])
def test_the_limit_holds_for_each_sub_run(sampler: Any) -> None:
    both = [*packed([f"a{n}" for n in range(30)], "one"), *packed([f"b{n}" for n in range(4)], "two")]
    kept = Counter(entry.sub_task for entry in sample(both, 8, name="t", sampler=sampler))
    assert kept == {"one": 8, "two": 4}


@given(
    st.lists(st.tuples(st.text(max_size=3), st.sampled_from(["one", "two", ""])), unique_by=lambda pair: pair[0]),
    st.one_of(st.none(), st.integers(1, 6)),
    st.sampled_from(["hash", "helm"]),
)
def test_what_is_dropped_while_reading_is_in_no_sample(pairs: list[Any], limit: int | None, sampler: Any) -> None:
    entries = [entry for name, group in pairs for entry in packed([name], group)]
    keeper = Keeper(limit, name="t", sampler=sampler)
    for number, entry in enumerate(entries):
        keeper.add(number, entry)
    for entry in sample(entries, limit, name="t", sampler=sampler):
        assert entry.unpack().id == entry.id
    if limit and sampler == "hash":
        assert sum(not entry.is_dropped for entry in entries) <= limit * 3


@given(st.text(st.characters(categories=("L", "N", "Cs")), max_size=8), st.integers(0, 2**64))
def test_an_instance_at_rest_is_whole_or_known_not_to_be(text: str, number: int) -> None:
    instance = Instance("i", "?", "A", fields={"note": [text], "number": number})
    (entry,) = packed(["i"])
    entry.replace(instance)
    assert entry.has_whole_characters is not any("\ud800" <= letter <= "\udfff" for letter in text)
    assert entry.unpack() == instance
    compress([entry])
    assert entry.unpack() == instance


@given(st.lists(st.tuples(st.text(max_size=4), st.integers(0, 40_000)), min_size=1, max_size=12), st.randoms())
def test_instances_that_are_compressed_together_are_read_apart(contents: list[tuple[str, int]], random: Any) -> None:
    instances = [Instance(f"i{place}", word * size, word) for place, (word, size) in enumerate(contents)]
    entries = packed([instance.id for instance in instances])
    for entry, instance in zip(entries, instances, strict=True):
        entry.replace(instance)
    compress(entries)
    changed = random.randrange(len(entries))
    instances[changed] = replace(instances[changed], cluster="again")
    entries[changed].replace(instances[changed])
    compress(entries)
    places = random.sample(range(len(entries)), len(entries))
    for kept in (entries, pickle.loads(pickle.dumps(entries))):
        assert [kept[place].unpack() for place in places] == [instances[place] for place in places]


@pytest.mark.parametrize(
    "changed",
    ["", "shared/templates.py", "__init__.py", "conftest.py", "medical_research_assistance/test_pubmed_qa.py"],
)
def test_a_copy_of_our_benchmarks_measures_the_same(tmp_path: Path, changed: str) -> None:
    shutil.copytree(BENCHMARKS, tmp_path / "sent", ignore=shutil.ignore_patterns("samples", "__pycache__"))
    if changed:
        (tmp_path / "sent" / changed).open("a").write("# another rule\n")
    for file in ("medical_research_assistance/test_pubmed_qa.py", "shared/long_record/scope.py"):
        assert is_packaged(BENCHMARKS / file)
        same = not changed or (changed != file and "/test_" in changed)
        assert is_packaged(tmp_path / "sent" / file) is same


def test_solved_examples_take_turns_by_answer() -> None:
    examples = [Instance(f"e{number}", "?", "A" if number else "B") for number in range(5)]
    assert sorted(entry.answer for entry in spread(examples, name="t")[:2]) == ["A", "B"]
    assert spread(examples[::-1], name="t") == spread(examples, name="t")


WITH_EXAMPLES = '''
"""A benchmark with a development split. Asked: Read: Scored: Source:"""
import json
from pytest_medhelm import DataFile, Examples, Instance, Task
from pytest_medhelm.tasks.prompts import letter_prompt

def load(path):
    for row in json.loads(path.read_text()):
        yield Instance(row["id"], row["question"], row["answer"], choices=("one", "two"), slices={"ward": row["ward"]})

TASK = Task(
    name="shown", title="Shown", subcategory="Planning Treatments", access="public", kind="multiple_choice",
    files=(DataFile("test.json"),), load=load, main_metric="exact_match", licence="CC0-1.0", source="the tests",
    examples=Examples((DataFile("dev.json"),), load, answer=lambda entry: f"It is {entry.answer}.", within="ward"),
)

def prompt(instance):
    return letter_prompt("Choose.", instance)

def test_shown(instance, response, score):
    score.choice(response, instance)
'''


def row(name: str, answer: str, ward: str = "7", question: str = "") -> dict[str, str]:
    return {"id": name, "question": question or f"Case {name}. Gold {answer}.", "answer": answer, "ward": ward}


@pytest.fixture
def shown(pytester: pytest.Pytester) -> Path:
    """A benchmark of three questions on two wards; one question is repeated in its development split."""
    (pytester.path / "test_shown.py").write_text(WITH_EXAMPLES)
    folder = pytester.path / "data" / "shown"
    folder.mkdir(parents=True)
    (folder / "test.json").write_text(json.dumps([row("t1", "A"), row("t2", "B"), row("t3", "A", "8")]))
    repeated = row("d9", "A", question="Case t1. Gold A.")
    solved = [row("d1", "A"), row("d2", "B"), row("d3", "B", "8"), row("d4", "A", "8"), repeated]
    (folder / "dev.json").write_text(json.dumps(solved))
    return folder.parent


def asked(body: dict[str, Any]) -> list[str]:
    return [str(message["content"]) for message in body["messages"]]


def test_solved_examples_are_earlier_turns_of_the_same_group(
    shown: Path, run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    assert run(*vllm(server), f"--medhelm-data={shown}", "--medhelm-shots=2").ret == 0
    assert len(server.requests) == 3
    for body in server.requests:
        roles = [message["role"] for message in body["messages"]]
        assert roles == ["user", "assistant", "user", "assistant", "user"]
        first, reply, second, other, question = asked(body)
        assert {reply, other} == {"It is A.", "It is B."}
        ward = {"t1": "7", "t2": "7", "t3": "8"}[question.split("Case ")[1][:2]]
        wards = {"d1": "7", "d2": "7", "d9": "7", "d3": "8", "d4": "8"}
        shown_ids = [text.split("Case ")[1][:2] for text in (first, second)]
        # d9 repeats the question t1: it may be shown to t2, never to t1
        assert all((name == "t1" and "t1" not in question) or wards[name] == ward for name in shown_ids)
    assert cell(leaderboard(pytester.path), "shown")["metrics"]["exact_match"]["value"] == 1.0
    (facts,) = leaderboard(pytester.path)["results"]["benchmarks"]
    assert facts["shots"] == 2


def test_an_instance_is_never_its_own_example(shown: Path, run: Any, server: MockServer) -> None:
    run(*vllm(server), f"--medhelm-data={shown}", "--medhelm-shots=5")
    (body,) = [body for body in server.requests if "Case t1" in asked(body)[-1]]
    assert not any("Case t1" in text for text in asked(body)[:-1])
    assert len(asked(body)) == 2 * 2 + 1, "ward 7 has two other examples"


def test_runs_with_and_without_examples_are_not_mixed(
    shown: Path, run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    run(*vllm(server), f"--medhelm-data={shown}")
    before = leaderboard(pytester.path)["results"]
    assert all(len(asked(body)) == 1 for body in server.requests)
    run(*vllm(server), f"--medhelm-data={shown}", "--medhelm-shots=1")
    assert len(server.requests) == 6
    run(*vllm(server), f"--medhelm-data={shown}")
    assert len(server.requests) == 6
    assert leaderboard(pytester.path)["results"] == before


def test_a_missing_development_split_skips_with_a_sentence(shown: Path, run: Any, server: MockServer) -> None:
    (shown / "shown" / "dev.json").unlink()
    result = run(*vllm(server), f"--medhelm-data={shown}", "--medhelm-shots=1")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["medhelm: shown: what --medhelm-shots shows comes from dev.json, which is not *"])
    assert run(*vllm(server), f"--medhelm-data={shown}").ret == 0, "without examples the split is not needed"


def test_a_benchmark_without_a_split_is_asked_without_examples(
    letters: Callable[..., Path], run: Any, server: MockServer
) -> None:
    assert run(*vllm(server), f"--medhelm-data={letters(3)}", "--medhelm-shots=3").ret == 0
    assert all(len(asked(body)) == 1 for body in some(server.requests))


def test_system_messages_stay_in_front_of_solved_examples() -> None:
    from pytest_medhelm.tasks.data.sources import Source
    from pytest_medhelm.tasks.task import Examples

    def prompt(instance: Instance) -> list[dict[str, str]]:
        return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": instance.question}]

    task = Task(
        name="t", title="T", subcategory="Planning Treatments", access="public", kind="classification",
        files=(), load=lambda: (), main_metric="exact_match", licence="", source="",
        examples=Examples((), lambda: ()),
    )  # fmt: skip
    solved = {"": [Instance("e", "Earlier?", "yes")]}
    benchmark = Benchmark(task, prompt, Source("given", Path(), (), {}), (), 0, {}, "", (), "", 1, examples=solved)
    messages = benchmark.messages(Instance("i", "Now?", "no"))
    assert [(message["role"], message["content"]) for message in messages] == [
        ("system", "Be brief."), ("user", "Earlier?"), ("assistant", "yes"), ("user", "Now?"),
    ]  # fmt: skip


# Duplicates, sub-tasks, scores that do not apply


def test_exact_duplicates_are_kept_as_one_cluster(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    data = letters(4)
    rows = json.loads((data / "letters/letters.json").read_text())
    rows += [{**entry, "id": f"again-{entry['id']}"} for entry in rows]
    for path in (data / "letters/letters.json", pytester.path / "pinned.json"):
        path.write_text(json.dumps(rows))
    run(*vllm(server), f"--medhelm-data={data}")
    found = cell(leaderboard(pytester.path), "letters")
    assert found["n"] == 8
    assert "4 clusters" in found["metrics"]["exact_match"]["method"]
    assert len(server.requests) == 4, "the same question is asked once"


SUB_RUNS = '''
"""Two fixed sub-tasks."""
from pytest_medhelm import DataFile, Instance, Task

def load(path):
    for number, (run, right) in enumerate(line.split(",") for line in path.read_text().split()):
        yield Instance(f"{run}{number}", f"Case {number}. Gold {right}.", "A", choices=("a", "b"), slices={"run": run})

TASK = Task(records=("certain",),
    name="halves", title="Halves", subcategory="Planning Treatments", access="public", kind="multiple_choice",
    files=(DataFile("halves.csv"),), load=load, main_metric="exact_match", licence="CC0-1.0", source="the tests",
    sub_tasks_by="run", sub_tasks=("one", "two"), cap=900,
)

def prompt(instance):
    return instance.question

def test_halves(instance, response, score):
    score.choice(response, instance)
'''


def halves(pytester: pytest.Pytester, counts: dict[str, tuple[int, int]]) -> Path:
    """A benchmark whose sub-tasks have so many instances, so many of them answered right."""
    (pytester.path / "test_halves.py").write_text(SUB_RUNS)
    folder = pytester.path / "data" / "halves"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{name},{'A' if number < right else 'B'}" for name, (n, right) in counts.items() for number in range(n)]
    (folder / "halves.csv").write_text("\n".join(lines))
    return folder.parent


def test_a_cell_is_the_unweighted_mean_of_its_sub_runs(pytester: pytest.Pytester, run: Any, server: MockServer) -> None:
    data = halves(pytester, {"one": (900, 810), "two": (100, 50)})
    run(*vllm(server), f"--medhelm-data={data}")
    summary = cell(leaderboard(pytester.path), "halves")["metrics"]["exact_match"]
    assert summary["value"] == 0.7
    # sqrt(0.9 * 0.1 / 900 + 0.5 * 0.5 / 100) / 2
    assert round(summary["standard_error"], 4) == 0.0255
    assert summary["low"] < 0.7 - 1.9 * 0.0255
    assert summary["high"] > 0.7 + 1.9 * 0.0255


def test_a_missing_sub_run_leaves_no_value(pytester: pytest.Pytester, run: Any, server: MockServer) -> None:
    data = halves(pytester, {"one": (9, 8)})
    result = run(*vllm(server), f"--medhelm-data={data}", "--medhelm-gate=halves.exact_match >= 0.5")
    summary = cell(leaderboard(pytester.path), "halves")["metrics"]["exact_match"]
    assert summary["value"] is None
    assert summary["standard_error"] is None
    assert summary["note"] == "a sub-task is missing"
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*no value: a sub-task is missing*", "*not evaluated*a sub-task is missing*"])


def test_a_benchmarks_own_cap_stays_until_all_is_asked_for(pytester: pytest.Pytester, run: Any) -> None:
    data = halves(pytester, {"one": (950, 950), "two": (10, 10)})
    for option, n in ((), 910), (("--medhelm-limit=20",), 30), (("--medhelm-limit=all",), 960):
        run("--medhelm-model=baseline/majority", f"--medhelm-data={data}", *option)
        assert cell(leaderboard(pytester.path), "halves")["n"] == n


def test_a_score_that_does_not_apply_is_neither_measured_nor_missing(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    data = letters(8)
    path = pytester.path / "test_letters.py"
    path.write_text(
        path.read_text().replace("TASK = Task(", "TASK = Task(records=('certain',), ")
        + """
    if instance.answer == "D":
        score.not_applicable("certain")
    else:
        score.record("certain", 0.5)
    score.label(response.choice, instance.answer)
"""
    )
    run(*vllm(server), f"--medhelm-data={data}")
    metrics = cell(leaderboard(pytester.path), "letters")["metrics"]
    certain = metrics["certain"]
    assert (certain["value"], certain["n"], certain["missing"]) == (0.5, 6, 0)
    assert (certain["worst"], certain["best"]) == (0.5, 0.5)
    assert metrics["macro_f1"]["value"] == 1.0
    assert metrics["exact_match"]["n"] == 8


def test_records_that_a_rule_leaves_out_are_counted(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    data = letters(6)
    path = pytester.path / "test_letters.py"
    path.write_text(
        path.read_text()
        .replace("import DataFile, Instance, Task", "import DataFile, Instance, Excluded, Task")
        .replace("    yield Instance(", "    yield Excluded('gold is C') if row['answer'] == 'C' else Instance(")
    )
    run(*vllm(server), f"--medhelm-data={data}")
    (facts,) = leaderboard(pytester.path)["results"]["benchmarks"]
    assert facts["data"]["instances"] == 5
    assert facts["data"]["left_out"] == {"gold is C": 1}
    path.write_text(path.read_text().replace("row['answer'] == 'C'", "row['answer']"))
    result = run(*vllm(server), f"--medhelm-data={data}")
    result.stdout.fnmatch_lines(["*letters.json holds no instance: 6 left out (gold is C)*"])
    assert "1 left out (gold is C)" in (pytester.path / "medhelm-results/default/leaderboard.html").read_text()


# Where data may go


@pytest.mark.parametrize(
    ("host", "options", "sent"),
    [
        ("127.0.0.1", (), True),
        ("api.example.org", (), False),
        ("api.example.org", ("--medhelm-allow-host=api.example.org",), True),
    ],
)
def test_data_under_an_agreement_is_not_sent_to_third_parties(
    host: str, options: Sequence[str], sent: bool, letters: Callable[..., Path], run: Any, server: MockServer,
    pytester: pytest.Pytester,
) -> None:  # fmt: skip
    data = letters(3)
    path = pytester.path / "test_letters.py"
    path.write_text(path.read_text().replace("chance=0.25", "chance=0.25, may_use_hosted_api=False"))
    # the name is resolved to the mock server, so that nothing leaves this machine whatever happens
    (pytester.path / "conftest.py").write_text(
        f"""
import socket
real = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: real("127.0.0.1" if host == {host!r} else host, *rest, **more)
"""
    )
    url = server.url.replace("127.0.0.1", host)
    result = run("--medhelm-model=vllm/mock", f"--medhelm-base-url={url}", f"--medhelm-data={data}", *options)
    if sent:
        assert cell(leaderboard(pytester.path), "letters")["n"] == 3
    else:
        result.assert_outcomes(skipped=1)
        result.stdout.fnmatch_lines(
            ["medhelm: letters is not sent to vllm/mock: its terms allow no service of a third party; *allow-host=*"]
        )
        assert not server.requests


def test_real_data_is_not_mixed_with_sample_data(run: Any, pytester: pytest.Pytester, real_data: Path) -> None:
    from tests.support.paths import BENCHMARKS

    folder = pytester.path / "data"
    folder.mkdir()
    (folder / "pubmed_qa").symlink_to(real_data / "pubmed_qa")
    result = run(
        BENCHMARKS, "-k", "pubmed_qa or shc_bmt_med", "--medhelm-model=baseline/majority", f"--medhelm-data={folder}",
        "--medhelm-limit=20",
    )  # fmt: skip
    assert {entry["benchmark"] for entry in leaderboard(pytester.path)["results"]["cells"]} == {"pubmed_qa"}
    result.stdout.fnmatch_lines(["medhelm: shc_bmt_med has no data here: *shc_bmt_med.csv*"])
