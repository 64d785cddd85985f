"""`microgrid-ingestor setup` makes what is missing, and can be run again."""

import asyncio
import io
import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast
from uuid import uuid4

import httpx
import pytest
from typer.testing import CliRunner, Result

from microgrid_common.adapters.influx.telemetry_store import InfluxTelemetryStore
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.retention import RAW_KEPT, ROLLUPS_KEPT
from microgrid_common.testing.servers import InfluxBucket, InfluxDB
from microgrid_common.testing.service_process import service_process
from microgrid_common.testing.waiting import free_port, wait_until
from microgrid_ingestor.__main__ import application
from microgrid_ingestor.setup_command import STORE_AWAY


def call(command: str, **settings: str) -> Result:
    return CliRunner().invoke(
        application, [command], env={f"MICROGRID_{name.upper()}": value for name, value in settings.items()}
    )


def setup(**settings: str) -> Result:
    return call("setup", **settings)


def test_the_files_of_sqlite_are_made_once(tmp_path: Path) -> None:
    first, second = (setup(telemetry_store="sqlite", data_dir=str(tmp_path / "data")) for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.output.splitlines() == [
        f"{tmp_path}/data/{name}.sqlite3: made" for name in ("telemetry", "rollups")
    ]
    assert second.output.count("was there") == 2


def test_a_store_that_is_away_is_said_in_one_line() -> None:
    result = setup(telemetry_store="influx", influx_url=f"http://127.0.0.1:{free_port()}")
    assert result.exit_code == STORE_AWAY
    assert len(result.output.splitlines()) == 1
    assert "InfluxDB does not answer" in result.output


def test_a_wrong_setting_is_named() -> None:
    result = setup(time_zone="Nowhere/Land")
    assert result.exit_code == 2
    assert "MICROGRID_TIME_ZONE" in result.output


@pytest.mark.integration
def test_the_buckets_of_influx_are_made_with_their_retention(influxdb_server: InfluxDB) -> None:
    influxdb_server.start()
    bucket = f"test-{uuid4().hex}"
    first, second = (
        setup(
            telemetry_store="influx",
            influx_url=influxdb_server.url,
            influx_token=influxdb_server.token,
            influx_org=influxdb_server.org,
            influx_bucket=bucket,
        )
        for _ in range(2)
    )
    assert first.output.splitlines() == [f"{bucket}{suffix}: made" for suffix in ("", "_5m", "_1h")]
    assert second.output.count("was there") == 3
    kept = [influxdb_server.retention(f"{bucket}{suffix}") for suffix in ("", "_5m", "_1h")]
    assert kept == [RAW_KEPT, ROLLUPS_KEPT, ROLLUPS_KEPT]


@pytest.mark.integration
def test_a_snapshot_holds_what_another_influx_starts_with(influx_bucket: InfluxBucket) -> None:
    written = httpx.post(
        f"{influx_bucket.url}/api/v2/write",
        params={"org": influx_bucket.org, "bucket": influx_bucket.bucket},
        headers={"Authorization": f"Token {influx_bucket.token}"},
        content=b"readings,device_id=meter-1 consumption_kw=1",
    )
    assert written.status_code == httpx.codes.NO_CONTENT
    settings = {"telemetry_store": "influx", "influx_url": influx_bucket.url}
    made = call("store-snapshot", influx_token=influx_bucket.token, **settings)
    with tarfile.open(fileobj=io.BytesIO(made.stdout_bytes)) as archive:
        names = archive.getnames()
        heads = [cast("IO[bytes]", archive.extractfile(name)).read(6) for name in names[:2]]
    assert names[:2] == ["influxd.bolt", "influxd.sqlite"]
    assert heads[1] == b"SQLite"
    shards = [name for name in names if name.startswith(f"engine/data/{influx_bucket.bucket_id}/autogen/")]
    assert [name.rpartition(".")[2] for name in shards] == ["tsm"]

    refused = call("store-snapshot", influx_token="another", **settings)
    assert (refused.exit_code, refused.stderr.count("\n")) == (STORE_AWAY, 1)
    assert "401" in refused.stderr


def test_a_store_of_files_is_copied_without_a_snapshot(tmp_path: Path) -> None:
    result = call("store-snapshot", telemetry_store="sqlite", data_dir=str(tmp_path))
    assert result.exit_code == STORE_AWAY
    assert "copy them" in result.output


def test_a_store_without_tokens_says_so(tmp_path: Path) -> None:
    result = call("store-tokens", telemetry_store="sqlite", data_dir=str(tmp_path))
    assert result.exit_code == STORE_AWAY
    assert "no tokens" in result.output


@pytest.mark.integration
async def test_a_token_is_good_for_its_buckets_alone(influxdb_server: InfluxDB) -> None:
    influxdb_server.start()
    mine, other = (f"test-{uuid4().hex}" for _ in range(2))
    settings = {
        "telemetry_store": "influx",
        "influx_url": influxdb_server.url,
        "influx_token": influxdb_server.token,
        "influx_org": influxdb_server.org,
    }
    for bucket in (mine, other):
        await asyncio.to_thread(setup, influx_bucket=bucket, **settings)
    made = await asyncio.to_thread(call, "store-tokens", influx_bucket=mine, **settings)
    tokens = json.loads(made.stdout)

    async def can(bucket: str, whose: str, *, only_reads: bool) -> bool:
        store = InfluxTelemetryStore(
            url=influxdb_server.url,
            token=tokens[whose],
            org=influxdb_server.org,
            bucket=bucket,
            only_reads=only_reads,
        )
        async with store:
            try:
                await store.ping()
                await store.latest("village-1", since=datetime.now(UTC) - RAW_KEPT)
            except RetryableError:
                return False
        return True

    assert await can(mine, "writer", only_reads=False)
    assert await can(mine, "reader", only_reads=True)
    assert not await can(mine, "reader", only_reads=False)
    assert not await can(other, "writer", only_reads=False)
    assert not await can(other, "reader", only_reads=True)


@pytest.mark.integration
async def test_until_then_the_ingestor_says_which_bucket_is_missing(
    influx_bucket: InfluxBucket, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{(health_port := free_port())}/readyz"
    settings = {
        "telemetry_store": "influx",
        "influx_url": influx_bucket.url,
        "influx_token": influx_bucket.token,
        "influx_org": influx_bucket.org,
        "influx_bucket": influx_bucket.bucket,
    }

    async def health() -> dict[str, str]:
        try:
            dependencies: dict[str, str] = (await client.get(url)).json()["dependencies"]
        except httpx.TransportError:
            return {}
        return dependencies

    async def is_found() -> bool:
        return (await health())["rollup_store"] == "ok"

    environment = {f"MICROGRID_{name.upper()}": value for name, value in settings.items()}
    environment["MICROGRID_HEALTH_PORT"] = str(health_port)
    with service_process("microgrid_ingestor", environment, tmp_path):
        async with httpx.AsyncClient() as client:
            said = await wait_until(health, timeout=60, description="the ingestor's health")
            assert said["telemetry_store"] == "ok"
            assert f'"{influx_bucket.bucket}_5m" not found' in said["rollup_store"]
            await asyncio.to_thread(setup, **settings)
            await wait_until(is_found, timeout=60, description="the buckets of the roll-ups")
