"""The command as an operator starts and stops it."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from microgrid_common.testing.waiting import free_port

pytestmark = pytest.mark.integration

PATIENCE_SECONDS = 50
"""For a process that starts or ends: on a busy machine the imports alone may take most of it."""


@asynccontextmanager
async def started(folder: Path, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`microgrid-api` with settings, on a Redis that is not there."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "microgrid_api",
        cwd=folder,
        env=os.environ
        | {
            "MICROGRID_TELEMETRY_STORE": "sqlite",
            "MICROGRID_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
            "MICROGRID_LOG_FORMAT": "json",
        }
        | settings,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def first_line(process: asyncio.subprocess.Process) -> str:
    assert process.stderr
    async with asyncio.timeout(PATIENCE_SECONDS):
        return (await process.stderr.readline()).decode()


async def test_it_says_where_it_listens_and_stops_on_a_signal_with_a_client_connected(tmp_path: Path) -> None:
    port = free_port()
    async with started(tmp_path, MICROGRID_API_PORT=str(port)) as process:
        line = json.loads(await first_line(process))
        assert (line["event"], line["addresses"]) == ("api_listening", [f"http://127.0.0.1:{port}"])

        # Redis is away, so the connection is closed again; what counts is the one that stays open.
        async with connect(f"ws://127.0.0.1:{port}/api/live?token=prototype_token") as live:
            await live.wait_closed()
            assert live.close_code == 1013
        _, lingering = await asyncio.open_connection("127.0.0.1", port)

        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await process.wait() == 0
        lingering.close()
        assert process.stderr
        rest = (await process.stderr.read()).decode()
    assert "Traceback" not in rest
    assert "prototype_token" not in rest


async def test_a_port_in_use_is_one_line_that_names_the_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with started(tmp_path, MICROGRID_API_PORT=str(port)) as process:
            assert process.stderr
            async with asyncio.timeout(PATIENCE_SECONDS):
                output = (await process.stderr.read()).decode()
                assert await process.wait() == 1
    assert output == (
        f"microgrid-api: port {port} on 127.0.0.1 is in use; set MICROGRID_API_PORT to another one\n"
    )
