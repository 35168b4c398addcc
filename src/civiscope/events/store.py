"""The store of events: written in groups, searched by pages, forgotten when their time is over."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

from civiscope.analytics import CoverageChanged
from civiscope.base import AppError, ChannelId, Clock, ErrorKind, ReasonedSpan, Span
from civiscope.events import coverage, rows, searching
from civiscope.events.model import Event, EventPage, EventQuery, EventTold, check_query, tidy
from civiscope.events.tables import event_table, picture_table
from civiscope.storage import Connection, Database, DatabaseSettings, delete, func, select

OUR_RESTART = "our_restart"
"""The reason of `CoverageChanged` after which no earlier path of the channel is followed any more."""
_GROUP_ROWS = 500
_WAITING_ROWS = 5_000
_FORGET_ROWS = 2_000
_READ_LIMIT_S = 5.0


def open_database(path: Path, clock: Clock) -> Database:
    """The file of events: its searches end after a few seconds, whatever they ask."""
    return Database(path, DatabaseSettings(read_limit_s=_READ_LIMIT_S), clock)


@dataclass(slots=True, eq=False)
class _Waiting:
    """One who waits for his event to be on the disk."""

    told: EventTold
    is_done: bool = False
    event: Event | None = None


class EventStore:
    """Events on a database file of their own; `migrate_events` has been here. Used on one event loop.

    Who comes while a commit is under way goes into the next one, so a lone event is on the disk after one
    commit and a flood is written 500 rows at a time. UNAVAILABLE or EXHAUSTED: nothing is stored, tell again.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._turn = asyncio.Lock()

    async def record(self, told: EventTold) -> Event | None:
        """The event as it stands now, on the disk; None if this was told before and nothing is new."""
        if len(self._waiting) >= _WAITING_ROWS:
            raise AppError(ErrorKind.EXHAUSTED, "Too many events wait for the disk. Tell it again later.")
        mine = _Waiting(tidy(told))
        self._waiting.append(mine)
        try:
            async with self._turn:
                while not mine.is_done:
                    await self._write_group()
        finally:
            if mine in self._waiting:
                self._waiting.remove(mine)
        return mine.event

    async def search(self, query: EventQuery) -> EventPage:
        """Events newest first, by pages; INVALID beyond the limits, TIMEOUT for what takes too long."""
        checked = check_query(query)
        return await self._database.read(lambda connection: searching.search(connection, checked))

    async def event(self, event_id: UUID) -> Event:
        """One event; MISSING."""
        found = await self._database.read(lambda connection: rows.find(connection, event_id))
        if found is None:
            raise missing_event()
        return found

    async def sealed_picture(self, event_id: UUID) -> bytes | None:
        """Its picture as it came, sealed to the site; None if it has none."""
        query = select(picture_table.c.sealed).where(picture_table.c.event_id == event_id.bytes)
        return await self._database.read(lambda connection: connection.execute(query).scalar())

    async def histogram(
        self, channels: Sequence[ChannelId], span: Span, bucket_us: int, kinds: Sequence[str] = ()
    ) -> dict[ChannelId, tuple[tuple[int, int], ...]]:
        """`(start_us, number)` of each bucket in which something began; at most 2,000 buckets."""
        searching.check_histogram(span, bucket_us)
        return await self._database.read(
            lambda connection: searching.histogram(connection, channels, span, bucket_us, kinds)
        )

    async def going_on(self) -> tuple[Event, ...]:
        """What lasts and is not over, newest first; at most 10,000."""
        return await self._database.read(searching.going_on)

    async def cover(self, fact: CoverageChanged) -> None:
        """From then on the channel is looked at, or not, and why.

        After a restart of the analyst nobody will say the end of what went on before: it ends then.
        """

        def work(connection: Connection) -> None:
            coverage.keep(connection, fact.channel_id, fact.at_us, fact.reason, fact.detail)
            if fact.reason != OUR_RESTART:
                return
            for event in searching.going_on(connection):
                if event.channel_id == fact.channel_id and event.began_us <= fact.at_us:
                    rows.end_at(connection, event, fact.at_us)

        await self._database.write(work)

    async def coverage(
        self, channels: Iterable[ChannelId], span: Span
    ) -> dict[ChannelId, tuple[ReasonedSpan, ...]]:
        """What was looked at within the span, and why not; a time of which nothing is known is left out."""
        asked = tuple(channels)
        return await self._database.read(lambda connection: coverage.spans(connection, asked, span))

    async def forget_before(self, before_us: int) -> int:
        """Delete what began before, with its pictures, a few thousand rows at a time; how many events."""
        forgotten = 0
        while True:
            some = await self._database.write(partial(_forget_some, before_us=before_us))
            forgotten += some
            if some < _FORGET_ROWS:
                break
        await self._database.write(lambda connection: coverage.forget(connection, before_us))
        return forgotten

    async def _write_group(self) -> None:
        """By whoever has the turn, for all who wait; if it fails all try again, each for itself."""
        group = self._waiting[:_GROUP_ROWS]
        told = [waiting.told for waiting in group]
        found = await self._database.write(lambda connection: [rows.keep(connection, one) for one in told])
        for waiting, event in zip(group, found, strict=True):
            waiting.is_done, waiting.event = True, event
        del self._waiting[: len(group)]


def missing_event() -> AppError:
    """One and the same for an event that is not there and for one that is nobody's business."""
    return AppError(ErrorKind.MISSING, "There is no such event. Its time may be over; reload the list.")


def _forget_some(connection: Connection, before_us: int) -> int:
    old = connection.execute(
        select(event_table.c.channel, event_table.c.began_us, event_table.c.id)
        .where(event_table.c.began_us < before_us)
        .order_by(event_table.c.began_us)
        .limit(_FORGET_ROWS)
    ).all()
    if old:
        ids = [row.id for row in old]
        connection.execute(delete(picture_table).where(picture_table.c.event_id.in_(ids)))
        connection.execute(delete(event_table).where(event_table.c.id.in_(ids)))
    return len(old)


def count_events(connection: Connection) -> int:
    """How many there are, for tests and figures."""
    return connection.execute(select(func.count()).select_from(event_table)).scalar() or 0
