"""What actions command, each with what it needs; `app` puts the rooms behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from civiscope.alarms import Alarm, AlarmDraft
from civiscope.base import ChannelId, Span


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be told to people outside: words and ids, nothing of a picture."""

    id: UUID
    """The firing's: told again after a failure, it is one message."""
    subject: str
    text: str
    at_us: int
    channel_id: ChannelId | None
    event_id: UUID
    priority: str = "normal"


@dataclass(frozen=True, slots=True)
class HoldOrder:
    """A span that no retention deletes."""

    channel_id: ChannelId
    span: Span
    reason: str
    until_us: int | None
    """None: until somebody ends it."""
    made_by: str
    """The rule, in words."""
    firing_id: UUID
    """Ordered again after a failure, it is one hold."""


@dataclass(frozen=True, slots=True)
class BookmarkOrder:
    """A moment with a name."""

    channel_id: ChannelId
    at_us: int
    text: str
    made_by: str
    event_id: UUID
    firing_id: UUID


@dataclass(frozen=True, slots=True)
class RecordOrder:
    """A span that is to be recorded, whatever the cameras' own settings."""

    channel_ids: tuple[ChannelId, ...]
    span: Span
    firing_id: UUID
    """Ordered again after a failure, it is the same span."""


class AlarmDesk(Protocol):
    """Raises alarms (`alarms.Alarms`)."""

    async def raise_alarm(self, draft: AlarmDraft) -> Alarm:
        """Of one rule and event once, however often it is asked."""
        ...


class Notifier(Protocol):
    """Tells targets outside (room `notify`)."""

    async def send(self, notice: Notice, target_ids: Sequence[UUID]) -> None:
        """Queued on the disk when it returns; MISSING when there is none of these targets."""
        ...


class EvidenceDesk(Protocol):
    """Keeps moments and spans (room `evidence`)."""

    async def add_bookmark(self, order: BookmarkOrder) -> None:
        """Once per firing."""
        ...

    async def hold(self, order: HoldOrder) -> None:
        """Once per firing."""
        ...


class RecordingDesk(Protocol):
    """Has channels recorded (room `recording`, in its own process)."""

    async def record(self, order: RecordOrder) -> None:
        """The same again changes nothing; UNAVAILABLE while the recorder is away."""
        ...


@dataclass(frozen=True, slots=True)
class ActionPorts:
    """Everything an action may command; None where this installation has no such room."""

    alarms: AlarmDesk
    notifier: Notifier | None = None
    evidence: EvidenceDesk | None = None
    recordings: RecordingDesk | None = None
