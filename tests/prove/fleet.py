"""What the fleet recorded, as evidence."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from tests.prove.evidence import Boot, Device, Junk, Number, SentJunk, SentSample

from microgrid_simulator.fleet import BadMessage, BootRecord, FleetRecord, expected_metrics


def sent_samples(record: FleetRecord) -> list[SentSample]:
    """Every sample that got a number."""
    kept = record.options.samples_kept
    return [sample for boot in record.boots for sample in _samples(boot, kept)]


def sent_junk(record: FleetRecord, lost_with_broker: AbstractSet[Junk]) -> list[SentJunk]:
    """Every message that had no number.

    Args:
        record: what was sent.
        lost_with_broker: what may be lost without a trace.
    """
    return [
        SentJunk(junk=junk, accepted=accepted, lost_with_broker=junk in lost_with_broker)
        for junk, accepted in _junk(record)
    ]


def accepted_junk(record: FleetRecord) -> set[Junk]:
    """The messages without a number that the broker has taken so far."""
    return {junk for junk, accepted in _junk(record) if accepted}


def devices(record: FleetRecord) -> set[Device]:
    """All devices."""
    return {Device(boot.grid_id, boot.device_id) for boot in record.boots}


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


def _junk(record: FleetRecord) -> Iterator[tuple[Junk, bool]]:
    for boot in record.boots:
        device = Device(boot.grid_id, boot.device_id)
        yield from ((Junk(device, junk.token), junk.accepted) for junk in boot.junk)
