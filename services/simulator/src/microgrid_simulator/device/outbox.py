"""What a device has to send: what it measured, and what it is asked for again."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from microgrid_common.schemas.backfill import MAXIMUM_NUMBERS, BackfillRequest
from microgrid_common.schemas.telemetry import MAXIMUM_SAMPLES
from microgrid_common.schemas.topics import TopicKind, device_topic
from microgrid_simulator.device.messages import OutgoingMessage, backlog, single
from microgrid_simulator.device.samples import NumberedSample, SampleBuffer

_LIVE_UP_TO = 5
"""Fewer samples wait while the broker answers; more mean that it was away, and go as a backlog."""


class Outbox:
    """Decides what goes out next: what is said about commands, then what is new in its order, then the rest.

    A message is done with when `sent` says so; until then `next_message` gives it again.

    Args:
        grid_id: the grid of the device.
        device_id: the device.
        buffer: where its samples are.
    """

    def __init__(self, grid_id: str, device_id: str, buffer: SampleBuffer) -> None:
        self.buffer = buffer
        self.resent = 0
        """How many samples were sent again because they were asked for."""
        self._topic = device_topic(grid_id, device_id, TopicKind.TELEMETRY)
        self._answers_topic = device_topic(grid_id, device_id, TopicKind.COMMAND_ACKNOWLEDGEMENT)
        self._answers: deque[OutgoingMessage] = deque()
        self._said_after_restart: list[bytes] = []
        self._first_boot_id = buffer.boot_id
        self._restarts = 0
        self._asked_for: deque[NumberedSample] = deque()

    def add(self, timestamp: str | int, metrics: Mapping[str, Any]) -> NumberedSample:
        """Number a sample, keep it, and send it as soon as possible."""
        return self.buffer.add(timestamp, metrics)

    def ask(self, payload: bytes) -> None:
        """Take in a request on the device's `backfill` topic.

        One that cannot be read, or that comes while another is being answered, is dropped: a request is
        repeated as long as something is missing.
        """
        if self._asked_for:
            return
        try:
            request = BackfillRequest.model_validate_json(payload)
        except ValidationError:
            return
        if request.boot_id == self.buffer.boot_id:
            self._asked_for.extend(self.buffer.find(request.ranges)[:MAXIMUM_NUMBERS])

    def answer(self, payload: bytes) -> None:
        """Say something about a command."""
        self._answers.append(OutgoingMessage(self._answers_topic, payload))

    def restart(self, said_afterwards: bytes) -> None:
        """Restart once the broker has what is new, then say something about the command to do so."""
        self._said_after_restart.append(said_afterwards)

    def next_message(self) -> OutgoingMessage | None:
        """What to send now; None for nothing."""
        if self._answers:
            return self._answers[0]
        if self.buffer.unsent_count > _LIVE_UP_TO:
            return backlog(self._topic, self.buffer.unsent(MAXIMUM_SAMPLES))
        if waiting := self.buffer.unsent(1):
            return single(self._topic, waiting[0])
        if self._said_after_restart:
            return self._restart()
        if self._asked_for:
            return backlog(self._topic, list(self._asked_for), asked_for=True)
        return None

    def sent(self, message: OutgoingMessage) -> None:
        """The broker has a message."""
        if not message.samples:
            self._answers.popleft()
        elif message.asked_for:
            for _ in message.samples:
                self._asked_for.popleft()
            self.resent += len(message.samples)
        else:
            self.buffer.sent(message.samples)

    def _restart(self) -> OutgoingMessage:
        self._restarts += 1
        self.buffer.restart(f"{self._first_boot_id[:24]}-{self._restarts}")
        self._asked_for.clear()
        first, *others = self._said_after_restart
        self._said_after_restart = []
        self._answers.append(OutgoingMessage(self._answers_topic, first, after_restart=True))
        for payload in others:
            self.answer(payload)
        return self._answers[0]
