"""Bytes to a checked envelope."""

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from microgrid_common.schemas.command import CommandAcknowledgement
from microgrid_common.schemas.quarantine import Defect, Reason
from microgrid_common.schemas.status import DeviceStatus
from microgrid_common.schemas.telemetry import (
    MAXIMUM_PAYLOAD_BYTES,
    BacklogV1,
    DeviceAlert,
    PrototypePayload,
    Sample,
    TelemetryV1,
)
from microgrid_common.transforms.outcome import MAXIMUM_DEFECTS, RejectedError, field_path

Model = TypeVar("Model", bound=BaseModel)


def decode_telemetry(payload: bytes) -> tuple[Sample, ...]:
    """Decode a telemetry v1 payload: one sample, or a backlog of them in their order.

    Raises:
        RejectedError: it is not telemetry v1; each field at fault is named.
    """
    # A look for the key costs nothing beside decoding twice.
    if b'"samples"' in payload:
        _check_size(payload)
        try:
            return tuple(BacklogV1.model_validate_json(payload).samples)
        except ValidationError as error:
            # The word may also stand elsewhere in the message of a single sample.
            if not _is_missing(error, "samples"):
                raise RejectedError(*_explain(payload, error)) from None
    return (_decode(TelemetryV1, payload),)


def decode_prototype(payload: bytes) -> PrototypePayload:
    """Decode the prototype payload.

    Raises:
        RejectedError: it is not the prototype payload; each field at fault is named.
    """
    return _decode(PrototypePayload, payload)


def decode_status(payload: bytes) -> DeviceStatus:
    """Decode a birth message or a last will.

    Raises:
        RejectedError: it is neither; each field at fault is named.
    """
    return _decode(DeviceStatus, payload)


def decode_acknowledgement(payload: bytes) -> CommandAcknowledgement:
    """Decode what a device says about a command.

    Raises:
        RejectedError: it is no acknowledgement; each field at fault is named.
    """
    return _decode(CommandAcknowledgement, payload)


def decode_device_alert(payload: bytes) -> DeviceAlert:
    """Decode a device's own alert: the plain text of its message, or JSON with a `message`.

    Raises:
        RejectedError: it is neither.
    """
    _check_size(payload)
    if payload.lstrip()[:1] == b"{":
        return _decode(DeviceAlert, payload)
    try:
        text = payload.decode().strip()
        if text[:1] == '"':
            text = json.loads(text)
        return DeviceAlert(message=text)
    except UnicodeDecodeError as error:
        raise RejectedError(_not_utf8(error)) from None
    except json.JSONDecodeError as error:
        raise RejectedError(Defect(reason=Reason.MALFORMED_JSON, detail=str(error))) from None
    except ValidationError as error:
        raise RejectedError(*_defects(error)) from None


def _decode(model: type[Model], payload: bytes) -> Model:
    _check_size(payload)
    try:
        return model.model_validate_json(payload)
    except ValidationError as error:
        raise RejectedError(*_explain(payload, error)) from None


def _check_size(payload: bytes) -> None:
    if len(payload) > MAXIMUM_PAYLOAD_BYTES:
        raise RejectedError(
            Defect(
                reason=Reason.PAYLOAD_TOO_LARGE,
                detail=f"at least {len(payload)} bytes; at most {MAXIMUM_PAYLOAD_BYTES} are allowed",
            )
        )


def _explain(payload: bytes, error: ValidationError) -> list[Defect]:
    try:
        payload.decode()
    except UnicodeDecodeError as unicode_error:
        return [_not_utf8(unicode_error)]
    return _defects(error)


def _is_missing(error: ValidationError, field: str) -> bool:
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return any(detail["type"] == "missing" and detail["loc"] == (field,) for detail in details)


def _not_utf8(error: UnicodeDecodeError) -> Defect:
    return Defect(reason=Reason.NOT_UTF8, detail=f"byte {error.start} is not UTF-8")


def _defects(error: ValidationError) -> list[Defect]:
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return [_defect(dict(detail)) for detail in details[:MAXIMUM_DEFECTS]]


def _defect(detail: dict[str, Any]) -> Defect:
    field = field_path(*detail["loc"])
    match detail["type"], detail["loc"]:
        case "json_invalid", _:
            return Defect(reason=Reason.MALFORMED_JSON, detail=detail["msg"])
        case "extra_forbidden", _:
            return Defect(reason=Reason.INVALID_FIELD, field=field, detail="no field of this message")
        case _, ("schema", *_):
            return Defect(reason=Reason.UNKNOWN_SCHEMA, field="schema", detail="the only version known is 1")
        case _, (*_, "timestamp"):
            return Defect(
                reason=Reason.INVALID_TIMESTAMP,
                field=field,
                detail="expected ISO 8601, or epoch seconds or milliseconds",
            )
        case "too_short", (*_, "metrics"):
            return Defect(reason=Reason.NO_METRICS, field=field, detail="at least one metric is needed")
        case _:
            return Defect(reason=Reason.INVALID_FIELD, field=field or None, detail=detail["msg"])
