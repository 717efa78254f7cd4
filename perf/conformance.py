"""Independent testers on the hospital: ``python -m perf.conformance`` (tox -e conformance).

sekmet-fhir plays its scenarios against the served hospital, and fhir.resources validates the resources of the
population and of every workflow. Those of sekmet's scenarios that stay within the hospital's resource types must pass;
the others say at which type they end. Exit status 1 where anything fails that must not.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.administration_and_workflow.test_clinical_workflow import TASK
from pytest_medhelm.agents.hospital.population import hospital
from pytest_medhelm.agents.hospital.rules import rules
from pytest_medhelm.agents.hospital.server import HospitalServer
from pytest_medhelm.agents.workflow import read_workflows

MUST_PASS = ("conformance_smoke", "adt_merge_update", "clinical_documentation")


def scenarios() -> Iterator[tuple[str, str, str]]:
    """(name, PASSED, SKIPPED, FAILED or ERROR, what ended it) of each scenario of sekmet."""
    with HospitalServer() as server, tempfile.TemporaryDirectory() as folder:
        visit = server.admit(hospital(), path="hospital", token="", recorded=False)
        settings = Path(folder, "settings.yaml")
        settings.write_text(f"peers:\n  medhelm:\n    base_url: {server.base_url(visit)}\n")
        command = [str(Path(sys.executable).with_name("sekmet")), "scenario", "run", "all", "--peer=medhelm"]
        command += ["--no-serve", f"--config={settings}", f"--report-dir={folder}"]
        said = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False).stdout
    for part in re.split(r"^▶ ", said, flags=re.MULTILINE)[1:]:
        ending = re.search(r"=> (\w+)", part)
        why = re.search(r"^ +\w*Error: (.+(?:\n .+)?)", part, re.MULTILINE)
        shown = " ".join(why[1].split())[:150] if why else ""
        yield part.split()[0], ending[1] if ending else "unknown", shown


def resources() -> Iterator[Any]:
    """Of the population, and of what the workflows add to it."""
    start = hospital()
    for kind in rules():
        yield from start.all(kind)
    assert TASK.folder is not None
    for file in TASK.files:
        for workflow in read_workflows(TASK.folder / file.name):
            yield from filter(None, workflow.start().overlay.values())


def invalid() -> tuple[int, Counter[str]]:
    """How many resources fhir.resources looked at, and what it objects to, by type and message."""
    from fhir.resources.R4B import get_fhir_model_class
    from pydantic import ValidationError

    count, faults = 0, Counter[str]()
    for count, resource in enumerate(resources(), start=1):  # noqa: B007
        try:
            get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        except ValidationError as error:
            faults[f"{resource['resourceType']}: {error.errors()[0]['msg'][:120]}"] += 1
    return count, faults


def main() -> int:
    """Print both."""
    rows = list(scenarios())
    for name, ending, why in rows:
        print(f"{ending:<8} {name:<32} {why}")
    endings = {name: ending for name, ending, _ in rows}
    failed = [name for name in MUST_PASS if endings.get(name) != "PASSED"]
    count, problems = invalid()
    print(f"sekmet: {dict(Counter(endings.values()))}; must pass and did not: {', '.join(failed) or 'none'}")
    print(f"fhir.resources: {count:,} resources, {sum(problems.values())} invalid")
    for problem, times in problems.most_common(10):
        print(f"  {times} x {problem}")
    return int(bool(failed or problems or len(rows) < len(MUST_PASS)))


if __name__ == "__main__":
    sys.exit(main())
