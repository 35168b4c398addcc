"""The history of alarms: rows that are only ever added, each bound to the one before by SHA-256.

Link n is SHA-256 over a domain tag, link n-1 and every field of row n; link 0 is the hash of the tag alone.
So a changed, removed or reordered row breaks the chain there; the links of what people did stand in the audit
too, so that a cut-off end shows as well. The database refuses UPDATE and DELETE (migration 0001).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from civiscope.alarms.model import AlarmId
from civiscope.alarms.tables import history_table
from civiscope.base import PrincipalId
from civiscope.storage import Connection, Database, Row, insert, select

_TAG = b"civiscope alarm history v1\0"
FIRST_LINK = hashlib.sha256(_TAG).digest()
_PAGE_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One change of one alarm: who, what, and how it stood before and after."""

    sequence: int
    alarm_id: AlarmId
    at_us: int
    who_id: PrincipalId | None
    """None: the site itself (a rule, the clock)."""
    who: str
    what: str
    note: str
    before: Mapping[str, object] = field(default_factory=dict)
    after: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HistoryReport:
    """Whether the history is as it was written."""

    rows: int
    first_broken: int | None
    """The sequence of the first row that is not; None: all are."""

    @property
    def is_intact(self) -> bool:
        """Every row is as it was written, and none is missing in between."""
        return self.first_broken is None


def link_of(previous: bytes, row: HistoryRow) -> bytes:
    """The link of a row (32 bytes)."""
    fields = (
        previous,
        row.sequence.to_bytes(8, "big"),
        row.alarm_id.bytes,
        row.at_us.to_bytes(8, "big", signed=True),
        b"" if row.who_id is None else row.who_id.bytes,
        row.who.encode(),
        row.what.encode(),
        row.note.encode(),
        _json(row.before).encode(),
        _json(row.after).encode(),
    )
    digest = hashlib.sha256(_TAG)
    for one in fields:
        digest.update(len(one).to_bytes(8, "big"))
        digest.update(one)
    return digest.digest()


def append(connection: Connection, row: HistoryRow) -> tuple[int, bytes]:
    """Write the row after the last one (its own `sequence` is not looked at); sequence and link."""
    newest = connection.execute(
        select(history_table.c.sequence, history_table.c.link)
        .order_by(history_table.c.sequence.desc())
        .limit(1)
    ).first()
    sequence, previous = (1, FIRST_LINK) if newest is None else (newest.sequence + 1, newest.link)
    placed = HistoryRow(
        sequence, row.alarm_id, row.at_us, row.who_id, row.who, row.what, row.note, row.before, row.after
    )
    link = link_of(previous, placed)
    connection.execute(
        insert(history_table).values(
            sequence=sequence, alarm_id=row.alarm_id, at_us=row.at_us, who_id=row.who_id, who=row.who,
            what=row.what, note=row.note, before=_json(row.before), after=_json(row.after), link=link,
        )
    )  # fmt: skip
    return sequence, link


def of_alarm(connection: Connection, alarm_id: AlarmId, limit: int) -> list[HistoryRow]:
    """The newest changes of an alarm, oldest first."""
    query = (
        select(history_table)
        .where(history_table.c.alarm_id == alarm_id)
        .order_by(history_table.c.sequence.desc())
        .limit(limit)
    )
    return [_row(row) for row in reversed(connection.execute(query).all())]


async def verify(database: Database) -> HistoryReport:
    """Walk the whole history, a page at a time."""
    count, previous = 0, FIRST_LINK
    while True:
        query = (
            select(history_table)
            .where(history_table.c.sequence > count)
            .order_by(history_table.c.sequence)
            .limit(_PAGE_ROWS)
        )
        page = await database.read(lambda connection, query=query: connection.execute(query).all())  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        broken, previous = check_links([(_row(row), row.link) for row in page], count, previous)
        if broken is not None:
            return HistoryReport(broken - 1, broken)
        count += len(page)
        if len(page) < _PAGE_ROWS:
            return HistoryReport(count, None)


def check_links(
    rows: Iterable[tuple[HistoryRow, bytes]], after: int, previous: bytes
) -> tuple[int | None, bytes]:
    """The first row after `after` that does not hold (None: all do), and the last link."""
    for expected, (row, link) in enumerate(rows, start=after + 1):
        if row.sequence != expected or link_of(previous, row) != link:
            return expected, previous
        previous = link
    return None, previous


def _row(row: Row[tuple[object, ...]]) -> HistoryRow:
    who_id: UUID | None = row.who_id
    return HistoryRow(
        row.sequence, AlarmId(row.alarm_id), row.at_us, None if who_id is None else PrincipalId(who_id),
        row.who, row.what, row.note, json.loads(row.before), json.loads(row.after),
    )  # fmt: skip


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
