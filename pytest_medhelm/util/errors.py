"""What can go wrong, as types.

MedhelmError          one sentence for the user: what is wrong and what to type instead
├── ConfigError       an option, the config file or a gate rule: the session ends with exit status 4
├── DataError         a file is missing, has another checksum or is malformed: that benchmark fails alone
│   └── DataMissing   nothing is there to read: that benchmark is skipped alone
├── ModelError        an endpoint is dead, refuses the key or does not serve the model: exit status 4
├── ReportFailed      a report could not be written; the others are
├── RunStopped        nothing more can come of the run as it is: the session stops, exit status 2
│   └── StoreFailed   the suite can no longer be written
├── AwaitsBatch       the request stands in a batch file: that item has no record yet
└── BudgetReached     one more request could cost more than the run may pay: the session stops, exit status 2
"""

from __future__ import annotations


class MedhelmError(Exception):
    """Base of all errors whose text is written for the user."""


class ConfigError(MedhelmError):
    """An option, the config file or a gate rule cannot be used as given."""


class DataError(MedhelmError):
    """A data file is not what the benchmark expects."""


class DataMissing(DataError):  # noqa: N818
    """A data file, or the extra that reads it, is not there."""


class ModelError(MedhelmError):
    """A model cannot be asked at all."""


class ReportFailed(MedhelmError):  # noqa: N818
    """A report could not be written; the others are."""


class RunStopped(MedhelmError):  # noqa: N818
    """Asking on would bring nothing (a refused key, a dead server, a full disk); its text says what to do."""


class StoreFailed(RunStopped):
    """The suite's files can no longer be written (disk full, folder removed): asking on would lose what is paid."""


class AwaitsBatch(MedhelmError):  # noqa: N818
    """The request stands in a batch file and has no answer yet."""


class BudgetReached(MedhelmError):  # noqa: N818
    """The run may have paid what it may pay; ``answered`` requests have an answer."""

    def __init__(self, answered: int) -> None:
        super().__init__("not asked: the budget is reached")
        self.answered = answered


def missing_extra(file: str, package: str) -> DataMissing:
    """The error for a file whose reader is not installed: it says what to type."""
    from pytest_medhelm.util.installed import install_command

    return DataMissing(f"Reading {file} needs {package}: run {install_command('data')}")
