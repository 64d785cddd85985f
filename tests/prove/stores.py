"""Reads out of the stores what a run left there."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import cast

from redis.asyncio import Redis as RedisClient
from tests.prove.evidence import Boot, Device, Junk, Number, Quarantined, Row, RowKey
from tests.prove.system import System

from microgrid_common.adapters.influx.influxql import Table
from microgrid_common.adapters.influx.server import InfluxServer
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.schemas.alert import AlertEvent
from microgrid_common.schemas.quarantine import QuarantinedMessage
from microgrid_common.schemas.streams import (
    ALERT_EVENT_KIND,
    ALERTS_STREAM,
    QUARANTINE_STREAM,
    QUARANTINED_KIND,
)
from microgrid_common.testing.servers import InfluxBucket

_JUNK_TOKEN = re.compile(rb'"boot_id": ?"(junk-\d+)')
_READINGS_STREAMS = "readings:*"
_ALL_ROWS = 'SELECT * FROM "telemetry" WHERE "grid_id" = $grid GROUP BY *'
_ALL_GRIDS = 'SHOW TAG VALUES FROM "telemetry" WITH KEY = "grid_id"'
_SEEN_SINCE = 'SELECT * FROM "telemetry" WHERE time >= $since GROUP BY * LIMIT 1'
_NANOSECONDS_PER_MILLISECOND = 1_000_000


class Stores:
    """What is in InfluxDB and Redis, by queries of its own."""

    def __init__(self, influx: InfluxServer, bucket: InfluxBucket, redis: RedisClient) -> None:
        self._influx = influx
        self._bucket = bucket.bucket
        self._redis = redis

    async def rows(self) -> list[Row]:
        """Every stored reading."""
        (tables,) = await self._influx.select(self._bucket, [_ALL_GRIDS], {})
        grids = [value for table in tables for _, value in table.rows]
        rows: list[Row] = []
        for grid in grids:
            (tables,) = await self._influx.select(self._bucket, [_ALL_ROWS], {"grid": grid})
            for table in tables:
                rows.extend(_rows(table))
        return rows

    async def devices_seen_since(self, timestamp: int) -> set[Device]:
        """The devices of which a reading is stored that was measured then or later.

        Args:
            timestamp: in milliseconds since 1970.
        """
        since = timestamp * _NANOSECONDS_PER_MILLISECOND
        (tables,) = await self._influx.select(self._bucket, [_SEEN_SINCE], {"since": since})
        return {_device(table) for table in tables}

    async def quarantined(self) -> list[Quarantined]:
        """Every message in quarantine."""
        return [
            _quarantined(QuarantinedMessage.model_validate_json(data))
            for data in await self._entries(QUARANTINE_STREAM, QUARANTINED_KIND)
        ]

    async def alert_events(self) -> list[AlertEvent]:
        """Every transition of an alert, in order."""
        return [
            AlertEvent.model_validate_json(data)
            for data in await self._entries(ALERTS_STREAM, ALERT_EVENT_KIND)
        ]

    async def nothing_waits_from_before(self, timestamp: int) -> bool:
        """Whether every consumer group has done with all entries of the readings streams up to then.

        Args:
            timestamp: in milliseconds since 1970.
        """
        async for stream in self._redis.scan_iter(match=_READINGS_STREAMS):
            for group in await self._redis.xinfo_groups(stream):
                unread = await self._redis.xrange(
                    stream, min=b"(" + group["last-delivered-id"], max=str(timestamp), count=1
                )
                pending = await self._redis.xpending(stream, group["name"])
                if unread or (pending["pending"] and _milliseconds(pending["min"]) <= timestamp):
                    return False
        return True

    async def _entries(self, stream: str, kind: str) -> list[bytes]:
        entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", await self._redis.xrange(stream))
        return [fields[kind.encode()] for _, fields in entries]


@asynccontextmanager
async def open_stores(system: System) -> AsyncIterator[Stores]:
    """The stores of a running system."""
    bucket = system.bucket
    redis = make_client(system.redis.url)
    try:
        async with InfluxServer(url=bucket.url, token=bucket.token, org=bucket.org) as influx:
            yield Stores(influx, bucket, redis)
    finally:
        await redis.aclose()


def _rows(table: Table) -> list[Row]:
    device = _device(table)
    names = table.columns[1:]
    return [
        Row(
            RowKey(device, int(time)),
            {name: float(value) for name, value in zip(names, values, strict=True) if value is not None},
        )
        for time, *values in table.rows
    ]


def _milliseconds(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0])


def _device(table: Table) -> Device:
    return Device(table.tags["grid_id"], table.tags["device_id"])


def _quarantined(message: QuarantinedMessage) -> Quarantined:
    device = _device_of(message.topic)
    if device is None:
        return Quarantined(topic=message.topic, reason=message.reason)
    token = _JUNK_TOKEN.search(message.raw)
    return Quarantined(
        topic=message.topic,
        reason=message.reason,
        refused=tuple(
            Number(Boot(device, numbers.boot_id), seq)
            for numbers in message.numbers
            for seq in range(numbers.first, numbers.last + 1)
        ),
        carried=tuple(_carried(device, message.raw)),
        junk=Junk(device, token[1].decode()) if token else None,
    )


def _device_of(topic: str) -> Device | None:
    """Also of a misspelt topic, as far as it names one."""
    match topic.split("/"):
        case ["microgrid", grid_id, "device", device_id, _]:
            return Device(grid_id, device_id)
        case _:
            return None


def _carried(device: Device, payload: bytes) -> Iterator[Number]:
    try:
        message = json.loads(payload)
    except ValueError:
        return
    for sample in message.get("samples", [message]):
        if "seq" in sample:
            yield Number(Boot(device, sample["boot_id"]), sample["seq"])
