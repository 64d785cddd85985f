"""From the durable log into the ledgers: which numbered samples of each device came, and which did not."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from microgrid_common.ports.durable_log import Entry, LogConsumer
from microgrid_common.ports.ledger_store import LedgerChanges, LedgerStore
from microgrid_common.runtime import metrics
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.runtime.tasks import PAUSE_AFTER_FAILURE
from microgrid_common.schemas.ledger import DeviceKey, DeviceLedger
from microgrid_common.transforms.ledger.news import NewsOfDevices, gather
from microgrid_common.transforms.ledger.transitions import updated

log = structlog.get_logger()

LEDGER_GROUP = "ledger"

ENTRIES_PER_STEP = 40
"""Several entries share a step, since each costs Redis a fixed price."""

LEDGERS_AT_HAND = 20_000
"""So many ledgers stay in memory, some 30 MB; beyond it they are read again as they are needed."""

_WAIT = timedelta(seconds=2)


async def keep_ledgers(
    consumer: LogConsumer, store: LedgerStore, *, grace: timedelta, clock: Callable[[], datetime]
) -> None:
    """Enter what the streams bring until cancelled; an entry is acknowledged when it is in the ledgers.

    Args:
        consumer: gives the entries of each stream in their order.
        store: where the ledgers are.
        grace: after how long a new gap is looked at.
        clock: the present, aware.
    """
    keeper = LedgerKeeper(store, grace=grace, clock=clock)
    while True:
        entries = await until_it_works(
            lambda: consumer.read(count=ENTRIES_PER_STEP, wait=_WAIT), dependency="redis"
        )
        by_stream: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            by_stream[entry.stream].append(entry)
        for stream, its_entries in by_stream.items():
            await _enter_in_the_end(keeper, stream, its_entries)
        if entries:
            await until_it_works(lambda: consumer.acknowledge(entries), dependency="redis")  # noqa: B023 - awaited here


async def _enter_in_the_end(keeper: "LedgerKeeper", stream: str, entries: Sequence[Entry]) -> None:
    """Enter entries, however often it takes: what follows them must not be entered before."""
    while True:
        try:
            await until_it_works(lambda: keeper.enter(stream, entries), dependency="redis")
        except Exception:
            # The ledger stands still, and readings do not: the receiver and the historian are not concerned.
            log.exception("ledger_failed", stream=stream, first=entries[0].id, last=entries[-1].id)
            await asyncio.sleep(PAUSE_AFTER_FAILURE.total_seconds())
        else:
            return


@dataclass(slots=True)
class _Book:
    """What is in memory of a stream's ledgers: true as long as the store is at the same position."""

    position: str
    ledgers: dict[DeviceKey, DeviceLedger] = field(default_factory=dict)


class LedgerKeeper:
    """Enters entries of streams into the ledgers, each once, also if they come again."""

    def __init__(self, store: LedgerStore, *, grace: timedelta, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._grace_milliseconds = grace // timedelta(milliseconds=1)
        self._clock = clock
        self._books: dict[str, _Book] = {}

    async def enter(self, stream: str, entries: Sequence[Entry]) -> None:
        """Enter consecutive entries of one stream; those that are in the ledgers already change nothing.

        Raises:
            RetryableError: the store is away; calling again with the same is safe.
        """
        while True:
            book = self._books.get(stream)
            if book is None:
                book = _Book((await self._store.load(stream, [])).position)
                self._books[stream] = book
            new = [entry for entry in entries if _place(entry.id) > _place(book.position)]
            if not new or await self._enter_new(stream, book, new):
                return
            # Somebody else has moved on with this stream, or did so before: what we remember is out of date.
            del self._books[stream]

    async def _enter_new(self, stream: str, book: _Book, entries: Sequence[Entry]) -> bool:
        news = _gather(entries)
        if unknown := [device for device in news if device not in book.ledgers]:
            page = await self._store.load(stream, unknown)
            if page.position != book.position:
                return False
            book.ledgers.update(page.ledgers)
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
