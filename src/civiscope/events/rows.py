"""Rows of events and their pictures. Every function works within the caller's transaction."""

import json
from dataclasses import replace
from uuid import UUID

from civiscope.analytics import Phase
from civiscope.base import ChannelId
from civiscope.events.model import Event, EventSource, EventTold
from civiscope.events.tables import NO_CHANNEL, event_table, picture_table
from civiscope.storage import Connection, Row, delete, insert, select, update, upsert


def channel_bytes(channel_id: ChannelId | None) -> bytes:
    """As it stands in the clustered key."""
    return NO_CHANNEL if channel_id is None else channel_id.bytes


def find(connection: Connection, event_id: UUID) -> Event | None:
    """The event with this id."""
    row = _row(connection, event_id)
    return None if row is None else event_of(row)


def keep(connection: Connection, told: EventTold) -> Event | None:
    """Write what is new in it; the event as it stands then, or None if nothing was."""
    known = _row(connection, told.event.id)
    if known is None:
        return _insert(connection, told)
    if told.phase is Phase.ENDED:
        return _end(connection, known, told)
    if told.phase is Phase.BEGAN and not known.has_begun:
        return _begin(connection, known, told)
    return None


def end_at(connection: Connection, event: Event, at_us: int) -> None:
    """It is over from then on, though nobody who saw it said so."""
    values = {"ended_us": max(at_us, event.began_us)}
    connection.execute(update(event_table).where(event_table.c.id == event.id.bytes).values(**values))


def event_of(row: Row[tuple[object, ...]]) -> Event:
    """A row as a value."""
    return Event(
        id=UUID(bytes=row.id),
        channel_id=None if row.channel == NO_CHANNEL else ChannelId(UUID(bytes=row.channel)),
        source=EventSource(row.source),
        source_id=None if row.source_id is None else UUID(bytes=row.source_id),
        plugin=row.plugin, kind=row.kind, began_us=row.began_us, ended_us=row.ended_us, lasts=row.lasts,
        object_class=row.object_class, track_id=row.track_id,
        box_n=None if row.box_n is None else tuple(json.loads(row.box_n)),
        place_n=None if row.place_n is None else tuple(json.loads(row.place_n)),
        zone=row.zone, direction=row.direction, score=row.score,
        values=tuple((name, value) for name, value in json.loads(row.more)),
        detector=row.detector, has_picture=row.has_picture,
    )  # fmt: skip


def _row(connection: Connection, event_id: UUID) -> Row[tuple[object, ...]] | None:
    return connection.execute(select(event_table).where(event_table.c.id == event_id.bytes)).first()


def _insert(connection: Connection, told: EventTold) -> Event:
    connection.execute(insert(event_table).values(**_columns(told.event, told.phase is not Phase.ENDED)))
    _keep_picture(connection, told)
    return told.event


def _begin(connection: Connection, known: Row[tuple[object, ...]], told: EventTold) -> Event:
    """Its end was told first: it moves to the moment at which it began."""
    ended = event_of(known)
    event = replace(
        told.event,
        ended_us=max(told.event.began_us, ended.ended_us or 0),
        has_picture=ended.has_picture or told.event.has_picture,
    )
    connection.execute(delete(event_table).where(event_table.c.id == event.id.bytes))
    connection.execute(insert(event_table).values(**_columns(event, True)))
    _keep_picture(connection, told)
    return event


def _end(connection: Connection, known: Row[tuple[object, ...]], told: EventTold) -> Event | None:
    """A better score and a first picture are taken over; a second end changes nothing."""
    before = event_of(known)
    if not before.lasts or before.ended_us is not None:
        return None
    scores = [score for score in (before.score, told.event.score) if score is not None]
    event = replace(
        before,
        ended_us=max(told.event.began_us, before.began_us),
        score=max(scores, default=None),
        values=told.event.values or before.values,
        has_picture=before.has_picture or bool(told.picture),
    )
    query = update(event_table).where(
        event_table.c.channel == known.channel,
        event_table.c.began_us == known.began_us,
        event_table.c.id == known.id,
    )
    connection.execute(
        query.values(
            ended_us=event.ended_us, score=event.score, more=_text(event.values),
            has_picture=event.has_picture,
        )
    )  # fmt: skip
    if not before.has_picture:
        _keep_picture(connection, told)
    return event


def _keep_picture(connection: Connection, told: EventTold) -> None:
    if told.picture:
        values = {"event_id": told.event.id.bytes, "sealed": told.picture}
        connection.execute(upsert(picture_table).values(**values).on_conflict_do_nothing())


def _columns(event: Event, has_begun: bool) -> dict[str, object]:
    return {
        "channel": channel_bytes(event.channel_id), "began_us": event.began_us, "id": event.id.bytes,
        "source": event.source.value,
        "source_id": None if event.source_id is None else event.source_id.bytes,
        "plugin": event.plugin, "kind": event.kind, "ended_us": event.ended_us, "lasts": event.lasts,
        "has_begun": has_begun, "object_class": event.object_class, "track_id": event.track_id,
        "box_n": None if event.box_n is None else json.dumps(event.box_n),
        "place_n": None if event.place_n is None else json.dumps(event.place_n),
        "zone": event.zone, "direction": event.direction, "score": event.score,
        "more": _text(event.values), "detector": event.detector, "has_picture": event.has_picture,
    }  # fmt: skip


def _text(values: tuple[tuple[str, str], ...]) -> str:
    return json.dumps(values, ensure_ascii=False)
