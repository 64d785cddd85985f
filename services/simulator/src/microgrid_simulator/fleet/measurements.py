"""What the devices of a fleet measure, and what goes wrong with it. Pure."""

import json
from collections.abc import Callable
from enum import StrEnum
from random import Random
from typing import Any

from microgrid_common.schemas.topics import TopicKind, device_topic
from microgrid_simulator.device import OutgoingMessage


class BadMessage(StrEnum):
    """What goes wrong. But for `in_part` the value is the reason that the platform refuses it for."""

    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_METRIC = "unknown_metric"
    WRONG_TYPE = "wrong_type"
    IN_PART = "in_part"
    """One value of several is out of range: the sample is stored without it, and is in quarantine too."""
    MALFORMED_JSON = "malformed_json"
    NOT_UTF8 = "not_utf8"
    UNKNOWN_SCHEMA = "unknown_schema"
    UNKNOWN_TOPIC = "unknown_topic"


REFUSED_SAMPLES: dict[BadMessage, dict[str, Any]] = {
    BadMessage.OUT_OF_RANGE: {"battery_soc": 130},
    BadMessage.UNKNOWN_METRIC: {"flux_capacitor_gw": 1.21},
    BadMessage.WRONG_TYPE: {"ac_voltage_v": [230.4]},
}
"""Samples with a number, of which nothing is accepted."""

_BROKEN_SENSOR: dict[str, Any] = {"cabinet_temperature_c": 999}


def expected_metrics(seq: int) -> dict[str, float]:
    """What a sample of this number measures when nothing is wrong; the energy is the number itself."""
    return {
        "consumption_kw": 10 + seq % 50 / 10,
        "generation_kw": 8 + seq % 70 / 10,
        "battery_soc": 20.0 + seq % 80,
        "ac_voltage_v": 230 + seq % 30 / 10,
        "inverter_temperature_c": 30 + seq % 300 / 10,
        "energy_consumed_kwh": float(seq),
    }


def sent_metrics(seq: int, bad: BadMessage | None) -> dict[str, Any]:
    """The metrics of a sample as it is sent; one with junk beside it is itself in order."""
    if bad is BadMessage.IN_PART:
        return {**expected_metrics(seq), **_BROKEN_SENSOR}
    return REFUSED_SAMPLES[bad] if bad in REFUSED_SAMPLES else expected_metrics(seq)


def what_goes_wrong(random: Random, share: float) -> BadMessage | None:
    """What goes wrong with the next sample; None for nothing."""
    return random.choice(list(BadMessage)) if random.random() < share else None


def junk(bad: BadMessage, grid_id: str, device_id: str, token: str) -> OutgoingMessage:
    """A message that cannot be read as telemetry; it goes beside a sample and has no number.

    Args:
        bad: a key of `JUNK`.
        grid_id: the grid of the device.
        device_id: the device.
        token: stands in the payload, so that it is found again in quarantine.
    """
    topic = device_topic(grid_id, device_id, TopicKind.TELEMETRY)
    if bad is BadMessage.UNKNOWN_TOPIC:
        topic += "-misspelt"
    return OutgoingMessage(topic, JUNK[bad](token))


def _telemetry(token: str, schema: int) -> bytes:
    fields = {"schema": schema, "timestamp": 1_800_000_000, "boot_id": token, "metrics": {"battery_soc": 50}}
    return json.dumps(fields).encode()


JUNK: dict[BadMessage, Callable[[str], bytes]] = {
    BadMessage.MALFORMED_JSON: lambda token: f'{{"schema":1,"boot_id":"{token}","metrics":{{'.encode(),
    BadMessage.NOT_UTF8: lambda token: f'{{"schema":1,"boot_id":"{token}'.encode() + b'\xff"}',
    BadMessage.UNKNOWN_SCHEMA: lambda token: _telemetry(token, 99),
    BadMessage.UNKNOWN_TOPIC: lambda token: _telemetry(token, 1),
}
