"""One run: everything started, fed, killed, and looked at."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.prove.alarm_checks import ALARM_PROMISES
from tests.prove.alarm_run import prove_alarms
from tests.prove.checks import PROMISES, Violation, violations
from tests.prove.evidence import Evidence
from tests.prove.figures import figures
from tests.prove.fleet import (
    FORGETFUL,
    Fleets,
    devices,
    running_fleets,
    sent_junk,
    sent_samples,
    total,
)
from tests.prove.kills import Killer
from tests.prove.ledger import read_ledger
from tests.prove.live_checks import LIVE_PROMISES
from tests.prove.live_run import prove_live
from tests.prove.report import Report
from tests.prove.schedule import kill_schedule
from tests.prove.stores import Stores, open_stores
from tests.prove.system import System, running_system

from microgrid_common.adapters.mqtt.address import parse_broker_url
from microgrid_simulator.fleet import FleetOptions

_WARM_UP_SECONDS = 5.0
_SETTLE_SECONDS = 100.0
"""How long after the last sample every promise may take to hold."""
_STILL_SECONDS = 6.0
"""Longer than a lease of 5 s: what a dead consumer left may come a second time until then."""
_BETWEEN_LOOKS_SECONDS = 2.0
_FORGETFUL_DEVICES = 40
_FORGETFUL_INTERVAL_SECONDS = 1.0
_LIVE_CUTS = 200
_MEASURE_AT_MOST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run is like."""

    seed: int
    """The same seed kills the same in the same order, and lets the same messages be bad."""
    cycles: int
    devices: int
    messages_per_second: float
    """Of all devices."""
    bad_share: float
    """The share of messages that are bad, 0 to 1."""
    log_folder: Path
    """Where the services keep their logs; must be empty."""

    @property
    def fleet(self) -> FleetOptions:
        """Devices that keep what they measured, and can be asked for it."""
        return FleetOptions(
            devices=self.devices,
            messages_per_second=self.messages_per_second,
            bad_share=self.bad_share,
            seed=self.seed,
        )

    @property
    def forgetful_fleet(self) -> FleetOptions:
        """Some more devices, which keep nothing: asking them cannot hide what gets lost."""
        return FleetOptions(
            name=FORGETFUL,
            devices=_FORGETFUL_DEVICES,
            # A device that keeps nothing loses what is not acknowledged before it measures again.
            messages_per_second=_FORGETFUL_DEVICES / _FORGETFUL_INTERVAL_SECONDS,
            bad_share=self.bad_share,
            seed=self.seed,
            samples_kept=1,
        )


async def prove(options: Options, say: Callable[[str], None]) -> Report:
    """Run everything, and judge it.

    Args:
        options: what the run is like.
        say: tells a person how far it is.
    """
    started_at, started = datetime.now(UTC), time.monotonic()
    say("starting Mosquitto, Redis, InfluxDB, two ingestors, the alert engine and the API")
    async with running_system(options.log_folder) as system, open_stores(system) as stores:
        address = parse_broker_url(system.broker.url)
        async with running_fleets(address, options.fleet, options.forgetful_fleet) as fleets:
            run = _Run(system, stores, fleets, say)
            await run.feed_and_kill(options)
            evidence, broken, settled_after = await run.settle()
            asked_back = total(fleets.records(), "resent")
    alarm_logs = options.log_folder / "alarms"
    alarm_logs.mkdir()
    alarms = await prove_alarms(
        seed=options.seed, kills=options.cycles, devices=options.devices, log_folder=alarm_logs, say=say
    )
    live_logs = options.log_folder / "live"
    live_logs.mkdir()
    live = await prove_live(seed=options.seed, cuts=_LIVE_CUTS, log_folder=live_logs, say=say)
    return Report(
        started_at=started_at,
        seconds=time.monotonic() - started,
        seed=options.seed,
        devices=options.devices,
        messages_per_second=options.messages_per_second,
        figures=figures(evidence),
        asked_back=asked_back,
        kills=evidence.kills,
        settled_after=settled_after,
        peak_memory=evidence.peak_memory,
        alarms=alarms,
        live=live,
        promises=[*PROMISES, *ALARM_PROMISES, *LIVE_PROMISES],
        violations=[*broken, *alarms.violations, *live.violations],
    )


class _Run:
    def __init__(self, system: System, stores: Stores, fleets: Fleets, say: Callable[[str], None]) -> None:
        self._system = system
        self._stores = stores
        self._fleets = fleets
        self._say = say
        self._killer = Killer(system, stores, fleets, say)

    async def feed_and_kill(self, options: Options) -> None:
        self._say(
            f"{options.devices} devices send {options.messages_per_second:g} messages a second, and "
            f"{_FORGETFUL_DEVICES} that keep nothing one a second each"
        )
        measuring = asyncio.create_task(self._fleets.measure(_MEASURE_AT_MOST), name="prove-measure")
        try:
            await asyncio.sleep(_WARM_UP_SECONDS)
            await self._killer.run(kill_schedule(seed=options.seed, cycles=options.cycles))
        finally:
            measuring.cancel()
            with suppress(asyncio.CancelledError):
                await measuring

    async def settle(self) -> tuple[Evidence, list[Violation], float | None]:
        """Wait until every promise holds, and see whether it goes on to."""
        measured = total(self._fleets.records(), "measured")
        self._say(f"{measured} samples measured; waiting until all has settled")
        ended = time.monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_SECONDS):
                await self._fleets.until_accepted()
        settled_after = await self._first_time_that_all_holds(ended)
        await asyncio.sleep(_STILL_SECONDS)
        evidence = await self._evidence()
        return evidence, violations(evidence), settled_after

    async def _first_time_that_all_holds(self, ended: float) -> float | None:
        still_open = -1
        while time.monotonic() - ended < _SETTLE_SECONDS:
            broken = violations(await self._evidence())
            if not broken:
                elapsed = time.monotonic() - ended
                self._say(f"everything has settled, {elapsed:.1f} s after the last sample")
                return elapsed
            if len(broken) != still_open:
                still_open = len(broken)
                self._say(f"still open: {still_open}, such as {broken[0].promise}: {broken[0].what}")
            await asyncio.sleep(_BETWEEN_LOOKS_SECONDS)
        return None

    async def _evidence(self) -> Evidence:
        self._killer.look_at_processes()
        records = self._fleets.records()
        return Evidence(
            sent=sent_samples(records),
            sent_junk=sent_junk(records, self._killer.lost_with_broker),
            rows=await self._stores.rows(),
            quarantined=await self._stores.quarantined(),
            ledger=await read_ledger(self._system.api_url, devices(records)),
            alert_events=await self._stores.alert_events(),
            kills=tuple(self._killer.kills),
            broker_outages=tuple(self._killer.broker_outages),
            crashed=sorted(self._killer.crashed),
            peak_memory=dict(self._killer.memory.megabytes),
        )
