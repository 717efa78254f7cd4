"""What a metric is: a function from a prediction and its reference to scores, and what is known of these beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as a benchmark declares it, in ``Task(metrics=...)``; a plain function there is ``Metric.of`` it."""

    compute: Callable[..., float | Mapping[str, float]]
    """Takes what was read from the answer, then what it is held against. Returns one value, or several by name, as
    plain floats."""
    names: tuple[str, ...]
    """Names of the scores that it records, in a fixed order; known beforehand so that an answer that could
    not be read still gets every one of them, at its worst."""
    scale: tuple[float, float] = (0.0, 1.0)
    """Worst and best value."""
    binary: bool = False
    """Only the two ends of the scale occur."""
    version: int = 1
    """Raised when the same answer may get another score than before."""
    source: str = ""
    """The paper or program that defines it."""

    @classmethod
    def of(cls, metric: Metric | Callable[..., float | Mapping[str, float]]) -> Metric:
        """A function as the metric of one score that has its name and lies between 0 (worst) and 1."""
        return metric if isinstance(metric, Metric) else cls(metric, (metric.__name__,))

    @property
    def name(self) -> str:
        """The name of its function."""
        return str(getattr(self.compute, "__name__", self.names[0]))
