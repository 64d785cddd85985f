"""`make bench`: runs the benchmarks and prints their figures."""

import platform
from datetime import UTC, datetime

from benchmarks import ingest


def main() -> None:
    """Run all benchmarks."""
    print(f"{datetime.now(UTC):%Y-%m-%d} {platform.machine()} Python {platform.python_version()}")
    print(f"\nIngest: {ingest.MESSAGES} queued QoS 1 messages of six metrics, acknowledged when durable")
    print(f"{'':38}{'messages/s':>12}{'CPU µs/message':>16}{'peak MB':>9}")
    ours, limit = ingest.run()
    for result in (ours, limit):
        memory = f"{result.peak_memory_megabytes:9.0f}" if result is ours else f"{'-':>9}"
        print(
            f"{result.name:38}{result.messages_per_second:12,.0f}"
            f"{result.cpu_microseconds_per_message:16.1f}{memory}"
        )
    print(
        f"{'ratio':38}{ours.messages_per_second / limit.messages_per_second:12.2f}"
        f"{ours.cpu_microseconds_per_message / limit.cpu_microseconds_per_message:16.1f}"
    )


if __name__ == "__main__":
    main()
