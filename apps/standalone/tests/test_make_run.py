"""The whole system as a person starts it: `microgrid run`, a broker's client, and HTTP."""

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import pytest

from microgrid_common.testing.service_process import ServiceProcess, service_process
from microgrid_common.testing.waiting import free_port, wait_until

pytestmark = pytest.mark.integration

LOAD_ALERT = "Load Abnormality: Unusual load increase detected."


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    return {
        "MICROGRID_DATA_DIR": str(tmp_path / "data"),
        "MICROGRID_API_PORT": str(free_port()),
        "MICROGRID_MQTT_PORT": str(free_port()),
        "MICROGRID_MQTT5_PORT": str(free_port()),
        "MICROGRID_SIMULATE": "0",
    }


@pytest.fixture
def system(settings: dict[str, str], tmp_path: Path) -> Iterator[ServiceProcess]:
    with service_process("microgrid_standalone", settings, tmp_path, ["run"]) as process:
        yield process


@pytest.fixture
async def api(settings: dict[str, str], system: ServiceProcess) -> AsyncIterator[httpx.AsyncClient]:
    url = f"http://127.0.0.1:{settings['MICROGRID_API_PORT']}"
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": "Bearer prototype_token"}) as client:
        await until_ready(client)
        yield client


async def until_ready(client: httpx.AsyncClient) -> None:
    async def ready() -> bool:
        return (await client.get("/readyz")).status_code == 200

    await wait_until(ready, timeout=60, description="the system to be ready")


def payload(*, consumption: float, timestamp: str | None = None) -> bytes:
    return json.dumps(
        {
            "timestamp": timestamp or datetime.now(UTC).isoformat(),
            "live_power_consumption": consumption,
            "live_generation": 9.8,
            "battery_soc": 75,
            "temp_equipment": 45.0,
            "solar_irradiance": 60,
        }
    ).encode()


async def publish(settings: dict[str, str], *payloads: bytes, topic: str = "microgrid/data") -> None:
    port = int(settings["MICROGRID_MQTT_PORT"])
    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V311) as client:
        for each in payloads:
            await client.publish(topic, each, qos=1)


async def get(api: httpx.AsyncClient, path: str, **params: str) -> Any:
    response = await api.get(path, params=params)
    return response.json() if response.status_code == 200 else None


async def until_consumption_is(api: httpx.AsyncClient, value: float, *, seconds: float = 60) -> None:
    async def arrived() -> bool:
        realtime = await get(api, "/api/dashboard/realtime")
        return bool(realtime and realtime["consumption_kW"] == value)

    await wait_until(arrived, timeout=seconds, description=f"a consumption of {value} kW")


async def test_a_payload_typed_by_hand_is_live_within_a_second(
    settings: dict[str, str], api: httpx.AsyncClient
) -> None:
    # One of a few is enough: that the machine was busy for a moment is not the system's fault.
    for value in (6.1, 7.1, 8.1, 9.1):
        await publish(settings, payload(consumption=value))
        with suppress(AssertionError):
            await until_consumption_is(api, value, seconds=1)
            break
    else:
        pytest.fail("no payload was live within a second")
    assert await get(api, "/api/dashboard/realtime") == {
        "consumption_kW": value,
        "generation_kW": 9.8,
        "battery_soc": 75,
    }


async def test_a_timestamp_from_this_morning_is_live_too(
    settings: dict[str, str], api: httpx.AsyncClient
) -> None:
    await publish(settings, payload(consumption=9.1))
    await until_consumption_is(api, 9.1)
    await publish(settings, payload(consumption=8.2, timestamp="2026-01-01T06:00:00Z"))
    await until_consumption_is(api, 8.2)


async def test_a_high_load_is_one_alert_however_many_readings_say_so(
    settings: dict[str, str], api: httpx.AsyncClient
) -> None:
    for _ in range(20):
        await publish(settings, payload(consumption=14.2), LOAD_ALERT.encode())
    await publish(settings, LOAD_ALERT.encode(), topic="microgrid/alerts")
    await publish(settings, payload(consumption=14.3))
    await until_consumption_is(api, 14.3)

    async def one_alert() -> bool:
        return len(await get(api, "/api/dashboard/alerts") or []) == 1

    await wait_until(one_alert, timeout=60, description="the alert")
    (alert,) = await get(api, "/api/dashboard/alerts")
    assert alert.keys() == {"id", "message", "timestamp", "severity"}
    assert (alert["id"], alert["message"], alert["severity"]) == ("alert-1", LOAD_ALERT, "warning")

    await publish(settings, payload(consumption=9.0))

    async def cleared() -> bool:
        return bool(await get(api, "/api/dashboard/alerts") == [])

    await wait_until(cleared, timeout=60, description="the alert to end")


