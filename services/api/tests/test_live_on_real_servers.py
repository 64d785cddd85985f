"""Live connections over a real network, to a real server on a real Redis, across its restarts."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from microgrid_api.service import run
from microgrid_api.settings import ApiSettings
from microgrid_api.wiring import build
from microgrid_common.adapters.redis.alarm_states import RedisAlarmStates
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.schemas.streams import ALERTS_STREAM
from microgrid_common.testing.samples import put_alerts, sample_record
from microgrid_common.testing.waiting import free_port, wait_until

pytestmark = pytest.mark.integration

GRID = "village-1"
TOKEN = {"Authorization": "Bearer prototype_token"}


@asynccontextmanager
async def running_api(settings: ApiSettings) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with build(settings) as ports:
        running = asyncio.create_task(
            run(
                ports,
                host=settings.api_host,
                port=settings.api_port,
                stream_shards=settings.stream_shards,
                stop=stop,
            )
        )
        async with httpx.AsyncClient() as client:
            address = f"http://127.0.0.1:{settings.api_port}/readyz"
            await wait_until(lambda: client.get(address), timeout=5, description="the API to answer")
        yield
        stop.set()
        async with asyncio.timeout(2):
            await running


async def received(live: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(5):
        message: dict[str, Any] = json.loads(await live.recv())
    return message


async def test_a_client_goes_on_after_the_server_was_started_anew_or_is_told_of_the_gap(
    redis_url: str, tmp_path: Path
) -> None:
    settings = ApiSettings(
        redis_url=redis_url, telemetry_store="sqlite", data_dir=tmp_path, api_port=free_port()
    )
    redis = make_client(redis_url)
    states = RedisAlarmStates(redis)

    def live(cursor: str = "") -> connect:
        query = f"?cursor={cursor}" if cursor else ""
        address = f"ws://127.0.0.1:{settings.api_port}/api/live/{GRID}{query}"
        return connect(address, additional_headers=TOKEN)

    async with running_api(settings):
        async with live() as client:
            assert (await received(client))["type"] == "snapshot"
            await put_alerts(states, sample_record(number=1, grid_id=GRID))
            message = await received(client)
            assert (message["type"], message["alert"]["id"]) == ("alert", "alert-village-1-1")
        cursor = message["cursor"]

    await put_alerts(states, *(sample_record(number=number, grid_id=GRID) for number in (2, 3)))
    async with running_api(settings):
        async with live(cursor) as client:
            assert (await received(client))["type"] == "resumed"
            for number in (2, 3):
                assert (await received(client))["alert"]["id"] == f"alert-village-1-{number}"
            await put_alerts(states, sample_record(number=4, grid_id=GRID))
            assert (await received(client))["alert"]["id"] == "alert-village-1-4"
        await redis.xtrim(ALERTS_STREAM, maxlen=2, approximate=False)
        async with live(cursor) as client:
            gap = await received(client)
            assert (gap["type"], gap["reason"]) == ("gap", "trimmed")
            snapshot = await received(client)
            assert len(snapshot["alerts"]) == 4
    await redis.aclose()


async def all_that_was_sent(client: ClientConnection) -> None:
    """Take messages until the connection is closed: there may be some that came before that."""
    while True:
        await client.recv()


async def test_a_server_that_stops_ends_all_live_connections_in_order(
    redis_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = ApiSettings(
        redis_url=redis_url, telemetry_store="sqlite", data_dir=tmp_path, api_port=free_port()
    )
    address = f"127.0.0.1:{settings.api_port}/api/live/{GRID}"
    taken = b""
    async with AsyncExitStack() as clients:
        http = await clients.enter_async_context(httpx.AsyncClient())
        async with running_api(settings):
            live = await clients.enter_async_context(connect(f"ws://{address}", additional_headers=TOKEN))
            await received(live)
            answer = await clients.enter_async_context(
                http.stream("GET", f"http://{address}/events", headers=TOKEN)
            )
            parts = answer.aiter_raw()
            while b"snapshot" not in taken:
                taken += await anext(parts)
        async for part in parts:
            taken += part
        with pytest.raises(ConnectionClosed):
            await all_that_was_sent(live)
    assert live.close_code == 1012
    assert taken.startswith(b"retry: 2000\n\nevent: snapshot\nid: ")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
