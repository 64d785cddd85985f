"""Where people, and the platform itself, change alarms: read, decide, store unless somebody was quicker."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from microgrid_common.ports.alarm_states import AlarmStates, GridCommit
from microgrid_common.ports.alert_records import AlertRecords
from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.alert import Alert, AlertSource, Severity
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID
from microgrid_common.transforms.alarms.actions import (
    Action,
    ReturnToService,
    Unshelve,
    act,
    put_back,
)
from microgrid_common.transforms.alarms.changes import Changes
from microgrid_common.transforms.alarms.documents import AlarmPoint, DeviceAlarms
from microgrid_common.transforms.alarms.lifecycle import AlarmLife, Episode, active_alert

_ATTEMPTS: Final = 20
"""Each fails only when somebody else was quicker, so one of many gets through each time."""


class UnknownAlertError(Exception):
    """There is no alert of that id, or none any more."""


@dataclass(frozen=True, slots=True)
class Handled:
    """An alert about which something was done."""

    before: Alert
    """As it stood when that was decided; nobody has changed it in between."""
    after: Alert


@dataclass(frozen=True, slots=True)
class _InHand:
    device: DeviceAlarms
    life: AlarmLife
    changes: Changes


async def _change(
    states: AlarmStates,
    grid_id: str,
    device_id: str,
    now: datetime,
    decide: Callable[[_InHand], Awaitable[None]],
) -> Changes:
    """Let `decide` change the alarms of a device until that could be stored.

    Raises:
        RetryableError: the store is away; it may or may not have happened.
    """
    for _ in range(_ATTEMPTS):
        documents = (await states.load({grid_id: [device_id]}))[grid_id]
        changes = Changes()
        in_hand = _InHand(
            documents.devices[device_id],
            AlarmLife(grid_id, documents.grid, documents.devices, changes),
            changes,
        )
        await decide(in_hand)
        if not changes.alerts and not changes.devices:
            return changes
        commit = GridCommit(
            grid_id=grid_id,
            grid=documents.grid if changes.grid_changed else None,
            devices={device_id: in_hand.device},
            # The engine, which knows the rules, finds out at its next tick when the clock has to look again.
            timers={device_id: now},
            alerts=tuple(changes.alerts.values()),
            events=tuple(changes.events),
        )
        if (await states.commit([commit]))[0]:
            return changes
    raise RetryableError("the alarms of this device change too quickly: try again")


class AlarmDesk:
    """Carries out what operators want done about alerts, also while no alert engine runs.

    Args:
        states: where alarms live.
        records: where alerts are found.
        clock: the time, aware.
    """

    def __init__(self, states: AlarmStates, records: AlertRecords, clock: Callable[[], datetime]) -> None:
        self._states = states
        self._records = records
        self._clock = clock

    async def act(self, alert_id: str, action: Action, *, by: str) -> Handled:
        """Do something about an alert; the alert as it stood, and as it stands then.

        Args:
            alert_id: the alert.
            action: what to do; one that changes nothing is done already.
            by: who does it.

        Raises:
            UnknownAlertError: there is no such alert.
            ActionRefusedError: it cannot be done to that alert now; it says why.
            RetryableError: the store is away; it may or may not have happened, and trying again is safe.
        """
        alert = await self._records.get(alert_id)
        if alert is None:
            raise UnknownAlertError(alert_id)
        now = self._clock()
        rule_id, device_id = alert.rule_id, alert.device_id
        before = alert

        async def decide(in_hand: _InHand) -> None:
            nonlocal before
            point = in_hand.device.points.get(rule_id)
            if (
                point is not None
                and isinstance(action, Unshelve | ReturnToService)
                and not active_alert(point)
            ):
                # The alarm may still be put aside when its last alert is over.
                put_back(in_hand.life, device_id, point, action, at=now, by=by)
                return
            if point is None or point.alert is None or point.alert.id != alert_id:
                # Of an alert that is over only the record is left. Nothing changes that without its device's
                # document, so, read after it, it is as it stands when the commit is made.
                point = AlarmPoint(alert=await self._records.get(alert_id))
            before = point.alert or alert
            act(in_hand.life, point, action, at=now, by=by)

        changes = await _change(self._states, alert.grid_id, alert.device_id, now, decide)
        after = changes.alerts.get(alert_id) or await self._records.get(alert_id) or before
        return Handled(before, after)


class PlatformAlarms:
    """Raises and clears alarms about parts of the platform.

    Args:
        states: where alarms live.
    """

    def __init__(self, states: AlarmStates) -> None:
        self._states = states

    async def raise_alert(
        self,
        device_id: str,
        rule_id: str,
        *,
        severity: Severity,
        message: str,
        recommended_action: str = "",
        at: datetime,
    ) -> None:
        """Raise an alarm unless it lasts already.

        Args:
            device_id: the part that it is about.
            rule_id: names the alarm.
            severity: how urgent it is.
            message: what the operator reads.
            recommended_action: what to do about it.
            at: the time, aware.

        Raises:
            RetryableError: the store is away; it may or may not have happened, and trying again is safe.
        """
        episode = Episode(
            rule_id=rule_id,
            type="platform",
            severity=severity,
            message=message,
            recommended_action=recommended_action,
            source=AlertSource.PLATFORM,
            raised_at=at,
        )

        async def decide(in_hand: _InHand) -> None:
            point = in_hand.device.points.get(rule_id)
            if point is None or active_alert(point) is None:
                in_hand.life.begin(device_id, episode, None)

        await _change(self._states, PLATFORM_GRID_ID, device_id, at, decide)

    async def clear_alert(self, device_id: str, rule_id: str, *, at: datetime) -> None:
        """Clear an alarm; does nothing when it does not last.

        Raises:
            RetryableError: as `raise_alert`.
        """

        async def decide(in_hand: _InHand) -> None:
            if (point := in_hand.device.points.get(rule_id)) is not None:
                in_hand.life.end(device_id, point, at)

        await _change(self._states, PLATFORM_GRID_ID, device_id, at, decide)
