"""From publishing to reading through the API, every service a process of its own on real servers."""

import asyncio
import time
from array import array
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from benchmarks.distribution import Distribution, Sight, ages, until_seen
from benchmarks.held_ingestors import IngestServers
from benchmarks.paced_publisher import DEVICES, Published, number_of, paced_publisher
from benchmarks.report import bar
from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_common.testing.servers import influxdb, mosquitto, redis_server
from microgrid_common.testing.service_process import service_process
from microgrid_common.testing.waiting import free_port, wait_until

RATE = 1_000
"""Messages a second."""

SECONDS = 15
WARM_UP_SECONDS = 2
"""Before these begin; what is published in it does not count."""

_BAR_MILLISECONDS = 100
_READY_SECONDS = 40.0
_LAST_SECONDS = 10.0
_SAMPLE_SECONDS = 0.02
_LOGIN = {"username": "user", "password": "password"}


@dataclass(frozen=True, slots=True)
class LatencyResult:
    """How long it took from publishing."""

    published: Published
    every_message: Distribution
    """Until each message, or a newer one, arrived over the WebSocket."""
    live: Distribution
    """Until the message whose values arrived over the WebSocket arrived."""
    realtime: Distribution
    """How old the newest values were in answers of `GET /api/dashboard/realtime`."""


def report() -> Iterator[str]:
    """Run it, and say what came of it line by line."""
    yield f"Latency: {RATE:,} messages/s of {DEVICES} devices for {SECONDS} s, published to received"
    result = run()
    yield f"{'milliseconds':38}{'p50':>8}{'p95':>8}{'p99':>8}{'max':>8}{'count':>10}"
    yield _line("WebSocket: each message or a newer one", result.every_message)
    yield _line("WebSocket: the values received", result.live)
    yield _line("GET realtime: age of the values", result.realtime)
    yield f"{'publisher behind its pace, at most':38}{result.published.furthest_behind_seconds * 1000:8.1f}"
    yield bar(
        f"p99 of each message below {_BAR_MILLISECONDS} ms",
        reached=result.every_message.p99 < _BAR_MILLISECONDS,
    )


def _line(name: str, times: Distribution) -> str:
    return (
        f"{name:38}{times.median:8.1f}{times.p95:8.1f}{times.p99:8.1f}{times.maximum:8.1f}{times.count:10,}"
    )


def run() -> LatencyResult:
    """Start everything, publish, and read."""
    with (
        mosquitto(backend="process") as broker,
        redis_server(backend="process") as redis,
        influxdb(backend="process") as influx,
        TemporaryDirectory() as folder,
    ):
        servers = IngestServers(broker, redis.url, influx.create_bucket("latency"))
        return asyncio.run(_run(servers, Path(folder)))


async def _run(servers: IngestServers, folder: Path) -> LatencyResult:
    await servers.set_up()
    address = BrokerAddress(servers.broker.host, servers.broker.port)
    times = folder / "times"
    async with (
        _signed_in(servers, folder) as api,
        api.ws_connect("/api/live") as live,
        paced_publisher(address, rate=RATE, seconds=WARM_UP_SECONDS + SECONDS, times=times) as publisher,
        asyncio.TaskGroup() as readers,
    ):
        live_sights: list[Sight] = []
        realtime_sights: list[Sight] = []
        reading = [
            readers.create_task(_watch(live, live_sights)),
            readers.create_task(_ask(api, realtime_sights)),
        ]
        published = await publisher.done()
        await wait_until(
            lambda: live_sights and live_sights[-1].number >= published.messages - 1,
            timeout=_LAST_SECONDS,
            description="the last message to arrive",
        )
        for task in reading:
            task.cancel()
    return _result(published, array("d", times.read_bytes()), live_sights, realtime_sights)


def _result(
    published: Published, times: Sequence[float], live: list[Sight], realtime: list[Sight]
) -> LatencyResult:
    first = RATE * WARM_UP_SECONDS
    return LatencyResult(
        published,
        Distribution.of(until_seen(live, times, first=first)),
        Distribution.of(ages((sight for sight in live if sight.number >= first), times)),
        Distribution.of(ages((sight for sight in realtime if sight.number >= first), times)),
    )


@asynccontextmanager
async def _signed_in(servers: IngestServers, folder: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """Run the services while the block runs, and give a client of the API."""
    ports = [free_port() for _ in range(3)]
    base_urls = [f"http://127.0.0.1:{port}" for port in ports]
    with ExitStack() as stack:
        for module, port in zip(
            ("microgrid_ingestor", "microgrid_alert_engine", "microgrid_api"), ports, strict=True
        ):
            settings = {"MICROGRID_HEALTH_PORT": str(port), "MICROGRID_API_PORT": str(port)}
            stack.enter_context(service_process(module, {**servers.settings, **settings}, folder))
        async with aiohttp.ClientSession(base_urls[-1]) as api:

            async def all_ready() -> bool:
                answers = [await api.get(f"{base_url}/readyz") for base_url in base_urls]
                return all(answer.ok for answer in answers)

            await wait_until(all_ready, timeout=_READY_SECONDS, description="the services to be ready")
            async with api.post("/api/login", json=_LOGIN) as answer:
                api.headers["Authorization"] = f"Bearer {(await answer.json())['token']}"
            yield api


async def _watch(live: aiohttp.ClientWebSocketResponse, sights: list[Sight]) -> None:
    async for message in live:
        seconds = time.monotonic()
        if value := message.json().get("readings", {}).get("consumption_kw"):
            sights.append(Sight(seconds, number_of(value["value"])))


async def _ask(api: aiohttp.ClientSession, sights: list[Sight]) -> None:
    while True:
        async with api.get("/api/dashboard/realtime") as answer:
            figures = await answer.json()
        # Until the first message has come, the answer is that there are none.
        if answer.ok and figures["consumption_kW"] is not None:
            sights.append(Sight(time.monotonic(), number_of(figures["consumption_kW"])))
        await asyncio.sleep(_SAMPLE_SECONDS)
