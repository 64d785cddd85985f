"""What a rule would have raised over stored readings: the engine's own evaluation, run again."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from microgrid_common.ports.device_registry import DeviceRegistry
from microgrid_common.ports.link_store import LinkStore
from microgrid_common.ports.retention import RAW_KEPT
from microgrid_common.ports.telemetry_store import TelemetryStore
from microgrid_common.runtime.stored_readings import stored_readings
from microgrid_common.schemas.alarm_backtest import BacktestReport
from microgrid_common.schemas.alarm_rule import AlarmRule, AlarmRuleDraft
from microgrid_common.schemas.device import Device
from microgrid_common.transforms.alarms.backtest import Backtest, BacktestRefusedError, DeviceBacktest

LONGEST_BACKTEST: Final = RAW_KEPT
"""No reading is kept for longer."""
MOST_DEVICES: Final = 200

# Some 10 ms of work, after which others may have the processor.
_READINGS_AT_ONCE: Final = 250


async def devices_of_grid(registry: DeviceRegistry, links: LinkStore, grid_id: str) -> list[Device]:
    """Every device that is registered in a grid or was ever heard there, in the order of their ids.

    Raises:
        RetryableError: a store is away.
    """
    known = {device.device_id: device for device in await registry.of_grid(grid_id)}
    for link in await links.of_grid(grid_id):
        known.setdefault(link.device_id, Device(grid_id=grid_id, device_id=link.device_id))
    return [device for _, device in sorted(known.items())]


async def run_backtest(
    telemetry: TelemetryStore,
    draft: AlarmRuleDraft,
    devices: Sequence[Device],
    *,
    grid_id: str,
    start: datetime,
    end: datetime,
    within: timedelta,
) -> BacktestReport:
    """Judge the stored readings of a grid by one rule, device by device, piece by piece.

    Args:
        telemetry: where the readings are.
        draft: the rule; judged also when it is not enabled.
        devices: of the grid; those that the rule concerns are judged.
        grid_id: the grid.
        start: aware.
        end: aware; not part of it.
        within: how long it may take.

    Raises:
        BacktestRefusedError: it cannot be done; it says why.
        RetryableError: the store is away.
    """
    _check_range(start, end)
    rule = AlarmRule.model_validate({**draft.model_dump(), "enabled": True, "version": 1})
    concerned = [device for device in devices if _concerns(rule, device)]
    if len(concerned) > MOST_DEVICES:
        raise BacktestRefusedError(
            "rule.scope", f"it concerns {len(concerned)} devices of this grid; {MOST_DEVICES} at most"
        )
    backtest = Backtest(rule, grid_id, start=start, end=end)
    try:
        async with asyncio.timeout(within.total_seconds()):
            for device in concerned:
                await _judge(telemetry, backtest, backtest.of_device(device))
    except TimeoutError:
        raise BacktestRefusedError(
            "from", f"it takes longer than {within.total_seconds():g} s: try a shorter time or fewer devices"
        ) from None
    return backtest.report()


async def _judge(telemetry: TelemetryStore, backtest: Backtest, of_device: DeviceBacktest) -> None:
    pieces = stored_readings(
        telemetry, of_device.device, backtest.metrics, start=backtest.start, end=backtest.end
    )
    async for readings in pieces:
        for first in range(0, len(readings), _READINGS_AT_ONCE):
            for reading in readings[first : first + _READINGS_AT_ONCE]:
                of_device.judge(reading)
            await asyncio.sleep(0)
    of_device.finish()


def _check_range(start: datetime, end: datetime) -> None:
    if start >= end:
        raise BacktestRefusedError("from", "it must be before `to`")
    if end - start > LONGEST_BACKTEST:
        raise BacktestRefusedError(
            "from", f"at most {LONGEST_BACKTEST.days} days before `to`: no reading is kept for longer"
        )


def _concerns(rule: AlarmRule, device: Device) -> bool:
    return rule.scope.covers(device.grid_id, device.device_id, device.device_type, device.component)
