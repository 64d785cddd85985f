"""What a broker has kept on status topics: a receiver hears it, though a shared subscription does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import aiomqtt
import pytest

from microgrid_common.adapters.mqtt import receiver as receiver_module
from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_common.adapters.mqtt.receiver import MqttReceiver, ReceiverOptions
from microgrid_common.testing.servers import Mosquitto
from microgrid_common.testing.waiting import free_port, wait_until
from microgrid_standalone.embedded import embedded_broker

pytestmark = pytest.mark.integration

STATUS = "microgrid/village-1/device/meter-1/status"
STATUSES = "microgrid/+/device/+/status"


class Heard:
    """What a receiver heard and acknowledged."""

    def __init__(self) -> None:
        self.seen: list[tuple[bytes, bool]] = []
        """Payload, and whether it had been kept."""


@asynccontextmanager
async def hearing(port: int, options: ReceiverOptions) -> AsyncIterator[Heard]:
    heard = Heard()

    async def hear(source: MqttReceiver) -> None:
        while True:
            batch = await source.receive()
            heard.seen += [(message.payload, message.retained) for message in batch.messages]
            await source.acknowledge(batch)

    async def connected() -> bool:
        await source.ping()
        return True

    async with MqttReceiver(BrokerAddress("127.0.0.1", port), options) as source:
        await wait_until(connected, timeout=60, description="the receiver's session")
        task = asyncio.create_task(hear(source))
        yield heard
        task.cancel()
        await asyncio.wait([task])


async def publish(port: int, payload: bytes, *, topic: str = STATUS, retain: bool = True) -> None:
    async with aiomqtt.Client("127.0.0.1", port, identifier=f"test-{uuid4().hex}") as client:
        await client.publish(topic, payload, qos=1, retain=retain)


def shared() -> ReceiverOptions:
    return ReceiverOptions(
        client_id=f"test-{uuid4().hex}",
        topic_filters=["$share/ingestor/microgrid/#"],
        retained_filters=[STATUSES],
    )


@pytest.fixture
def _unsubscribes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver_module, "RETAINED_WITHIN", timedelta())


async def test_a_new_session_hears_what_was_kept_and_knows_it_for_that(
    mosquitto_server: Mosquitto, mqtt_url: str
) -> None:
    port = mosquitto_server.port
    await publish(port, b"kept")
    async with hearing(port, shared()) as heard:
        await publish(port, b"new")
        await wait_until(lambda: (b"new", False) in heard.seen, timeout=60, description="the new status")
    # An older Mosquitto sends it over the shared subscription as well.
    assert set(heard.seen) == {(b"kept", True), (b"new", False)}
    assert heard.seen[0] == (b"kept", True)


@pytest.mark.usefixtures("_unsubscribes_at_once")
async def test_once_it_has_heard_what_was_kept_a_status_comes_once(
    mosquitto_server: Mosquitto, mqtt_url: str
) -> None:
    port = mosquitto_server.port
    await publish(port, b"kept")
    async with hearing(port, shared()) as heard:
        await wait_until(lambda: heard.seen, timeout=60, description="what was kept")
        for number in range(3):
            await publish(port, b"%d" % number)
        await publish(port, b"end", topic="microgrid/data", retain=False)
        await wait_until(lambda: (b"end", False) in heard.seen, timeout=60, description="the end")
    assert [payload for payload, retained in heard.seen if not retained] == [b"0", b"1", b"2", b"end"]


async def test_a_session_that_goes_on_hears_again_what_was_kept(
    mosquitto_server: Mosquitto, mqtt_url: str
) -> None:
    port, options = mosquitto_server.port, shared()
    async with hearing(port, options):
        pass
    await asyncio.to_thread(mosquitto_server.kill)
    await asyncio.to_thread(mosquitto_server.start)
    # A broker that was killed may have forgotten the shared subscription, and this goes to nobody.
    await publish(port, b"kept")
    async with hearing(port, options) as heard:
        await wait_until(lambda: (b"kept", True) in heard.seen, timeout=60, description="what was kept")


async def test_without_sharing_everything_that_was_kept_comes_by_itself(tmp_path: Path) -> None:
    port, port_mqtt5 = free_port(), free_port()
    async with embedded_broker(tmp_path, port=port, port_mqtt5=port_mqtt5):
        await publish(port, b"kept")
        options = ReceiverOptions(client_id="standalone", topic_filters=["microgrid/#"])
        async with hearing(port_mqtt5, options) as heard:
            await publish(port, b"new")
            await wait_until(lambda: len(heard.seen) >= 2, timeout=60, description="both")
    assert heard.seen == [(b"kept", True), (b"new", False)]
