"""A service of the monitor as a process of its own, for tests."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from microgrid_common.testing.servers.cleanup import cleanup

_STOP_SECONDS = 40.0


class ServiceProcess:
    """A Python module run by this interpreter, with settings of its own and nothing of the caller's.

    Args:
        module: such as `microgrid_ingestor`.
        settings: `MICROGRID_…` variables.
        folder: where it runs, and where its output is kept as `{module}.log`.
        arguments: command-line arguments.
    """

    def __init__(
        self, module: str, settings: Mapping[str, str], folder: Path, arguments: Sequence[str] = ()
    ) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MICROGRID_")}
        self._environment = {**inherited, **settings}
        self._folder = folder
        self._log_file = folder / f"{module}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again; its output is appended."""
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the command is the caller's own module
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env=self._environment,
                start_new_session=True,
            )
        cleanup().keep("process", str(self._process.pid))

    def interrupt(self) -> int:
        """Press Ctrl-C, as it were; returns the exit code."""
        return self._end(signal.SIGINT)

    def stop(self) -> int:
        """End it in order; returns the exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(signal.SIGKILL)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._running.pid

    @property
    def has_ended(self) -> bool:
        """Whether it ended by itself."""
        return self._running.poll() is not None

    def wait(self) -> int:
        """Wait until it has ended by itself; returns the exit code.

        Raises:
            subprocess.TimeoutExpired: it did not.
        """
        return self._running.wait(_STOP_SECONDS)

    def log(self) -> str:
        """What it has written so far, over all its starts."""
        return self._log_file.read_text(errors="replace") if self._log_file.exists() else ""

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the service is not running")
        return self._process

    def _end(self, number: signal.Signals) -> int:
        process = self._running
        process.send_signal(number)
        try:
            code = process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            self._process = None
            cleanup().forget("process", str(process.pid))
        return code

    def close(self) -> None:
        """Make sure that it is gone."""
        if self._process is not None:
            self.kill()


@contextmanager
def service_process(
    module: str, settings: Mapping[str, str], folder: Path, arguments: Sequence[str] = ()
) -> Iterator[ServiceProcess]:
    """Run a service while the block runs."""
    service = ServiceProcess(module, settings, folder, arguments)
    service.start()
    try:
        yield service
    finally:
        service.close()
