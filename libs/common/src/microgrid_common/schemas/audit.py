"""The audit log: who changed what."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue, StringConstraints

from microgrid_common.schemas.identifiers import Identifier

LONGEST_SIDE = 65_536
"""Bytes of JSON that one side of a change is kept with; of a larger one only its size."""


class AuditEntry(BaseModel):
    """One change that somebody made."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    at: AwareDatetime
    who: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    """The user name."""
    action: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,32}\.[a-z_]{1,32}$")]
    """What was done to what kind of thing, such as `rule.change`."""
    target: Annotated[str, StringConstraints(min_length=1, max_length=512)]
    """The id of the thing."""
    grid_id: Identifier | None
    """Where it belongs; None for what belongs to no grid."""
    before: JsonValue = None
    """How it was; null for what was not there."""
    after: JsonValue = None
    """How it is; null for what is not there any more."""
    address: Annotated[str, StringConstraints(max_length=256)] | None = None
    """Where the request came from."""
    request_id: Annotated[str, StringConstraints(max_length=128)] | None = None
    """As it stands in the log of the API."""
