"""What a fleet is like."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class FleetOptions(BaseModel):
    """What a fleet is like."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")] = "fleet"
    """Begins the names of its grids, so that several fleets can share a broker."""
    devices: Annotated[int, Field(ge=1, le=10_000)] = 200
    grids: Annotated[int, Field(ge=1, le=1_000)] = 4
    """The devices are spread over so many grids, `fleet-0` and on."""
    connections: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """How many connections the devices share; None for one each, with birth and last will. Devices that
    share a connection say nothing of their presence: a connection has only one will."""
    messages_per_second: Annotated[float, Field(gt=0, le=100_000)] = 1_000
    """Samples of the whole fleet; each device measures in its turn, at most 1,000 times a second."""
    bad_share: Annotated[float, Field(ge=0, le=1)] = 0.01
    """The chance of each sample that something goes wrong with it: see `BadMessage`."""
    seed: int = 0
    """The same seed lets the same go wrong with the same numbers."""
    samples_kept: Annotated[int, Field(ge=1, le=100_000)] = 2_000
    """How many samples a device keeps. What makes room before the broker has it is lost, and is on record."""

    @property
    def spacing_ms(self) -> float:
        """The time between two samples of the fleet."""
        return 1_000 / self.messages_per_second

    @property
    def interval_ms(self) -> float:
        """The time between two samples of a device, in milliseconds."""
        # Two samples of a device at the same millisecond would be one and the same reading.
        return max(1.0, self.devices * self.spacing_ms)
