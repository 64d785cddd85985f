"""Puts together what a backtest reads from."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.device_registry import RedisDeviceRegistry
from microgrid_common.adapters.redis.link_store import RedisLinkStore
from microgrid_common.adapters.telemetry_stores import open_telemetry_store
from microgrid_common.ports.device_registry import DeviceRegistry
from microgrid_common.ports.link_store import LinkStore
from microgrid_common.ports.telemetry_store import TelemetryStore
from microgrid_common.runtime.settings import RedisSettings, TelemetryStoreSettings


class BacktestSettings(RedisSettings, TelemetryStoreSettings):
    """What a backtest reads from `MICROGRID_…` variables and `.env`."""


@dataclass(frozen=True, slots=True)
class BacktestPorts:
    """What a backtest reads from."""

    telemetry: TelemetryStore
    devices: DeviceRegistry
    links: LinkStore


@asynccontextmanager
async def open_backtest_ports(settings: BacktestSettings) -> AsyncIterator[BacktestPorts]:
    """What a backtest reads from, while the block runs."""
    async with AsyncExitStack() as stack:
        client = make_client(settings.redis_url)
        stack.push_async_callback(client.aclose)
        telemetry = await stack.enter_async_context(open_telemetry_store(settings))
        yield BacktestPorts(telemetry, RedisDeviceRegistry(client), RedisLinkStore(client))
