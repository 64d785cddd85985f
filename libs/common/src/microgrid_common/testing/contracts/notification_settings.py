"""What every `NotificationSettingsStore` must do."""

import asyncio

import pytest

from microgrid_common.ports.notification_settings import NotificationSettingsStore
from microgrid_common.ports.rule_store import VersionConflictError
from microgrid_common.schemas.notification import NotificationSettings

SECRET_URL = "mailtos://user:pässword@mail.example/?to={recipient}"  # noqa: S105 - an example

SAMPLE_SETTINGS = NotificationSettings.model_validate(
    {
        "channels": [
            {"kind": "apprise", "channel_id": "mail", "url": SECRET_URL, "messages": 3},
            {"kind": "webhook", "channel_id": "hook", "url": "https://hook.example/token"},
            {"kind": "push", "channel_id": "app", "enabled": False},
        ],
        "schedules": [
            {
                "schedule_id": "technicians",
                "time_zone": "Asia/Kathmandu",
                "shifts": [{"days": ["sat"], "start": "22:00", "end": "06:00", "recipients": ["maria"]}],
            }
        ],
        "routes": [
            {
                "route_id": "all",
                "minimum_severity": "critical",
                "grids": ["village-1"],
                "targets": [{"channel_id": "mail", "recipients": ["a@example.org"]}],
                "escalation": [
                    {"after_minutes": 15, "targets": [{"channel_id": "app", "on_call": "technicians"}]}
                ],
                "quiet_hours": {"time_zone": "UTC", "ranges": [{"start": "22:00", "end": "07:00"}]},
                "all_clear": False,
            }
        ],
    }
)


class NotificationSettingsContract:
    """Needs a fixture `store`, an empty `NotificationSettingsStore`."""

    async def test_it_begins_empty(self, store: NotificationSettingsStore) -> None:
        """As version 0."""
        stored = await store.get()
        assert (stored.version, stored.settings) == (0, NotificationSettings())

    async def test_what_was_put_is_read_with_its_secrets(self, store: NotificationSettingsStore) -> None:
        """The notifier needs them."""
        assert await store.put(SAMPLE_SETTINGS, expected_version=0) == 1
        stored = await store.get()
        assert (stored.version, stored.settings) == (1, SAMPLE_SETTINGS)

    async def test_only_who_has_read_the_last_version_may_put(self, store: NotificationSettingsStore) -> None:
        """Of many at once, too."""
        answers = await asyncio.gather(
            *(store.put(SAMPLE_SETTINGS, expected_version=0) for _ in range(5)), return_exceptions=True
        )
        assert answers.count(1) == 1
        assert sum(isinstance(answer, VersionConflictError) for answer in answers) == 4
        with pytest.raises(VersionConflictError):
            await store.put(NotificationSettings(), expected_version=2)
        assert await store.put(NotificationSettings(), expected_version=1) == 2
        assert (await store.get()).settings == NotificationSettings()
