"""The engine: takes entries of the readings streams through the lifecycle into the alert store."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import structlog

from microgrid_alert_engine.lifecycle import AlertToClear, Decision, Lifecycle
from microgrid_alert_engine.rules import Rule
from microgrid_common.ports.alert_store import AlertStore
from microgrid_common.ports.durable_log import DurableLog, Entry, Record
from microgrid_common.ports.errors import PermanentError
from microgrid_common.ports.evaluation_progress import EvaluationProgress
from microgrid_common.runtime import metrics
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas import streams
from microgrid_common.schemas.alert import Alert
from microgrid_common.schemas.notice import DeviceNotice
from microgrid_common.schemas.quarantine import RAW_BYTES_KEPT, Defect, QuarantinedMessage, Reason
from microgrid_common.schemas.reading import Reading, decode_readings, encode_readings

log = structlog.get_logger()

REDIS = "redis"


class AlertEngine:
    """Decides and carries out, one entry after the other.

    Everything may happen again after a crash: the store refuses what it has already done, since it knows
    the time of the last transition of each rule on each device.

    Args:
        alerts: where alerts are kept.
        progress: where it is kept how far each rule has come.
        durable_log: where the quarantine is.
        rules: what to judge readings by.
        notice_quiet: how long an alert lasts that rests on a device's notices alone.
        clock: the time, aware.
    """

    def __init__(
        self,
        *,
        alerts: AlertStore,
        progress: EvaluationProgress,
        durable_log: DurableLog,
        rules: Iterable[Rule],
        notice_quiet: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._alerts = alerts
        self._progress = progress
        self._log = durable_log
        self._clock = clock
        self._lifecycle = Lifecycle(rules, notice_quiet=notice_quiet)

    async def restore(self) -> None:
        """Load where an earlier run stopped; waits for the store."""
        progress = await until_it_works(self._progress.load, dependency=REDIS)
        active = await until_it_works(self._alerts.active_alerts, dependency=REDIS)
        self._lifecycle.restore(active, progress, now=self._clock())
        log.info("alerts_restored", active=len(active))

    async def process(self, entries: Sequence[Entry]) -> None:
        """Carry out what entries ask for; when it returns they can be acknowledged."""
        for entry in entries:
            await self._process_entry(entry)
            # In one process with the API this may be the only moment for it in a long backlog.
            await asyncio.sleep(0)
        if progress := self._lifecycle.take_progress():
            await until_it_works(lambda: self._progress.save(progress), dependency=REDIS)

    async def end_silent_alerts(self) -> None:
        """Clear what rests on a device's notices that have not been repeated."""
        for decision in self._lifecycle.on_silence(now=self._clock()):
            await self._carry_out(decision)

    async def _process_entry(self, entry: Entry) -> None:
        try:
            readings = await self._take_apart(entry)
        except Exception as error:
            # Whatever is wrong with it or with us, what other devices have sent waits behind this one.
            log.exception("stream_entry_failed", stream=entry.stream, entry=entry.id)
            await self._quarantine(entry, entry.data, f"{type(error).__name__}: {error}")
            return
        for reading in readings:
            try:
                for decision in self._lifecycle.on_reading(reading):
                    await self._carry_out(decision)
            except Exception as error:
                log.exception("evaluation_failed", grid_id=reading.grid_id, device_id=reading.device_id)
                await self._quarantine(entry, encode_readings([reading]), f"{type(error).__name__}: {error}")

    async def _take_apart(self, entry: Entry) -> Sequence[Reading]:
        """The readings of an entry; a notice is carried out."""
        match entry.kind:
            case streams.READINGS_KIND:
                return decode_readings(entry.data)
            case streams.NOTICE_KIND:
                notice = DeviceNotice.model_validate_json(entry.data)
                if decision := self._lifecycle.on_notice(notice, now=self._clock()):
                    await self._carry_out(decision)
                return ()
            case streams.REFUSALS_KIND | streams.PRESENCE_KIND | streams.LINK_KIND:
                # No rule asks for these.
                return ()
            case _:
                # Written by a newer ingestor: it is kept, so that it can be replayed to a newer engine.
                raise ValueError(f"no entry of the kind {entry.kind!r} is known")

    async def _carry_out(self, decision: Decision) -> None:
        try:
            alert = await until_it_works(lambda: self._ask_store(decision), dependency=REDIS)
            done = alert is not None or await self._is_as_asked(decision)
        except PermanentError:
            # It counts as not done, so the device's next reading asks for it again.
            log.exception("alert_refused", **_named(decision))
            return
        if done:
            self._lifecycle.carried_out(decision, now=self._clock())
        if alert is not None:
            cleared = isinstance(decision, AlertToClear)
            metrics.ALERT_TRANSITIONS.labels(transition="cleared" if cleared else "raised").inc()
            log.info("alert_cleared" if cleared else "alert_raised", alert_id=alert.id, **_named(decision))

    async def _ask_store(self, decision: Decision) -> Alert | None:
        if isinstance(decision, AlertToClear):
            return await self._alerts.clear_alert(
                decision.grid_id,
                decision.device_id,
                decision.rule_id,
                cleared_at=decision.cleared_at,
                effective_at=decision.effective_at,
            )
        return await self._alerts.raise_alert(decision)

    async def _is_as_asked(self, decision: Decision) -> bool:
        """Whether the store is as a decision wanted it, though it did nothing about it.

        It is when an earlier try has done it and the answer was lost. It is not when, after a crash, an
        entry comes again that is older than the last transition.
        """
        active = await until_it_works(lambda: self._alerts.active_alerts(decision.grid_id), dependency=REDIS)
        wanted_active = not isinstance(decision, AlertToClear)
        is_active = any(
            (alert.device_id, alert.rule_id) == (decision.device_id, decision.rule_id) for alert in active
        )
        return is_active is wanted_active

    async def _quarantine(self, entry: Entry, data: bytes, detail: str) -> None:
        metrics.QUARANTINED.labels(reason=Reason.INTERNAL_ERROR.value).inc()
        kept = QuarantinedMessage.model_construct(
            received_at=self._clock(),
            topic=f"{entry.stream}/{entry.id}",
            defects=(Defect(reason=Reason.INTERNAL_ERROR, detail=detail[:1_000]),),
            raw=data[:RAW_BYTES_KEPT],
            raw_size_bytes=len(data),
        )
        record = Record(streams.QUARANTINE_STREAM, streams.QUARANTINED_KIND, kept.model_dump_json().encode())
        await until_it_works(lambda: self._log.append([record]), dependency=REDIS)


def _named(decision: Decision) -> dict[str, str]:
    return {
        "grid_id": decision.grid_id,
        "device_id": decision.device_id,
        "rule_id": decision.rule_id,
    }
