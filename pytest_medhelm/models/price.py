"""What a model's tokens cost. Prices are the user's, written in medhelm.toml; there is no built-in list to go stale."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_medhelm.util.config_file import ConfigFile
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.json_types import JsonObject

MILLION = 1_000_000
REQUIRED = ("input", "output")
OPTIONAL = ("cached_input", "reasoning")


@dataclass(frozen=True, slots=True)
class Price:
    """Money per million tokens, in the currency of the run."""

    input: float
    output: float
    cached_input: float | None = None
    """Of prompt tokens that the server found in its own cache; None: as ``input``."""
    reasoning: float | None = None
    """Of thinking; None: as ``output``."""

    def cost(self, usage: Mapping[str, int]) -> float | None:
        """What a response cost; None when the server did not count its tokens.

        ``cached_tokens`` are part of ``prompt_tokens`` and ``reasoning_tokens`` part of ``completion_tokens``.
        """
        prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
        if prompt is None or completion is None:
            return None
        cached = min(usage.get("cached_tokens", 0), prompt)
        thought = min(usage.get("reasoning_tokens", 0), completion)
        cached_input = self.input if self.cached_input is None else self.cached_input
        reasoning = self.output if self.reasoning is None else self.reasoning
        amount = (prompt - cached) * self.input + cached * cached_input
        amount += (completion - thought) * self.output + thought * reasoning
        return amount / MILLION

    def bound(self, prompt: float, completion: float) -> float:
        """What a response of at most so many tokens costs at most."""
        dearest_in = max(self.input, self.cached_input or 0.0)
        dearest_out = max(self.output, self.reasoning or 0.0)
        return (prompt * dearest_in + completion * dearest_out) / MILLION

    def as_json(self) -> dict[str, float]:
        """Plain values, as in the config file."""
        known = {name: getattr(self, name) for name in (*REQUIRED, *OPTIONAL)}
        return {name: value for name, value in known.items() if value is not None}


def spent(price: Price | None, answers: Iterable[tuple[Mapping[str, int], bool]]) -> dict[str, float | None]:
    """The ``cost`` of answers (token counts, read from the store?) together, and what this run ``paid`` of it.

    Both are None, never 0, without a price or where the tokens of an answer were not counted.
    """
    cost = paid = None
    for usage, stored in answers:
        amount = None if price is None else price.cost(usage)
        if amount is None:
            return {"cost": None, "paid": None}
        cost = (cost or 0.0) + amount
        paid = (paid or 0.0) + (0.0 if stored else amount)
    return {"cost": cost, "paid": paid}


def check_prices(config: ConfigFile) -> None:
    """Check the prices of all models of a config file, also of those that nobody names. Raises ConfigError."""
    for name, section in config.models.items():
        if "price" in section and config.path is not None:
            read_price(section["price"], f'{config.path.name}: [models."{name}"]')


def read_price(table: JsonObject, where: str) -> Price:
    """Check a price table of the config file. Raises ConfigError that begins with ``where``."""
    example = "write e.g. price = { input = 0.15, output = 0.60 }, per million tokens"
    for name, value in table.items():
        if name not in (*REQUIRED, *OPTIONAL):
            raise ConfigError(f"{where} price has no key {name!r}; known are: {', '.join((*REQUIRED, *OPTIONAL))}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
            raise ConfigError(f"{where} price: {name} = {value!r} is no amount of 0 or more; {example}")
    missing = [name for name in REQUIRED if name not in table]
    if missing:
        raise ConfigError(f"{where} price needs {' and '.join(missing)}; {example}")
    return Price(**{name: float(value) for name, value in table.items()})
