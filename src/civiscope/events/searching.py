"""Finding events: pages newest first, counts by time, what goes on. All within the reader's time limit.

A few channels are read each along the clustered key and merged as they come (SQLite merges the branches of a
sorted UNION ALL without sorting); many are read along the index by time.
"""

from collections.abc import Sequence
from uuid import UUID

from civiscope.base import AppError, ChannelId, ErrorKind, Span
from civiscope.events.model import BUCKET_LIMIT, Cursor, Event, EventPage, EventQuery, read_cursor
from civiscope.events.rows import event_of
from civiscope.events.tables import event_table
from civiscope.storage import (
    ColumnElement,
    Connection,
    LargeBinary,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

MERGED_CHANNELS = 64
GOING_ON_LIMIT = 10_000
_ESCAPE = "\\"
_event = event_table.c
_SEARCHED = (_event.kind, _event.object_class, _event.zone, _event.plugin, _event.direction, _event.more)
_BY_TIME_ONLY = literal_column("+event.channel", LargeBinary)
"""The plus keeps SQLite from reading the clustered key, then sorting (sqlite.org/optoverview.html §2)."""


def search(connection: Connection, query: EventQuery) -> EventPage:
    """One page of a checked query."""
    conditions = _conditions(query)
    if query.channels is not None and not query.channels:
        return EventPage((), None)
    if query.channels is not None and len(query.channels) <= MERGED_CHANNELS:
        branches = [
            select(event_table).where(_event.channel == channel.bytes, *conditions)
            for channel in sorted(query.channels)
        ]
        merged = branches[0] if len(branches) == 1 else union_all(*branches)
        ordered = merged.order_by(literal_column("began_us").desc(), literal_column("id").desc())
    else:
        if query.channels is not None:
            conditions.append(_BY_TIME_ONLY.in_([channel.bytes for channel in query.channels]))
        ordered = select(event_table).where(*conditions).order_by(_event.began_us.desc(), _event.id.desc())
    found = connection.execute(ordered.limit(query.limit + 1)).all()
    events = tuple(event_of(row) for row in found[: query.limit])
    more = len(found) > query.limit
    return EventPage(events, str(Cursor(events[-1].began_us, events[-1].id)) if more else None)


def histogram(
    connection: Connection,
    channels: Sequence[ChannelId],
    span: Span,
    bucket_us: int,
    kinds: Sequence[str] = (),
) -> dict[ChannelId, tuple[tuple[int, int], ...]]:
    """How many began in each bucket of the span, by channel; empty buckets are left out."""
    bucket = ((_event.began_us - span.start_us) // bucket_us).label("bucket")
    counted = (
        select(_event.channel, bucket, func.count().label("number"))
        .where(
            _event.channel.in_([channel.bytes for channel in channels]),
            _event.began_us >= span.start_us,
            _event.began_us < span.end_us,
        )
        .group_by(_event.channel, bucket)
        .order_by(_event.channel, bucket)
    )
    if kinds:
        counted = counted.where(_event.kind.in_(kinds))
    found: dict[ChannelId, list[tuple[int, int]]] = {channel: [] for channel in channels}
    for row in connection.execute(counted):
        start_us = span.start_us + row.bucket * bucket_us
        found[ChannelId(UUID(bytes=row.channel))].append((start_us, row.number))
    return {channel: tuple(counts) for channel, counts in found.items()}


def check_histogram(span: Span, bucket_us: int) -> None:
    """AppError(INVALID) for too fine a one."""
    if bucket_us < 1 or span.duration_us > bucket_us * BUCKET_LIMIT:
        raise AppError(
            ErrorKind.INVALID, f"Ask for at most {BUCKET_LIMIT} buckets: take wider ones or a shorter time."
        )


def going_on(connection: Connection) -> tuple[Event, ...]:
    """What began and is not over, newest first."""
    query = (
        select(event_table)
        .where(_event.lasts, _event.ended_us.is_(None))
        .order_by(_event.began_us.desc())
        .limit(GOING_ON_LIMIT)
    )
    return tuple(event_of(row) for row in connection.execute(query))


def _conditions(query: EventQuery) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if query.span is not None:
        wanted += [_event.began_us >= query.span.start_us, _event.began_us < query.span.end_us]
    for column, values in (
        (_event.kind, query.kinds), (_event.object_class, query.classes), (_event.zone, query.zones),
    ):  # fmt: skip
        if values:
            wanted.append(column.in_(values))
    if query.min_score is not None:
        wanted.append(_event.score >= query.min_score)
    if query.text:
        pattern = f"%{_escaped(query.text)}%"
        wanted.append(or_(*(column.like(pattern, escape=_ESCAPE) for column in _SEARCHED)))
    if query.before:
        cursor = read_cursor(query.before)
        wanted += [
            _event.began_us <= cursor.began_us,
            or_(_event.began_us < cursor.began_us, _event.id < cursor.event_id.bytes),
        ]
    return wanted


def _escaped(text: str) -> str:
    for special in (_ESCAPE, "%", "_"):
        text = text.replace(special, _ESCAPE + special)
    return text
