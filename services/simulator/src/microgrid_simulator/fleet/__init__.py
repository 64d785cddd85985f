"""A fleet of devices for load and fault tests, with an exact record of what it sent.

    options = FleetOptions(devices=200, messages_per_second=1_000, bad_share=0.01, seed=7)
    async with running_fleet(parse_broker_url("mqtt://127.0.0.1:1883"), options) as fleet:
        await fleet.measure(timedelta(minutes=2))  # break what you like meanwhile
        await fleet.until_accepted()               # the broker has everything that was not dropped
        ...                                        # the devices go on answering requests for samples
    fleet.record().write(Path("sent.json"))

As a process of its own: `python -m microgrid_simulator.fleet --help`.

Every device numbers its samples from 0, keeps the last ones, sends what the broker has not acknowledged
again, and answers on its `backfill` topic. The record says of every number of every device whether the
broker has it, and whether it is to be stored, to be refused, or both: see `BootRecord`. What each device
measures follows from the number alone, so a stored row can be checked without keeping it: see
`expected_metrics` and `BootRecord.timestamp_ms`.
"""

from microgrid_simulator.fleet.measurements import BadMessage, expected_metrics
from microgrid_simulator.fleet.options import FleetOptions
from microgrid_simulator.fleet.record import BootRecord, FleetRecord, JunkRecord
from microgrid_simulator.fleet.running import Fleet, running_fleet

__all__ = [
    "BadMessage",
    "BootRecord",
    "Fleet",
    "FleetOptions",
    "FleetRecord",
    "JunkRecord",
    "expected_metrics",
    "running_fleet",
]
