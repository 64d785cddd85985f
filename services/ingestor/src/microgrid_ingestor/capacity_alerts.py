"""Tells operators, by alerts of the platform itself, that the log is filling."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from microgrid_common.runtime.alarm_desk import PlatformAlarms
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas.alert import Severity
from microgrid_ingestor.log_capacity import FILLING_AT, FULL_AT, Fill, LogCapacity

LOG_DEVICE_ID: Final = "event-log"

_SAY_AGAIN: Final = timedelta(minutes=1)
"""Another replica may have raised an alert, and have died before it could clear it."""


@dataclass(frozen=True, slots=True)
class _Rule:
    fill: Fill
    """It holds from here on."""
    rule_id: str
    severity: Severity
    message: str


_RULES: Final = (
    _Rule(
        Fill.FILLING,
        "log-filling",
        Severity.WARNING,
        f"Platform: the event log is over {FILLING_AT:.0%} full; at {FULL_AT:.0%} telemetry has to wait.",
    ),
    _Rule(
        Fill.FULL,
        "log-full",
        Severity.CRITICAL,
        "Platform: the event log is full. New telemetry waits at the broker, which drops it in the end.",
    ),
)


async def tell_operators(
    capacity: LogCapacity, alarms: PlatformAlarms, *, clock: Callable[[], datetime]
) -> None:
    """Raise and clear the alerts until cancelled.

    Each replica does; the store keeps one of each. Also of a log that counts as full there is memory left
    for them.
    """
    await capacity.until_measured()
    while True:
        fill = capacity.fill
        for rule in _RULES:
            step = _raise if fill >= rule.fill else _clear
            await until_it_works(partial(step, rule, capacity, alarms, clock()), dependency="redis")
        await capacity.until_changed(fill, within=_SAY_AGAIN)


async def _raise(rule: _Rule, capacity: LogCapacity, alarms: PlatformAlarms, now: datetime) -> None:
    waiting = f" Not read it yet: {capacity.waiting_for}." if capacity.waiting_for else ""
    await alarms.raise_alert(
        LOG_DEVICE_ID,
        rule.rule_id,
        severity=rule.severity,
        message=f"{rule.message}{waiting}",
        at=now,
    )


async def _clear(rule: _Rule, _: LogCapacity, alarms: PlatformAlarms, now: datetime) -> None:
    await alarms.clear_alert(LOG_DEVICE_ID, rule.rule_id, at=now)
