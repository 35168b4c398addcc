"""The audit on the page: searching, one entry with its proof, taking it away, heads for second parties."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Path, Query, Request
from starlette.responses import Response, StreamingResponse

from civiscope.api.audit_shapes import (
    CSV_COLUMNS,
    LAST_SEQUENCE,
    AuditQuery,
    ExportQuery,
    csv_cells,
    csv_line,
    delivery_shape,
    entry_shape,
    head_shape,
    json_line,
    proven_shape,
    received_shape,
)
from civiscope.api.calls import Call
from civiscope.api.faces import Faces
from civiscope.api.guard import visitor_of, where_from
from civiscope.base import AppError, ErrorKind
from civiscope.security import AuditEntry, AuditFilter, Permission, ProvenEntry

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AuditCalls:
    """Handlers of `/audit`."""

    def __init__(self, faces: Faces) -> None:
        self._audit = faces.audit
        self._heads = faces.heads
        self._clock = faces.clock
        self._site = faces.site

    def calls(self) -> list[Call]:
        """The rows of the table."""
        read, refused = Permission.AUDIT_READ, {409: "No second party.", 422: "Not a head that holds."}
        return [
            Call("GET", "/audit", read, self.audit),
            Call("GET", "/audit/export", read, self.export_audit, raw=True),
            Call("GET", "/audit/heads", read, self.audit_heads),
            Call("POST", "/audit/heads/send", Permission.SYSTEM_MANAGE, self.send_heads, 200, refused),
            Call("POST", "/audit/heads/received", read, self.receive_head, 204, refused, raw=True),
            Call("GET", "/audit/{sequence}", read, self.audit_entry, 200, {404: "No such entry."}),
        ]

    async def audit(self, asked: Annotated[AuditQuery, Query()]) -> dict[str, object]:
        """Entries that match, newest first, how many there are, and whether the chain is whole."""
        wanted = asked.wanted()
        found = await self._audit.search(wanted, asked.limit, asked.before)
        report = await self._audit.verify(newest=asked.limit)
        return {
            "entries": [entry_shape(one) for one in found.entries],
            "found": found.found,
            "intact": report.intact,
        }

    async def audit_entry(self, sequence: Annotated[int, Path(ge=1, le=LAST_SEQUENCE)]) -> dict[str, object]:
        """One entry with its details and what proves it."""
        proven = await self._audit.entry(sequence)
        if proven is None:
            raise AppError(ErrorKind.MISSING, f"There is no entry {sequence} in the audit. Reload the list.")
        return proven_shape(proven, await self._audit.details(sequence))

    async def export_audit(self, request: Request, asked: Annotated[ExportQuery, Query()]) -> Response:
        """Everything that matches, oldest first: JSON lines with the proof, or a table; itself audited."""
        wanted = asked.wanted()
        details = {"format": asked.format, "filter": _in_words(wanted)}
        entry = AuditEntry(
            visitor_of(request).principal,
            "audit.export",
            "audit",
            from_where=where_from(request),
            details=details,
        )
        await self._audit.append(entry)
        media_type = "application/x-ndjson" if asked.format == "jsonl" else "text/csv; charset=utf-8"
        lines = self._json_lines(wanted) if asked.format == "jsonl" else self._csv_lines(wanted)
        name = f"audit-{_at(self._clock.now_us())[:10]}.{asked.format}"
        return StreamingResponse(
            lines, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )

    async def audit_heads(self) -> dict[str, object]:
        """This node's head, to whom heads were sent, and heads of other nodes kept here."""
        head = await self._heads.node_head()
        return {
            "node_head": head_shape(head),
            "chains": [
                {"process": one.process, "sequence": one.head.sequence, "at_us": one.at_us}
                for one in (head.chains if head else ())
            ],
            "targets": [
                {
                    "to": one.to, "sent_us": one.sent_us, "failing_since_us": one.failing_since_us,
                    "why": one.why,
                }
                for one in await self._heads.targets()
            ],
            "sent": [delivery_shape(one) for one in await self._heads.deliveries()],
            "received": [received_shape(one) for one in await self._heads.received()],
        }  # fmt: skip

    async def send_heads(self, request: Request) -> dict[str, object]:
        """Send the head to every second party now."""
        await self._heads.send_now(visitor_of(request).principal, where_from(request))
        return await self.audit_heads()

    async def receive_head(self, request: Request) -> Response:
        """Keep the head of another node, which comes with a token."""
        await self._heads.receive(await request.body(), visitor_of(request).principal, where_from(request))
        return Response(status_code=204)

    async def _json_lines(self, wanted: AuditFilter) -> AsyncIterator[str]:
        head = await self._heads.node_head()
        yield json_line(
            {
                "format": "civiscope audit export", "version": 1, "site_id": str(self._site.id),
                "filter": _in_words(wanted), "node_head": head_shape(head),
            }
        )  # fmt: skip
        async for page in self._audit.walk(wanted):
            yield "".join([json_line(proven_shape(one, await self._details(one))) for one in page])

    async def _csv_lines(self, wanted: AuditFilter) -> AsyncIterator[str]:
        yield "\ufeff" + csv_line(CSV_COLUMNS)
        async for page in self._audit.walk(wanted):
            yield "".join(
                [csv_line(csv_cells(one, _at(one.recorded.at_us), await self._details(one))) for one in page]
            )

    async def _details(self, proven: ProvenEntry) -> dict[str, object] | None:
        """Said to be closed, or changed, where they are: an export goes on."""
        if not proven.has_details:
            return None
        try:
            return await self._audit.details(proven.recorded.sequence)
        except AppError as error:
            return {"not readable": error.message}


def _in_words(wanted: AuditFilter) -> dict[str, object]:
    return {
        "who": wanted.who, "what": wanted.what, "object": wanted.object, "outcome": wanted.outcome,
        "from_us": wanted.from_us, "to_us": wanted.to_us, "text": wanted.text,
    }  # fmt: skip


def _at(at_us: int) -> str:
    """ISO 8601 in UTC; clocks that were absurd stay readable as microseconds."""
    try:
        return (_EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="milliseconds")
    except OverflowError:
        return str(at_us)
