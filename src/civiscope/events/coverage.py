"""What was looked at when, and why not: rows that hold from a moment until the next one of their channel."""

from collections.abc import Iterable

from civiscope.base import ChannelId, ReasonedSpan, Span
from civiscope.events.tables import coverage_table
from civiscope.storage import Connection, delete, exists, select, upsert

_coverage = coverage_table.c


def keep(connection: Connection, channel_id: ChannelId, from_us: int, reason: str, detail: str) -> None:
    """From then on; told twice is told once."""
    told = {"reason": reason[:32], "detail": detail[:300]}
    query = upsert(coverage_table).values(channel=channel_id.bytes, from_us=from_us, **told)
    connection.execute(query.on_conflict_do_update(index_elements=["channel", "from_us"], set_=told))


def spans(
    connection: Connection, channels: Iterable[ChannelId], span: Span
) -> dict[ChannelId, tuple[ReasonedSpan, ...]]:
    """What is known of the span, in order; neighbours of one reason and detail are one."""
    return {channel: _of_channel(connection, channel, span) for channel in channels}


def forget(connection: Connection, before_us: int) -> None:
    """Drop what was over by then; the row that still held then stays."""
    later = coverage_table.alias()
    is_over = exists().where(
        later.c.channel == _coverage.channel,
        later.c.from_us > _coverage.from_us,
        later.c.from_us <= before_us,
    )
    connection.execute(delete(coverage_table).where(_coverage.from_us < before_us, is_over))


def joined(rows: Iterable[tuple[int, str, str]], span: Span) -> tuple[ReasonedSpan, ...]:
    """Rows `(from_us, reason, detail)` in order as spans within `span`; the last one has no end."""
    found: list[ReasonedSpan] = []
    for from_us, reason, detail in rows:
        if found and (found[-1].reason, found[-1].detail) == (reason, detail):
            continue
        if found:
            found[-1] = found[-1].closed_at(max(from_us, span.start_us))
        found.append(ReasonedSpan(max(from_us, span.start_us), None, reason, detail))
    return tuple(one for one in found if one.end_us is None or one.end_us > one.start_us)


def _of_channel(connection: Connection, channel_id: ChannelId, span: Span) -> tuple[ReasonedSpan, ...]:
    mine = select(_coverage.from_us, _coverage.reason, _coverage.detail).where(
        _coverage.channel == channel_id.bytes
    )
    first = mine.where(_coverage.from_us <= span.start_us).order_by(_coverage.from_us.desc()).limit(1)
    later = mine.where(_coverage.from_us > span.start_us, _coverage.from_us < span.end_us)
    rows = [*connection.execute(first), *connection.execute(later.order_by(_coverage.from_us))]
    found = joined([(row.from_us, row.reason, row.detail) for row in rows], span)
    after = select(_coverage.from_us).where(
        _coverage.channel == channel_id.bytes, _coverage.from_us >= span.end_us
    )
    ends_us = connection.execute(after.order_by(_coverage.from_us).limit(1)).scalar()
    if found and ends_us is not None:
        found = (*found[:-1], found[-1].closed_at(span.end_us))
    return found
