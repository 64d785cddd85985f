"""Choosing a back end and running a server in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, get_args

from microgrid_common.testing.servers.backend import (
    Backend,
    ServerNotReadyError,
    ServerRecipe,
    ServerUnavailableError,
)
from microgrid_common.testing.servers.process import ProcessBackend, find_program

BackendChoice = Literal["auto", "container", "process"]
"""`auto` is a container where one can be had, else a local process."""

CHOICE_VARIABLE = "MICROGRID_TEST_SERVERS"
_FIRST_START_ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running test server: where it is, and how to make it fail.

    The methods block until done. Call them through `asyncio.to_thread` where the event loop must go on.
    """

    host: str
    """Name or address; for a client on this machine."""
    port: int
    """TCP port; the same after every start."""
    backend: Backend = field(repr=False, compare=False)
    """How the server is run."""

    @property
    def is_running(self) -> bool:
        """Whether the server was started and not stopped, killed or paused since."""
        return self.backend.is_running

    def start(self) -> None:
        """Start again on the same port with the same data, and wait until it answers."""
        self.backend.start()

    def stop(self) -> None:
        """End in order."""
        self.backend.stop()

    def kill(self) -> None:
        """End at once by SIGKILL, as a crash would."""
        self.backend.kill()

    def pause(self) -> None:
        """Freeze: connections stay open, and nothing is answered."""
        self.backend.pause()

    def resume(self) -> None:
        """Go on after a pause."""
        self.backend.resume()

    def log(self) -> str:
        """Return what the server has written so far."""
        return self.backend.log()


@contextmanager
def run(recipe: ServerRecipe, choice: BackendChoice | None) -> Iterator[Backend]:
    """Start a server, and remove it with its data at the end.

    Args:
        recipe: The server to run.
        choice: Back end to use; None takes it from the environment.

    Raises:
        ServerUnavailableError: No permitted back end can run it on this machine.
        ServerNotReadyError: It was started and did not come to answer.
    """
    backend = _started(recipe, choice or choice_from_environment())
    try:
        yield backend
    finally:
        backend.close()


def pull_image(image: str) -> None:
    """Pull the image of a server if it would run as a container and is not here yet.

    Pulling takes longer than a test may; done before, it is not charged to the first test.
    """
    if choice_from_environment() != "process":
        why_no_container(image)


def server_is_demanded() -> bool:
    """Tell whether a back end was chosen, so that its absence is an error and no reason to skip."""
    return choice_from_environment() != "auto"


def choice_from_environment() -> BackendChoice:
    """The back end that MICROGRID_TEST_SERVERS asks for.

    Raises:
        ValueError: it is none of them.
    """
    value = os.environ.get(CHOICE_VARIABLE, "auto")
    for choice in get_args(BackendChoice):
        if value == choice:
            return choice  # type: ignore[no-any-return]
    raise ValueError(f"{CHOICE_VARIABLE}={value}: must be auto, container or process")


def _started(recipe: ServerRecipe, choice: BackendChoice) -> Backend:
    attempts_left = _FIRST_START_ATTEMPTS
    while True:
        backend = _make(recipe, choice)
        attempts_left -= 1
        try:
            backend.start()
        except ServerNotReadyError:
            # Another program may have taken the free port in between: the next attempt has another one.
            backend.close()
            if not attempts_left:
                raise
        except BaseException:
            backend.close()
            raise
        else:
            return backend


def _make(recipe: ServerRecipe, choice: BackendChoice) -> Backend:
    reasons = []
    if choice != "process":
        if (reason := why_no_container(recipe.image)) is None:
            # Imported late: a machine without containers needs no testcontainers either.
            from microgrid_common.testing.servers.container import ContainerBackend  # noqa: PLC0415

            return ContainerBackend(recipe)
        reasons.append(reason)
    if choice != "container":
        try:
            find_program(recipe)
        except ServerUnavailableError as error:
            reasons.append(str(error))
        else:
            return ProcessBackend(recipe)
    raise ServerUnavailableError(f"{recipe.name} cannot be run here: {', and '.join(reasons)}")


def why_no_container(image: str) -> str | None:
    """Why a container of an image cannot be run here; None where it can. Pulls the image if it must."""
    try:
        from microgrid_common.testing.servers.container import find_image  # noqa: PLC0415 - as above
    except ImportError:
        return "testcontainers is not installed"
    return find_image(image)
