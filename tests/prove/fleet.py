"""The devices, and what they recorded, as evidence."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from tests.prove.evidence import Boot, Device, Junk, Number, SentJunk, SentSample

from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_simulator.fleet import (
    BadMessage,
    BootRecord,
    Fleet,
    FleetOptions,
    FleetRecord,
    expected_metrics,
    running_fleet,
)

FORGETFUL = "forgetful"
"""The fleet of devices that keep nothing, so that what is lost of theirs stays lost, and shows."""


class Fleets:
    """Several fleets as one."""

    def __init__(self, fleets: Sequence[Fleet]) -> None:
        self._fleets = fleets

    async def measure(self, duration: timedelta) -> None:
        """Let all devices measure for so long; call it once."""
        async with asyncio.TaskGroup() as group:
            for fleet in self._fleets:
                group.create_task(fleet.measure(duration))

    async def until_accepted(self) -> None:
        """Wait until the broker has everything that no device dropped."""
        for fleet in self._fleets:
            await fleet.until_accepted()

    def records(self) -> list[FleetRecord]:
        """What each has sent so far."""
        return [fleet.record() for fleet in self._fleets]


@asynccontextmanager
async def running_fleets(address: BrokerAddress, *options: FleetOptions) -> AsyncIterator[Fleets]:
    """Run a fleet for each of some options."""
    async with AsyncExitStack() as stack:
        yield Fleets([await stack.enter_async_context(running_fleet(address, each)) for each in options])


def sent_samples(records: Iterable[FleetRecord]) -> list[SentSample]:
    """Every sample that got a number."""
    return [
        sample
        for record in records
        for boot in record.boots
        for sample in _samples(boot, record.options.samples_kept)
    ]


def sent_junk(records: Iterable[FleetRecord], lost_with_broker: AbstractSet[Junk]) -> list[SentJunk]:
    """Every message that had no number.

    Args:
        records: what was sent.
        lost_with_broker: what may be lost without a trace.
    """
    return [
        SentJunk(junk=junk, accepted=accepted, lost_with_broker=junk in lost_with_broker)
        for junk, accepted in _junk(records)
    ]


def accepted_junk(records: Iterable[FleetRecord]) -> set[Junk]:
    """The messages without a number that the broker has taken so far."""
    return {junk for junk, accepted in _junk(records) if accepted}


def devices(records: Iterable[FleetRecord]) -> set[Device]:
    """All devices."""
    return {Device(boot.grid_id, boot.device_id) for record in records for boot in record.boots}


def total(records: Iterable[FleetRecord], what: str) -> int:
    """A sum over all devices; `what` is one of `FleetRecord.totals`."""
    return sum(record.totals[what] for record in records)


def _samples(record: BootRecord, kept: int) -> Iterator[SentSample]:
    boot = Boot(Device(record.grid_id, record.device_id), record.boot_id)
    accepted = {seq for first, last in record.accepted for seq in range(first, last + 1)}
    in_part = set(record.bad.get(BadMessage.IN_PART, ()))
    refused = record.refused
    count = 0 if record.last_seq is None else record.last_seq + 1
    for seq in range(count):
        yield SentSample(
            number=Number(boot, seq),
            timestamp=record.timestamp_ms(seq),
            metrics=None if seq in refused else expected_metrics(seq),
            in_part=seq in in_part,
            accepted=seq in accepted,
            kept=seq >= count - kept,
        )


def _junk(records: Iterable[FleetRecord]) -> Iterator[tuple[Junk, bool]]:
    for boot in (boot for record in records for boot in record.boots):
        device = Device(boot.grid_id, boot.device_id)
        yield from ((Junk(device, junk.token), junk.accepted) for junk in boot.junk)
