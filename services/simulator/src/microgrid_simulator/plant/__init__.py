"""The physics of a small village's microgrid. Pure: a state follows from the seed and the time alone."""

from microgrid_simulator.plant.state import PlantState, plant_state

__all__ = ["PlantState", "plant_state"]
