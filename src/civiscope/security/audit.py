"""The record of what was done: one append-only chain per process, in its database, its newest head beside it.

An entry is on the disk before `append` returns. If it cannot be written the call fails, and so must whatever
it was to be the record of.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from civiscope.base import Clock, NodeId, SiteId, get_log
from civiscope.security.auditsearch import (
    AuditFilter,
    FoundEntries,
    ProvenEntry,
    one_entry,
    page_after,
    search,
)
from civiscope.security.auditwriter import AuditKeys, AuditWriter, recorded_of
from civiscope.security.chain import AuditEntry, AuditHead, Outcome, RecordedEntry, unpack_details
from civiscope.security.chaincheck import AuditReport, ChainCheck
from civiscope.security.headcheck import HeadReport, check_against
from civiscope.security.headfile import HeadFile, KeptHead
from civiscope.security.nodehead import ChainHead, NodeHead, sign_node_head
from civiscope.security.tables import audit_detail_table, audit_table
from civiscope.storage import Connection, Database, delete, select

T = TypeVar("T")
HEAD_NAME = "audit.head"
_LIST_LIMIT = 1000
_log = get_log("civiscope.security")


class AuditLog:
    """The chain of one process. `head_folder` exists; the newest signed head is kept there."""

    def __init__(self, database: Database, keys: AuditKeys, head_folder: Path, clock: Clock) -> None:
        self._database = database
        self._keys = keys
        self._signer = keys.signer()
        self._clock = clock
        self._head_file = HeadFile(head_folder / HEAD_NAME)
        self._head_seen = False

    async def append(self, entry: AuditEntry) -> int:
        """Add one entry; its sequence. On the disk when this returns."""
        return await self.transact(lambda _, writer: writer.append(entry))

    async def transact(self, work: Callable[[Connection, AuditWriter], T]) -> T:
        """Change something in the same database and append what was done, in one transaction.

        `work` runs on the writer's thread. An error in it undoes both.
        """
        result, head, lost = await self._database.write(lambda connection: self._work(connection, work))
        self._head_seen = True
        if head is not None:
            await asyncio.to_thread(self._keep_head, head, lost)
        return result

    async def entries(self, limit: int = 100, before: int | None = None) -> list[RecordedEntry]:
        """The newest entries (with a sequence below `before`), newest first; at most 1,000."""
        query = (
            select(audit_table).order_by(audit_table.c.sequence.desc()).limit(max(1, min(limit, _LIST_LIMIT)))
        )
        if before is not None:
            query = query.where(audit_table.c.sequence < before)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [recorded_of(row) for row in rows]

    async def search(self, wanted: AuditFilter, limit: int = 100, before: int | None = None) -> FoundEntries:
        """The newest matching entries (with a sequence below `before`), newest first; at most 1,000."""
        bounded = max(1, min(limit, _LIST_LIMIT))
        return await self._database.read(lambda connection: search(connection, wanted, bounded, before))

    async def entry(self, sequence: int) -> ProvenEntry | None:
        """One entry with its place in the chain; None if there is none."""
        return await self._database.read(lambda connection: one_entry(connection, sequence))

    async def walk(self, wanted: AuditFilter, page: int = 200) -> AsyncIterator[list[ProvenEntry]]:
        """Every matching entry there is now, oldest first, in pages: for an export."""
        head = await self.head()
        last = 0 if head is None else head.sequence
        after = 0
        while after < last:
            rows = await self._database.read(partial(page_after, wanted=wanted, after=after, limit=page))
            rows = [row for row in rows if row.recorded.sequence <= last]
            if not rows:
                return
            yield rows
            after = rows[-1].recorded.sequence

    async def node_head(self, process: str, site_id: SiteId, node_id: NodeId) -> NodeHead | None:
        """The head of this chain as a signed value for a second party; None while nothing was entered."""
        newest = await self.entries(1)
        head = await self.head()
        if head is None or not newest:
            return None
        chains = (ChainHead(process, newest[0].at_us, head),)
        return sign_node_head(self._keys.signing, site_id, node_id, self._clock.now_us(), chains)

    async def check_against(self, process: str, node_id: NodeId, heads: Sequence[NodeHead]) -> HeadReport:
        """Compare this chain with heads that somebody else kept."""
        public_key = self._keys.signing.public_key().public_bytes_raw()
        return await check_against(self._database, process, node_id, public_key, heads)

    async def head(self) -> AuditHead | None:
        """The newest link with its signature; None while nothing was entered."""
        query = (
            select(audit_table.c.sequence, audit_table.c.chain, audit_table.c.signature)
            .order_by(audit_table.c.sequence.desc())
            .limit(1)
        )
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else AuditHead(row.sequence, row.chain, row.signature)

    async def details(self, sequence: int) -> dict[str, object] | None:
        """The details of one entry; None if it has none or their time is over. IntegrityError if changed."""
        query = (
            select(audit_table.c.commitment, audit_detail_table.c.sealed)
            .join(audit_detail_table, audit_detail_table.c.sequence == audit_table.c.sequence)
            .where(audit_table.c.sequence == sequence)
        )
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            return None
        return unpack_details(self._keys.open_details(sequence, row.sealed, row.commitment))

    async def forget_details(self, before_us: int) -> int:
        """Delete the details of entries older than `before_us`; the chain stays whole. How many."""
        old = select(audit_table.c.sequence).where(audit_table.c.at_us < before_us)
        query = delete(audit_detail_table).where(audit_detail_table.c.sequence.in_(old))
        return await self._database.write(lambda connection: connection.execute(query).rowcount)

    async def verify(self, newest: int | None = None) -> AuditReport:
        """Check the chain, its signatures, its details and the kept heads; `newest` checks only that many.

        The report names the first entry that is not as it was written.
        """
        kept = await asyncio.to_thread(self._head_file.read_all)
        return await ChainCheck(self._database, self._keys, kept).run(newest)

    def _work(
        self, connection: Connection, work: Callable[[Connection, AuditWriter], T]
    ) -> tuple[T, AuditHead | None, KeptHead | None]:
        writer = AuditWriter(connection, self._keys, self._signer, self._clock.now_us())
        lost = None if self._head_seen else self._lost_head(connection)
        if lost is not None:
            writer.append(_broken(lost))
        result = work(connection, writer)
        return result, writer.head, lost

    def _lost_head(self, connection: Connection) -> KeptHead | None:
        """The head kept by an earlier start, if the database does not bear it out; looked at once."""
        kept = self._head_file.read()
        if kept is None or kept.head is None:
            return kept
        query = select(audit_table.c.chain).where(audit_table.c.sequence == kept.head.sequence)
        return None if connection.execute(query).scalar() == kept.head.chain else kept

    def _keep_head(self, head: AuditHead, lost: KeptHead | None) -> None:
        if lost is not None:
            _log.error("the audit chain does not bear out its kept head; look into it", path=lost.path)
            self._head_file.set_aside(lost)
        self._head_file.keep(head)


def _broken(lost: KeptHead) -> AuditEntry:
    kept = "unreadable" if lost.head is None else lost.head.to_json().decode()
    return AuditEntry(
        who="civiscope", what="audit.broken", object="audit", outcome=Outcome.FAILED, details={"kept": kept}
    )
