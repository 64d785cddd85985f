"""Quarantine (the dead-letter queue): what was refused, why, and the bytes as they came."""

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from microgrid_common.schemas.numbering import NumberRange


class Reason(StrEnum):
    """Why something was refused. These are also the label values of `microgrid_quarantined_total`."""

    UNKNOWN_TOPIC = "unknown_topic"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    NOT_UTF8 = "not_utf8"
    MALFORMED_JSON = "malformed_json"
    UNKNOWN_SCHEMA = "unknown_schema"
    INVALID_FIELD = "invalid_field"
    """A field of the envelope is missing, unknown, or of the wrong type."""
    INVALID_TIMESTAMP = "invalid_timestamp"
    NO_METRICS = "no_metrics"
    UNKNOWN_METRIC = "unknown_metric"
    WRONG_TYPE = "wrong_type"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_UNIT = "unknown_unit"
    UNKNOWN_DEVICE = "unknown_device"
    """The device is not registered, where only registered ones are accepted."""
    REJECTED_BY_STORE = "rejected_by_store"
    INTERNAL_ERROR = "internal_error"
    """Our own fault: the message is kept so that it can be replayed once that is mended."""


class Defect(BaseModel):
    """One thing that was wrong with a message."""

    model_config = ConfigDict(frozen=True)

    reason: Reason
    field: str | None = None
    """The path of the field, such as `samples.3.metrics.ac_voltage_v`."""
    detail: str = ""
    """What was wrong and what is allowed, for a person."""


class QuarantinedMessage(BaseModel):
    """A message, whole or in part, that was refused."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    received_at: AwareDatetime
    topic: str
    grid_id: str | None = None
    device_id: str | None = None
    numbers: tuple[NumberRange, ...] = ()
    """The samples in it of which nothing was accepted, as far as their numbers can be read."""
    defects: Annotated[tuple[Defect, ...], Field(min_length=1)]
    """The first one names the reason that is counted."""
    raw: bytes
    """The payload as it came, up to `RAW_BYTES_KEPT`; in JSON it is base64 with the URL-safe alphabet."""
    raw_size_bytes: int
    """The size of the whole payload."""

    @property
    def reason(self) -> Reason:
        """The reason that is counted."""
        return self.defects[0].reason


RAW_BYTES_KEPT = 256 * 1024
"""Twice the largest valid payload: all that could be replayed is kept; a 10 MB one is cut."""
