"""What becomes of a message."""

from dataclasses import dataclass

from microgrid_common.schemas.notice import DeviceNotice
from microgrid_common.schemas.quarantine import Defect
from microgrid_common.schemas.reading import Reading


class RejectedError(Exception):
    """A message cannot be accepted at all."""

    def __init__(self, *defects: Defect) -> None:
        super().__init__("; ".join(f"{defect.field or 'message'}: {defect.reason}" for defect in defects))
        self.defects = defects


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a message: readings, a notice, and what of it was refused.

    A message with one broken sensor has both readings and defects. One with none of either was for
    somebody else.
    """

    readings: tuple[Reading, ...] = ()
    notice: DeviceNotice | None = None
    defects: tuple[Defect, ...] = ()
    grid_id: str | None = None
    device_id: str | None = None
