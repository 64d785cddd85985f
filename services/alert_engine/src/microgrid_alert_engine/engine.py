"""The engine: takes what the readings streams bring through the evaluation into the alarm stores."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from microgrid_alert_engine.alarm_metrics import count_event
from microgrid_alert_engine.documents_kept import KeptDocuments
from microgrid_alert_engine.families import Families
from microgrid_alert_engine.inputs import Family, Item, devices_of, inputs_of
from microgrid_alert_engine.rule_watch import RuleWatch
from microgrid_alert_engine.ticks import Ticker
from microgrid_common.ports.alarm_states import AlarmStates, GridCommit, GridDocuments
from microgrid_common.ports.durable_log import Entry, LogAppender, Record
from microgrid_common.ports.errors import RetryableError
from microgrid_common.runtime import metrics
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas.alert import AlertEvent
from microgrid_common.schemas.device_link import LinkEvent
from microgrid_common.schemas.notice import DeviceNotice
from microgrid_common.schemas.quarantine import RAW_BYTES_KEPT, Defect, QuarantinedMessage, Reason
from microgrid_common.schemas.reading import Reading
from microgrid_common.schemas.streams import QUARANTINE_STREAM, QUARANTINED_KIND
from microgrid_common.schemas.tick import Tick
from microgrid_common.transforms.alarms.evaluation import GridEvaluation

log = structlog.get_logger()

REDIS: Final = "redis"

_AT_A_TIME: Final = 200
"""Inputs before others get a turn: in one process with the API this is the only moment for it."""

_Parts = dict[str, deque[list[Item]]]
"""Grid → what is left to do there; each part is committed as a whole, one after the other."""


class AlertEngine:
    """Decides and commits, batch by batch.

    Everything may happen again after a crash: what was committed is found done.

    Args:
        states: the alarm documents.
        durable_log: where the quarantine is.
        rules: what to judge by.
        families: which devices report through which.
        ticker: is told which ticks have been worked on.
        notice_quiet: how long an alert lasts that rests on a device's notices alone.
        clock: the time, aware.
    """

    def __init__(
        self,
        *,
        states: AlarmStates,
        durable_log: LogAppender,
        rules: RuleWatch,
        families: Families,
        ticker: Ticker,
        notice_quiet: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._states = states
        self._documents = KeptDocuments(states)
        self._log = durable_log
        self._rules = rules
        self._families = families
        self._ticker = ticker
        self._notice_quiet = notice_quiet
        self._clock = clock

    async def process(self, entries: Sequence[Entry]) -> None:
        """Carry out what entries ask for; when it returns they can be acknowledged."""
        by_grid: dict[str, list[Item]] = defaultdict(list)
        for entry in entries:
            try:
                inputs = inputs_of(entry)
            except Exception as error:
                # Whatever is wrong with it or with us, what other devices have sent waits behind this one.
                log.exception("stream_entry_failed", stream=entry.stream, entry=entry.id)
                await self._quarantine(entry, entry.data, error)
                continue
            for each in inputs:
                by_grid[each.grid_id].append(Item(entry, each))
        left: _Parts = {grid_id: deque([items]) for grid_id, items in by_grid.items()}
        while left:
            await until_it_works(lambda: self._work_on(left), dependency=REDIS)

    async def _work_on(self, left: _Parts) -> None:
        """Commit the first part of every grid; a part that was committed is taken away."""
        families = {grid_id: self._families.of(grid_id) for grid_id in left}
        wanted = {grid_id: devices_of(parts[0], families[grid_id]) for grid_id, parts in left.items()}
        try:
            documents = await self._documents.load(wanted)
            evaluated: list[GridEvaluation] = []
            commits: list[GridCommit] = []
            for grid_id, found in documents.items():
                evaluation = await self._evaluate(grid_id, found, left, families[grid_id])
                if evaluation is not None:
                    evaluated.append(evaluation)
                    commits.append(_commit(grid_id, found, evaluation))
            made = await self._commit(commits)
        except RetryableError:
            for grid_id in left:
                self._documents.drop(grid_id)
            raise
        for commit, evaluation, was_made in zip(commits, evaluated, made, strict=True):
            if was_made:
                self._committed(commit, left)
                await self._rules.disable(evaluation.failures.values())
            else:
                # What failed is judged again, with what came before it.
                self._documents.drop(commit.grid_id)

    async def _evaluate(
        self, grid_id: str, documents: GridDocuments, left: _Parts, family: Family
    ) -> GridEvaluation | None:
        """Work on the first part of a grid; None when an input failed, which was taken away."""
        evaluation = GridEvaluation(
            grid_id,
            documents.grid,
            documents.devices,
            self._rules.plan,
            parents=family.parents,
            notice_quiet=self._notice_quiet,
        )
        items = left[grid_id][0]
        for index, item in enumerate(items):
            if index % _AT_A_TIME == 0:
                await asyncio.sleep(0)
            try:
                _apply(evaluation, item)
            except Exception as error:
                log.exception("evaluation_failed", grid_id=grid_id, entry=item.entry.id)
                # It may have been in the middle of a change.
                self._documents.drop(grid_id)
                await self._quarantine(item.entry, item.data, error)
                left[grid_id].popleft()
                left[grid_id].extendleft(part for part in (items[index + 1 :], items[:index]) if part)
                if not left[grid_id]:
                    del left[grid_id]
                return None
        return evaluation

    async def _commit(self, commits: Sequence[GridCommit]) -> list[bool]:
        """Whether each one was made; one that changes nothing always is."""
        changing = [commit for commit in commits if commit.grid or commit.devices or commit.alerts]
        made = iter(await self._states.commit(changing)) if changing else iter(())
        wanted = set(map(id, changing))
        return [next(made) if id(commit) in wanted else True for commit in commits]

    def _committed(self, commit: GridCommit, left: _Parts) -> None:
        items = left[commit.grid_id].popleft()
        if not left[commit.grid_id]:
            del left[commit.grid_id]
        for _, each in items:
            # Whether something is a model takes longer to find out; nearly all are readings.
            if not isinstance(each, Reading) and isinstance(each, Tick):
                self._ticker.worked_on(each)
        _tell(commit.events)

    async def _quarantine(self, entry: Entry, data: bytes, error: Exception) -> None:
        metrics.QUARANTINED.labels(reason=Reason.INTERNAL_ERROR.value).inc()
        detail = f"{type(error).__name__}: {error}"
        kept = QuarantinedMessage.model_construct(
            received_at=self._clock(),
            topic=f"{entry.stream}/{entry.id}",
            defects=(Defect(reason=Reason.INTERNAL_ERROR, detail=detail[:1_000]),),
            raw=data[:RAW_BYTES_KEPT],
            raw_size_bytes=len(data),
        )
        record = Record(QUARANTINE_STREAM, QUARANTINED_KIND, kept.model_dump_json().encode())
        await until_it_works(lambda: self._log.append([record]), dependency=REDIS)


def _apply(evaluation: GridEvaluation, item: Item) -> None:
    match item.input:
        case Reading():
            evaluation.on_reading(item.input)
        case DeviceNotice():
            evaluation.on_notice(item.input)
        case LinkEvent():
            evaluation.on_link(item.input)
        case Tick():
            evaluation.on_tick(item.input)


def _commit(grid_id: str, documents: GridDocuments, evaluation: GridEvaluation) -> GridCommit:
    changes = evaluation.changes
    return GridCommit(
        grid_id,
        grid=documents.grid if changes.grid_changed else None,
        devices={device_id: documents.devices[device_id] for device_id in sorted(changes.devices)},
        timers={device_id: evaluation.timer_of(device_id) for device_id in changes.devices},
        alerts=list(changes.alerts.values()),
        events=changes.events,
    )


def _tell(events: Iterable[AlertEvent]) -> None:
    for event in events:
        count_event(event)
        log.info(
            "alert_changed",
            transition=event.transition.value,
            alert_id=event.alert.id,
            grid_id=event.alert.grid_id,
            device_id=event.alert.device_id,
            rule_id=event.alert.rule_id,
        )
