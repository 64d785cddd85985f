"""The golden files of `contracts/golden`, through the same functions that the services use."""

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from microgrid_common.schemas.alert import AlertEvent
from microgrid_common.schemas.alert_announcement import AlertAnnouncement, AlertSummary
from microgrid_common.schemas.backfill import BackfillRequest
from microgrid_common.schemas.command import CommandAcknowledgement, CommandEvent, CommandMessage
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.device_link import LinkEvent
from microgrid_common.schemas.presence import DevicePresence
from microgrid_common.schemas.quarantine import QuarantinedMessage, Reason
from microgrid_common.schemas.reading import MalformedBatchError, decode_readings, encode_readings
from microgrid_common.schemas.refusal import decode_refusals, encode_refusals
from microgrid_common.schemas.status import DeviceStatus
from microgrid_common.schemas.topics import parse_topic
from microgrid_common.transforms.pipeline import process

GOLDEN = Path(__file__).parents[3] / "contracts" / "golden"
CASE_FOLDERS = ("telemetry-v1", "prototype-payload", "device-alert")
MODELS: dict[str, type[BaseModel]] = {
    "alert-announcement": AlertAnnouncement,
    "alert-event": AlertEvent,
    "alert-summary": AlertSummary,
    "backfill-request": BackfillRequest,
    "command": CommandMessage,
    "command-acknowledgement": CommandAcknowledgement,
    "command-event": CommandEvent,
    "device-presence": DevicePresence,
    "device": Device,
    "device-status": DeviceStatus,
    "link-event": LinkEvent,
    "quarantined-message": QuarantinedMessage,
}


def files(*folders: str, prefix: str = "") -> list[Any]:
    found = [path for folder in folders for path in sorted((GOLDEN / folder).glob(f"{prefix}*.json"))]
    return [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in found]


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def payload_of(case: dict[str, Any]) -> bytes:
    if "payload" in case:
        return json.dumps(case["payload"]).encode()
    if "payload_text" in case:
        return str(case["payload_text"]).encode()
    return base64.b64decode(case["payload_base64"])


@pytest.mark.parametrize("path", files(*CASE_FOLDERS))
def test_a_message_becomes_what_its_case_says(path: Path) -> None:
    case = load(path)
    outcome = process(case["topic"], payload_of(case), datetime.fromisoformat(case["received_at"]), {})
    assert {
        "readings": json.loads(encode_readings(outcome.readings)),
        "notice": outcome.notice and json.loads(outcome.notice.model_dump_json()),
        "defects": [{"reason": defect.reason, "field": defect.field} for defect in outcome.defects],
    } == {
        "readings": case.get("readings", []),
        "notice": case.get("notice"),
        "defects": case.get("defects", []),
    }
    assert all(defect.detail for defect in outcome.defects)


@pytest.mark.parametrize("path", files(*CASE_FOLDERS))
def test_a_case_is_named_for_what_comes_of_it(path: Path) -> None:
    case = load(path)
    accepted, refused = bool(case.get("readings") or case.get("notice")), bool(case.get("defects"))
    kind = {(True, False): "valid-", (True, True): "valid-in-part", (False, True): "invalid-"}
    assert path.stem.startswith(kind[accepted, refused])


def test_every_reason_that_a_payload_can_be_refused_for_has_a_case() -> None:
    shown = {
        defect["reason"]
        for folder in CASE_FOLDERS
        for path in (GOLDEN / folder).glob("*.json")
        for defect in load(path).get("defects", ())
    }
    elsewhere = {
        Reason.PAYLOAD_TOO_LARGE,
        Reason.UNKNOWN_DEVICE,
        Reason.REJECTED_BY_STORE,
        Reason.INTERNAL_ERROR,
    }
    assert shown == set(Reason) - elsewhere


@pytest.mark.parametrize("path", files(*MODELS, prefix="valid"))
def test_a_valid_message_is_read_and_written_as_it_stands(path: Path) -> None:
    model = MODELS[path.parent.name].model_validate_json(path.read_bytes())
    # Unset: a field that was added later, and that nobody has to send, leaves the older form valid.
    assert json.loads(model.model_dump_json(by_alias=True, exclude_unset=True)) == load(path)


@pytest.mark.parametrize("path", files("alert-announcement", "alert-summary", prefix="valid"))
def test_what_is_told_of_alerts_over_mqtt_leaves_out_what_is_as_ever(path: Path) -> None:
    message = MODELS[path.parent.name].model_validate_json(path.read_bytes())
    assert json.loads(message.model_dump_json(exclude_defaults=True)) == load(path)


@pytest.mark.parametrize("path", files(*MODELS, prefix="invalid"))
def test_an_invalid_message_is_refused(path: Path) -> None:
    with pytest.raises(ValidationError):
        MODELS[path.parent.name].model_validate_json(path.read_bytes())


def test_a_reading_batch_is_read_and_written_as_it_stands() -> None:
    path = GOLDEN / "reading-batch" / "valid.json"
    assert json.loads(encode_readings(decode_readings(path.read_bytes()))) == load(path)


def test_a_reading_batch_with_text_for_a_value_is_refused() -> None:
    with pytest.raises(MalformedBatchError):
        decode_readings((GOLDEN / "reading-batch" / "invalid-metrics.json").read_bytes())


def test_refusals_are_read_and_written_as_they_stand() -> None:
    path = GOLDEN / "refusals" / "valid.json"
    assert json.loads(encode_refusals(decode_refusals(path.read_bytes()))) == load(path)


def test_a_refusal_of_numbers_that_run_backwards_is_refused() -> None:
    with pytest.raises(ValidationError):
        decode_refusals((GOLDEN / "refusals" / "invalid-range-backwards.json").read_bytes())


@pytest.mark.parametrize("row", load(GOLDEN / "topics" / "valid.json"), ids=lambda row: row["topic"])
def test_a_topic_is_taken_apart(row: dict[str, Any]) -> None:
    topic = parse_topic(row["topic"])
    assert topic is not None
    assert (topic.kind, topic.grid_id, topic.device_id) == (row["kind"], row["grid_id"], row["device_id"])


@pytest.mark.parametrize("row", load(GOLDEN / "topics" / "invalid.json"), ids=lambda row: row["description"])
def test_what_is_no_topic_of_the_contract_is_not_taken_for_one(row: dict[str, str]) -> None:
    assert parse_topic(row["topic"]) is None


def test_no_golden_folder_is_left_unread() -> None:
    read = {*CASE_FOLDERS, *MODELS, "reading-batch", "refusals", "topics"}
    assert {path.name for path in GOLDEN.iterdir()} == read
