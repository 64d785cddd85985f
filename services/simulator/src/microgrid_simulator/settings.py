"""The simulator's settings."""

from typing import Annotated

from pydantic import Field

from microgrid_common.runtime.settings import MqttSettings
from microgrid_simulator.profiles import ProfileName


class SimulatorSettings(MqttSettings):
    """What the simulator reads from `MICROGRID_…` variables and `.env`."""

    simulator_profile: ProfileName = "prototype"
    """`prototype`: one device with the prototype's payload; `village`: a small plant with several."""
    simulator_interval_seconds: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)] = 5.0
    """The time between two readings of a device."""
    simulator_devices: Annotated[int, Field(ge=1, le=1_000)] = 4
    """How many devices the village has: inverters, batteries, meters and weather stations in turn."""
    simulator_samples_kept: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    """How many samples a village device keeps: for the time that the broker is away, and to be asked for."""
    simulator_seed: int | None = None
    """The same seed gives the same values; none gives new ones with each start."""
