"""Two grids with things of every kind in them, and somebody who asks for these by every route."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import httpx
from fastapi import FastAPI
from services.api.tests.every_route import Row, Things
from services.api.tests.people import KEY, PASSWORD, People

from microgrid_api.identity.local_users.token_signing import TokenSigner
from microgrid_api.ports import ApiPorts
from microgrid_common.ports.identity import Caller
from microgrid_common.ports.ledger_store import LedgerChanges
from microgrid_common.ports.push_tokens import PushPlatform, PushToken
from microgrid_common.schemas.alarm_rule import AlarmRuleDraft
from microgrid_common.schemas.alert import alert_id
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.identifiers import DEFAULT_GRID_ID
from microgrid_common.schemas.ledger import DeviceLedger
from microgrid_common.schemas.maintenance import MaintenanceWindow
from microgrid_common.schemas.user import Grants, Role
from microgrid_common.testing.asgi_websocket import asgi_websocket
from microgrid_common.testing.contracts.command_store import sample_command
from microgrid_common.testing.contracts.quarantine_messages import found, put, refused
from microgrid_common.testing.samples import SAMPLE_TIME, put_alerts, sample_record

OWN, FOREIGN, NOWHERE = DEFAULT_GRID_ID, "town", "nowhere"
WHO = "somebody"

_CLOSED = {4401: 401, 4404: 404}
"""How a WebSocket says what a status says."""
_ACCEPTED = b'{"schema":1,"timestamp":"2026-11-23T09:59:58.000Z","metrics":{"consumption_kw":10.5}}'


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request came to."""

    status: int
    text: str = ""
    """With `…` for each id that the request has named."""
    headers: httpx.Headers = field(default_factory=httpx.Headers)


@dataclass
class TwoGrids:
    """The API over two grids; `WHO` is somebody with a password in it."""

    app: FastAPI
    ports: ApiPorts
    people: People
    client: httpx.AsyncClient
    """Without a token."""
    grants: Grants = field(default_factory=dict)
    """Of `WHO`."""
    made: int = 0
    """Counts things, so that each has an id of its own."""

    async def grant(self, grants: Grants) -> None:
        """Let `WHO` do something; it is done once."""
        self.grants = grants
        await self.people.make(WHO, grants)

    async def things(self, grid_id: str) -> Things:
        """A thing of each kind that nobody has asked for before, in a grid."""
        things = self.unknown(grid_id)
        await self._add_to_records(things)
        await self._add_to_settings(things)
        await self.people.make(things.username, {grid_id: Role.VIEWER})
        tokens = await self.people.local.identity.log_in(things.username, PASSWORD)
        [entry, *_] = await found(self.ports.quarantine, oldest_first=False)
        return replace(things, refresh_token=tokens.refresh_token or "", entry_id=entry.id)

    def unknown(self, grid_id: str) -> Things:
        """Ids that belong to nothing."""
        self.made += 1
        return Things(
            grid_id=grid_id,
            device_id=f"device-{self.made}",
            alert_id=alert_id(grid_id, self.made),
            command_id=sample_command(self.made).command_id,
            entry_id=f"1-{self.made}",
            window_id=f"window-{self.made}",
            rule_id=f"rule-{self.made}",
            username=f"user-{self.made}",
            token=f"push-token-{self.made}",
            refresh_token="",
        )

    async def ask(self, row: Row, things: Things, *, grid_id: str | None = None) -> Answer:
        """Ask for things, in the name of `WHO`, by a login of its own.

        Args:
            row: the route.
            things: what it is to name.
            grid_id: another grid to name instead of theirs.
        """
        now = self.people.now
        caller = Caller(WHO, f"login-{self.made}", self.grants, now() + timedelta(minutes=15))
        token = TokenSigner(KEY, now=now).access_token(caller)
        return await self.ask_with(row, things, {"Authorization": f"Bearer {token}"}, grid_id=grid_id)

    async def ask_with(
        self, row: Row, things: Things, headers: dict[str, str], *, grid_id: str | None = None
    ) -> Answer:
        """Ask for things with a header that says who asks."""
        named = things if grid_id is None else replace(things, grid_id=grid_id)
        if row.method == "WS":
            async with asgi_websocket(self.app, row.path(named), headers=headers) as socket:
                code = await socket.closed()
            return Answer(_CLOSED.get(code, code))
        answer = await self.client.request(
            row.method,
            f"{row.path(named)}?{row.query}",
            json=row.body(named) if row.body else None,
            headers={"X-Request-Id": "same", **headers},
        )
        text = answer.text
        for name, thing in vars(named).items():
            if name not in {"grid_id", "metric", "refresh_token"}:
                text = text.replace(thing, "…")
        return Answer(answer.status_code, text, answer.headers)

    async def _add_to_records(self, things: Things) -> None:
        grid_id, device_id = things.grid_id, things.device_id
        await self.ports.devices.put([Device(grid_id=grid_id, device_id=device_id)])
        changes = LedgerChanges({(grid_id, device_id): DeviceLedger("meter", heard_at=0)})
        await self.ports.ledgers.apply(device_id, after="0-0", position="1-0", changes=changes)
        await put_alerts(self.ports.states, sample_record(grid_id=grid_id, number=self.made))
        command = sample_command(self.made, grid_id=grid_id, device_id=device_id)
        await self.ports.commands.create(command)
        topic = f"microgrid/{grid_id}/device/{device_id}/telemetry"
        message = refused(self.made, raw=_ACCEPTED, grid_id=grid_id, device_id=device_id, topic=topic)
        await put(self.ports.log, message)

    async def _add_to_settings(self, things: Things) -> None:
        rule = {
            "rule_id": things.rule_id,
            "name": "Battery low",
            "scope": {"grid_id": things.grid_id},
            "condition": {"type": "threshold", "metric": "battery_soc", "comparison": "<", "threshold": 20},
            "severity": "warning",
            "message": "Battery low.",
        }
        await self.ports.rules.put(AlarmRuleDraft.model_validate(rule), expected_version=None)
        window = MaintenanceWindow(
            window_id=things.window_id,
            grid_id=things.grid_id,
            start=SAMPLE_TIME,
            end=SAMPLE_TIME.replace(hour=11),
            reason="test",
            by="amina",
        )
        await self.ports.rules.put_window(window)
        await self.ports.push_tokens.register(
            PushToken(
                things.token,
                WHO,
                PushPlatform.ANDROID,
                "login",
                # Of many the oldest ones go.
                registered_at=SAMPLE_TIME + timedelta(seconds=self.made),
            )
        )