@pytest.mark.parametrize(
    ("reason", "topic", "bad"),
    [
        ("malformed_json", "microgrid/data", b'{"timestamp":'),
        ("invalid_field", "microgrid/data", b'{"timestamp":"2026-11-23T10:00:00Z","power":1}'),
        ("not_finite", "microgrid/data", b'{"timestamp":"2026-11-23T10:00:00Z","live_generation":NaN}'),
        ("wrong_type", "microgrid/data", b'{"timestamp":"2026-11-23T10:00:00Z","battery_soc":true}'),
        ("out_of_range", "microgrid/data", b'{"timestamp":"2026-11-23T10:00:00Z","battery_soc":101}'),
        ("unknown_topic", "microgrid/nonsense", b"{}"),
        ("payload_too_large", "microgrid/data", bytes(10_000_000)),
        ("not_utf8", "microgrid/data", b'{"timestamp":"\xff\xfe"}'),
    ],
    ids=lambda value: value if isinstance(value, str) and "/" not in value else "",
)
async def test_bad_input_is_quarantined_and_counted_and_the_next_message_is_processed(
    settings: dict[str, str], api: httpx.AsyncClient, reason: str, topic: str, bad: bytes
) -> None:
    await publish(settings, bad, topic=topic)
    await publish(settings, payload(consumption=7.7))
    await until_consumption_is(api, 7.7)
    metrics = (await api.get("/metrics")).text
    assert f'microgrid_quarantined_total{{reason="{reason}"}} 1.0' in metrics


async def test_what_was_refused_can_be_looked_at_replayed_and_discarded(
    settings: dict[str, str], api: httpx.AsyncClient
) -> None:
    async def the_open_one(grid_id: str) -> Any:
        found = await get(api, f"/api/quarantine/{grid_id}")
        return found["messages"][0] if found and found["messages"] else None

    async def in_quarantine(grid_id: str) -> Any:
        return await wait_until(
            lambda: the_open_one(grid_id), timeout=60, description=f"a message of {grid_id}"
        )

    await publish(settings, b"?", topic="microgrid/nonsense")
    nonsense = await in_quarantine("~no-grid")
    assert (nonsense["reason"], nonsense["topic"]) == ("unknown_topic", "microgrid/nonsense")
    await api.post(f"/api/quarantine/~no-grid/{nonsense['id']}/discard")
    assert await the_open_one("~no-grid") is None

    # The store takes nothing this late, however often it is asked.
    late = (datetime.now(UTC) - timedelta(days=40)).isoformat()
    body = {"schema": 1, "timestamp": late, "metrics": {"consumption_kw": 1}}
    await publish(settings, json.dumps(body).encode(), topic="microgrid/village/device/meter/telemetry")
    refused = await in_quarantine("village")
    assert (refused["reason"], refused["topic"]) == ("rejected_by_store", "")
    answer = (await api.post(f"/api/quarantine/village/{refused['id']}/replay")).json()
    assert (answer["verdict"], answer["readings"]) == ("accepted", 1)
    again = await in_quarantine("village")
    assert (again["id"], again["handled_by"]) == (refused["id"], "user")

    async def shown() -> bool:
        text = (await api.get("/metrics")).text
        line = 'microgrid_quarantine_messages{reason="rejected_by_store",state="open"} 1.0'
        return line in text and 'microgrid_stream_lag_entries{group="historian"' in text

    await wait_until(shown, timeout=60, description="the figures of the streams and of quarantine")


