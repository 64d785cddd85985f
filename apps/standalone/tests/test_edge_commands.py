"""Commands on an edge box: its embedded broker brings them to simulated devices, and their answers back."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from microgrid_common.testing.service_process import service_process
from microgrid_common.testing.waiting import free_port, wait_until

pytestmark = pytest.mark.integration

DEVICE = "/api/device/village-1/inverter-1"


async def test_a_device_of_the_edge_box_does_what_it_is_told_and_restarts(tmp_path: Path) -> None:
    api_port = free_port()
    settings = {
        "MICROGRID_DATA_DIR": str(tmp_path / "data"),
        "MICROGRID_API_PORT": str(api_port),
        "MICROGRID_MQTT_PORT": str(free_port()),
        "MICROGRID_MQTT5_PORT": str(free_port()),
        "MICROGRID_SIMULATOR_PROFILE": "village",
        "MICROGRID_SIMULATOR_DEVICES": "1",
    }
    headers = {"Authorization": "Bearer prototype_token"}
    with service_process("microgrid_standalone", settings, tmp_path, ["run"]):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api_port}", headers=headers) as api:

            async def boot() -> str | None:
                shown = (await api.get(DEVICE)).json()
                found: str | None = shown["boot_id"] if shown["connected"] else None
                return found

            async def ended(command_id: str) -> dict[str, Any] | None:
                command: dict[str, Any] = (await api.get(f"/api/commands/{command_id}")).json()
                return command if command["finished_at"] else None

            async def do(**order: Any) -> tuple[str, str]:
                answer = await api.post(
                    "/api/device/inverter-1/command", params={"grid_id": "village-1"}, json=order
                )
                command_id = answer.json()["command_id"]
                command = await wait_until(
                    lambda: ended(command_id), timeout=60, description=f"the end of {order}"
                )
                assert command is not None
                return command["state"], command["detail"]

            first = await wait_until(boot, timeout=60, description="the device to be there")
            assert await do(command="identify", parameters={"seconds": 3}) == ("succeeded", "blinks for 3 s")
            assert await do(command="restart", confirm="inverter-1") == ("succeeded", "restarted")

            async def restarted() -> bool:
                return await boot() == f"{first}-1"

            await wait_until(restarted, timeout=60, description="its next boot")
            assert await do(command="identify", parameters={"seconds": 4}) == ("succeeded", "blinks for 4 s")
