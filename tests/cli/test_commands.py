"""The medhelm command as a whole: every command is listed, and loaded only when it is chosen."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_medhelm.cli import main as command
from pytest_medhelm.cli.main import COMMANDS, main


def test_help_names_every_command_and_imports_none() -> None:
    code = (
        "import sys; from pytest_medhelm.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*sorted(name for name in sys.modules if name.startswith('pytest_medhelm.')))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    text, _, loaded = shown.rstrip().rpartition("\n")
    assert [name for name in COMMANDS if not re.search(rf"^    {name}\s", text, re.MULTILINE)] == []
    of_command = {"cli", "cli.main", "cli.parser", "util", "util.errors"}
    assert set(loaded.split()) <= {f"pytest_medhelm.{name}" for name in of_command}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_says_what_it_takes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"usage: medhelm {name}" in capsys.readouterr().out


def test_each_module_with_a_parser_is_a_command() -> None:
    modules = {
        path.stem.replace("_", "-")
        for path in Path(str(command.__file__)).parent.glob("*.py")
        if "\ndef add_arguments(" in path.read_text("utf-8")
    }
    # A verb of a command may have a module too: gate_explain.
    assert modules >= COMMANDS.keys()
    assert {name for name in modules - COMMANDS.keys() if name.partition("-")[0] not in COMMANDS} == set()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ([], "usage: medhelm"),
        (["nosuch"], "no command 'nosuch': 'medhelm --help'"),
        (["--nosuch"], "medhelm lacks COMMAND: "),
    ],
)
def test_no_command_is_wrong_usage(typed: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(typed) == 2
    shown = capsys.readouterr()
    assert said in shown.out + shown.err
