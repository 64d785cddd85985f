"""Brings commands to devices, takes in what devices say about them, and ends those that nobody answers."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial

import structlog

from microgrid_common.ports.command_store import CommandStore, CommandWrite
from microgrid_common.ports.durable_log import DurableLog
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.message_publisher import MessagePublisher
from microgrid_common.runtime import metrics
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas.command import Command, CommandAnswer
from microgrid_common.schemas.streams import COMMANDS_STREAM
from microgrid_common.schemas.topics import TopicKind, device_topic
from microgrid_common.transforms.commands.steps import (
    answered,
    attempted,
    is_to_be_sent,
    look_again_at,
    message_of,
    sent,
    timed_out,
)

log = structlog.get_logger()

LOOK_EVERY = timedelta(seconds=0.5)
"""How late a time may be noticed. A new command is noticed at once, by its event."""

_COMMANDS_PER_ROUND = 100

Step = Callable[[Command], Command]


class CommandKeeper:
    """Keeps commands moving. Any number of replicas do so together.

    Each change is decided on what was read, and made only if nobody was quicker. Whoever wants to send first
    writes down the attempt: of several, one can. If that one dies before the broker has the message, the
    command is due again a moment later.

    Args:
        commands: where they are kept.
        publisher: the way to devices.
        durable_log: tells that there is a new command.
        clock: the time, aware.
    """

    def __init__(
        self,
        commands: CommandStore,
        publisher: MessagePublisher,
        durable_log: DurableLog,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._commands = commands
        self._publisher = publisher
        self._log = durable_log
        self._clock = clock
        self._broker_is_away = False

    async def take(self, answers: Iterable[CommandAnswer]) -> None:
        """Take in what devices say; it is kept when it returns. Waits for the store, never fails."""
        for answer in answers:
            try:
                await until_it_works(partial(self._take, answer), dependency="redis")
            except Exception:
                # Readings do not wait for what is wrong with commands: time ends them, too.
                log.exception("command_answer_failed", command_id=answer.acknowledgement.command_id)

    async def run(self) -> None:
        """Make a round whenever something happens or a time may have come, until cancelled."""
        position = await until_it_works(lambda: self._log.last_id(COMMANDS_STREAM), dependency="redis")
        while True:
            await until_it_works(self.make_round, dependency="redis")
            read = partial(self._log.read_after, {COMMANDS_STREAM: position}, count=1_000, wait=LOOK_EVERY)
            if entries := await until_it_works(read, dependency="redis"):
                position = entries[-1].id

    async def make_round(self) -> None:
        """Send what is to be sent, and end what has taken too long.

        Raises:
            RetryableError: the store is away; what is due stays so.
        """
        while True:
            due = await self._commands.due(self._clock(), limit=_COMMANDS_PER_ROUND)
            for command in due:
                await self._look_at(command)
            # Each of them was put off, at least, so this comes to an end.
            if len(due) < _COMMANDS_PER_ROUND:
                return

    async def _look_at(self, command: Command) -> None:
        now = self._clock()
        if is_to_be_sent(command, now) and await self._broker_is_there():
            await self._send(command, now)
            return
        after = timed_out(command, now)
        await self._write(command, after, at=now)

    async def _send(self, command: Command, now: datetime) -> None:
        if not await self._write(command, attempted(command), at=now):
            # Another replica sends it, or the device has answered.
            return
        topic = device_topic(command.grid_id, command.device_id, TopicKind.COMMAND)
        try:
            await self._publisher.publish(topic, message_of(command).encode())
        except RetryableError as error:
            log.warning("command_not_sent", command_id=command.command_id, error=str(error))
            return
        now = self._clock()
        await self._change(command.command_id, partial(sent, now=now), at=now)

    async def _broker_is_there(self) -> bool:
        # Asked before each attempt, since an attempt counts when it is decided on.
        try:
            await self._publisher.ping()
        except RetryableError as error:
            if not self._broker_is_away:
                log.warning("dependency_away", dependency="mqtt", error=str(error))
            self._broker_is_away = True
            return False
        if self._broker_is_away:
            log.info("dependency_back", dependency="mqtt")
        self._broker_is_away = False
        return True

    async def _take(self, answer: CommandAnswer) -> None:
        command_id = answer.acknowledgement.command_id
        await self._change(command_id, partial(answered, answer=answer), at=answer.received_at)

    async def _change(self, command_id: str, step: Step, *, at: datetime) -> None:
        while command := await self._commands.get(command_id):
            after = step(command)
            if after is command or await self._write(command, after, at=at):
                return

    async def _write(self, before: Command, after: Command, *, at: datetime) -> bool:
        changed = after.state is not before.state
        write = CommandWrite(after, look_again_at(after, at), told_at=at if changed else None)
        made = await self._commands.apply(write)
        if made and changed:
            metrics.COMMANDS.labels(state=after.state.value).inc()
            log.info(
                "command_changed",
                command_id=after.command_id,
                grid_id=after.grid_id,
                device_id=after.device_id,
                command=after.command,
                state=after.state.value,
            )
        return made
