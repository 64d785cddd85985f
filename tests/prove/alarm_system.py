"""Two alert engines and the notifier on real servers, each a process of its own that can be killed."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from tests.prove.alarm_scene import GATEWAY, RULES, gateway_children
from tests.prove.system import NotReadyError

from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.device_registry import RedisDeviceRegistry
from microgrid_common.adapters.redis.notification_settings import RedisNotificationSettings
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.notification import NotificationSettings
from microgrid_common.testing.http_sink import HttpSink, http_sink
from microgrid_common.testing.servers import mosquitto, redis_server
from microgrid_common.testing.service_process import ServiceProcess, service_process
from microgrid_common.testing.waiting import free_port, wait_until

ENGINES = ("engine-1", "engine-2")
NOTIFIER = "notifier"
SHARDS = 4

_ENGINE_MODULE, _NOTIFIER_MODULE = "microgrid_alert_engine", "microgrid_alert_engine.notifier"
_READY_SECONDS = 40.0
_LAST_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class AlarmSystem:
    """The running system."""

    redis_url: str
    services: Mapping[str, ServiceProcess]
    """By name: the engines and the notifier."""
    readiness_urls: Sequence[str]
    sink: HttpSink
    """What the notifier's channel posts to."""

    async def until_ready(self) -> None:
        """Wait until every service says that it can work.

        Raises:
            NotReadyError: one did not in time.
        """
        async with httpx.AsyncClient() as client:

            async def ready() -> bool:
                answers = [await client.get(url) for url in self.readiness_urls]
                return all(answer.is_success for answer in answers)

            try:
                await wait_until(
                    ready, timeout=_READY_SECONDS, description="engines and notifier to be ready"
                )
            except AssertionError as error:
                words = [f"{name}: {one.log()[-_LAST_CHARACTERS:]}" for name, one in self.services.items()]
                raise NotReadyError("\n".join([str(error), *words])) from None


@asynccontextmanager
async def running_alarm_system(folder: Path) -> AsyncIterator[AlarmSystem]:
    """Run it while the block runs, once it is ready.

    Args:
        folder: where the services run and keep their logs; must exist.

    Raises:
        microgrid_common.testing.servers.ServerUnavailableError: a server is not installed.
        NotReadyError: it was started and did not become ready.
    """
    rules_file = folder / "rules.json"
    rules_file.write_text(json.dumps([rule.model_dump(mode="json") for rule in RULES]), encoding="utf-8")
    async with AsyncExitStack() as stack:
        broker = stack.enter_context(mosquitto(backend="process"))
        redis = stack.enter_context(redis_server(backend="process"))
        sink = await stack.enter_async_context(http_sink())
        await _set_up(redis.url, sink)
        settings = {
            "MICROGRID_MQTT_URL": broker.url,
            "MICROGRID_REDIS_URL": redis.url,
            "MICROGRID_STREAM_SHARDS": str(SHARDS),
            "MICROGRID_RULES_FILE": str(rules_file),
        }
        services: dict[str, ServiceProcess] = {}
        readiness_urls: list[str] = []
        for name in (*ENGINES, NOTIFIER):
            own, port = folder / name, free_port()
            own.mkdir()
            more = {
                "MICROGRID_HEALTH_PORT": str(port),
                "MICROGRID_ALERT_ENGINE_NAME": name,
                "MICROGRID_NOTIFIER_NAME": name,
            }
            module = _NOTIFIER_MODULE if name == NOTIFIER else _ENGINE_MODULE
            services[name] = stack.enter_context(service_process(module, settings | more, own))
            readiness_urls.append(f"http://127.0.0.1:{port}/readyz")
        system = AlarmSystem(redis.url, services, readiness_urls, sink)
        await system.until_ready()
        yield system


async def kill_and_start(service: ServiceProcess, *, down_seconds: float) -> None:
    """End a service at once, as a crash would, and start it again after a while."""
    await asyncio.to_thread(service.kill)
    await asyncio.sleep(down_seconds)
    await asyncio.to_thread(service.start)


async def _set_up(redis_url: str, sink: HttpSink) -> None:
    """Register the gateway with its children, and say whom to tell: all that is raised, each by itself."""
    client = make_client(redis_url)
    try:
        await RedisDeviceRegistry(client).put(
            [
                Device(grid_id=child.grid_id, device_id=child.device_id, parent_id=GATEWAY.device_id)
                for child in gateway_children()
            ]
        )
        await RedisNotificationSettings(client).put(
            NotificationSettings.model_validate(
                {
                    "channels": [
                        {
                            "kind": "webhook",
                            "channel_id": "hook",
                            "url": sink.url,
                            "messages": 1_000,
                            "period_seconds": 1,
                        }
                    ],
                    "routes": [{"route_id": "all", "targets": [{"channel_id": "hook"}], "all_clear": False}],
                }
            ),
            expected_version=0,
        )
    finally:
        await client.aclose()
