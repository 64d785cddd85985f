"""A real Redis for tests."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from microgrid_common.testing.servers.backend import ServerRecipe
from microgrid_common.testing.servers.running import BackendChoice, Server, run

REDIS_IMAGE = "redis:8"

_CONTAINER_PORT = 6379
_CONTAINER_DATA = "/data"
_REPLY_SECONDS = 10.0
# What a durable log needs: every write is on disk before it is acknowledged, and nothing is evicted.
_DURABILITY = (
    *("--appendonly", "yes"),
    *("--appendfsync", "always"),
    *("--maxmemory-policy", "noeviction"),
    *("--save", ""),
)


@dataclass(frozen=True, kw_only=True)
class Redis(Server):
    """A running Redis that has each write on disk before it answers."""

    @property
    def url(self) -> str:
        """Address of database 0 as `redis://host:port/0`."""
        return f"redis://{self.host}:{self.port}/0"

    def flush(self) -> None:
        """Remove every key of every database."""
        reply = _ask(self.host, self.port, b"FLUSHALL\r\n")
        if reply != b"+OK\r\n":
            raise RuntimeError(f"redis answered {reply!r} to FLUSHALL")


@contextmanager
def redis_server(*, backend: BackendChoice | None = None, network: str | None = None) -> Iterator[Redis]:
    """Run a Redis server.

    Args:
        backend: How to run it; None takes it from MICROGRID_TEST_SERVERS.
        network: Network of containers that it joins under its name, where it is a container.
    """
    with run(replace(_RECIPE, container_network=network), backend) as running:
        yield Redis(host=running.host, port=running.port, backend=running)


def _process_command(program: Path, port: int, data: Path) -> list[str]:
    return [str(program), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(data), *_DURABILITY]


def _is_ready(host: str, port: int) -> bool:
    # While it loads its data, it answers with an error.
    return _ask(host, port, b"PING\r\n") == b"+PONG\r\n"


def _ask(host: str, port: int, command: bytes) -> bytes:
    with socket.create_connection((host, port), timeout=_REPLY_SECONDS) as connection:
        connection.sendall(command)
        return connection.recv(1024)


_RECIPE = ServerRecipe(
    name="redis",
    image=REDIS_IMAGE,
    container_port=_CONTAINER_PORT,
    container_data=_CONTAINER_DATA,
    # Reached through the published port only, so the check of the caller's address has to be off.
    container_command=("redis-server", "--protected-mode", "no", "--dir", _CONTAINER_DATA, *_DURABILITY),
    program="redis-server",
    process_command=_process_command,
    is_ready=_is_ready,
)
