"""The simulator as a process of its own, on a real broker."""

import asyncio
import json
from pathlib import Path

import aiomqtt
import pytest

from microgrid_common.testing.servers import Mosquitto
from microgrid_common.testing.service_process import service_process
from microgrid_common.testing.waiting import wait_until

pytestmark = pytest.mark.integration


async def messages_of(client: aiomqtt.Client, heard: list[tuple[str, bytes]]) -> None:
    async for message in client.messages:
        entry = (str(message.topic), bytes(message.payload))
        heard.append(entry)


async def test_a_village_comes_publishes_and_leaves_in_order(
    mqtt_url: str, mosquitto_server: Mosquitto, tmp_path: Path
) -> None:
    settings = {"MICROGRID_MQTT_URL": mqtt_url, "MICROGRID_SIMULATOR_DEVICES": "5"}
    heard: list[tuple[str, bytes]] = []
    async with aiomqtt.Client(mosquitto_server.host, mosquitto_server.port) as client:
        await client.subscribe("microgrid/village-1/device/#", qos=1)
        listening = asyncio.create_task(messages_of(client, heard))
        arguments = ("--profile", "village", "--interval", "0.2")
        with service_process("microgrid_simulator", settings, tmp_path, arguments) as simulator:
            await wait_until(lambda: len(heard) >= 20, timeout=60, description="some rounds of telemetry")
            assert await asyncio.to_thread(simulator.stop) == 0
        farewells = [
            f"microgrid/village-1/device/{device}/status"
            for device in ("inverter-1", "battery-1", "meter-1", "weather-1", "inverter-2")
        ]
        await wait_until(
            lambda: {topic for topic, payload in heard[-5:] if b"offline" in payload} == set(farewells),
            timeout=60,
            description="every device to say that it left",
        )
        listening.cancel()
        await asyncio.wait([listening])
    for device in ("inverter-1", "inverter-2"):
        own = [json.loads(payload) for topic, payload in heard if f"/{device}/" in topic]
        assert own[0]["status"] == "online"
        numbers = [message["seq"] for message in own if "seq" in message]
        assert numbers == list(range(len(numbers)))


async def test_it_waits_for_a_broker_that_is_not_there_and_says_so_once(
    mqtt_url: str, mosquitto_server: Mosquitto, tmp_path: Path
) -> None:
    await asyncio.to_thread(mosquitto_server.kill)
    arguments = ("--broker", mqtt_url, "--interval", "0.1", "--count", "3")
    with service_process("microgrid_simulator", {}, tmp_path, arguments) as simulator:
        await wait_until(
            lambda: "dependency_away" in simulator.log(), timeout=60, description="it to miss the broker"
        )
        await asyncio.to_thread(mosquitto_server.start)
        assert await asyncio.to_thread(simulator.wait) == 0
        events = [json.loads(line)["event"] for line in simulator.log().splitlines()]
    assert events == ["simulator_starting", "dependency_away", "dependency_back"]
