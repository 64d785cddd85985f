"""A system of containers is backed up while it runs, destroyed, and restored: nothing is missing after."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from deploy.compose.backup import back_up, whole_or_not_at_all
from deploy.compose.backup_file import BackupError
from deploy.compose.restore import restore
from tests.containers.running_system import (
    ADMINISTRATOR,
    ANSWER_SECONDS,
    GRID,
    PASSWORD,
    ConnectedDevice,
    System,
    running,
    skip_without_images,
    started,
    telemetry,
)

from microgrid_common.testing.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

VIEWER = {"username": "joseph", "name": "Joseph", "grants": {GRID: "viewer"}, "password": f"{uuid4().hex}-Aa"}
BEGUN = datetime.now(UTC) - timedelta(minutes=20)


async def test_nothing_is_missing_after_a_restore(tmp_path: Path) -> None:
    skip_without_images()
    file, settings, devices = tmp_path / "backup.tar", tmp_path / "settings.env", tmp_path / "devices"
    devices.mkdir()
    settings.write_text("MICROGRID_HOST_NAMES=box.example\n")
    # The names of containers, by which the broker knows the ingestors.
    project = f"microgrid-test-{uuid4().hex[:8]}"
    with running(tmp_path / "first", project) as system:
        async with system.as_user(ADMINISTRATOR, PASSWORD) as administrator:
            sends(system, devices, range(20))
            await points(administrator, 20)
            await set_up_by_hand(administrator)
            # What the broker has taken, and nobody else yet.
            system.deployment.compose("stop", "ingestor")
            sends(system, devices, range(20, 25))
            with whole_or_not_at_all(file) as target:
                back_up(system.deployment, target, settings=settings)
            system.deployment.compose("start", "ingestor")
            before = await shown(administrator)
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(BackupError, match="not running"):
        back_up(system.deployment, io.BytesIO(), settings=settings)

    settings.unlink()
    with file.open("rb") as source:
        restore(source, tmp_path / "second", settings, over=False)
    assert settings.read_text() == "MICROGRID_HOST_NAMES=box.example\n"
    with started(tmp_path / "second", project) as system:
        async with system.as_user(ADMINISTRATOR, PASSWORD) as administrator:
            assert await shown(administrator) == before
            async with system.as_user("joseph", str(VIEWER["password"])) as viewer:
                assert await points(viewer, 25) == before["points"]
            sends(system, devices, range(25, 30))
            assert len(await points(administrator, 30)) == 30


def sends(system: System, devices: Path, values: Sequence[int]) -> None:
    with ConnectedDevice(system, devices, "meter-1") as meter:
        for value in values:
            # The last of the first twenty is an unusual load, by the rules that are there from the beginning.
            reading = telemetry(float(value), at=BEGUN + timedelta(seconds=20 * value))
            assert meter.publish(meter.topic("telemetry"), reading) == "Success"


async def set_up_by_hand(administrator: httpx.AsyncClient) -> None:
    device = {"type": "meter", "component": "mill"}
    (await administrator.put(f"/api/device/{GRID}/meter-1", json=device)).raise_for_status()
    (await administrator.post("/api/users", json=VIEWER)).raise_for_status()

    async def alarms() -> list[dict[str, Any]]:
        return await asked(administrator, f"/api/alerts/{GRID}", "alerts")

    (alarm,) = await wait_until(alarms, timeout=ANSWER_SECONDS, description="the alarm")
    acknowledge = f"/api/alerts/{alarm['id']}/acknowledge"
    (await administrator.put(acknowledge, json={"note": "I go there."})).raise_for_status()


async def shown(administrator: httpx.AsyncClient) -> dict[str, Any]:
    """What people see, without what goes on by itself."""
    device = (await administrator.get(f"/api/device/{GRID}/meter-1")).raise_for_status().json()
    alarms = await asked(administrator, f"/api/alerts/{GRID}", "alerts")
    return {
        "points": await points(administrator, 25),
        "users": (await administrator.get("/api/users")).raise_for_status().json(),
        "device": {name: device[name] for name in ("id", "type", "component")},
        "alarms": [(alarm["id"], alarm["state"], alarm["acknowledged"]) for alarm in alarms],
    }


async def points(client: httpx.AsyncClient, number: int) -> list[dict[str, Any]]:
    """The stored readings, as soon as there are so many."""

    async def all_there() -> list[dict[str, Any]]:
        where = f"/api/historical/{GRID}/consumption_kw?period=1h&granularity=raw&device_id=meter-1"
        found = await asked(client, where, "points")
        return found if len(found) >= number else []

    return await wait_until(all_there, timeout=ANSWER_SECONDS, description=f"{number} stored readings")


async def asked(client: httpx.AsyncClient, path: str, name: str) -> list[dict[str, Any]]:
    answer = await client.get(path)
    found: list[dict[str, Any]] = answer.raise_for_status().json()[name]
    return found
