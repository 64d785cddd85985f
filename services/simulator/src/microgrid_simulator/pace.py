"""How often a device measures."""

import asyncio


class Pace:
    """As often as all others, until the device is told an interval of its own."""

    def __init__(self) -> None:
        self._seconds: float | None = None
        self._changed = asyncio.Event()

    @property
    def seconds(self) -> float | None:
        """The device's own interval; None: that of all others."""
        return self._seconds

    def set(self, seconds: float) -> None:
        """Measure every so many seconds from now on."""
        self._seconds = seconds
        self._changed.set()

    async def until_due(self) -> None:
        """Wait until the device's own interval has passed; without one for ever."""
        while True:
            self._changed.clear()
            try:
                async with asyncio.timeout(self._seconds):
                    await self._changed.wait()
            except TimeoutError:
                return
