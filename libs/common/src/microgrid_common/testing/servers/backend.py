"""What a test server is, apart from how it is run.

A `ServerRecipe` says how to start one server; a `Backend` runs it, as a container or as a local process.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

_POLL_SECONDS = 0.02
_READY_SECONDS = 40.0
_LOG_LINES_IN_ERRORS = 15


class ServerUnavailableError(RuntimeError):
    """This machine has neither the container image nor the program of a server; the text says why."""


class ServerNotReadyError(RuntimeError):
    """A server was started and did not come to answer; the text ends with its log."""


@dataclass(frozen=True, kw_only=True)
class ServerRecipe:
    """How to start one server, in either back end."""

    name: str
    """What the server is called in messages."""
    image: str
    """Container image with its tag."""
    container_port: int
    """Port that the server listens on inside its container."""
    container_data: str
    """Data directory inside the container."""
    container_command: Sequence[str] = ()
    """Command of the container; empty means the image's own."""
    container_environment: Mapping[str, str] = field(default_factory=dict)
    container_files: Mapping[str, str] = field(default_factory=dict)
    """Contents of configuration files by their absolute path in the container."""
    container_network: str | None = None
    """Network in which other containers reach it by its name; None: only its published port is reached."""
    program: str
    """Name of the executable file."""
    process_command: Callable[[Path, int, Path], Sequence[str]]
    """From executable, port and an empty data directory to the command line."""
    process_environment: Callable[[int], Mapping[str, str]] | None = None
    """From port to its whole environment; None: that of the test run."""
    is_ready: Callable[[str, int], bool]
    """Whether the server at host and port answers; may raise OSError while it does not."""


class CommandInsideError(RuntimeError):
    """A command that was run beside a server failed; the text is what it wrote."""


class _State(Enum):
    STOPPED = auto()
    RUNNING = auto()
    PAUSED = auto()


class Backend(ABC):
    """One server that can be ended and started again on the same port with the same data."""

    def __init__(self, recipe: ServerRecipe) -> None:
        self._recipe = recipe
        self._state = _State.STOPPED

    @property
    @abstractmethod
    def host(self) -> str:
        """Name or address under which the server is reached."""

    @property
    @abstractmethod
    def port(self) -> int:
        """Port under which the server is reached; the same for the whole life of this object."""

    @property
    def is_running(self) -> bool:
        """Whether the server was started and not stopped, killed or paused since."""
        return self._state is _State.RUNNING

    def start(self) -> None:
        """Start the server and wait until it answers; does nothing if it runs.

        Raises:
            ServerNotReadyError: It ended by itself or did not answer in time.
        """
        self.resume()
        if self._state is _State.RUNNING:
            return
        self._launch()
        self._state = _State.RUNNING
        try:
            self._wait_until_ready()
        except ServerNotReadyError:
            self.kill()
            raise

    def stop(self) -> None:
        """End the server in order, and wait until it has ended; does nothing if it does not run."""
        self.resume()
        if self._state is _State.RUNNING:
            self._stop()
            self._state = _State.STOPPED

    def kill(self) -> None:
        """End the server by SIGKILL, and wait until it has ended; does nothing if it does not run."""
        self.resume()
        if self._state is _State.RUNNING:
            self._kill()
            self._state = _State.STOPPED

    def pause(self) -> None:
        """Freeze the server: its connections stay open, and nothing is answered."""
        if self._state is _State.RUNNING:
            self._pause()
            self._state = _State.PAUSED

    def resume(self) -> None:
        """Let a paused server go on."""
        if self._state is _State.PAUSED:
            self._resume()
            self._state = _State.RUNNING

    @abstractmethod
    def signal(self, number: int) -> None:
        """Send a signal to the running server."""

    @abstractmethod
    def log(self) -> str:
        """Return what the server has written so far."""

    @abstractmethod
    def empty_file(self, name: str) -> None:
        """Make a file of the data directory an empty one; the server must not be running."""

    @abstractmethod
    def run_inside(self, command: Sequence[str], *, stdin: str = "") -> str:
        """Run a command where the server runs, with the server's environment; returns what it wrote.

        Args:
            command: `python` as its first word is the Python that runs the server.
            stdin: what the command reads.

        Raises:
            CommandInsideError: it failed.
        """

    @abstractmethod
    def close(self) -> None:
        """End the server and remove everything that belongs to it."""

    @abstractmethod
    def _launch(self) -> None: ...

    @abstractmethod
    def _stop(self) -> None: ...

    @abstractmethod
    def _kill(self) -> None: ...

    @abstractmethod
    def _pause(self) -> None: ...

    @abstractmethod
    def _resume(self) -> None: ...

    @abstractmethod
    def _has_ended(self) -> bool: ...

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        last_error: Exception | None = None
        while time.monotonic() < deadline:
            if self._has_ended():
                raise self._not_ready("ended by itself")
            try:
                if self._recipe.is_ready(self.host, self.port):
                    return
            except OSError as error:
                last_error = error
            time.sleep(_POLL_SECONDS)
        raise self._not_ready(f"did not answer within {_READY_SECONDS:g} s") from last_error

    def _not_ready(self, what: str) -> ServerNotReadyError:
        log = "\n".join(self.log().splitlines()[-_LOG_LINES_IN_ERRORS:])
        return ServerNotReadyError(f"{self._recipe.name} on port {self.port} {what}:\n{log}")
