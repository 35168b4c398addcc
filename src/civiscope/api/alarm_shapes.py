"""What comes in about alarms, and how they are told."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from civiscope.alarms import Alarm, AlarmCounts, AlarmState, HistoryRow
from civiscope.api.shapes import TimeUs

_Version = Annotated[int, Field(ge=1, le=1 << 40)]


class AlarmsAsked(BaseModel):
    """Which alarms; what is left out matches all."""

    model_config = ConfigDict(frozen=True)

    state: Annotated[list[AlarmState], Field(max_length=4)] = []
    channel: Annotated[list[UUID], Field(max_length=1_000)] = []
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    before: UUID | None = None


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ActBody(_Shape):
    """The version one has seen, and a note."""

    version: _Version
    note: Annotated[str, Field(max_length=2_000)] = ""


class ForwardBody(ActBody):
    """To whom."""

    to_user_id: Annotated[UUID, Field(strict=False)]


class ParkBody(ActBody):
    """Until when."""

    until_us: TimeUs


class CloseBody(ActBody):
    """Why."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]


class NoteBody(_Shape):
    """What is to be written down."""

    version: _Version
    note: Annotated[str, Field(min_length=1, max_length=2_000)]


def alarm_shape(alarm: Alarm) -> dict[str, Any]:
    """One alarm."""
    owner = alarm.owner
    return {
        "id": str(alarm.id),
        "rule_id": str(alarm.rule_id),
        "rule_name": alarm.rule_name,
        "title": alarm.title,
        "channel_id": None if alarm.channel_id is None else str(alarm.channel_id),
        "event_id": str(alarm.event_id),
        "kind": alarm.kind,
        "object_class": alarm.object_class,
        "zone": alarm.zone,
        "priority": alarm.priority.value,
        "state": alarm.state.value,
        "owner": None if owner is None else {"id": str(owner.id), "name": owner.name},
        "raised_us": alarm.raised_us,
        "last_us": alarm.last_us,
        "count": alarm.count,
        "parked_until_us": alarm.parked_until_us,
        "close_reason": alarm.close_reason,
        "procedure": alarm.procedure,
        "escalations": alarm.escalations,
        "has_picture": alarm.has_picture,
        "version": alarm.version,
    }


def counts_shape(counts: AlarmCounts) -> dict[str, int]:
    """How many there are."""
    return {
        "new": counts.new,
        "claimed": counts.claimed,
        "parked": counts.parked,
        "rate_per_10_min": counts.rate_per_10_min,
    }


def history_shape(row: HistoryRow) -> dict[str, object]:
    """One change."""
    return {
        "at_us": row.at_us,
        "who": row.who,
        "what": row.what,
        "note": row.note,
        "before": dict(row.before),
        "after": dict(row.after),
    }
