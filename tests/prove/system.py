"""The whole system on real servers, each part a process of its own that can be killed."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from microgrid_common.testing.servers import (
    InfluxBucket,
    Mosquitto,
    Redis,
    Server,
    influxdb,
    mosquitto,
    redis_server,
)
from microgrid_common.testing.service_process import ServiceProcess, service_process
from microgrid_common.testing.waiting import free_port, wait_until

Killable = Server | ServiceProcess

INGESTORS = ("ingestor-1", "ingestor-2")
BROKER, REDIS, INFLUXDB = "mosquitto", "redis", "influxdb"

INGESTOR_MODULE, API_MODULE = "microgrid_ingestor", "microgrid_api"
_READY_SECONDS = 40.0
_LAST_CHARACTERS = 1_000


class NotReadyError(RuntimeError):
    """The system was started and did not become ready; the text says why, as far as that is known."""


@dataclass(frozen=True, slots=True)
class System:
    """The running system."""

    broker: Mosquitto
    redis: Redis
    bucket: InfluxBucket
    servers: Mapping[str, Server]
    """By name, in the order in which they were started."""
    services: Mapping[str, ServiceProcess]
    """By name, in the order in which they were started."""
    readiness_urls: Sequence[str]
    """Where each service says whether it can work."""
    api_url: str

    def process(self, name: str) -> Killable:
        """A server or a service by its name."""
        return self.servers.get(name) or self.services[name]


@asynccontextmanager
async def running_system(folder: Path) -> AsyncIterator[System]:
    """Run everything while the block runs, once the API is ready.

    Args:
        folder: where the services run and keep their logs; must exist.

    Raises:
        microgrid_common.testing.servers.ServerUnavailableError: a server is not installed.
        NotReadyError: it was started and did not become ready.
    """
    with ExitStack() as stack:
        system = await asyncio.to_thread(lambda: stack.enter_context(_processes(folder)))
        async with httpx.AsyncClient() as client:
            ready = partial(is_ready, system, client)
            try:
                await wait_until(ready, timeout=_READY_SECONDS, description="the services to be ready")
            except AssertionError as error:
                raise NotReadyError("\n".join([str(error), *_last_words(system)])) from None
        yield system


def _last_words(system: System) -> Iterator[str]:
    for name, service in system.services.items():
        if service.has_ended:
            yield f"{name} has ended: {service.log()[-_LAST_CHARACTERS:]}"


async def is_ready(system: System, client: httpx.AsyncClient) -> bool:
    """Whether every service says that it can work."""
    try:
        answers = [await client.get(url) for url in system.readiness_urls]
    except httpx.TransportError:
        return False
    return all(answer.is_success for answer in answers)


@contextmanager
def _processes(folder: Path) -> Iterator[System]:
    with (
        mosquitto(backend="process") as broker,
        redis_server(backend="process") as redis,
        influxdb(backend="process") as influx,
        ExitStack() as stack,
    ):
        bucket = influx.create_bucket("prove")
        api_port = free_port()
        api_url = f"http://127.0.0.1:{api_port}"
        readiness_urls = [f"{api_url}/readyz"]
        settings = _settings(broker, redis, bucket, api_port)

        def service(name: str, module: str, **more: str) -> ServiceProcess:
            own = folder / name
            own.mkdir()
            health_port = free_port()
            if module != API_MODULE:
                readiness_urls.append(f"http://127.0.0.1:{health_port}/readyz")
            own_settings = {**settings, "MICROGRID_HEALTH_PORT": str(health_port), **more}
            return stack.enter_context(service_process(module, own_settings, own))

        _set_up(settings, folder)
        services = {name: service(name, INGESTOR_MODULE, MICROGRID_INGESTOR_NAME=name) for name in INGESTORS}
        services["alert-engine"] = service("alert-engine", "microgrid_alert_engine")
        services["api"] = service("api", API_MODULE)
        yield System(
            broker=broker,
            redis=redis,
            bucket=bucket,
            servers={BROKER: broker, REDIS: redis, INFLUXDB: influx},
            services=services,
            readiness_urls=readiness_urls,
            api_url=api_url,
        )


def _set_up(settings: Mapping[str, str], folder: Path) -> None:
    """Make the buckets, as an operator does before the first start."""
    own = folder / "setup"
    own.mkdir()
    with service_process(INGESTOR_MODULE, settings, own, arguments=["setup"]) as setup:
        if setup.wait():
            raise NotReadyError(f"the setup failed: {setup.log()[-_LAST_CHARACTERS:]}")


def _settings(broker: Mosquitto, redis: Redis, bucket: InfluxBucket, api_port: int) -> dict[str, str]:
    return {
        "MICROGRID_MQTT_URL": broker.url,
        "MICROGRID_REDIS_URL": redis.url,
        "MICROGRID_TELEMETRY_STORE": "influx",
        "MICROGRID_INFLUX_URL": bucket.url,
        "MICROGRID_INFLUX_TOKEN": bucket.token,
        "MICROGRID_INFLUX_ORG": bucket.org,
        "MICROGRID_INFLUX_BUCKET": bucket.bucket,
        "MICROGRID_API_PORT": str(api_port),
        # As patient as a run of some minutes can be; what is asked for and how stays as it is.
        "MICROGRID_BACKFILL_GRACE_SECONDS": "5",
        "MICROGRID_BACKFILL_INTERVAL_SECONDS": "5",
        "MICROGRID_BACKFILL_REQUESTS_PER_SECOND": "100",
    }
