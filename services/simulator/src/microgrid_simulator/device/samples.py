"""The last samples of a device, numbered, and which of them the broker does not have yet."""

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from microgrid_common.schemas.ledger import BOOTS_KEPT
from microgrid_common.schemas.telemetry import MAXIMUM_SAMPLES

Range = tuple[int, int]
"""First and last number, both inclusive."""


@dataclass(frozen=True, slots=True)
class NumberedSample:
    """One sample as it stands in a message."""

    seq: int
    text: bytes
    """A JSON object with `timestamp`, `boot_id`, `seq` and `metrics`."""


class SampleBuffer:
    """A ring of the last samples of one boot. When it is full the oldest sample makes room.

    Args:
        boot_id: names this start of the device; numbers begin with 0 in it.
        capacity: how many samples it holds, at least 1.
    """

    def __init__(self, *, boot_id: str, capacity: int) -> None:
        self.boot_id = boot_id
        self.dropped = 0
        """How many samples made room before the broker had them."""
        self._capacity = capacity
        self._samples: OrderedDict[int, NumberedSample] = OrderedDict()
        self._unsent: OrderedDict[int, NumberedSample] = OrderedDict()
        self._next_seq = 0
        self._earlier_boots: list[tuple[str, int]] = []

    @property
    def earlier_boots(self) -> list[tuple[str, int]]:
        """The boots before this one that numbered samples, and their last numbers; the oldest first."""
        return self._earlier_boots

    def restart(self, boot_id: str) -> None:
        """Begin a new boot: numbers begin with 0, and the samples of the one before are gone."""
        if self.last_seq is not None:
            self._earlier_boots.append((self.boot_id, self.last_seq))
            del self._earlier_boots[: -(BOOTS_KEPT - 1)]
        self.dropped += len(self._unsent)
        self._samples.clear()
        self._unsent.clear()
        self._next_seq = 0
        self.boot_id = boot_id

    @property
    def last_seq(self) -> int | None:
        """The number that was given last; None for none yet."""
        return self._next_seq - 1 if self._next_seq else None

    @property
    def unsent_count(self) -> int:
        """How many samples the broker does not have yet, for all the device knows."""
        return len(self._unsent)

    def add(self, timestamp: str | int, metrics: Mapping[str, Any]) -> NumberedSample:
        """Number a sample and keep it."""
        seq = self._next_seq
        self._next_seq += 1
        fields = {"timestamp": timestamp, "boot_id": self.boot_id, "seq": seq, "metrics": metrics}
        sample = NumberedSample(seq, json.dumps(fields, separators=(",", ":")).encode())
        self._samples[seq] = self._unsent[seq] = sample
        if len(self._samples) > self._capacity:
            oldest, _ = self._samples.popitem(last=False)
            if self._unsent.pop(oldest, None):
                self.dropped += 1
        return sample

    def unsent(self, limit: int = MAXIMUM_SAMPLES) -> list[NumberedSample]:
        """What the broker does not have yet, the oldest first."""
        return list(islice(self._unsent.values(), limit))

    def sent(self, samples: Sequence[NumberedSample]) -> None:
        """The broker has them: they stay only to be asked for."""
        for sample in samples:
            self._unsent.pop(sample.seq, None)

    def find(self, ranges: Sequence[Range]) -> list[NumberedSample]:
        """What is still there of some ranges of numbers, and not about to be sent anyway; in order."""
        return [
            sample
            for seq, sample in self._samples.items()
            if seq not in self._unsent and any(first <= seq <= last for first, last in ranges)
        ]
