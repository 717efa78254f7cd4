"""The templates for CI systems: valid for their providers, and their commands do what they promise."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from perf.mock_server import Fault, MockServer
from tests.support.letters import LETTERS, gold, letters_data
from tests.support.nightly import NIGHTLY, by_night
from tests.support.paths import CHECKOUT
from tests.support.suites import leaderboard

GITHUB = CHECKOUT / "docs/ci/github-actions.yml"
GITLAB = CHECKOUT / "docs/ci/gitlab-ci.yml"
PARTS = 4 if NIGHTLY else 2
"""Jobs that share the evaluation; by day fewer than the templates say: each is a dozen processes."""
INSTALL = 'python -m pip install "$PACKAGE"'
GATE = """
[benchmarks.letters]
n = "all"
[[rule]]
rule = "letters.exact_match.lower >= 0.70"
[[rule]]
rule = "*.request_error <= 0.01"
"""


def content(path: Path) -> Any:
    # YAML 1.1 reads the key `on` as true; nothing here depends on it.
    return yaml.safe_load(path.read_text("utf-8"))


def commands(path: Path) -> Iterator[str]:
    """Everything that a template hands to a shell."""
    if path == GITHUB:
        for job in content(path)["jobs"].values():
            yield from (step["run"] for step in job["steps"] if "run" in step)
    else:
        for job in content(path).values():
            if isinstance(job, dict):
                for key in ("before_script", "script", "after_script"):
                    yield from job.get(key, ())


def schema_problems(path: Path) -> subprocess.CompletedProcess[str]:
    provider = {
        GITHUB.name: ["vendor.github-workflows"],
        GITLAB.name: ["vendor.gitlab-ci", "--data-transform=gitlab-ci"],
    }
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *provider[path.name], str(path)],
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("template", "right", "wrong"),
    [(GITHUB, "runs-on:", "runs_on:"), (GITLAB, "expire_in: 7 days", "expires: 7 days")],
    ids=["github", "gitlab"],
)
def test_a_template_is_valid_for_its_provider(template: Path, right: str, wrong: str, tmp_path: Path) -> None:
    pytest.importorskip("check_jsonschema", reason="needs check-jsonschema, of the extra [test]")
    result = schema_problems(template)
    assert result.returncode == 0, result.stdout + result.stderr
    broken = tmp_path / template.name
    broken.write_text(template.read_text().replace(right, wrong))
    assert schema_problems(broken).returncode == 1, "a misspelt key is found"


@pytest.mark.parametrize("template", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_what_a_shell_gets_is_plain(template: Path) -> None:
    found = list(commands(template))
    assert any("--medhelm-shard" in command for command in found)
    for command in found:
        assert "${{" not in command, "expressions of the provider reach a shell as variables only"
        assert subprocess.run(["bash", "-n", "-c", command]).returncode == 0
    assert INSTALL in found, "the step that the tests below leave out"
    text = template.read_text()
    assert len(re.findall(r"^ +MODEL: ", text, re.M)) == len(re.findall(r"^ +GATE: ", text, re.M)) == 1
    assert text.count("ward/candidate") == 1, "the model is changed in one place"
    assert len(re.findall(r"[\w./-]*gate\.toml", text)) == 1, "and the gate file"


@dataclass
class Provider:
    """As much of a CI system as the templates use: fresh folders for jobs, artifacts, and a cache between runs."""

    home: Path
    environment: Mapping[str, str]
    cache: dict[str, Path] = field(default_factory=dict)
    runs: int = 0

    def folder(self, name: str) -> Path:
        """A checkout for one job of this run."""
        target = self.home / f"run-{self.runs}" / name
        shutil.copytree(self.home / "repository", target)
        return target

    def shell(self, command: str, folder: Path, values: Mapping[str, object]) -> subprocess.CompletedProcess[str]:
        """Run a command as the providers do: bash stops at the first failure."""
        return subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", command],
            cwd=folder,
            env={**self.environment, **{key: str(value) for key, value in values.items()}},
            capture_output=True,
            text=True,
        )

    def save(self, key: str, file: Path) -> None:
        if file.exists():
            kept = self.home / "cache" / f"{len(self.cache)}-{key}"
            kept.parent.mkdir(exist_ok=True)
            shutil.copyfile(file, kept)
            self.cache[key] = kept

    def restore(self, prefix: str, file: Path) -> None:
        newest = [kept for key, kept in self.cache.items() if key.startswith(prefix)]
        if newest:
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(newest[-1], file)


@dataclass
class Done:
    """What a run of a pipeline left."""

    statuses: dict[str, int]
    log: str
    parts: list[Path]
    gate: Path


def github(provider: Provider, model: str) -> Done:
    """Run the jobs of the workflow; what GitHub's own actions do is played by the provider."""
    workflow = content(GITHUB)
    provider.runs += 1
    artifacts = provider.home / f"run-{provider.runs}" / "artifacts"
    log: list[str] = []

    def job(name: str, matrix: Mapping[str, int]) -> tuple[int, Path]:
        known = {f"matrix.{key}": value for key, value in matrix.items()}
        known |= {"strategy.job-total": PARTS, "github.run_id": provider.runs, "github.run_attempt": 1}
        known |= {"secrets.MEDHELM_ID_KEY": "a key for the tests"}  # type: ignore[dict-item]

        def expanded(text: object) -> str:
            return re.sub(r"\$\{\{ (\S+) \}\}", lambda found: str(known[found[1]]), str(text))

        facts = workflow["jobs"][name]
        folder = provider.folder("-".join([name, *map(str, matrix.values())]))
        values = {key: expanded(text) for key, text in {**workflow["env"], **facts.get("env", {})}.items()}
        values |= {"MODEL": model, "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(folder / "step.md")}
        status = 0
        for step in facts["steps"]:
            if status and step.get("if") != "always()":
                continue
            given = {key: expanded(text) for key, text in step.get("with", {}).items()}
            match step.get("uses", "").partition("@")[0]:
                case "":
                    if step["run"] != INSTALL:
                        result = provider.shell(step["run"], folder, values)
                        log.append(result.stdout + result.stderr)
                        status = status or result.returncode
                case "actions/cache/restore":
                    assert given["key"].startswith(given["restore-keys"])
                    provider.restore(given["restore-keys"], folder / given["path"])
                case "actions/cache/save":
                    provider.save(given["key"], folder / given["path"])
                case "actions/upload-artifact":
                    keep(artifacts / given["name"], folder, given["path"].split())
                case "actions/download-artifact":
                    for path in glob(str(artifacts / given["pattern"])):
                        shutil.copytree(path, folder / given["path"] / Path(path).name)
                case other:
                    assert other in ("actions/checkout", "actions/setup-python")
        return status, folder

    with ThreadPoolExecutor(2) as pool:
        numbers = workflow["jobs"]["part"]["strategy"]["matrix"]["part"]
        assert numbers == [1, 2, 3, 4]
        numbers = numbers[:PARTS]
        parts = list(pool.map(lambda number: job("part", {"part": number}), numbers))
    status, gate = job("gate", {})
    assert {path.name for path in artifacts.iterdir()} >= {"verdict", "whole", *(f"junit-{n}" for n in numbers)}
    assert {path.name for path in (artifacts / "verdict").iterdir()} == {"summary.md", "ledger.jsonl"}
    statuses = {f"part {number}": part[0] for number, part in zip(numbers, parts, strict=True)}
    return Done({**statuses, "gate": status}, "".join(log), [part[1] for part in parts], gate)


def keep(target: Path, folder: Path, paths: list[str]) -> None:
    """What upload-artifact does: a folder's content, or the files by their names."""
    target.mkdir(parents=True)
    for path in paths:
        source = folder / path
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target / source.name)


