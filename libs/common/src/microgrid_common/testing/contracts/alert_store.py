"""What every `AlertStore` must do."""

import asyncio
from datetime import UTC, datetime, timedelta

from microgrid_common.ports.alert_store import AlertStore, AlertToRaise
from microgrid_common.ports.durable_log import DurableLog
from microgrid_common.schemas.alert import (
    Alert,
    AlertEvent,
    AlertSource,
    AlertStatus,
    AlertTransition,
    Severity,
)
from microgrid_common.schemas.streams import ALERT_EVENT_KIND, ALERTS_STREAM

T0 = datetime(2026, 11, 23, 10, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """A time within the test."""
    return T0 + timedelta(seconds=seconds)


def wanted(
    seconds: float = 0, *, grid_id: str = "village", device_id: str = "meter", rule_id: str = "overload"
) -> AlertToRaise:
    """An alert to raise at a time."""
    return AlertToRaise(
        grid_id=grid_id,
        device_id=device_id,
        rule_id=rule_id,
        severity=Severity.WARNING,
        message='Überlast "mittags": 14,2 kW',
        source=AlertSource.RULE,
        raised_at=at(seconds),
        effective_at=at(seconds),
        metrics={"consumption_kw": 14.2, "battery_soc": 0.1 + 0.2},
    )


async def clear(store: AlertStore, seconds: float, *, rule_id: str = "overload") -> Alert | None:
    """Clear the alert of `wanted` at a time."""
    return await store.clear_alert(
        "village", "meter", rule_id, cleared_at=at(seconds), effective_at=at(seconds)
    )


async def events_in(log: DurableLog) -> list[AlertEvent]:
    """The events in the alerts stream."""
    entries = await log.read_after({ALERTS_STREAM: "0-0"}, count=10_000, wait=timedelta())
    assert {entry.kind for entry in entries} <= {ALERT_EVENT_KIND}
    return [AlertEvent.model_validate_json(entry.data) for entry in entries]


class AlertStoreContract:
    """Needs the fixtures `store`, an `AlertStore` without alerts, and `log`, the log with its stream."""

    async def test_a_raised_alert_is_active(self, store: AlertStore) -> None:
        """With everything that it was raised with."""
        alert = await store.raise_alert(wanted())
        assert alert == wanted().as_alert("alert-1")
        assert await store.active_alerts() == [alert]

    async def test_a_second_one_for_the_same_grid_device_and_rule_is_not_raised(
        self, store: AlertStore
    ) -> None:
        """However much later it is."""
        first = await store.raise_alert(wanted(0))
        assert await store.raise_alert(wanted(3600)) is None
        assert await store.active_alerts() == [first]

    async def test_other_grids_devices_and_rules_have_alerts_of_their_own(self, store: AlertStore) -> None:
        """Also when their names put together look the same."""
        others = [
            wanted(grid_id="a", device_id="b", rule_id="c"),
            wanted(grid_id="a", device_id="b", rule_id="d"),
            wanted(grid_id="a", device_id="x", rule_id="c"),
            wanted(grid_id="y", device_id="b", rule_id="c"),
            wanted(grid_id="a", device_id="b", rule_id="c:d"),
        ]
        raised = [await store.raise_alert(each) for each in others]
        assert [alert.id for alert in raised if alert] == [f"alert-{number}" for number in range(1, 6)]

    async def test_active_alerts_come_newest_first_of_one_grid_or_of_all(self, store: AlertStore) -> None:
        """By the time of raising; of those raised at the same time the later raised comes first."""
        await store.raise_alert(wanted(5, rule_id="a"))
        await store.raise_alert(wanted(9, rule_id="b", grid_id="town"))
        await store.raise_alert(wanted(1, rule_id="c"))
        await store.raise_alert(wanted(1, rule_id="d"))
        assert [alert.rule_id for alert in await store.active_alerts()] == ["b", "a", "d", "c"]
        assert [alert.rule_id for alert in await store.active_alerts("village")] == ["a", "d", "c"]
        assert await store.active_alerts("nowhere") == []

    async def test_a_cleared_alert_is_resolved(self, store: AlertStore) -> None:
        """It keeps the rest of what it was."""
        raised = await store.raise_alert(wanted(0))
        assert raised
        cleared = await clear(store, 10)
        assert cleared == raised.model_copy(update={"status": AlertStatus.RESOLVED, "cleared_at": at(10)})
        assert await store.active_alerts() == []
        assert await store.active_alerts("village") == []

    async def test_there_is_nothing_to_clear_where_none_is_active(self, store: AlertStore) -> None:
        """Neither before it was raised nor after it was cleared."""
        assert await clear(store, 1) is None
        await store.raise_alert(wanted(2))
        await clear(store, 3)
        assert await clear(store, 4) is None

    async def test_a_new_episode_is_a_new_alert(self, store: AlertStore) -> None:
        """Once the one before it was cleared."""
        await store.raise_alert(wanted(0))
        await clear(store, 1)
        again = await store.raise_alert(wanted(2))
        assert again
        assert again.id == "alert-2"

    async def test_late_data_does_not_raise_again(self, store: AlertStore) -> None:
        """Nor does the very reading that cleared it."""
        await store.raise_alert(wanted(0))
        await clear(store, 10)
        assert await store.raise_alert(wanted(0)) is None
        assert await store.raise_alert(wanted(10)) is None
        assert await store.raise_alert(wanted(10.001))

    async def test_late_data_does_not_clear(self, store: AlertStore) -> None:
        """Nor does the very reading that raised it."""
        await store.raise_alert(wanted(10))
        assert await clear(store, 9) is None
        assert await clear(store, 10) is None
        assert await clear(store, 10.001)

    async def test_a_time_that_is_shown_may_differ_from_the_one_that_decides(self, store: AlertStore) -> None:
        """A prototype payload may bear any timestamp."""
        await store.raise_alert(wanted(100).model_copy(update={"effective_at": at(0)}))
        cleared = await store.clear_alert(
            "village", "meter", "overload", cleared_at=at(50), effective_at=at(1)
        )
        assert cleared
        assert (cleared.raised_at, cleared.cleared_at) == (at(100), at(50))

    async def test_every_transition_is_an_event_of_the_alerts_stream(
        self, store: AlertStore, log: DurableLog
    ) -> None:
        """In order, and none for what changed nothing."""
        raised = await store.raise_alert(wanted(0))
        await store.raise_alert(wanted(1))
        cleared = await clear(store, 2)
        await clear(store, 3)
        assert raised
        assert cleared
        assert await events_in(log) == [
            AlertEvent(transition=AlertTransition.RAISED, at=at(0), alert=raised),
            AlertEvent(transition=AlertTransition.CLEARED, at=at(2), alert=cleared),
        ]

    async def test_a_thousand_at_once_raise_exactly_one(self, store: AlertStore, log: DurableLog) -> None:
        """Whoever comes first."""
        outcomes = await asyncio.gather(*(store.raise_alert(wanted(n)) for n in range(1_000)))
        assert sum(outcome is not None for outcome in outcomes) == 1
        assert len(await store.active_alerts()) == 1
        assert len(await events_in(log)) == 1

    async def test_a_thousand_at_once_clear_exactly_once(self, store: AlertStore, log: DurableLog) -> None:
        """And nothing of it is raised again."""
        await store.raise_alert(wanted(0))
        outcomes = await asyncio.gather(*(clear(store, 1 + n) for n in range(1_000)))
        assert sum(outcome is not None for outcome in outcomes) == 1
        assert await store.active_alerts() == []
        assert [event.transition for event in await events_in(log)] == ["raised", "cleared"]

    async def test_ping_returns_when_the_store_can_be_used(self, store: AlertStore) -> None:
        """That is all it does."""
        await store.ping()
