"""The ledger and the backfill on real Mosquitto and Redis: a device, and two ingestors that are killed."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import pytest

from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.ledger_store import RedisLedgerStore
from microgrid_common.schemas.backfill import BackfillRequest
from microgrid_common.schemas.ledger import DeviceLedger
from microgrid_common.schemas.status import BootEnd, DeviceStatus, PresenceStatus
from microgrid_common.testing.servers import Mosquitto
from microgrid_common.testing.service_process import ServiceProcess, service_process
from microgrid_common.testing.waiting import free_port, wait_until

pytestmark = pytest.mark.integration

GRID, DEVICE, BOOT = "village-1", "meter-1", "5f2c"
TOPIC = f"microgrid/{GRID}/device/{DEVICE}"


class Device:
    """A device that numbers its samples, keeps all of them, and answers as it is told to."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client
        self.requests: list[BackfillRequest] = []
        self.answers = False

    async def publish(self, numbers: Iterable[int], *, boot_id: str = BOOT, **changes: Any) -> None:
        for number in numbers:
            await self.send({"schema": 1, **sample(number, boot_id=boot_id), **changes})

    async def send(self, message: dict[str, Any] | bytes) -> None:
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        await self.client.publish(f"{TOPIC}/telemetry", payload, qos=1)

    async def say(self, status: DeviceStatus) -> None:
        await self.client.publish(f"{TOPIC}/status", status.encode(), qos=1, retain=True)

    async def listen(self) -> None:
        async for message in self.client.messages:
            request = BackfillRequest.model_validate_json(bytes(message.payload))
            self.requests.append(request)
            if self.answers:
                await self.answer(request)

    async def answer(self, request: BackfillRequest) -> None:
        samples = [
            sample(number, boot_id=request.boot_id)
            for first, last in request.ranges
            for number in range(first, last + 1)
        ]
        await self.send({"schema": 1, "samples": samples})

    def requests_of(self, boot_id: str) -> list[tuple[tuple[int, int], ...]]:
        return [request.ranges for request in self.requests if request.boot_id == boot_id]


def sample(number: int, *, boot_id: str) -> dict[str, Any]:
    return {
        "timestamp": f"2026-11-23T{10 + number // 3_600 % 10}:{number // 60 % 60:02}:{number % 60:02}Z",
        "boot_id": boot_id,
        "seq": number,
        "metrics": {"consumption_kw": 10.5},
    }


@pytest.fixture
async def device(mosquitto_server: Mosquitto, mqtt_url: str) -> AsyncIterator[Device]:
    assert mqtt_url
    async with aiomqtt.Client("127.0.0.1", mosquitto_server.port, identifier="device-meter-1") as client:
        await client.subscribe(f"{TOPIC}/backfill", qos=1)
        device = Device(client)
        listening = asyncio.create_task(device.listen())
        yield device
        listening.cancel()
        await asyncio.wait([listening])


@pytest.fixture
async def ledgers(redis_url: str) -> AsyncIterator[RedisLedgerStore]:
    client = make_client(redis_url)
    yield RedisLedgerStore(client)
    await client.aclose()


@dataclass(frozen=True, slots=True)
class Ingestor:
    process: ServiceProcess
    health_port: int

    async def until_ready(self) -> None:
        async def ready() -> bool:
            answer = await client.get(f"http://127.0.0.1:{self.health_port}/readyz")
            return answer.status_code == 200

        async with httpx.AsyncClient() as client:
            await wait_until(ready, timeout=60, description="the ingestor to be ready")


@pytest.fixture
def attempts() -> int:
    """How often a device is asked for the same."""
    return 100


@pytest.fixture
async def ingestors(
    mqtt_url: str, redis_url: str, attempts: int, tmp_path: Path
) -> AsyncIterator[list[Ingestor]]:
    with ExitStack() as stack:
        started = []
        for name in ("one", "two"):
            folder, port = tmp_path / name, free_port()
            folder.mkdir()
            settings = {
                "MICROGRID_MQTT_URL": mqtt_url,
                "MICROGRID_REDIS_URL": redis_url,
                "MICROGRID_TELEMETRY_STORE": "sqlite",
                "MICROGRID_INGESTOR_NAME": name,
                "MICROGRID_HEALTH_PORT": str(port),
                "MICROGRID_BACKFILL_GRACE_SECONDS": "0.5",
                "MICROGRID_BACKFILL_INTERVAL_SECONDS": "1",
                "MICROGRID_BACKFILL_ATTEMPTS": str(attempts),
            }
            process = stack.enter_context(service_process("microgrid_ingestor", settings, folder))
            started.append(Ingestor(process, port))
        for ingestor in started:
            await ingestor.until_ready()
        yield started


