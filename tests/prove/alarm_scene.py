"""What the alarm part plays: devices with known episodes, and a gateway that is lost. Pure: no I/O."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from tests.prove.evidence import Device

from microgrid_common.schemas.alarm_rule import (
    AlarmRuleDraft,
    Comparison,
    DisconnectedCondition,
    NoDataCondition,
    ThresholdCondition,
)
from microgrid_common.schemas.alert import Severity
from microgrid_common.schemas.device_link import LinkChange, LinkEvent

METRIC: Final = "consumption_kw"
HIGH_KW: Final = 15.0
NORMAL_KW: Final = 10.0
ON_DELAY: Final = timedelta(seconds=4)
OFF_DELAY: Final = timedelta(seconds=2)

OVERLOAD: Final = AlarmRuleDraft(
    rule_id="overload",
    name="Overload",
    condition=ThresholdCondition(metric=METRIC, comparison=Comparison.ABOVE, threshold=14.0),
    severity=Severity.CRITICAL,
    message="{device_id} draws {consumption_kw:.1f} kW",
    on_delay_seconds=ON_DELAY.total_seconds(),
    off_delay_seconds=OFF_DELAY.total_seconds(),
    # Episodes follow one another far faster than in any plant; they are not to be calmed.
    chattering_delay=False,
)
DISCONNECTED: Final = AlarmRuleDraft(
    rule_id="disconnected",
    name="Disconnected",
    condition=DisconnectedCondition(),
    severity=Severity.WARNING,
    message="{device_id} is disconnected",
    on_delay_seconds=OFF_DELAY.total_seconds(),
)
SILENT: Final = AlarmRuleDraft(
    rule_id="silent",
    name="Silent",
    condition=NoDataCondition(),
    severity=Severity.WARNING,
    message="{device_id} is silent",
    on_delay_seconds=OFF_DELAY.total_seconds(),
)
RULES: Final = (OVERLOAD, DISCONNECTED, SILENT)

_GRIDS: Final = 8
GATEWAY: Final = Device("gateway-village", "gateway")
_CHILDREN: Final = 50

# One letter a second: an episode with a dip shorter than the off-delay, and then a rise shorter than the
# on-delay, which is none.
_PATTERN: Final = "HHHHH-HH-----HH---"
PERIOD_SECONDS: Final = len(_PATTERN)
"""Each device has one episode in so many seconds."""


class Measured(NamedTuple):
    """What one device measured."""

    at: datetime
    kilowatts: float


class Episode(NamedTuple):
    """One alarm that there has to be."""

    device: Device
    rule_id: str
    raised_at: datetime
    cleared_at: datetime | None
    """None: it lasts."""


def fleet(devices: int) -> list[Device]:
    """The devices that measure, in several grids: so every engine has some of them."""
    return [Device(f"village-{number % _GRIDS}", f"meter-{number}") for number in range(devices)]


def gateway_children() -> list[Device]:
    """The devices that report through the gateway."""
    return [Device(GATEWAY.grid_id, f"sensor-{number}") for number in range(_CHILDREN)]


def load_of(number: int, second: int) -> float:
    """What a device draws in a second of the run, in kW; at any time devices are at all places of it.

    Args:
        number: the device's.
        second: since the start.
    """
    return HIGH_KW if _PATTERN[(number + second) % len(_PATTERN)] == "H" else NORMAL_KW


def expected_episodes(measured: Mapping[Device, Sequence[Measured]]) -> list[Episode]:
    """What the rule of the load means, said once more in the plainest way.

    Args:
        measured: of each device, in the order of time.
    """
    return [episode for device, of_one in measured.items() for episode in _episodes(device, of_one)]


def _episodes(device: Device, measured: Iterable[Measured]) -> Iterable[Episode]:
    raised_at: datetime | None = None
    otherwise_since: datetime | None = None
    """Since when the load is high without an alarm, or normal with one."""
    for at, kilowatts in measured:
        delay = ON_DELAY if raised_at is None else OFF_DELAY
        # Between two readings the earlier one stands.
        if otherwise_since is not None and at - otherwise_since >= delay:
            over_at, otherwise_since = otherwise_since + delay, None
            if raised_at is None:
                raised_at = over_at
            else:
                yield Episode(device, OVERLOAD.rule_id, raised_at, over_at)
                raised_at = None
        if (kilowatts > NORMAL_KW) == (raised_at is not None):
            otherwise_since = None
        elif otherwise_since is None:
            otherwise_since = at
    if raised_at is not None:
        yield Episode(device, OVERLOAD.rule_id, raised_at, None)


def gateway_loss(at: datetime) -> list[LinkEvent]:
    """What the log is told when the gateway is lost: half of its children were missed before it was."""
    children = [_link(device, LinkChange.STALE, at) for device in gateway_children()]
    half = len(children) // 2
    return [*children[:half], _link(GATEWAY, LinkChange.DISCONNECTED, at), *children[half:]]


def gateway_episodes(at: datetime) -> list[Episode]:
    """The alarms that follow from `gateway_loss`."""
    raised_at = at + OFF_DELAY
    return [
        Episode(GATEWAY, DISCONNECTED.rule_id, raised_at, None),
        *(Episode(device, SILENT.rule_id, raised_at, None) for device in gateway_children()),
    ]


def _link(device: Device, change: LinkChange, at: datetime) -> LinkEvent:
    return LinkEvent(
        grid_id=device.grid_id,
        device_id=device.device_id,
        change=change,
        at=at,
        connected=change is not LinkChange.DISCONNECTED,
        stale=change is LinkChange.STALE,
    )
