"""A refused message, as the ledger has to know it: whose it was, and which numbers went with it."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, TypeAdapter

from microgrid_common.schemas.identifiers import Identifier
from microgrid_common.schemas.numbering import NumberRange


class Refusal(BaseModel):
    """What was put in quarantine of one device's message.

    It travels in the same stream as the device's readings, so that all that becomes of its numbers is
    in one order.
    """

    model_config = ConfigDict(frozen=True)

    grid_id: Identifier
    device_id: Identifier
    numbers: tuple[NumberRange, ...] = ()
    """The samples of which nothing was accepted; empty when no number could be read."""
    by_store: bool = False
    """Whether the samples had been accepted and then the telemetry store refused them."""


_REFUSALS = TypeAdapter(list[Refusal])


def encode_refusals(refusals: Sequence[Refusal]) -> bytes:
    """Refusals as the JSON text that one entry of the `readings` stream carries."""
    return _REFUSALS.dump_json(list(refusals), exclude_defaults=True)


def decode_refusals(data: bytes) -> list[Refusal]:
    """The refusals of one entry of the `readings` stream.

    Raises:
        pydantic.ValidationError: `data` is not what `encode_refusals` writes.
    """
    return _REFUSALS.validate_json(data)
