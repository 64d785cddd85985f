"""Messages to the broker, and how samples are packed into them."""

from collections.abc import Sequence
from dataclasses import dataclass

from microgrid_common.schemas.telemetry import MAXIMUM_PAYLOAD_BYTES, MAXIMUM_SAMPLES
from microgrid_simulator.device.samples import NumberedSample

_BACKLOG_START, _BACKLOG_END = b'{"schema":1,"samples":[', b"]}"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to publish, until the broker has it."""

    topic: str
    payload: bytes
    samples: tuple[NumberedSample, ...] = ()
    """What is in it; empty for what is not telemetry v1."""
    asked_for: bool = False
    """Whether it answers a request, so that the broker had the samples before."""
    after_restart: bool = False
    """Whether it is the first one after a restart, with which a device loses its connection."""

    @property
    def is_backlog(self) -> bool:
        """Whether it may wait a little, since it is not live."""
        return self.asked_for or len(self.samples) > 1


def single(topic: str, sample: NumberedSample) -> OutgoingMessage:
    """One sample as a message."""
    return OutgoingMessage(topic, b'{"schema":1,' + sample.text[1:], (sample,))


def backlog(topic: str, samples: Sequence[NumberedSample], *, asked_for: bool = False) -> OutgoingMessage:
    """As many samples as fit into one message, from the first one on; there is at least one."""
    size = len(_BACKLOG_START) + len(_BACKLOG_END)
    count = 0
    for sample in samples[:MAXIMUM_SAMPLES]:
        size += len(sample.text) + 1
        if size > MAXIMUM_PAYLOAD_BYTES:
            break
        count += 1
    packed = tuple(samples[: max(1, count)])
    payload = _BACKLOG_START + b",".join(sample.text for sample in packed) + _BACKLOG_END
    return OutgoingMessage(topic, payload, packed, asked_for)
