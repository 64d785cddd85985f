"""The quarantine over HTTP: list, show, replay, discard; for administrators of the grid alone."""

import base64
from datetime import timedelta
from typing import Any

import httpx
import pytest
from services.api.tests.problems import detail_of, problems_of

from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.quarantine import QuarantinedMessage, Reason
from microgrid_common.schemas.reading import decode_readings
from microgrid_common.schemas.streams import readings_stream_of
from microgrid_common.testing.contracts.quarantine_messages import REJECTED, T0, found, put, refused
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.quarantine import FakeQuarantine

SHARDS = 4
GOOD = b'{"schema":1,"timestamp":"2026-11-23T09:59:58.000Z","metrics":{"consumption_kw":10.5}}'
IN_PART = (
    b'{"schema":1,"timestamp":"2026-11-23T09:59:58.000Z","metrics":{"ac_voltage_v":230,"battery_soc":130}}'
)


class Put:
    """Puts messages in quarantine, and knows their ids."""

    def __init__(self, log: FakeDurableLog, quarantine: FakeQuarantine) -> None:
        self._log = log
        self._quarantine = quarantine

    async def __call__(self, *messages: QuarantinedMessage) -> list[str]:
        before = len(await found(self._quarantine))
        await put(self._log, *messages)
        return [entry.id for entry in (await found(self._quarantine))[before:]]


@pytest.fixture
def put_in(log: FakeDurableLog, quarantine: FakeQuarantine) -> Put:
    return Put(log, quarantine)


async def get(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.get(f"/api/quarantine/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def post(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.post(f"/api/quarantine/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_list_tells_everything_but_the_payload(operator: httpx.AsyncClient, put_in: Put) -> None:
    [entry_id] = await put_in(refused(raw=GOOD))
    answer = await get(operator, "village")
    [message] = answer["messages"]
    assert message.pop("quarantined_at").endswith("Z")
    assert message == {
        "id": entry_id,
        "state": "open",
        "reason": "out_of_range",
        "defects": [
            {"reason": "out_of_range", "field": "metrics.battery_soc", "detail": "130 is outside 0 to 100 %"}
        ],
        "grid_id": "village",
        "device_id": "meter",
        "topic": "microgrid/village/device/meter/telemetry",
        "received_at": "2026-11-23T10:00:00.000Z",
        "payload_bytes": len(GOOD),
        "payload_kept_bytes": len(GOOD),
        "handled_at": None,
        "handled_by": None,
    }
    assert (answer["next_cursor"], answer["open_by_reason"]) == (None, {"out_of_range": 1})


async def test_a_grid_sees_its_own_messages_alone(operator: httpx.AsyncClient, put_in: Put) -> None:
    [mine, theirs, nobodys] = await put_in(
        refused(1), refused(2, grid_id="town"), refused(3, grid_id=None, device_id=None, topic="nonsense")
    )
    for grid_id, expected in [("village", mine), ("town", theirs), ("~no-grid", nobodys)]:
        assert [message["id"] for message in (await get(operator, grid_id))["messages"]] == [expected]
        assert (await get(operator, f"{grid_id}/{expected}"))["id"] == expected
        for other in {mine, theirs, nobodys} - {expected}:
            for method, path in [("GET", other), ("POST", f"{other}/replay"), ("POST", f"{other}/discard")]:
                answer = await operator.request(method, f"/api/quarantine/{grid_id}/{path}")
                assert answer.status_code == 404
                assert detail_of(answer) == "There is no such message in quarantine."
    assert (await get(operator, "nowhere"))["messages"] == []


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, [2, 1, 0]),
        ({"state": "any"}, [3, 2, 1, 0]),
        ({"state": "discarded"}, [3]),
        ({"state": "replayed"}, []),
        ({"reason": "rejected_by_store"}, [2]),
        ({"device_id": "inverter"}, [1]),
        ({"since": "2020-01-01T00:00:00Z", "until": "2021-01-01T00:00:00+02:00"}, []),
        ({"since": "2020-01-01T00:00:00Z", "device_id": "meter", "reason": "out_of_range"}, [0]),
    ],
)
async def test_a_list_can_be_narrowed(
    operator: httpx.AsyncClient, put_in: Put, params: dict[str, str], expected: list[int]
) -> None:
    ids = await put_in(
        refused(0), refused(1, device_id="inverter"), refused(2, defects=(REJECTED,)), refused(3)
    )
    await post(operator, f"village/{ids[3]}/discard")
    answer = await get(operator, "village", **params)
    assert [message["id"] for message in answer["messages"]] == [ids[number] for number in expected]


