"""What the platform asks a device for: samples that never arrived."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from microgrid_common.schemas.telemetry import MAXIMUM_SAMPLES, BootId, SchemaVersion, SequenceNumber

MAXIMUM_RANGES = 100
"""A request stays below 4 kB, which the smallest devices hold in one buffer."""

MAXIMUM_NUMBERS = MAXIMUM_SAMPLES
"""A device can answer a request with one backlog message."""


def _answerable(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    if any(last < first for first, last in ranges):
        raise ValueError("the last number of a range is below its first")
    if sum(last - first + 1 for first, last in ranges) > MAXIMUM_NUMBERS:
        raise ValueError(f"more than {MAXIMUM_NUMBERS} numbers")
    return ranges


class BackfillRequest(BaseModel):
    """A request to send samples again, published on a device's `backfill` topic.

    The device publishes what it still has of them as telemetry, best as a backlog of `samples`, each with
    its own `boot_id`, `seq` and `timestamp`. What it no longer has it leaves out. Requests are repeated
    for a while, so one that finds the device busy may be dropped.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True)

    schema_version: SchemaVersion = Field(default=1, alias="schema")
    boot_id: BootId
    ranges: Annotated[
        tuple[tuple[SequenceNumber, SequenceNumber], ...],
        Field(min_length=1, max_length=MAXIMUM_RANGES),
        AfterValidator(_answerable),
    ]
    """First and last number of each range, both inclusive; at most `MAXIMUM_NUMBERS` numbers together."""

    def encode(self) -> bytes:
        """The JSON text that goes on the wire."""
        return self.model_dump_json(by_alias=True).encode()
