"""The JSON of what an operator wants done about an alert."""

from typing import Annotated, Final, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from microgrid_common.schemas.alert import NoteText, PersonName

_MINUTES_OF_A_YEAR: Final = 366 * 24 * 60

_Text = Annotated[NoteText, StringConstraints(strip_whitespace=True)]
"""Blanks alone are no text."""


def _example(**fields: JsonValue) -> ConfigDict:
    return ConfigDict(use_attribute_docstrings=True, extra="forbid", json_schema_extra={"examples": [fields]})


class AcknowledgementOrder(BaseModel):
    """The operator knows of it."""

    model_config = _example(note="Pump house checked.")

    note: _Text | None = None
    """What is to be written down with it; null for nothing."""


class ShelvingOrder(BaseModel):
    """Put an alarm aside for a time: `until` or `minutes`."""

    model_config = _example(minutes=60, reason="The sensor is being replaced.")

    until: AwareDatetime | None = None
    """When it comes back by itself."""
    minutes: Annotated[int, Field(ge=1, le=_MINUTES_OF_A_YEAR)] | None = None
    """After how many minutes it comes back by itself."""
    reason: _Text

    @model_validator(mode="after")
    def _has_one_end(self) -> Self:
        if (self.until is None) == (self.minutes is None):
            raise PydanticCustomError("one_of_two", "Give either until or minutes")
        return self


class ReasonOrder(BaseModel):
    """Why it is done."""

    model_config = _example(reason="The battery bank is being rebuilt.")

    reason: _Text


class NoteOrder(BaseModel):
    """What is to be written down."""

    model_config = _example(text="Called the supplier; a new fan comes on Friday.")

    text: _Text


class AssignmentOrder(BaseModel):
    """Who is to look after it."""

    model_config = _example(to="amina")

    to: Annotated[PersonName, StringConstraints(strip_whitespace=True)] | None
    """Null: nobody any more."""
