"""The MQTT message publisher, on aiomqtt: QoS 1, by default MQTT 3.1.1, so that every broker takes it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from microgrid_common.adapters.mqtt import problems
from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.message_publisher import Presence, Subscription

KEEP_ALIVE_SECONDS = 20
"""A broker publishes the last will after one and a half times this without a sign of life."""

CONNECT_TIMEOUT_SECONDS = 5.0
"""How long the broker may take to answer a connect. Leaving in the middle of one waits for it."""

ANSWER_TIMEOUT_SECONDS = 10.0
"""How long the broker may take to acknowledge a message before the connection counts as dead."""

FAREWELL_TIMEOUT_SECONDS = 1.0
"""How long leaving may take; the broker notices by itself if it takes longer."""

_AT_LEAST_ONCE = 1
_SUBSCRIPTION_REFUSED = 128

Answer = TypeVar("Answer")

# aiomqtt warns of every connect that fails, which our callers say once, and of many messages at once.
_LOGGER = logging.getLogger(__name__)
_LOGGER.setLevel(logging.ERROR)


class AiomqttPublisher:
    """A `MessagePublisher` that connects when there is something to publish, again after each loss.

    Leaving the context disconnects.
    """

    def __init__(
        self,
        address: BrokerAddress,
        *,
        client_id: str | Callable[[], str],
        presence: Callable[[], Presence] | None = None,
        subscriptions: Sequence[Subscription] = (),
        mqtt5: bool = False,
    ) -> None:
        """Make it; nothing connects yet.

        Args:
            address: where the broker is.
            client_id: unique on the broker: a second connection with the same one ends the first. Or what
                gives one for each connection.
            presence: asked before every connect what to say about it; None to say nothing.
            subscriptions: what to hear while there is a connection.
            mqtt5: whether to speak MQTT 5, where the address is one for that alone.
        """
        self._address = address
        self._client_id = client_id
        self._presence = presence
        self._subscriptions = tuple(subscriptions)
        self._protocol = aiomqtt.ProtocolVersion.V5 if mqtt5 else aiomqtt.ProtocolVersion.V311
        self._connection: _Connection | None = None
        self._connecting: asyncio.Task[_Connection] | None = None

    async def __aenter__(self) -> Self:
        """Nothing yet: it connects with the first message."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Say that we leave, and disconnect."""
        if self._connecting:
            with suppress(RetryableError):
                self._connection = await self._connecting
        await self.disconnect()

    async def disconnect(self) -> None:
        """Say that we leave, and end the connection, if there is one; the next message makes a new one."""
        connection, self._connection = self._connection, None
        if connection:
            await connection.leave()

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish one message and wait until the broker has it.

        Raises:
            RetryableError: the broker is away.
        """
        connection = await self._connected()
        await connection.publish(topic, payload, retain=retain)

    async def ping(self) -> None:
        """Return if there is a connection, or one can be made.

        Raises:
            RetryableError: there is not; it says why.
        """
        await self._connected()

    async def _connected(self) -> "_Connection":
        if self._connection and self._connection.alive:
            return self._connection
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(), name="mqtt-publisher-connect")
        connecting = self._connecting
        try:
            # Shielded: aiomqtt cannot be cancelled while it connects, it would leave the socket open.
            self._connection = await asyncio.shield(connecting)
        finally:
            if connecting.done() and self._connecting is connecting:
                self._connecting = None
        return self._connection

    async def _connect(self) -> "_Connection":
        address = self._address
        presence = self._presence() if self._presence else None
        client = aiomqtt.Client(
            address.host,
            address.port,
            username=address.username,
            password=address.password,
            identifier=self._client_id if isinstance(self._client_id, str) else self._client_id(),
            protocol=self._protocol,
            logger=_LOGGER,
            tls_context=address.tls_context(),
            keepalive=KEEP_ALIVE_SECONDS,
            timeout=CONNECT_TIMEOUT_SECONDS,
            will=aiomqtt.Will(presence.topic, presence.offline, _AT_LEAST_ONCE, retain=True)
            if presence
            else None,
        )
        try:
            await client.__aenter__()
        except aiomqtt.MqttError as error:
            # After a refusal or no answer in time the socket is still open, and nobody else closes it.
            await _disconnect(client)
            raise RetryableError(f"{address}: {_why_refused(error, tls=address.tls is not None)}") from None
        client.timeout = ANSWER_TIMEOUT_SECONDS
        connection = _Connection(client, str(address), presence, self._subscriptions)
        await connection.begin()
        return connection


def _why_refused(error: aiomqtt.MqttError, *, tls: bool) -> RetryableError:
    if isinstance(error, aiomqtt.MqttCodeError) and isinstance(error.rc, ReasonCode):
        return problems.refused_login(error.rc.value, str(error.rc).lower())
    # What the network said is what aiomqtt was handling.
    return problems.no_connection(error.__context__, tls=tls, logged_in=False)


class _Connection:
    """One connection, from its CONNACK to its end."""

    def __init__(
        self,
        client: aiomqtt.Client,
        address: str,
        presence: Presence | None,
        subscriptions: tuple[Subscription, ...],
    ) -> None:
        self._client = client
        self._address = address
        self._presence = presence
        self._subscriptions = subscriptions
        self._lost = asyncio.create_task(_until_lost(client, subscriptions), name="mqtt-publisher-watch")

    @property
    def alive(self) -> bool:
        """Whether it can still be used, for all we know."""
        return not self._lost.done()

    async def begin(self) -> None:
        """Subscribe, then say that we are there: who hears it may ask us something at once."""
        try:
            if self._subscriptions:
                await self._subscribe([subscription.topic for subscription in self._subscriptions])
            if self._presence:
                await self.publish(self._presence.topic, self._presence.online, retain=True)
        except RetryableError:
            await self._close()
            raise

    async def _subscribe(self, topics: list[str]) -> None:
        filters = [(topic, _AT_LEAST_ONCE) for topic in topics]
        codes: Sequence[Any] = await self._answered(self._client.subscribe(filters))
        for topic, code in zip(topics, codes, strict=True):
            if code >= _SUBSCRIPTION_REFUSED:
                raise RetryableError(f"{self._address}: the broker refused to subscribe to {topic}")

    async def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Publish, and wait for the acknowledgement or the end of the connection."""
        await self._answered(self._client.publish(topic, payload, qos=_AT_LEAST_ONCE, retain=retain))

    async def _answered(self, call: Coroutine[Any, Any, Answer]) -> Answer:
        calling = asyncio.create_task(call, name="mqtt-publisher-call")
        try:
            await asyncio.wait((calling, self._lost), return_when=asyncio.FIRST_COMPLETED)
            if not calling.done():
                raise RetryableError(f"{self._address}: {self._why_lost()}")
            return calling.result()
        except aiomqtt.MqttError as error:
            # Also when the answer is only late: the next message gets a new connection, not a dead one.
            await self._close()
            raise RetryableError(f"{self._address}: {error}") from None
        finally:
            calling.cancel()

    def _why_lost(self) -> str:
        return "the connection was closed" if self._lost.cancelled() else self._lost.result()

    async def leave(self) -> None:
        """Say goodbye, as far as the broker still listens, and disconnect."""
        if self._presence and self.alive:
            with suppress(RetryableError, TimeoutError):
                async with asyncio.timeout(FAREWELL_TIMEOUT_SECONDS):
                    await self.publish(self._presence.topic, self._presence.offline, retain=True)
        await self._close()

    async def _close(self) -> None:
        self._lost.cancel()
        await _disconnect(self._client)


async def _until_lost(client: aiomqtt.Client, subscriptions: tuple[Subscription, ...]) -> str:
    """Hand out messages until the end of a connection; returns why it ended."""
    listeners = {subscription.topic: subscription.on_message for subscription in subscriptions}
    try:
        # Also without subscriptions: this is how aiomqtt tells that a connection is over.
        async for message in client.messages:
            if listener := listeners.get(message.topic.value):
                listener(bytes(message.payload))
    except aiomqtt.MqttError as error:
        return str(error.__cause__ or error)
    return "disconnected"


async def _disconnect(client: aiomqtt.Client) -> None:
    client.timeout = FAREWELL_TIMEOUT_SECONDS
    with suppress(aiomqtt.MqttError):
        await client.__aexit__(None, None, None)
