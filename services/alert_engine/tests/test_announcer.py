"""What is published about alerts over MQTT, also when the broker or the store is away; by virtual time."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from services.alert_engine.tests.engine_world import at
from structlog.testing import capture_logs

from microgrid_alert_engine.announcer import ANNOUNCER_GROUP, Announcer
from microgrid_common.ports.durable_log import Record
from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.alert import Alert, Severity, Shelving
from microgrid_common.schemas.alert_announcement import MOST_ACTIVE_ALERTS, AlertAnnouncement, AlertSummary
from microgrid_common.schemas.streams import ALERT_EVENT_KIND, ALERTS_STREAM
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.fakes.durable_log import FakeDurableLog, FakeLogConsumer
from microgrid_common.testing.fakes.message_publisher import FakeMessagePublisher
from microgrid_common.testing.samples import put_alerts, sample_record
from microgrid_common.testing.waiting import wait_until

pytestmark = pytest.mark.usefixtures("virtual_time")

TOPIC = "microgrid/default/alerts"
SHELVING = Shelving(at=at(1), by="amina", until=at(9_999), reason="known")


class System:
    """An announcer that runs, on fakes; its clock stands at second 100."""

    def __init__(self) -> None:
        self.log = FakeDurableLog()
        self.states = FakeAlarmStates(self.log)
        self.records = FakeAlertRecords(self.states)
        self.publisher = FakeMessagePublisher()
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.consumer: FakeLogConsumer = self.log.consumer(
            group=ANNOUNCER_GROUP, member="engine", streams=[ALERTS_STREAM]
        )
        announcer = Announcer(
            self.consumer, records=self.records, publisher=self.publisher, clock=lambda: at(100)
        )
        self._running = asyncio.create_task(announcer.run())

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    async def settled(self) -> None:
        """Wait until everything in the stream was announced."""

        async def nothing_is_left() -> bool:
            measured = (await self.log.measure([ALERTS_STREAM])).streams[ALERTS_STREAM]
            group = measured.groups.get(ANNOUNCER_GROUP)
            return group is not None and (group.lag, group.pending) == (0, 0)

        await wait_until(nothing_is_left, timeout=20, description="everything to be announced")

    @property
    def told(self) -> list[str]:
        """What was published, in short."""
        return [_in_short(json.loads(payload)) for _, payload in self.publisher.published]

    def summary(self, topic: str = TOPIC) -> AlertSummary:
        return AlertSummary.model_validate_json(self.publisher.retained[topic])


def _in_short(message: dict[str, Any]) -> str:
    if message["type"] == "summary":
        return f"{message['grid_id']}: {len(message['active'])} active"
    return f"{message['transition']} {message['alert']['id']}"


@pytest.fixture
async def system() -> AsyncIterator[System]:
    system = System()
    yield system
    await system.stop()


def alert(number: int, severity: Severity = Severity.WARNING, **fields: Any) -> Alert:
    return sample_record(at(number), number=number, severity=severity, **fields)


async def test_each_event_is_told_and_how_the_grid_stands_after_the_last(system: System) -> None:
    await put_alerts(system.states, alert(1))
    await put_alerts(system.states, alert(2), alert(1, cleared_at=at(5)))
    system.start()
    await system.settled()
    assert system.told == ["raised alert-1", "raised alert-2", "cleared alert-1", "default: 1 active"]
    assert {topic for topic, _ in system.publisher.published} == {TOPIC}
    assert system.summary().at == at(100)


async def test_an_event_is_told_as_it_is_in_the_stream_with_its_id(system: System) -> None:
    await put_alerts(system.states, alert(1))
    system.start()
    await system.settled()
    [entry] = system.log.streams[ALERTS_STREAM]
    told = AlertAnnouncement.model_validate_json(system.publisher.published[0][1])
    assert (told.id, told.alert, told.transition, told.at) == (entry.id, alert(1), "raised", at(1))


async def test_only_the_summary_is_retained(system: System) -> None:
    await put_alerts(system.states, alert(1), sample_record(at(2), grid_id="town"))
    system.start()
    await system.settled()
    assert set(system.publisher.retained) == {TOPIC, "microgrid/town/alerts"}
    assert system.summary("microgrid/town/alerts").grid_id == "town"


async def test_the_most_urgent_and_then_the_newest_come_first(system: System) -> None:
    await put_alerts(
        system.states,
        alert(1, Severity.INFO),
        alert(2, Severity.CRITICAL),
        alert(3),
        alert(4, Severity.CRITICAL),
        alert(5),
        alert(6, Severity.INFO),
    )
    system.start()
    await system.settled()
    assert [each.number for each in system.summary().active] == [4, 2, 5, 3, 6, 1]
    assert system.summary().counts == {"critical": 2, "warning": 2, "info": 2}


async def test_what_is_over_or_put_aside_is_not_among_them(system: System) -> None:
    await put_alerts(system.states, alert(1, cleared_at=at(9)), alert(2, shelved=SHELVING), alert(3))
    system.start()
    await system.settled()
    assert [each.number for each in system.summary().active] == [3]
    assert system.summary().counts == {"warning": 1}


async def test_when_nothing_is_active_any_more_the_summary_says_so(system: System) -> None:
    await put_alerts(system.states, alert(1))
    system.start()
    await system.settled()
    await put_alerts(system.states, alert(1, cleared_at=at(5)))
    await system.settled()
    assert (system.summary().active, system.summary().counts) == ((), {})


@pytest.mark.parametrize("critical", [0, 40, MOST_ACTIVE_ALERTS, MOST_ACTIVE_ALERTS + 1])
async def test_of_many_the_first_hundred_are_listed_and_all_are_counted(
    system: System, critical: int
) -> None:
    total = 2 * MOST_ACTIVE_ALERTS + 1
    urgent = [alert(number, Severity.CRITICAL) for number in range(1, critical + 1)]
    others = [alert(number) for number in range(critical + 1, total + 1)]
    await put_alerts(system.states, *urgent, *others, tell=False)
    await put_alerts(system.states, alert(total))
    system.start()
    await system.settled()
    expected = [*range(critical, 0, -1), *range(total, critical, -1)][:MOST_ACTIVE_ALERTS]
    assert [each.number for each in system.summary().active] == expected
    assert Counter(system.summary().counts) == Counter(critical=critical, warning=total - critical)


async def test_while_the_broker_is_away_it_waits_and_then_tells_everything_in_order(system: System) -> None:
    system.publisher.fail_next(RetryableError("away"), times=5)
    await put_alerts(system.states, alert(1))
    with capture_logs() as logs:
        system.start()
        await wait_until(
            lambda: system.publisher.failures_left < 3, timeout=20, description="attempts to publish"
        )
        await put_alerts(system.states, alert(2))
        await put_alerts(system.states, alert(1, cleared_at=at(5)))
        await system.settled()
    events = [each for each in system.told if "active" not in each]
    assert events == ["raised alert-1", "raised alert-2", "cleared alert-1"]
    assert system.told[-1] == "default: 1 active"
    assert Counter(each["event"] for each in logs) == {"dependency_away": 1, "dependency_back": 1}


async def test_it_waits_for_the_stores_too(system: System) -> None:
    system.records.fail_next(RetryableError("away"), times=3)
    await put_alerts(system.states, alert(1))
    system.start()
    system.consumer.fail_next(RetryableError("away"), times=3)
    await system.settled()
    assert system.told == ["raised alert-1", "default: 1 active"]


async def test_what_it_was_at_when_it_was_killed_is_told_again_with_the_same_ids(system: System) -> None:
    await put_alerts(system.states, alert(1))
    # The event gets through, and for the summary the broker is away until the end.
    system.publisher.fail_next(RetryableError("away"), times=1_000, after=1)
    system.start()
    await wait_until(
        lambda: system.publisher.failures_left < 1_000, timeout=20, description="the summary to be tried"
    )
    await system.stop()
    system.publisher.fail_no_more()
    system.start()
    await system.settled()
    assert system.told == ["raised alert-1", "raised alert-1", "default: 1 active"]
    first, second, _ = (json.loads(payload) for _, payload in system.publisher.published)
    assert first == second


async def test_an_event_that_only_a_newer_engine_can_read_does_not_hold_up_others(system: System) -> None:
    unreadable = Record(ALERTS_STREAM, ALERT_EVENT_KIND, b'{"transition":"transcended"}')
    await system.log.append([unreadable])
    await put_alerts(system.states, alert(1))
    system.start()
    await system.settled()
    assert system.told == ["raised alert-1", "default: 1 active"]


async def test_without_events_nothing_is_told(system: System) -> None:
    await put_alerts(system.states, alert(1), tell=False)
    system.start()
    await asyncio.sleep(timedelta(hours=1).total_seconds())
    assert system.told == []
