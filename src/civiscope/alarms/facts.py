"""What becomes of alarms, on the bus."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from civiscope.base import ChannelId
from civiscope.bus import Fact


@dataclass(frozen=True, slots=True)
class AlarmRaised(Fact):
    """A rule found that a person must look."""

    name: ClassVar[str] = "alarms.alarm_raised"
    schema_version: ClassVar[int] = 1
    alarm_id: UUID
    rule_id: UUID
    event_id: UUID
    channel_id: ChannelId | None
    priority: str
    raised_us: int


@dataclass(frozen=True, slots=True)
class AlarmChanged(Fact):
    """An alarm is not as it was: claimed, forwarded, parked, woken, closed, noted, or happened again."""

    name: ClassVar[str] = "alarms.alarm_changed"
    schema_version: ClassVar[int] = 1
    alarm_id: UUID
    state: str
    what: str
    version: int
    at_us: int


@dataclass(frozen=True, slots=True)
class AlarmUnacknowledged(Fact):
    """Nobody claimed it in time: its priority went up, and whoever is to be told again is."""

    name: ClassVar[str] = "alarms.alarm_unacknowledged"
    schema_version: ClassVar[int] = 1
    alarm_id: UUID
    channel_id: ChannelId | None
    priority: str
    escalation: int
    """1 for the first time."""
    at_us: int
