"""Replaying quarantined messages: the use case that the command line and the API share."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog

from microgrid_common.ports.device_registry import DeviceRegistry
from microgrid_common.ports.durable_log import Record
from microgrid_common.ports.quarantine import Quarantine
from microgrid_common.runtime.stream_records import record_between_readings
from microgrid_common.schemas.quarantine import Defect, QuarantinedMessage, Reason
from microgrid_common.schemas.quarantine_entry import QuarantineEntry
from microgrid_common.schemas.reading import Reading, encode_readings
from microgrid_common.schemas.streams import READINGS_KIND, readings_stream_of
from microgrid_common.schemas.topics import parse_topic
from microgrid_common.transforms.enrich import Registry
from microgrid_common.transforms.outcome import Outcome
from microgrid_common.transforms.replay import NotReplayableError, process_again

log = structlog.get_logger()


class Verdict(StrEnum):
    """What a replay comes to."""

    ACCEPTED = "accepted"
    """All of the message is accepted now."""
    REFUSED = "refused"
    """A part of it at least is still refused: it stays in quarantine, with the reason of now."""
    IMPOSSIBLE = "impossible"
    """It cannot be replayed at all."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of a replay, or would come of it."""

    entry: QuarantineEntry
    """What is known about the message afterwards; of a dry run, what is known now."""
    verdict: Verdict
    readings: int = 0
    """How many readings it gives. They have the identity of those that were accepted before, if any."""
    notices: int = 0
    """How many alerts of the device's own, or statements of its presence, it gives: 0 or 1."""
    defects: tuple[Defect, ...] = ()
    """What is still refused."""
    problem: str = ""
    """Why it cannot be replayed; empty when it can."""


class Replayer:
    """Puts quarantined messages through the path of a new message, with the device registry of now.

    Args:
        quarantine: where they are.
        devices: the device registry.
        shards: into how many streams the readings are divided.
    """

    def __init__(self, quarantine: Quarantine, *, devices: DeviceRegistry, shards: int) -> None:
        self._quarantine = quarantine
        self._devices = devices
        self._shards = shards

    async def replay(self, entry_id: str, *, by: str, at: datetime, dry_run: bool = False) -> Replay | None:
        """Replay one message; None when there is none of that id.

        Doing it again is safe: it gives the same readings, which the stores overwrite by their identity.

        Args:
            entry_id: which message.
            by: who wants it.
            at: now.
            dry_run: only say what would come of it.

        Raises:
            RetryableError: the quarantine or the registry is away.
        """
        found = await self._quarantine.get(entry_id)
        if found is None:
            return None
        entry, message = found
        try:
            outcome = _process(message, await self._registry_for(message))
        except NotReplayableError as error:
            return Replay(entry, Verdict.IMPOSSIBLE, problem=str(error))
        if not dry_run:
            replayed = await self._quarantine.replay(
                entry_id, records=_records(outcome, self._shards), defects=outcome.defects, by=by, at=at
            )
            if replayed is None:
                return None
            entry = replayed
            log.info("quarantine_replayed", entry=entry_id, by=by, state=entry.state.value)
        return Replay(
            entry,
            Verdict.REFUSED if outcome.defects else Verdict.ACCEPTED,
            len(outcome.readings),
            1 if outcome.notice or outcome.presence else 0,
            outcome.defects,
        )

    async def _registry_for(self, message: QuarantinedMessage) -> Registry:
        """The registry as far as a message needs it."""
        address = parse_topic(message.topic)
        if address is None or address.device_id is None:
            return {}
        device = await self._devices.get(address.grid_id, address.device_id)
        return {} if device is None else {(device.grid_id, device.device_id): device}


def _process(message: QuarantinedMessage, registry: Registry) -> Outcome:
    try:
        return process_again(message, registry)
    except NotReplayableError:
        raise
    except Exception as error:
        # A message may be here because of a fault of ours that is not mended yet.
        log.exception("replay_failed", topic=message.topic)
        return Outcome(defects=(Defect(reason=Reason.INTERNAL_ERROR, detail=type(error).__name__),))


def _records(outcome: Outcome, shards: int) -> list[Record]:
    by_stream: dict[str, list[Reading]] = {}
    for reading in outcome.readings:
        by_stream.setdefault(readings_stream_of(reading.grid_id, shards), []).append(reading)
    records = [
        Record(stream, READINGS_KIND, encode_readings(readings)) for stream, readings in by_stream.items()
    ]
    if between := record_between_readings(outcome, shards):
        records.append(between)
    return records
