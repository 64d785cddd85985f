"""Notices values that no plant takes a step to, as readings come in."""

from collections import OrderedDict
from datetime import datetime
from typing import Final

from microgrid_common.schemas.reading import Reading
from microgrid_common.transforms.steps import is_implausible_step

DEVICES_KEPT: Final = 20_000
"""A device comes to be by a topic naming it: beyond this the one that was quiet for longest is forgotten."""

_Measured = tuple[datetime, float]


class StepWatch:
    """Keeps the last value of each metric of each device, to compare the next one with."""

    def __init__(self, *, devices_kept: int = DEVICES_KEPT) -> None:
        self._devices: OrderedDict[tuple[str, str], dict[str, _Measured]] = OrderedDict()
        self._devices_kept = devices_kept

    def take(self, reading: Reading) -> frozenset[str]:
        """Take in a reading; returns the metrics that took an implausible step to it.

        A late reading is compared with nothing: what it lies between has been judged already.
        """
        device = (reading.grid_id, reading.device_id)
        last = self._devices.setdefault(device, {})
        self._devices.move_to_end(device)
        if len(self._devices) > self._devices_kept:
            self._devices.popitem(last=False)
        at = reading.effective_at
        implausible = set()
        for metric, value in reading.metrics.items():
            if before := last.get(metric):
                time_before, value_before = before
                if at <= time_before:
                    continue
                if is_implausible_step(metric, value_before, value, at - time_before):
                    implausible.add(metric)
            last[metric] = (at, value)
        return frozenset(implausible)
