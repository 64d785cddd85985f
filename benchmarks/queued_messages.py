"""QoS 1 messages that wait in a real Mosquitto for a session that is away."""

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_common.adapters.mqtt.receiver import MqttReceiver, ReceiverOptions
from microgrid_common.ports.errors import RetryableError

DEVICES = 200
GRIDS = 8
METRICS = 6
"""Values in each sample."""
_PUBLISHERS = 20


async def open_session(address: BrokerAddress, *, client_id: str, topic_filter: str) -> None:
    """Make the session that messages are queued for, and leave it."""
    options = ReceiverOptions(client_id=client_id, topic_filters=[topic_filter])
    async with MqttReceiver(address, options) as receiver, asyncio.timeout(10):
        while True:
            try:
                await receiver.ping()
            except RetryableError:
                await asyncio.sleep(0.02)
            else:
                return


def publish(address: BrokerAddress, count: int) -> None:
    """Publish so many telemetry messages with six metrics each, spread over devices of several grids."""
    _publish(address, lambda device: _messages(device, count // DEVICES))


def publish_backlogs(address: BrokerAddress, count: int, *, samples: int) -> None:
    """Publish so many backlog messages, each of so many such samples, spread in the same way."""
    _publish(address, lambda device: _backlogs(device, count // DEVICES, samples))


def _publish(address: BrokerAddress, payloads_of: Callable[[int], Iterator[str]]) -> None:
    with ThreadPoolExecutor(_PUBLISHERS) as publishers:
        for done in [
            publishers.submit(_publish_device, address, device, payloads_of(device))
            for device in range(DEVICES)
        ]:
            done.result()


def _publish_device(address: BrokerAddress, device: int, payloads: Iterator[str]) -> None:
    lines = "".join(f"{payload}\n" for payload in payloads)
    topic = f"microgrid/grid-{device % GRIDS}/device/device-{device}/telemetry"
    subprocess.run(
        ["mosquitto_pub", "-h", address.host, "-p", str(address.port), "-t", topic, "-q", "1", "-l"],
        input=lines.encode(),
        check=True,
    )


def _messages(device: int, count: int) -> Iterator[str]:
    for sample in _samples(device, count):
        yield json.dumps({"schema": 1, **sample}, separators=(",", ":"))


def _backlogs(device: int, count: int, samples: int) -> Iterator[str]:
    kept = _samples(device, count * samples)
    for _ in range(count):
        yield json.dumps({"schema": 1, "samples": list(islice(kept, samples))}, separators=(",", ":"))


def _samples(device: int, count: int) -> Iterator[dict[str, Any]]:
    start = datetime.now(UTC) - timedelta(seconds=count)
    for seq in range(count):
        time = start + timedelta(seconds=seq)
        yield {
            "timestamp": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "boot_id": "5f2c",
            "seq": seq,
            "metrics": {
                "consumption_kw": round(10 + (seq % 50) / 10, 2),
                "generation_kw": round(8 + (seq % 70) / 10, 2),
                "battery_soc": 20 + seq % 80,
                "inverter_temperature_c": round(30 + (device + seq) % 300 / 10, 1),
                "irradiance_w_m2": seq % 1_000,
                "ac_voltage_v": round(230 + (seq % 30) / 10, 1),
            },
        }
