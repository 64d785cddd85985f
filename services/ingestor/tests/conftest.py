"""Fixtures of the ingestor's tests."""

from datetime import UTC, datetime

import pytest

from microgrid_common.testing.fakes.command_store import FakeCommandStore
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.link_store import FakeLinkStore
from microgrid_common.testing.fakes.message_publisher import FakeMessagePublisher
from microgrid_common.transforms.link_rules import LinkRules
from microgrid_ingestor.command_keeper import CommandKeeper
from microgrid_ingestor.device_desk import DeviceDesk
from microgrid_ingestor.device_directory import DeviceDirectory
from microgrid_ingestor.link_keeper import LinkKeeper


@pytest.fixture
def registry() -> FakeDeviceRegistry:
    """The device registry, empty."""
    return FakeDeviceRegistry()


@pytest.fixture
def links() -> FakeLinkStore:
    """The links of devices, in a log of their own."""
    return FakeLinkStore(FakeDurableLog())


@pytest.fixture
def commands() -> FakeCommandStore:
    """The store of commands, in a log of its own."""
    return FakeCommandStore()


@pytest.fixture
def devices(registry: FakeDeviceRegistry, links: FakeLinkStore, commands: FakeCommandStore) -> DeviceDesk:
    """Where the path of a message asks about devices and tells about them."""
    directory = DeviceDirectory(registry)
    keeper = LinkKeeper(links, directory, rules=LinkRules(), shards=4, clock=lambda: datetime.now(UTC))
    answers = CommandKeeper(commands, FakeMessagePublisher(), commands.log, clock=lambda: datetime.now(UTC))
    return DeviceDesk(directory, keeper, answers)