async def until_ledger(ledgers: RedisLedgerStore, *, seconds: float = 20, **expected: int) -> DeviceLedger:
    """Wait until some counts of the ledger are as they should be."""

    async def as_expected() -> DeviceLedger | None:
        account = await ledgers.account((GRID, DEVICE))
        if account is None:
            return None
        counts = {name: getattr(account.ledger, name) for name in expected}
        assert counts == expected
        return account.ledger

    ledger = await wait_until(as_expected, timeout=seconds, description=f"a ledger with {expected}")
    assert ledger is not None
    return ledger


@pytest.mark.parametrize("attempts", [2])
async def test_what_is_missing_is_asked_back_and_what_never_comes_stays_named(
    ingestors: list[Ingestor], device: Device, ledgers: RedisLedgerStore
) -> None:
    await device.publish([0, 1, 2, 10, 11, 20])
    await until_ledger(ledgers, received=6, missing=15)

    # Nothing comes of the first request; the second one is answered in part.
    await wait_until(lambda: device.requests, timeout=60, description="the request")
    assert device.requests[0] == BackfillRequest(boot_id=BOOT, ranges=((3, 9), (12, 19)))
    await device.send({"schema": 1, "samples": [sample(n, boot_id=BOOT) for n in (3, 4, 5, 12)]})
    await device.publish([7], metrics={"consumption_kw": "unreadable"})
    await device.send(b'{"schema":1,"timestamp":"2026-11-23T10:00:08Z","boot_id":"5f2c","seq":8,"metrics":')
    await until_ledger(ledgers, received=10, quarantined=2, missing=9)

    await device.publish([21])
    await wait_until(lambda: len(device.requests) == 2, timeout=60, description="the second request")
    assert device.requests[1].ranges == ((6, 6), (9, 9), (13, 19))
    await device.publish([22, 22, 21])

    async def given_up() -> bool:
        account = await ledgers.account((GRID, DEVICE))
        assert account is not None
        return [(*asked[:3], asked.unanswered) for asked in account.asked] == [
            (BOOT, 6, 6, True),
            (BOOT, 9, 9, True),
            (BOOT, 13, 19, True),
        ]

    await wait_until(given_up, timeout=60, description="the device to be left in peace")
    ledger = await until_ledger(ledgers, received=12, duplicates=2, quarantined=2, missing=9)
    assert len(device.requests) == 2

    # What was refused is accepted once it comes as it should.
    await device.publish([7])
    await until_ledger(ledgers, received=13, duplicates=2, quarantined=1, missing=9)
    assert await ledgers.missing_by_type() == {ledger.device_type: 9}


async def test_a_tail_that_was_lost_is_asked_back_also_of_an_old_boot(
    ingestors: list[Ingestor], device: Device, ledgers: RedisLedgerStore
) -> None:
    device.answers = True
    await device.publish(range(5))
    await until_ledger(ledgers, received=5)
    ended = BootEnd(boot_id=BOOT, last_seq=9)
    status = DeviceStatus(status=PresenceStatus.ONLINE, boot_id="5f2d", last_seq=3, earlier_boots=(ended,))
    await device.say(status)
    ledger = await until_ledger(ledgers, received=14, missing=0, duplicates=0)
    assert {boot.boot_id: (boot.first, boot.last) for boot in ledger.boots} == {BOOT: (0, 9), "5f2d": (0, 3)}
    assert device.requests_of(BOOT) == [((5, 9),)]
    assert device.requests_of("5f2d") == [((0, 3),)]


async def test_ingestors_that_are_killed_again_and_again_leave_the_counts_exact(
    ingestors: list[Ingestor], device: Device, ledgers: RedisLedgerStore
) -> None:
    device.answers = True
    last, lost = 2_000, set(range(100, 2_000, 97))
    for turn, start in enumerate(range(0, last, 500)):
        publishing = asyncio.create_task(device.publish(sorted(set(range(start, start + 500)) - lost)))
        killed = ingestors[turn % len(ingestors)]
        await asyncio.to_thread(killed.process.kill)
        killed.process.start()
        await publishing
        await killed.until_ready()
    await device.publish([last])

    ledger = await until_ledger(ledgers, seconds=40, received=last + 1, quarantined=0, missing=0)
    assert [(boot.boot_id, boot.first, boot.last) for boot in ledger.boots] == [(BOOT, 0, last)]
    asked = {
        number
        for ranges in device.requests_of(BOOT)
        for first, final in ranges
        for number in range(first, final + 1)
    }
    assert asked >= lost
