"""The book of exports in the server's database; asking, fetching and ending are in the audit with themselves.

Each export's files are sealed with a key of its own, kept here under the vault: without its row nothing of it
opens, so an export that is over time is destroyed with one cell.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from civiscope.base import AppError, Clock, ErrorKind, PrincipalId, new_id
from civiscope.evidence.export_model import (
    WAITING_LIMIT,
    Asker,
    ExportId,
    ExportJob,
    ExportOrder,
    ExportState,
    missing_export,
)
from civiscope.evidence.tables import export_table
from civiscope.security import (
    AuditEntry,
    AuditFilter,
    AuditLog,
    AuditWriter,
    Outcome,
    Principal,
    PrincipalKind,
    ProvenEntry,
    Vault,
    new_file_key,
)
from civiscope.storage import Connection, Database, Row, delete, func, insert, select, update

PAGE_LIMIT = 200
_WORDS_LIMIT = 500
_UNDER_WAY = (ExportState.WAITING.value, ExportState.RUNNING.value)
_CUSTODY_LIMIT = 1_000


class ExportBook:
    """Who may ask, fetch or remove is asked before; for one event loop."""

    def __init__(self, database: Database, audit: AuditLog, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._vault = vault
        self._clock = clock

    async def add(self, order: ExportOrder, by: Principal, where: str) -> ExportJob:
        """A job that waits; EXHAUSTED for too many, UNAVAILABLE while the vault is locked."""
        asker = Asker(by.id, by.kind, by.name, where)
        job = ExportJob(ExportId(new_id()), asker, order, ExportState.WAITING, self._clock.now_us())
        sealed_key = self._vault.seal_secret(new_file_key(), _key_context(job.id))

        def work(connection: Connection, writer: AuditWriter) -> ExportJob:
            waiting = select(func.count()).where(
                export_table.c.asker_id == by.id, export_table.c.state.in_(_UNDER_WAY)
            )
            if (connection.execute(waiting).scalar() or 0) >= WAITING_LIMIT:
                raise AppError(
                    ErrorKind.EXHAUSTED,
                    f"{WAITING_LIMIT} of your exports are waiting. Wait for one, or cancel one.",
                )
            connection.execute(insert(export_table).values(_values(job) | {"sealed_key": sealed_key}))
            writer.append(_entry(by, "export.ask", job, where, details=order.to_json()))
            return job

        return await self._audit.transact(work)

    async def of_asker(self, asker_id: PrincipalId) -> list[ExportJob]:
        """Those of one principal, newest first; at most 200."""
        query = (
            select(export_table)
            .where(export_table.c.asker_id == asker_id)
            .order_by(export_table.c.made_us.desc(), export_table.c.id.desc())
            .limit(PAGE_LIMIT)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_job(row) for row in rows]

    async def job(self, export_id: ExportId) -> ExportJob:
        """One; MISSING."""
        return await self._database.read(lambda connection: _job(_row(connection, export_id)))

    async def all(self) -> list[ExportJob]:
        """Every one that is not expired, oldest first."""
        query = (
            select(export_table)
            .where(export_table.c.state != ExportState.EXPIRED.value)
            .order_by(export_table.c.made_us, export_table.c.id)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_job(row) for row in rows]

    async def key(self, export_id: ExportId) -> bytes:
        """What its files are sealed with; MISSING once it is destroyed, UNAVAILABLE under a locked vault."""
        row = await self._database.read(lambda connection: _row(connection, export_id))
        if row.sealed_key is None:
            raise missing_export()
        return self._vault.open_secret(row.sealed_key, _key_context(export_id))

    async def begin(self, job: ExportJob) -> None:
        """It is being made."""
        await self._change(job.id, {"state": ExportState.RUNNING.value, "words": ""})

    async def keep_item(self, export_id: ExportId, item: Mapping[str, object]) -> None:
        """One of its parts is whole on the disk."""

        def work(connection: Connection) -> None:
            items = [*_row(connection, export_id).items, dict(item)]
            connection.execute(update(export_table).where(export_table.c.id == export_id).values(items=items))

        await self._database.write(work)

    async def wait(self, export_id: ExportId, words: str) -> None:
        """It waits again, for what the words say."""
        await self._change(export_id, {"state": ExportState.WAITING.value, "words": words[:_WORDS_LIMIT]})

    async def finish(self, job: ExportJob, size_bytes: int, expires_us: int) -> None:
        """Everything is whole."""
        now_us = self._clock.now_us()
        values = {
            "state": ExportState.DONE.value, "words": "", "finished_us": now_us, "expires_us": expires_us,
            "size_bytes": size_bytes,
        }  # fmt: skip
        await self._record(job, "export.finish", values, Outcome.DONE, {"bytes": size_bytes})

    async def fail(self, job: ExportJob, words: str, expires_us: int) -> None:
        """It cannot be made; why."""
        values = {
            "state": ExportState.FAILED.value, "words": words[:_WORDS_LIMIT],
            "finished_us": self._clock.now_us(), "expires_us": expires_us, "sealed_key": None, "items": [],
        }  # fmt: skip
        await self._record(job, "export.fail", values, Outcome.FAILED, {"why": words[:_WORDS_LIMIT]})

    async def expire(self, job: ExportJob) -> None:
        """Its time is over: the key goes, and with it whatever is left of its files."""
        values: dict[str, object] = {
            "state": ExportState.EXPIRED.value,
            "sealed_key": None,
            "items": [],
            "size_bytes": 0,
        }
        await self._record(job, "export.expire", values, Outcome.DONE, {})

    async def fetched(self, job: ExportJob, by: Principal, where: str, manifest_sha256: str) -> None:
        """Somebody takes it away."""

        def work(connection: Connection, writer: AuditWriter) -> None:
            count = _row(connection, job.id).fetches + 1
            connection.execute(update(export_table).where(export_table.c.id == job.id).values(fetches=count))
            details = {"manifest_sha256": manifest_sha256, "fetch": count}
            writer.append(_entry(by, "export.fetch", job, where, details=details))

        await self._audit.transact(work)

    async def remove(self, job: ExportJob, by: Principal, where: str) -> None:
        """Cancel it, or forget it; the audit keeps its words."""

        def work(connection: Connection, writer: AuditWriter) -> None:
            _row(connection, job.id)
            connection.execute(delete(export_table).where(export_table.c.id == job.id))
            what = "export.remove" if job.state.is_over else "export.cancel"
            writer.append(_entry(by, what, job, where))

        await self._audit.transact(work)

    async def custody(self, export_id: ExportId) -> Sequence[ProvenEntry]:
        """What the audit says of it, oldest first, the newest 1,000."""
        found = await self._audit.search(AuditFilter(object=f"export {export_id}"), _CUSTODY_LIMIT)
        return tuple(reversed(found.entries))

    async def _change(self, export_id: ExportId, values: Mapping[str, object]) -> None:
        """MISSING when it was removed meanwhile."""

        def work(connection: Connection) -> None:
            _row(connection, export_id)
            connection.execute(
                update(export_table).where(export_table.c.id == export_id).values(dict(values))
            )

        await self._database.write(work)

    async def _record(
        self, job: ExportJob, what: str, values: Mapping[str, object], outcome: Outcome,
        details: Mapping[str, object],
    ) -> None:  # fmt: skip
        def work(connection: Connection, writer: AuditWriter) -> None:
            _row(connection, job.id)
            connection.execute(update(export_table).where(export_table.c.id == job.id).values(dict(values)))
            writer.append(_entry("civiscope", what, job, outcome=outcome, details=details))

        await self._audit.transact(work)


def _key_context(export_id: ExportId) -> bytes:
    return b"export/" + export_id.bytes


def _entry(
    who: Principal | str, what: str, job: ExportJob, where: str = "", outcome: Outcome = Outcome.DONE,
    details: Mapping[str, object] | None = None,
) -> AuditEntry:  # fmt: skip
    return AuditEntry(who, what, f"export {job.id}", job.order.purpose, outcome, where, details)


def _row(connection: Connection, export_id: ExportId) -> Row[tuple[object, ...]]:
    row = connection.execute(select(export_table).where(export_table.c.id == export_id)).first()
    if row is None:
        raise missing_export()
    return row


def _values(job: ExportJob) -> dict[str, object]:
    return {
        "id": job.id, "asker_id": job.asker.id, "asker_kind": job.asker.kind.value,
        "asker_name": job.asker.name, "from_where": job.asker.from_where, "order": job.order.to_json(),
        "state": job.state.value, "made_us": job.made_us, "items": list(job.items), "words": job.words,
        "finished_us": job.finished_us, "expires_us": job.expires_us, "size_bytes": job.size_bytes,
        "fetches": job.fetches,
    }  # fmt: skip


def _job(row: Row[tuple[object, ...]]) -> ExportJob:
    asker = Asker(
        PrincipalId(UUID(str(row.asker_id))), PrincipalKind(row.asker_kind), row.asker_name, row.from_where
    )
    return ExportJob(
        ExportId(row.id), asker, ExportOrder.from_json(row.order), ExportState(row.state), row.made_us,
        tuple(row.items), row.words, row.finished_us, row.expires_us, row.size_bytes, row.fetches,
    )  # fmt: skip
