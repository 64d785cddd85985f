"""Runs a fleet against a broker."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_common.adapters.mqtt.publisher import AiomqttPublisher
from microgrid_common.ports.message_publisher import Subscription
from microgrid_common.schemas.topics import TopicKind, device_topic
from microgrid_simulator.device import OutgoingMessage, StatusMessages
from microgrid_simulator.fleet.device import FleetDevice
from microgrid_simulator.fleet.options import FleetOptions
from microgrid_simulator.fleet.record import FleetRecord
from microgrid_simulator.sender import BrokerAvailability, Sender

_SHORTEST_PAUSE_SECONDS = 0.005
"""At thousands of samples a second some are taken at once: a timer of its own for each would cost more."""


class Fleet:
    """A fleet that runs. `running_fleet` makes it."""

    def __init__(self, options: FleetOptions, devices: list[FleetDevice], senders: list[Sender]) -> None:
        self._options = options
        self._devices = devices
        self._senders = senders
        self._measured = 0

    async def measure(self, duration: timedelta) -> None:
        """Let the devices measure for so long, each in its turn; call it once.

        What the broker has not acknowledged by then the devices go on sending.
        """
        loop = asyncio.get_running_loop()
        spacing = self._options.interval_ms / self._options.devices / 1_000
        total = int(duration.total_seconds() / spacing)
        start = loop.time()
        while self._measured < total:
            due = min(total, int((loop.time() - start) / spacing) + 1)
            for slot in range(self._measured, due):
                number = slot % len(self._devices)
                self._devices[number].measure()
                self._senders[number].wake()
            self._measured = due
            until_next = start + due * spacing - loop.time()
            await asyncio.sleep(max(until_next, _SHORTEST_PAUSE_SECONDS))

    async def until_accepted(self) -> None:
        """Wait until the broker has everything that no device dropped, answers to requests included."""
        for sender in self._senders:
            await sender.idle()

    def record(self) -> FleetRecord:
        """What has been sent so far, also while it runs."""
        return FleetRecord(options=self._options, boots=[device.record() for device in self._devices])


def _ignore(_: OutgoingMessage) -> None:
    pass


@asynccontextmanager
async def running_fleet(address: BrokerAddress, options: FleetOptions) -> AsyncIterator[Fleet]:
    """Run a fleet: its devices connect with their first message, and again whenever the broker comes back.

    Args:
        address: where the broker is.
        options: what the fleet is like.
    """
    boot_id = secrets.token_hex(4)
    started_at_ms = int(time.time() * 1_000)
    devices = [
        FleetDevice(number, options, boot_id=boot_id, started_at_ms=started_at_ms)
        for number in range(options.devices)
    ]
    async with AsyncExitStack() as stack:
        senders: list[Sender] = []
        publishers = _publishers(devices, senders, address, options)
        for publisher in publishers:
            await stack.enter_async_context(publisher)
        availability = BrokerAvailability()
        senders.extend(
            Sender(device, publishers[number % len(publishers)], availability=availability)
            for number, device in enumerate(devices)
        )
        group = await stack.enter_async_context(asyncio.TaskGroup())
        sending = [
            group.create_task(sender.run(_ignore), name=f"fleet-{device.device_id}")
            for device, sender in zip(devices, senders, strict=True)
        ]
        yield Fleet(options, devices, senders)
        for task in sending:
            task.cancel()


def _publishers(
    devices: list[FleetDevice], senders: list[Sender], address: BrokerAddress, options: FleetOptions
) -> list[AiomqttPublisher]:
    """The connections; device `n` uses the one of number `n` modulo their number."""
    count = min(options.connections or options.devices, options.devices)
    run_id = secrets.token_hex(4)
    return [
        AiomqttPublisher(
            address,
            client_id=f"fleet-{run_id}-{index}",
            presence=None if options.connections else _status_messages(devices[index]),
            subscriptions=[
                _requests_to(number, devices, senders) for number in range(index, options.devices, count)
            ],
        )
        for index in range(count)
    ]


def _status_messages(device: FleetDevice) -> StatusMessages:
    return StatusMessages(device.grid_id, device.device_id, device.buffer)


def _requests_to(number: int, devices: list[FleetDevice], senders: list[Sender]) -> Subscription:
    device = devices[number]

    def hear(payload: bytes) -> None:
        device.hear(payload)
        senders[number].wake()

    return Subscription(device_topic(device.grid_id, device.device_id, TopicKind.BACKFILL_REQUEST), hear)
