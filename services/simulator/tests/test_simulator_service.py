"""The simulator's loop: at once, on time, through a broker's absence, to its end."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from microgrid_common.ports.errors import RetryableError
from microgrid_common.testing.fakes.message_publisher import FakeMessagePublisher
from microgrid_common.testing.waiting import wait_until
from microgrid_simulator.device import OutgoingMessage
from microgrid_simulator.profiles import PrototypeOutbox, SimulatedDevice
from microgrid_simulator.sender import BrokerAvailability, Sender
from microgrid_simulator.service import SimulatorPorts, Station, next_due, run

pytestmark = pytest.mark.usefixtures("virtual_time")

HOUR = timedelta(hours=1)
MOMENT = timedelta(milliseconds=5)
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def station(name: str, publisher: FakeMessagePublisher, availability: BrokerAvailability) -> Station:
    numbers = iter(range(1_000))
    outbox = PrototypeOutbox()

    def measure(time: datetime) -> None:
        outbox.add(OutgoingMessage(name, f"{next(numbers)} {time:%H:%M}".encode()))

    device = SimulatedDevice(name=name, outbox=outbox, measure=measure)
    return Station(device, Sender(outbox, publisher, availability=availability))


@pytest.fixture
def publisher() -> FakeMessagePublisher:
    return FakeMessagePublisher()


@pytest.fixture
def ports(publisher: FakeMessagePublisher) -> SimulatorPorts:
    availability = BrokerAvailability()
    return SimulatorPorts(tuple(station(name, publisher, availability) for name in "ab"))


async def test_all_devices_publish_at_once_with_the_time_of_the_round(
    ports: SimulatorPorts, publisher: FakeMessagePublisher
) -> None:
    await run(ports, interval=HOUR, stop=asyncio.Event(), rounds=1, now=lambda: NOW)
    assert publisher.published == [("a", b"0 10:00"), ("b", b"0 10:00")]


async def test_it_goes_on_at_every_interval_until_it_has_done_its_rounds(
    ports: SimulatorPorts, publisher: FakeMessagePublisher
) -> None:
    told: list[OutgoingMessage] = []
    loop = asyncio.get_running_loop()
    started_at = loop.time()
    await run(
        ports,
        interval=MOMENT,
        stop=asyncio.Event(),
        rounds=4,
        now=lambda: NOW,
        on_published=told.append,
    )
    assert loop.time() - started_at >= 3 * MOMENT.total_seconds()
    assert [payload for topic, payload in publisher.published if topic == "b"] == [
        f"{number} 10:00".encode() for number in range(4)
    ]
    assert [(message.topic, message.payload) for message in told] == publisher.published


async def test_stop_ends_it_in_the_middle_of_an_interval(
    ports: SimulatorPorts, publisher: FakeMessagePublisher
) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(run(ports, interval=HOUR, stop=stop))
    await wait_until(lambda: len(publisher.published) == 2, timeout=5, description="the first round")
    stop.set()
    await asyncio.wait_for(running, 5)
    assert len(publisher.published) == 2


async def test_a_message_waits_for_the_broker_and_nothing_is_lost_or_doubled(
    ports: SimulatorPorts, publisher: FakeMessagePublisher
) -> None:
    publisher.fail_next(RetryableError("no broker"), times=2, after=1)
    with capture_logs() as lines:
        await run(ports, interval=HOUR, stop=asyncio.Event(), rounds=1, now=lambda: NOW)
    assert publisher.published == [("a", b"0 10:00"), ("b", b"0 10:00")]
    assert [line["event"] for line in lines] == ["dependency_away", "dependency_back"]


async def test_stop_ends_it_while_there_is_no_broker(
    ports: SimulatorPorts, publisher: FakeMessagePublisher
) -> None:
    publisher.fail_next(RetryableError("no broker"), times=10_000)
    stop = asyncio.Event()
    running = asyncio.create_task(run(ports, interval=HOUR, stop=stop))
    await wait_until(lambda: publisher.failures_left < 10_000, timeout=5, description="the first attempt")
    stop.set()
    await asyncio.wait_for(running, 5)
    assert publisher.published == []


async def test_a_device_that_is_told_an_interval_leaves_the_rounds_and_keeps_to_it(
    ports: SimulatorPorts, publisher: FakeMessagePublisher
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    running = asyncio.create_task(run(ports, interval=timedelta(seconds=6), stop=stop))
    await wait_until(lambda: len(publisher.published) == 2, timeout=60, description="the first round")
    started_at = loop.time()
    ports.stations[0].device.pace.set(1)
    await wait_until(lambda: len(publisher.published) == 5, timeout=60, description="three readings")
    assert loop.time() - started_at == pytest.approx(3, abs=0.1)
    ports.stations[0].device.pace.set(12)
    await wait_until(lambda: len(publisher.published) == 7, timeout=60, description="two rounds")
    assert [topic for topic, _ in publisher.published] == ["a", "b", "a", "a", "a", "b", "b"]
    stop.set()
    await running


async def test_the_first_message_after_a_restart_goes_over_a_new_connection(
    publisher: FakeMessagePublisher,
) -> None:
    connections: list[int] = []

    async def disconnect() -> None:
        connections.append(len(publisher.published))

    outbox = PrototypeOutbox()
    sender = Sender(outbox, publisher, availability=BrokerAvailability(), disconnect=disconnect)
    outbox.add(OutgoingMessage("a", b"0"), OutgoingMessage("a", b"1", after_restart=True))
    publisher.fail_next(RetryableError("no broker"), after=1)
    sending = asyncio.create_task(sender.run(lambda _: None))
    sender.wake()
    await sender.idle()
    sending.cancel()
    await asyncio.wait([sending])
    assert publisher.published == [("a", b"0"), ("a", b"1")]
    assert connections == [1, 1]


async def test_a_fault_is_not_hidden(ports: SimulatorPorts, publisher: FakeMessagePublisher) -> None:
    publisher.fail_next(ValueError("a fault"))
    with pytest.RaisesGroup(pytest.RaisesExc(ValueError, match="a fault")):
        await run(ports, interval=HOUR, stop=asyncio.Event())


@given(st.floats(0, 1e6), st.floats(0.001, 1e4))
def test_the_next_round_is_the_first_multiple_of_the_interval_still_to_come(
    elapsed: float, interval: float
) -> None:
    due = next_due(elapsed, interval)
    assert elapsed <= due <= elapsed + interval * (1 + 1e-6)
    assert due / interval == pytest.approx(round(due / interval), rel=1e-9)
