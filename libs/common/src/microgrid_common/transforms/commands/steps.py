"""How a command comes from state to state: by what the platform does, what its device says, and by time.

| what happens | queued | sent | delivered | succeeded, failed, expired |
| --- | --- | --- | --- | --- |
| the broker has it | sent | - | - | - |
| the device: delivered | delivered | delivered | - | - |
| the device: succeeded | succeeded | succeeded | succeeded | - |
| the device: failed | failed | failed | failed | - |
| its time is over | expired | expired | expired | - |

A dash: nothing changes, so whatever is said twice or too late changes nothing. An answer may come before the
platform has noted that the broker has the command, and counts.
"""

from datetime import datetime, timedelta
from typing import Final

from microgrid_common.schemas.command import Command, CommandAnswer, CommandMessage, CommandState

ANSWER_WITHIN: Final = timedelta(seconds=30)
"""A device may begin at the last moment, and then needs time to say how it ended."""

SEND_AGAIN_AFTER: Final = timedelta(seconds=10)
"""A device that was away, or lost the connection in the middle, gets it again. It drops what it has seen."""

TRY_AGAIN_AFTER: Final = timedelta(seconds=2)
"""While the broker is away, and when whoever was about to send died."""

_WHY_EXPIRED: Final = {
    CommandState.QUEUED: "It was not sent in time: the broker was away.",
    CommandState.SENT: "The device did not answer. Whether it has the command is not known.",
    CommandState.DELIVERED: "The device has it, and did not say how it ended.",
}


def gives_up_at(command: Command) -> datetime:
    """When a command expires as it stands."""
    if command.state is CommandState.QUEUED:
        return command.expires_at
    return command.expires_at + ANSWER_WITHIN


def is_to_be_sent(command: Command, now: datetime) -> bool:
    """Whether the device should get it, perhaps once more."""
    return command.state in {CommandState.QUEUED, CommandState.SENT} and now < command.expires_at


def look_again_at(command: Command, now: datetime) -> datetime | None:
    """When to look at a command again that was looked at now; None for never."""
    if command.is_final:
        return None
    end = gives_up_at(command)
    if not is_to_be_sent(command, now):
        return end
    pause = TRY_AGAIN_AFTER if command.state is CommandState.QUEUED else SEND_AGAIN_AFTER
    return min(now + pause, end)


def attempted(command: Command) -> Command:
    """It is about to be handed to the broker."""
    return command.model_copy(update={"attempts": command.attempts + 1})


def sent(command: Command, now: datetime) -> Command:
    """The broker has it."""
    if command.state is not CommandState.QUEUED:
        return command
    return command.model_copy(update={"state": CommandState.SENT, "sent_at": now})


def answered(command: Command, answer: CommandAnswer) -> Command:
    """Somebody said something about it; it counts if it is its device, and in time."""
    said, at = answer.acknowledgement, answer.received_at
    if (
        (answer.grid_id, answer.device_id, said.command_id)
        != (command.grid_id, command.device_id, command.command_id)
        or command.is_final
        or at >= command.expires_at + ANSWER_WITHIN
    ):
        return command
    if said.state is not CommandState.DELIVERED:
        return command.model_copy(update={"state": said.state, "finished_at": at, "detail": said.detail})
    if command.state is CommandState.DELIVERED:
        return command
    return command.model_copy(update={"state": said.state, "delivered_at": at})


def timed_out(command: Command, now: datetime) -> Command:
    """Time has passed."""
    if command.is_final or now < gives_up_at(command):
        return command
    return command.model_copy(
        update={"state": CommandState.EXPIRED, "finished_at": now, "detail": _WHY_EXPIRED[command.state]}
    )


def message_of(command: Command) -> CommandMessage:
    """What goes to the device."""
    return CommandMessage(
        command_id=command.command_id,
        command=command.command,
        parameters=command.parameters,
        expires_at=command.expires_at,
    )
