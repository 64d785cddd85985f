"""What `make up` does: prepares, starts, waits until all is healthy, and says where it is."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from deploy.compose.installation import HERE, Installation

STATE: Final = HERE / "state"
ENVIRONMENT: Final = HERE / ".env"
SETTINGS: Final = HERE / "settings.env"

_SECONDS_UNTIL_HEALTHY: Final = 180
_ANSWER_SECONDS: Final = 20
_OURS: Final = ("MICROGRID_", "COMPOSE_PROFILES")


class CommandFailedError(RuntimeError):
    """A command has failed; what it said is on the terminal already."""


class Deployment:
    """One running system.

    Args:
        installation: its secrets, data and settings.
        quiet: whether what compose does is left unsaid.
    """

    def __init__(self, installation: Installation, *, quiet: bool = False) -> None:
        self.installation = installation
        self._quiet = quiet

    def up(self, *options: str) -> None:
        """Build the image, and start everything as `start` does."""
        self.installation.prepare()
        self.compose("build", "--quiet", "api")
        self.start(*options)

    def start(self, *options: str) -> None:
        """Start what does not run as the files here say, and wait until it is healthy.

        Args:
            options: of `docker compose up`, such as `--scale api=2`.

        Raises:
            CommandFailedError: something does not start, or does not become healthy.
        """
        self.installation.prepare()
        # Its tokens go into the settings of the services.
        self._start("influxdb")
        self._set_up_store()
        self._start(*options)

    def _start(self, *options: str) -> None:
        self.compose("up", "--detach", "--wait", "--wait-timeout", str(_SECONDS_UNTIL_HEALTHY), *options)

    def compose(self, *arguments: str, stdin: str | None = None) -> str:
        """Run `docker compose`.

        Returns:
            What it printed.

        Raises:
            CommandFailedError: it failed.
        """
        files = ("--env-file", str(self.installation.environment), "--file", str(HERE / "compose.yaml"))
        command = ["docker", "compose", *(("--progress", "quiet") if self._quiet else ()), *files, *arguments]
        environment = os.environ | ({} if _has_buildkit() else {"DOCKER_BUILDKIT": "0"})
        done = subprocess.run(
            command, env=environment, input=stdin, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            raise CommandFailedError(f"docker compose {arguments[0]} failed")
        return done.stdout

    def _set_up_store(self) -> None:
        run = ("run", "--rm", "--no-deps", "-T", "setup", "microgrid-ingestor")
        self.compose(*run, "setup")
        if self.installation.value("api", "MICROGRID_INFLUX_TOKEN") is None:
            tokens = json.loads(self.compose(*run, "store-tokens"))
            self.installation.put("ingestor", MICROGRID_INFLUX_TOKEN=tokens["writer"])
            self.installation.put("api", MICROGRID_INFLUX_TOKEN=tokens["reader"])


def main() -> int:
    """Bring the system up with the settings of the environment and of `settings.env`."""
    settings = _settings()
    if problem := what_docker_lacks():
        print(f"make up: {problem}", file=sys.stderr)
        return 1
    deployment = Deployment(Installation(STATE, ENVIRONMENT, settings))
    try:
        deployment.up(*sys.argv[1:])
    except CommandFailedError as error:
        print(f"make up: {error}; make logs says more", file=sys.stderr)
        return 1
    print(_addresses(settings))
    return 0


def what_docker_lacks() -> str | None:
    """Why nothing can be started here; None where it can."""
    for command in (("docker", "info"), ("docker", "compose", "version")):
        try:
            answer = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=_ANSWER_SECONDS
            )
        except FileNotFoundError:
            return "docker is not installed"
        except subprocess.TimeoutExpired:
            return f"{' '.join(command)} does not answer"
        if answer.returncode:
            said = answer.stderr.strip().splitlines()
            return f"{' '.join(command)} fails: {said[-1] if said else 'it says nothing'}"
    return None


@cache
def _has_buildkit() -> bool:
    return subprocess.run(("docker", "buildx", "version"), capture_output=True, check=False).returncode == 0


def _settings() -> dict[str, str]:
    lines = SETTINGS.read_text().splitlines() if SETTINGS.exists() else []
    pairs = (line.partition("=") for line in lines if line.strip() and not line.startswith("#"))
    told = {name: value for name, value in os.environ.items() if name.startswith(_OURS)}
    return {name.strip(): value.strip() for name, _, value in pairs} | told


def _addresses(settings: Mapping[str, str]) -> str:
    bind = settings.get("MICROGRID_BIND", "127.0.0.1")
    host = "localhost" if bind in {"127.0.0.1", "0.0.0.0"} else bind
    https = f"https://{host}:{settings.get('MICROGRID_HTTPS_PORT', '8443')}"
    mqtts = f"mqtts://{host}:{settings.get('MICROGRID_MQTTS_PORT', '8883')}"
    authority = _shown(STATE / "secrets" / "ca" / "ca.pem")
    return f"""
  All is healthy. The first administrator, once: make admin NAME=amina

  API        {https}    curl --cacert {authority} {https}/readyz
  MQTT       {mqtts}    each device with a certificate of its own
  Authority  {authority}: whom apps and devices have to believe
  State      {_shown(STATE)}: secrets and data
  Listening on {bind}. make logs shows what happens, make down stops it; what is stored stays.
"""


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


if __name__ == "__main__":
    sys.exit(main())
