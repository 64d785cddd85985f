"""Test servers as local processes of the real programs."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from microgrid_common.testing.servers.backend import (
    Backend,
    CommandInsideError,
    ServerRecipe,
    ServerUnavailableError,
)
from microgrid_common.testing.servers.cleanup import cleanup
from microgrid_common.testing.waiting import free_port

# Where Debian puts daemons; not on the search path of every user.
_MORE_DIRECTORIES = ("/usr/local/bin", "/usr/local/sbin", "/usr/sbin")
_STOP_SECONDS = 15.0
_COMMAND_SECONDS = 60.0


def find_program(recipe: ServerRecipe) -> Path:
    """Find a server's executable file.

    Raises:
        ServerUnavailableError: It is not installed.
    """
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_MORE_DIRECTORIES))
    found = shutil.which(recipe.program, path=path)
    if found is None:
        raise ServerUnavailableError(f"the program {recipe.program} is not installed")
    return Path(found)


class ProcessBackend(Backend):
    """A server as a local process on a free loopback port, with a temporary data directory.

    Args:
        recipe: The server to run.
    """

    def __init__(self, recipe: ServerRecipe) -> None:
        super().__init__(recipe)
        program = find_program(recipe)
        self._port = free_port()
        self._directory = Path(tempfile.mkdtemp(prefix=f"microgrid-{recipe.name}-"))
        cleanup().keep("directory", str(self._directory))
        self._data = self._directory / "data"
        self._data.mkdir()
        self._log_file = self._directory / "log"
        self._command = recipe.process_command(program, self._port, self._data)
        environment = recipe.process_environment
        self._environment = None if environment is None else dict(environment(self._port))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        """The loopback address."""
        return "127.0.0.1"

    @property
    def port(self) -> int:
        """The port chosen when this object was made."""
        return self._port

    def signal(self, number: int) -> None:
        """Send a signal to the running server."""
        os.kill(self._running.pid, number)

    def log(self) -> str:
        """Return what the server has written so far, over all its starts."""
        return self._log_file.read_text(errors="replace") if self._log_file.exists() else ""

    def empty_file(self, name: str) -> None:
        """Make a file of the data directory an empty one."""
        (self._data / name).write_bytes(b"")

    def run_inside(self, command: Sequence[str], *, stdin: str = "") -> str:
        """Run a command in the data directory."""
        words = [sys.executable if command[0] == "python" else command[0], *command[1:]]
        done = subprocess.run(  # noqa: S603 - the command is a test's own
            words,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_COMMAND_SECONDS,
            cwd=self._data,
            env=self._environment,
        )
        if done.returncode:
            raise CommandInsideError(done.stdout)
        return done.stdout

    def close(self) -> None:
        """Kill the server and remove its data."""
        self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)
        cleanup().forget("directory", str(self._directory))

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self._recipe.name} is not running")
        return self._process

    def _launch(self) -> None:
        with self._log_file.open("ab") as log:
            # A session of its own: Ctrl-C ends the tests first, and they stop their servers in order.
            self._process = subprocess.Popen(  # noqa: S603 - the command comes from our recipes
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._data,
                env=self._environment,
                start_new_session=True,
            )
        cleanup().keep("process", str(self._process.pid))

    def _stop(self) -> None:
        self._running.terminate()
        try:
            self._running.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._running.kill()
        self._reap()

    def _kill(self) -> None:
        self._running.kill()
        self._reap()

    def _pause(self) -> None:
        self.signal(signal.SIGSTOP)

    def _resume(self) -> None:
        self.signal(signal.SIGCONT)

    def _has_ended(self) -> bool:
        return self._running.poll() is not None

    def _reap(self) -> None:
        process, self._process = self._running, None
        process.wait()
        cleanup().forget("process", str(process.pid))
