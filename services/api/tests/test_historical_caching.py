"""How long an answer about the past may be kept, and when it is not sent again."""

from datetime import timedelta

import httpx
import pytest

from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.samples import SAMPLE_TIME, sample_reading

CONSUMPTION = "/api/historical/default/consumption_kw"


async def test_the_same_answer_is_not_sent_twice(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore
) -> None:
    await telemetry.write([sample_reading(SAMPLE_TIME)])
    measured = {"granularity": "raw"}
    first = await operator.get(CONSUMPTION, params=measured)
    tag = first.headers["ETag"]
    for sent in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await operator.get(CONSUMPTION, params=measured, headers={"If-None-Match": sent})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    other = await operator.get(CONSUMPTION, params=measured, headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)

    await telemetry.write([sample_reading(SAMPLE_TIME - timedelta(seconds=1))])
    changed = await operator.get(CONSUMPTION, params=measured, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


@pytest.mark.parametrize(
    ("period", "seconds"),
    [
        ("24h", 10),
        ("2026-11-22T00:00:00Z/2026-12-01T00:00:00Z", 10),
        ("2026-11-22T00:00:00Z/P1D", 300),
        ("2026-10-01T00:00:00Z/P7D", 86_400),
    ],
)
async def test_what_is_over_may_be_kept_for_longer(
    operator: httpx.AsyncClient, period: str, seconds: int
) -> None:
    answer = await operator.get(CONSUMPTION, params={"period": period})
    assert answer.headers["Cache-Control"] == f"private, max-age={seconds}"
    assert answer.headers["Vary"] == "Authorization"
