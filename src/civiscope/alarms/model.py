"""Alarms as values: their states, the one table of transitions, folding, and when one is told again."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType
from uuid import UUID

from civiscope.base import AppError, ChannelId, ErrorKind, PrincipalId

AlarmId = NewType("AlarmId", UUID)

FOLD_US = 300_000_000
"""A repeat within five minutes of the last one counts in the open alarm."""
ESCALATIONS_MOST = 2
RATE_US = 600_000_000
"""Alarms are counted over ten minutes (ANSI/ISA-18.2 §16.5, EEMUA 191)."""
TITLE_LIMIT = 200
NOTE_LIMIT = 2_000
PROCEDURE_LIMIT = 4_000
REASON_LIMIT = 200
PARK_LIMIT_US = 30 * 86_400_000_000


class Priority(StrEnum):
    """How much it matters; each is above the one before."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def raised(self) -> "Priority":
        """One up; the highest stays."""
        order = list(Priority)
        return order[min(order.index(self) + 1, len(order) - 1)]


class AlarmState(StrEnum):
    """Where in its one life an alarm is."""

    NEW = "new"
    CLAIMED = "claimed"
    PARKED = "parked"
    CLOSED = "closed"


TRANSITIONS: dict[AlarmState, frozenset[AlarmState]] = {
    AlarmState.NEW: frozenset({AlarmState.CLAIMED, AlarmState.PARKED, AlarmState.CLOSED}),
    AlarmState.CLAIMED: frozenset({AlarmState.CLAIMED, AlarmState.PARKED, AlarmState.CLOSED}),
    AlarmState.PARKED: frozenset({AlarmState.CLAIMED, AlarmState.CLOSED, AlarmState.NEW}),
    AlarmState.CLOSED: frozenset(),
}
"""The one table; parked → new only when its time is over, claimed → claimed only with another owner."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who has an alarm in hand."""

    id: PrincipalId
    name: str


@dataclass(frozen=True, slots=True)
class AlarmDraft:
    """An event that needs a person, as a rule says it."""

    rule_id: UUID
    rule_name: str
    title: str
    event_id: UUID
    at_us: int
    """When it happened."""
    channel_id: ChannelId | None = None
    kind: str = ""
    object_class: str | None = None
    zone: str = ""
    priority: Priority = Priority.NORMAL
    procedure: str = ""
    has_picture: bool = False


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as it stands; `version` counts its changes."""

    id: AlarmId
    rule_id: UUID
    rule_name: str
    title: str
    channel_id: ChannelId | None
    event_id: UUID
    """The first event."""
    kind: str
    object_class: str | None
    zone: str
    priority: Priority
    state: AlarmState
    owner: Owner | None
    raised_us: int
    last_us: int
    """When it last happened again."""
    count: int
    parked_until_us: int | None
    close_reason: str
    procedure: str
    escalations: int
    has_picture: bool
    version: int
    waits_since_us: int
    """Since when nobody has it: raised, parked time over, or told again."""

    @property
    def is_open(self) -> bool:
        """Not closed."""
        return self.state is not AlarmState.CLOSED

    def takes(self, draft: AlarmDraft) -> bool:
        """True if the draft is a repeat of it."""
        same = (self.rule_id, self.channel_id, self.zone) == (draft.rule_id, draft.channel_id, draft.zone)
        return same and self.is_open and abs(draft.at_us - self.last_us) <= FOLD_US

    def escalates_us(self, after_us: int) -> int | None:
        """When it is told again if nobody claims it; None: not (any more)."""
        if self.state is not AlarmState.NEW or self.escalations >= ESCALATIONS_MOST:
            return None
        return self.waits_since_us + after_us


@dataclass(frozen=True, slots=True)
class AlarmCounts:
    """How many there are now, and how many came within the last ten minutes."""

    new: int
    claimed: int
    parked: int
    rate_per_10_min: int


@dataclass(frozen=True, slots=True)
class AlarmQuery:
    """Which alarms, newest first."""

    states: frozenset[AlarmState] = frozenset()
    """Empty: all."""
    channels: frozenset[ChannelId] = frozenset()
    """Empty: all that the principal may handle."""
    limit: int = 100
    before: AlarmId | None = None
    """The last alarm of the page before."""


@dataclass(frozen=True, slots=True)
class AlarmPage:
    """Some alarms, and the one to go on from; None: there are no more."""

    alarms: tuple[Alarm, ...]
    next: AlarmId | None


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """How patient the site is."""

    escalate_after_us: int = 120_000_000
    tick_s: float = 1.0
    """How often it is looked whether somebody must be told, or a parked one wakes."""


def check_transition(before: AlarmState, after: AlarmState) -> None:
    """AppError(CONFLICT) in plain words for what the table does not have."""
    if after not in TRANSITIONS[before]:
        raise AppError(
            ErrorKind.CONFLICT,
            f"An alarm that is {before.value} cannot become {after.value}. Nothing was changed.",
        )
