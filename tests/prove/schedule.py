"""What is killed when: in an order that a seed decides, each target at least once."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Target(StrEnum):
    """What can be killed."""

    RECEIVER = "receiver"
    """An ingestor replica. Receiver and historian share a process, so both die."""
    HISTORIAN = "historian"
    """The other ingestor replica: as above."""
    REDIS = "redis"
    INFLUXDB = "influxdb"
    BROKER = "broker"


SHORTEST_DOWN_SECONDS = 0.5
LONGEST_DOWN_SECONDS = 6.0
"""Longer than the 5 s leases of a dead consumer, so that its replica takes over in some cycles."""


PAIR_SHARE = 0.4
"""The chance of a cycle that something else goes away at the same time."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """One or two targets, killed one after the other and started again in the same order."""

    targets: tuple[Target, ...]
    up_seconds: float
    """How long everything runs before the kill; it decides what the kill interrupts."""
    down_seconds: float
    """How long from the first kill to the first start."""


def kill_schedule(*, seed: int, cycles: int) -> list[Cycle]:
    """A schedule in which each target comes first about equally often.

    Args:
        seed: the same one gives the same schedule.
        cycles: how often to kill; at least once for each target.

    Raises:
        ValueError: there are fewer cycles than targets.
    """
    if cycles < len(Target):
        raise ValueError(f"{cycles} cycles cannot kill each of {len(Target)} targets")
    random = Random(seed)
    order: list[Target] = []
    while len(order) < cycles:
        order += random.sample(list(Target), len(Target))
    return [
        Cycle(
            _alone_or_with_another(target, random),
            up_seconds=random.uniform(0.5, 3.0),
            down_seconds=random.uniform(SHORTEST_DOWN_SECONDS, LONGEST_DOWN_SECONDS),
        )
        for target in order[:cycles]
    ]


def _alone_or_with_another(target: Target, random: Random) -> tuple[Target, ...]:
    if random.random() >= PAIR_SHARE:
        return (target,)
    return target, random.choice([other for other in Target if other is not target])
