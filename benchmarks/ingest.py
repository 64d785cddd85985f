"""The ingest path: queued QoS 1 messages in Mosquitto → durable in InfluxDB, beside Telegraf."""

import asyncio
import resource
import subprocess
import sys
import time
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from benchmarks import telegraf
from benchmarks.held_ingestors import IN_FLIGHT, SHARDS, IngestServers
from benchmarks.measured_process import MeasuredProcess, measured_process
from benchmarks.queued_messages import open_session, publish
from benchmarks.result import Result
from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_common.schemas.streams import readings_streams
from microgrid_common.testing.servers import Mosquitto, influxdb, mosquitto, redis_server
from microgrid_common.testing.waiting import free_port

MESSAGES = 50_000
"""Below the 65,535 that Mosquitto can queue for one session; whole batches of Telegraf's, so that it does not
wait for its flush interval in the end."""

ROUNDS = 3
"""The fastest one of each counts: whatever else the machine does can only make it slower."""

_TIME_LIMIT_SECONDS = 120.0


def run() -> list[Result]:
    """Run ours, then Telegraf as it comes and tuned if there is one, then `mosquitto_sub`; `ROUNDS` times.

    The broker, Redis and InfluxDB are real, and their CPU time is their own.

    Returns:
        The fastest round of each.
    """
    rounds = [_round() for _ in range(ROUNDS)]
    return [max(results, key=attrgetter("messages_per_second")) for results in zip(*rounds, strict=True)]


def _round() -> list[Result]:
    with (
        mosquitto(backend="process", max_inflight_messages=IN_FLIGHT) as broker,
        redis_server(backend="process") as redis,
        influxdb(backend="process") as influx,
        TemporaryDirectory() as directory,
    ):
        folder = Path(directory)
        servers = IngestServers(broker, redis.url, influx.create_bucket("ingestor"))
        results = [asyncio.run(_ingestor(servers, folder))]
        for output in telegraf.OUTPUTS if telegraf.is_available() else ():
            # The session of the one before would be sent everything again, and keep it.
            broker.reset()
            bucket = influx.create_bucket(output.name)
            results.append(telegraf.run(broker, bucket, folder, messages=MESSAGES, output=output))
        broker.reset()
        return [*results, _mosquitto_sub(broker, folder)]


async def _ingestor(servers: IngestServers, folder: Path) -> Result:
    await servers.set_up()
    address = BrokerAddress(servers.broker.host, servers.broker.port)
    await open_session(address, client_id="ingestor-bench", topic_filter="$share/ingestor/microgrid/#")
    await asyncio.to_thread(publish, address, MESSAGES)
    health_port = free_port()
    environment = {
        **servers.settings,
        "MICROGRID_INGESTOR_NAME": "bench",
        "MICROGRID_HEALTH_PORT": str(health_port),
    }
    command = [sys.executable, "-m", "microgrid_ingestor"]
    async with Redis.from_url(servers.redis_url) as redis:
        with measured_process(command, environment=environment, log=folder / "ingestor.log") as process:
            return await _measure(process, redis, f"http://127.0.0.1:{health_port}/metrics")


async def _measure(process: MeasuredProcess, redis: Redis, metrics_url: str) -> Result:
    """From the first entry in the log until the store has everything."""
    async with asyncio.timeout(_TIME_LIMIT_SECONDS), aiohttp.ClientSession() as http:
        while not await redis.exists(*readings_streams(SHARDS)):
            process.check_running()
            await asyncio.sleep(0.002)
        start, cpu_at_start = time.perf_counter(), process.cpu_seconds()
        # Asking Redis costs the measured process nothing; its own counters are asked when that is quiet.
        while not (await _is_quiet(redis) and await _stored(http, metrics_url) >= MESSAGES):
            process.check_running()
            await asyncio.sleep(0.02)
        return Result(
            "ingestor: Mosquitto to InfluxDB",
            MESSAGES,
            time.perf_counter() - start,
            process.cpu_seconds() - cpu_at_start,
            process.peak_memory_megabytes(),
        )


async def _is_quiet(redis: Redis) -> bool:
    for stream in readings_streams(SHARDS):
        if await redis.exists(stream):
            groups = await redis.xinfo_groups(stream)
            if not groups or any(group["lag"] or group["pending"] for group in groups):
                return False
    return True


async def _stored(http: aiohttp.ClientSession, metrics_url: str) -> float:
    async with http.get(metrics_url) as response:
        for family in text_string_to_metric_families(await response.text()):
            for sample in family.samples:
                if sample.name == "microgrid_readings_stored_total":
                    return sample.value
    return 0


def _mosquitto_sub(broker: Mosquitto, folder: Path) -> Result:
    """The same messages to a C client that throws them away: what the broker can give at the most."""
    address = BrokerAddress(broker.host, broker.port)
    login = ["-h", address.host, "-p", str(address.port), "-V", "5", "-i", "limit", "-c", "-q", "1"]
    login += ["-x", "3600", "-D", "connect", "receive-maximum", "5000", "-t", "microgrid/#"]
    subprocess.run(["mosquitto_sub", *login, "-E"], check=True)
    publish(address, MESSAGES)
    output = folder / "messages"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    with output.open("wb") as messages:
        subprocess.run(["mosquitto_sub", *login, "-C", str(MESSAGES)], stdout=messages, check=True)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Result("mosquitto_sub: Mosquitto to a file", MESSAGES, seconds, cpu_seconds, float("nan"))
