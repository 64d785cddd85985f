"""From the durable log into the ledgers: which numbered samples of each device came, and which did not."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from microgrid_common.ports.durable_log import DurableLog, Entry, LogConsumer
from microgrid_common.ports.ledger_store import LedgerChanges, LedgerStore
from microgrid_common.runtime import metrics
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.runtime.tasks import PAUSE_AFTER_FAILURE
from microgrid_common.schemas.ledger import DeviceKey, DeviceLedger
from microgrid_common.transforms.ledger.news import NewsOfDevices, gather
from microgrid_common.transforms.ledger.transitions import updated

log = structlog.get_logger()

LEDGER_GROUP = "ledger"

ENTRIES_PER_STEP = 20
"""Several entries share a step, since each costs Redis a fixed price."""

LEDGERS_AT_HAND = 20_000
"""So many ledgers stay in memory, some 30 MB; beyond it they are read again as they are needed."""

_WAIT = timedelta(seconds=2)


async def keep_ledgers(
    consumer: LogConsumer,
    durable_log: DurableLog,
    store: LedgerStore,
    *,
    grace: timedelta,
    clock: Callable[[], datetime],
) -> None:
    """Enter what the streams bring until cancelled; an entry is acknowledged when it is in the ledgers.

    Args:
        consumer: says that there are entries, and to one replica alone, as a rule.
        durable_log: where the entries are.
        store: where the ledgers are.
        grace: after how long a new gap is looked at.
        clock: the present, aware.
    """
    keeper = LedgerKeeper(durable_log, store, grace=grace, clock=clock)
    while True:
        entries = await until_it_works(
            lambda: consumer.read(count=ENTRIES_PER_STEP, wait=_WAIT), dependency="redis"
        )
        for stream, last in {entry.stream: entry.id for entry in entries}.items():
            await _follow_in_the_end(keeper, stream, last)
        if entries:
            await until_it_works(lambda: consumer.acknowledge(entries), dependency="redis")  # noqa: B023 - awaited here


async def _follow_in_the_end(keeper: "LedgerKeeper", stream: str, last: str) -> None:
    while True:
        try:
            await until_it_works(lambda: keeper.follow(stream, last), dependency="redis")
        except Exception:
            # The ledger stands still, and readings do not: the receiver and the historian are not concerned.
            log.exception("ledger_failed", stream=stream, up_to=last)
            await asyncio.sleep(PAUSE_AFTER_FAILURE.total_seconds())
        else:
            return


@dataclass(slots=True)
class _Book:
    """What is in memory of a stream's ledgers: true as long as the store is at the same position."""

    position: str
    ledgers: dict[DeviceKey, DeviceLedger] = field(default_factory=dict)


class LedgerKeeper:
    """Enters the entries of streams into the ledgers: each once, in the order of its stream.

    It reads on from where the ledgers are, whatever the consumer group hands out: when a stream changes its
    owner, the new one may be given an entry before the old one is through with those that precede it.
    """

    def __init__(
        self,
        durable_log: DurableLog,
        store: LedgerStore,
        *,
        grace: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._log = durable_log
        self._store = store
        self._grace_milliseconds = grace // timedelta(milliseconds=1)
        self._clock = clock
        self._books: dict[str, _Book] = {}

    async def follow(self, stream: str, last: str) -> None:
        """Enter the entries of a stream up to one at least; those that are in the ledgers are passed over.

        Args:
            stream: which stream.
            last: the id of an entry.

        Raises:
            RetryableError: the log or the store is away; calling again is safe.
        """
        while True:
            book = self._books.get(stream)
            if book is None:
                book = _Book((await self._store.load(stream, [])).position)
                self._books[stream] = book
            if _place(book.position) >= _place(last):
                return
            entries = await self._log.read_after(
                {stream: book.position}, count=ENTRIES_PER_STEP, wait=timedelta()
            )
            if not entries:
                return
            if not await self._enter(stream, book, entries):
                # Somebody else has moved on with this stream: what we remember is out of date.
                del self._books[stream]

    async def _enter(self, stream: str, book: _Book, entries: Sequence[Entry]) -> bool:
        news = _gather(entries)
        if unknown := [device for device in news if device not in book.ledgers]:
            # If the store has moved on meanwhile, so will `apply` find.
            book.ledgers.update((await self._store.load(stream, unknown)).ledgers)
        now = int(self._clock().timestamp() * 1000)
        before = {device: book.ledgers.get(device) for device in news}
        after = {device: updated(before[device], told, now=now) for device, told in news.items()}
        changes = changes_of(before, after, now=now, look_after=self._grace_milliseconds)
        position = entries[-1].id
        if not await self._store.apply(stream, after=book.position, position=position, changes=changes):
            return False
        book.position = position
        book.ledgers.update(after)
        if len(book.ledgers) > LEDGERS_AT_HAND:
            book.ledgers.clear()
        metrics.LEDGER_DUPLICATES.inc(_duplicates(before, after))
        return True


def changes_of(
    before: Mapping[DeviceKey, DeviceLedger | None],
    after: Mapping[DeviceKey, DeviceLedger],
    *,
    now: int,
    look_after: int,
) -> LedgerChanges:
    """What has to be stored when ledgers become others.

    Args:
        before: as they were; None for a device that is new.
        after: as they are, of the same devices.
        now: when gaps that are new were noticed, in milliseconds since 1970.
        look_after: after how long to look at these, in milliseconds.
    """
    look_at: dict[DeviceKey, int] = {}
    settled: list[DeviceKey] = []
    missing: dict[str, int] = defaultdict(int)
    for device, ledger in after.items():
        old = before[device]
        old_missing = old.missing if old else 0
        if not ledger.missing and not old_missing:
            continue
        missing[ledger.device_type] += ledger.missing
        if old:
            missing[old.device_type] -= old_missing
        if _has_new_gap(ledger, now):
            look_at[device] = now + look_after
        elif old and old.has_gaps and not ledger.has_gaps:
            settled.append(device)
    return LedgerChanges(after, look_at, settled, missing)


def _has_new_gap(ledger: DeviceLedger, now: int) -> bool:
    # A gap begins its life at one of the ends.
    return any(
        gap.noticed_at == now for boot in ledger.boots if boot.gaps for gap in (boot.gaps[0], boot.gaps[-1])
    )


def _duplicates(
    before: Mapping[DeviceKey, DeviceLedger | None], after: Mapping[DeviceKey, DeviceLedger]
) -> int:
    return sum(ledger.duplicates for ledger in after.values()) - sum(
        ledger.duplicates for ledger in before.values() if ledger
    )


def _gather(entries: Sequence[Entry]) -> NewsOfDevices:
    news: NewsOfDevices = {}
    for entry in entries:
        try:
            gather(entry.kind, entry.data, news)
        except ValueError:
            # The historian puts it in quarantine; what was in it shows as missing.
            log.exception("stream_entry_undecodable", stream=entry.stream, entry=entry.id)
    return news


def _place(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence)
