"""Write docs/options.md from the table of options: python docs/options_table.py"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_medhelm.util.option import Option
from pytest_medhelm.util.options import CONFIG, OPTIONS

PAGE = Path(__file__).parent / "options.md"


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Options"
    yield ""
    yield "<!-- Written by docs/options_table.py from pytest_medhelm/util/options.py. -->"
    yield ""
    yield "Each option can be set in three places, the stronger first: on the command line, in pytest's ini file"
    yield "(`pytest.ini`, `[tool.pytest.ini_options]` of `pyproject.toml`, `tox.ini`, or `-o NAME=VALUE`), and under"
    yield "`[run]` in `medhelm.toml`. A list replaces the whole list of a weaker place; in an ini file it has one entry"
    yield "a line. A bad value ends the session with one sentence that names the place. Relative paths start where"
    yield "pytest is started."
    yield ""
    yield "| command line | ini file | `[run]` | meaning |"
    yield "|---|---|---|---|"
    yield from map(_row, (*OPTIONS, CONFIG))


def _row(option: Option) -> str:
    flag = f"{option.flag}={option.metavar}" if option.metavar else option.flag
    key = "" if option is CONFIG else f"`{_example(option)}`"
    return f"| `{_cell(flag)}` | `{option.ini}` | {_cell(key)} | {_cell(option.help)} |"


def _example(option: Option) -> str:
    return {"list": f"{option.key} = [...]", "flag": f"{option.key} = true", "one": option.key}[option.shape]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
