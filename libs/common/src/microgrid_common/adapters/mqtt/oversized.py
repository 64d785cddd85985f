"""A message that is larger than anything valid: its beginning is kept, the rest is let past unread."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from microgrid_common.ports.message_source import InboundMessage

LARGEST_PACKET_BYTES: Final = 1024 * 1024
"""Several times what a valid message may have, and more than quarantine keeps of an invalid one."""

_PUBLISH: Final = 3
_LONGEST_INTEGER: Final = 4
_MORE_TO_COME: Final = 0x80


@dataclass(slots=True)
class Oversized:
    """A message on its way in."""

    message: InboundMessage
    """Without what is left out."""
    packet_id: int | None
    bytes_to_come: int
    """How much of it is still to be let past."""


def packet_size(view: memoryview) -> int | None:
    """How long the packet is that begins here, header and all; None when too little of it has come.

    Raises:
        ValueError: no packet begins like this.
    """
    try:
        size, width = _variable_integer(view, 1)
    except IndexError:
        return None
    return 1 + width + size


def begin_oversized(view: memoryview, size: int, arrival: datetime) -> Oversized:
    """Take the beginning of a message.

    Args:
        view: the first bytes of a packet, `LARGEST_PACKET_BYTES` or more.
        size: the size of the whole packet.
        arrival: aware, UTC.

    Raises:
        ValueError: it is no message, or a malformed one.
    """
    if view[0] >> 4 != _PUBLISH:
        raise ValueError(f"a packet of {size} bytes that is no message")
    try:
        _, width = _variable_integer(view, 1)
        topic_at = 1 + width + 2
        position = topic_at + _two_bytes(view, topic_at - 2)
        topic = str(view[topic_at:position], "utf-8")
        packet_id = None
        if view[0] & 0b0110:  # the quality of service
            packet_id = _two_bytes(view, position)
            position += 2
        properties, width = _variable_integer(view, position)
    except IndexError:
        raise ValueError(f"a message of {size} bytes without a beginning") from None
    position += width + properties
    payload = bytes(view[position:])
    left_out = size - position - len(payload)
    return Oversized(InboundMessage(topic, payload, arrival, left_out), packet_id, size - len(view))


def _two_bytes(view: memoryview, position: int) -> int:
    return view[position] << 8 | view[position + 1]


def _variable_integer(view: memoryview, position: int) -> tuple[int, int]:
    """The value of a variable byte integer, and how many bytes it takes."""
    value = 0
    for width in range(_LONGEST_INTEGER):
        byte = view[position + width]
        value |= (byte & ~_MORE_TO_COME) << 7 * width
        if not byte & _MORE_TO_COME:
            return value, width + 1
    raise ValueError("invalid variable byte integer")
