"""Pytest fixtures for tests on real servers, and on the whole monitor.

Add to the root `conftest.py`:

    pytest_plugins = ["microgrid_common.testing.plugin"]

The servers live for the whole session and are started when the first test asks for them. Tests that only
need a clean place ask for `mqtt_url`, `redis_url` or `influx_bucket`; these also start a server again that
an earlier test left stopped. Tests that make a server fail ask for that *and* for the server itself.

`microgrid_system` is the whole monitor, for the whole session; `microgrid_grid` a grid in it of one test
alone. docs/integration.md is the guide.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from microgrid_common.testing.servers import (
    InfluxBucket,
    InfluxDB,
    Mosquitto,
    Redis,
    ServerUnavailableError,
    influxdb,
    mosquitto,
    redis_server,
)
from microgrid_common.testing.servers.run_influxdb import INFLUXDB_IMAGE
from microgrid_common.testing.servers.run_mosquitto import MOSQUITTO_IMAGE
from microgrid_common.testing.servers.run_redis import REDIS_IMAGE
from microgrid_common.testing.servers.running import pull_image, server_is_demanded
from microgrid_common.testing.system import MicrogridSystem
from microgrid_common.testing.system import microgrid_system as run_microgrid_system
from microgrid_common.testing.system.running import images
from microgrid_common.testing.virtual_time import virtual_time

_IMAGES: dict[str, Callable[[], tuple[str, ...]]] = {
    "mosquitto_server": lambda: (MOSQUITTO_IMAGE,),
    "redis_server": lambda: (REDIS_IMAGE,),
    "influxdb_server": lambda: (INFLUXDB_IMAGE,),
    "microgrid_system": images,
}


def pytest_collection_finish(session: pytest.Session) -> None:
    """Pull the images that the collected tests need before the time limit of a test runs."""
    if session.config.option.collectonly:
        return
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    for fixture, images_of_it in _IMAGES.items():
        if fixture in wanted:
            for image in images_of_it():
                pull_image(image)


@pytest.fixture(name="virtual_time")
async def virtual_time_of_the_test() -> AsyncIterator[None]:
    """No real time passes in the test while its event loop only waits; see there what it is not for."""
    with virtual_time():
        yield


@pytest.fixture(scope="session")
def mosquitto_server() -> Iterator[Mosquitto]:
    """A Mosquitto broker for the whole session."""
    with _skipping_when_unavailable(), mosquitto() as server:
        yield server


@pytest.fixture(scope="session", name="redis_server")
def redis_server_for_session() -> Iterator[Redis]:
    """A Redis server for the whole session."""
    with _skipping_when_unavailable(), redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def influxdb_server() -> Iterator[InfluxDB]:
    """An InfluxDB server for the whole session."""
    with _skipping_when_unavailable(), influxdb() as server:
        yield server


@pytest.fixture
def mqtt_url(mosquitto_server: Mosquitto) -> str:
    """Address of a broker without sessions, queued or retained messages."""
    mosquitto_server.reset()
    return mosquitto_server.url


@pytest.fixture
def redis_url(redis_server: Redis) -> str:
    """Address of an empty Redis."""
    redis_server.start()
    redis_server.flush()
    return redis_server.url


@pytest.fixture
def influx_bucket(influxdb_server: InfluxDB) -> Iterator[InfluxBucket]:
    """A new bucket of this test alone."""
    influxdb_server.start()
    bucket = influxdb_server.create_bucket(f"test-{uuid4().hex}")
    yield bucket
    influxdb_server.start()
    influxdb_server.delete_bucket(bucket)


@pytest.fixture(scope="session")
def microgrid_system() -> Iterator[MicrogridSystem]:
    """The whole monitor for the whole session, ready to take readings."""
    with _skipping_when_unavailable(), run_microgrid_system() as system:
        yield system


@pytest.fixture
def microgrid_grid() -> str:
    """A grid that no other test uses: a test finds its own readings and alarms in it, and nothing else."""
    return f"grid-{uuid4().hex}"


@contextmanager
def _skipping_when_unavailable() -> Iterator[None]:
    try:
        yield
    except ServerUnavailableError as error:
        if server_is_demanded():
            raise
        pytest.skip(f"NOT tested on real servers: {error}")
