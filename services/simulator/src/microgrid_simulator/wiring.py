"""Puts the simulator together."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from itertools import count

from microgrid_common.adapters.mqtt.address import BrokerAddress, broker_address
from microgrid_common.adapters.mqtt.publisher import AiomqttPublisher
from microgrid_common.ports.message_publisher import Subscription
from microgrid_simulator.profiles import Hear, ProfileOptions, SimulatedDevice, simulated_devices
from microgrid_simulator.sender import BrokerAvailability, Sender
from microgrid_simulator.service import SimulatorPorts, Station
from microgrid_simulator.settings import SimulatorSettings


@asynccontextmanager
async def build(settings: SimulatorSettings) -> AsyncIterator[SimulatorPorts]:
    """The simulator's ports; nothing connects before the first message."""
    address = broker_address(settings)
    boot_id = secrets.token_hex(4)
    seed = secrets.randbits(32) if settings.simulator_seed is None else settings.simulator_seed
    options = ProfileOptions(
        devices=settings.simulator_devices,
        seed=seed,
        boot_id=boot_id,
        samples_kept=settings.simulator_samples_kept,
    )
    availability = BrokerAvailability()
    async with AsyncExitStack() as stack:
        stations = [
            await stack.enter_async_context(
                # Two simulators on one broker must not end each other's connections.
                station(device, address, client_id=f"simulator-{device.name}-{boot_id}", to=availability)
            )
            for device in simulated_devices(settings.simulator_profile, options)
        ]
        yield SimulatorPorts(tuple(stations))


@asynccontextmanager
async def station(
    device: SimulatedDevice, address: BrokerAddress, *, client_id: str, to: BrokerAvailability
) -> AsyncIterator[Station]:
    """A device with a connection of its own.

    Args:
        device: what measures.
        address: where the broker is.
        client_id: unique on the broker; each connection adds its number.
        to: told whether the broker is there.
    """

    def subscription(topic: str, hear: Hear) -> Subscription:
        def on_message(payload: bytes) -> None:
            hear(payload, datetime.now(UTC))
            sender.wake()

        return Subscription(topic, on_message)

    connections = count(1)
    publisher = AiomqttPublisher(
        address,
        # A device that restarts is back at once. The embedded broker, when it has not seen the end of a
        # connection yet, publishes the last will of the next one that has the same client id.
        client_id=lambda: f"{client_id}-{next(connections)}",
        presence=device.presence,
        subscriptions=[subscription(topic, hear) for topic, hear in device.listens.items()],
    )
    sender = Sender(device.outbox, publisher, availability=to, disconnect=publisher.disconnect)
    async with publisher:
        yield Station(device, sender)
