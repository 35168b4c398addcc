"""Exports: asked for, listed, fetched and removed by who asked for them, and nobody else."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from civiscope.api.calls import Call
from civiscope.api.download import Download
from civiscope.api.export_shapes import ExportBody
from civiscope.api.faces import Faces
from civiscope.api.guard import visitor_of, where_from
from civiscope.security import Permission
from civiscope.viewing import ExportStatus


class ExportCalls:
    """Handlers of `/exports`; the room `viewing` checks permission and purpose for each camera."""

    def __init__(self, faces: Faces) -> None:
        self._exports = faces.exports

    def calls(self) -> list[Call]:
        """The rows of the table."""
        export = Permission.VIDEO_EXPORT
        return [
            Call("GET", "/exports", export, self.exports, scoped=True),
            Call("POST", "/exports", export, self.ask_export, 201, scoped=True, audits_refusals=True),
            Call("DELETE", "/exports/{export_id}", export, self.remove_export, 204, raw=True, scoped=True),
            Call("GET", "/exports/{export_id}/file", export, self.fetch_export, raw=True, scoped=True),
        ]

    async def exports(self, request: Request) -> list[dict[str, object]]:
        """One's own exports, newest first."""
        return [_answer(one) for one in await self._exports.mine(visitor_of(request).principal)]

    async def ask_export(self, request: Request, body: ExportBody) -> dict[str, object]:
        """Ask for an export of cameras, with a purpose and a reason."""
        who = visitor_of(request).principal
        return _answer(await self._exports.ask(body.order(), who, where_from(request)))

    async def remove_export(self, request: Request, export_id: UUID) -> Response:
        """Cancel an export, or forget a finished one with its files."""
        await self._exports.remove(export_id, visitor_of(request).principal, where_from(request))
        return Response(status_code=204)

    async def fetch_export(self, request: Request, export_id: UUID) -> Response:
        """A finished export, as a file."""
        found = await self._exports.fetch(export_id, visitor_of(request).principal, where_from(request))
        headers = {
            "Content-Disposition": f'attachment; filename="{found.name}"',
            "Content-Length": str(found.size_bytes),
        }
        return await Download.begin(found.pieces, found.media_type, headers)


def _answer(status: ExportStatus) -> dict[str, object]:
    job, order = status.job, status.job.order
    return {
        "id": str(job.id), "kind": order.kind.value, "channels": [str(one) for one in order.channels],
        "from_us": order.span.start_us, "to_us": order.span.end_us, "purpose": order.purpose,
        "reason": order.reason, "case": order.case, "state": job.state.value, "words": job.words,
        "done_permille": status.done_permille, "made_us": job.made_us, "finished_us": job.finished_us,
        "expires_us": job.expires_us, "size_bytes": job.size_bytes, "fetches": job.fetches,
    }  # fmt: skip
