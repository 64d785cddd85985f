"""From the durable log into the telemetry store."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog

from microgrid_common.ports.durable_log import DurableLog, Entry, LogConsumer, Record
from microgrid_common.ports.errors import PartialWriteError, PermanentError
from microgrid_common.ports.rollup_queue import RollupQueue
from microgrid_common.ports.telemetry_store import TelemetryStore
from microgrid_common.runtime import metrics
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas.numbering import NumberRange
from microgrid_common.schemas.quarantine import Defect, QuarantinedMessage, Reason
from microgrid_common.schemas.quarantine_entry import time_of
from microgrid_common.schemas.reading import MalformedBatchError, Reading, decode_readings, encode_readings
from microgrid_common.schemas.refusal import Refusal, encode_refusals
from microgrid_common.schemas.streams import (
    QUARANTINE_STREAM,
    QUARANTINED_KIND,
    READINGS_KIND,
    REFUSALS_KIND,
)
from microgrid_common.transforms.numbers import number_ranges
from microgrid_ingestor.rollup_marks import touched_buckets

log = structlog.get_logger()

HISTORIAN_GROUP = "historian"

ENTRIES_PER_WRITE = 20
"""Several entries share a write: each costs the store a fixed price."""

_WAIT = timedelta(seconds=2)


async def write_history(
    consumer: LogConsumer, store: TelemetryStore, durable_log: DurableLog, rollup_queue: RollupQueue
) -> None:
    """Store until cancelled.

    An entry is acknowledged when its readings are stored or in quarantine, and the roll-ups that they touch
    are marked.
    """
    storing: asyncio.Task[None] | None = None
    async with asyncio.TaskGroup() as group:
        while True:
            entries = await until_it_works(
                lambda: consumer.read(count=ENTRIES_PER_WRITE, wait=_WAIT), dependency="redis"
            )
            if entries:
                # While the store works on one batch the next is made ready; no more than two are in hand.
                step = _store_and_acknowledge(entries, consumer, store, durable_log, rollup_queue)
                before, storing = storing, group.create_task(step, name="historian-store")
                if before:
                    await before


async def _store_and_acknowledge(
    entries: Sequence[Entry],
    consumer: LogConsumer,
    store: TelemetryStore,
    durable_log: DurableLog,
    rollup_queue: RollupQueue,
) -> None:
    await _store(entries, store, durable_log, rollup_queue)
    await until_it_works(lambda: consumer.acknowledge(entries), dependency="redis")


async def _store(
    entries: Sequence[Entry], store: TelemetryStore, durable_log: DurableLog, rollup_queue: RollupQueue
) -> None:
    readings: list[Reading] = []
    refused: list[Record] = []
    stream_of_grid: dict[str, str] = {}
    for entry in entries:
        if entry.kind != READINGS_KIND:
            continue
        try:
            decoded = decode_readings(entry.data)
        except MalformedBatchError as error:
            log.exception("stream_entry_undecodable", stream=entry.stream, entry=entry.id)
            # A time that is the same when it is tried again: see `QuarantineEntry.identity`.
            appended_at = time_of(entry.id)
            refused.append(_refused(entry.data, appended_at, Reason.INTERNAL_ERROR, str(error)))
        else:
            readings.extend(decoded)
            stream_of_grid.update((reading.grid_id, entry.stream) for reading in decoded)
    if readings:
        rejected, why = await _write(readings, store)
        for reading in rejected:
            data = encode_readings([reading])
            refused.append(_refused(data, reading.received_at, Reason.REJECTED_BY_STORE, why, reading))
            refused.append(_taken_back(reading, stream_of_grid[reading.grid_id]))
        metrics.READINGS_STORED.inc(len(readings) - len(rejected))
        metrics.STORE_WRITE_READINGS.observe(len(readings))
        now = datetime.now(UTC)
        received_at = max(reading.received_at for reading in readings)
        metrics.MESSAGE_AGE.observe(max(0.0, (now - received_at).total_seconds()))
        measured_at = max(reading.timestamp for reading in readings)
        metrics.END_TO_END_AGE.observe(max(0.0, (now - measured_at).total_seconds()))
        refused_ids = {id(reading) for reading in rejected}
        stored = (reading for reading in readings if id(reading) not in refused_ids)
        touched = touched_buckets(stored, now=now)
        await until_it_works(lambda: rollup_queue.mark(touched), dependency="redis")
    if refused:
        await until_it_works(lambda: durable_log.append(refused), dependency="redis")
        log.warning("readings_quarantined", count=sum(record.kind == QUARANTINED_KIND for record in refused))


async def _write(readings: Sequence[Reading], store: TelemetryStore) -> tuple[Sequence[Reading], str]:
    """Write; returns what the store will never take, and why."""
    try:
        await until_it_works(lambda: store.write(readings), dependency="telemetry_store")
    except PartialWriteError as error:
        return error.rejected, str(error)
    except PermanentError as error:
        return readings, str(error)
    return (), ""


def _refused(
    data: bytes, received_at: datetime, reason: Reason, detail: str, reading: Reading | None = None
) -> Record:
    metrics.QUARANTINED.labels(reason=reason.value).inc()
    kept = QuarantinedMessage.model_construct(
        received_at=received_at,
        topic="",
        grid_id=reading.grid_id if reading else None,
        device_id=reading.device_id if reading else None,
        numbers=_numbers(reading) if reading else (),
        defects=(Defect(reason=reason, detail=detail[:1_000]),),
        raw=data,
        raw_size_bytes=len(data),
    )
    return Record(QUARANTINE_STREAM, QUARANTINED_KIND, kept.model_dump_json().encode())


def _taken_back(reading: Reading, stream: str) -> Record:
    """Tells the ledger that a reading which it has seen arrive is in quarantine now."""
    refusal = Refusal(
        grid_id=reading.grid_id, device_id=reading.device_id, numbers=_numbers(reading), by_store=True
    )
    return Record(stream, REFUSALS_KIND, encode_refusals([refusal]))


def _numbers(reading: Reading) -> tuple[NumberRange, ...]:
    if reading.boot_id is None or reading.seq is None:
        return ()
    return number_ranges([(reading.boot_id, reading.seq)])
