"""What a device does about commands: each once, and none too late."""

from collections.abc import Callable, Mapping
from datetime import datetime

from pydantic import ValidationError

from microgrid_common.schemas.command import (
    CommandAcknowledgement,
    CommandMessage,
    CommandState,
    Parameters,
)
from microgrid_common.schemas.command_catalogue import CATALOGUE
from microgrid_common.transforms.commands.parameters import ParameterRefusedError, checked_parameters
from microgrid_simulator.device.outbox import Outbox

Action = Callable[[Parameters, datetime], str]
"""Does something, at a time; returns what to say about it."""

RESTART = "restart"


class CommandDesk:
    """Takes commands, does them, and answers.

    What it has seen it also knows after a restart, as a device does that writes it into its flash memory.

    Args:
        outbox: where answers go, and what restarts.
        actions: what the device can do, by the command's name, beside restarting.
    """

    def __init__(self, outbox: Outbox, actions: Mapping[str, Action]) -> None:
        self._outbox = outbox
        self._actions = actions
        self._seen: dict[str, tuple[datetime, CommandAcknowledgement]] = {}
        """Id → until when it may come again, and how it ended."""

    def hear(self, payload: bytes, now: datetime) -> None:
        """Take in a message on the device's `command` topic; one that cannot be read is dropped."""
        try:
            message = CommandMessage.model_validate_json(payload)
        except ValidationError:
            return
        if now >= message.expires_at:
            return
        self._seen = {each: seen for each, seen in self._seen.items() if seen[0] > now}
        if known := self._seen.get(message.command_id):
            self._outbox.answer(known[1].encode())
            return
        begun = CommandAcknowledgement(command_id=message.command_id, state=CommandState.DELIVERED)
        self._outbox.answer(begun.encode())
        end = self._do(message, now)
        self._seen[message.command_id] = (message.expires_at, end)
        if message.command == RESTART and end.state is CommandState.SUCCEEDED:
            self._outbox.restart(end.encode())
        else:
            self._outbox.answer(end.encode())

    def _do(self, message: CommandMessage, now: datetime) -> CommandAcknowledgement:
        kind, action = CATALOGUE.get(message.command), self._actions.get(message.command)
        state = CommandState.FAILED
        if kind is None or (action is None and message.command != RESTART):
            detail = "unknown command"
        else:
            try:
                parameters = checked_parameters(kind, message.parameters)
                detail = action(parameters, now) if action else "restarted"
                state = CommandState.SUCCEEDED
            except ParameterRefusedError as refused:
                detail = f"{refused.parameter}: {refused}"
        return CommandAcknowledgement(command_id=message.command_id, state=state, detail=detail)
