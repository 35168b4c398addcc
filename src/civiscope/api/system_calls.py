"""Health, state of the system, and the description of this very door."""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response

from civiscope.api.calls import Call
from civiscope.api.description import describe_calls
from civiscope.api.faces import Faces
from civiscope.api.guard import Open
from civiscope.security import Permission


class SystemCalls:
    """Handlers of `/health`, `/status` and `/openapi.json`."""

    def __init__(self, faces: Faces, app: FastAPI, calls: Callable[[], Sequence[Call]]) -> None:
        """`calls` gives the whole table, once it is made."""
        self._faces = faces
        self._app = app
        self._calls = calls
        self._description: dict[str, Any] | None = None

    def calls(self) -> list[Call]:
        """The rows of the table."""
        return [
            Call("GET", "/health", Open.ANYONE, self.health, 200, {503: "Not healthy."}),
            Call("GET", "/status", Permission.SYSTEM_READ, self.status),
            Call("GET", "/openapi.json", Open.SIGNED_IN, self.describe),
        ]

    async def health(self) -> Response:
        """Healthy or not, nothing else."""
        healthy = await self._faces.system.healthy()
        return JSONResponse({"healthy": healthy}, 200 if healthy else 503)

    async def status(self) -> dict[str, Any]:
        """Processes, streams and volumes as they are now."""
        return await self._faces.system.status()

    async def describe(self, request: Request) -> dict[str, Any]:
        """This door as OpenAPI; for those signed in only."""
        if self._description is None:
            self._description = describe_calls(self._app.openapi(), self._calls())
        return self._description
