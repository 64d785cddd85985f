"""A device on an edge box that lost samples: it is asked for them, and its ledger is whole again."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import pytest

from microgrid_common.schemas.backfill import BackfillRequest
from microgrid_common.testing.service_process import service_process
from microgrid_common.testing.waiting import free_port, wait_until

pytestmark = pytest.mark.integration

DEVICE = "microgrid/village-1/device/meter-1"


def sample(number: int) -> dict[str, Any]:
    return {
        "timestamp": f"2026-11-23T10:00:{number:02}Z",
        "boot_id": "5f2c",
        "seq": number,
        "metrics": {"consumption_kw": 10.5},
    }


async def test_a_device_of_the_edge_box_is_asked_for_what_is_missing(tmp_path: Path) -> None:
    mqtt_port, api_port = free_port(), free_port()
    settings = {
        "MICROGRID_DATA_DIR": str(tmp_path / "data"),
        "MICROGRID_API_PORT": str(api_port),
        "MICROGRID_MQTT_PORT": str(mqtt_port),
        "MICROGRID_MQTT5_PORT": str(free_port()),
        "MICROGRID_SIMULATE": "0",
        "MICROGRID_BACKFILL_GRACE_SECONDS": "0.5",
    }
    headers = {"Authorization": "Bearer prototype_token"}
    with service_process("microgrid_standalone", settings, tmp_path, ["run"]):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api_port}", headers=headers) as api:

            async def ready() -> bool:
                return (await api.get("/readyz")).status_code == 200

            async def ledger(*, received: int, missing: int) -> dict[str, Any] | None:
                answer = await api.get("/api/device/village-1/meter-1/ledger")
                document: dict[str, Any] = answer.json()
                counts = (document["received"], document["missing"])
                return document if counts == (received, missing) else None

            await wait_until(ready, timeout=60, description="the system to be ready")
            async with aiomqtt.Client("127.0.0.1", mqtt_port) as device:
                await device.subscribe(f"{DEVICE}/backfill", qos=1)
                for number in (0, 1, 7):
                    payload = json.dumps({"schema": 1, **sample(number)})
                    await device.publish(f"{DEVICE}/telemetry", payload, qos=1)
                async with asyncio.timeout(60):
                    message = await anext(aiter(device.messages))
                request = BackfillRequest.model_validate_json(bytes(message.payload))
                assert request == BackfillRequest(boot_id="5f2c", ranges=((2, 6),))
                (missing,) = ((await ledger(received=3, missing=5)) or {})["boots"][0]["missing_ranges"]
                assert (missing["first"], missing["last"], missing["state"]) == (2, 6, "asked")

                backlog = {"schema": 1, "samples": [sample(number) for number in range(2, 7)]}
                await device.publish(f"{DEVICE}/telemetry", json.dumps(backlog), qos=1)
                whole = await wait_until(
                    lambda: ledger(received=8, missing=0), timeout=60, description="a ledger without gaps"
                )
            assert whole is not None
            assert whole["boots"][0]["received_ranges"] == [[0, 7]]
            metrics = (await api.get("/metrics")).text
            assert "microgrid_backfill_requests_total 1.0" in metrics
