"""What a person does to an alarm, decided without a database: how it stands then, or why it may not."""

from dataclasses import dataclass, replace

from civiscope.alarms.model import (
    PARK_LIMIT_US,
    REASON_LIMIT,
    Alarm,
    AlarmId,
    AlarmState,
    Owner,
    check_transition,
)
from civiscope.base import AppError, ErrorKind
from civiscope.security import Principal


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something to which alarm, as he saw it last."""

    alarm_id: AlarmId
    version: int
    by: Principal
    note: str = ""
    from_where: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """How the alarm stands then, and what the history calls it."""

    alarm: Alarm
    what: str


def claimed(alarm: Alarm, owner: Owner) -> Decision:
    """In the owner's hands; taking it over from another is called so."""
    check_transition(alarm.state, AlarmState.CLAIMED)
    if alarm.state is AlarmState.CLAIMED and alarm.owner is not None and alarm.owner.id == owner.id:
        raise AppError(ErrorKind.CONFLICT, "This alarm is in your hands already.")
    what = "taken_over" if alarm.state is AlarmState.CLAIMED else "claimed"
    return Decision(_held(alarm, owner), what)


def forwarded(alarm: Alarm, to: Owner) -> Decision:
    """In another's hands."""
    check_transition(alarm.state, AlarmState.CLAIMED)
    if alarm.state is AlarmState.CLAIMED and alarm.owner is not None and alarm.owner.id == to.id:
        raise AppError(ErrorKind.CONFLICT, f"{to.name} has this alarm in hand already.")
    return Decision(_held(alarm, to), "forwarded")


def parked(alarm: Alarm, owner: Owner, until_us: int, now_us: int) -> Decision:
    """Aside until then; INVALID for a moment that is over, or beyond thirty days."""
    check_transition(alarm.state, AlarmState.PARKED)
    if not now_us < until_us <= now_us + PARK_LIMIT_US:
        raise AppError(ErrorKind.INVALID, "Park an alarm until a moment within the next 30 days.")
    held = replace(alarm, state=AlarmState.PARKED, owner=owner, parked_until_us=until_us)
    return Decision(held, "parked")


def closed(alarm: Alarm, reason: str) -> Decision:
    """Done; INVALID without a reason."""
    check_transition(alarm.state, AlarmState.CLOSED)
    if not reason.strip() or len(reason) > REASON_LIMIT:
        raise AppError(
            ErrorKind.INVALID, f"Say why the alarm is closed, in at most {REASON_LIMIT} characters."
        )
    done = replace(alarm, state=AlarmState.CLOSED, parked_until_us=None, close_reason=reason.strip())
    return Decision(done, "closed")


def noted(alarm: Alarm, note: str) -> Decision:
    """As it was, with a note in the history; INVALID for an empty one."""
    if not note.strip():
        raise AppError(ErrorKind.INVALID, "A note needs words.")
    return Decision(alarm, "noted")


def _held(alarm: Alarm, owner: Owner) -> Alarm:
    return replace(alarm, state=AlarmState.CLAIMED, owner=owner, parked_until_us=None)
