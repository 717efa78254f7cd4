"""Keys, record numbers and the names of data files: nowhere but in the suite's two databases."""

from __future__ import annotations

import html
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from pytest_medhelm.tasks import public_ids
from pytest_medhelm.util.errors import DataError

WARD = """\
name: ward
title: Ward
subcategory: Planning Treatments
access: private
licence: ours
source: the ward
data: Canary_Surname.csv
columns:
  id: record
prompt: "{question}"
answer:
  kind: label
  column: gold
  choices: ["yes", "no"]
"""
ROWS = "record,question,gold\n" + "".join(f"CANARY-NUMBER-{n},CANARY question {n},yes\n" for n in range(6))
SECRETS = ("Canary_Surname", "CANARY-NUMBER", "CANARY question", "CANARYUSER", "CANARYPASS", "CANARYQUERY", "CANARYKEY")


def everything(folder: Path, *said: str) -> dict[str, list[str]]:
    """By file the secrets in it: all that was written but the databases and the pages of all instances."""
    texts = {f"said {number}": text for number, text in enumerate(said)}
    given = {"ward.medhelm.yaml", "Canary_Surname.csv", "medhelm.toml", "stdout", "stderr"}
    for path in folder.rglob("*"):
        inside = path.relative_to(folder).parts
        kept = path.name.startswith(("suite.sqlite", "responses.sqlite")) or "browser" in inside
        if path.is_file() and path.name not in given and not kept:
            texts["/".join(inside)] = html.unescape(path.read_bytes().decode("utf-8", "replace"))
    found = {name: [secret for secret in SECRETS if secret in text] for name, text in texts.items()}
    return {name: secrets for name, secrets in found.items() if secrets}


def test_keys_and_names_of_patients_are_nowhere(
    run: Callable[..., pytest.RunResult],
    pytester: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MEDHELM_ID_KEY", "a key of this hospital")
    (pytester.path / "ward.medhelm.yaml").write_text(WARD)
    (pytester.path / "Canary_Surname.csv").write_text(ROWS)
    options = ("--junitxml=ci.xml", "--html=ci.html", "--self-contained-html", "-v", "--medhelm-gate=ward >= 0.1")
    with MockServer(lambda body: "yes", models=("mock",)) as server:
        credentials = server.url.replace("http://", "http://CANARYUSER:CANARYPASS@") + "?key=CANARYQUERY"
        good = run("ward.medhelm.yaml", "--medhelm-model=vllm/mock", f"--medhelm-base-url={credentials}", *options)
        assert good.ret == 0
        with_key = server.url.replace("/v1", "/CANARYKEY/v1")
        run("ward.medhelm.yaml", "--medhelm-model=vllm/other", f"--medhelm-base-url={with_key}", "--medhelm-wait=0")
        suite = "medhelm-results/default"
        for command in (
            ["report", suite], ["export", suite], ["export", suite, "--table=verdicts"], ["gate", "card", suite],
            ["gate", "new", "gate.toml", "--suite", suite], ["gate", "apply", suite, "gate.toml"], ["ledger", "show"],
            ["compare", suite, suite, "--model=vllm/mock"], ["trend", suite, suite], ["jury-agreement", suite],
            ["models", with_key],
        ):  # fmt: skip
            main(command)
    broken = ROWS.replace("gold", "answer")
    (pytester.path / "Canary_Surname.csv").write_text(broken)
    bad = run("ward.medhelm.yaml", "--medhelm-model=baseline/lexical", "-rA", "--junitxml=bad.xml")
    (pytester.path / "Canary_Surname.csv").unlink()
    gone = run("ward.medhelm.yaml", "--medhelm-model=baseline/lexical", "-rA", "--junitxml=gone.xml")
    said = capsys.readouterr()
    assert "the data file" in bad.stdout.str()
    assert "the data file" in gone.stdout.str()
    outputs = [result.stdout.str() + result.stderr.str() for result in (good, bad, gone)]
    # capsys has the sessions' command lines too, which name what the user typed.
    shown = [line for line in (said.out + said.err).splitlines() if not line.startswith("running: pytest")]
    assert everything(pytester.path, *outputs, "\n".join(shown)) == {}


def test_files_keep_to_their_owner_whatever_the_umask(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    (pytester.path / "ward.medhelm.yaml").write_text(WARD)
    (pytester.path / "Canary_Surname.csv").write_text(ROWS)
    before = os.umask(0)
    try:
        run("ward.medhelm.yaml", "--medhelm-model=baseline/lexical", "--medhelm-gate=ward >= 0.01")
        main(["export", "medhelm-results/default", "--text"])
    finally:
        os.umask(before)
    results = pytester.path / "medhelm-results"
    modes = {path.relative_to(results).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in results.rglob("*")}
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}
    assert stat.S_IMODE(results.stat().st_mode) == 0o700


def test_an_id_key_is_whole_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "id.key"
    first = public_ids._stored_key(path)
    assert (len(first), public_ids._stored_key(path)) == (32, first)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for damaged in (b"", b"\n", b"abc"):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="holds no whole key"):
            public_ids._stored_key(path)
    path.unlink()
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(DataError, match="No space left"):
        public_ids._stored_key(path)
    assert list(tmp_path.iterdir()) == []
