"""What must not outlive the test run, whatever ends the run.

A test run that ends in order stops its servers itself. For one that is killed, a small process of its own
(`cleanup_process.py`) holds the list of what is alive and ends it as soon as the run is gone.
"""

import atexit
import functools
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Literal

Kind = Literal["process", "directory", "containers"]
"""`process` is the leader of a process group, `containers` all containers and networks that carry a label."""

_PROGRAM = Path(__file__).with_name("cleanup_process.py")


class Cleanup:
    """The connection to the cleaning process, which lives as long as this Python process."""

    def __init__(self) -> None:
        # A session of its own: Ctrl-C and signals to the run's process group must not reach it.
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._lock = threading.Lock()
        atexit.register(self._close)

    def keep(self, kind: Kind, name: str) -> None:
        """Put something on the list."""
        self._tell(f"keep {kind} {name}\n")

    def forget(self, kind: Kind, name: str) -> None:
        """Take something off the list: it has ended in order."""
        self._tell(f"forget {kind} {name}\n")

    @property
    def _input(self) -> IO[str]:
        if self._process.stdin is None:
            raise RuntimeError("the cleaning process was started without an input")
        return self._process.stdin

    def _tell(self, line: str) -> None:
        with self._lock:
            self._input.write(line)
            self._input.flush()

    def _close(self) -> None:
        self._input.close()
        self._process.wait()


@functools.cache
def cleanup() -> Cleanup:
    """Return this Python process' one connection to its cleaning process."""
    return Cleanup()
