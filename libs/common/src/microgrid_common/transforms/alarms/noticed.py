"""Which of a device's notices were worked on already: an entry of the log may come twice."""

from datetime import datetime
from hashlib import sha256
from typing import Final

from microgrid_common.transforms.alarms.documents import DeviceAlarms

_KEPT: Final = 32
"""A device can make up as many messages as it likes."""


def rule_id_of_message(message: str) -> str:
    """The rule id of a device's own message that no rule knows."""
    return f"device:{sha256(message.encode()).hexdigest()[:16]}"


def remember_notice(device: DeviceAlarms, rule_id: str, at: datetime) -> bool:
    """Keep that a notice came; whether it is newer than all that came of that rule."""
    newest = device.noticed.pop(rule_id, None)
    device.noticed[rule_id] = at if newest is None else max(newest, at)
    while len(device.noticed) > _KEPT:
        del device.noticed[next(iter(device.noticed))]
    return newest is None or at > newest
