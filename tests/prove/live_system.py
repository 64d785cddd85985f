"""Two replicas of the API on a real Redis, each a process of its own that can be killed."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
from tests.prove.system import NotReadyError

from microgrid_common.testing.servers import redis_server
from microgrid_common.testing.service_process import ServiceProcess, service_process
from microgrid_common.testing.waiting import free_port, wait_until

REPLICAS: Final = ("api-1", "api-2")
SHARDS: Final = 4

_READY_SECONDS: Final = 40.0


@asynccontextmanager
async def running_apis(folder: Path) -> AsyncIterator[tuple[str, Mapping[int, ServiceProcess]]]:
    """Run them while the block runs, once they are ready; gives the address of Redis, and each by its port.

    Args:
        folder: where they run and keep their logs; must exist.

    Raises:
        NotReadyError: one did not become ready.
    """
    async with AsyncExitStack() as stack:
        redis = stack.enter_context(redis_server(backend="process"))
        services: dict[int, ServiceProcess] = {}
        for name in REPLICAS:
            own, port = folder / name, free_port()
            own.mkdir()
            settings = {
                "MICROGRID_REDIS_URL": redis.url,
                "MICROGRID_TELEMETRY_STORE": "sqlite",
                "MICROGRID_DATA_DIR": str(own),
                "MICROGRID_STREAMSHARDS": str(SHARDS),
                "MICROGRID_API_PORT": str(port),
            }
            services[port] = stack.enter_context(service_process("microgrid_api", settings, own))
        await _until_ready(services)
        yield redis.url, services


async def _until_ready(services: Mapping[int, ServiceProcess]) -> None:
    async with httpx.AsyncClient() as http:

        async def ready() -> bool:
            answers = [await http.get(f"http://127.0.0.1:{port}/readyz") for port in services]
            return all(answer.is_success for answer in answers)

        try:
            await wait_until(ready, timeout=_READY_SECONDS, description="the replicas of the API to be ready")
        except AssertionError as error:
            words = [service.log()[-1_000:] for service in services.values()]
            raise NotReadyError("\n".join([str(error), *words])) from None
