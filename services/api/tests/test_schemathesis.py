"""The whole API against its own description, on the real server with real stores."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from microgrid_common.adapters.redis.alarm_states import RedisAlarmStates
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.device_registry import RedisDeviceRegistry
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.schemas.device import Device
from microgrid_common.testing.samples import append_readings, put_alerts, sample_reading, sample_record
from microgrid_common.testing.waiting import free_port, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

PASSWORD = "correct horse"
GRID = "village-1"
"""As in the examples of the description."""

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "missing_required_header",
    "unsupported_method",
)
"""Not among them: `positive_data_acceptance`, since bounds such as those of a period cannot all be said in
a schema; `negative_data_rejection`, since a time may be given as a number, too, which no schema of a time
says; and `ignored_auth`, which test_permissions_of_every_route.py tries in every way."""

LEFT_OUT = (
    # It never ends.
    "/api/live/{grid_id}/events",
    # They end the login that all the others need: schemathesis learns the names of users from answers.
    "/api/auth/logout",
    "/api/auth/password",
    "/api/users/{username}",
    "/api/users/{username}/password",
    "/api/users/{username}/logout",
)

MADE_FIRST = (
    ("put", "/api/grids/{grid_id}"),
    ("put", "/api/device/{grid_id}/{device_id}"),
    ("put", "/api/maintenance/{grid_id}/{window_id}"),
    ("post", "/api/rules"),
    ("post", "/api/users"),
    ("post", "/api/notifications/push-tokens"),
)
"""By these the things come to be that the examples of the description name."""

EXAMPLES_OF_EACH = 8
"""Beside the examples of the description, and the values at the ends of what is allowed."""


@contextmanager
def serving(folder: Path, redis_url: str) -> Iterator[str]:
    """The address of an API with users of its own, of whom `root` may do everything."""
    port = free_port()
    environment = os.environ | {
        "MICROGRID_AUTH_MODE": "local",
        "MICROGRID_API_PORT": str(port),
        "MICROGRID_REDIS_URL": redis_url,
        "MICROGRID_TELEMETRY_STORE": "sqlite",
        "MICROGRID_DATA_DIR": str(folder / "data"),
        "MICROGRID_API_USER_REQUESTS_PER_SECOND": "0",
        "MICROGRID_API_ADDRESS_REQUESTS_PER_SECOND": "0",
    }
    command = [sys.executable, "-m", "microgrid_api"]
    subprocess.run(
        [*command, "create-admin", "root"],
        env=environment,
        input=f"{PASSWORD}\n",
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with (folder / "api.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=40)


async def log_in(address: str) -> str:
    body = json.dumps({"username": "root", "password": PASSWORD}).encode()
    request = Request(f"{address}/api/auth/login", data=body, headers={"Content-Type": "application/json"})
    tokens: dict[str, str] = {}

    def try_it() -> bool:
        try:
            with urlopen(request) as answer:
                tokens.update(json.load(answer))
        except URLError:
            return False
        return True

    await wait_until(lambda: asyncio.to_thread(try_it), timeout=60, description="the API to let one in")
    return tokens["access_token"]


async def have_something_to_find(redis_url: str) -> None:
    """What the examples of the description name."""
    client = make_client(redis_url)
    now = datetime.now(UTC)
    await RedisDeviceRegistry(client).put([Device(grid_id=GRID, device_id="inverter-1")])
    await put_alerts(
        RedisAlarmStates(client), *(sample_record(now, number=number, grid_id=GRID) for number in range(1, 9))
    )
    await append_readings(
        RedisDurableLog(client),
        sample_reading(now, grid_id=GRID, device_id="inverter-1", consumption_kw=1.5, battery_soc=70),
    )
    await client.aclose()


def make_what_the_examples_name(address: str, token: str) -> None:
    with urlopen(f"{address}/openapi.json") as answer:
        document = json.load(answer)
    for method, template in MADE_FIRST:
        operation, path = document["paths"][template][method], template
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                path = path.replace(f"{{{parameter['name']}}}", parameter["schema"]["examples"][0])
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        example = document["components"]["schemas"][reference.rpartition("/")[2]]["examples"][0]
        example.pop("version", None)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "If-Match": '"0"'}
        request = Request(f"{address}{path}", json.dumps(example).encode(), headers, method=method.upper())
        with urlopen(request) as answer:
            assert answer.status in {200, 201}, path


async def test_every_answer_is_as_it_is_described(redis_url: str, tmp_path: Path) -> None:
    await have_something_to_find(redis_url)
    with serving(tmp_path, redis_url) as address:
        token = await log_in(address)
        await asyncio.to_thread(make_what_the_examples_name, address, token)
        left_out = [part for path in LEFT_OUT for part in ("--exclude-path", path)]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json"),
            *("--header", f"Authorization: Bearer {token}"),
            *("--checks", ",".join(CHECKS)),
            *("--phases", "examples,coverage,fuzzing"),
            *("--max-examples", str(EXAMPLES_OF_EACH), "--generation-deterministic"),
            *("--suppress-health-check", "all", "--continue-on-failure", "--no-color", "--warnings", "off"),
            *left_out,
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        # The login held to the end: else every answer would be a 401, as it is described.
        me = Request(f"{address}/api/auth/me", headers={"Authorization": f"Bearer {token}"})
        with await asyncio.to_thread(urlopen, me) as answer:
            assert answer.status == 200
    report = said.decode()
    assert process.returncode == 0, report[-20_000:]
    assert "Test cases:" in report
