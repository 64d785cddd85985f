"""A file that breaks off is seen to, by whoever downloads it."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from microgrid_common.ports.errors import RetryableError
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.samples import SAMPLE_TIME, sample_reading

pytestmark = pytest.mark.integration


@pytest.fixture
async def over_network(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API on a socket."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    headers = {"Authorization": "Bearer prototype_token"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=30) as client:
        yield client
    server.should_exit = True
    await serving


@pytest.mark.parametrize("kind", ["csv", "json"])
async def test_a_store_that_goes_away_ends_the_connection_before_the_end(
    over_network: httpx.AsyncClient,
    telemetry: FakeTelemetryStore,
    caplog: pytest.LogCaptureFixture,
    kind: str,
) -> None:
    caplog.set_level(logging.CRITICAL, logger="uvicorn.error")
    await telemetry.write([sample_reading(SAMPLE_TIME - timedelta(hours=hours)) for hours in (0, 5)])
    path = f"/api/export/default?metrics=consumption_kw&period=6h&granularity=raw&format={kind}"
    whole = await over_network.get(path)
    assert whole.status_code == 200
    assert "Content-Length" not in whole.headers
    telemetry.fail_next(RetryableError("away"), after=2)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        await over_network.get(path)
