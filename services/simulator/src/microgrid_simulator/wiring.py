"""Puts the simulator together."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from microgrid_common.adapters.mqtt.address import BrokerAddress, TlsFiles, parse_broker_url
from microgrid_common.adapters.mqtt.publisher import AiomqttPublisher
from microgrid_simulator.profiles import ProfileOptions, simulated_devices
from microgrid_simulator.service import SimulatorPorts, Station
from microgrid_simulator.settings import SimulatorSettings


@asynccontextmanager
async def build(settings: SimulatorSettings) -> AsyncIterator[SimulatorPorts]:
    """The simulator's ports; nothing connects before the first message."""
    address = broker_address(settings)
    boot_id = secrets.token_hex(4)
    seed = secrets.randbits(32) if settings.simulator_seed is None else settings.simulator_seed
    options = ProfileOptions(devices=settings.simulator_devices, seed=seed, boot_id=boot_id)
    async with AsyncExitStack() as stack:
        stations = []
        for device in simulated_devices(settings.simulator_profile, options):
            publisher = AiomqttPublisher(
                # Two simulators on one broker must not end each other's connections.
                address,
                client_id=f"simulator-{device.name}-{boot_id}",
                presence=device.presence,
            )
            stations.append(Station(device, await stack.enter_async_context(publisher)))
        yield SimulatorPorts(tuple(stations))


def broker_address(settings: SimulatorSettings) -> BrokerAddress:
    """Where the broker is, with what TLS needs."""
    files = TlsFiles(settings.mqtt_ca_file, settings.mqtt_certificate_file, settings.mqtt_key_file)
    return parse_broker_url(str(settings.mqtt_url), files)
