"""What every `LinkStore` must do."""

import asyncio
from datetime import timedelta
from typing import Any

from microgrid_common.ports.durable_log import DurableLog, Record
from microgrid_common.ports.link_store import DeviceKey, LinkStore, LinkWrite
from microgrid_common.schemas.device_link import DeviceLink
from microgrid_common.testing.samples import SAMPLE_TIME

_METER: DeviceKey = ("village-1", "meter-1")
_BATTERY: DeviceKey = ("village-1", "battery-1")
_ODDLY_NAMED: DeviceKey = ("due", "due")
_STREAM = "readings:0"
_LATER = SAMPLE_TIME + timedelta(minutes=1)


def _link(key: DeviceKey = _METER, **fields: Any) -> DeviceLink:
    grid_id, device_id = key
    return DeviceLink(
        grid_id=grid_id, device_id=device_id, **{"connected": True, "since": SAMPLE_TIME, **fields}
    )


def _write(link: DeviceLink, *, before: int = 0, **fields: Any) -> LinkWrite:
    return LinkWrite((link.grid_id, link.device_id), before, link, **{"look_again_at": _LATER, **fields})


def _record(text: str) -> Record:
    return Record(_STREAM, "link", text.encode())


class LinkStoreContract:
    """Needs fixtures `links`, an empty `LinkStore`, and `log`, the `DurableLog` that it appends to."""

    async def test_it_begins_empty(self, links: LinkStore) -> None:
        """Nothing is known, and nothing is due."""
        assert await links.get_many([_METER]) == {}
        assert await links.of_grid("village-1") == []
        assert await links.grids() == []
        assert await links.due(_LATER, limit=10) == []
        assert await links.apply([]) == []

    async def test_what_was_written_is_read_with_everything_and_its_revision(self, links: LinkStore) -> None:
        """To the microsecond."""
        link = _link(
            connected=False,
            stale=True,
            last_seen=SAMPLE_TIME + timedelta(microseconds=1),
            metrics=("ac_voltage_v", "battery_soc"),
            learned_interval_seconds=7.25,
            boot_id="5f2c",
            connection=3,
            born_at=SAMPLE_TIME,
            ended=(("5f2c", 2), ("5f2c", 3)),
            ended_at=_LATER,
            doubted_at=_LATER,
        )
        assert await links.apply([_write(link)]) == [True]
        assert await links.get_many([_METER, _BATTERY]) == {_METER: link.model_copy(update={"revision": 1})}

    async def test_a_grid_has_its_devices_in_the_order_of_their_ids(self, links: LinkStore) -> None:
        """And no others."""
        elsewhere = ("village-2", "meter-1")
        await links.apply([_write(_link(key)) for key in (_METER, elsewhere, _BATTERY)])
        assert [link.device_id for link in await links.of_grid("village-1")] == ["battery-1", "meter-1"]

    async def test_grids_are_there_as_long_as_one_of_their_devices(self, links: LinkStore) -> None:
        """In order."""
        keys = [("village-2", "meter-1"), _METER, _BATTERY, _ODDLY_NAMED]
        await links.apply([_write(_link(key)) for key in keys])
        assert await links.grids() == ["due", "village-1", "village-2"]
        await links.apply([LinkWrite(key, 1, None, None) for key in (_METER, _ODDLY_NAMED)])
        assert await links.grids() == ["village-1", "village-2"]
        await links.apply([LinkWrite(_BATTERY, 0, None, None)])
        assert await links.grids() == ["village-1", "village-2"]
        await links.apply([LinkWrite(_BATTERY, 1, None, None)])
        assert await links.grids() == ["village-2"]

    async def test_only_who_has_read_the_last_revision_may_write(self, links: LinkStore) -> None:
        """Who comes too late changes nothing, and is told so."""
        assert await links.apply([_write(_link())]) == [True]
        assert await links.apply([_write(_link(stale=True))]) == [False]
        assert await links.apply([_write(_link(connected=False), before=1)]) == [True]
        assert await links.apply([_write(_link(stale=True), before=1)]) == [False]
        assert (await links.get_many([_METER]))[_METER] == _link(connected=False, revision=2)

    async def test_one_that_is_refused_leaves_the_others_alone(self, links: LinkStore) -> None:
        """Each change stands for itself."""
        await links.apply([_write(_link())])
        assert await links.apply([_write(_link()), _write(_link(_BATTERY))]) == [False, True]

    async def test_a_change_and_its_records_are_one_step(self, links: LinkStore, log: DurableLog) -> None:
        """What is refused tells nothing."""
        first = _write(_link(), records=(_record("connected"), _record("fresh")))
        assert await links.apply([first]) == [True]
        assert await links.apply([_write(_link(), records=(_record("again"),))]) == [False]
        entries = await log.read_after({_STREAM: "0-0"}, count=10, wait=timedelta())
        assert [(entry.kind, entry.data) for entry in entries] == [("link", b"connected"), ("link", b"fresh")]

    async def test_of_many_that_want_the_same_change_one_makes_it(
        self, links: LinkStore, log: DurableLog
    ) -> None:
        """However close they come."""
        write = _write(_link(), records=(_record("connected"),))
        answers = await asyncio.gather(*(links.apply([write]) for _ in range(20)))
        assert sorted(made for (made,) in answers) == [False] * 19 + [True]
        assert len(await log.read_after({_STREAM: "0-0"}, count=10, wait=timedelta())) == 1

    async def test_a_device_is_due_from_its_time_on(self, links: LinkStore) -> None:
        """The longest overdue first, and no more than asked for."""
        await links.apply(
            [
                _write(_link(_BATTERY), look_again_at=_LATER + timedelta(microseconds=1)),
                _write(_link(), look_again_at=_LATER),
            ]
        )
        assert await links.due(_LATER - timedelta(microseconds=1), limit=10) == []
        assert await links.due(_LATER, limit=10) == [_METER]
        assert await links.due(_LATER + timedelta(days=1), limit=10) == [_METER, _BATTERY]
        assert await links.due(_LATER + timedelta(days=1), limit=1) == [_METER]

    async def test_no_name_of_a_grid_or_device_gets_in_the_way(self, links: LinkStore) -> None:
        """Nor is taken for anything else."""
        assert await links.apply([_write(_link(_ODDLY_NAMED))]) == [True]
        assert await links.due(_LATER, limit=10) == [_ODDLY_NAMED]
        assert [link.device_id for link in await links.of_grid("due")] == ["due"]

    async def test_each_change_says_anew_when_it_is_due(self, links: LinkStore) -> None:
        """Or that it never is."""
        await links.apply([_write(_link())])
        await links.apply([_write(_link(), before=1, look_again_at=_LATER + timedelta(hours=1))])
        assert await links.due(_LATER, limit=10) == []
        await links.apply([_write(_link(), before=2, look_again_at=None)])
        assert await links.due(_LATER + timedelta(days=1), limit=10) == []

    async def test_a_forgotten_device_is_as_if_it_had_never_been(self, links: LinkStore) -> None:
        """It begins anew."""
        await links.apply([_write(_link())])
        assert await links.apply([LinkWrite(_METER, 1, None, None)]) == [True]
        assert await links.get_many([_METER]) == {}
        assert await links.due(_LATER, limit=10) == []
        assert await links.apply([_write(_link())]) == [True]
