"""`microgrid-ingestor quarantine …` as a process of its own, on a real Redis."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.schemas.reading import decode_readings
from microgrid_common.schemas.streams import readings_stream_of
from microgrid_common.testing.contracts.quarantine_messages import T0, put, refused
from microgrid_common.testing.waiting import free_port

pytestmark = pytest.mark.integration

GOOD = b'{"schema":1,"timestamp":"2026-11-23T09:59:58.000Z","metrics":{"consumption_kw":10.5}}'


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = make_client(redis_url)
    yield client
    await client.aclose()


async def run(folder: Path, redis_url: str, *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "microgrid_ingestor", "quarantine", *arguments,
        cwd=folder,
        env={**os.environ, "MICROGRID_REDIS_URL": redis_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


async def test_a_message_is_found_shown_replayed_and_closed(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    log = RedisDurableLog(redis)
    await put(log, refused(1, raw=GOOD), refused(2, raw=b"\x1b[2J{"))

    async def ask(*arguments: str, exit_code: int = 0) -> Any:
        code, output, errors = await run(tmp_path, redis_url, *arguments, "--json")
        assert (code, errors) == (exit_code, "")
        return json.loads(output)

    bad, good = (await ask("list"))["messages"]
    code, output, _ = await run(tmp_path, redis_url, "show", bad["id"])
    assert (code, "\x1b" in output, r"\x1b[2J{" in output) == (0, False, True)

    replayed = await ask("replay", "--all", exit_code=1)
    assert {each["id"]: each["verdict"] for each in replayed["messages"]} == {
        good["id"]: "accepted",
        bad["id"]: "refused",
    }
    stored: Any = await redis.xrange(readings_stream_of("village", 4))
    [(_, fields)] = stored
    [reading] = decode_readings(fields[b"readings"])
    assert (reading.metrics, reading.received_at.replace(microsecond=0)) == ({"consumption_kw": 10.5}, T0)

    await ask("discard", bad["id"], "--by", "Ann")
    assert await ask("list") == {
        "messages": [],
        "cursor": None,
        "counts": {"discarded": {"malformed_json": 1}, "replayed": {"out_of_range": 1}},
    }


async def test_a_redis_that_is_not_there_is_one_line_and_exit_code_3(tmp_path: Path) -> None:
    code, output, errors = await run(tmp_path, f"redis://127.0.0.1:{free_port()}/0", "list")
    assert (code, output) == (3, "")
    assert errors.startswith("microgrid-ingestor: redis: ")
    assert errors.count("\n") == 1
