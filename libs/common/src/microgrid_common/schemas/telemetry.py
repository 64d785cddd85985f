"""What devices send: telemetry v1, a backlog of it, the prototype payload, a prototype alert.

Only the envelope is checked here. The single metric values stay undecided (`Any`), since one broken
sensor must not take the others of its message with it: `transforms.clean` judges them one by one.
"""

from datetime import datetime
from typing import Annotated, Any, Final
from unicodedata import category

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, StringConstraints
from pydantic_core import PydanticCustomError

MAXIMUM_PAYLOAD_BYTES: Final = 128 * 1024
"""The limit of AWS IoT Core, so that a device works on both deployments."""

MAXIMUM_SAMPLES: Final = 1_000
MAXIMUM_METRICS: Final = 64

# Not a Literal: that would take true and 1.0 for 1.
SchemaVersion = Annotated[StrictInt, Field(ge=1, le=1)]

# Beyond 2^53 a JSON number loses its last digits in Dart, JavaScript and MicroPython's floats.
SequenceNumber = Annotated[StrictInt, Field(ge=0, le=2**53 - 1)]
BootId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
MetricValues = Annotated[dict[str, Any], Field(min_length=1, max_length=MAXIMUM_METRICS)]
MetricUnits = Annotated[dict[str, str], Field(max_length=MAXIMUM_METRICS)]

_STRICT = ConfigDict(extra="forbid", frozen=True)


class Sample(BaseModel):
    """One set of measurements taken at one time."""

    model_config = _STRICT

    timestamp: datetime
    """ISO 8601, or epoch seconds or milliseconds. Without a zone it is UTC."""
    boot_id: BootId | None = None
    """Changes whenever the device starts and its `seq` begins anew."""
    seq: SequenceNumber | None = None
    """Counts the device's samples since `boot_id` began."""
    metrics: MetricValues
    units: MetricUnits | None = None
    """Only where a sensor's unit is not the canonical one of the catalogue."""


class TelemetryV1(Sample):
    """One message with one sample."""

    schema_version: SchemaVersion = Field(alias="schema")


class BacklogV1(BaseModel):
    """One message with samples that were kept while there was no link; oldest first."""

    model_config = _STRICT

    schema_version: SchemaVersion = Field(alias="schema")
    samples: Annotated[list[Sample], Field(min_length=1, max_length=MAXIMUM_SAMPLES)]


PROTOTYPE_METRICS: Final = (
    "live_power_consumption",
    "live_generation",
    "battery_soc",
    "temp_equipment",
    "solar_irradiance",
)


class PrototypePayload(BaseModel):
    """The payload on `microgrid/data`, field for field as the prototype defined it."""

    model_config = _STRICT

    timestamp: datetime
    live_power_consumption: Any = None
    live_generation: Any = None
    battery_soc: Any = None
    temp_equipment: Any = None
    solar_irradiance: Any = None


def one_line(text: str) -> str:
    """A sender's text as one line; control characters are refused."""
    if any(category(character) == "Cc" and character not in "\t\r\n" for character in text):
        raise PydanticCustomError("control_character", "control characters are not allowed")
    return " ".join(text.split())


class DeviceAlert(BaseModel):
    """An alert that a device raised by itself, on `microgrid/alerts`.

    On the wire it is the plain text of the message, or a JSON object with `message`.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    message: Annotated[
        str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True), AfterValidator(one_line)
    ]
    """One line: operators read it in a list, and it is logged."""
