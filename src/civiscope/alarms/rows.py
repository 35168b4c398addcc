"""Rows of alarms. Every function works within the caller's transaction."""

from collections.abc import Iterable
from uuid import UUID

from civiscope.alarms.model import (
    ESCALATIONS_MOST,
    Alarm,
    AlarmCounts,
    AlarmDraft,
    AlarmId,
    AlarmPage,
    AlarmQuery,
    AlarmState,
    Owner,
    Priority,
)
from civiscope.alarms.tables import alarm_event_table, alarm_table
from civiscope.base import ChannelId, PrincipalId
from civiscope.storage import ColumnElement, Connection, Row, func, insert, select, update

_alarm = alarm_table.c
_DUE_LIMIT = 200


def find(connection: Connection, alarm_id: AlarmId) -> Alarm | None:
    """The alarm with this id."""
    row = connection.execute(select(alarm_table).where(_alarm.id == alarm_id)).first()
    return None if row is None else _alarm_of(row)


def add(connection: Connection, alarm: Alarm) -> None:
    """A new one, with its first event."""
    connection.execute(insert(alarm_table).values(id=alarm.id, **_columns(alarm)))
    count_in(connection, alarm, alarm.event_id)


def change(connection: Connection, alarm: Alarm) -> None:
    """As it stands now."""
    connection.execute(update(alarm_table).where(_alarm.id == alarm.id).values(**_columns(alarm)))


def count_in(connection: Connection, alarm: Alarm, event_id: UUID) -> None:
    """The event is part of it; CONFLICT if the rule has made an alarm of it before."""
    values = {"alarm_id": alarm.id, "rule_id": alarm.rule_id, "event_id": event_id}
    connection.execute(insert(alarm_event_table).values(**values))


def made_of(connection: Connection, rule_id: UUID, event_id: UUID) -> Alarm | None:
    """The alarm that the rule made of the event, or counted it in."""
    query = select(alarm_event_table.c.alarm_id).where(
        alarm_event_table.c.rule_id == rule_id, alarm_event_table.c.event_id == event_id
    )
    alarm_id = connection.execute(query).scalar()
    return None if alarm_id is None else find(connection, AlarmId(alarm_id))


def open_for(connection: Connection, draft: AlarmDraft) -> Alarm | None:
    """The open alarm that takes the draft as a repeat: the one that happened last."""
    query = (
        select(alarm_table)
        .where(
            _alarm.state != AlarmState.CLOSED.value,
            _alarm.rule_id == draft.rule_id,
            _alarm.channel_id.is_(None)
            if draft.channel_id is None
            else _alarm.channel_id == draft.channel_id,
            _alarm.zone == draft.zone,
        )
        .order_by(_alarm.last_us.desc())
    )
    found = (_alarm_of(row) for row in connection.execute(query))
    return next((alarm for alarm in found if alarm.takes(draft)), None)


def page(connection: Connection, query: AlarmQuery, channels: frozenset[ChannelId] | None) -> AlarmPage:
    """Newest first, of these channels (None: of all, and of none)."""
    wanted = [*_of_channels(channels)]
    if query.states:
        wanted.append(_alarm.state.in_([state.value for state in query.states]))
    if query.channels:
        wanted.append(_alarm.channel_id.in_(query.channels))
    if query.before is not None:
        wanted.append(_alarm.id < query.before)
    found = connection.execute(
        select(alarm_table).where(*wanted).order_by(_alarm.id.desc()).limit(query.limit + 1)
    ).all()
    alarms = tuple(_alarm_of(row) for row in found[: query.limit])
    return AlarmPage(alarms, alarms[-1].id if len(found) > query.limit else None)


def counts(connection: Connection, channels: frozenset[ChannelId] | None, since_us: int) -> AlarmCounts:
    """Open ones by state, and those raised since."""
    mine = _of_channels(channels)
    by_state = (
        select(_alarm.state, func.count().label("number"))
        .where(_alarm.state != AlarmState.CLOSED.value, *mine)
        .group_by(_alarm.state)
    )
    found = {row.state: row.number for row in connection.execute(by_state)}
    recent = select(func.count()).select_from(alarm_table).where(_alarm.raised_us > since_us, *mine)
    return AlarmCounts(
        new=found.get(AlarmState.NEW.value, 0),
        claimed=found.get(AlarmState.CLAIMED.value, 0),
        parked=found.get(AlarmState.PARKED.value, 0),
        rate_per_10_min=connection.execute(recent).scalar() or 0,
    )


def unclaimed(connection: Connection, waits_since_us: int) -> list[Alarm]:
    """New ones that nobody has had since then, to be told again."""
    query = select(alarm_table).where(
        _alarm.state == AlarmState.NEW.value,
        _alarm.escalations < ESCALATIONS_MOST,
        _alarm.waits_since_us <= waits_since_us,
    )
    return [_alarm_of(row) for row in connection.execute(query.order_by(_alarm.id).limit(_DUE_LIMIT))]


def parked_until(connection: Connection, now_us: int) -> list[Alarm]:
    """Parked ones whose time is over."""
    query = select(alarm_table).where(
        _alarm.state == AlarmState.PARKED.value, _alarm.parked_until_us <= now_us
    )
    return [_alarm_of(row) for row in connection.execute(query.order_by(_alarm.id).limit(_DUE_LIMIT))]


def _of_channels(channels: Iterable[ChannelId] | None) -> list[ColumnElement[bool]]:
    return [] if channels is None else [_alarm.channel_id.in_(list(channels))]


def _alarm_of(row: Row[tuple[object, ...]]) -> Alarm:
    return Alarm(
        id=AlarmId(row.id), rule_id=row.rule_id, rule_name=row.rule_name, title=row.title,
        channel_id=None if row.channel_id is None else ChannelId(row.channel_id), event_id=row.event_id,
        kind=row.kind, object_class=row.object_class, zone=row.zone, priority=Priority(row.priority),
        state=AlarmState(row.state),
        owner=None if row.owner_id is None else Owner(PrincipalId(row.owner_id), row.owner_name),
        raised_us=row.raised_us, last_us=row.last_us, count=row.happened, parked_until_us=row.parked_until_us,
        close_reason=row.close_reason, procedure=row.procedure, escalations=row.escalations,
        has_picture=row.has_picture, version=row.version, waits_since_us=row.waits_since_us,
    )  # fmt: skip


def _columns(alarm: Alarm) -> dict[str, object]:
    return {
        "rule_id": alarm.rule_id, "rule_name": alarm.rule_name, "title": alarm.title,
        "channel_id": alarm.channel_id, "event_id": alarm.event_id, "kind": alarm.kind,
        "object_class": alarm.object_class, "zone": alarm.zone, "priority": alarm.priority.value,
        "state": alarm.state.value,
        "owner_id": None if alarm.owner is None else alarm.owner.id,
        "owner_name": None if alarm.owner is None else alarm.owner.name,
        "raised_us": alarm.raised_us, "last_us": alarm.last_us, "happened": alarm.count,
        "parked_until_us": alarm.parked_until_us, "close_reason": alarm.close_reason,
        "procedure": alarm.procedure, "escalations": alarm.escalations, "has_picture": alarm.has_picture,
        "version": alarm.version, "waits_since_us": alarm.waits_since_us,
    }  # fmt: skip
