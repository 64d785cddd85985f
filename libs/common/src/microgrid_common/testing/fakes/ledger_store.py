"""The ledgers in memory."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from microgrid_common.ports.ledger_store import DeviceAccount, LedgerChanges, LedgerPage
from microgrid_common.schemas.ledger import AskedRange, DeviceKey, DeviceLedger
from microgrid_common.testing.fakes.failing import FailsOnDemand

_START = "0-0"


class FakeLedgerStore(FailsOnDemand):
    """Implements `LedgerStore`."""

    def __init__(self) -> None:
        super().__init__()
        self.ledgers: dict[DeviceKey, DeviceLedger] = {}
        self.positions: dict[str, str] = {}
        self.calls: Counter[str] = Counter()
        """How often each method was called."""
        self._asked: dict[DeviceKey, tuple[AskedRange, ...]] = {}
        self._due: dict[DeviceKey, int] = {}
        self._missing: Counter[str] = Counter()
        self._round_ends = 0.0

    async def load(self, stream: str, devices: Sequence[DeviceKey]) -> LedgerPage:
        """As `LedgerStore.load`."""
        self._called("load")
        ledgers = {device: self.ledgers[device] for device in devices if device in self.ledgers}
        return LedgerPage(self.positions.get(stream, _START), ledgers)

    async def apply(self, stream: str, *, after: str, position: str, changes: LedgerChanges) -> bool:
        """As `LedgerStore.apply`."""
        self._called("apply")
        if self.positions.get(stream, _START) != after:
            return False
        self.positions[stream] = position
        self.ledgers.update(changes.ledgers)
        for device, at in changes.look_at.items():
            self._due[device] = min(at, self._due.get(device, at))
        for device in changes.settled:
            self._due.pop(device, None)
            self._asked.pop(device, None)
        for kind, delta in changes.missing.items():
            self._missing[kind] += delta
        return True

    async def account(self, device: DeviceKey) -> DeviceAccount | None:
        """As `LedgerStore.account`."""
        self._called("account")
        ledger = self.ledgers.get(device)
        return None if ledger is None else DeviceAccount(ledger, self._asked.get(device, ()))

    async def missing_by_type(self) -> dict[str, int]:
        """As `LedgerStore.missing_by_type`."""
        self._called("missing_by_type")
        return {kind: number for kind, number in self._missing.items() if number}

    async def begin_round(self, *, lasts: timedelta) -> bool:
        """As `LedgerStore.begin_round`."""
        self._called("begin_round")
        now = asyncio.get_running_loop().time()
        if now < self._round_ends:
            return False
        self._round_ends = now + lasts.total_seconds()
        return True

    async def due(self, *, now: int, limit: int) -> list[DeviceKey]:
        """As `LedgerStore.due`."""
        self._called("due")
        found = sorted((at, device) for device, at in self._due.items() if at <= now)
        return [device for _, device in found[:limit]]

    async def remember_asked(
        self,
        device: DeviceKey,
        *,
        before: Sequence[AskedRange],
        after: Sequence[AskedRange],
        look_again_at: int,
    ) -> bool:
        """As `LedgerStore.remember_asked`."""
        self._called("remember_asked")
        if device not in self._due or self._asked.get(device, ()) != tuple(before):
            return False
        self._due[device] = look_again_at
        self._asked[device] = tuple(after)
        return True

    def end_round(self) -> None:
        """Let the next caller of `begin_round` win, without waiting."""
        self._round_ends = 0.0

    def _called(self, method: str) -> None:
        self.calls[method] += 1
        self._may_fail()
