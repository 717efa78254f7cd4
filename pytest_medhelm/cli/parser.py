"""The command's parser: what is typed wrongly ends in one sentence, as every other mistake."""

from __future__ import annotations

import argparse
import re
from difflib import get_close_matches
from typing import Any, ClassVar, NoReturn


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

    def error(self, message: str) -> NoReturn:
        """Raises WrongUsage with the sentence that argparse's stands for."""
        kinds = (
            (r"argument (.+?): invalid choice: '?(.+?)'? \(choose from (.+)\)", self._no_choice),
            (r"the following arguments are required: (.+)", self._lacks),
            (r"unrecognized arguments: (.+)", self._unknown),
            (r"argument (.+?): invalid int value: '(.*)'", self._no_number),
            (r"argument (.+?): invalid float value: '(.*)'", self._no_number),
            (r"argument (.+?): expected (?:one|at least one) argument", self._no_value),
        )
        for pattern, sentence in kinds:
            if match := re.fullmatch(pattern, message, re.DOTALL):
                raise WrongUsage(sentence(*match.groups()))
        raise WrongUsage(f"{self.prog}: {message}: {self._usage()}")

    def _no_choice(self, argument: str, given: str, choices: str) -> str:
        names = re.findall(r"[\w-]+", choices)
        what = f" {argument.split('/')[-1]}" if argument.startswith("-") else ""
        return f"{self.prog}{what}: there is no {given!r}: {_meant(given, names)}name one of {', '.join(names)}"

    def _lacks(self, named: str) -> str:
        verbs = [name for action in self._actions if isinstance(action.choices, dict) for name in action.choices]
        remedy = f"name one of {', '.join(verbs)}" if verbs else self._usage()
        return f"{self.prog} lacks {named}: {remedy}"

    def _unknown(self, given: str) -> str:
        first, *_ = given.split()
        options = [name for parser in Parser.made for name in parser._option_string_actions]
        meant = _meant(first.partition("=")[0], options) if first.startswith("-") else ""
        return f"{Parser.asked.prog} does not take {first!r}: {meant}{Parser.asked._usage()}"

    def _no_number(self, argument: str, given: str) -> str:
        return f"{self.prog}: {argument.split('/')[-1]} takes a number, not {given!r}"

    def _no_value(self, argument: str) -> str:
        return f"{self.prog}: {argument.split('/')[-1]} needs a value: {self._usage()}"

    def _usage(self) -> str:
        """What to type, in one line."""
        words = " ".join(self.format_usage().split()).removeprefix("usage: ").replace("[-h] ", "")
        return f"type '{words}'" if len(words) < 120 else f"'{self.prog} --help' says what it takes"


def _meant(given: str, names: list[str]) -> str:
    near = get_close_matches(given, names, n=1, cutoff=0.6)
    return f"did you mean {near[0]}? " if near else ""
