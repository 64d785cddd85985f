"""Who was heard in a batch of messages, and who said that it comes or goes."""

from datetime import UTC, datetime

from microgrid_common.ports.message_source import InboundMessage
from microgrid_common.schemas.presence import DevicePresence
from microgrid_common.schemas.quarantine import Reason
from microgrid_common.transforms.link_steps import Sighting
from microgrid_common.transforms.outcome import Outcome

_NEVER = datetime.min.replace(tzinfo=UTC)


class _Heard:
    """What was heard of one device so far."""

    __slots__ = ("at", "metrics")

    def __init__(self) -> None:
        self.at = _NEVER
        self.metrics: set[str] = set()


class RollCall:
    """Gathers what the messages of a batch tell about the links of devices."""

    def __init__(self) -> None:
        self._heard: dict[tuple[str, str], _Heard] = {}
        self._reports: list[DevicePresence] = []

    @property
    def reports(self) -> list[DevicePresence]:
        """Births and last wills, in the order of arrival."""
        return self._reports

    @property
    def sightings(self) -> list[Sighting]:
        """Which devices were heard, each once."""
        return [Sighting(*key, heard.at, frozenset(heard.metrics)) for key, heard in self._heard.items()]

    def note(self, message: InboundMessage, outcome: Outcome) -> None:
        """Take in one message; good or bad, it shows that its device is there."""
        if outcome.presence is not None:
            self._reports.append(outcome.presence)
            return
        if outcome.device_id is None or outcome.grid_id is None or message.retained:
            return
        if outcome.defects and _is_no_sign_of_life(message, outcome):
            return
        key = (outcome.grid_id, outcome.device_id)
        heard = self._heard.get(key)
        if heard is None:
            heard = self._heard[key] = _Heard()
        heard.at = message.received_at
        for reading in outcome.readings:
            heard.metrics.update(reading.metrics)


def _is_no_sign_of_life(message: InboundMessage, outcome: Outcome) -> bool:
    # A strange device is not one of ours. And what is wrong on a status topic may be a last will, which the
    # broker publishes.
    return outcome.defects[0].reason is Reason.UNKNOWN_DEVICE or message.topic.endswith("/status")
