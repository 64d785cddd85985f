"""What the API says of a device's samples."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from services.api.tests.problems import detail_of

from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.ledger_store import LedgerChanges
from microgrid_common.schemas.ledger import (
    GAPS_KEPT,
    AskedRange,
    BootLedger,
    ClosedBoots,
    DeviceLedger,
    Gap,
    Span,
)
from microgrid_common.testing.fakes.ledger_store import FakeLedgerStore
from microgrid_common.testing.samples import SAMPLE_TIME

METER = ("village-1", "meter-1")
PATH = "/api/device/village-1/meter-1/ledger"
NOTICED = int(SAMPLE_TIME.timestamp() * 1000)
ASKED = int((SAMPLE_TIME + timedelta(seconds=30)).timestamp() * 1000)


async def keep(store: FakeLedgerStore, ledger: DeviceLedger, asked: tuple[AskedRange, ...] = ()) -> None:
    changes = LedgerChanges({METER: ledger}, look_at={METER: 0})
    await store.apply("readings:0", after="0-0", position="1-0", changes=changes)
    await store.remember_asked(METER, before=(), after=asked, look_again_at=1)


def ledger_of(*boots: BootLedger, **fields: Any) -> DeviceLedger:
    missing = sum(boot.missing for boot in boots)
    return DeviceLedger("meter", heard_at=NOTICED, missing=missing, boots=boots, **fields)


async def get(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get(PATH)
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


async def test_every_number_of_a_boot_is_received_quarantined_or_missing(
    operator: httpx.AsyncClient, ledgers: FakeLedgerStore
) -> None:
    boot = BootLedger(
        "5f2c",
        first_ever=True,
        first=5,
        last=99,
        quarantined=2,
        gaps=(Gap(10, 19, NOTICED), Gap(30, 30, NOTICED)),
        refused=(Span(7, 7), Span(31, 31)),
    )
    await keep(ledgers, ledger_of(boot, duplicates=3, unnumbered=4, unnumbered_refused=5))
    assert await get(operator) == {
        "grid_id": "village-1",
        "device_id": "meter-1",
        "device_type": "meter",
        "last_heard_at": "2026-11-23T10:00:00.000Z",
        "received": 82,
        "duplicates": 3,
        "quarantined": 2,
        "missing": 11,
        "unnumbered": 4,
        "unnumbered_quarantined": 5,
        "boots": [
            {
                "boot_id": "5f2c",
                "first": 5,
                "last": 99,
                "received": 82,
                "quarantined": 2,
                "missing": 11,
                "detailed_from": 5,
                "received_ranges": [[5, 6], [8, 9], [20, 29], [32, 99]],
                "quarantined_ranges": [[7, 7], [31, 31]],
                "missing_ranges": [
                    {
                        "first": first,
                        "last": last,
                        "noticed_at": "2026-11-23T10:00:00.000Z",
                        "state": "waiting",
                        "requests": 0,
                        "asked_at": None,
                    }
                    for first, last in ((10, 19), (30, 30))
                ],
            }
        ],
        "closed_boots": {"boots": 0, "received": 0, "quarantined": 0, "missing": 0},
    }


async def test_what_is_missing_shows_how_often_it_was_asked_for(
    operator: httpx.AsyncClient, ledgers: FakeLedgerStore
) -> None:
    boot = BootLedger("5f2c", first_ever=True, first=0, last=99, gaps=(Gap(10, 19, NOTICED),))
    asked = (
        AskedRange("5f2c", 8, 12, 2, ASKED),
        AskedRange("5f2c", 15, 15, 10, ASKED, unanswered=True),
    )
    await keep(ledgers, ledger_of(boot), asked)
    (shown,) = (await get(operator))["boots"]
    asked_at = "2026-11-23T10:00:30.000Z"
    assert [
        (part["first"], part["last"], part["state"], part["requests"], part["asked_at"])
        for part in shown["missing_ranges"]
    ] == [
        (10, 12, "asked", 2, asked_at),
        (13, 14, "waiting", 0, None),
        (15, 15, "unanswered", 10, asked_at),
        (16, 19, "waiting", 0, None),
    ]


async def test_the_boot_heard_from_last_comes_first_and_closed_ones_are_counted(
    operator: httpx.AsyncClient, ledgers: FakeLedgerStore
) -> None:
    old = BootLedger("old", first_ever=True, first=0, last=9)
    announced = BootLedger("announced", first_ever=False, first=0, last=4, gaps=(Gap(0, 4, NOTICED),))
    closed = ClosedBoots(("a", "b"), 2, 30, 4, 5)
    await keep(ledgers, ledger_of(old, announced, closed=closed))
    shown = await get(operator)
    assert [boot["boot_id"] for boot in shown["boots"]] == ["announced", "old"]
    assert shown["boots"][0]["received_ranges"] == []
    assert shown["closed_boots"] == {"boots": 2, "received": 30, "quarantined": 4, "missing": 5}
    assert (shown["received"], shown["quarantined"]) == (40, 4)


async def test_of_a_boot_with_too_many_gaps_only_the_later_part_is_told_in_detail(
    operator: httpx.AsyncClient, ledgers: FakeLedgerStore
) -> None:
    gaps = tuple(Gap(number, number, NOTICED) for number in range(1_001, 1_001 + 2 * GAPS_KEPT, 2))
    boot = BootLedger(
        "a", first_ever=False, first=0, last=9_999, forgotten=300, detailed_from=1_000, gaps=gaps
    )
    await keep(ledgers, ledger_of(boot))
    (shown,) = (await get(operator))["boots"]
    assert (shown["first"], shown["detailed_from"], shown["missing"]) == (0, 1_000, GAPS_KEPT + 300)
    assert shown["received_ranges"][0] == [1_000, 1_000]
    assert len(shown["received_ranges"]) == GAPS_KEPT + 1


async def test_a_device_of_which_a_status_alone_came_has_no_numbers_yet(
    operator: httpx.AsyncClient, ledgers: FakeLedgerStore
) -> None:
    await keep(ledgers, ledger_of(BootLedger("a", first_ever=True, first=None, last=-1)))
    (shown,) = (await get(operator))["boots"]
    assert (shown["first"], shown["last"], shown["detailed_from"]) == (None, None, None)
    assert (shown["received_ranges"], shown["received"]) == ([], 0)


async def test_a_device_without_numbers_is_counted_only(
    operator: httpx.AsyncClient, ledgers: FakeLedgerStore
) -> None:
    await keep(ledgers, DeviceLedger("prototype", unnumbered=7))
    shown = await get(operator)
    assert (shown["unnumbered"], shown["received"], shown["boots"]) == (7, 0, [])
    assert shown["last_heard_at"] is None


async def test_a_device_that_never_sent_anything_is_not_found(operator: httpx.AsyncClient) -> None:
    answer = await operator.get(PATH)
    assert (answer.status_code, detail_of(answer)) == (
        404,
        "Nothing has ever come from this device.",
    )


async def test_only_who_has_signed_in_may_look(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get(PATH)).status_code == 401


@pytest.mark.parametrize("path", ["village%2F1/meter-1", "village-1/me:ter", "village-1/" + "m" * 65])
async def test_a_name_that_is_none_is_refused(operator: httpx.AsyncClient, path: str) -> None:
    assert (await operator.get(f"/api/device/{path}/ledger")).status_code in {404, 422}


async def test_while_the_store_is_away_it_says_so(
    operator: httpx.AsyncClient, ledgers: FakeLedgerStore
) -> None:
    ledgers.fail_next(RetryableError("redis://secret"))
    answer = await operator.get(PATH)
    assert (answer.status_code, detail_of(answer)) == (503, "The store of the ledgers is away.")
