"""The store of what people say about grids."""

from typing import Final, Protocol

from microgrid_common.schemas.grid import Grid

MAXIMUM_GRIDS: Final = 10_000


class GridStore(Protocol):
    """Keeps the descriptions of grids: the one source of their time zones, tariffs and capacities."""

    async def get(self, grid_id: str) -> Grid:
        """A grid; one that nobody described has its id for its name, and the platform's time zone.

        Raises:
            RetryableError: the store is away.
        """

    async def put(self, grid: Grid) -> Grid:
        """Describe a grid; returns it with its new version.

        Args:
            grid: with the version that it replaces, 0 for the first one.

        Raises:
            VersionConflictError: the stored version is another one (`ports.rule_store`).
            PermanentError: there are `MAXIMUM_GRIDS` already.
            RetryableError: the store is away; it may or may not have happened.
        """

    async def described(self) -> list[Grid]:
        """The grids that somebody described, in the order of their ids.

        Raises:
            RetryableError: the store is away.
        """

    async def ping(self) -> None:
        """Return if the store can be used.

        Raises:
            RetryableError: it cannot; it says why.
        """
