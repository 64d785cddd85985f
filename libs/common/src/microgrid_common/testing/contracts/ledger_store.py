"""What every `LedgerStore` must do."""

from datetime import timedelta

from microgrid_common.ports.ledger_store import DeviceAccount, LedgerChanges, LedgerPage, LedgerStore
from microgrid_common.schemas.ledger import (
    AskedRange,
    BootLedger,
    ClosedBoots,
    DeviceKey,
    DeviceLedger,
    Gap,
    Span,
)
from microgrid_common.testing.waiting import wait_until

METER: DeviceKey = ("village-1", "meter-1")
BATTERY: DeviceKey = ("village-1", "battery-1")

_FULL = DeviceLedger(
    "meter",
    heard_at=1_795_428_000_000,
    duplicates=1,
    unnumbered=2,
    unnumbered_refused=3,
    missing=4,
    boots=(
        BootLedger("5f2b", first_ever=True, first=None, last=7),
        BootLedger(
            "5f2c",
            first_ever=False,
            first=0,
            last=2**53 - 1,
            quarantined=5,
            forgotten=6,
            detailed_from=1,
            gaps=(Gap(1, 2, 1_795_428_000_000), Gap(4, 4, 1_795_428_000_001)),
            refused=(Span(3, 3),),
        ),
    ),
    closed=ClosedBoots(("a", "b"), 3, 4, 5, 6),
)
_ASKED = (AskedRange("5f2c", 1, 2, 3, 1_795_428_000_000), AskedRange("5f2c", 4, 4, 10, 5, unanswered=True))


async def enter(
    store: LedgerStore,
    changes: LedgerChanges,
    *,
    after: str = "0-0",
    position: str = "1-0",
    stream: str = "s",
) -> bool:
    """Apply changes, by default as the first ones of a stream."""
    return await store.apply(stream, after=after, position=position, changes=changes)


