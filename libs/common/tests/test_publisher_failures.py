"""The MQTT publisher against a broker that misbehaves: each failure ends soon, in a retryable error."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from microgrid_common.adapters.mqtt import publisher as publisher_module
from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_common.adapters.mqtt.publisher import AiomqttPublisher
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.message_publisher import Subscription
from microgrid_common.testing.waiting import free_port, wait_until

# Over real sockets, against servers that misbehave on purpose.
pytestmark = pytest.mark.integration

CONNECT, PUBLISH, SUBSCRIBE, DISCONNECT = 1, 3, 8, 14
WELCOME = b"\x20\x02\x00\x00"
NOT_AUTHORISED = b"\x20\x02\x00\x05"

Behave = Callable[[int, bytes, asyncio.StreamWriter], Awaitable[None]]


class ScriptedBroker:
    """Speaks as much MQTT 3.1.1 as it is told to."""

    def __init__(self, behave: Behave) -> None:
        self._behave = behave
        self.packets: list[int] = []
        self.open_connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open_connections += 1
        try:
            while header := await reader.read(1):
                size, shift = 0, 0
                while True:
                    byte = (await reader.readexactly(1))[0]
                    size |= (byte & 0x7F) << shift
                    shift += 7
                    if byte < 0x80:
                        break
                body = await reader.readexactly(size)
                self.packets.append(header[0] >> 4)
                await self._behave(header[0] >> 4, body, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            # The socket is closed a turn of the event loop later, which may not come after the test.
            with suppress(OSError):
                await writer.wait_closed()
            self.open_connections -= 1


@asynccontextmanager
async def scripted_broker(behave: Behave) -> AsyncIterator[ScriptedBroker]:
    broker = ScriptedBroker(behave)
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    yield broker
    server.close()
    await wait_until(
        lambda: broker.open_connections == 0,
        timeout=60,
        description="the publisher to close every connection",
    )


def publisher(broker: ScriptedBroker) -> AiomqttPublisher:
    address = BrokerAddress("127.0.0.1", broker.port, username="device", password="correct horse")
    return AiomqttPublisher(address, client_id="test")


@pytest.fixture
def _impatient_with_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "ANSWER_TIMEOUT_SECONDS", 0.2)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch, _impatient_with_answers: None) -> None:
    monkeypatch.setattr(publisher_module, "CONNECT_TIMEOUT_SECONDS", 0.2)


async def test_a_refused_login_says_why_and_not_with_what() -> None:
    async def refuse(kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        assert b"correct horse" in body
        writer.write(NOT_AUTHORISED)

    async with scripted_broker(refuse) as broker, publisher(broker) as sender:
        with pytest.raises(RetryableError, match=r"not authorized.*check the user and password") as refusal:
            await sender.publish("microgrid/data", b"{}")
        assert "horse" not in str(refusal.value)
        assert "horse" not in repr(sender)


@pytest.mark.usefixtures("_impatient")
async def test_a_broker_that_does_not_answer_a_connect_is_left() -> None:
    async def keep_silent(kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        pass

    async with scripted_broker(keep_silent) as broker, publisher(broker) as sender:
        with pytest.raises(RetryableError, match="no answer in time"):
            await sender.ping()


@pytest.mark.usefixtures("_impatient_with_answers")
async def test_a_broker_that_does_not_acknowledge_gets_a_new_connection_next_time() -> None:
    async def welcome(kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        if kind == CONNECT:
            writer.write(WELCOME)

    async with scripted_broker(welcome) as broker, publisher(broker) as sender:
        for _ in range(2):
            with pytest.raises(RetryableError, match="timed out"):
                await sender.publish("microgrid/data", b"{}")
        await wait_until(
            lambda: broker.packets == [CONNECT, PUBLISH, DISCONNECT] * 2,
            timeout=60,
            description="two connections, each with its end",
        )


async def test_messages_that_wait_for_an_answer_fail_at_once_when_the_connection_breaks() -> None:
    async def hang_up(kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        if kind == CONNECT:
            writer.write(WELCOME)
        else:
            writer.transport.abort()

    async with scripted_broker(hang_up) as broker, publisher(broker) as sender:
        # Less than they would wait for the answer.
        async with asyncio.timeout(8):
            results = await asyncio.gather(
                *(sender.publish("microgrid/data", b"{}") for _ in range(3)), return_exceptions=True
            )
        assert [type(result) for result in results] == [RetryableError] * 3


async def test_messages_at_once_share_one_connection() -> None:
    async def acknowledge(kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        if kind == CONNECT:
            writer.write(WELCOME)
        elif kind == PUBLISH:
            topic_size = int.from_bytes(body[:2], "big")
            writer.write(b"\x40\x02" + body[2 + topic_size : 4 + topic_size])

    async with scripted_broker(acknowledge) as broker, publisher(broker) as sender:
        await asyncio.gather(*(sender.publish("microgrid/data", b"{}") for _ in range(5)))
        assert broker.packets == [CONNECT, *[PUBLISH] * 5]


async def test_a_refused_subscription_is_no_connection() -> None:
    async def refuse_to_tell(kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        if kind == CONNECT:
            writer.write(WELCOME)
        elif kind == SUBSCRIBE:
            writer.write(b"\x90\x03" + body[:2] + b"\x80")

    def ignore(payload: bytes) -> None:
        pass

    async with scripted_broker(refuse_to_tell) as broker:
        address = BrokerAddress("127.0.0.1", broker.port)
        subscriptions = [Subscription("microgrid/secret", ignore)]
        async with AiomqttPublisher(address, client_id="test", subscriptions=subscriptions) as sender:
            with pytest.raises(RetryableError, match="refused to subscribe to microgrid/secret"):
                await sender.publish("microgrid/data", b"{}")
    assert PUBLISH not in broker.packets


@pytest.mark.usefixtures("_impatient")
async def test_a_cancelled_message_leaves_no_connection_behind() -> None:
    reached = asyncio.Event()

    async def keep_silent(kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        reached.set()

    async with scripted_broker(keep_silent) as broker:
        async with publisher(broker) as sender:
            publishing = asyncio.create_task(sender.publish("microgrid/data", b"{}"))
            await reached.wait()
            publishing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await publishing
        assert publishing.cancelled()


async def test_what_the_error_says_is_not_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    nobody = AiomqttPublisher(BrokerAddress("127.0.0.1", free_port()), client_id="test")
    for _ in range(2):
        with pytest.raises(RetryableError, match="refused"):
            await nobody.ping()
    assert caplog.records == []


async def test_making_one_and_leaving_it_unused_connects_to_nothing() -> None:
    async def welcome(kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(WELCOME)

    async with scripted_broker(welcome) as broker:
        async with publisher(broker):
            pass
        assert broker.packets == []
