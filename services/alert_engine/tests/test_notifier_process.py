"""The command on a real Redis with real receivers: killed between deliveries, and stopped in order."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from email.parser import BytesParser
from pathlib import Path
from threading import Event

import aiohttp
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from redis.asyncio import Redis as RedisClient

from microgrid_common.adapters.redis.alarm_states import RedisAlarmStates
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.delivery_log import RedisDeliveryLog
from microgrid_common.adapters.redis.notification_settings import RedisNotificationSettings
from microgrid_common.ports.alarm_states import GridCommit
from microgrid_common.schemas.alert import Alert, AlertTransition
from microgrid_common.schemas.delivery import Delivery
from microgrid_common.schemas.notification import NotificationSettings
from microgrid_common.testing.http_sink import HttpSink, http_sink
from microgrid_common.testing.notification_samples import ended, event_of, lasting_alarm, shelved
from microgrid_common.testing.samples import SAMPLE_TIME
from microgrid_common.testing.service_process import service_process
from microgrid_common.testing.waiting import free_port, wait_until

pytestmark = pytest.mark.integration

MODULE = "microgrid_alert_engine.notifier"
ALARMS = 120
KILLS = 4


class Mailbox:
    """What the SMTP server has taken; its methods may be called in any thread."""

    def __init__(self) -> None:
        self.subjects: list[str] = []
        self._silent_from: int | None = None
        self._answering = Event()

    def be_silent_from(self, count: int) -> None:
        """Take so many messages in all, and say of the last one not that it was taken."""
        self._answering.clear()
        self._silent_from = count

    def answer(self) -> None:
        """Say it from now on."""
        self._silent_from = None
        self._answering.set()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.subjects.append(str(BytesParser().parsebytes(envelope.content)["Subject"]))
        if self._silent_from is not None and len(self.subjects) >= self._silent_from:
            await asyncio.to_thread(self._answering.wait)
        return "250 OK"


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def mail_port(mailbox: Mailbox) -> Iterator[int]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller.port
    controller.stop()


@pytest.fixture
async def sink() -> AsyncIterator[HttpSink]:
    async with http_sink() as server:
        yield server


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[RedisClient]:
    client = make_client(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def settings(redis_url: str) -> dict[str, str]:
    return {
        "MICROGRID_REDIS_URL": redis_url,
        "MICROGRID_NOTIFIER_NAME": "notifier-1",
        "MICROGRID_HEALTH_PORT": str(free_port()),
    }


@pytest.fixture
async def tell_both(client: RedisClient, sink: HttpSink, mail_port: int) -> None:
    """Settings by which every alarm goes to the webhook, by mail, and to a service that is not there."""
    mail = f"mailto://127.0.0.1:{mail_port}/?from=alarms@example.org&to={{recipient}}&mode=insecure"
    await RedisNotificationSettings(client).put(
        NotificationSettings.model_validate(
            {
                "channels": [
                    {"kind": "webhook", "channel_id": "hook", "url": f"{sink.url}/hook"},
                    {"kind": "apprise", "channel_id": "mail", "url": mail},
                    {"kind": "apprise", "channel_id": "dead", "url": f"ntfy://127.0.0.1:{free_port()}/x"},
                ],
                "routes": [
                    {
                        "route_id": "all",
                        "targets": [
                            {"channel_id": "dead"},
                            {"channel_id": "hook"},
                            {"channel_id": "mail", "recipients": ["maria@example.org"]},
                        ],
                    }
                ],
            }
        ),
        expected_version=0,
    )


async def happens(client: RedisClient, transition: AlertTransition, *alarms: Alert) -> None:
    """What the engine does: records and events in one step."""
    commit = GridCommit("default", None, {}, {}, alarms, [event_of(alarm, transition) for alarm in alarms])
    assert await RedisAlarmStates(client).commit([commit]) == [True]


async def deliveries(client: RedisClient, channel: str) -> list[Delivery]:
    log = RedisDeliveryLog(client)
    found = [await log.of_alert(f"alert-{number}") for number in range(1, ALARMS + 1)]
    return [one for of_alert in found for one in of_alert if one.channel_id == channel]


@pytest.mark.usefixtures("tell_both")
async def test_killed_between_deliveries_it_loses_and_doubles_nothing(
    client: RedisClient, settings: dict[str, str], sink: HttpSink, mailbox: Mailbox, tmp_path: Path
) -> None:
    with service_process(MODULE, settings, tmp_path) as notifier:
        for kill in range(KILLS + 1):
            first = kill * ALARMS // (KILLS + 1) + 1
            last = (kill + 1) * ALARMS // (KILLS + 1)
            alarms = [lasting_alarm(number) for number in range(first, last + 1)]
            mails = len(mailbox.subjects) + 4
            if kill < KILLS:
                mailbox.be_silent_from(mails)
            if kill == 0:
                # Once: the webhook is left alone for a while before it gets the same message again.
                sink.hang_on = b'"alert-4"'
            await happens(client, AlertTransition.RAISED, *alarms)
            if kill < KILLS:
                await wait_until(
                    lambda: (
                        len(mailbox.subjects) >= mails  # noqa: B023 - waited for here
                        and (sink.hang_on is None or sink.hang_on in sink.requests[-1].body)
                    ),
                    timeout=60,
                    description="one message to be on its way through each",
                )
                await asyncio.to_thread(notifier.kill)
                sink.hang_on = None
                mailbox.answer()
                notifier.start()

        async def settled() -> bool:
            both = [*await deliveries(client, "hook"), *await deliveries(client, "mail")]
            return len(both) == 2 * ALARMS and all(one.look_again_at is None for one in both)

        await wait_until(settled, timeout=60, description="everything to be settled")
    # The webhook can tell a repetition by its id: every alarm has arrived, under one id.
    documents = [json.loads(request.body) for request in sink.requests]
    ids = {document["message_id"]: document["alert_ids"] for document in documents}
    assert sorted(ids.values()) == sorted([f"alert-{number}"] for number in range(1, ALARMS + 1))
    assert len(documents) > ALARMS, "of the one on its way nobody knew that it had arrived"
    assert {one.state for one in await deliveries(client, "hook")} == {"sent"}
    # A mail cannot: what was on its way when the notifier died is not sent again, and is named.
    arrived = Counter(mailbox.subjects)
    assert set(arrived.values()) == {1}
    by_mail = await deliveries(client, "mail")
    sent = {f"CRITICAL: Battery {one.alert_id[6:]} is low" for one in by_mail if one.state == "sent"}
    uncertain = [one for one in by_mail if one.state == "uncertain"]
    assert sent <= set(arrived)
    assert len(sent) + len(uncertain) == ALARMS
    assert len(uncertain) <= KILLS, "one message is on its way at a time"
    # The service that is not there has delayed nobody, and is not forgotten.
    dead = await deliveries(client, "dead")
    assert {one.state for one in dead} <= {"pending", "sending"}
    assert "Traceback" not in notifier.log()


@pytest.mark.usefixtures("tell_both")
async def test_two_notifiers_share_the_work_and_double_nothing(
    client: RedisClient, settings: dict[str, str], sink: HttpSink, mailbox: Mailbox, tmp_path: Path
) -> None:
    second = settings | {"MICROGRID_NOTIFIER_NAME": "notifier-2", "MICROGRID_HEALTH_PORT": "0"}
    (tmp_path / "second").mkdir()
    with service_process(MODULE, settings, tmp_path), service_process(MODULE, second, tmp_path / "second"):
        alarms = [lasting_alarm(number) for number in range(1, ALARMS + 1)]
        for alarm in alarms:
            await happens(client, AlertTransition.RAISED, alarm)

        async def settled() -> bool:
            both = [*await deliveries(client, "hook"), *await deliveries(client, "mail")]
            return len(both) == 2 * ALARMS and {one.state for one in both} == {"sent"}

        await wait_until(settled, timeout=60, description="everything to be sent")
    told = sorted(f"CRITICAL: {alarm.message}" for alarm in alarms)
    assert sorted(mailbox.subjects) == told
    assert sorted(json.loads(request.body)["title"] for request in sink.requests) == told


@pytest.mark.usefixtures("tell_both")
async def test_what_ended_or_was_put_aside_while_it_was_away_is_not_told_as_lasting(
    client: RedisClient, settings: dict[str, str], sink: HttpSink, tmp_path: Path
) -> None:
    over, aside, lasting = (lasting_alarm(number) for number in (1, 2, 3))
    await happens(client, AlertTransition.RAISED, over, aside, lasting)
    await happens(client, AlertTransition.SHELVED, shelved(aside, SAMPLE_TIME))
    now = SAMPLE_TIME.now(SAMPLE_TIME.tzinfo)
    await happens(client, AlertTransition.CLEARED, ended(over, now))
    with service_process(MODULE, settings, tmp_path) as notifier:
        await wait_until(lambda: len(sink.requests) == 2, timeout=60, description="two messages")
        assert await asyncio.to_thread(notifier.stop) == 0
    titles = {json.loads(request.body)["title"] for request in sink.requests}
    assert titles == {"Over: Battery 1 is low", "CRITICAL: Battery 3 is low"}


@pytest.mark.usefixtures("tell_both")
async def test_it_says_how_it_is_and_stops_in_order(
    client: RedisClient, settings: dict[str, str], sink: HttpSink, mailbox: Mailbox, tmp_path: Path
) -> None:
    base = f"http://127.0.0.1:{settings['MICROGRID_HEALTH_PORT']}"
    with service_process(MODULE, settings, tmp_path) as notifier:
        await happens(client, AlertTransition.RAISED, lasting_alarm())
        await wait_until(lambda: len(mailbox.subjects) == 1, timeout=60, description="the mail")
        await wait_until(lambda: len(sink.requests) == 1, timeout=60, description="the webhook")

        async def measured() -> bool:
            async with aiohttp.ClientSession() as session, session.get(f"{base}/metrics") as answer:
                text = await answer.text()
            return all(
                line in text
                for line in (
                    'microgrid_notifications_total{channel="apprise",outcome="sent"} 1.0',
                    'microgrid_notifications_total{channel="webhook",outcome="sent"} 1.0',
                    'microgrid_notifications_waiting{channel="dead"} 1.0',
                )
            )

        await wait_until(measured, timeout=60, description="the figures")
        async with aiohttp.ClientSession() as session, session.get(f"{base}/readyz") as answer:
            assert answer.status == 200
        assert await asyncio.to_thread(notifier.stop) == 0
    assert "Traceback" not in notifier.log()
    assert "mode=insecure" not in notifier.log()
