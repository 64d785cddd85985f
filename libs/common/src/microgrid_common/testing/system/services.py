"""How each service of the monitor is started, in either back end."""

import http.client
import os
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final

from microgrid_common.testing.servers.backend import ServerRecipe

IMAGE_VARIABLE: Final = "MICROGRID_TEST_IMAGE"
DEFAULT_IMAGE: Final = "microgrid-monitor:local"

_REPLY_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Service:
    """One service of the monitor."""

    name: str
    """Such as `alert-engine`; its host name among containers."""
    module: str
    """Run as `python -m`."""
    port: int
    """Where it answers `/readyz` in its container."""
    host_variable: str = "MICROGRID_HEALTH_HOST"
    port_variable: str = "MICROGRID_HEALTH_PORT"

    @property
    def package(self) -> str:
        """What has to be installed for it."""
        return self.module.partition(".")[0].replace("_", "-")


API: Final = Service("api", "microgrid_api", 8000, "MICROGRID_API_HOST", "MICROGRID_API_PORT")
INGESTOR: Final = Service("ingestor", "microgrid_ingestor", 8001)
ALERT_ENGINE: Final = Service("alert-engine", "microgrid_alert_engine", 8002)
NOTIFIER: Final = Service("notifier", "microgrid_alert_engine.notifier", 8003)
SERVICES: Final = (API, INGESTOR, ALERT_ENGINE, NOTIFIER)


def image() -> str:
    """The image of the services."""
    return os.environ.get(IMAGE_VARIABLE) or DEFAULT_IMAGE


def recipe_for(service: Service, settings: Mapping[str, str], network: str | None) -> ServerRecipe:
    """How to start a service.

    Args:
        service: which one.
        settings: `MICROGRID_…` variables of all services, with the servers' addresses as it reaches them.
        network: where containers reach one another; None for a process.
    """
    named = dict(settings) | {
        "MICROGRID_INGESTOR_NAME": service.name,
        "MICROGRID_ALERT_ENGINE_NAME": service.name,
        "MICROGRID_NOTIFIER_NAME": service.name,
    }
    return ServerRecipe(
        name=service.name,
        image=image(),
        container_port=service.port,
        container_data="/tmp",  # noqa: S108 - the one folder that it may write to
        container_command=("python", "-m", service.module),
        container_environment=named | {service.host_variable: "0.0.0.0"},  # noqa: S104 - published on loopback
        container_network=network,
        program=sys.executable,
        process_command=lambda program, _port, _data: [str(program), "-m", service.module],
        process_environment=partial(_environment, named, service.port_variable),
        is_ready=_is_ready,
    )


def _environment(settings: Mapping[str, str], port_variable: str, port: int) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MICROGRID_")}
    return {**inherited, **settings, port_variable: str(port)}


def _is_ready(host: str, port: int) -> bool:
    try:
        with closing(http.client.HTTPConnection(host, port, timeout=_REPLY_SECONDS)) as connection:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == HTTPStatus.OK
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
