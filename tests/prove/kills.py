"""Kills one process after the other, and sees how the system comes back."""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial

import httpx
from tests.prove.evidence import Junk, Kill, Outage
from tests.prove.fleet import Fleets, accepted_junk, devices
from tests.prove.memory import PeakMemory
from tests.prove.schedule import Cycle, Target
from tests.prove.stores import Stores
from tests.prove.system import BROKER, INFLUXDB, INGESTORS, REDIS, System, is_ready

from microgrid_common.testing.waiting import wait_until

PROCESS_OF = {
    Target.RECEIVER: INGESTORS[0],
    Target.HISTORIAN: INGESTORS[1],
    Target.REDIS: REDIS,
    Target.INFLUXDB: INFLUXDB,
    Target.BROKER: BROKER,
}

CATCH_UP_SECONDS = 40.0
"""How long the system may take to come back; a device waits up to a minute between two attempts."""

_BROKER_SAVES_AFTER_SECONDS = 3.0
"""Mosquitto saves once a second, counted in whole seconds of its clock, and this machine is busy."""

_SENT_LATE_MILLISECONDS = 2_000
"""A device that keeps nothing sends what it measures before it measures again."""


class Killer:
    """Carries out a schedule.

    Args:
        system: what is killed.
        stores: show whether it has come back.
        fleets: what sends meanwhile.
        say: tells a person how far it is.
    """

    def __init__(self, system: System, stores: Stores, fleets: Fleets, say: Callable[[str], None]) -> None:
        self._system = system
        self._stores = stores
        self._fleets = fleets
        self._say = say
        self._devices = devices(fleets.records())
        self._started = time.monotonic()
        self._waits_for = ""
        self.memory = PeakMemory()
        self.crashed: set[str] = set()
        """The services that ended without being killed."""
        self.kills: list[Kill] = []
        self.lost_with_broker: set[Junk] = set()
        """The messages without a number that a killed broker may have lost."""
        self.broker_outages: list[Outage] = []

    async def run(self, cycles: Sequence[Cycle]) -> None:
        """Kill and start again, each when the one before has been survived."""
        for number, cycle in enumerate(cycles, 1):
            kill = await self._kill(cycle)
            self.kills.append(kill)
            survived = (
                "NOT caught up in time"
                if kill.caught_up_after is None
                else f"caught up {kill.caught_up_after:.1f} s later, {kill.waited_last_for} last"
            )
            self._say(
                f"kill {number}/{len(cycles)} {' and '.join(cycle.targets)} "
                f"({' and '.join(kill.processes)}): away for {kill.down_for:.1f} s, {survived}"
            )

    def look_at_processes(self) -> None:
        """Note what they have used so far, before one of them takes its figures along, and who is gone."""
        for name, service in self._system.services.items():
            if service.has_ended:
                self.crashed.add(name)
            else:
                self.memory.note(name, service.pid)

    async def _kill(self, cycle: Cycle) -> Kill:
        names = tuple(PROCESS_OF[target] for target in cycle.targets)
        with_broker = Target.BROKER in cycle.targets
        saved_junk = accepted_junk(self._fleets.records()) if with_broker else set()
        saved_at = _now()
        await asyncio.sleep(max(cycle.up_seconds, _BROKER_SAVES_AFTER_SECONDS if with_broker else 0.0))
        self.look_at_processes()
        killed_at = time.monotonic()
        for name in names:
            await asyncio.to_thread(self._system.process(name).kill)
            await asyncio.sleep(cycle.down_seconds / len(names))
        for name in names:
            await asyncio.to_thread(self._system.process(name).start)
        back_at = time.monotonic()
        caught_up_after = await self._catch_up(back_at)
        if with_broker:
            # Not only what came before: Mosquitto forgets shared subscriptions, and drops what comes before
            # the ingestors have subscribed again.
            self.lost_with_broker |= accepted_junk(self._fleets.records()) - saved_junk
            self.broker_outages.append(Outage(saved_at - _SENT_LATE_MILLISECONDS, _now()))
        return Kill(
            targets=cycle.targets,
            processes=names,
            at=killed_at - self._started,
            down_for=back_at - killed_at,
            caught_up_after=caught_up_after,
            waited_last_for=self._waits_for,
        )

    async def _catch_up(self, back_at: float) -> float | None:
        since = _now()
        self._waits_for = ""
        async with httpx.AsyncClient() as client:
            try:
                await wait_until(
                    lambda: self._is_caught_up(since, client),
                    timeout=CATCH_UP_SECONDS,
                    description="the system to catch up",
                )
            except AssertionError as error:
                self._say(str(error))
                return None
        return time.monotonic() - back_at

    async def _is_caught_up(self, since: int, client: httpx.AsyncClient) -> bool:
        """Whether all can work, every device's data flow into the store, and the log holds nothing older."""
        for what, holds in (
            ("the services", partial(is_ready, self._system, client)),
            ("the log", partial(self._stores.nothing_waits_from_before, since)),
            ("the devices", partial(self._every_device_is_seen, since)),
        ):
            if not await holds():
                self._waits_for = what
                return False
        return True

    async def _every_device_is_seen(self, since: int) -> bool:
        return self._devices <= await self._stores.devices_seen_since(since)


def _now() -> int:
    return int(time.time() * 1_000)
