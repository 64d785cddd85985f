"""The physics of a small village's microgrid. Pure: a state follows from seed, limits and time."""

from microgrid_simulator.plant.limits import LimitHistory, PlantLimits
from microgrid_simulator.plant.state import PlantState, plant_state

__all__ = ["LimitHistory", "PlantLimits", "PlantState", "plant_state"]
