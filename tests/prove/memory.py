"""How much memory processes have used at most."""

from collections.abc import Mapping
from pathlib import Path

_KILOBYTES_PER_MEGABYTE = 1024


class PeakMemory:
    """The largest resident size of each service, over all its lives: `note` before each of its deaths."""

    def __init__(self) -> None:
        self._megabytes: dict[str, float] = {}

    @property
    def megabytes(self) -> Mapping[str, float]:
        """Service → its largest resident size so far."""
        return self._megabytes

    def note(self, name: str, pid: int) -> None:
        """Look at the process that a service is at the moment."""
        self._megabytes[name] = max(high_water_mark(pid), self._megabytes.get(name, 0.0))


def high_water_mark(pid: int) -> float:
    """The largest resident size that a process has had, in MB.

    Raises:
        OSError: there is no such process.
    """
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / _KILOBYTES_PER_MEGABYTE
