"""Judged rules as JUnit XML, as a session's --junitxml has them: for verdicts on stored results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from pytest_medhelm.gates.verdict import GateResult
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.escaping import visible


def write_junit(path: Path, results: Sequence[GateResult]) -> None:
    """A test case for each rule, failed unless it passes. Raises ConfigError where the file cannot be written."""
    failed = sum(result.verdict != "pass" for result in results)
    counts = {"tests": str(len(results)), "failures": str(failed), "errors": "0", "skipped": "0"}
    suites = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(suites, "testsuite", {"name": "medhelm gate", **counts})
    for result in results:
        name = visible(result.name)
        case = ElementTree.SubElement(suite, "testcase", {"classname": "medhelm gate", "name": name, "time": "0"})
        sentence = visible(result.sentence())
        if result.verdict == "pass":
            ElementTree.SubElement(case, "system-out").text = sentence
        else:
            ElementTree.SubElement(case, "failure", {"message": sentence}).text = sentence
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        ElementTree.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise ConfigError(f"--junitxml={path} cannot be written ({error.strerror}): name another file") from None
