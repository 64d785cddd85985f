"""The simulator: its devices publish at once, then at every interval, for as long as it runs."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import floor

from microgrid_simulator.device import OutgoingMessage
from microgrid_simulator.profiles import SimulatedDevice
from microgrid_simulator.sender import Sender


@dataclass(frozen=True, slots=True)
class Station:
    """A simulated device and its way to the broker."""

    device: SimulatedDevice
    sender: Sender


@dataclass(frozen=True, slots=True)
class SimulatorPorts:
    """What the simulator needs from outside."""

    stations: tuple[Station, ...]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _ignore(_: OutgoingMessage) -> None:
    pass


async def run(
    ports: SimulatorPorts,
    *,
    interval: timedelta,
    stop: asyncio.Event,
    rounds: int | None = None,
    now: Callable[[], datetime] = _utc_now,
    on_published: Callable[[OutgoingMessage], None] = _ignore,
) -> None:
    """Publish until `stop` is set.

    While the broker is away the devices go on measuring: what a village device measured is sent once the
    broker is back, as far as its buffer holds it; a prototype device, which has none, leaves it out.

    Args:
        ports: the devices and their ways to the broker.
        interval: the time between the starts of two rounds; longer than zero.
        stop: ends it, also in the middle of waiting for a broker.
        rounds: end after so many rounds, when the broker has all of them; None for no end.
        now: the time that the devices measure at, aware.
        on_published: told about each message that the broker has taken.

    Raises:
        ExceptionGroup: a device failed.
    """
    publishing = asyncio.create_task(
        _publish_rounds(ports, interval.total_seconds(), rounds, now, on_published), name="simulator-publish"
    )
    stopping = asyncio.create_task(stop.wait(), name="simulator-stop")
    try:
        await asyncio.wait((publishing, stopping), return_when=asyncio.FIRST_COMPLETED)
        if publishing.done():
            publishing.result()
    finally:
        publishing.cancel()
        stopping.cancel()
        await asyncio.wait((publishing, stopping))


async def _publish_rounds(
    ports: SimulatorPorts,
    interval_seconds: float,
    rounds: int | None,
    now: Callable[[], datetime],
    on_published: Callable[[OutgoingMessage], None],
) -> None:
    async with asyncio.TaskGroup() as group:
        sending = [
            group.create_task(station.sender.run(on_published), name=f"simulator-{station.device.name}")
            for station in ports.stations
        ]
        at_their_own_pace = [
            group.create_task(_measure_at_its_own_pace(station, now), name=f"pace-{station.device.name}")
            for station in ports.stations
        ]
        await _measure_rounds(ports, interval_seconds, rounds, now)
        for task in at_their_own_pace:
            task.cancel()
        for station in ports.stations:
            await station.sender.idle()
        for task in sending:
            task.cancel()


async def _measure_at_its_own_pace(station: Station, now: Callable[[], datetime]) -> None:
    while True:
        await station.device.pace.until_due()
        station.device.measure(now())
        station.sender.wake()


async def _measure_rounds(
    ports: SimulatorPorts, interval_seconds: float, rounds: int | None, now: Callable[[], datetime]
) -> None:
    loop = asyncio.get_running_loop()
    started_at = loop.time()
    finished = 0
    while True:
        time = now()
        for station in ports.stations:
            if station.device.pace.seconds is None:
                station.device.measure(time)
                station.sender.wake()
        finished += 1
        if finished == rounds:
            return
        elapsed = loop.time() - started_at
        await asyncio.sleep(next_due(elapsed, interval_seconds) - elapsed)


def next_due(elapsed: float, interval: float) -> float:
    """The first multiple of `interval` after `elapsed`, all in seconds since the start.

    Counted from the start, so that the time a round takes does not add up.
    """
    return (floor(elapsed / interval) + 1) * interval
