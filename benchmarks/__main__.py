"""`make bench`: runs the benchmarks and prints their figures."""

import math
import platform
from datetime import UTC, datetime

from benchmarks import ingest, rollup_queries, telegraf
from benchmarks.result import Result


def main() -> None:
    """Run all benchmarks."""
    print(f"{datetime.now(UTC):%Y-%m-%d} {platform.machine()} Python {platform.python_version()}")
    print(f"\nIngest: {ingest.MESSAGES} queued QoS 1 messages of six metrics, acknowledged when durable")
    print(f"{'':38}{'messages/s':>12}{'CPU µs/message':>16}{'peak MB':>9}")
    ours, *others = ingest.run()
    for result in (ours, *others):
        _print_result(result)
    for other in others:
        _print_ratio(ours, other)
    if not telegraf.is_available():
        print("Telegraf is not here, so nothing is compared with it: tools/telegraf.sh builds it")
    print("\nRoll-ups: one metric of a device, from asking to figures in Python")
    print(f"{'':38}{'rows':>12}{'median ms':>16}{'limit':>9}")
    for answer in rollup_queries.run():
        limit = "-" if answer.limit_milliseconds is None else f"{answer.limit_milliseconds:.0f}"
        print(f"{answer.name:38}{answer.rows:12,}{answer.median_milliseconds:16.0f}{limit:>9}")


def _print_result(result: Result) -> None:
    memory = result.peak_memory_megabytes
    print(
        f"{result.name:38}{result.messages_per_second:12,.0f}{result.cpu_microseconds_per_message:16.1f}"
        f"{'-' if math.isnan(memory) else format(memory, '.0f'):>9}"
    )


def _print_ratio(ours: Result, other: Result) -> None:
    title = f"ratio to {other.name.partition(':')[0]}"
    print(
        f"{title:38}"
        f"{ours.messages_per_second / other.messages_per_second:12.2f}"
        f"{ours.cpu_microseconds_per_message / other.cpu_microseconds_per_message:16.2f}"
    )


if __name__ == "__main__":
    main()
