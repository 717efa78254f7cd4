"""The command's parser: what is typed wrongly ends in one sentence, as every other mistake."""

from __future__ import annotations

import argparse
from difflib import get_close_matches
from typing import Any, ClassVar, NoReturn

_LACKS = "the following arguments are required: "
"""argparse says of missing arguments, in these words and nowhere else, which they are."""


class WrongUsage(Exception):  # noqa: N818
    """What was typed is no command; says what to type."""


class Parser(argparse.ArgumentParser):
    """Raises WrongUsage where argparse would print its usage and exit."""

    asked: ClassVar[Parser]
    made: ClassVar[list[Parser]] = []
    """Since the last command was typed: the outermost one says that an option is not known, and that may be misspelt
    of an inner one."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        Parser.made.append(self)

    def parse_known_args(self, *arguments: Any, **keywords: Any) -> Any:
        """As argparse's; the innermost parser that was asked is what the rest of the line is about."""
        Parser.asked = self
        return super().parse_known_args(*arguments, **keywords)

    def parse_args(self, *arguments: Any, **keywords: Any) -> Any:
        """As argparse's. Raises WrongUsage for words that nothing takes."""
        namespace, rest = self.parse_known_args(*arguments, **keywords)
        if rest:
            raise WrongUsage(self._unknown(rest[0]))
        return namespace

    def error(self, message: str) -> NoReturn:
        """Raises WrongUsage for all that no method of ours has met before argparse said it."""
        if message.startswith(_LACKS):
            raise WrongUsage(self._lacks(message.removeprefix(_LACKS)))
        raise WrongUsage(f"{self.prog}: {message}: {self._usage()}")

    # What argparse asks itself of each word; where the answer is no it would say so in words of its own.

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            names = [*map(str, action.choices)]
            what = f" {_name(action)}" if action.option_strings else ""
            raise WrongUsage(
                f"{self.prog}{what}: there is no {str(value)!r}: {_meant(str(value), names)}name one of "
                f"{', '.join(names)}"
            )

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        try:
            return super()._get_value(action, arg_string)
        except argparse.ArgumentError:
            if action.type in (int, float):
                raise WrongUsage(f"{self.prog}: {_name(action)} takes a number, not {arg_string!r}") from None
            raise

    def _match_argument(self, action: argparse.Action, arg_strings_pattern: str) -> int:
        try:
            return super()._match_argument(action, arg_strings_pattern)
        except argparse.ArgumentError:
            if action.nargs in (None, "+"):
                raise WrongUsage(f"{self.prog}: {_name(action)} needs a value: {self._usage()}") from None
            raise

    def _lacks(self, named: str) -> str:
        verbs = [name for action in self._actions if isinstance(action.choices, dict) for name in action.choices]
        remedy = f"name one of {', '.join(verbs)}" if verbs else self._usage()
        return f"{self.prog} lacks {named}: {remedy}"

    def _unknown(self, given: str) -> str:
        options = [name for parser in Parser.made for name in parser._option_string_actions]
        meant = _meant(given.partition("=")[0], options) if given.startswith("-") else ""
        return f"{Parser.asked.prog} does not take {given!r}: {meant}{Parser.asked._usage()}"

    def _usage(self) -> str:
        """What to type, in one line."""
        words = " ".join(self.format_usage().split()).removeprefix("usage: ").replace("[-h] ", "")
        return f"type '{words}'" if len(words) < 120 else f"'{self.prog} --help' says what it takes"


def _name(action: argparse.Action) -> str:
    """What an argument is called: the long name of an option, what stands for a word in the usage."""
    return action.option_strings[-1] if action.option_strings else str(action.metavar or action.dest)


def _meant(given: str, names: list[str]) -> str:
    near = get_close_matches(given, names, n=1, cutoff=0.6)
    return f"did you mean {near[0]}? " if near else ""
