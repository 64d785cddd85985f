"""What Prometheus sees of notifications before the first one goes out."""

from prometheus_client import REGISTRY

from microgrid_alert_engine.notifier.posting import Poster
from microgrid_common.schemas.notification import PushChannel
from microgrid_common.testing.fakes.delivery_log import FakeDeliveryLog
from microgrid_common.testing.fakes.notification_channel import FakeNotificationChannel
from microgrid_common.testing.samples import SAMPLE_TIME


def test_failures_count_from_0_on_so_that_the_first_one_is_an_increase() -> None:
    Poster(
        PushChannel(channel_id="app"),
        FakeNotificationChannel(),
        deliveries=FakeDeliveryLog(),
        sender="one",
        clock=lambda: SAMPLE_TIME,
    )
    for outcome in ("sent", "failed", "uncertain"):
        labels = {"channel": "push", "outcome": outcome}
        assert REGISTRY.get_sample_value("microgrid_notifications_total", labels) is not None
