"""Asking devices for samples that never arrived."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from microgrid_common.ports.ledger_store import LedgerStore
from microgrid_common.ports.message_publisher import MessagePublisher
from microgrid_common.runtime import metrics
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas.ledger import DeviceKey
from microgrid_common.schemas.topics import TopicKind, device_topic
from microgrid_common.transforms.ledger.asking import BackfillPolicy, plan

log = structlog.get_logger()

ROUND = timedelta(seconds=1)
"""How often devices are looked at: a gap is asked for so much later than the grace time at most."""

UNREADABLE_PAUSE = timedelta(hours=1)
"""After how long to look again at a device whose ledger cannot be read."""

_LOOKS_PER_REQUEST = 10
"""So many devices are looked at for each that may be asked: most of those that are due have been asked."""


async def ask_for_missing(
    store: LedgerStore,
    publisher: MessagePublisher,
    *,
    policy: BackfillPolicy,
    requests_per_second: int,
    clock: Callable[[], datetime],
) -> None:
    """Ask until cancelled. Of several that do this, one asks in each round.

    Args:
        store: where the ledgers are.
        publisher: publishes the requests.
        policy: when to ask a device, and how often.
        requests_per_second: how many requests all replicas together may publish.
        clock: the present, aware.
    """
    backfill = Backfill(store, publisher, policy=policy, clock=clock)
    while True:
        await until_it_works(backfill.show_missing, dependency="redis")
        await until_it_works(lambda: backfill.ask_round(requests_per_second), dependency="backfill")
        await asyncio.sleep(ROUND.total_seconds())


class Backfill:
    """Looks at devices with gaps, and asks them."""

    def __init__(
        self,
        store: LedgerStore,
        publisher: MessagePublisher,
        *,
        policy: BackfillPolicy,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._policy = policy
        self._clock = clock
        self._types_shown: set[str] = set()

    async def show_missing(self) -> None:
        """Show how many samples are missing.

        Raises:
            RetryableError: the store is away.
        """
        missing = await self._store.missing_by_type()
        for device_type in self._types_shown.difference(missing):
            metrics.LEDGER_MISSING.labels(device_type=device_type).set(0)
        for device_type, number in missing.items():
            metrics.LEDGER_MISSING.labels(device_type=device_type).set(number)
        self._types_shown.update(missing)

    async def ask_round(self, limit: int) -> int:
        """Ask the devices that are due, unless another replica does.

        Args:
            limit: how many requests to publish at most.

        Returns:
            How many were published.

        Raises:
            RetryableError: the store or the broker is away; who is due stays so.
        """
        if not await self._store.begin_round(lasts=ROUND):
            return 0
        devices = await self._store.due(now=self._milliseconds(), limit=limit * _LOOKS_PER_REQUEST)
        if devices:
            # An attempt counts when it is decided on, so none is decided on while the broker is away.
            await self._publisher.ping()
        asked = 0
        for device in devices:
            if asked == limit:
                break
            asked += await self._look_at(device)
        return asked

    async def _look_at(self, device: DeviceKey) -> int:
        account = await self._store.account(device)
        if account is None:
            # Of another version: it is begun anew with the device's next message.
            later = self._milliseconds() + UNREADABLE_PAUSE // timedelta(milliseconds=1)
            await self._store.remember_asked(device, before=(), after=(), look_again_at=later)
            return 0
        planned = plan(account.ledger, account.asked, self._policy, now=self._milliseconds())
        # Kept before it is published: two who decide on the same must not both ask.
        remembered = await self._store.remember_asked(
            device, before=account.asked, after=planned.asked, look_again_at=planned.look_again_at
        )
        if not remembered or planned.request is None:
            return 0
        grid_id, device_id = device
        topic = device_topic(grid_id, device_id, TopicKind.BACKFILL_REQUEST)
        await self._publisher.publish(topic, planned.request.encode())
        metrics.BACKFILL_REQUESTS.inc()
        log.debug("backfill_requested", grid_id=grid_id, device_id=device_id)
        return 1

    def _milliseconds(self) -> int:
        return int(self._clock().timestamp() * 1000)
