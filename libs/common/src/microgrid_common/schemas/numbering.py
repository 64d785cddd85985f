"""The numbers that devices give their samples: `seq`, counted from 0 in each boot."""

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from microgrid_common.schemas.telemetry import BootId, SequenceNumber


class NumberRange(BaseModel):
    """Consecutive numbers of one boot of a device."""

    model_config = ConfigDict(frozen=True)

    boot_id: BootId
    first: SequenceNumber
    last: SequenceNumber
    """Inclusive; not below `first`."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError("the last number is below the first")
        return self
