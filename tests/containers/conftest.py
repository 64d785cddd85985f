"""One running system for all tests that leave it as it is."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from tests.containers.running_system import ADMINISTRATOR, PASSWORD, System, running, skip_without_images


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """What `make up` starts, with an administrator."""
    skip_without_images()
    with running(tmp_path_factory.mktemp("state"), f"microgrid-test-{uuid4().hex[:8]}") as started:
        yield started


@pytest_asyncio.fixture
async def administrator(system: System) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API, logged in."""
    async with system.as_user(ADMINISTRATOR, PASSWORD) as client:
        yield client
