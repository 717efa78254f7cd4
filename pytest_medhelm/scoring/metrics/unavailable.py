"""A metric without a value: said with its reason, never as a number."""

from __future__ import annotations

from pytest_medhelm.util.errors import MedhelmError


class Unavailable(MedhelmError):  # noqa: N818 - an answer to a question, not a fault
    """The metric has no value here. The message is the reason as a user reads it; it quotes no text of a record."""
