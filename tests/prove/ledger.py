"""What the API says of the ledgers."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

import httpx
from tests.prove.evidence import Boot, Device, LedgerBoot, LedgerNumbers

_LOGIN = {"username": "user", "password": "password"}


async def read_ledger(api_url: str, devices: Iterable[Device]) -> list[LedgerBoot]:
    """The ledgers of some devices; one that the API does not know is left out.

    Raises:
        httpx.HTTPStatusError: the API refuses.
    """
    async with httpx.AsyncClient(base_url=api_url) as client:
        login = (await client.post("/api/login", json=_LOGIN)).raise_for_status()
        client.headers["Authorization"] = f"Bearer {login.json()['token']}"
        return [boot for device in sorted(devices) for boot in await _of_device(client, device)]


async def _of_device(client: httpx.AsyncClient, device: Device) -> list[LedgerBoot]:
    answer = await client.get(f"/api/device/{device.grid_id}/{device.device_id}/ledger")
    if answer.status_code == HTTPStatus.NOT_FOUND:
        return []
    return [_boot(device, boot) for boot in answer.raise_for_status().json()["boots"]]


def _boot(device: Device, told: dict[str, Any]) -> LedgerBoot:
    missing = [(each["first"], each["last"]) for each in told["missing_ranges"]]
    return LedgerBoot(
        boot=Boot(device, told["boot_id"]),
        received=_numbers(told["received"], told["received_ranges"]),
        quarantined=_numbers(told["quarantined"], told["quarantined_ranges"]),
        missing=_numbers(told["missing"], missing),
    )


def _numbers(count: int, ranges: Iterable[Sequence[int]]) -> LedgerNumbers:
    return LedgerNumbers(
        count, frozenset(number for first, last in ranges for number in range(first, last + 1))
    )
