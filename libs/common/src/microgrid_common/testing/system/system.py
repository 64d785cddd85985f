"""The running monitor, as a test sees it."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import httpx

from microgrid_common.schemas.topics import TopicKind, device_topic
from microgrid_common.testing.servers import InfluxDB, Mosquitto, Redis, Server
from microgrid_common.testing.system.publishing import PublishingFailedError, publish

__all__ = ["MicrogridSystem", "PublishingFailedError"]

T = TypeVar("T")

_WAIT_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.05
_REPLY_SECONDS: Final = 20.0


@dataclass(frozen=True, kw_only=True)
class MicrogridSystem:
    """The running monitor: where it is, who may use it, and what tests do with it.

    The methods block until done. Every part can be ended, paused and started again, as `Server` says.
    """

    mosquitto: Mosquitto
    """The broker, without a login."""
    redis: Redis
    influxdb: InfluxDB
    services: Mapping[str, Server]
    """`api`, `ingestor`, `alert-engine` and `notifier`."""
    host_of_the_tests: str
    """Under which name the services reach a server of the test's own, such as one that takes webhooks. For
    containers it has to listen on every address: `0.0.0.0`."""
    administrator: str
    """A user who may do everything in every grid."""
    password: str = field(repr=False)
    """Made anew for each system."""

    @property
    def mqtt_url(self) -> str:
        """Where devices publish, as `mqtt://host:port`."""
        return self.mosquitto.url

    @property
    def api_url(self) -> str:
        """Where the API is, as `http://host:port`."""
        return f"http://{self.services['api'].host}:{self.services['api'].port}"

    def live_url(self, grid_id: str) -> str:
        """Where the live data of a grid comes from, as `ws://host:port/…`; it wants the token of `log_in`."""
        return f"{self.api_url.replace('http', 'ws', 1)}/api/live/{grid_id}"

    def log_in(self) -> str:
        """Log the administrator in; returns an access token, which is good for a quarter of an hour."""
        who = {"username": self.administrator, "password": self.password}
        answer = httpx.post(f"{self.api_url}/api/auth/login", json=who, timeout=_REPLY_SECONDS)
        return str(answer.raise_for_status().json()["access_token"])

    def client(self) -> httpx.Client:
        """A client of the API, logged in; the caller closes it, best by `with`."""
        headers = {"Authorization": f"Bearer {self.log_in()}"}
        return httpx.Client(base_url=self.api_url, headers=headers, timeout=_REPLY_SECONDS)

    def publish(
        self, grid_id: str, device_id: str, *, timestamp: datetime | None = None, **metrics: float
    ) -> None:
        """Publish a telemetry message as a device does, and wait until an ingestor's broker has it.

        Args:
            grid_id: of which grid.
            device_id: of which device; it needs not be known.
            timestamp: when it was measured; None: now.
            metrics: such as `consumption_kw=15.0`.

        Raises:
            PublishingFailedError: the broker does not take it, or no ingestor is there for it.
        """
        measured = (timestamp or datetime.now(UTC)).astimezone(UTC)
        at = measured.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        message = {"schema": 1, "timestamp": at, "metrics": metrics}
        self.publish_text(device_topic(grid_id, device_id, TopicKind.TELEMETRY), json.dumps(message))

    def publish_text(self, topic: str, payload: str | bytes) -> None:
        """Publish any message on any topic with QoS 1.

        Raises:
            PublishingFailedError: as of `publish`.
        """
        publish(self.mosquitto.host, self.mosquitto.port, topic, payload)

    def wait_for_alarm(
        self,
        grid_id: str,
        *,
        rule_id: str | None = None,
        device_id: str | None = None,
        timeout: float = _WAIT_SECONDS,
    ) -> dict[str, Any]:
        """Wait for an active alarm of a grid, and return the newest as `GET /api/alerts/{grid_id}` shows it.

        Args:
            grid_id: where.
            rule_id: of what rule; None: of any.
            device_id: of which device; None: of any.
            timeout: seconds to wait at most.

        Raises:
            AssertionError: there was none in time; it says which ones there are.
        """
        wanted = {"rule_id": rule_id, "device_id": device_id}
        asked = {name: value for name, value in wanted.items() if value is not None}
        with self.client() as client:

            def found(only: Mapping[str, str]) -> list[dict[str, Any]]:
                answer = client.get(f"/api/alerts/{grid_id}", params={"status": "active", **only})
                alerts: list[dict[str, Any]] = answer.raise_for_status().json()["alerts"]
                return alerts

            if alerts := _awaited(lambda: found(asked), timeout):
                return alerts[0]
            others = [f"{alert['rule_id']} of {alert['device_id']}" for alert in found({})]
        raise AssertionError(
            f"no active alarm {asked} in {grid_id} within {timeout:g} s; active: {others or 'none'}"
        )

    def wait_for_value(
        self, grid_id: str, metric: str, value: float, *, timeout: float = _WAIT_SECONDS
    ) -> dict[str, Any]:
        """Wait until a value is stored, and return its point as `GET /api/historical/…` shows it.

        Args:
            grid_id: where.
            metric: such as `consumption_kw`.
            value: what was published in the last hour.
            timeout: seconds to wait at most.

        Raises:
            AssertionError: it was not stored in time; it says which ones are.
        """
        with self.client() as client:

            def stored() -> list[dict[str, Any]]:
                answer = client.get(f"/api/historical/{grid_id}/{metric}", params={"period": "1h"})
                points: list[dict[str, Any]] = answer.raise_for_status().json()["points"]
                return points

            if points := _awaited(lambda: [each for each in stored() if each["value"] == value], timeout):
                return points[-1]
            values = [point["value"] for point in stored()]
        raise AssertionError(f"{metric} of {grid_id} was not {value} within {timeout:g} s; stored: {values}")


def _awaited(look: Callable[[], list[T]], timeout: float) -> list[T]:
    """Look again and again until there is something; empty when there was nothing in time."""
    deadline = time.monotonic() + timeout
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return found
