"""`make bench`: runs the benchmarks and prints their figures."""

import argparse
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from benchmarks import (
    alarm_rules,
    alarm_stores,
    api_requests,
    backlog,
    ingest,
    latency,
    live_clients,
    replicas,
    rollup_queries,
    telegraf,
)
from benchmarks.report import bar, copied_into, machine, memory_bar
from benchmarks.result import Result
from microgrid_common.runtime.logging import configure_logging

_COMMAND = "make bench"

_TELEGRAFS_RATE = 2.0
"""How many times as fast as Telegraf we have to be."""
_TELEGRAFS_CPU = 0.6
"""Of Telegraf's CPU time per message, so much we may need."""


def main() -> None:
    """Run all benchmarks, or some."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run the benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(_BENCHMARKS)}")
    parser.add_argument("--write", type=Path, metavar="DOCUMENT", help="put the figures there, too")
    options = parser.parse_args()
    if unknown := set(options.names).difference(_BENCHMARKS):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    configure_logging(service="benchmarks", level="WARNING", log_format="auto")
    with copied_into(options.write, command=_COMMAND):
        print(machine())
        for name in options.names or _BENCHMARKS:
            print()
            for line in _BENCHMARKS[name]():
                print(line, flush=True)


def _ingest() -> Iterator[str]:
    yield (
        f"Ingest: {ingest.MESSAGES} queued QoS 1 messages of six metrics, acknowledged when durable; "
        f"best of {ingest.ROUNDS}"
    )
    yield f"{'':38}{'messages/s':>12}{'CPU µs/message':>16}{'peak MB':>9}"
    ours, *others = ingest.run()
    yield from map(_line, (ours, *others))
    for other in others:
        yield _ratio(ours, other)
    if telegraf.is_available():
        yield from _bars(ours, others[0])
    else:
        yield "Telegraf is not here, so nothing is compared with it: tools/telegraf.sh builds it"
    yield memory_bar(ours.peak_memory_megabytes)


def _line(result: Result) -> str:
    memory = result.peak_memory_megabytes
    return (
        f"{result.name:38}{result.messages_per_second:12,.0f}{result.cpu_microseconds_per_message:16.1f}"
        f"{'-' if math.isnan(memory) else format(memory, '.0f'):>9}"
    )


def _ratio(ours: Result, other: Result) -> str:
    title = f"ratio to {other.name.partition(':')[0]}"
    return (
        f"{title:38}"
        f"{ours.messages_per_second / other.messages_per_second:12.2f}"
        f"{ours.cpu_microseconds_per_message / other.cpu_microseconds_per_message:16.2f}"
    )


def _bars(ours: Result, peer: Result) -> Iterator[str]:
    yield bar(
        f"at least {_TELEGRAFS_RATE:g} times Telegraf's messages/s",
        reached=ours.messages_per_second >= _TELEGRAFS_RATE * peer.messages_per_second,
    )
    yield bar(
        f"at most {_TELEGRAFS_CPU:g} of Telegraf's CPU time per message",
        reached=ours.cpu_microseconds_per_message <= _TELEGRAFS_CPU * peer.cpu_microseconds_per_message,
    )


def _rollups() -> Iterator[str]:
    yield "Roll-ups: one metric of a device, from asking to figures in Python"
    yield f"{'':38}{'rows':>12}{'median ms':>16}{'limit':>9}"
    for answer in rollup_queries.run():
        limit = "-" if answer.limit_milliseconds is None else f"{answer.limit_milliseconds:.0f}"
        yield f"{answer.name:38}{answer.rows:12,}{answer.median_milliseconds:16.0f}{limit:>9}"


_BENCHMARKS: Mapping[str, Callable[[], Iterable[str]]] = {
    "ingest": _ingest,
    "backlog": backlog.report,
    "replicas": replicas.report,
    "latency": latency.report,
    "live": live_clients.report,
    "api": api_requests.report,
    "rollups": _rollups,
    "alarm-rules": alarm_rules.report,
    "alarm-stores": alarm_stores.report,
}

if __name__ == "__main__":
    main()
