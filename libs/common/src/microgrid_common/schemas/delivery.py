"""Deliveries: one notification of one alarm to one recipient through one channel, and what became of it."""

from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from pydantic import AwareDatetime, BaseModel, ConfigDict

from microgrid_common.schemas.alert import Severity


class Occasion(StrEnum):
    """Why somebody is told."""

    RAISED = "raised"
    RESUMED = "resumed"
    """It was put aside, that is over, and it lasts."""
    ESCALATION = "escalation"
    """Nobody has acknowledged it in time."""
    ALL_CLEAR = "all_clear"
    """It is over, for those who were told that it lasted."""


class DeliveryState(StrEnum):
    """What became of a delivery."""

    PENDING = "pending"
    SENDING = "sending"
    """It is on its way. What is still so after a crash may or may not have arrived."""
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    """It may or may not have arrived, and is not sent again."""
    WITHDRAWN = "withdrawn"
    """When its turn came there was nothing to tell any more."""


class Delivery(BaseModel):
    """One notification to one recipient through one channel."""

    model_config = ConfigDict(frozen=True)

    id: str
    alert_id: str
    grid_id: str
    occasion: Occasion
    severity: Severity
    channel_id: str
    recipient: str = ""
    """Empty: the channel knows whom to reach."""
    round: int = 0
    """0 of the first ones, then one more with each step of the escalation."""
    created_at: AwareDatetime
    held_until: AwareDatetime | None = None
    """When the quiet hours are over that hold it back. None: there were none."""
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    """How often it was begun to be sent."""
    look_again_at: AwareDatetime | None = None
    """When to send it, or send it again; while it is being sent: when it counts as lost with its sender.
    None: nothing more happens."""
    sender: str | None = None
    """The notifier that is sending it."""
    message_id: str | None = None
    """The message that it is a part of: a summary has several. None while it was never begun."""
    settled_at: AwareDatetime | None = None
    told_as_over: bool = False
    """Whether it was told as something that had already ended."""
    problem: str = ""
    """What went wrong last, or why it was withdrawn."""
    revision: int = 0
    """Counts the stored changes."""

    @property
    def goes_first(self) -> bool:
        """Whether it is worked on before those that are not."""
        return self.severity is Severity.CRITICAL and self.occasion is not Occasion.ALL_CLEAR

    @property
    def has_told(self) -> bool:
        """Whether its recipient believes, or may believe, that the alarm lasts."""
        return (
            self.state in {DeliveryState.SENT, DeliveryState.UNCERTAIN, DeliveryState.SENDING}
            and self.occasion is not Occasion.ALL_CLEAR
            and not self.told_as_over
        )


class FollowUp(BaseModel):
    """An alarm that nobody has acknowledged yet, and how far its escalation has come."""

    model_config = ConfigDict(frozen=True)

    alert_id: str
    key: str
    """Names the event that began it."""
    started_at: AwareDatetime
    done_until: AwareDatetime
    """The steps that were to be made by then are made."""
    due_at: AwareDatetime
    """When the next one is to be made."""
    round: int = 0


def delivery_id(alert_id: str, key: str, channel_id: str, recipient: str) -> str:
    """The same for the same notification, however often it is planned.

    Args:
        alert_id: the alarm.
        key: names the event, and the step of its escalation.
        channel_id: the channel.
        recipient: the recipient.
    """
    return sha256(f"{alert_id}\x1f{key}\x1f{channel_id}\x1f{recipient}".encode()).hexdigest()[:32]


def event_key(transition: str, at: datetime) -> str:
    """Names an event of an alarm."""
    return f"{transition}@{at.timestamp():.6f}"
