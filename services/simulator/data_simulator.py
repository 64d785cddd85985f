# ruff: noqa: INP001 - a script on its own, not part of a package
"""Publishes the prototype's simulated data to a local MQTT broker, and says on the terminal what it does.

python data_simulator.py --broker mqtt://127.0.0.1:1883 --interval 5
"""

import typer

from microgrid_simulator.__main__ import BrokerOption, CountOption, IntervalOption, simulate
from microgrid_simulator.device import OutgoingMessage


def _show(message: OutgoingMessage) -> None:
    typer.echo(f"{message.topic}  {message.payload.decode()}")


def data_simulator(
    broker: BrokerOption = None, interval: IntervalOption = None, count: CountOption = None
) -> None:
    """Publish simulated readings and alerts of the prototype to an MQTT broker."""
    simulate(
        settings={
            "mqtt_url": broker,
            "simulator_interval_seconds": interval,
            "simulator_profile": "prototype",
        },
        rounds=count,
        on_published=_show,
    )


if __name__ == "__main__":
    typer.run(data_simulator)
