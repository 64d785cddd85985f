"""Test servers as containers, through testcontainers."""

import functools
import gc
import io
import signal
import socket
import tarfile
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import docker.errors
from docker.constants import DEFAULT_DOCKER_API_VERSION
from docker.types import EndpointConfig
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient

from microgrid_common.testing.servers.backend import (
    Backend,
    CommandInsideError,
    ServerNotReadyError,
    ServerRecipe,
    ServerUnavailableError,
)
from microgrid_common.testing.servers.cleanup import cleanup
from microgrid_common.testing.waiting import free_port

_PING_SECONDS = 5
_PULL_SECONDS = 300
_STOP_SECONDS = 15
_OWNER_LABEL = "microgrid.test-run"
_LOOPBACK = "127.0.0.1"
HOST_OF_THE_TESTS = "host.docker.internal"
"""Under which name a container in a network reaches the machine of its engine."""
_ryuk_setting = threading.Lock()


@functools.cache
def find_image(image: str) -> str | None:
    """Make sure that a Docker engine has an image, pulling it if it must.

    Asked once for each image in the life of this Python process.

    Returns:
        None if the image is there, else why it cannot be had.
    """
    with warnings.catch_warnings():
        # The client leaves its socket open when no engine answers; collected here, it disturbs no test.
        warnings.simplefilter("ignore", ResourceWarning)
        reason = _look_for(image)
        if reason is not None:
            gc.collect()
    return reason


def _look_for(image: str) -> str | None:
    try:
        # Through testcontainers, so that both look for the engine in the same places.
        client = DockerClient(timeout=_PING_SECONDS).client
    except docker.errors.DockerException:
        return "no Docker engine answers"
    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        return _pull(image)
    except (docker.errors.DockerException, OSError):
        return "no Docker engine answers"
    finally:
        client.close()
    return None


def _pull(image: str) -> str | None:
    client = DockerClient(timeout=_PULL_SECONDS).client
    try:
        client.images.pull(image)
    except (docker.errors.DockerException, OSError):
        return f"the image {image} is not here and cannot be pulled"
    finally:
        client.close()
    return None


@functools.cache
def _owner() -> str:
    """Return the label that marks this run's containers; they are removed even if the run is killed."""
    label = f"{_OWNER_LABEL}={uuid4().hex}"
    cleanup().keep("containers", label)
    return label


@contextmanager
def _without_ryuk() -> Iterator[None]:
    """Keep testcontainers from starting its own cleaning container: ours needs no image."""
    with _ryuk_setting:
        before = testcontainers_config.ryuk_disabled
        testcontainers_config.ryuk_disabled = True
        try:
            yield
        finally:
            testcontainers_config.ryuk_disabled = before


@contextmanager
def container_network() -> Iterator[str]:
    """A network of containers, by its name, while the block runs."""
    name, _, value = _owner().partition("=")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        client = DockerClient().client
    try:
        network = client.networks.create(f"microgrid-{uuid4().hex}", labels={name: value})
        try:
            yield str(network.name)
        finally:
            network.remove()
    finally:
        client.close()


class ContainerBackend(Backend):
    """A server as a container on a fixed free host port; its data lives as long as the container.

    Args:
        recipe: The server to run.

    Raises:
        ServerUnavailableError: No engine answers, or it has no such image and cannot pull it.
    """

    def __init__(self, recipe: ServerRecipe) -> None:
        super().__init__(recipe)
        image = f"{testcontainers_config.hub_image_name_prefix}{recipe.image}"
        if (reason := find_image(image)) is not None:
            raise ServerUnavailableError(reason)
        name, _, value = _owner().partition("=")
        self._container = DockerContainer(
            recipe.image,
            command=list(recipe.container_command) or None,
            env=dict(recipe.container_environment),
            transferables=[(text.encode(), path, 0o644) for path, text in recipe.container_files.items()],
        )
        self._container.with_kwargs(labels={name: value}, **_in_network(recipe))
        self._is_local = _engine_is_local(self._container)
        self._port = free_port()
        # Not with_bind_ports(): it cannot keep the port on the loopback interface.
        self._container.ports[f"{recipe.container_port}/tcp"] = (
            (_LOOPBACK, self._port) if self._is_local else self._port
        )
        self._was_started = False

    @property
    def host(self) -> str:
        """The loopback address, or that of the engine where it runs elsewhere."""
        return _LOOPBACK if self._is_local else str(self._container.get_container_host_ip())

    @property
    def port(self) -> int:
        """The published port."""
        if self._is_local or not self._was_started:
            return self._port
        return int(self._container.get_exposed_port(self._recipe.container_port))

    def signal(self, number: int) -> None:
        """Send a signal to the container's first process."""
        self._engine_container.kill(signal=signal.Signals(number).name)

    def log(self) -> str:
        """Return what the server has written so far, over all its starts."""
        return bytes(self._engine_container.logs()).decode(errors="replace") if self._was_started else ""

    def empty_file(self, name: str) -> None:
        """Make a file of the data directory an empty one."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.addfile(tarfile.TarInfo(name))
        self._engine_container.put_archive(self._recipe.container_data, archive.getvalue())

    def run_inside(self, command: Sequence[str], *, stdin: str = "") -> str:
        """Run a command in the container, which must have a bash."""
        words = ["bash", "-c", 'printf %s "$WRITTEN" | "$@"', "bash", *command]
        code, output = self._engine_container.exec_run(words, environment={"WRITTEN": stdin})
        text = bytes(output).decode(errors="replace")
        if code:
            raise CommandInsideError(text)
        return text

    def close(self) -> None:
        """Remove the container with its volumes."""
        self.kill()
        self._container.stop()

    @property
    def _engine_container(self) -> Any:
        return self._container.get_wrapped_container()

    def _launch(self) -> None:
        try:
            if self._was_started:
                self._engine_container.start()
            else:
                with _without_ryuk():
                    self._container.start()
                self._was_started = True
        except docker.errors.APIError as error:
            raise ServerNotReadyError(f"{self._recipe.name}: {error.explanation or error}") from error

    def _stop(self) -> None:
        self._engine_container.stop(timeout=_STOP_SECONDS)

    def _kill(self) -> None:
        try:
            self._engine_container.kill()
        except docker.errors.APIError as error:
            if not self._has_ended():
                raise ServerNotReadyError(f"{self._recipe.name}: {error.explanation or error}") from error
        self._engine_container.wait()

    def _pause(self) -> None:
        self._engine_container.pause()

    def _resume(self) -> None:
        self._engine_container.unpause()

    def _has_ended(self) -> bool:
        self._engine_container.reload()
        return self._engine_container.status not in {"created", "running", "paused"}


def _in_network(recipe: ServerRecipe) -> dict[str, Any]:
    if recipe.container_network is None:
        return {}
    endpoint = EndpointConfig(DEFAULT_DOCKER_API_VERSION, aliases=[recipe.name])
    return {
        "network": recipe.container_network,
        "networking_config": {recipe.container_network: endpoint},
        "extra_hosts": {HOST_OF_THE_TESTS: "host-gateway"},
    }


def _engine_is_local(container: DockerContainer) -> bool:
    """Tell whether the engine publishes ports on this machine's own loopback interface.

    The name comparison finds an engine that runs beside us inside one container, which the address
    that testcontainers derives does not.
    """
    client = container.get_docker_client()
    if client.host() in {"localhost", _LOOPBACK, "::1"}:
        return True
    return bool(client.client.info().get("Name") == socket.gethostname())
