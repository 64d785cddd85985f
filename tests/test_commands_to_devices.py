"""Commands end to end: API, two ingestors and simulated devices as processes, on real Mosquitto and Redis."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import pytest

from microgrid_common.adapters.redis.command_store import RedisCommandStore
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.schemas.command import (
    CommandAcknowledgement,
    CommandEvent,
    CommandMessage,
    CommandState,
)
from microgrid_common.schemas.streams import COMMANDS_STREAM
from microgrid_common.testing.contracts.command_store import sample_command
from microgrid_common.testing.servers import Mosquitto
from microgrid_common.testing.service_process import ServiceProcess, service_process
from microgrid_common.testing.waiting import free_port, wait_until

pytestmark = pytest.mark.integration

VILLAGE = "/api/device/village-1"
TOPICS = "microgrid/village-1/device"


@pytest.fixture
def settings(mqtt_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "MICROGRID_MQTT_URL": mqtt_url,
        "MICROGRID_REDIS_URL": redis_url,
        "MICROGRID_TELEMETRY_STORE": "sqlite",
        "MICROGRID_DATA_DIR": str(tmp_path / "data"),
        "MICROGRID_API_PORT": str(free_port()),
        "MICROGRID_SIMULATOR_DEVICES": "2",
    }


@pytest.fixture
def ingestors(settings: dict[str, str], tmp_path: Path) -> Iterator[list[ServiceProcess]]:
    with ExitStack() as stack:
        started = []
        for name in ("one", "two"):
            folder = tmp_path / name
            folder.mkdir()
            own = {"MICROGRID_INGESTOR_NAME": name, "MICROGRID_HEALTH_PORT": str(free_port())}
            process = service_process("microgrid_ingestor", {**settings, **own}, folder)
            started.append(stack.enter_context(process))
        yield started


@pytest.fixture
async def api(settings: dict[str, str], tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    url = f"http://127.0.0.1:{settings['MICROGRID_API_PORT']}"
    headers = {"Authorization": "Bearer prototype_token"}
    with service_process("microgrid_api", settings, tmp_path):
        async with httpx.AsyncClient(base_url=url, headers=headers) as client:

            async def ready() -> bool:
                return (await client.get("/readyz")).status_code == 200

            await wait_until(ready, timeout=60, description="the API to be ready")
            for device_id in ("inverter-1", "battery-1", "relay-1"):
                body = {"type": device_id.partition("-")[0]}
                assert (await client.put(f"{VILLAGE}/{device_id}", json=body)).status_code == 200
            yield client


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisCommandStore]:
    client = make_client(redis_url)
    yield RedisCommandStore(client)
    await client.aclose()


@asynccontextmanager
async def listening(mosquitto: Mosquitto, topic: str) -> AsyncIterator[list[dict[str, Any]]]:
    """What comes on a topic."""
    heard: list[dict[str, Any]] = []

    async def listen() -> None:
        async for message in client.messages:
            heard.append(json.loads(bytes(message.payload)))  # noqa: PERF401 - as they come

    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
        await client.subscribe(topic, qos=1)
        task = asyncio.create_task(listen())
        yield heard
        task.cancel()
        await asyncio.wait([task])


async def until(api: httpx.AsyncClient, command_id: str, *states: str) -> dict[str, Any]:
    async def as_expected() -> dict[str, Any] | None:
        found: dict[str, Any] = (await api.get(f"/api/commands/{command_id}")).json()
        return found if found["state"] in states else None

    found = await wait_until(as_expected, timeout=60, description=f"{command_id} to be {states}")
    return found or {}


async def give(api: httpx.AsyncClient, device_id: str, **order: Any) -> str:
    answer = await api.post(f"/api/device/{device_id}/command", json=order)
    assert answer.status_code == 202, answer.text
    command_id: str = answer.json()["command_id"]
    return command_id


async def until_connected(api: httpx.AsyncClient, device_id: str, *, not_boot: str | None = None) -> str:
    """Wait until a device has told its birth; returns its boot."""

    async def boot() -> str | None:
        shown = (await api.get(f"{VILLAGE}/{device_id}")).json()
        assert shown["connected"]
        assert shown["boot_id"] != not_boot
        found: str | None = shown["boot_id"]
        return found

    found = await wait_until(boot, timeout=60, description=f"{device_id} to be there")
    assert found is not None
    return found


async def events_of(redis_url: str, command_id: str) -> list[str]:
    client = make_client(redis_url)
    entries = await RedisDurableLog(client).read_after(
        {COMMANDS_STREAM: "0-0"}, count=1_000, wait=timedelta()
    )
    await client.aclose()
    events = [CommandEvent.model_validate_json(entry.data) for entry in entries]
    return [event.command.state.value for event in events if event.command.command_id == command_id]


@pytest.mark.usefixtures("ingestors")
async def test_devices_do_what_they_are_told_once_and_say_how_it_ended(
    settings: dict[str, str],
    api: httpx.AsyncClient,
    redis_url: str,
    mosquitto_server: Mosquitto,
    tmp_path: Path,
) -> None:
    arguments = ("--profile", "village", "--interval", "1")
    async with listening(mosquitto_server, f"{TOPICS}/+/command") as commands:
        with service_process("microgrid_simulator", settings, tmp_path, arguments):
            boot = await until_connected(api, "inverter-1")
            limited = await give(api, "battery-1", command="set_charge_limit", parameters={"limit_kw": 2})
            done = await until(api, limited, "succeeded", "failed", "expired")
            assert (done["state"], done["detail"]) == ("succeeded", "limited to 2 kW")
            assert (await events_of(redis_url, limited))[-1] == "succeeded"

            refused = await give(api, "relay-1", command="identify", parameters={"seconds": 1})
            restarted = await give(api, "inverter-1", command="restart", confirm="inverter-1")
            done = await until(api, restarted, "succeeded", "failed", "expired")
            assert (done["state"], done["detail"]) == ("succeeded", "restarted")
            assert await until_connected(api, "inverter-1", not_boot=boot) == f"{boot}-1"
            # Nobody is there who could answer for the relay.
            assert (await until(api, refused, "sent"))["finished_at"] is None
    sent = Counter(each["command_id"] for each in commands)
    assert sent[limited] == sent[restarted] == 1
    page = (await api.get(f"{VILLAGE}/inverter-1/commands")).json()
    assert [each["command_id"] for each in page["commands"]] == [restarted]


@pytest.mark.usefixtures("ingestors")
async def test_an_answer_that_makes_no_sense_lies_in_quarantine_and_one_that_does_is_taken(
    api: httpx.AsyncClient, mosquitto_server: Mosquitto
) -> None:
    async with (
        listening(mosquitto_server, f"{TOPICS}/relay-1/command") as commands,
        aiomqtt.Client(mosquitto_server.host, mosquitto_server.port) as device,
    ):
        given = await give(
            api, "relay-1", command="set_relay", parameters={"closed": True}, confirm="relay-1"
        )
        await wait_until(lambda: commands, timeout=60, description="the command")
        acknowledgements = f"{TOPICS}/relay-1/command/ack"
        for payload in (
            {"command_id": given, "state": "exploded"},
            {"command_id": given, "state": "failed", "detail": "contact is welded"},
        ):
            await device.publish(acknowledgements, json.dumps(payload), qos=1)
        done = await until(api, given, "succeeded", "failed", "expired")
    assert (done["state"], done["detail"]) == ("failed", "contact is welded")
    assert commands[0]["parameters"] == {"relay": 1, "closed": True}

    async def refused() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await api.get("/api/quarantine/village-1")).json()["messages"]
        return found

    (message,) = await wait_until(refused, timeout=60, description="the message in quarantine")
    assert message["topic"] == acknowledgements
    assert [(each["reason"], each["field"]) for each in message["defects"]] == [("invalid_field", "state")]


async def test_a_command_whose_time_ended_while_everything_was_down_expires_after_the_start(
    settings: dict[str, str], store: RedisCommandStore, tmp_path: Path
) -> None:
    given = await store.create(sample_command(at=datetime.now(UTC) - timedelta(minutes=2)))
    health = {"MICROGRID_HEALTH_PORT": str(free_port())}
    with service_process("microgrid_ingestor", {**settings, **health}, tmp_path):

        async def expired() -> bool:
            stored = await store.get(given.command_id)
            return stored is not None and stored.state == "expired"

        await wait_until(expired, timeout=60, description="the command to expire")


async def test_every_command_is_done_once_however_often_ingestors_are_killed(
    ingestors: list[ServiceProcess],
    api: httpx.AsyncClient,
    mosquitto_server: Mosquitto,
) -> None:
    done: list[str] = []
    async with aiomqtt.Client(mosquitto_server.host, mosquitto_server.port) as client:

        async def be_the_relay() -> None:
            async for message in client.messages:
                command = CommandMessage.model_validate_json(bytes(message.payload))
                if command.command_id not in done:
                    done.append(command.command_id)
                for state in (CommandState.DELIVERED, CommandState.SUCCEEDED):
                    said = CommandAcknowledgement(command_id=command.command_id, state=state)
                    await client.publish(f"{TOPICS}/relay-1/command/ack", said.encode(), qos=1)

        await client.subscribe(f"{TOPICS}/relay-1/command", qos=1)
        relay = asyncio.create_task(be_the_relay())
        given = []
        for number in range(8):
            given.append(
                await give(
                    api, "relay-1", command="set_reporting_interval", parameters={"seconds": number + 1}
                )
            )
            await until(api, given[-1], "sent", "delivered", "succeeded")
            victim = ingestors[number // 2 % 2]
            if number % 2:
                victim.start()
            else:
                victim.kill()
        for command_id in given:
            ended = await until(api, command_id, "succeeded", "failed", "expired")
            assert ended["state"] == "succeeded"
        relay.cancel()
        await asyncio.wait([relay])
    assert sorted(done) == sorted(given)
