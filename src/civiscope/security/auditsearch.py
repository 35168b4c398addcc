"""Finding entries of the audit chain, and taking them away with what proves them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from civiscope.security.auditwriter import recorded_of
from civiscope.security.chain import Outcome, RecordedEntry
from civiscope.security.tables import audit_detail_table, audit_table
from civiscope.storage import ColumnElement, Connection, Row, Select, and_, exists, func, or_, select

COUNTED_MOST = 10_000
_LAST_LETTER = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What entries must have, all of it; an empty one matches all. Letters' case does not count (ASCII)."""

    who: str = ""
    """How the name begins, or a principal's id."""
    what: str = ""
    """How it begins: `look.` finds every look."""
    object: str = ""
    """How it begins: `channel 0190…`."""
    outcome: Outcome | None = None
    from_us: int | None = None
    """Inclusive."""
    to_us: int | None = None
    """Exclusive."""
    text: str = ""
    """Stands anywhere in who, what, object, why or from where; looks at every entry that the rest leaves."""


@dataclass(frozen=True, slots=True)
class ProvenEntry:
    """An entry with its place in the chain."""

    recorded: RecordedEntry
    link: bytes
    signature: bytes
    has_details: bool


@dataclass(frozen=True, slots=True)
class FoundEntries:
    """One page of a search, newest first."""

    entries: tuple[ProvenEntry, ...]
    found: int
    """How many match in all; at `COUNTED_MOST` counting stops."""


def search(connection: Connection, wanted: AuditFilter, limit: int, before: int | None) -> FoundEntries:
    """The newest matching entries below `before`, and how many match in all."""
    matching = _conditions(wanted)
    counted = select(audit_table.c.sequence).where(*matching).limit(COUNTED_MOST).subquery()
    found = connection.execute(select(func.count()).select_from(counted)).scalar() or 0
    older = [*matching] if before is None else [*matching, audit_table.c.sequence < before]
    query = _rows(older).order_by(audit_table.c.sequence.desc()).limit(limit)
    return FoundEntries(tuple(map(_proven, connection.execute(query).all())), found)


def page_after(connection: Connection, wanted: AuditFilter, after: int, limit: int) -> list[ProvenEntry]:
    """The oldest matching entries above `after`, oldest first: for an export."""
    query = _rows([*_conditions(wanted), audit_table.c.sequence > after])
    rows = connection.execute(query.order_by(audit_table.c.sequence).limit(limit)).all()
    return [_proven(row) for row in rows]


def one_entry(connection: Connection, sequence: int) -> ProvenEntry | None:
    """The entry, or None."""
    row = connection.execute(_rows([audit_table.c.sequence == sequence])).first()
    return None if row is None else _proven(row)


def _rows(conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    has_details = exists().where(audit_detail_table.c.sequence == audit_table.c.sequence)
    return select(audit_table, has_details.label("has_details")).where(*conditions)


def _proven(row: Row[tuple[object, ...]]) -> ProvenEntry:
    return ProvenEntry(recorded_of(row), row.chain, row.signature, bool(row.has_details))


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    columns, found = audit_table.c, list[ColumnElement[bool]]()
    if wanted.who:
        found.append(or_(_begins(columns.who, wanted.who), columns.principal_id == wanted.who.lower()))
    if wanted.what:
        found.append(_begins(columns.what, wanted.what))
    if wanted.object:
        found.append(_begins(columns.object, wanted.object))
    if wanted.outcome is not None:
        found.append(columns.outcome == wanted.outcome.value)
    if wanted.from_us is not None:
        found.append(columns.at_us >= wanted.from_us)
    if wanted.to_us is not None:
        found.append(columns.at_us < wanted.to_us)
    if wanted.text:
        places = (columns.who, columns.what, columns.object, columns.why, columns.from_where)
        found.append(or_(*(place.icontains(wanted.text, autoescape=True) for place in places)))
    return found


def _begins(column: ColumnElement[str], start: str) -> ColumnElement[bool]:
    """A range, so that the index of that column serves it."""
    folded = column.collate("NOCASE")
    return and_(folded >= start, folded < start + _LAST_LETTER)
