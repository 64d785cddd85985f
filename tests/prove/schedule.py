"""What is killed when: in an order that a seed decides, each target at least once."""

from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class Cycle:
    """One target, killed and started again."""

    target: Target
    up_seconds: float
    """How long everything runs before the kill; it decides what the kill interrupts."""
    down_seconds: float
    """How long it stays away at least."""


def kill_schedule(*, seed: int, cycles: int, targets: Sequence[Target] = tuple(Target)) -> list[Cycle]:
    """A schedule in which no target comes up twice more than another.

    Args:
        seed: the same one gives the same schedule.
        cycles: how many kills; at least one for each target.
        targets: what to kill.

    Raises:
        ValueError: there are fewer cycles than targets.
    """
    if cycles < len(targets):
        raise ValueError(f"{cycles} cycles cannot kill each of {len(targets)} targets")
    random = Random(seed)
    order: list[Target] = []
    while len(order) < cycles:
        order += random.sample(targets, len(targets))
    return [
        Cycle(
            target,
            up_seconds=random.uniform(0.5, 3.0),
            down_seconds=random.uniform(SHORTEST_DOWN_SECONDS, LONGEST_DOWN_SECONDS),
        )
        for target in order[:cycles]
    ]
