"""Commands to devices over the API: given, followed, refused."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from services.api.tests.problems import detail_of, fields_of, problems_of

from microgrid_api.ports import ApiPorts
from microgrid_common.ports.command_store import CommandWrite
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.identity import Caller, LoginRefusedError, Tokens
from microgrid_common.ports.link_store import LinkWrite
from microgrid_common.schemas.command import CommandState
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.device_link import DeviceLink
from microgrid_common.schemas.user import Grants, Role
from microgrid_common.testing.fakes.command_store import FakeCommandStore
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry
from microgrid_common.testing.fakes.link_store import FakeLinkStore
from microgrid_common.testing.samples import SAMPLE_TIME

URL = "/api/device/inverter-1/command"
LIMIT = {"command": "set_active_power_limit", "parameters": {"limit_kw": 2.5}}


class KnownCallers:
    """An `Identity` whose tokens are the names of callers."""

    def __init__(self, grants: dict[str, Grants]) -> None:
        self._grants = grants

    async def caller(self, token: str) -> Caller:
        return Caller(username=token, login_id=token, grants=self._grants[token], expires_at=None)

    async def log_in(self, username: str, password: str) -> Tokens:  # noqa: ARG002 - as the port has it
        raise LoginRefusedError

    async def refresh(self, refresh_token: str) -> Tokens:  # noqa: ARG002 - as the port has it
        raise LoginRefusedError

    async def log_out(self, caller: Caller) -> None:
        pass


GRANTS: dict[str, Grants] = {
    "operator": {"village-1": Role.COMMUNITY_OPERATOR},
    "technician": {"village-1": Role.TECHNICIAN},
    "technician-of-both": {"village-1": Role.TECHNICIAN, "village-2": Role.TECHNICIAN},
    "technician-of-one": {"village-1": Role.TECHNICIAN, "village-2": Role.VIEWER},
    "technician-elsewhere": {"village-3": Role.TECHNICIAN},
    "admin": {"*": Role.ADMIN},
}


@pytest.fixture
def ports(ports: ApiPorts) -> ApiPorts:
    return replace(ports, identity=KnownCallers(GRANTS))


@pytest.fixture
async def village(devices: FakeDeviceRegistry) -> None:
    await devices.put(
        [
            Device(grid_id="village-1", device_id="inverter-1", device_type="inverter"),
            Device(grid_id="village-1", device_id="relay-1", device_type="relay"),
        ]
    )


@pytest.fixture
async def second_village(devices: FakeDeviceRegistry) -> None:
    await devices.put([Device(grid_id="village-2", device_id="inverter-1", device_type="inverter")])


def as_(client: httpx.AsyncClient, name: str) -> httpx.AsyncClient:
    client.headers["Authorization"] = f"Bearer {name}"
    return client


@pytest.fixture
def technician(stranger: httpx.AsyncClient) -> httpx.AsyncClient:
    return as_(stranger, "technician")


pytestmark = pytest.mark.usefixtures("village")


async def test_a_command_is_recorded_and_told_about_and_can_be_followed(
    technician: httpx.AsyncClient, commands: FakeCommandStore
) -> None:
    answer = await technician.post(URL, json=LIMIT)
    assert answer.status_code == 202
    given = answer.json()
    command_id = given.pop("command_id")
    assert given == {
        "grid_id": "village-1",
        "device_id": "inverter-1",
        "command": "set_active_power_limit",
        "parameters": {"limit_kw": 2.5},
        "state": "queued",
        "created_by": "technician",
        "created_at": "2026-11-23T10:00:00.000Z",
        "expires_at": "2026-11-23T10:05:00.000Z",
        "attempts": 0,
        "sent_at": None,
        "delivered_at": None,
        "finished_at": None,
        "detail": None,
    }
    assert [event.command.command_id for event in commands.events] == [command_id]
    assert answer.headers["Location"] == f"/api/commands/{command_id}"

    stored = commands.commands[command_id]
    failed = {"state": CommandState.FAILED, "finished_at": SAMPLE_TIME, "detail": "no such limit"}
    await commands.apply(CommandWrite(stored.model_copy(update=failed), None, SAMPLE_TIME))
    shown = (await technician.get(answer.headers["Location"])).json()
    assert (shown["state"], shown["detail"]) == ("failed", "no such limit")
    assert shown["finished_at"] == "2026-11-23T10:00:00.000Z"


@pytest.mark.parametrize(
    ("url", "order", "field"),
    [
        (URL, {}, ["command"]),
        (URL, {"command": "set_relay", "parameters": {"closed": True}}, ["command"]),
        (URL, {"command": "explode"}, ["command"]),
        (URL, {"command": "restart"}, ["confirm"]),
        (URL, {"command": "restart", "confirm": "inverter-2"}, ["confirm"]),
        (URL, {**LIMIT, "confirm": "inverter-2"}, ["confirm"]),
        (URL, {**LIMIT, "parameters": {}}, ["parameters", "limit_kw"]),
        (URL, {**LIMIT, "parameters": {"limit_kw": -1}}, ["parameters", "limit_kw"]),
        (URL, {**LIMIT, "parameters": {"limit_kw": 1, "now": True}}, ["parameters", "now"]),
        (URL, {**LIMIT, "parameters": [1]}, ["parameters"]),
        (URL, {**LIMIT, "grid_id": "village-1"}, ["grid_id"]),
        ("/api/device/relay-1/command", LIMIT, ["command"]),
    ],
)
async def test_an_order_that_makes_no_sense_is_refused_by_its_field(
    technician: httpx.AsyncClient,
    commands: FakeCommandStore,
    url: str,
    order: dict[str, Any],
    field: list[str],
) -> None:
    answer = await technician.post(url, json=order)
    assert answer.status_code == 422
    assert fields_of(answer)[0] == ".".join(["body", *field])
    assert commands.commands == {}


async def test_what_is_not_allowed_is_said_together_with_what_is(technician: httpx.AsyncClient) -> None:
    answer = await technician.post("/api/device/relay-1/command", json=LIMIT)
    said = problems_of(answer)[0]["message"]
    assert said == "A device of type relay knows: identify, restart, set_relay, set_reporting_interval"


async def test_what_switches_something_is_done_when_the_device_is_named_twice(
    technician: httpx.AsyncClient,
) -> None:
    order = {"command": "set_relay", "parameters": {"closed": False}, "confirm": "relay-1"}
    answer = await technician.post("/api/device/relay-1/command", json=order)
    assert (answer.status_code, answer.json()["parameters"]) == (202, {"relay": 1, "closed": False})
    assert answer.json()["expires_at"] == "2026-11-23T10:01:00.000Z"


@pytest.mark.usefixtures("second_village")
@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("technician", 202),
        ("technician-of-one", 202),
        ("technician-of-both", 409),
        ("admin", 409),
        ("operator", 403),
        ("technician-elsewhere", 404),
    ],
)
async def test_a_device_is_looked_for_where_the_caller_may_command(
    stranger: httpx.AsyncClient, who: str, status: int
) -> None:
    answer = await as_(stranger, who).post(URL, json=LIMIT)
    assert answer.status_code == status
    if status == 202:
        assert answer.json()["grid_id"] == "village-1"
    if status == 409:
        assert detail_of(answer).endswith("say which by grid_id=…, one of village-1, village-2.")


@pytest.mark.usefixtures("second_village")
@pytest.mark.parametrize(
    ("who", "grid_id", "status"),
    [
        ("technician-of-both", "village-2", 202),
        ("admin", "village-2", 202),
        ("technician-of-one", "village-2", 403),
        ("operator", "village-1", 403),
        ("technician", "village-2", 404),
        ("admin", "village-9", 404),
        ("admin", "bad%20grid", 422),
    ],
)
async def test_the_grid_can_be_named_and_then_is_the_only_one(
    stranger: httpx.AsyncClient, who: str, grid_id: str, status: int
) -> None:
    answer = await as_(stranger, who).post(f"{URL}?grid_id={grid_id}", json=LIMIT)
    assert answer.status_code == status
    if status == 202:
        assert answer.json()["grid_id"] == grid_id


@pytest.mark.parametrize("who", ["technician-elsewhere", "admin"])
async def test_a_device_that_was_only_heard_knows_what_every_device_does(
    stranger: httpx.AsyncClient, links: FakeLinkStore, who: str
) -> None:
    link = DeviceLink(grid_id="village-3", device_id="x", connected=True, since=SAMPLE_TIME)
    await links.apply([LinkWrite(("village-3", "x"), 0, link, None)])
    client = as_(stranger, who)
    url = "/api/device/x/command?grid_id=village-3"
    assert (await client.post(url, json={"command": "identify"})).status_code == 202
    assert (await client.post(url, json=LIMIT)).status_code == 422
    without_grid = await client.post("/api/device/x/command", json={"command": "identify"})
    assert without_grid.status_code == (202 if who == "technician-elsewhere" else 404)


async def test_a_key_makes_one_command_of_many_requests_even_when_it_is_under_way(
    technician: httpx.AsyncClient, commands: FakeCommandStore
) -> None:
    key = {"Idempotency-Key": "tap-1"}
    first = await technician.post(URL, json=LIMIT, headers=key)
    again = await technician.post(URL, json={**LIMIT, "confirm": "inverter-1"}, headers=key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(commands.commands) == 1
    assert (await technician.post(URL, json=LIMIT)).json()["command_id"] != first.json()["command_id"]
    theirs = await as_(technician, "admin").post(URL, json=LIMIT, headers=key)
    assert theirs.json()["created_by"] == "admin"


async def test_a_key_that_was_used_for_something_else_is_refused(
    technician: httpx.AsyncClient, commands: FakeCommandStore
) -> None:
    key = {"Idempotency-Key": "tap-1"}
    await technician.post(URL, json=LIMIT, headers=key)
    answer = await technician.post(URL, json={**LIMIT, "parameters": {"limit_kw": 3}}, headers=key)
    assert answer.status_code == 422
    assert fields_of(answer)[0] == "header.Idempotency-Key"
    assert len(commands.commands) == 1


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_is_neither_empty_nor_endless(technician: httpx.AsyncClient, key: str) -> None:
    answer = await technician.post(URL, json=LIMIT, headers={"Idempotency-Key": key})
    assert answer.status_code == 422


async def test_the_commands_of_a_device_come_by_pages_the_newest_first(
    technician: httpx.AsyncClient, now: Any
) -> None:
    given = []
    for _ in range(3):
        given.append((await technician.post(URL, json=LIMIT)).json()["command_id"])
        now.pass_by(timedelta(seconds=1))
    url = "/api/device/village-1/inverter-1/commands?limit=2"
    page = (await technician.get(url)).json()
    assert [command["command_id"] for command in page["commands"]] == given[:0:-1]
    page = (await technician.get(f"{url}&cursor={page['next_cursor']}")).json()
    assert [command["command_id"] for command in page["commands"]] == given[:1]
    assert page["next_cursor"] is None
    assert (await technician.get(f"{url}&cursor=nonsense")).status_code == 422
    assert (await technician.get("/api/device/village-1/relay-1/commands")).json()["commands"] == []


async def test_what_a_device_knows_can_be_asked(technician: httpx.AsyncClient) -> None:
    found = (await technician.get("/api/device/village-1/inverter-1/commands/catalogue")).json()
    by_name = {each["command"]: each for each in found}
    assert list(by_name) == ["identify", "restart", "set_active_power_limit", "set_reporting_interval"]
    assert by_name["restart"]["needs_confirmation"] is True
    assert by_name["set_active_power_limit"]["parameters"][0]["unit"] == "kW"
    assert by_name["identify"]["valid_seconds"] == 60
    unknown = (await technician.get("/api/device/village-1/nobody/commands/catalogue")).json()
    assert [each["command"] for each in unknown] == ["identify", "restart", "set_reporting_interval"]


async def test_those_who_do_not_see_the_grid_see_no_command_of_it(technician: httpx.AsyncClient) -> None:
    where = (await technician.post(URL, json=LIMIT)).headers["Location"]
    assert (await as_(technician, "operator").get(where)).status_code == 200
    stranger = as_(technician, "technician-elsewhere")
    missing = await stranger.get(where)
    nowhere = await stranger.get("/api/commands/cmd-000000000000-0000000000000000")
    assert missing.status_code == nowhere.status_code == 404
    assert detail_of(missing) == detail_of(nowhere)
    for path in ("commands", "commands/catalogue"):
        assert (await stranger.get(f"/api/device/village-1/inverter-1/{path}")).status_code == 404
    assert (await stranger.get("/api/commands/cmd-1")).status_code == 422


async def test_nobody_commands_without_signing_in(stranger: httpx.AsyncClient, app: FastAPI) -> None:
    for method, path in (
        ("POST", URL),
        ("GET", "/api/device/village-1/inverter-1/commands"),
        ("GET", "/api/device/village-1/inverter-1/commands/catalogue"),
        ("GET", "/api/commands/cmd-000000000000-0000000000000000"),
    ):
        assert (await stranger.request(method, path, json=LIMIT)).status_code == 401


async def test_a_store_that_is_away_is_said_to_be(
    technician: httpx.AsyncClient, commands: FakeCommandStore
) -> None:
    commands.fail_next(RetryableError("away at 10.0.0.1"))
    answer = await technician.post(URL, json=LIMIT)
    assert (answer.status_code, detail_of(answer)) == (503, "The command store is away.")
