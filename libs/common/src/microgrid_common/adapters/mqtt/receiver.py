"""The MQTT message source: a persistent MQTT 5 session that acknowledges when it is told to.

aiomqtt 2 acknowledges on receipt and has no manual acknowledgement, hence this receiver of our own on
the packet codec by the same authors; `docs/decisions` says when to go back.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Self

import mqtt5
import structlog

from microgrid_common.adapters.mqtt import problems
from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_common.adapters.mqtt.connection import MqttConnection
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.message_source import InboundBatch
from microgrid_common.runtime.backoff import Backoff

RETAINED_WITHIN = timedelta(seconds=30)
"""What the broker has kept comes so soon after subscribing. Until then what is published on these topics
comes twice; later that would only be a waste."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverOptions:
    """How to receive."""

    client_id: str
    """Names the session that the broker keeps; unique among replicas, the same after a restart."""
    topic_filters: list[str]
    retained_filters: list[str] = field(default_factory=list)
    """Of these topics also what the broker has kept, after each connect. A shared subscription gets none of
    that, hence another one beside it, for a while."""
    receive_maximum: int = 5_000
    """How many messages the broker may send ahead of our acknowledgements, 1 to 65,535."""
    batch_limit: int = 1_000
    """The largest number of messages in one batch."""
    session_expiry: timedelta = field(default=timedelta(days=7))
    """How long the broker keeps messages for us while we are away."""
    keep_alive: timedelta = field(default=timedelta(seconds=20))
    """A connection over which nothing came for one and a half times this is dead."""
    connect_timeout: timedelta = field(default=timedelta(seconds=10))
    settled_after: timedelta = field(default=timedelta(seconds=5))
    """A connection that holds for so long is back; one that ends sooner is part of the same outage."""


