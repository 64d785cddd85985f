"""A process whose CPU time is measured while it works."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_KILOBYTE = 1024
_END_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class MeasuredProcess:
    """A running process."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def check_running(self) -> None:
        """Make sure that it has not ended.

        Raises:
            RuntimeError: it has; its last words are in the message.
        """
        if self.process.poll() is not None:
            raise RuntimeError(f"the measured process has ended: {self.log.read_text()[-2_000:]}")

    def cpu_seconds(self) -> float:
        """User and system time that the process has used so far."""
        # The name, in brackets, may hold spaces; the fields after it are numbers.
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND

    def memory_megabytes(self) -> float:
        """The resident size of the process now."""
        return self._memory("VmRSS")

    def peak_memory_megabytes(self) -> float:
        """The largest resident size that the process has had."""
        return self._memory("VmHWM")

    def _memory(self, field: str) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(field))
        return int(line.split()[1]) / _KILOBYTE


@contextmanager
def measured_process(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, log: Path
) -> Iterator[MeasuredProcess]:
    """Run a command while the block runs; what it writes goes to `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
    try:
        yield MeasuredProcess(process, log)
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
