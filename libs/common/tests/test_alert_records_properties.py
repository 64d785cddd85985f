"""Whatever is written and forgotten, what is found is what a plain filter of a list leaves."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from microgrid_common.adapters.redis.alarm_states import RedisAlarmStates
from microgrid_common.adapters.redis.alert_records import RedisAlertRecords
from microgrid_common.ports.alarm_states import AlarmStates
from microgrid_common.ports.alert_records import AlertQuery, AlertRecords
from microgrid_common.schemas.alert import AlarmState, Alert, AlertStatus, Severity
from microgrid_common.testing.contracts.alarm_changes import at
from microgrid_common.testing.contracts.alert_records import SHELVING, pages_of, record
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.samples import put_alerts

GRIDS = st.sampled_from(["a", "b", "default"])
DEVICES = st.sampled_from(["a", "a-1", "b"])
RULES = st.sampled_from(["a", "a b", "%20"])
TIMES = st.sampled_from([-1e9, 0, 0.000001, 1, 1.5, 2]).map(at)
STATES: list[dict[str, Any]] = [
    {},
    {"acknowledged_at": at(1)},
    {"shelved": SHELVING},
    {"cleared_at": at(1)},
    {"cleared_at": at(1), "acknowledged_at": at(2)},
    {"cleared_at": at(3), "hidden_at_end": True},
]


@dataclass(frozen=True)
class Forget:
    before: datetime
    limit: int


@st.composite
def alerts(draw: st.DrawFn) -> Alert:
    return record(
        draw(st.integers(1, 12)),
        grid_id=draw(GRIDS),
        device_id=draw(DEVICES),
        rule_id=draw(RULES),
        severity=draw(st.sampled_from(Severity)),
        **draw(st.sampled_from(STATES)),
    ).model_copy(update={"raised_at": draw(TIMES)})


def queries() -> st.SearchStrategy[AlertQuery]:
    return st.builds(
        AlertQuery,
        grid_id=GRIDS,
        status=st.none() | st.sampled_from(AlertStatus),
        annunciated=st.none() | st.booleans(),
        severity=st.none() | st.sampled_from(Severity),
        device_id=st.none() | DEVICES,
        rule_id=st.none() | RULES,
        start=st.none() | TIMES,
        end=st.none() | TIMES,
        limit=st.integers(1, 6),
    )


STEPS = st.lists(
    st.lists(alerts(), min_size=1, max_size=8, unique_by=lambda alert: alert.id)
    | st.builds(Forget, before=st.sampled_from([at(1), at(2), at(9)]), limit=st.integers(1, 4)),
    max_size=6,
)
QUERIES = st.lists(queries(), min_size=1, max_size=10)


class Model:
    """A list, and what is to be found in it."""

    def __init__(self) -> None:
        self.alerts: dict[str, Alert] = {}

    def take(self, step: list[Alert] | Forget) -> None:
        if not isinstance(step, Forget):
            self.alerts.update({alert.id: alert for alert in step})
            return
        over = [
            (alert.cleared_at, alert.id)
            for alert in self.alerts.values()
            if alert.state is AlarmState.NORMAL and alert.cleared_at and alert.cleared_at < step.before
        ]
        for _, identifier in sorted(over)[: step.limit]:
            del self.alerts[identifier]

    def newest_first(self, found: list[Alert]) -> list[Alert]:
        return sorted(found, key=lambda alert: (alert.raised_at, alert.number), reverse=True)


async def check(
    states: AlarmStates, records: AlertRecords, steps: list[list[Alert] | Forget], asked: list[AlertQuery]
) -> None:
    model = Model()
    for step in steps:
        model.take(step)
        if isinstance(step, Forget):
            await records.forget(step.before, limit=step.limit)
        else:
            await put_alerts(states, *step)
    for query in asked:
        pages = await pages_of(records, query)
        assert all(len(page) == query.limit for page in pages[:-1])
        expected = model.newest_first(list(filter(query.matches, model.alerts.values())))
        assert [alert for page in pages for alert in page] == expected
        annunciated = [alert for alert in model.alerts.values() if alert.annunciated]
        in_grid = [alert for alert in annunciated if alert.grid_id == query.grid_id]
        assert await records.active_alerts(query.grid_id) == model.newest_first(in_grid)
        assert await records.count_active(query.grid_id) == Counter(alert.severity for alert in in_grid)
    lasting = [alert for alert in model.alerts.values() if alert.status is AlertStatus.ACTIVE]
    aside = {alert.id for alert in lasting if not alert.annunciated}
    assert {alert.id for alert in await records.put_aside_alerts()} == aside
    assert {alert.id for alert in await records.active_alerts()} == {alert.id for alert in annunciated}


@given(STEPS, QUERIES)
async def test_the_fake_finds_what_a_plain_filter_leaves(
    steps: list[list[Alert] | Forget], asked: list[AlertQuery]
) -> None:
    states = FakeAlarmStates()
    await check(states, FakeAlertRecords(states), steps, asked)


@pytest.mark.integration
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, QUERIES)
async def test_redis_finds_what_a_plain_filter_leaves(
    redis_client: Redis, steps: list[list[Alert] | Forget], asked: list[AlertQuery]
) -> None:
    await redis_client.flushall()
    await check(RedisAlarmStates(redis_client), RedisAlertRecords(redis_client), steps, asked)
