"""Puts the whole system together: embedded servers, one set of adapters, the ports of every service."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import microgrid_alert_engine.notifier.wiring
import microgrid_alert_engine.wiring
import microgrid_api.wiring
import microgrid_ingestor.wiring
import microgrid_simulator.wiring
from microgrid_alert_engine.notifier.service import NotifierPorts
from microgrid_alert_engine.service import AlertEnginePorts
from microgrid_api.ports import ApiPorts
from microgrid_common.runtime.health import Ping
from microgrid_ingestor.service import IngestorPorts
from microgrid_simulator.service import SimulatorPorts
from microgrid_standalone.embedded import data_folder, embedded_broker, embedded_valkey, require_free_port
from microgrid_standalone.settings import LOOPBACK, StandaloneSettings


@dataclass(frozen=True, slots=True)
class System:
    """The ports of every service."""

    ingestor: IngestorPorts
    alert_engine: AlertEnginePorts
    notifier: NotifierPorts
    api: ApiPorts
    simulator: SimulatorPorts | None
    """None when nothing is simulated."""

    @property
    def dependencies(self) -> dict[str, Ping]:
        """What `/readyz` asks."""
        return self.ingestor.dependencies


@asynccontextmanager
async def build(settings: StandaloneSettings) -> AsyncIterator[System]:
    """The embedded servers, started, and the ports of every service; all ended in the reverse order.

    Raises:
        CannotStartError: a port or the data folder is in use.
    """
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(data_folder(settings.data_dir))
        require_free_port(LOOPBACK, settings.mqtt_port, "MICROGRID_MQTT_PORT")
        require_free_port(LOOPBACK, settings.mqtt5_port, "MICROGRID_MQTT5_PORT")
        require_free_port(settings.api_host, settings.api_port, "MICROGRID_API_PORT")
        redis_url = await stack.enter_async_context(embedded_valkey(folder / "valkey"))
        await stack.enter_async_context(
            embedded_broker(folder, port=settings.mqtt_port, port_mqtt5=settings.mqtt5_port)
        )
        services = settings.for_services(redis_url)
        ingestor = await stack.enter_async_context(microgrid_ingestor.wiring.build(services))
        alert_engine = await stack.enter_async_context(microgrid_alert_engine.wiring.build(services))
        notifier = await stack.enter_async_context(microgrid_alert_engine.notifier.wiring.build(services))
        api = await stack.enter_async_context(microgrid_api.wiring.build(services))
        simulator = None
        if settings.simulate:
            devices = settings.for_devices()
            simulator = await stack.enter_async_context(microgrid_simulator.wiring.build(devices))
        api = replace(api, dependencies=ingestor.dependencies)
        yield System(ingestor, alert_engine, notifier, api, simulator)