def gitlab(provider: Provider, model: str) -> Done:
    """Run the jobs of the pipeline, with GitLab's variables, artifacts and cache played by the provider."""
    pipeline = content(GITLAB)
    provider.runs += 1
    log: list[str] = []

    def job(name: str, values: dict[str, object], needed: list[Path]) -> tuple[int, Path]:
        def expanded(text: str) -> str:
            return re.sub(r"\$(\w+)", lambda found: str(values[found[1]]), text)

        facts = pipeline[name]
        folder = provider.folder("-".join(map(str, [name, *values.values()])))
        values |= pipeline["variables"] | {"MODEL": model, "MEDHELM_ID_KEY": "a key for the tests", "GITLAB_CI": "true"}
        (cached,) = [expanded(path) for path in facts["cache"]["paths"]]
        key = expanded(facts["cache"]["key"])
        provider.restore(key, folder / cached)
        for other in needed:
            shutil.copytree(other, folder, dirs_exist_ok=True)
        status = 0
        script = [line for line in pipeline["default"]["before_script"] + facts["script"] if line != INSTALL]
        for command in (*script, *facts.get("after_script", ())):
            if not status or command in facts.get("after_script", ()):
                result = provider.shell(command, folder, values)
                log.append(result.stdout + result.stderr)
                status = status or (result.returncode if command in script else 0)
        provider.save(key, folder / cached)
        kept = folder.with_name(folder.name + ".artifacts")
        for path in map(expanded, facts["artifacts"]["paths"]):
            (kept / path).parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (folder / path).is_dir() else shutil.copyfile)(folder / path, kept / path)
        return status, folder

    assert pipeline["part"]["parallel"] == 4
    count = PARTS
    with ThreadPoolExecutor(2) as pool:
        numbers = range(1, count + 1)
        parts = list(pool.map(lambda n: job("part", {"CI_NODE_INDEX": n, "CI_NODE_TOTAL": count}, []), numbers))
    assert pipeline["gate"]["needs"] == ["part"]
    needed = [folder.with_name(folder.name + ".artifacts") for _, folder in parts]
    status, gate = job("gate", {}, needed)
    statuses = {f"part {number}": part[0] for number, part in zip(numbers, parts, strict=True)}
    return Done({**statuses, "gate": status}, "".join(log), [part[1] for part in parts], gate)


