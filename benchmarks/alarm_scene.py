"""What the alarm benchmarks judge: 20 rules, and the readings of 200 devices. Pure: no I/O."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from microgrid_common.ports.durable_log import Record
from microgrid_common.schemas.alarm_rule import AlarmRuleDraft
from microgrid_common.schemas.reading import Reading, encode_readings
from microgrid_common.schemas.streams import READINGS_KIND, readings_stream_of

DEVICES: Final = 200
DEVICES_IN_A_GRID: Final = 50
SHARDS: Final = 4
ALARM_EVERY: Final = 100
"""Of a device's readings, one in so many is in alarm: it raises an alarm, and the next one ends it."""
HIGH_LOAD: Final = "load-high"
"""The rule without a delay that it raises an alarm of; another rule's delay begins and is broken off."""

_SECONDS_IN_AN_ENTRY: Final = 5
_START: Final = datetime(2026, 11, 23, tzinfo=UTC)

_NORMAL: Final[Mapping[str, float]] = {
    "consumption_kw": 10.0,
    "generation_kw": 9.0,
    "battery_soc": 60.0,
    "ac_voltage_v": 230.0,
    "ac_frequency_hz": 50.0,
    "equipment_temperature_c": 35.0,
}
_IN_ALARM: Final = {"consumption_kw": 15.0, "equipment_temperature_c": 61.0}


def _above(metric: str, threshold: float, hysteresis: float = 0) -> dict[str, Any]:
    return {
        "type": "threshold",
        "metric": metric,
        "comparison": ">",
        "threshold": threshold,
        "hysteresis": hysteresis,
    }


def _below(metric: str, threshold: float, hysteresis: float = 0) -> dict[str, Any]:
    return _above(metric, threshold, hysteresis) | {"comparison": "<"}


def _band(metric: str, low: float, high: float, hysteresis: float) -> dict[str, Any]:
    return {"type": "band", "metric": metric, "low": low, "high": high, "hysteresis": hysteresis}


def _compared(metric: str, other: str, factor: float) -> dict[str, Any]:
    return {
        "type": "comparison",
        "metric": metric,
        "comparison": ">",
        "other_metric": other,
        "factor": factor,
        "offset": 1,
    }


def _rate(metric: str, per_minute: float, direction: str) -> dict[str, Any]:
    return {"type": "rate_of_change", "metric": metric, "per_minute": per_minute, "direction": direction}


def _expression(text: str) -> dict[str, Any]:
    return {"type": "expression", "expression": text}


# Rule id → condition and on-delay in seconds.
_ON_ONE_READING: Final[Mapping[str, tuple[dict[str, Any], float]]] = {
    HIGH_LOAD: (_above("consumption_kw", 14), 0),
    "load-extreme": (_above("consumption_kw", 18), 5),
    "equipment-warm": (_above("equipment_temperature_c", 60, 5), 120),
    "equipment-hot": (_above("equipment_temperature_c", 80, 5), 10),
    "equipment-frozen": (_below("equipment_temperature_c", -10), 300),
    "soc-low": (_below("battery_soc", 20, 5), 60),
    "soc-critical": (_below("battery_soc", 10, 5), 0),
    "generation-high": (_above("generation_kw", 60), 0),
    "voltage": (_band("ac_voltage_v", 207, 253, 3), 60),
    "voltage-critical": (_band("ac_voltage_v", 195.5, 264.5, 3), 0),
    "frequency": (_band("ac_frequency_hz", 49, 51, 0.1), 60),
    "frequency-critical": (_band("ac_frequency_hz", 47.5, 52, 0.1), 0),
    "load-beyond-generation": (_compared("consumption_kw", "generation_kw", 3), 30),
    "generation-beyond-load": (_compared("generation_kw", "consumption_kw", 4), 0),
    "empty-under-load": (_expression("battery_soc < 30 and consumption_kw > 12"), 0),
    "weak-grid": (_expression("ac_voltage_v < 215 and ac_frequency_hz < 49.5"), 10),
    "full-and-fed": (_expression("battery_soc > 98 and generation_kw - consumption_kw > 5"), 0),
    "deviation": (_expression("abs(ac_frequency_hz - 50) > 2 or abs(ac_voltage_v - 230) > 40"), 0),
}
_ON_A_CHANGE: Final[Mapping[str, tuple[dict[str, Any], float]]] = {
    "soc-falls": (_rate("battery_soc", 2, "falling"), 60),
    "voltage-leaps": (_rate("ac_voltage_v", 2_000, "either"), 0),
}
_INSTEAD_OF_CHANGES: Final[Mapping[str, tuple[dict[str, Any], float]]] = {
    "soc-high": (_above("battery_soc", 99), 60),
    "voltage-gone": (_below("ac_voltage_v", 20), 0),
}


def rules(*, on_changes: bool = True) -> list[AlarmRuleDraft]:
    """20 rules, some with delays.

    Args:
        on_changes: whether two of them are on the rate of a change; else all can be judged by one reading.
    """
    others = _ON_A_CHANGE if on_changes else _INSTEAD_OF_CHANGES
    return [
        AlarmRuleDraft.model_validate(
            {
                "rule_id": rule_id,
                "name": rule_id,
                "condition": condition,
                "severity": "warning",
                "message": f"{{device_id}}: {rule_id}",
                "on_delay_seconds": delay,
                # Each alarm counts: they come far more often than in a plant.
                "chattering_delay": False,
            }
        )
        for rule_id, (condition, delay) in {**_ON_ONE_READING, **others}.items()
    ]


def reading(number: int, count: int, at: datetime) -> Reading:
    """One reading of six metrics.

    Args:
        number: the device's.
        count: how many readings of the device came before.
        at: when it is measured.
    """
    drift = count % 7 / 10
    metrics = {name: value + drift for name, value in _NORMAL.items()}
    if is_in_alarm(number, count):
        metrics |= _IN_ALARM
    return Reading(
        grid_id=f"village-{number // DEVICES_IN_A_GRID}",
        device_id=f"meter-{number}",
        timestamp=at,
        received_at=at,
        metrics=metrics,
        device_type="meter",
    )


def is_in_alarm(number: int, count: int) -> bool:
    """Whether a device's reading is in alarm; at any time that of another device is."""
    return (count + number) % ALARM_EVERY == ALARM_EVERY - 1


def record_of(readings: list[Reading]) -> Record:
    """An entry with readings of one grid."""
    return Record(readings_stream_of(readings[0].grid_id, SHARDS), READINGS_KIND, encode_readings(readings))


def records(first: int, seconds: int) -> Iterator[Record]:
    """The readings of some seconds, one of each device in each, in entries of 250 of one grid.

    Args:
        first: how many seconds came before.
        seconds: how many.
    """
    for start in range(first, first + seconds, _SECONDS_IN_AN_ENTRY):
        for numbers in _grids():
            yield record_of(
                [
                    reading(number, second, _START + timedelta(seconds=second))
                    for second in range(start, start + _SECONDS_IN_AN_ENTRY)
                    for number in numbers
                ]
            )


def _grids() -> Iterable[range]:
    return (range(start, start + DEVICES_IN_A_GRID) for start in range(0, DEVICES, DEVICES_IN_A_GRID))
