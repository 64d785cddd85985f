"""Smooth variation that looks random and follows from a seed and the time alone."""

import math
from functools import lru_cache
from random import Random

_WAVES = 5


@lru_cache(maxsize=64)
def _waves(name: str, seed: int, period_seconds: float) -> tuple[tuple[float, float], ...]:
    random = Random(f"{name}:{seed}")  # noqa: S311 - weather, not a secret
    # Periods without a common multiple, so that no day repeats another.
    return tuple(
        (math.tau / (period_seconds * random.uniform(0.4, 1.6)), random.uniform(0, math.tau))
        for _ in range(_WAVES)
    )


def variation(name: str, seed: int, seconds: float, *, period_seconds: float) -> float:
    """A value between -1 and 1 that wanders, mostly near 0.

    Args:
        name: what varies; each name wanders by itself.
        seed: the same seed gives the same values.
        seconds: the time, as seconds since the epoch.
        period_seconds: about how long it takes to go up and down again.
    """
    waves = _waves(name, seed, period_seconds)
    return sum(math.sin(seconds * frequency + phase) for frequency, phase in waves) / _WAVES
