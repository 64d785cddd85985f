"""What is killed when: in an order that a seed decides, each target at least once."""

from collections.abc import Mapping, Sequence
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


COMPANIONS: Mapping[Target, Sequence[Target]] = {
    # What an ingestor holds while it waits for one of these dies with it.
    Target.REDIS: (Target.RECEIVER, Target.HISTORIAN),
    Target.INFLUXDB: (Target.RECEIVER, Target.HISTORIAN),
    Target.BROKER: (Target.REDIS, Target.INFLUXDB, Target.RECEIVER),
    # No replica is left.
    Target.RECEIVER: (Target.HISTORIAN,),
    Target.HISTORIAN: (Target.REDIS, Target.INFLUXDB, Target.BROKER),
}
"""What may be killed in the same cycle as a target, after it."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """One or two targets, killed one after the other and started again in the same order."""

    targets: tuple[Target, ...]
    up_seconds: float
    """How long everything runs before the kill; it decides what the kill interrupts."""
    down_seconds: float
    """How long from the first kill to the first start."""


def kill_schedule(*, seed: int, cycles: int) -> list[Cycle]:
    """A schedule in which each target comes first about equally often: alone, then with another, in turn.

    Args:
        seed: the same one gives the same schedule.
        cycles: how often to kill; at least once for each target.

    Raises:
        ValueError: there are fewer cycles than targets.
    """
    if cycles < len(Target):
        raise ValueError(f"{cycles} cycles cannot kill each of {len(Target)} targets")
    random = Random(seed)
    order: list[tuple[Target, ...]] = []
    while len(order) < cycles:
        order += [(target,) for target in random.sample(list(Target), len(Target))]
        order += [
            (target, random.choice(COMPANIONS[target])) for target in random.sample(list(Target), len(Target))
        ]
    return [
        Cycle(
            targets,
            up_seconds=random.uniform(0.5, 3.0),
            down_seconds=random.uniform(SHORTEST_DOWN_SECONDS, LONGEST_DOWN_SECONDS),
        )
        for targets in order[:cycles]
    ]
