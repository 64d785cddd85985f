"""From the broker into the durable log; only then is a message acknowledged."""

from datetime import timedelta
from functools import partial

import structlog

from microgrid_common.ports.durable_log import LogAppender, append_ids
from microgrid_common.ports.message_source import MessageSource
from microgrid_common.runtime import metrics
from microgrid_common.runtime.backoff import Backoff, until_it_works
from microgrid_ingestor.device_desk import DeviceDesk
from microgrid_ingestor.intake import take_in

_LONGEST_PAUSE = timedelta(seconds=1)
"""What we leave with the broker for long it may drop."""

log = structlog.get_logger()


async def receive_messages(
    source: MessageSource, durable_log: LogAppender, *, devices: DeviceDesk, shards: int
) -> None:
    """Receive until cancelled.

    While one batch is being appended the next one gathers, so batches are as large as the load asks for
    and an idle system waits for nothing. While the log is away or full nothing is acknowledged, and the
    broker holds back what exceeds the receive maximum.
    """
    # Who is registered must be known before the first message is judged.
    await devices.directory.refresh()
    ids = append_ids()
    while True:
        batch = await source.receive()
        intake = take_in(
            batch.messages,
            registry=devices.directory.devices,
            shards=shards,
            only_registered=devices.only_registered,
        )
        if intake.records:
            append = partial(durable_log.append, intake.records, append_id=next(ids))
            await until_it_works(append, dependency="redis", backoff=Backoff(longest=_LONGEST_PAUSE))
        devices.keeper.note(intake.sightings)
        if intake.reports:
            await devices.keeper.take(intake.reports)
        if intake.answers:
            await devices.commands.take(intake.answers)
        await source.acknowledge(batch)
        metrics.MESSAGES_RECEIVED.inc(len(batch.messages))
        metrics.BATCH_MESSAGES.observe(len(batch.messages))
        metrics.READINGS_ACCEPTED.inc(intake.readings)
        for reason in intake.quarantined:
            metrics.QUARANTINED.labels(reason=reason.value).inc()
        if intake.quarantined:
            log.warning(
                "messages_quarantined", count=len(intake.quarantined), reasons=sorted(set(intake.quarantined))
            )
