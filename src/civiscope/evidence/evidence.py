"""Bookmarks and holds in the server's database; each change is in the audit together with itself."""

import json
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from civiscope.base import AppError, ChannelId, Clock, ErrorKind, Span, StreamId, new_id
from civiscope.evidence.cases import Cases
from civiscope.evidence.model import (
    BOOKMARKS_LIMIT,
    HOLDS_LIMIT,
    Bookmark,
    BookmarkId,
    Hold,
    HoldDraft,
    HoldId,
    check_hold,
    clean_text,
    missing_bookmark,
    missing_hold,
)
from civiscope.evidence.tables import bookmark_table, case_table, hold_table
from civiscope.recording import HeldSpan
from civiscope.security import AuditEntry, AuditLog, AuditWriter, CaseId, Principal, WordBox
from civiscope.storage import Connection, Database, Row, delete, func, insert, select, update

PAGE_LIMIT = 1_000
StreamsOf = Callable[[ChannelId], Awaitable[Sequence[StreamId]]]
"""Every stream of a channel, removed channels too; MISSING when there never was one."""


class Evidence:
    """The room's face. Who may is asked at the door, or by the rules."""

    def __init__(
        self, database: Database, audit: AuditLog, streams_of: StreamsOf, clock: Clock, words: WordBox
    ) -> None:
        """Words are empty where they are read while the vault is locked."""
        self._database = database
        self._words = words
        self._audit = audit
        self._streams_of = streams_of
        self._clock = clock
        self.cases = Cases(database, audit, clock, words)
        self._in_force: tuple[Hold, ...] | None = None
        """Holds that nobody has ended, as far as they are known; read at the first question."""
        self._version = 0
        """Counts the changes: what was read before one is not remembered after it."""
        self.on_change: Callable[[], None] = lambda: None
        """Told after a hold was made or ended; wired by `app`. Must not block."""

    async def add_bookmark(
        self, channel_id: ChannelId, at_us: int, text: str, by: Principal, event_id: UUID | None = None,
        where: str = "",
    ) -> Bookmark:  # fmt: skip
        """Name a moment; MISSING for an unknown channel, INVALID without words, EXHAUSTED."""
        await self._streams_of(channel_id)
        bookmark = Bookmark(
            BookmarkId(new_id()), channel_id, at_us, clean_text(text, "A bookmark with words"), by.name,
            self._clock.now_us(), event_id,
        )  # fmt: skip

        words = self._words.seal(bookmark.id, bookmark.text)

        def work(connection: Connection, writer: AuditWriter) -> Bookmark:
            count = connection.execute(select(func.count()).select_from(bookmark_table)).scalar() or 0
            if count >= BOOKMARKS_LIMIT:
                raise AppError(ErrorKind.EXHAUSTED, f"There are {BOOKMARKS_LIMIT} bookmarks. Remove some.")
            values = {name: getattr(bookmark, name) for name in _BOOKMARK_FIELDS}
            connection.execute(insert(bookmark_table).values(**values | {"text": "", "words": words}))
            writer.append(_bookmark_entry(by, "bookmark.add", bookmark, where))
            return bookmark

        return await self._audit.transact(work)

    async def remove_bookmark(self, bookmark_id: BookmarkId, by: Principal, where: str = "") -> None:
        """Forget one; MISSING."""

        def work(connection: Connection, writer: AuditWriter) -> None:
            bookmark = _bookmark_of(connection, bookmark_id, self._words)
            connection.execute(delete(bookmark_table).where(bookmark_table.c.id == bookmark_id))
            writer.append(_bookmark_entry(by, "bookmark.remove", bookmark, where))

        await self._audit.transact(work)

    async def bookmark(self, bookmark_id: BookmarkId) -> Bookmark:
        """One; MISSING."""
        return await self._database.read(
            lambda connection: _bookmark_of(connection, bookmark_id, self._words)
        )

    async def bookmarks(self, channels: Sequence[ChannelId], span: Span) -> list[Bookmark]:
        """Those of these channels in the span, oldest first; at most 1,000."""
        query = (
            select(bookmark_table)
            .where(
                bookmark_table.c.channel_id.in_(list(channels)),
                bookmark_table.c.at_us >= span.start_us,
                bookmark_table.c.at_us < span.end_us,
            )
            .order_by(bookmark_table.c.at_us, bookmark_table.c.id)
            .limit(PAGE_LIMIT)
        )
        return await self._database.read(
            lambda connection: [_bookmark(row, self._words) for row in connection.execute(query)]
        )

    async def forget_bookmarks_before(self, before_us: int) -> int:
        """Remove those whose recordings are gone: older than retention, and in no held span. How many."""
        held = [one for one in await self._holds_in_force() if one.from_us < before_us]
        old = select(bookmark_table).where(bookmark_table.c.at_us < before_us)

        def work(connection: Connection) -> int:
            gone = [row.id for row in connection.execute(old) if not any(_covers(one, row) for one in held)]
            for bookmark_id in gone:
                connection.execute(delete(bookmark_table).where(bookmark_table.c.id == bookmark_id))
            return len(gone)

        return await self._database.write(work)

    async def hold(self, draft: HoldDraft, by: Principal, where: str = "") -> Hold:
        """Protect a span; the recorder has it a moment later. INVALID, MISSING, EXHAUSTED in plain words."""
        now_us = self._clock.now_us()
        check_hold(draft, now_us)
        reason = clean_text(draft.reason, "A hold with a reason")
        streams = tuple(await self._streams_of(draft.channel_id))
        if len(await self._holds_in_force()) >= HOLDS_LIMIT:
            raise AppError(
                ErrorKind.EXHAUSTED, f"{HOLDS_LIMIT} holds are in force. End those that are no longer needed."
            )
        case = await self.cases.of_hold(draft.case_id, reason, by, where)
        hold = Hold(
            HoldId(new_id()), draft.channel_id, draft.span.start_us, draft.span.end_us, reason,
            draft.until_us, streams, by.name, now_us, None, case.id,
        )  # fmt: skip

        words = self._words.seal(hold.id, reason)

        def work(connection: Connection, writer: AuditWriter) -> Hold:
            values = {name: getattr(hold, name) for name in _HOLD_FIELDS}
            apart = {"streams": [str(one) for one in streams], "reason": "", "words": words}
            connection.execute(insert(hold_table).values(**values | apart))
            writer.append(_hold_entry(by, "hold.add", hold, where))
            return hold

        made = await self._audit.transact(work)
        self._changed()
        return made

    async def end_hold(self, hold_id: HoldId, by: Principal, where: str = "") -> Hold:
        """End it now: retention may delete the span again. One that is over stays as it is."""

        def work(connection: Connection, writer: AuditWriter) -> Hold:
            hold, now_us = _hold_of(connection, hold_id, self._words), self._clock.now_us()
            if not hold.is_in_force(now_us):
                return hold
            connection.execute(update(hold_table).where(hold_table.c.id == hold_id).values(ended_us=now_us))
            writer.append(_hold_entry(by, "hold.end", hold, where))
            return _hold_of(connection, hold_id, self._words)

        ended = await self._audit.transact(work)
        self._changed()
        return ended

    async def find_hold(self, hold_id: HoldId) -> Hold:
        """One, over or not; MISSING."""
        return await self._database.read(lambda connection: _hold_of(connection, hold_id, self._words))

    async def holds(self, channels: Sequence[ChannelId] | None = None) -> list[Hold]:
        """All (of these channels), over or not, newest first; at most 1,000."""
        query = select(hold_table).order_by(hold_table.c.made_us.desc(), hold_table.c.id.desc())
        if channels is not None:
            query = query.where(hold_table.c.channel_id.in_(list(channels)))
        limited = query.limit(PAGE_LIMIT)
        return await self._database.read(
            lambda connection: [_hold(row, self._words) for row in connection.execute(limited)]
        )

    async def held_spans(self) -> tuple[HeldSpan, ...]:
        """What the recorder must not delete at this moment."""
        return tuple(
            HeldSpan(stream_id, one.from_us, one.to_us, one.case_id)
            for one in await self._holds_in_force()
            for stream_id in one.streams
        )

    async def _holds_in_force(self) -> tuple[Hold, ...]:
        known = self._in_force
        if known is None:
            version = self._version
            query = select(hold_table).where(hold_table.c.ended_us.is_(None)).order_by(hold_table.c.id)
            rows = await self._database.read(lambda connection: connection.execute(query).all())
            known = tuple(_hold(row, None) for row in rows)
            if version == self._version:
                self._in_force = known
        now_us = self._clock.now_us()
        return tuple(one for one in known if one.is_in_force(now_us))

    async def seal_older_words(self) -> None:
        """Words that an earlier version wrote in the clear; once, at the start."""

        def work(connection: Connection) -> None:
            for table, text in ((bookmark_table, bookmark_table.c.text), (hold_table, hold_table.c.reason)):
                for row in connection.execute(select(table.c.id, text).where(table.c.words.is_(None))).all():
                    words = self._words.seal(row[0], row[1])
                    change = update(table).where(table.c.id == row[0])
                    connection.execute(change.values({text: "", table.c.words: words}))
            bare = select(case_table).where(case_table.c.words.is_(None))
            for row in connection.execute(bare).all():
                words = self._words.seal(row.id, json.dumps([row.name, row.reference]))
                change = update(case_table).where(case_table.c.id == row.id)
                connection.execute(change.values(name="", reference="", words=words))

        await self._database.write(work)

    def _changed(self) -> None:
        self._in_force = None
        self._version += 1
        self.on_change()