class LedgerStoreContract:
    """Needs a fixture `store`: a `LedgerStore` with nothing in it."""

    async def test_it_begins_before_every_entry_and_knows_no_device(self, store: LedgerStore) -> None:
        """A device that never sent anything has no account."""
        assert await store.load("s", [METER]) == LedgerPage("0-0", {})
        assert await store.account(METER) is None
        assert await store.missing_by_type() == {}

    async def test_what_was_entered_is_loaded_with_its_position(self, store: LedgerStore) -> None:
        """Whatever is in a ledger."""
        assert await enter(store, LedgerChanges({METER: _FULL}), position="7-3")
        assert await store.load("s", [BATTERY, METER]) == LedgerPage("7-3", {METER: _FULL})
        assert await store.load("s", []) == LedgerPage("7-3", {})
        assert await store.account(METER) == DeviceAccount(_FULL, ())

    async def test_entries_are_entered_once(self, store: LedgerStore) -> None:
        """Who comes from a position that is passed changes nothing, not even what others left alone."""
        first, second = DeviceLedger("meter", duplicates=1), DeviceLedger("meter", duplicates=2)
        assert await enter(store, LedgerChanges({METER: first}, missing={"meter": 1}))
        late = LedgerChanges({METER: second, BATTERY: second}, {METER: 0}, [], {"meter": 1})
        assert not await enter(store, late)
        assert not await enter(store, late, after="0-5", position="2-0")
        assert await store.load("s", [METER, BATTERY]) == LedgerPage("1-0", {METER: first})
        assert await store.missing_by_type() == {"meter": 1}
        assert await store.due(now=10, limit=10) == []

    async def test_ledgers_that_are_not_named_stay(self, store: LedgerStore) -> None:
        """Also when nothing changes but the position."""
        await enter(store, LedgerChanges({METER: _FULL}))
        assert await enter(store, LedgerChanges({}), after="1-0", position="2-0")
        assert await store.load("s", [METER]) == LedgerPage("2-0", {METER: _FULL})

    async def test_streams_have_positions_of_their_own(self, store: LedgerStore) -> None:
        """One shard does not wait for another."""
        await enter(store, LedgerChanges({METER: _FULL}), position="5-0")
        assert await enter(store, LedgerChanges({BATTERY: _FULL}), stream="t", position="3-0")
        assert (await store.load("s", [])).position == "5-0"
        assert (await store.load("t", [])).position == "3-0"

    async def test_an_entry_may_be_about_very_many_devices(self, store: LedgerStore) -> None:
        """More than a script can take at once."""
        devices = [("village-1", f"meter-{number}") for number in range(5_000)]
        ledgers = dict.fromkeys(devices, DeviceLedger("meter", missing=1))
        await enter(store, LedgerChanges(ledgers, dict.fromkeys(devices, 1), [], {"meter": 5_000}))
        assert (await store.load("s", devices)).ledgers == ledgers
        assert len(await store.due(now=1, limit=6_000)) == 5_000
        settled = LedgerChanges({}, {}, devices[1:], {"meter": -4_999})
        assert await enter(store, settled, after="1-0", position="2-0")
        assert await store.due(now=1, limit=6_000) == devices[:1]
        assert await store.missing_by_type() == {"meter": 1}

    async def test_what_is_missing_adds_up_by_type(self, store: LedgerStore) -> None:
        """A type that misses nothing is left out."""
        await enter(store, LedgerChanges({}, missing={"meter": 5, "battery": 2, "inverter": 0}))
        more = LedgerChanges({}, missing={"meter": 3, "battery": -2})
        await enter(store, more, after="1-0", position="2-0")
        assert await store.missing_by_type() == {"meter": 8}

    async def test_devices_are_due_when_it_is_time(self, store: LedgerStore) -> None:
        """The longest overdue first, no more than were asked for."""
        await enter(store, LedgerChanges({}, look_at={METER: 200, BATTERY: 100, ("g", "d"): 300}))
        assert await store.due(now=99, limit=10) == []
        assert await store.due(now=200, limit=10) == [BATTERY, METER]
        assert await store.due(now=300, limit=1) == [BATTERY]

    async def test_a_new_gap_brings_a_device_forward_and_never_back(self, store: LedgerStore) -> None:
        """Else a device that loses something all the time would never be looked at."""
        await enter(store, LedgerChanges({}, look_at={METER: 200}))
        await enter(store, LedgerChanges({}, look_at={METER: 300}), after="1-0", position="2-0")
        assert await store.due(now=200, limit=10) == [METER]
        await enter(store, LedgerChanges({}, look_at={METER: 50}), after="2-0", position="3-0")
        assert await store.due(now=50, limit=10) == [METER]

    async def test_what_a_device_was_asked_for_is_kept(self, store: LedgerStore) -> None:
        """And the device is looked at again when it was said."""
        await enter(store, LedgerChanges({METER: _FULL}, look_at={METER: 100}))
        assert await store.remember_asked(METER, before=(), after=_ASKED, look_again_at=500)
        assert await store.account(METER) == DeviceAccount(_FULL, _ASKED)
        assert await store.due(now=499, limit=10) == []
        assert await store.due(now=500, limit=10) == [METER]
        assert await store.remember_asked(METER, before=_ASKED, after=(), look_again_at=600)
        assert await store.account(METER) == DeviceAccount(_FULL, ())

    async def test_of_two_who_would_ask_one_does(self, store: LedgerStore) -> None:
        """Both have seen the same; the second has to look again."""
        await enter(store, LedgerChanges({METER: _FULL}, look_at={METER: 100}))
        assert await store.remember_asked(METER, before=(), after=_ASKED[:1], look_again_at=500)
        assert not await store.remember_asked(METER, before=(), after=_ASKED, look_again_at=900)
        assert await store.account(METER) == DeviceAccount(_FULL, _ASKED[:1])
        assert await store.due(now=500, limit=10) == [METER]

    async def test_a_device_whose_gaps_are_gone_is_not_asked(self, store: LedgerStore) -> None:
        """What it was asked for is forgotten."""
        await enter(store, LedgerChanges({METER: _FULL}, look_at={METER: 100}))
        await store.remember_asked(METER, before=(), after=_ASKED, look_again_at=500)
        await enter(store, LedgerChanges({}, settled=[METER, BATTERY]), after="1-0", position="2-0")
        assert await store.due(now=1_000, limit=10) == []
        assert not await store.remember_asked(METER, before=(), after=_ASKED, look_again_at=500)
        assert await store.account(METER) == DeviceAccount(_FULL, ())

    async def test_a_round_has_one_winner(self, store: LedgerStore) -> None:
        """Until it is over."""
        assert await store.begin_round(lasts=timedelta(milliseconds=200))
        assert not await store.begin_round(lasts=timedelta(milliseconds=200))
        await wait_until(
            lambda: store.begin_round(lasts=timedelta(seconds=10)), timeout=5, description="the next round"
        )
        assert not await store.begin_round(lasts=timedelta(seconds=10))
