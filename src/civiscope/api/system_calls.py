"""Health, state of the system, the audit, and the description of this very door."""

from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from starlette.responses import JSONResponse, Response

from civiscope.api.calls import Call
from civiscope.api.faces import Faces
from civiscope.api.guard import Open
from civiscope.security import Permission, RecordedEntry

_AUDIT_PAGE = 500
_LAST_SEQUENCE = (1 << 63) - 1


class SystemCalls:
    """Handlers of `/health`, `/status`, `/audit` and `/openapi.json`."""

    def __init__(self, faces: Faces, app: FastAPI) -> None:
        self._faces = faces
        self._app = app

    def calls(self) -> list[Call]:
        """The rows of the table."""
        return [
            Call("GET", "/health", Open.ANYONE, self.health, 200, {503: "Not healthy."}),
            Call("GET", "/status", Permission.SYSTEM_READ, self.status),
            Call("GET", "/audit", Permission.AUDIT_READ, self.audit),
            Call("GET", "/openapi.json", Open.SIGNED_IN, self.describe),
        ]

    async def health(self) -> Response:
        """Healthy or not, nothing else."""
        healthy = await self._faces.system.healthy()
        return JSONResponse({"healthy": healthy}, 200 if healthy else 503)

    async def status(self) -> dict[str, Any]:
        """Processes, streams and volumes as they are now."""
        return await self._faces.system.status()

    async def audit(
        self,
        limit: Annotated[int, Query(ge=1, le=_AUDIT_PAGE)] = 100,
        before: Annotated[int | None, Query(ge=0, le=_LAST_SEQUENCE)] = None,
    ) -> dict[str, object]:
        """The audit log, newest first, and whether its chain is whole."""
        entries = await self._faces.audit.entries(limit, before)
        report = await self._faces.audit.verify(newest=max(limit, 1))
        return {"entries": [_entry(entry) for entry in entries], "intact": report.intact}

    async def describe(self, request: Request) -> dict[str, Any]:
        """This door as OpenAPI; for those signed in only."""
        return self._app.openapi()


def _entry(recorded: RecordedEntry) -> dict[str, object]:
    return {
        "sequence": recorded.sequence,
        "at_us": recorded.at_us,
        "who": recorded.who,
        "what": recorded.what,
        "object": recorded.object,
        "why": recorded.why,
        "outcome": recorded.outcome,
        "from_where": recorded.from_where,
    }
