"""Forgets alerts of long ago."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from microgrid_common.ports.alert_records import AlertRecords
from microgrid_common.runtime.backoff import until_it_works

KEEP: Final = timedelta(days=365)
_EVERY: Final = timedelta(hours=1)
_AT_A_TIME: Final = 1_000


async def forget_old_alerts(records: AlertRecords, *, clock: Callable[[], datetime]) -> None:
    """Forget what ended longer than `KEEP` ago, every hour until cancelled."""
    while True:
        forgotten = await until_it_works(
            lambda: records.forget(clock() - KEEP, limit=_AT_A_TIME), dependency="redis"
        )
        if forgotten:
            structlog.get_logger().info("alerts_forgotten", alerts=forgotten)
        if forgotten < _AT_A_TIME:
            await asyncio.sleep(_EVERY.total_seconds())
