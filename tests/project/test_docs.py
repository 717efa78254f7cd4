"""The documentation names what there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.support.paths import CHECKOUT

PAGES = [*sorted((CHECKOUT / "docs").glob("*.md")), CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md"]
HOW = (CHECKOUT / "docs/how-it-works.md").read_text()


def test_the_index_has_every_page_in_one_line() -> None:
    lines = [line for line in (CHECKOUT / "docs/index.md").read_text().splitlines() if line.startswith("- ")]
    listed = [re.match(r"- \[([\w-]+\.md)\]\(\1\): \w", line) for line in lines]
    names = [match[1] for match in listed if match]
    assert sorted(names) == sorted(page.name for page in PAGES if page.parent.name == "docs" and page.stem != "index")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s#]+)(?:#[\w-]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def hops(heading: str) -> list[tuple[str, str]]:
    """Module and function of each hop of a table."""
    section = HOW.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| \d+ \|.*\| `([\w/.]+)` \| `(\w+)` \|$", section, re.MULTILINE)


@pytest.mark.parametrize(
    ("heading", "most"), [("One instance, from file to cell", 14), ("One rule, to the exit status", 8)]
)
def test_each_hop_is_a_function_of_its_module(heading: str, most: int) -> None:
    found = hops(heading)
    assert 5 <= len(found) <= most
    for module, function in found:
        code = (CHECKOUT / "pytest_medhelm" / module).read_text()
        assert re.search(rf"^\s*(async )?def {function}\(", code, re.MULTILINE), f"{module} has no {function}"


def test_the_picture_shows_the_layers_that_are_kept() -> None:
    contracts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    rooms = next(contract["layers"] for contract in contracts if contract["containers"] == ["pytest_medhelm"])
    kept = [room for room in rooms if not room.startswith("(")]
    drawn = re.findall(r"^    (\w+)(?:/|\.py) ", HOW, re.MULTILINE)
    assert drawn == ["benchmarks", *kept]
    page = (CHECKOUT / "CONTRIBUTING.md").read_text()
    assert " > ".join(kept) in page


def test_the_citation_is_of_this_version() -> None:
    cited = yaml.safe_load((CHECKOUT / "CITATION.cff").read_text())
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert (cited["cff-version"], cited["title"]) == ("1.2.0", project["name"])
    assert (cited["version"], cited["license"]) == (project["version"], project["license"])


def test_each_promise_names_a_test_that_is_there() -> None:
    promised = re.findall(r"`([\w/]+\.py)::(\w+)`", (CHECKOUT / "docs/reliability.md").read_text())
    assert len(promised) > 20
    for file, function in promised:
        assert re.search(rf"^def {function}\(", (CHECKOUT / "tests" / file).read_text(), re.MULTILINE), (file, function)
