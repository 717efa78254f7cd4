"""What somebody sees who waits for a download: one line that changes on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time

SECONDS_BETWEEN_LINES = 10.0
_BAR = 24


class ProgressLine:
    """A datasets.download.Progress that writes to stderr."""

    def __init__(self, label: str) -> None:
        """``label`` says what is fetched."""
        self._label = label
        self._live = sys.stderr.isatty()
        self._drawn = False
        self._said = time.monotonic()

    def at(self, done: int, total: int | None) -> None:
        """Show how far it is."""
        now = time.monotonic()
        whole = total is not None and done == total
        if now - self._said < (0.1 if self._live else SECONDS_BETWEEN_LINES) and not (self._live and whole):
            return
        self._said = now
        if total:
            amount = f"{done / total:4.0%}  {done / 1e6:.1f} of {total / 1e6:.1f} MB"
        else:
            amount = f"{done / 1e6:.1f} MB"
        if self._live:
            bar = "#" * int(_BAR * done / total) if total else ""
            print(f"\r{self._label:<26} {bar:<{_BAR}} {amount}\x1b[K", end="", file=sys.stderr, flush=True)
            self._drawn = True
        else:
            print(f"{self._label}: {amount.strip()}", file=sys.stderr, flush=True)

    def note(self, line: str) -> None:
        """A line of its own."""
        self.clear()
        print(line, file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the changing line away."""
        if self._drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._drawn = False
