"""What `make up` does: prepares, starts, waits until all is healthy, and says where it is."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any, Final, cast

from deploy.compose.installation import HERE, Installation
from deploy.compose.machine import NotReadyError, require_disk, require_free, wanted_ports
from deploy.compose.one_at_a_time import BusyError, one_at_a_time
from deploy.compose.restore import finish

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
        self.build()
        self.start(*options)

    @property
    def project(self) -> str:
        """The name that compose gives to what belongs to this system."""
        return self.installation.settings.get("MICROGRID_PROJECT", "microgrid")

    def build(self) -> None:
        """Build the image from the source here."""
        self.installation.prepare()
        self.compose("build", "--quiet", "api")

    def published_ports(self) -> set[int]:
        """The ports of this machine that its containers listen on."""
        lines = self.compose("ps", "--format", "json").splitlines()
        containers = [found for line in lines for found in _listed(json.loads(line))]
        return {port["PublishedPort"] for found in containers for port in found["Publishers"] or ()}

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
        environment = os.environ | ({} if _has_buildkit() else {"DOCKER_BUILDKIT": "0"})
        done = subprocess.run(
            self._command(arguments),
            env=environment,
            input=stdin,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CommandFailedError(f"docker compose {arguments[0]} failed")
        return done.stdout

    @contextmanager
    def output_of(self, *arguments: str, **environment: str) -> Iterator[IO[bytes]]:
        """What `docker compose` prints, as it comes.

        Args:
            arguments: of the command.
            environment: variables that the command has beside ours.

        Raises:
            CommandFailedError: it failed, at the end of the block.
        """
        with subprocess.Popen(
            self._command(arguments),
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        ) as process:
            try:
                yield cast("IO[bytes]", process.stdout)
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            raise CommandFailedError(f"docker compose {arguments[0]} failed")

    def run_at_store(self, command: str) -> tuple[str, ...]:
        """What compose is to do for a command of the ingestor that needs the operator's token."""
        self.remove_setup()
        run = ("run", "--rm", "--name", self._setup, "--no-deps", "-T", "setup")
        return *run, "microgrid-ingestor", command

    def remove_setup(self) -> None:
        """Remove the container of a command that was interrupted."""
        subprocess.run(("docker", "rm", "--force", self._setup), capture_output=True, check=False)

    @property
    def _setup(self) -> str:
        return f"{self.project}-setup"

    def _command(self, arguments: Sequence[str]) -> list[str]:
        files = ("--env-file", str(self.installation.environment), "--file", str(HERE / "compose.yaml"))
        return ["docker", "compose", *(("--progress", "quiet") if self._quiet else ()), *files, *arguments]

    def _set_up_store(self) -> None:
        self.compose(*self.run_at_store("setup"))
        if self.installation.value("api", "MICROGRID_INFLUX_TOKEN") is None:
            tokens = json.loads(self.compose(*self.run_at_store("store-tokens")))
            self.installation.put("ingestor", MICROGRID_INFLUX_TOKEN=tokens["writer"])
            self.installation.put("api", MICROGRID_INFLUX_TOKEN=tokens["reader"])


def main() -> int:
    """Bring the system up with the settings of the environment and of `settings.env`."""
    deployment = this_deployment()
    try:
        with one_at_a_time(STATE):
            # A restore that was interrupted.
            finish(STATE, SETTINGS)
            seconds = _bring_up(deployment, sys.argv[1:])
    except CommandFailedError as error:
        print(f"make up: {error}; make logs says more", file=sys.stderr)
        return 1
    except (BusyError, NotReadyError, OSError) as error:
        print(f"make up: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("make up: interrupted; make up again goes on from here", file=sys.stderr)
        return 130
    print(_addresses(deployment.installation.settings, seconds))
    return 0


def this_deployment() -> Deployment:
    """The system of this folder, with the settings of the environment and of `settings.env`."""
    return Deployment(Installation(STATE, ENVIRONMENT, _settings()))


def _bring_up(deployment: Deployment, options: Sequence[str]) -> float:
    if problem := what_docker_lacks():
        raise NotReadyError(problem)
    require_disk(STATE)
    ports = wanted_ports(deployment.installation.settings)
    deployment.installation.prepare()
    require_free(ports, deployment.published_ports())
    deployment.build()
    begun = time.monotonic()
    deployment.start(*options)
    return time.monotonic() - begun


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


def _listed(answer: Any) -> list[Any]:
    # Until its version 2.21 compose wrote one list, since then one object a line.
    return answer if isinstance(answer, list) else [answer]


def _addresses(settings: Mapping[str, str], seconds: float) -> str:
    bind = settings.get("MICROGRID_BIND", "127.0.0.1")
    host = "localhost" if bind in {"127.0.0.1", "0.0.0.0"} else bind
    https = f"https://{host}:{settings.get('MICROGRID_HTTPS_PORT', '8443')}"
    mqtts = f"mqtts://{host}:{settings.get('MICROGRID_MQTTS_PORT', '8883')}"
    authority = _shown(STATE / "secrets" / "ca" / "ca.pem")
    return f"""
  All is healthy after {seconds:.0f} s. The first administrator, once: make admin NAME=amina

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
