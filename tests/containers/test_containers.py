"""The containers of `make up`: a reading goes in over MQTT with TLS and comes out over HTTPS."""

import json
import socket
import ssl
import stat
from pathlib import Path

import httpx
import pytest
from tests.containers.running_system import (
    ANSWER_SECONDS,
    GRID,
    ConnectedDevice,
    System,
    telemetry,
)

from microgrid_common.testing.waiting import wait_until

pytestmark = pytest.mark.integration


async def test_a_reading_goes_all_the_way(
    system: System, administrator: httpx.AsyncClient, tmp_path: Path
) -> None:
    with ConnectedDevice(system, tmp_path, "meter-1") as meter:
        assert meter.publish(meter.topic("telemetry"), telemetry(7.25)) == "Success"

    async def stored() -> list[float]:
        answer = await administrator.get(f"/api/historical/{GRID}/consumption_kw?period=1h")
        return [point["value"] for point in answer.raise_for_status().json()["points"]]

    assert await wait_until(stored, timeout=ANSWER_SECONDS, description="the stored reading") == [7.25]

    async def listed() -> list[str]:
        answer = await administrator.get(f"/api/device/{GRID}/list")
        return [device["id"] for device in answer.raise_for_status().json()]

    assert await wait_until(listed, timeout=ANSWER_SECONDS, description="the device") == ["meter-1"]


def test_a_device_publishes_under_its_own_name_alone(system: System, tmp_path: Path) -> None:
    with ConnectedDevice(system, tmp_path, "meter-1") as meter:
        for topic in (
            f"microgrid/{GRID}/device/meter-2/telemetry",
            "microgrid/village-2/device/meter-1/telemetry",
            f"microgrid/{GRID}/device/meter-2/status",
            f"microgrid/{GRID}/alerts",
            "microgrid/data",
            meter.topic("command"),
        ):
            assert meter.publish(topic, telemetry(1.0)) == "Not authorized", topic


async def test_a_device_hears_its_own_commands_alone(
    system: System, administrator: httpx.AsyncClient, tmp_path: Path
) -> None:
    with (
        ConnectedDevice(system, tmp_path, "meter-3") as one,
        ConnectedDevice(system, tmp_path, "meter-4") as other,
    ):
        for device in (one, other):
            assert device.publish(device.topic("telemetry"), telemetry(1.0)) == "Success"
            device.subscribe("microgrid/#")
        for device in (one, other):

            async def is_ordered(device_id: str = device.device_id) -> bool:
                answer = await administrator.post(
                    f"/api/device/{device_id}/command?grid_id={GRID}", json={"command": "identify"}
                )
                return answer.status_code == httpx.codes.ACCEPTED

            await wait_until(is_ordered, timeout=ANSWER_SECONDS, description="the command")
            # What the broker had sent to the other one before would have come before.
            assert device.heard.get(timeout=ANSWER_SECONDS) == device.topic("command")


async def test_every_service_has_the_rights_in_redis_that_it_needs(
    system: System, administrator: httpx.AsyncClient
) -> None:
    registered = await administrator.put(f"/api/device/{GRID}/meter-1", json={"type": "meter"})
    assert registered.status_code == httpx.codes.OK
    # All that went on until now is in it, too.
    admin = system.deployment.installation.value("redis-admin", "REDISCLI_AUTH") or ""
    assert system.redis_cli("admin", admin, "ACL", "LOG").strip() == ""


def test_without_a_certificate_nobody_gets_in(system: System) -> None:
    trust = ssl.create_default_context(cafile=system.authority_file)
    with (
        socket.create_connection(("localhost", system.mqtts_port), timeout=ANSWER_SECONDS) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as broker,
        # With TLS 1.3 the refusal comes when the first answer is read.
        pytest.raises(ssl.SSLError, match=r"(?i)certificate.required"),
    ):
        broker.recv(1)


def test_the_api_cannot_write_readings(system: System) -> None:
    url = httpx.URL(system.deployment.installation.value("api", "MICROGRID_REDIS_URL") or "")
    call = ("XADD", "readings:0", "*", "readings", "forged")
    assert "NOPERM" in system.redis_cli("api", url.password, *call)


def test_no_container_has_more_rights_than_it_needs(system: System) -> None:
    users = system.containers("{{.Config.User}}")
    assert users
    assert not [user for user in users if user.partition(":")[0] in {"", "0", "root"}]
    assert set(system.containers("{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}")) == {"true [ALL]"}
    listening = [line for line in system.containers("{{json .HostConfig.PortBindings}}") if line != "{}"]
    bound = [
        address["HostIp"] for line in listening for ports in json.loads(line).values() for address in ports
    ]
    assert bound == ["127.0.0.1"] * 2


def test_only_their_owner_reads_the_secrets(system: System) -> None:
    modes = {
        stat.S_IMODE(path.stat().st_mode)
        for path in system.deployment.installation.secrets.rglob("*")
        if path.is_file()
    }
    assert modes == {0o600}


def test_starting_again_changes_nothing(system: System) -> None:
    before = sorted(system.containers("{{.Name}} {{.Id}} {{.State.StartedAt}}"))
    system.deployment.start()
    assert sorted(system.containers("{{.Name}} {{.Id}} {{.State.StartedAt}}")) == before


async def test_redis_keeps_whole_transactions_over_a_restart(system: System) -> None:
    admin = system.deployment.installation.value("redis-admin", "REDISCLI_AUTH") or ""
    cli = ("exec", "-T", "redis", "redis-cli", "--user", "admin", "--pass", admin, "--no-auth-warning")
    system.deployment.compose(*cli, stdin="MULTI\nSET kept:1 a\nSET kept:2 b\nEXEC\n")
    system.deployment.compose("restart", "--timeout", "10", "redis")

    def kept() -> list[str]:
        return system.redis_cli("admin", admin, "MGET", "kept:1", "kept:2").split()

    assert await wait_until(kept, timeout=ANSWER_SECONDS, description="Redis") == ["a", "b"]
    assert system.redis_cli("admin", admin, "ACL", "LOG").strip() == ""
