"""A real InfluxDB 2 for tests."""

import http.client
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from microgrid_common.testing.servers.backend import ServerRecipe
from microgrid_common.testing.servers.running import BackendChoice, Server, run

INFLUXDB_IMAGE = "influxdb:2.7"

_CONTAINER_PORT = 8086
_REPLY_SECONDS = 20.0
_ORGANISATION = "microgrid"
_FIRST_BUCKET = "telemetry"
_FOR_EVER = timedelta(0)


@dataclass(frozen=True, kw_only=True)
class InfluxBucket:
    """An empty bucket and how to reach it."""

    url: str
    token: str = field(repr=False)
    org: str
    bucket: str
    bucket_id: str


@dataclass(frozen=True, kw_only=True)
class InfluxDB(Server):
    """A running InfluxDB 2 with one organisation, one bucket and a token that may do everything."""

    token: str = field(repr=False)
    """Made anew for each server."""
    org: str
    org_id: str
    bucket: str
    """A bucket that keeps its data for ever; one of your own comes from `create_bucket`."""

    @property
    def url(self) -> str:
        """Address as `http://host:port`."""
        return f"http://{self.host}:{self.port}"

    def create_bucket(self, name: str, *, retention: timedelta = _FOR_EVER) -> InfluxBucket:
        """Create an empty bucket.

        Args:
            name: Must be new on this server.
            retention: How long it keeps data, at least one hour; 0 means for ever.
        """
        seconds = int(retention.total_seconds())
        created = self._call(
            "POST",
            "/api/v2/buckets",
            {
                "orgID": self.org_id,
                "name": name,
                "retentionRules": [{"type": "expire", "everySeconds": seconds}] if seconds else [],
            },
        )
        return InfluxBucket(
            url=self.url, token=self.token, org=self.org, bucket=name, bucket_id=str(created["id"])
        )

    def retention(self, name: str) -> timedelta:
        """How long a bucket keeps its data; 0 means for ever."""
        (found,) = self._call("GET", f"/api/v2/buckets?name={name}")["buckets"]
        return timedelta(seconds=sum(rule["everySeconds"] for rule in found["retentionRules"]))

    def delete_bucket(self, bucket: InfluxBucket) -> None:
        """Delete a bucket with its data."""
        self._call("DELETE", f"/api/v2/buckets/{bucket.bucket_id}")

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return _call(self.host, self.port, method, path, body=body, token=self.token)


@contextmanager
def influxdb(*, backend: BackendChoice | None = None, network: str | None = None) -> Iterator[InfluxDB]:
    """Run an InfluxDB server, set up with organisation, bucket and token.

    Args:
        backend: How to run it; None takes it from MICROGRID_TEST_SERVERS.
        network: Network of containers that it joins under its name, where it is a container.
    """
    token = secrets.token_urlsafe(32)
    with run(replace(_RECIPE, container_network=network), backend) as running:
        created = _call(
            running.host,
            running.port,
            "POST",
            "/api/v2/setup",
            body={
                "username": "tests",
                "password": secrets.token_urlsafe(16),
                "org": _ORGANISATION,
                "bucket": _FIRST_BUCKET,
                "token": token,
            },
        )
        yield InfluxDB(
            host=running.host,
            port=running.port,
            backend=running,
            token=token,
            org=_ORGANISATION,
            org_id=str(created["org"]["id"]),
            bucket=_FIRST_BUCKET,
        )


def _process_command(program: Path, port: int, data: Path) -> list[str]:
    return [
        str(program),
        f"--http-bind-address=127.0.0.1:{port}",
        f"--bolt-path={data / 'influxd.bolt'}",
        f"--sqlite-path={data / 'influxd.sqlite'}",
        f"--engine-path={data / 'engine'}",
        "--reporting-disabled",
    ]


def _is_ready(host: str, port: int) -> bool:
    try:
        return _call(host, port, "GET", "/health").get("status") == "pass"
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error


def _call(
    host: str,
    port: int,
    method: str,
    path: str,
    *,
    body: Mapping[str, Any] | None = None,
    token: str | None = None,
) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Token {token}"
    with closing(http.client.HTTPConnection(host, port, timeout=_REPLY_SECONDS)) as connection:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        answer = response.read()
    if response.status >= http.HTTPStatus.BAD_REQUEST:
        raise http.client.HTTPException(f"influxdb answered {response.status} to {method} {path}: {answer!r}")
    decoded: dict[str, Any] = json.loads(answer) if answer else {}
    return decoded


_RECIPE = ServerRecipe(
    name="influxdb",
    image=INFLUXDB_IMAGE,
    container_port=_CONTAINER_PORT,
    container_data="/var/lib/influxdb2",
    container_environment={"INFLUXD_REPORTING_DISABLED": "true"},
    program="influxd",
    process_command=_process_command,
    is_ready=_is_ready,
)
