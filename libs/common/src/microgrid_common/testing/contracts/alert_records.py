"""What every `AlertRecords` must do, beside forgetting."""

from typing import Any

import pytest

from microgrid_common.ports.alarm_states import AlarmStates
from microgrid_common.ports.alert_records import AlertQuery, AlertRecords, BadCursorError
from microgrid_common.schemas.alert import (
    Alert,
    AlertStatus,
    Note,
    OutOfService,
    RaisingReading,
    Severity,
    Shelving,
    Suppression,
    SuppressionCause,
)
from microgrid_common.testing.contracts.alarm_changes import VILLAGE, at
from microgrid_common.testing.samples import put_alerts, sample_record

SHELVING = Shelving(at=at(1), by="Ana", until=at(9_999), reason="known")


def record(number: int, seconds: float | None = None, **fields: Any) -> Alert:
    """A record in the village, raised at its number in seconds unless it is said."""
    grid_id = fields.pop("grid_id", VILLAGE)
    return sample_record(at(number if seconds is None else seconds), number=number, grid_id=grid_id, **fields)


def numbers_of(alerts: Any) -> list[int]:
    """The numbers of alerts, in their order."""
    return [alert.number for alert in alerts]


async def numbers_found(records: AlertRecords, **wanted: Any) -> list[int]:
    """The numbers of a page, in its order."""
    page = await records.find(AlertQuery(grid_id=wanted.pop("grid_id", VILLAGE), **wanted))
    assert page.cursor is None
    return numbers_of(page.alerts)


async def pages_of(records: AlertRecords, query: AlertQuery) -> list[list[Alert]]:
    """All pages of a query, from its cursor on."""
    pages = []
    while True:
        page = await records.find(query)
        pages.append(list(page.alerts))
        if page.cursor is None:
            return pages
        query = AlertQuery(**{**_fields(query), "cursor": page.cursor})


def _fields(query: AlertQuery) -> dict[str, Any]:
    return {name: getattr(query, name) for name in AlertQuery.__slots__}