async def test_the_simulator_gives_live_values_within_five_seconds(
    settings: dict[str, str], tmp_path: Path
) -> None:
    settings = settings | {"MICROGRID_SIMULATE": "1", "MICROGRID_SIMULATOR_INTERVAL_SECONDS": "0.2"}
    url = f"http://127.0.0.1:{settings['MICROGRID_API_PORT']}"
    headers = {"Authorization": "Bearer prototype_token"}
    # One start of a few is enough, as above; and on a machine on which it takes seconds only to load the
    # program, it may take longer.
    for number in (1, 2, 3):
        own = settings | {"MICROGRID_DATA_DIR": str(tmp_path / f"data-{number}")}
        started_at = time.monotonic()
        with service_process("microgrid_standalone", {}, tmp_path, ["--help"]) as loading:
            assert await asyncio.to_thread(loading.wait) == 0
        allowed_seconds = max(5, 3 * (time.monotonic() - started_at))
        started_at = time.monotonic()
        with service_process("microgrid_standalone", own, tmp_path, ["run"]):
            async with httpx.AsyncClient(base_url=url, headers=headers) as client:

                async def live() -> Any:
                    return await get(client, "/api/dashboard/realtime")

                first = await wait_until(live, timeout=60, description="live values")
                took_seconds = time.monotonic() - started_at

                async def changed() -> bool:
                    return bool(await live() != first)  # noqa: B023 - awaited here

                await wait_until(changed, timeout=60, description="the values to change")
        if took_seconds < allowed_seconds:
            return
    pytest.fail(f"the last start gave live values after {took_seconds:.1f} s, of {allowed_seconds:.1f} s")


async def test_ctrl_c_stops_it_and_the_next_start_finds_its_data(
    settings: dict[str, str], api: httpx.AsyncClient, system: ServiceProcess
) -> None:
    await publish(settings, payload(consumption=14.5))
    await until_consumption_is(api, 14.5)
    assert system.interrupt() == 0
    assert "Traceback" not in system.log()

    system.start()
    await until_ready(api)
    await until_consumption_is(api, 14.5)
    assert [a["message"] for a in await get(api, "/api/dashboard/alerts")] == [LOAD_ALERT]
    points = await get(api, "/api/dashboard/historical", metric="consumption_kW", period="1h")
    assert [point["value"] for point in points] == [14.5]


async def test_nothing_is_left_running_when_it_is_killed(
    api: httpx.AsyncClient, system: ServiceProcess
) -> None:
    children = [child_of(system.pid, name) for name in ("valkey-server", "iotcore")]
    assert (await api.get("/healthz")).status_code == 200
    system.kill()
    await wait_until(
        lambda: not any(Path(f"/proc/{child}").exists() for child in children),
        timeout=60,
        description="broker and Valkey to end",
    )


async def test_after_a_crash_it_starts_again_with_what_it_had_acknowledged(
    settings: dict[str, str], api: httpx.AsyncClient, system: ServiceProcess
) -> None:
    await publish(settings, payload(consumption=14.5))
    await until_consumption_is(api, 14.5)
    system.kill()
    system.start()
    await until_ready(api)
    await until_consumption_is(api, 14.5)
    await publish(settings, payload(consumption=6.5))
    await until_consumption_is(api, 6.5)


@pytest.mark.parametrize("server", ["valkey-server", "iotcore"])
async def test_an_embedded_server_that_dies_is_started_again(
    settings: dict[str, str], api: httpx.AsyncClient, system: ServiceProcess, server: str
) -> None:
    os.kill(child_of(system.pid, server), signal.SIGKILL)
    await wait_until(
        lambda: "embedded_server_restarted" in system.log(), timeout=60, description="the restart"
    )
    await until_ready(api)
    await publish(settings, payload(consumption=5.5))
    await until_consumption_is(api, 5.5)


def child_of(pid: int, name: str) -> int:
    children = Path(f"/proc/{pid}/task")
    found = {
        int(child)
        for task in children.iterdir()
        for child in (task / "children").read_text().split()
        if name in Path(f"/proc/{child}/cmdline").read_text()
    }
    (child,) = found
    return child


@pytest.mark.parametrize("setting", ["MICROGRID_API_PORT", "MICROGRID_MQTT_PORT", "MICROGRID_MQTT5_PORT"])
def test_a_port_in_use_is_one_line_that_names_port_and_setting(
    settings: dict[str, str], tmp_path: Path, setting: str
) -> None:
    with (
        socket.create_server(("127.0.0.1", int(settings[setting]))),
        service_process("microgrid_standalone", settings, tmp_path, ["run"]) as process,
    ):
        assert process.wait() == 1
        (line,) = process.log().splitlines()
    assert settings[setting] in line
    assert setting in line


async def test_a_second_instance_on_the_same_data_is_refused(
    settings: dict[str, str], api: httpx.AsyncClient, tmp_path: Path
) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    with service_process("microgrid_standalone", settings, folder, ["run"]) as second:
        assert second.wait() == 1
        assert "MICROGRID_DATA_DIR" in second.log()
