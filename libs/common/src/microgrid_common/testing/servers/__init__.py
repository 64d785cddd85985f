"""Real Mosquitto, Redis and InfluxDB servers for tests, as containers or as local processes.

    with mosquitto() as broker, redis_server() as redis, influxdb() as influx:
        ...  # broker.url, redis.url, influx.url, influx.token
        redis.kill()
        redis.start()  # same port, same data

`MICROGRID_TEST_SERVERS` chooses how they are run: `container` (a Docker engine through testcontainers),
`process` (the real programs on free loopback ports) or `auto`, the default: a container where one can be
had, else a process. Where neither can be had, `ServerUnavailableError` says why. Nothing is left behind,
not even when the test run is killed.
"""

from microgrid_common.testing.servers.backend import ServerNotReadyError, ServerUnavailableError
from microgrid_common.testing.servers.run_influxdb import InfluxBucket, InfluxDB, influxdb
from microgrid_common.testing.servers.run_mosquitto import Mosquitto, mosquitto
from microgrid_common.testing.servers.run_redis import Redis, redis_server
from microgrid_common.testing.servers.running import BackendChoice, Server

__all__ = [
    "BackendChoice",
    "InfluxBucket",
    "InfluxDB",
    "Mosquitto",
    "Redis",
    "Server",
    "ServerNotReadyError",
    "ServerUnavailableError",
    "influxdb",
    "mosquitto",
    "redis_server",
]
