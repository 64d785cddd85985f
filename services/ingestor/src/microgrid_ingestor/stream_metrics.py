"""What Prometheus is told about the streams: how long they are, who lags behind, what is in quarantine."""

import asyncio
from datetime import timedelta

from microgrid_common.ports.durable_log import DurableLog, LogMeasure
from microgrid_common.ports.quarantine import Quarantine, QuarantineCounts, QuarantineTotals
from microgrid_common.runtime import metrics
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas.quarantine import Reason
from microgrid_common.schemas.quarantine_entry import QuarantineState
from microgrid_common.schemas.streams import (
    ALERTS_STREAM,
    COMMANDS_STREAM,
    QUARANTINE_STREAM,
    readings_streams,
)
from microgrid_ingestor.log_capacity import LogCapacity

_INTERVAL = timedelta(seconds=5)
"""Below the shortest scrape interval in use, 10 s, so that every scrape sees something new."""


async def sample_streams(
    durable_log: DurableLog, capacity: LogCapacity, quarantine: Quarantine, *, shards: int
) -> None:
    """Measure until cancelled; while the log is away the last figures stay.

    Every replica measures the same log, so take the maximum over replicas, not the sum.

    Args:
        durable_log: where the streams are.
        capacity: takes note of the measures, too.
        quarantine: the messages that were refused.
        shards: how many streams of readings there are.
    """
    streams = [*readings_streams(shards), ALERTS_STREAM, COMMANDS_STREAM, QUARANTINE_STREAM]
    while True:
        measure = await until_it_works(lambda: durable_log.measure(streams), dependency="redis")
        capacity.observe(measure)
        _show_log(measure)
        _show_quarantine(
            await until_it_works(quarantine.counts, dependency="redis"),
            await until_it_works(quarantine.totals, dependency="redis"),
        )
        await asyncio.sleep(_INTERVAL.total_seconds())


def _show_log(measure: LogMeasure) -> None:
    metrics.LOG_MEMORY_USED.set(measure.memory_used_bytes)
    metrics.LOG_MEMORY_LIMIT.set(measure.memory_limit_bytes or 0)
    # A group that is gone must not go on being shown with its last figure.
    metrics.STREAM_LAG.clear()
    metrics.STREAM_PENDING.clear()
    for name, stream in measure.streams.items():
        metrics.STREAM_ENTRIES.labels(stream=name).set(stream.length)
        for group, figures in stream.groups.items():
            metrics.STREAM_PENDING.labels(stream=name, group=group).set(figures.pending)
            if figures.lag is not None:
                metrics.STREAM_LAG.labels(stream=name, group=group).set(figures.lag)


def _show_quarantine(counts: QuarantineCounts, totals: QuarantineTotals) -> None:
    metrics.QUARANTINE_STORED.set(totals.stored_bytes)
    metrics.QUARANTINE_DROPPED_OPEN.set(totals.dropped_open)
    for state in QuarantineState:
        for reason in Reason:
            gauge = metrics.QUARANTINE_MESSAGES.labels(state=state.value, reason=reason.value)
            gauge.set(counts.get((state, reason), 0))