async def test_pages_follow_one_another(operator: httpx.AsyncClient, put_in: Put) -> None:
    ids = await put_in(*(refused(number) for number in range(7)))
    first = await get(operator, "village", limit=4)
    second = await get(operator, "village", limit=4, cursor=first["next_cursor"])
    assert [message["id"] for message in first["messages"] + second["messages"]] == ids[::-1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("raw", [GOOD, b"\xff\x00", b"", "Spannung 230 V · ö".encode()])
async def test_a_message_is_shown_as_it_came(operator: httpx.AsyncClient, put_in: Put, raw: bytes) -> None:
    topic = "microgrid/" + "x" * 500
    [entry_id] = await put_in(refused(raw=raw, topic=topic))
    message = await get(operator, f"village/{entry_id}")
    assert base64.b64decode(message["payload_base64"]) == raw
    assert message["payload_text"] == (None if raw == b"\xff\x00" else raw.decode())
    assert message["topic"] == topic


async def test_a_replay_makes_readings(operator: httpx.AsyncClient, put_in: Put, log: FakeDurableLog) -> None:
    [entry_id] = await put_in(refused(raw=GOOD))
    dry = await post(operator, f"village/{entry_id}/replay", dry_run=True)
    assert (dry["dry_run"], dry["verdict"], dry["readings"], dry["message"]["state"]) == (
        True, "accepted", 1, "open",
    )  # fmt: skip
    stream = log.streams[readings_stream_of("village", SHARDS)]
    assert stream == []
    real = await post(operator, f"village/{entry_id}/replay")
    assert (real["dry_run"], real["verdict"], real["readings"]) == (False, "accepted", 1)
    assert (real["message"]["state"], real["message"]["handled_by"]) == ("replayed", "user")
    assert real["message"]["handled_at"] == "2026-11-23T10:00:00.000Z"
    [reading] = decode_readings(stream[0].data)
    assert (reading.metrics, reading.received_at) == ({"consumption_kw": 10.5}, T0)
    assert (await get(operator, "village"))["messages"] == []


async def test_what_is_still_refused_stays_open(operator: httpx.AsyncClient, put_in: Put) -> None:
    [entry_id] = await put_in(refused(raw=IN_PART, defects=(REJECTED,)))
    answer = await post(operator, f"village/{entry_id}/replay")
    assert (answer["verdict"], answer["readings"]) == ("refused", 1)
    assert [defect["field"] for defect in answer["defects"]] == ["metrics.battery_soc"]
    [message] = (await get(operator, "village", reason=Reason.OUT_OF_RANGE.value))["messages"]
    assert message == answer["message"]
    assert (message["state"], message["reason"]) == ("open", "out_of_range")


async def test_a_payload_that_was_cut_cannot_be_replayed(operator: httpx.AsyncClient, put_in: Put) -> None:
    [entry_id] = await put_in(refused(raw=GOOD, raw_size_bytes=10_000_000))
    answer = await post(operator, f"village/{entry_id}/replay")
    assert (answer["verdict"], answer["readings"]) == ("impossible", 0)
    assert "of its 10000000 bytes were kept" in answer["problem"]


async def test_a_discarded_message_stays_and_can_still_be_replayed(
    operator: httpx.AsyncClient, put_in: Put
) -> None:
    [entry_id] = await put_in(refused(raw=GOOD))
    for _ in range(2):
        answer = await post(operator, f"village/{entry_id}/discard")
        assert (answer["id"], answer["state"], answer["handled_by"]) == (entry_id, "discarded", "user")
    assert (await get(operator, "village"))["open_by_reason"] == {}
    replayed = await post(operator, f"village/{entry_id}/replay")
    assert replayed["message"]["state"] == "replayed"


async def test_a_replayed_message_cannot_be_discarded(operator: httpx.AsyncClient, put_in: Put) -> None:
    [entry_id] = await put_in(refused(raw=GOOD))
    await post(operator, f"village/{entry_id}/replay")
    answer = await operator.post(f"/api/quarantine/village/{entry_id}/discard")
    assert (answer.status_code, detail_of(answer)) == (
        409,
        "The message was replayed: there is nothing left to discard.",
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "village"),
        ("GET", "village/1-0"),
        ("POST", "village/1-0/replay"),
        ("POST", "village/1-0/discard"),
    ],
)
async def test_a_stranger_gets_nothing(stranger: httpx.AsyncClient, method: str, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        answer = await stranger.request(method, f"/api/quarantine/{path}", headers=headers)
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("~other", {}),
        ("a b", {}),
        ("x" * 65, {}),
        ("village/nonsense", {}),
        ("village/1-0-0", {}),
        ("village", {"state": "closed"}),
        ("village", {"reason": "because"}),
        ("village", {"device_id": "a/b"}),
        ("village", {"since": "2026-11-23T10:00:00"}),
        ("village", {"until": "yesterday"}),
        ("village", {"limit": "0"}),
        ("village", {"limit": "201"}),
        ("village", {"cursor": "(1"}),
        ("village", {"cursor": "1" * 30 + "-0"}),
    ],
)
async def test_bad_input_is_refused_with_its_name(
    operator: httpx.AsyncClient, path: str, params: dict[str, str]
) -> None:
    answer = await operator.get(f"/api/quarantine/{path}", params=params)
    assert answer.status_code == 422
    [problem] = problems_of(answer)
    assert problem["field"].rpartition(".")[2] in {"grid_id", "entry_id", *params}


async def test_the_ends_of_the_calendar_are_times_too(operator: httpx.AsyncClient, put_in: Put) -> None:
    [entry_id] = await put_in(refused(1))
    answer = await get(
        operator, "village", since="0001-01-01T00:00:00+14:00", until="9999-12-31T23:59:59-14:00"
    )
    assert [message["id"] for message in answer["messages"]] == [entry_id]


async def test_a_store_that_is_away_is_a_503(
    operator: httpx.AsyncClient, put_in: Put, quarantine: FakeQuarantine
) -> None:
    [entry_id] = await put_in(refused(raw=GOOD))
    for method, path in [("GET", ""), ("GET", f"/{entry_id}"), ("POST", f"/{entry_id}/replay")]:
        quarantine.fail_next(RetryableError("redis: refused", retry_after=timedelta(seconds=7)))
        answer = await operator.request(method, f"/api/quarantine/village{path}")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
        assert detail_of(answer) == "The quarantine is away."
