"""What one run of a benchmark cost."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """What one run cost."""

    name: str
    messages: int
    seconds: float
    cpu_seconds: float
    peak_memory_megabytes: float

    @property
    def messages_per_second(self) -> float:
        """Throughput."""
        return self.messages / self.seconds

    @property
    def cpu_microseconds_per_message(self) -> float:
        """CPU time of the measured process alone."""
        return self.cpu_seconds / self.messages * 1e6
