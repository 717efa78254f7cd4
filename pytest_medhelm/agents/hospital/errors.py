"""What the hospital refuses, in words from which the one who asked can learn."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_medhelm.agents.hospital.elements import NewResource


class FhirError(Exception):
    """A request that is not carried out; nothing has changed."""

    def __init__(self, status: int, code: str, issues: Sequence[str] | str) -> None:
        """``status``: of HTTP; ``code``: an issue type of FHIR's OperationOutcome."""
        self.status = status
        self.code = code
        self.issues = [issues] if isinstance(issues, str) else list(issues)
        super().__init__("; ".join(self.issues))

    def outcome(self) -> NewResource:
        """The OperationOutcome."""
        return {
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "error", "code": self.code, "diagnostics": text} for text in self.issues],
        }