def nine_of_ten(body: dict[str, Any]) -> str:
    """The model `better` is right nine times of ten, `worse` five times."""
    number = int(re.search(r"Case (\d+)\.", str(body))[1])  # type: ignore[index]
    right = number % 10 != 0 if body["model"] == "better" else number % 2 == 0
    return gold(body) if right else "ABCD"["BCDA".index(gold(body))]


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[tuple[Provider, MockServer]]:
    """A provider with a repository as the templates expect it: benchmarks, gate file, medhelm.toml with the server."""
    repository = tmp_path / "repository"
    (repository / "benchmarks").mkdir(parents=True)
    (repository / "data/letters").mkdir(parents=True)
    (repository / "benchmarks/test_letters.py").write_text(LETTERS)
    for path in ("benchmarks/pinned.json", "data/letters/letters.json"):
        (repository / path).write_text(letters_data(60))
    (repository / "gate.toml").write_text(GATE)
    scripts = Path(sys.executable).parent
    environment = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    environment |= {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "XDG_CACHE_HOME": str(tmp_path / "home")}
    with MockServer(nine_of_ten, models=("better", "worse")) as server:
        (repository / "medhelm.toml").write_text(
            f'[run]\ndata = "data"\n[endpoints.ward]\nbase_url = "{server.url}"\nretries = 0\n'
        )
        yield Provider(tmp_path, environment), server


@pytest.mark.parametrize("pipeline", by_night([github], [gitlab]))
def test_its_commands_evaluate_judge_and_go_on_from_the_run_before(
    pipeline: Callable[[Provider, str], Done], provider: tuple[Provider, MockServer]
) -> None:
    runner, server = provider
    better = pipeline(runner, "ward/better")
    assert set(better.statuses.values()) == {0}, better.log
    assert len(server.requests) == 60, "each part asks its own"
    board = leaderboard(better.gate, "whole")
    assert [gate["verdict"] for gate in board["results"]["gates"]] == ["pass", "pass"]
    assert board["measurements"]["attempt"]["number"] == 1

    worse = pipeline(runner, "ward/worse")
    assert worse.statuses == {**dict.fromkeys(better.statuses, 0), "gate": 1}, worse.log
    sentence = leaderboard(worse.gate, "whole")["results"]["gates"][0]["sentence"]
    assert sentence in worse.log
    assert len(server.requests) == 120
    assert leaderboard(worse.gate, "whole")["measurements"]["attempt"]["number"] == 2, "the ledger is that of before"

    ledger = [json.loads(line) for line in (worse.gate / "medhelm-results/ledger.jsonl").read_text().splitlines()]
    assert [entry["kind"] for entry in ledger] == ["finished"] * 2, "a part is no attempt of its own"
    for part in worse.parts:
        (file,) = part.glob("medhelm-results/part-*/responses.sqlite")
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("SELECT count(*) FROM responses").fetchone() == (120 // PARTS,), (
                "the earlier run's too"
            )

    cases = [
        case
        for part in worse.parts
        for file in part.glob("junit*.xml")
        for case in ElementTree.fromstring(file.read_text()).iter("testcase")
    ]
    assert len(cases) == 60
    if pipeline is gitlab:
        (failed,) = ElementTree.fromstring((worse.gate / "gate.xml").read_text()).iter("failure")
        assert failed.text == sentence
    if pipeline is github:
        assert "::error title=medhelm gate::" + sentence.replace("%", "%25") in worse.log
        assert "::error" not in better.log
        assert "letters" in (worse.gate / "step.md").read_text()


def test_a_part_without_an_answer_is_left_to_the_gate_and_a_mistake_is_not(
    provider: tuple[Provider, MockServer],
) -> None:
    runner, server = provider
    server.reply = lambda body: Fault("status", 400) if "Case 7." in str(body) else nine_of_ten(body)
    (command,) = [line for line in commands(GITLAB) if "--medhelm-shard" in line]
    values = {"BENCHMARKS": "benchmarks", "MODEL": "ward/better", "CI_NODE_INDEX": 1, "CI_NODE_TOTAL": 1}
    folder = runner.folder("part")
    result = runner.shell(command, folder, values)
    assert (result.returncode, "1 error" in result.stdout) == (0, True)
    result = runner.shell(content(GITLAB)["gate"]["script"][0], folder, {"GATE": "gate.toml"})
    assert result.returncode == 1, "1 of 60 is more than the gate allows"
    assert "*.request_error <= 0.01" in result.stdout
    result = runner.shell(command, folder, {**values, "MODEL": "ward"})
    assert result.returncode == 1, "pytest's 4 is no 1, which is let pass"
    assert "ERROR: model 'ward' is unknown" in result.stderr
