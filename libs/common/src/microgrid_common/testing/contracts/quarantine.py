"""What every `Quarantine` must do."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from microgrid_common.ports.durable_log import DurableLog, Record
from microgrid_common.ports.quarantine import Quarantine, QuarantineFilter
from microgrid_common.schemas.quarantine import Reason
from microgrid_common.schemas.quarantine_entry import NO_GRID, QuarantineState
from microgrid_common.schemas.streams import QUARANTINE_STREAM, QUARANTINED_KIND
from microgrid_common.testing.contracts.quarantine_messages import (
    ALL,
    DISCARDED,
    OPEN,
    OUT_OF_RANGE,
    REJECTED,
    REPLAYED,
    T0,
    found,
    number_of,
    numbers,
    put,
    refused,
)

BEGIN_OF_TIME = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))
END_OF_TIME = datetime.max.replace(tzinfo=timezone(timedelta(hours=-14)))


class QuarantineContract:
    """Needs the fixtures `quarantine`, which is empty, and `log`, the log with its stream."""

    async def test_what_is_appended_to_the_stream_is_in_quarantine(
        self, quarantine: Quarantine, log: DurableLog
    ) -> None:
        """At once, with everything that is known, and open."""
        before = datetime.now(UTC) - timedelta(milliseconds=1)
        message = refused(raw=bytes(range(256)))
        await put(log, message)
        [entry] = await found(quarantine)
        assert await quarantine.get(entry.id) == (entry, message)
        assert entry.id == await log.last_id(QUARANTINE_STREAM)
        assert (entry.state, entry.handled_at, entry.handled_by) == (OPEN, None, None)
        assert (entry.grid_id, entry.device_id, entry.topic) == ("village", "meter", message.topic)
        assert (entry.defects, entry.reason) == ((OUT_OF_RANGE,), Reason.OUT_OF_RANGE)
        assert (entry.received_at, entry.raw_size_bytes, entry.raw_kept_bytes) == (T0, 256, 256)
        assert before <= entry.quarantined_at <= datetime.now(UTC)

    async def test_an_entry_that_is_no_message_is_there_as_a_fault_of_ours(
        self, quarantine: Quarantine, log: DurableLog
    ) -> None:
        """It keeps nothing else from being found."""
        await log.append([Record(QUARANTINE_STREAM, QUARANTINED_KIND, b"\xff")])
        await put(log, refused(1))
        broken, entry = await found(quarantine)
        assert (broken.reason, entry.reason) == (Reason.INTERNAL_ERROR, Reason.OUT_OF_RANGE)
        kept = await quarantine.get(broken.id)
        assert kept is not None
        assert kept[1].raw == b"\xff"

    async def test_there_is_nothing_of_an_unknown_id(self, quarantine: Quarantine) -> None:
        """Whatever it looks like."""
        for entry_id in ("1-0", "", "../1", "not-an-id"):
            assert await quarantine.get(entry_id) is None
            assert await quarantine.discard(entry_id, by="ann", at=T0) is None
            assert await quarantine.replay(entry_id, records=(), defects=(), by="ann", at=T0) is None

    async def test_the_filters_hold_together(self, quarantine: Quarantine, log: DurableLog) -> None:
        """Each one alone, too."""
        await put(
            log,
            refused(0),
            refused(1, device_id="inverter"),
            refused(2, grid_id="town"),
            refused(3, grid_id=None, device_id=None, topic="nonsense"),
            refused(4, defects=(REJECTED, OUT_OF_RANGE)),
        )
        second = (await found(quarantine))[1]
        await quarantine.discard(second.id, by="ann", at=T0)
        assert await numbers(quarantine) == [0, 1, 2, 3, 4]
        assert await numbers(quarantine, QuarantineFilter()) == [0, 2, 3, 4]
        assert await numbers(quarantine, QuarantineFilter(state=DISCARDED)) == [1]
        assert await numbers(quarantine, QuarantineFilter(state=REPLAYED)) == []
        assert await numbers(quarantine, QuarantineFilter(grid_id="town")) == [2]
        assert await numbers(quarantine, QuarantineFilter(grid_id=NO_GRID)) == [3]
        assert await numbers(quarantine, QuarantineFilter(device_id="meter")) == [0, 2, 4]
        assert await numbers(quarantine, QuarantineFilter(device_id="meter", grid_id="village")) == [0, 4]
        assert await numbers(quarantine, QuarantineFilter(reason=Reason.REJECTED_BY_STORE)) == [4]
        assert await numbers(quarantine, QuarantineFilter(reason=Reason.OUT_OF_RANGE)) == [0, 2, 3]

    async def test_the_time_filter_goes_by_the_time_of_quarantining(
        self, quarantine: Quarantine, log: DurableLog
    ) -> None:
        """`since` is included, `until` is not."""
        await put(log, refused(1))
        [entry] = await found(quarantine)
        at, tick = entry.quarantined_at, timedelta(microseconds=1)
        for since, until, expected in [
            (at, None, [1]),
            (at + tick, None, []),
            (None, at, []),
            (None, at + tick, [1]),
            (at - tick, at + tick, [1]),
            (at, at, []),
            (BEGIN_OF_TIME, END_OF_TIME, [1]),
        ]:
            assert await numbers(quarantine, QuarantineFilter(since=since, until=until)) == expected

    @pytest.mark.parametrize("oldest_first", [True, False])
    @pytest.mark.parametrize("state", [None, OPEN])
    async def test_pages_come_one_after_another_without_a_gap(
        self, quarantine: Quarantine, log: DurableLog, state: QuarantineState | None, *, oldest_first: bool
    ) -> None:
        """Also when messages are closed and arrive between two of them."""
        await put(log, *(refused(number) for number in range(25)))
        pages: list[list[int]] = []
        cursor = None
        while not pages or cursor:
            page = await quarantine.find(
                QuarantineFilter(state=state), limit=10, cursor=cursor, oldest_first=oldest_first
            )
            cursor = page.cursor
            pages.append([number_of(entry) for entry in page.entries])
            await quarantine.discard(page.entries[0].id, by="ann", at=T0)
            if not oldest_first:
                await put(log, refused(100 + len(pages)))
        everything = list(range(25)) if oldest_first else list(range(24, -1, -1))
        assert pages == [everything[:10], everything[10:20], everything[20:]]

    async def test_the_last_page_has_no_cursor_though_it_is_full(
        self, quarantine: Quarantine, log: DurableLog
    ) -> None:
        """So that nobody asks for an empty one."""
        await put(log, refused(1), refused(2))
        assert (await quarantine.find(ALL, limit=2)).cursor is None
        assert (await quarantine.find(ALL, limit=1)).cursor is not None

    async def test_what_is_no_cursor_is_refused(self, quarantine: Quarantine) -> None:
        """A client may send anything."""
        with pytest.raises(ValueError, match="cursor"):
            await quarantine.find(ALL, limit=1, cursor="(1")

    async def test_a_filter_that_fits_little_finds_it_among_much(
        self, quarantine: Quarantine, log: DurableLog
    ) -> None:
        """In full pages."""
        await put(log, *(refused(n, device_id="rare" if n % 400 == 7 else "meter") for n in range(1_300)))
        page = await quarantine.find(QuarantineFilter(device_id="rare"), limit=3)
        assert [number_of(entry) for entry in page.entries] == [1_207, 807, 407]
        page = await quarantine.find(QuarantineFilter(device_id="rare"), limit=3, cursor=page.cursor)
        assert ([number_of(entry) for entry in page.entries], page.cursor) == ([7], None)

    async def test_a_discarded_message_is_kept_with_who_and_when(
        self, quarantine: Quarantine, log: DurableLog
    ) -> None:
        """The first one stays named when somebody does it again."""
        await put(log, refused(1))
        [entry] = await found(quarantine)
        discarded = await quarantine.discard(entry.id, by="Ann Ö.", at=T0)
        assert discarded == entry.model_copy(
            update={"state": DISCARDED, "handled_at": T0, "handled_by": "Ann Ö."}
        )
        assert await quarantine.discard(entry.id, by="bob", at=T0 + timedelta(days=1)) == discarded
        assert await found(quarantine) == [discarded]

    async def test_a_replay_appends_and_closes(self, quarantine: Quarantine, log: DurableLog) -> None:
        """What it appends may be any bytes, for several streams."""
        await put(log, refused(1))
        [entry] = await found(quarantine)
        records = [Record("readings:0", "readings", bytes(range(256))), Record("readings:1", "notice", b"{}")]
        replayed = await quarantine.replay(entry.id, records=records, defects=(), by="ann", at=T0)
        assert replayed == entry.model_copy(update={"state": REPLAYED, "handled_at": T0, "handled_by": "ann"})
        assert await found(quarantine) == [replayed]
        assert await self._appended(log) == [("readings", bytes(range(256))), ("notice", b"{}")]

    async def test_a_replay_that_is_refused_stays_open_with_the_new_reason(
        self, quarantine: Quarantine, log: DurableLog
    ) -> None:
        """What was accepted of it is appended."""
        await put(log, refused(1))
        [entry] = await found(quarantine)
        records = [Record("readings:0", "readings", b"[]")]
        await quarantine.replay(entry.id, records=records, defects=[REJECTED], by="ann", at=T0)
        [after] = await found(quarantine, QuarantineFilter(reason=Reason.REJECTED_BY_STORE))
        assert (after.state, after.defects) == (OPEN, (REJECTED,))
        assert (after.handled_at, after.handled_by) == (T0, "ann")
        assert await quarantine.counts() == {(OPEN, Reason.REJECTED_BY_STORE): 1}
        assert await self._appended(log) == [("readings", b"[]")]

    async def test_a_closed_message_can_be_replayed_and_not_discarded(
        self, quarantine: Quarantine, log: DurableLog
    ) -> None:
        """A discard is a mistake sometimes."""
        await put(log, refused(1))
        [entry] = await found(quarantine)
        await quarantine.discard(entry.id, by="ann", at=T0)
        refused_still = await quarantine.replay(entry.id, records=(), defects=[REJECTED], by="bob", at=T0)
        assert refused_still is not None
        assert (refused_still.state, refused_still.defects) == (DISCARDED, (OUT_OF_RANGE,))
        await quarantine.replay(entry.id, records=(), defects=(), by="bob", at=T0)
        after = await quarantine.discard(entry.id, by="cyd", at=T0)
        assert after is not None
        assert (after.state, after.handled_by) == (REPLAYED, "bob")

    async def test_a_message_that_a_retry_appended_twice_is_there_once(
        self, quarantine: Quarantine, log: DurableLog
    ) -> None:
        """Also when others came between, when it was known before, and when its reason is put differently."""
        await put(log, refused(1), refused(2), refused(1, defects=(REJECTED,)))
        assert await numbers(quarantine) == [1, 2]
        await put(log, refused(2), refused(3))
        assert await numbers(quarantine) == [1, 2, 3]
        assert (await quarantine.totals()).doubles == 2
        assert await quarantine.counts() == {(OPEN, Reason.OUT_OF_RANGE): 3}

    async def test_messages_that_differ_in_anything_are_several(
        self, quarantine: Quarantine, log: DurableLog
    ) -> None:
        """The same garbage sent again is another message."""
        one = refused(1, raw=b"garbage")
        others = [
            refused(2, raw=b"garbage"),
            refused(1, raw=b"garbage!"),
            refused(1, raw=b"garbage", topic="microgrid/village/device/other/telemetry"),
        ]
        await put(log, one, *others)
        assert len(await found(quarantine)) == 4

    async def test_a_replayed_message_that_is_refused_again_is_open_again(
        self, quarantine: Quarantine, log: DurableLog
    ) -> None:
        """As readings that the store refuses each time. A discarded one stays discarded."""
        await put(log, refused(1), refused(2))
        first, second = await found(quarantine)
        await quarantine.replay(first.id, records=(), defects=(), by="ann", at=T0)
        await quarantine.discard(second.id, by="ann", at=T0)
        await put(log, refused(1, defects=(REJECTED,)), refused(2, defects=(REJECTED,)))
        first_after, second_after = await found(quarantine)
        assert (first_after.id, first_after.state, first_after.defects) == (first.id, OPEN, (REJECTED,))
        assert first_after.handled_by == "ann"
        assert (second_after.state, second_after.defects) == (DISCARDED, (OUT_OF_RANGE,))
        assert await numbers(quarantine, QuarantineFilter()) == [1]

    async def test_counts_are_by_state_and_reason_of_all_or_of_a_grid(
        self, quarantine: Quarantine, log: DurableLog
    ) -> None:
        """What there is none of is not in them."""
        await put(
            log,
            refused(1),
            refused(2),
            refused(3, grid_id="town"),
            refused(4, grid_id=None, defects=(REJECTED,)),
        )
        first = (await found(quarantine))[0]
        await quarantine.discard(first.id, by="ann", at=T0)
        assert await quarantine.counts() == {
            (OPEN, Reason.OUT_OF_RANGE): 2,
            (DISCARDED, Reason.OUT_OF_RANGE): 1,
            (OPEN, Reason.REJECTED_BY_STORE): 1,
        }
        assert await quarantine.counts("town") == {(OPEN, Reason.OUT_OF_RANGE): 1}
        assert await quarantine.counts(NO_GRID) == {(OPEN, Reason.REJECTED_BY_STORE): 1}
        assert await quarantine.counts("nowhere") == {}

    async def _appended(self, log: DurableLog) -> list[tuple[str, bytes]]:
        streams = {"readings:0": "0-0", "readings:1": "0-0"}
        entries = await log.read_after(streams, count=100, wait=timedelta())
        return [(entry.kind, entry.data) for entry in entries]
