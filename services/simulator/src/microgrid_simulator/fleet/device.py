"""One device of a fleet: what it sends, good and bad, and what became of it."""

from collections import defaultdict, deque
from datetime import UTC, datetime, timedelta
from random import Random

from microgrid_simulator.device import Outbox, OutgoingMessage, SampleBuffer
from microgrid_simulator.fleet.measurements import JUNK, BadMessage, junk, sent_metrics, what_goes_wrong
from microgrid_simulator.fleet.options import FleetOptions
from microgrid_simulator.fleet.record import BootRecord, JunkRecord, ranges_of, timestamp_ms
from microgrid_simulator.prototype import wire_timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FleetDevice:
    """One device: an outbox that keeps book.

    Args:
        number: 0 and up.
        options: what the fleet is like.
        boot_id: names this start of it.
        started_at_ms: when the fleet begins to measure, in milliseconds since 1970.
    """

    def __init__(self, number: int, options: FleetOptions, *, boot_id: str, started_at_ms: int) -> None:
        self.grid_id = f"{options.name}-{number % options.grids}"
        self.device_id = f"device-{number:04}"
        self.buffer = SampleBuffer(boot_id=boot_id, capacity=options.samples_kept)
        self._options = options
        self._started_at_ms = started_at_ms + round(number * options.spacing_ms)
        self._random = Random(f"{options.seed}:{number}")  # noqa: S311 - what goes wrong, not a secret
        self._outbox = Outbox(self.grid_id, self.device_id, self.buffer)
        self._accepted: set[int] = set()
        self._bad: dict[BadMessage, list[int]] = defaultdict(list)
        self._junk: list[JunkRecord] = []
        self._junk_waiting: deque[tuple[int, OutgoingMessage]] = deque(maxlen=options.samples_kept)

    def measure(self) -> None:
        """Take the next sample, and let go wrong what is due to."""
        seq = 0 if self.buffer.last_seq is None else self.buffer.last_seq + 1
        bad = what_goes_wrong(self._random, self._options.bad_share)
        milliseconds = timestamp_ms(self._started_at_ms, self._options.interval_ms, seq)
        timestamp = wire_timestamp(_EPOCH + timedelta(milliseconds=milliseconds))
        self._outbox.add(timestamp, sent_metrics(seq, bad))
        if bad in JUNK:
            token = f"junk-{len(self._junk)}"
            self._junk_waiting.append((len(self._junk), junk(bad, self.grid_id, self.device_id, token)))
            self._junk.append(JunkRecord(kind=bad, token=token, accepted=False))
        elif bad:
            self._bad[bad].append(seq)

    def hear(self, payload: bytes) -> None:
        """Take in a request for samples."""
        self._outbox.ask(payload)

    def next_message(self) -> OutgoingMessage | None:
        """What to send now; None for nothing."""
        return self._junk_waiting[0][1] if self._junk_waiting else self._outbox.next_message()

    def sent(self, message: OutgoingMessage) -> None:
        """The broker has it."""
        if not message.samples:
            if self._junk_waiting and self._junk_waiting[0][1] is message:
                index, _ = self._junk_waiting.popleft()
                self._junk[index] = self._junk[index].model_copy(update={"accepted": True})
            return
        self._outbox.sent(message)
        self._accepted.update(sample.seq for sample in message.samples)

    def record(self) -> BootRecord:
        """What became of everything so far."""
        last_seq = self.buffer.last_seq
        measured = 0 if last_seq is None else last_seq + 1
        waiting = {sample.seq for sample in self.buffer.unsent(self._options.samples_kept)}
        known = self._accepted | waiting
        return BootRecord(
            grid_id=self.grid_id,
            device_id=self.device_id,
            boot_id=self.buffer.boot_id,
            started_at_ms=self._started_at_ms,
            interval_ms=self._options.interval_ms,
            last_seq=last_seq,
            accepted=ranges_of(sorted(self._accepted)),
            waiting=ranges_of(sorted(waiting)),
            dropped=ranges_of(seq for seq in range(measured) if seq not in known),
            bad={kind: list(numbers) for kind, numbers in self._bad.items()},
            junk=list(self._junk),
            resent=self._outbox.resent,
        )
