"""Cases: what a hold is made for. Each has a key of its own, whose private part only the open vault gives."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from civiscope.base import AppError, Clock, ErrorKind, new_id
from civiscope.evidence.model import clean_text
from civiscope.evidence.tables import case_table, hold_table
from civiscope.security import (
    AuditEntry,
    AuditLog,
    AuditWriter,
    CaseId,
    CaseKey,
    Principal,
    Vault,
    WordBox,
    new_case_key,
    open_case_key,
)
from civiscope.storage import Connection, Database, Row, Select, func, insert, select, update

CASES_LIMIT = 5_000
_NAME_CHARS = 200
_LOOKED_AT = 200
"""So many newest cases of one maker are looked through for one of the same name."""


@dataclass(frozen=True, slots=True)
class Case:
    """The folder of holds that belong together."""

    id: CaseId
    name: str
    reference: str
    """What others call it: a file number; may be empty."""
    opened_by: str
    opened_us: int
    has_key: bool
    """Its key pair is made; before that the site's own wraps keep what it holds."""


@dataclass(frozen=True, slots=True)
class CaseDraft:
    """A case to open."""

    name: str
    reference: str = ""


class Cases:
    """The cases of the site, and their keys. Who may is asked at the door."""

    def __init__(self, database: Database, audit: AuditLog, clock: Clock, words: WordBox) -> None:
        self._database = database
        self._words = words
        self._audit = audit
        self._clock = clock

    async def open(self, draft: CaseDraft, by: Principal, where: str = "") -> Case:
        """A new one; INVALID without a name, EXHAUSTED beyond 5,000."""
        case = Case(
            CaseId(new_id()), _short(draft.name, "A case with a name"), _reference(draft.reference), by.name,
            self._clock.now_us(), has_key=False,
        )  # fmt: skip

        words = self._words.seal(case.id, json.dumps([case.name, case.reference]))

        def work(connection: Connection, writer: AuditWriter) -> Case:
            count = connection.execute(select(func.count()).select_from(case_table)).scalar() or 0
            if count >= CASES_LIMIT:
                raise AppError(ErrorKind.EXHAUSTED, f"There are {CASES_LIMIT} cases. Use one of them.")
            connection.execute(
                insert(case_table).values(
                    id=case.id, name="", reference="", opened_by=case.opened_by, opened_us=case.opened_us,
                    words=words,
                )
            )  # fmt: skip
            details = {"name": case.name, "reference": case.reference}
            writer.append(AuditEntry(by, "case.open", f"case {case.id}", from_where=where, details=details))
            return case

        return await self._audit.transact(work)

    async def find(self, case_id: CaseId) -> Case:
        """One; MISSING."""
        query = select(case_table).where(case_table.c.id == case_id)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            raise missing_case()
        return self._case(row)

    async def of_hold(self, case_id: CaseId | None, reason: str, by: Principal, where: str) -> Case:
        """The one named, or one that this person or rule opened for the same reason, or a new one."""
        if case_id is not None:
            return await self.find(case_id)
        name = reason[:_NAME_CHARS]
        query = select(case_table).where(case_table.c.opened_by == by.name)
        newest = query.order_by(case_table.c.opened_us.desc()).limit(_LOOKED_AT)
        for case in await self._read(newest):
            if case.name == name:
                return case
        return await self.open(CaseDraft(name), by, where)

    async def all(self, channels: Sequence[object] | None = None, by: str = "") -> list[Case]:
        """Newest first, at most 1,000; with `channels` only those with a hold there, or that `by` opened."""
        query = select(case_table).order_by(case_table.c.opened_us.desc(), case_table.c.id.desc())
        if channels is not None:
            held = select(hold_table.c.case_id).where(hold_table.c.channel_id.in_(list(channels)))
            query = query.where(case_table.c.id.in_(held) | (case_table.c.opened_by == by))
        limited = query.limit(1_000)
        return await self._read(limited)

    async def _read(self, query: Select[tuple[object, ...]]) -> list[Case]:
        """Opened on the reader's thread."""
        return await self._database.read(
            lambda connection: [self._case(row) for row in connection.execute(query)]
        )

    def _case(self, row: Row[tuple[object, ...]]) -> Case:
        """Name and reference are empty while the vault is locked."""
        opened = self._words.open(row.id, row.words)
        name, reference = json.loads(opened) if opened is not None else ("", "")
        return Case(CaseId(row.id), name, reference, row.opened_by, row.opened_us, row.sealed_key is not None)

    async def keys(self, vault: Vault) -> dict[CaseId, CaseKey]:
        """The keys of all cases, made where there is none yet; UNAVAILABLE while the vault is locked."""
        query = select(case_table.c.id, case_table.c.sealed_key)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        fresh = {
            CaseId(row.id): new_case_key(vault, CaseId(row.id)) for row in rows if row.sealed_key is None
        }
        if fresh:
            await self._database.write(lambda connection: _keep_keys(connection, fresh))
            rows = await self._database.read(lambda connection: connection.execute(query).all())
        found = [open_case_key(vault, CaseId(row.id), row.sealed_key) for row in rows if row.sealed_key]
        return {one.case_id: one for one in found}


def missing_case() -> AppError:
    """One that is not there, or is nobody's business."""
    return AppError(ErrorKind.MISSING, "There is no such case. Reload the list, or open a new one.")


def _keep_keys(connection: Connection, fresh: dict[CaseId, bytes]) -> None:
    """A key that came meanwhile stays: wraps may be made with it already."""
    for case_id, sealed in fresh.items():
        connection.execute(
            update(case_table)
            .where(case_table.c.id == case_id, case_table.c.sealed_key.is_(None))
            .values(sealed_key=sealed)
        )


def _short(text: str, what: str) -> str:
    found = clean_text(text, what)
    if len(found) > _NAME_CHARS:
        raise AppError(ErrorKind.INVALID, f"{what} of 1 to {_NAME_CHARS} characters is needed.")
    return found


def _reference(text: str) -> str:
    return _short(text, "A reference") if text.strip() else ""
