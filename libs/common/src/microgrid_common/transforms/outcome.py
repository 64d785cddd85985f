"""What becomes of a message."""

from typing import NamedTuple

from microgrid_common.schemas.command import CommandAnswer
from microgrid_common.schemas.notice import DeviceNotice
from microgrid_common.schemas.numbering import NumberRange
from microgrid_common.schemas.presence import DevicePresence
from microgrid_common.schemas.quarantine import Defect
from microgrid_common.schemas.reading import Reading

MAXIMUM_DEFECTS = 20
"""What is wrong all over is named by its first defects; quarantine keeps the bytes whole anyway."""

_LONGEST_FIELD = 200


def field_path(*parts: object) -> str:
    """The path of a field, such as `samples.3.metrics.ac_voltage_v`, fit to be shown and logged.

    Args:
        parts: names and indices; a name may be the sender's own, of any length and content.
    """
    path = ".".join(str(part) for part in parts)[:_LONGEST_FIELD]
    return repr(path)[1:-1][:_LONGEST_FIELD]


class RejectedError(Exception):
    """A message cannot be accepted at all."""

    def __init__(self, *defects: Defect) -> None:
        super().__init__("; ".join(f"{defect.field or 'message'}: {defect.reason}" for defect in defects))
        self.defects = defects


class Outcome(NamedTuple):
    """What becomes of a message: readings, a notice, a presence, an answer, and what of it was refused.

    A message with one broken sensor has both readings and defects. One with none of either was for
    somebody else.
    """

    readings: tuple[Reading, ...] = ()
    notice: DeviceNotice | None = None
    defects: tuple[Defect, ...] = ()
    """At most `MAXIMUM_DEFECTS`, the first ones."""
    grid_id: str | None = None
    """The grid of the device that sent it, good or bad; None when no device of ours did."""
    device_id: str | None = None
    presence: DevicePresence | None = None
    refused: tuple[NumberRange, ...] = ()
    """The numbers of the samples of which nothing was accepted, as far as they can be read."""
    answer: CommandAnswer | None = None
    """What the device said about a command."""
