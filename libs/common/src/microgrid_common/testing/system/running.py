"""Starting the whole monitor."""

import importlib.util
import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Final, cast

from microgrid_common.testing.servers import (
    BackendChoice,
    InfluxDB,
    Mosquitto,
    Redis,
    Server,
    ServerUnavailableError,
    influxdb,
    mosquitto,
    redis_server,
)
from microgrid_common.testing.servers.cleanup import cleanup
from microgrid_common.testing.servers.run_influxdb import INFLUXDB_IMAGE
from microgrid_common.testing.servers.run_mosquitto import MOSQUITTO_IMAGE
from microgrid_common.testing.servers.run_redis import REDIS_IMAGE
from microgrid_common.testing.servers.running import choice_from_environment, run, why_no_container
from microgrid_common.testing.system.services import (
    ALERT_ENGINE,
    API,
    INGESTOR,
    NOTIFIER,
    SERVICES,
    Service,
    image,
    recipe_for,
)
from microgrid_common.testing.system.system import MicrogridSystem
from microgrid_common.testing.system.together import do_together, enter_together

ADMINISTRATOR: Final = "integrator"


@contextmanager
def microgrid_system(*, backend: BackendChoice | None = None) -> Iterator[MicrogridSystem]:
    """Run the whole monitor, ready to take readings, and remove it with its data at the end.

    Args:
        backend: How to run it; None takes it from MICROGRID_TEST_SERVERS.

    Raises:
        ServerUnavailableError: No permitted back end can run all of it on this machine.
        ServerNotReadyError: A part was started and did not come to answer.
    """
    choice = _chosen(backend or choice_from_environment())
    # Once, before there are threads.
    cleanup()
    with ExitStack() as stack:
        network = stack.enter_context(_network(choice))
        servers = _start_servers(stack, choice, network)
        settings = _settings(*servers, in_network=network is not None)

        def start(*services: Service) -> dict[str, Server]:
            managers = [_running(service, settings, choice, network) for service in services]
            started = enter_together(stack, *managers)
            return {service.name: server for service, server in zip(services, started, strict=True)}

        running = start(API, ALERT_ENGINE, NOTIFIER)
        password = f"{secrets.token_urlsafe(16)}-aA1"
        api = running[API.name].backend
        do_together(
            lambda: api.run_inside(("python", "-m", INGESTOR.module, "setup")),
            lambda: api.run_inside(
                ("python", "-m", API.module, "create-admin", ADMINISTRATOR), stdin=f"{password}\n"
            ),
        )
        # Not before the setup: it waits for its buckets, longer with each time that it looks.
        running |= start(INGESTOR)
        broker, redis, influx = servers
        yield MicrogridSystem(
            mosquitto=broker,
            redis=redis,
            influxdb=influx,
            services=running,
            host_of_the_tests="127.0.0.1" if network is None else _host_for_containers(),
            administrator=ADMINISTRATOR,
            password=password,
        )


def images() -> tuple[str, ...]:
    """The images that the system consists of as containers."""
    return image(), MOSQUITTO_IMAGE, REDIS_IMAGE, INFLUXDB_IMAGE


def _chosen(choice: BackendChoice) -> BackendChoice:
    """One back end for all parts: a container and a process do not find each other."""
    reasons = []
    if choice != "process":
        missing = [reason for each in images() if (reason := why_no_container(each)) is not None]
        if not missing:
            return "container"
        reasons.append(missing[0])
    if choice != "container":
        if not (absent := sorted({service.package for service in SERVICES if not _is_installed(service)})):
            return "process"
        reasons.append(f"the packages {', '.join(absent)} are not installed")
    raise ServerUnavailableError(f"the monitor cannot be run here: {', and '.join(reasons)}")


def _is_installed(service: Service) -> bool:
    try:
        return importlib.util.find_spec(service.module) is not None
    except ModuleNotFoundError:
        return False


def _network(choice: BackendChoice) -> AbstractContextManager[str | None]:
    if choice == "process":
        return nullcontext()
    # Imported late: a machine without containers needs no testcontainers either.
    from microgrid_common.testing.servers.container import container_network  # noqa: PLC0415

    return container_network()


def _host_for_containers() -> str:
    from microgrid_common.testing.servers.container import HOST_OF_THE_TESTS  # noqa: PLC0415 - as above

    return HOST_OF_THE_TESTS


def _start_servers(
    stack: ExitStack, choice: BackendChoice, network: str | None
) -> tuple[Mosquitto, Redis, InfluxDB]:
    managers = (
        mosquitto(backend=choice, network=network),
        redis_server(backend=choice, network=network),
        influxdb(backend=choice, network=network),
    )
    started = enter_together(stack, *cast("tuple[AbstractContextManager[Server], ...]", managers))
    return cast("tuple[Mosquitto, Redis, InfluxDB]", tuple(started))


@contextmanager
def _running(
    service: Service, settings: Mapping[str, str], choice: BackendChoice, network: str | None
) -> Iterator[Server]:
    with run(recipe_for(service, settings, network), choice) as backend:
        yield Server(host=backend.host, port=backend.port, backend=backend)


def _settings(broker: Mosquitto, redis: Redis, influx: InfluxDB, *, in_network: bool) -> dict[str, str]:
    return {
        "MICROGRID_MQTT_URL": "mqtt://mosquitto:1883" if in_network else broker.url,
        "MICROGRID_REDIS_URL": "redis://redis:6379/0" if in_network else redis.url,
        "MICROGRID_TELEMETRY_STORE": "influx",
        "MICROGRID_INFLUX_URL": "http://influxdb:8086" if in_network else influx.url,
        "MICROGRID_INFLUX_TOKEN": influx.token,
        "MICROGRID_INFLUX_ORG": influx.org,
        "MICROGRID_INFLUX_BUCKET": influx.bucket,
        "MICROGRID_AUTH_MODE": "local",
        "MICROGRID_AUTH_SIGNING_KEY": secrets.token_urlsafe(48),
    }