class AlertRecordsContract:
    """Needs the fixtures `states` and `records`, without any alerts."""

    async def test_a_record_comes_back_by_its_id(self, states: AlarmStates, records: AlertRecords) -> None:
        """With everything in it."""
        full = record(
            12,
            0.000001,
            component="roof",
            rule_version=3,
            message='Überlast "mittags": 14,2 kW',
            recommended_action="Look.",
            metrics={"consumption_kw": 0.1 + 0.2},
            readings=(RaisingReading(timestamp=at(0), metrics={"consumption_kw": 14.2}),),
            acknowledged_at=at(3),
            acknowledged_by="Ana",
            assigned_to="Bo",
            notes=(Note(at=at(4), by="Ana", text="two\nlines"),),
            shelved=SHELVING,
            first_out=True,
            chattering=True,
            added_delay_seconds=60,
        )
        other = record(12, grid_id="default")
        await put_alerts(states, full, other)
        assert await records.get("alert-village-12") == full
        assert await records.get("alert-12") == other
        assert (await records.find(AlertQuery(grid_id=VILLAGE))).alerts == [full]

    @pytest.mark.parametrize(
        "identifier",
        [
            "alert-2",
            "alert-village-01",
            "alert-village-",
            "alert-town-1",
            "alert-default-1",
            "1",
            "",
            "alert-*-1",
        ],
    )
    async def test_there_is_no_record_of_another_id(
        self, states: AlarmStates, records: AlertRecords, identifier: str
    ) -> None:
        """Not even of one that looks alike."""
        await put_alerts(states, record(1), record(1, grid_id="default"))
        assert await records.get(identifier) is None

    async def test_a_record_that_is_written_again_stands_as_it_was_written_last(
        self, states: AlarmStates, records: AlertRecords
    ) -> None:
        """And is found where it belongs now, and nowhere else."""
        await put_alerts(states, record(1), record(2))
        later = record(1, cleared_at=at(9), severity=Severity.CRITICAL, device_id="other", rule_id="another")
        await put_alerts(states, later)
        assert await records.get(later.id) == later
        assert await numbers_found(records) == [2, 1]
        assert await numbers_found(records, status=AlertStatus.ACTIVE) == [2]
        assert await numbers_found(records, severity=Severity.WARNING) == [2]
        assert await numbers_found(records, device_id="prototype") == [2]
        assert await numbers_found(records, rule_id="load-abnormality") == [2]
        assert await numbers_found(records, status=AlertStatus.RESOLVED, device_id="other") == [1]

    async def test_the_newest_comes_first_and_then_the_highest_number(
        self, states: AlarmStates, records: AlertRecords
    ) -> None:
        """By the time of raising, to the microsecond, in whatever order they were written."""
        await put_alerts(
            states,
            record(10, 5),
            record(9, 5),
            record(1, 5.000001),
            record(2, 4.999999),
            record(3, -1e9),
            record(100, 5),
        )
        assert await numbers_found(records) == [1, 100, 10, 9, 2, 3]

    async def test_each_filter_leaves_what_it_wants(self, states: AlarmStates, records: AlertRecords) -> None:
        """Of one grid alone; of several filters, what all of them want."""
        put_aside = Suppression(at=at(1), cause=SuppressionCause.PARENT_DOWN, by="gateway")
        taken_out = OutOfService(at=at(1), by="Ana", reason="broken")
        await put_alerts(
            states,
            record(1),
            record(2, acknowledged_at=at(3), severity=Severity.CRITICAL),
            record(3, shelved=SHELVING),
            record(4, suppressed=put_aside, device_id="meter"),
            record(5, out_of_service=taken_out, severity=Severity.INFO),
            record(6, cleared_at=at(7)),
            record(7, cleared_at=at(8), acknowledged_at=at(8), rule_id="device:ü b/*\n"),
            record(1, grid_id="town"),
        )
        assert await numbers_found(records) == [7, 6, 5, 4, 3, 2, 1]
        assert await numbers_found(records, grid_id="town") == [1]
        assert await numbers_found(records, grid_id="nowhere") == []
        assert await numbers_found(records, status=AlertStatus.ACTIVE) == [5, 4, 3, 2, 1]
        assert await numbers_found(records, status=AlertStatus.RESOLVED) == [7, 6]
        assert await numbers_found(records, annunciated=True) == [2, 1]
        assert await numbers_found(records, annunciated=False) == [7, 6, 5, 4, 3]
        assert await numbers_found(records, annunciated=False, status=AlertStatus.ACTIVE) == [5, 4, 3]
        assert await numbers_found(records, annunciated=True, status=AlertStatus.RESOLVED) == []
        assert await numbers_found(records, severity=Severity.CRITICAL) == [2]
        assert await numbers_found(records, severity=Severity.WARNING, annunciated=True) == [1]
        assert await numbers_found(records, device_id="meter") == [4]
        assert await numbers_found(records, rule_id="device:ü b/*\n") == [7]
        assert await numbers_found(records, rule_id="device:ü") == []
        assert await numbers_found(records, device_id="prototype", rule_id="load-abnormality") == [
            6,
            5,
            3,
            2,
            1,
        ]
        assert await numbers_found(records, device_id="meter", rule_id="device:ü b/*\n") == []
        assert await numbers_found(records, start=at(3)) == [7, 6, 5, 4, 3]
        assert await numbers_found(records, end=at(3)) == [2, 1]
        assert await numbers_found(records, start=at(2), end=at(5), annunciated=False) == [4, 3]
        assert await numbers_found(records, start=at(5), end=at(2)) == []

    async def test_names_that_look_alike_are_kept_apart(
        self, states: AlarmStates, records: AlertRecords
    ) -> None:
        """So a page is full of what is wanted, whatever stands between."""
        alike = [
            ("a", "b"),
            ("a", "b c"),
            ("a", "b%20c"),
            ("a-b", "b"),
            ("a", "b:c"),
            ("a", "-b"),
            ("b", "a"),
        ]
        names = list(enumerate(alike, start=1))
        await put_alerts(states, *(record(n, device_id=device, rule_id=rule) for n, (device, rule) in names))
        for number, (device_id, rule_id) in names:
            query = AlertQuery(grid_id=VILLAGE, device_id=device_id, rule_id=rule_id, limit=1)
            assert [numbers_of(page) for page in await pages_of(records, query)] == [[number]]
        of_rule = await pages_of(records, AlertQuery(grid_id=VILLAGE, rule_id="b", limit=1))
        assert [numbers_of(page) for page in of_rule] == [[4], [1]]

    @pytest.mark.parametrize("limit", [1, 2, 7, 8])
    async def test_the_pages_together_are_all_that_is_wanted(
        self, states: AlarmStates, records: AlertRecords, limit: int
    ) -> None:
        """Each full but the last, none empty, nothing twice; also where times are the same."""
        severities = list(Severity)
        await put_alerts(
            states, *(record(number, number // 3, severity=severities[number % 3]) for number in range(1, 15))
        )
        pages = await pages_of(records, AlertQuery(grid_id=VILLAGE, limit=limit))
        assert [number for page in pages for number in numbers_of(page)] == list(range(14, 0, -1))
        assert {len(page) for page in pages[:-1]} <= {limit}
        assert pages[-1]

    async def test_pages_are_not_shifted_by_what_is_raised_meanwhile(
        self, states: AlarmStates, records: AlertRecords
    ) -> None:
        """Nor by what ends meanwhile, on this page or after it."""
        await put_alerts(states, *(record(number) for number in range(1, 11)))
        query = AlertQuery(grid_id=VILLAGE, limit=4)
        first = await records.find(query)
        assert numbers_of(first.alerts) == [10, 9, 8, 7]
        await put_alerts(
            states, record(11), record(12, 10), record(7, cleared_at=at(20)), record(5, cleared_at=at(20))
        )
        second = await records.find(AlertQuery(grid_id=VILLAGE, limit=4, cursor=first.cursor))
        assert numbers_of(second.alerts) == [6, 5, 4, 3]
        third = await records.find(AlertQuery(grid_id=VILLAGE, limit=4, cursor=second.cursor))
        assert (numbers_of(third.alerts), third.cursor) == ([2, 1], None)

    async def test_a_cursor_goes_with_any_filter(self, states: AlarmStates, records: AlertRecords) -> None:
        """It says from where on."""
        await put_alerts(states, *(record(number) for number in range(1, 7)))
        cursor = (await records.find(AlertQuery(grid_id=VILLAGE, limit=2))).cursor
        assert cursor
        assert await numbers_found(records, cursor=cursor, end=at(4)) == [3, 2, 1]
        assert await numbers_found(records, cursor=cursor, end=at(99), start=at(2)) == [4, 3, 2]
        assert await numbers_found(records, cursor=cursor, severity=Severity.CRITICAL) == []
        assert await numbers_found(records, cursor=cursor, grid_id="town") == []

    @pytest.mark.parametrize(
        "cursor",
        [
            "",
            "1763892000000-0",
            "*",
            "x" * 10_000,
            "063899496000000000-00000000000001",
            "\u0660" * 18 + "-" + "\u0660" * 15,
        ],
        ids=["empty", "entry id", "star", "long", "short", "other digits"],
    )
    async def test_a_cursor_of_something_else_is_refused(self, records: AlertRecords, cursor: str) -> None:
        """Whoever sent it can be told so."""
        with pytest.raises(BadCursorError):
            await records.find(AlertQuery(grid_id=VILLAGE, cursor=cursor))

    async def test_active_alerts_are_those_that_are_annunciated(
        self, states: AlarmStates, records: AlertRecords
    ) -> None:
        """Of one grid or of all, the newest first."""
        await put_alerts(
            states,
            record(1, 5),
            record(2, 9, grid_id="town"),
            record(3, 1, severity=Severity.CRITICAL),
            record(4, 1, acknowledged_at=at(2)),
            record(5, shelved=SHELVING),
            record(6, cleared_at=at(7)),
            record(7, cleared_at=at(8), grid_id="quiet"),
        )
        assert numbers_of(await records.active_alerts()) == [2, 1, 4, 3]
        assert numbers_of(await records.active_alerts(VILLAGE)) == [1, 4, 3]
        assert await records.active_alerts("quiet") == await records.active_alerts("nowhere") == []
        await put_alerts(states, record(2, 9, grid_id="town", cleared_at=at(10)))
        assert numbers_of(await records.active_alerts()) == [1, 4, 3]
        await put_alerts(states, record(2, 9, grid_id="town"))
        assert numbers_of(await records.active_alerts()) == [2, 1, 4, 3]

    async def test_alerts_put_aside_are_those_that_last_and_are_not_annunciated(
        self, states: AlarmStates, records: AlertRecords
    ) -> None:
        """Of all grids, the newest first."""
        aside = [record(1, shelved=SHELVING), record(2, grid_id="town", shelved=SHELVING), record(3)]
        await put_alerts(states, *aside, record(4, cleared_at=at(5), shelved=SHELVING))
        assert numbers_of(await records.put_aside_alerts()) == [2, 1]
        await put_alerts(states, record(2, grid_id="town"), record(3, shelved=SHELVING))
        assert numbers_of(await records.put_aside_alerts()) == [3, 1]

    async def test_all_active_alerts_are_told_however_many(
        self, states: AlarmStates, records: AlertRecords
    ) -> None:
        """There is no page."""
        await put_alerts(states, *(record(number) for number in range(1, 2_502)), tell=False)
        assert numbers_of(await records.active_alerts()) == list(range(2_501, 0, -1))

    async def test_ping_returns_when_the_store_can_be_used(self, records: AlertRecords) -> None:
        """That is all it does."""
        await records.ping()