_BOOKMARK_FIELDS = ("id", "channel_id", "at_us", "text", "made_by", "made_us", "event_id")
_HOLD_FIELDS = (
    "id", "channel_id", "from_us", "to_us", "reason", "until_us", "made_by", "made_us", "ended_us", "case_id",
)  # fmt: skip


def _covers(hold: Hold, row: Row[tuple[object, ...]]) -> bool:
    return hold.channel_id == row.channel_id and bool(hold.from_us <= row.at_us < hold.to_us)


def _bookmark_of(connection: Connection, bookmark_id: BookmarkId, words: WordBox) -> Bookmark:
    row = connection.execute(select(bookmark_table).where(bookmark_table.c.id == bookmark_id)).first()
    if row is None:
        raise missing_bookmark()
    return _bookmark(row, words)


def _hold_of(connection: Connection, hold_id: HoldId, words: WordBox) -> Hold:
    row = connection.execute(select(hold_table).where(hold_table.c.id == hold_id)).first()
    if row is None:
        raise missing_hold()
    return _hold(row, words)


def _bookmark(row: Row[tuple[object, ...]], words: WordBox) -> Bookmark:
    return Bookmark(
        BookmarkId(row.id),
        ChannelId(row.channel_id),
        row.at_us,
        words.open(row.id, row.words) or "",
        row.made_by,
        row.made_us,
        row.event_id,
    )


def _hold(row: Row[tuple[object, ...]], words: WordBox | None) -> Hold:
    """Without its reason where nobody reads it."""
    reason = (words.open(row.id, row.words) or "") if words else ""
    return Hold(
        HoldId(row.id), ChannelId(row.channel_id), row.from_us, row.to_us, reason, row.until_us,
        tuple(StreamId(UUID(one)) for one in row.streams), row.made_by, row.made_us, row.ended_us,
        None if row.case_id is None else CaseId(row.case_id),
    )  # fmt: skip


def _bookmark_entry(by: Principal, what: str, one: Bookmark, where: str) -> AuditEntry:
    details = {"at_us": one.at_us, "text": one.text, "bookmark": str(one.id)}
    return AuditEntry(by, what, f"channel {one.channel_id}", from_where=where, details=details)


def _hold_entry(by: Principal, what: str, one: Hold, where: str) -> AuditEntry:
    details = {
        "hold": str(one.id), "from_us": one.from_us, "to_us": one.to_us, "reason": one.reason,
        "until_us": one.until_us, "case": None if one.case_id is None else str(one.case_id),
    }  # fmt: skip
    return AuditEntry(by, what, f"channel {one.channel_id}", from_where=where, details=details)
