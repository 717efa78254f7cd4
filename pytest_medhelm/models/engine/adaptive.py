"""How many requests at once an endpoint takes best, found out while it is asked (--medhelm-concurrency=auto).

Additive increase and multiplicative decrease, as in TCP (Chiu and Jain 1989), with the throughput as the guide: the
latency of a language model grows with its load long before its throughput stops growing, so that limits by latency
(Vegas, gradient) would stay far too low. The limit doubles while that pays; then steps of an eighth up and down look
for a better one, ever more rarely. More concurrency pays if it brings a part of its share: 10 % more requests at once
must bring 2 % more answers. A refusal for overload (HTTP 429, 503) or no answer in time halves the limit at once; it
then goes half of the way back at a time (as BIC does, Xu et al. 2004), and stays short of where that was.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

START = 16
LEAST, MOST = 1, 512
PAYS = 0.2
"""Growth of throughput, as a share of the growth of the limit, from which on a higher limit is better."""
STEP = 8
"""Once doubling does not pay any more, a step is this part of the limit."""
HOLD, LONGEST_HOLD = 8, 64
"""Windows at a limit before others are tried again; doubled each time that nothing better was found."""
WINDOW = 32
"""Answers by which a limit is judged, at least: fewer say little where answers take different times."""
FULL = 0.8
"""Share of a window's answers at which the limit must have been in use: else something else is the bottleneck."""

Mode = Literal["double", "up", "down", "hold"]


class AdaptiveLimit:
    """The limit of one endpoint in one process."""

    def __init__(self, start: int = START, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._most = max(LEAST, most)
        self.limit = min(max(LEAST, start), self._most)
        """Requests that may be at the endpoint at once, now."""
        self._base, self._base_rate = self.limit, 0.0
        """The best limit so far, and its answers a second; 0 while that is not measured."""
        self._mode: Mode = "double"
        self._hold = HOLD
        self._left = 0
        """Windows until others are tried."""
        self._refused: int | None = None
        """The limit at which the endpoint had too much to do."""
        self._sent = 0
        self._changed, self._changed_at = 0, clock()
        """Requests that were sent when the limit was last changed, and when."""
        self._settled = 0
        """Answers since then, before the window begins."""
        self._since: float | None = None
        """When the window began."""
        self._count = self._full = 0

    def sent(self) -> int:
        """A request is sent; returns its number."""
        self._sent += 1
        return self._sent

    def answered(self, number: int, *, full: bool) -> None:
        """A request has its answer; ``full``: until then as many were at the endpoint as may be."""
        if self._since is None:
            # What was sent under another limit tells of that one.
            self._settled += 1
            if number > self._changed and self._settled >= self.limit:
                self._begin()
            self._give_up_early()
            return
        self._count += 1
        self._full += full
        if self._count < self._window:
            self._give_up_early()
            return
        rate = self._count / max(1e-9, self._clock() - self._since)
        was_full = self._full >= FULL * self._count
        self._begin()
        if was_full:
            self._judge(rate)

    @property
    def _window(self) -> int:
        """Answers in a window: a whole number of times the limit, so that answers that come in bursts are no matter."""
        least = 1 if self._mode == "double" else 3
        return self.limit * max(least, -(-WINDOW // self.limit))

    def _give_up_early(self) -> None:
        """A higher limit that is behind the best one by now cannot be better in the end."""
        if self.limit > self._base and self._base_rate:
            late = (self._clock() - self._changed_at) * self._base_rate
            if late > self.limit + self._window:
                self._judge(0.0)

    def overloaded(self, number: int) -> None:
        """A request was refused since the endpoint has too much to do, or had no answer in time."""
        if number > self._changed:  # All that were at the endpoint then tell of the same overload.
            self._refused = self.limit
            self._base, self._base_rate = max(LEAST, self.limit // 2), 0.0
            self._rest(1)

    def bound(self, most: int) -> None:
        """No more than this is possible here."""
        self._most = max(LEAST, most)
        self._base = min(self._base, self._most)
        if self.limit > self._most:
            self._set(self._most)

    def _judge(self, rate: float) -> None:
        """A whole window at the present limit had this throughput."""
        if self.limit == self._base:
            self._base_rate = rate if not self._base_rate else (self._base_rate + rate) / 2
            if self._mode == "hold":
                self._left -= 1
                if self._left <= 0:
                    self._refused = self._refused if self._hold == 1 else None
                    self._try("up")
            else:
                self._try(self._mode)
        elif self.limit > self._base:
            if _pays(self._base, self._base_rate, self.limit, rate):
                self._accept(rate)
            else:
                self._try("up" if self._mode == "double" else "down")
        elif _pays(self.limit, rate, self._base, self._base_rate):
            self._rest(min(LONGEST_HOLD, 2 * self._hold))
        else:
            self._accept(rate)

    def _accept(self, rate: float) -> None:
        self._base, self._base_rate, self._hold = self.limit, rate, HOLD
        self._try(self._mode)

    def _try(self, mode: Mode) -> None:
        """Go on to another limit, or rest where there is none."""
        self._mode = mode
        step = max(1, self._base // STEP)
        if mode == "up" and self._refused is not None:
            step = (self._refused - self._base) // 2
            if step <= self._base // STEP:
                self._rest(LONGEST_HOLD)
                return
        limit = {"double": 2 * self._base, "up": self._base + step, "down": self._base - step}[mode]
        limit = min(self._most, max(LEAST, limit))
        if limit != self._base:
            self._set(limit)
        elif mode == "down":
            self._rest(min(LONGEST_HOLD, 2 * self._hold))
        else:
            self._try("down")

    def _rest(self, windows: int) -> None:
        self._mode, self._hold, self._left = "hold", windows, windows
        self._set(self._base)

    def _set(self, limit: int) -> None:
        self.limit = limit
        self._changed, self._changed_at = self._sent, self._clock()
        self._settled, self._since = 0, None

    def _begin(self) -> None:
        self._since = self._clock()
        self._count = self._full = 0


def _pays(low: int, low_rate: float, high: int, high_rate: float) -> bool:
    """Whether the higher limit is the better one."""
    return high_rate / max(1e-9, low_rate) - 1 >= PAYS * (high / low - 1)
