"""Which grids there are."""

from microgrid_api.ports import ApiPorts


async def known_grids(ports: ApiPorts) -> list[str]:
    """The ids of the grids that are described, have registered devices, or were ever heard of; in order.

    Raises:
        RetryableError: a store is away.
    """
    described = {grid.grid_id for grid in await ports.grids.described()}
    registry = await ports.devices.snapshot()
    heard = await ports.links.grids()
    return sorted({*described, *heard, *(grid_id for grid_id, _ in registry.devices)})