class MqttReceiver:
    """A `MessageSource` that keeps its connection up by itself.

    Entering it starts to connect and returns at once; `receive` waits until messages come.

    Args:
        address: where the broker is.
        options: how to receive.
        backoff: how long to wait between attempts to connect; a new one by default.
    """

    def __init__(
        self, address: BrokerAddress, options: ReceiverOptions, *, backoff: Backoff | None = None
    ) -> None:
        self._address = address
        self._options = options
        self._backoff = backoff or Backoff()
        self._arrived = asyncio.Event()
        self._connection: MqttConnection | None = None
        """From the login on."""
        self._subscribed = False
        self._problem = "not connected yet"
        self._said: set[str] = set()
        """What was logged about the outage that lasts."""
        self._closed_without_reason = 0
        """How many sessions in a row, none of which had held for long."""
        self._has_session = False
        """Whether the broker keeps messages for us; it may have lost them when it comes back."""
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger().bind(
            dependency="mqtt", address=str(address), client_id=options.client_id
        )

    async def __aenter__(self) -> Self:
        """Start to connect."""
        self._task = asyncio.create_task(self._stay_connected(), name="mqtt-receiver")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect; the session stays with the broker."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def receive(self) -> InboundBatch:
        """Wait for messages; all that have arrived, up to the batch limit."""
        while True:
            await self._arrived.wait()
            connection = self._connection
            pending = connection.take(self._options.batch_limit) if connection else []
            if not connection or not pending:
                self._arrived.clear()
                continue
            packet_ids = [packet_id for _, packet_id, _ in pending if packet_id is not None]
            return InboundBatch([message for message, _, _ in pending], (connection, packet_ids))

    async def acknowledge(self, batch: InboundBatch) -> None:
        """Take the messages over from the broker.

        A packet id is good only for the connection that it came by, so after a reconnect this does
        nothing: the broker sends the messages again.
        """
        connection, packet_ids = batch.receipt
        connection.acknowledge(packet_ids)

    async def ping(self) -> None:
        """Return if the session is up.

        Raises:
            RetryableError: it is not; it says why.
        """
        if not self._subscribed:
            raise RetryableError(f"{self._address}: {self._problem}")

    async def _stay_connected(self) -> None:
        while True:
            try:
                connection = await self._connect()
            except RetryableError as error:
                problem = error
            else:
                problem = self._suspect_takeover(await self._listen(connection))
            self._problem = str(problem)
            if self._problem not in self._said:
                self._said.add(self._problem)
                self._log.warning("dependency_away", error=self._problem)
            delay = self._backoff.next_delay(at_least=problem.retry_after)
            await asyncio.sleep(delay.total_seconds())

    async def _listen(self, connection: MqttConnection) -> RetryableError:
        """Let messages come until the connection has ended; returns why it did."""
        loop = asyncio.get_running_loop()
        settling = loop.call_later(self._options.settled_after.total_seconds(), self._settled)
        self._subscribed = True
        try:
            return await self._keep_alive(connection)
        finally:
            settling.cancel()
            self._subscribed = False
            self._leave(connection, "stopping")

    def _suspect_takeover(self, problem: RetryableError) -> RetryableError:
        if not isinstance(problem, problems.ClosedWithoutReasonError):
            return problem
        self._closed_without_reason += 1
        # Once may be a restart of the broker, which must not cost a long pause.
        return problem if self._closed_without_reason == 1 else problems.closed_again_without_reason()

    def _leave(self, connection: MqttConnection, why: str) -> None:
        self._connection = None
        connection.close(why)

    def _settled(self) -> None:
        self._backoff.reset()
        self._closed_without_reason = 0
        self._has_session = True
        if self._said:
            self._said.clear()
            self._log.info("dependency_back")

    async def _connect(self) -> MqttConnection:
        address, options = self._address, self._options
        try:
            async with asyncio.timeout(options.connect_timeout.total_seconds()):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: MqttConnection(self._arrived.set, tls=address.tls is not None),
                    address.host,
                    address.port,
                    ssl=address.tls_context(),
                )
                try:
                    accepted = await connection.log_in(self._connect_packet())
                    # What the broker has kept for us comes before its answer to the subscription. It has to
                    # be taken, or the connection would stop reading before that answer.
                    self._connection = connection
                    self._arrived.set()
                    await connection.subscribe(options.topic_filters)
                    await self._ask_for_retained(connection)
                except BaseException:
                    self._leave(connection, "no session")
                    raise
        except (OSError, TimeoutError) as error:
            raise problems.no_connection(error, tls=address.tls is not None, logged_in=False) from None
        if not self._said:
            self._log.info("mqtt_connected", session_present=accepted.session_present)
        elif self._has_session and not accepted.session_present:
            self._has_session = False
            self._log.warning("mqtt_session_lost")
        return connection

    async def _ask_for_retained(self, connection: MqttConnection) -> None:
        # Also in a session that goes on: what came before we had subscribed again may be nowhere else.
        if filters := self._options.retained_filters:
            await connection.subscribe(filters)
            loop = asyncio.get_running_loop()
            loop.call_later(RETAINED_WITHIN.total_seconds(), connection.unsubscribe, filters)

    def _connect_packet(self) -> mqtt5.ConnectPacket:
        options, password = self._options, self._address.password
        return mqtt5.ConnectPacket(
            options.client_id,
            username=self._address.username,
            password=password.encode() if password is not None else None,
            clean_start=False,
            keep_alive=int(options.keep_alive.total_seconds()),
            session_expiry_interval=int(options.session_expiry.total_seconds()),
            receive_max=options.receive_maximum,
        )

    async def _keep_alive(self, connection: MqttConnection) -> RetryableError:
        """Ping until the connection has ended; returns why it did."""
        interval = connection.keep_alive_seconds
        while True:
            await asyncio.wait([connection.closed], timeout=interval / 2)
            if connection.closed.done():
                return connection.closed.result()
            if connection.silent_seconds > 1.5 * interval:
                return RetryableError("the broker went silent")
            connection.ping()
