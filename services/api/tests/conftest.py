"""The API on fakes, at a fixed time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import cast

import httpx
import pytest
from fastapi import FastAPI
from services.api.tests.people import People, client_of
from services.api.tests.stopped_clock import Clock
from services.api.tests.two_grids import TwoGrids
from starlette.routing import BaseRoute, Route

from microgrid_api.app import create_app
from microgrid_api.identity.prototype import PrototypeIdentity
from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_common.runtime.quarantine_replay import Replayer
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.fakes.audit_log import FakeAuditLog
from microgrid_common.testing.fakes.command_store import FakeCommandStore
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.grid_store import FakeGridStore
from microgrid_common.testing.fakes.idempotency_store import FakeIdempotencyStore
from microgrid_common.testing.fakes.ledger_store import FakeLedgerStore
from microgrid_common.testing.fakes.link_store import FakeLinkStore
from microgrid_common.testing.fakes.notification_settings import FakeNotificationSettings
from microgrid_common.testing.fakes.push_tokens import FakePushTokens
from microgrid_common.testing.fakes.quarantine import FakeQuarantine
from microgrid_common.testing.fakes.rollup_store import FakeRollupStore
from microgrid_common.testing.fakes.rule_store import FakeRuleStore
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.samples import sample_reading
from microgrid_common.testing.waiting import wait_until

SHARDS = 4


@pytest.fixture
def now() -> Clock:
    return Clock()


@pytest.fixture
def log() -> FakeDurableLog:
    return FakeDurableLog()


@pytest.fixture
def states(log: FakeDurableLog) -> FakeAlarmStates:
    return FakeAlarmStates(log)


@pytest.fixture
def records(ports: ApiPorts) -> FakeAlertRecords:
    return cast("FakeAlertRecords", ports.records)


@pytest.fixture
def telemetry() -> FakeTelemetryStore:
    return FakeTelemetryStore()


@pytest.fixture
def quarantine(log: FakeDurableLog) -> FakeQuarantine:
    return FakeQuarantine(log)


@pytest.fixture
def ledgers() -> FakeLedgerStore:
    return FakeLedgerStore()


@pytest.fixture
def ports(
    *,
    log: FakeDurableLog,
    states: FakeAlarmStates,
    telemetry: FakeTelemetryStore,
    quarantine: FakeQuarantine,
    ledgers: FakeLedgerStore,
) -> ApiPorts:
    devices = FakeDeviceRegistry()
    return ApiPorts(
        identity=PrototypeIdentity(),
        log=log,
        records=FakeAlertRecords(states),
        states=states,
        rules=FakeRuleStore(),
        notification_settings=FakeNotificationSettings(),
        push_tokens=FakePushTokens(),
        grids=FakeGridStore(),
        telemetry=telemetry,
        rollups=FakeRollupStore(),
        quarantine=quarantine,
        replayer=Replayer(quarantine, devices=devices, shards=SHARDS),
        ledgers=ledgers,
        devices=devices,
        links=FakeLinkStore(log),
        commands=FakeCommandStore(log),
        answers=FakeIdempotencyStore(),
        audit=FakeAuditLog(),
        dependencies={"redis": log.ping, "telemetry_store": telemetry.ping},
    )


@pytest.fixture
def audit(ports: ApiPorts) -> FakeAuditLog:
    return cast("FakeAuditLog", ports.audit)


@pytest.fixture
def answers(ports: ApiPorts) -> FakeIdempotencyStore:
    return cast("FakeIdempotencyStore", ports.answers)


@pytest.fixture
def devices(ports: ApiPorts) -> FakeDeviceRegistry:
    return cast("FakeDeviceRegistry", ports.devices)


@pytest.fixture
def rules(ports: ApiPorts) -> FakeRuleStore:
    return cast("FakeRuleStore", ports.rules)


@pytest.fixture
def notification_settings(ports: ApiPorts) -> FakeNotificationSettings:
    return cast("FakeNotificationSettings", ports.notification_settings)


@pytest.fixture
def push_tokens(ports: ApiPorts) -> FakePushTokens:
    return cast("FakePushTokens", ports.push_tokens)


@pytest.fixture
def grids(ports: ApiPorts) -> FakeGridStore:
    return cast("FakeGridStore", ports.grids)


@pytest.fixture
def rollups(ports: ApiPorts) -> FakeRollupStore:
    return cast("FakeRollupStore", ports.rollups)


@pytest.fixture
def links(ports: ApiPorts) -> FakeLinkStore:
    return cast("FakeLinkStore", ports.links)


@pytest.fixture
def commands(ports: ApiPorts) -> FakeCommandStore:
    return cast("FakeCommandStore", ports.commands)


@pytest.fixture
def idle_feed(ports: ApiPorts, now: Clock) -> LiveFeed:
    """A feed that nobody runs."""
    return LiveFeed(log=ports.log, telemetry=ports.telemetry, stream_shards=SHARDS, now=now)


@pytest.fixture
async def feed(idle_feed: LiveFeed) -> AsyncIterator[LiveFeed]:
    """A feed that runs, and has read what was stored before."""
    running = asyncio.create_task(idle_feed.run())
    await wait_until(lambda: idle_feed.seeded, timeout=5, description="the feed to have its seed")
    yield idle_feed
    running.cancel()
    await asyncio.wait([running])


@pytest.fixture(scope="session")
def prepared_routes() -> list[BaseRoute]:
    """The routes of the first application; they know nothing of its ports."""
    return []


@pytest.fixture
def app(ports: ApiPorts, idle_feed: LiveFeed, now: Clock, prepared_routes: list[BaseRoute]) -> FastAPI:
    return _prepared(create_app(ports, feed=idle_feed, live_clients_limit=3, now=now), prepared_routes)


@pytest.fixture
def people(now: Clock, ports: ApiPorts) -> People:
    """Nobody yet, but they can be made."""
    return People(now, push_tokens=ports.push_tokens)


@pytest.fixture
async def measured(telemetry: FakeTelemetryStore) -> None:
    """The default grid has something to show."""
    await telemetry.write([sample_reading()])


@pytest.fixture
async def two_grids(
    *, measured: None, ports: ApiPorts, people: People, feed: LiveFeed, prepared_routes: list[BaseRoute]
) -> AsyncIterator[TwoGrids]:
    """The API over two grids, with no room for a live client."""
    ports = replace(ports, identity=people.local.identity, local_users=people.local)
    app = create_app(ports, feed=feed, live_clients_limit=0, now=people.now)
    # To describe all of it takes longer than to try all of it.
    app.openapi_schema = {"openapi": "3.1.0"}
    async with client_of(app) as client:
        yield TwoGrids(_prepared(app, prepared_routes), ports, people, client)


def _prepared(app: FastAPI, routes: list[BaseRoute]) -> FastAPI:
    # FastAPI prepares the routes of each application anew, on its first request: that takes longer than
    # most tests. Those of the documentation are the application's own.
    if routes:
        pairs = zip(app.router.routes, routes, strict=True)
        app.router.routes[:] = [own if isinstance(own, Route) else shared for own, shared in pairs]
    else:
        routes.extend(app.router.routes)
    return app


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that has not signed in."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
async def operator(stranger: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client that has signed in."""
    answer = await stranger.post("/api/login", json={"username": "user", "password": "password"})
    stranger.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    return stranger
