"""What a run has to show: what was sent, and what the system made of it. Plain data, no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from microgrid_common.schemas.alert import AlertEvent


class Device(NamedTuple):
    """One device of one grid."""

    grid_id: str
    device_id: str

    def __str__(self) -> str:
        """As it stands in topics."""
        return f"{self.grid_id}/{self.device_id}"


class Boot(NamedTuple):
    """One start of a device: the numbers of its samples begin anew."""

    device: Device
    boot_id: str

    def __str__(self) -> str:
        """For a person."""
        return f"{self.device} boot {self.boot_id}"


class Number(NamedTuple):
    """Names one sample."""

    boot: Boot
    seq: int

    def __str__(self) -> str:
        """For a person."""
        return f"{self.boot} seq {self.seq}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentSample:
    """A sample that a device gave a number to, as the device itself recorded it."""

    number: Number
    timestamp: int
    """In milliseconds since 1970."""
    metrics: Mapping[str, float] | None
    """What must be stored of it; None for a bad one, of which nothing may be stored."""
    in_part: bool
    """Whether something else in it is bad, so that its message is in quarantine besides."""
    accepted: bool
    """Whether the broker took it at least once."""
    kept: bool
    """Whether the device still has it, so that it can be asked back."""


class Junk(NamedTuple):
    """Names one message that cannot be read as telemetry and has no number."""

    device: Device
    token: str
    """Stands in its payload, once for each device."""

    def __str__(self) -> str:
        """For a person."""
        return f"{self.device} {self.token}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentJunk:
    """A message that cannot be read as telemetry, as the device itself recorded it."""

    junk: Junk
    accepted: bool
    """Whether the broker took it."""
    lost_with_broker: bool
    """Whether the broker took it shortly before it was killed: what it has not saved by then is lost, and
    what has no number cannot be asked back."""


class RowKey(NamedTuple):
    """The identity of a stored reading."""

    device: Device
    timestamp: int
    """In milliseconds since 1970."""

    def __str__(self) -> str:
        """For a person."""
        return f"{self.device} at {self.timestamp} ms"


@dataclass(frozen=True, slots=True)
class Row:
    """A stored reading."""

    key: RowKey
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A message in quarantine."""

    topic: str
    reason: str
    refused: tuple[Number, ...] = ()
    """The samples in it of which nothing was accepted."""
    carried: tuple[Number, ...] = ()
    """All samples in it."""
    junk: Junk | None = None
    """Which junk it is; None for what is not."""


class LedgerNumbers(NamedTuple):
    """What the ledger says of some numbers."""

    total: int
    named: frozenset[int]
    """The same, one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerBoot:
    """What the ledger says of one boot of a device."""

    boot: Boot
    received: LedgerNumbers
    quarantined: LedgerNumbers
    missing: LedgerNumbers


class Outage(NamedTuple):
    """A time in which a killed broker may have lost what it had taken, in milliseconds since 1970."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One kill of one or two processes, and how the system came back. All times in seconds."""

    targets: tuple[str, ...]
    processes: tuple[str, ...]
    """Which processes were killed."""
    at: float
    """Since the start of the run."""
    down_for: float
    """From the first kill until all were started again and, being servers, answered."""
    caught_up_after: float | None
    """From then until everything was flowing and nothing waited; None when it did not happen in time."""
    waited_last_for: str
    """What came last: `the services` ready, `the log` without anything older, `the devices` all seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that the checks look at."""

    sent: Sequence[SentSample]
    sent_junk: Sequence[SentJunk]
    rows: Sequence[Row]
    quarantined: Sequence[Quarantined]
    ledger: Sequence[LedgerBoot]
    alert_events: Sequence[AlertEvent]
    """In the order of the stream."""
    kills: Sequence[Kill] = ()
    broker_outages: Sequence[Outage] = ()
    crashed: Sequence[str] = ()
    """Services that ended without being killed."""
    peak_memory: Mapping[str, float] = field(default_factory=dict)
    """Process → its largest resident size over all its lives, in MB."""
