"""What changes a running system's state is done by one command at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.compose.private_files import private_folder


class BusyError(RuntimeError):
    """Another command is at work on the same system."""


@contextmanager
def one_at_a_time(state: Path) -> Iterator[None]:
    """Keep others out while the block runs; the lock of a process that is killed goes with it.

    Args:
        state: the folder that the system keeps its secrets and data in.

    Raises:
        BusyError: another one is in.
    """
    private_folder(state)
    with (state / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(
                "another make up, backup or restore is at work here; try again when it is done"
            ) from None
        yield
