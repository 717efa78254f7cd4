"""What a single confidence costs, given whether the answer was right."""

from __future__ import annotations

import math

LEAST = 0.001
"""No model is taken to be surer than 999 in 1,000: else one wrong answer that it is certain of costs without end."""
WORST_NLL = -math.log(LEAST)


def brier(confidence: float, right: float) -> float:
    """The squared distance of a confidence from what came, 0 (best) to 1 (Brier, Mon. Weather Rev. 78, 1950)."""
    return (confidence - right) ** 2


def log_loss(confidence: float, right: float) -> float:
    """The negative logarithm of the probability given to what came, 0.001 (best) to 6.908: see ``LEAST``."""
    kept = min(max(confidence, LEAST), 1 - LEAST)
    return -(right * math.log(kept) + (1 - right) * math.log(1 - kept))
