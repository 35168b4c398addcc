"""Analytics of channels, the plug-ins behind them, and how the analyst stands."""

import asyncio
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from civiscope.api.analysis_shapes import (
    AnalyticBody,
    analysis_answer,
    analytic_answer,
    detector_words,
    plugin_answer,
    troubles_of,
)
from civiscope.api.calls import Call
from civiscope.api.faces import Faces
from civiscope.api.guard import Open, visitor_of, where_from
from civiscope.base import ChannelId
from civiscope.security import Permission, authorise_on

_ANALYTICS = "/channels/{channel_id}/analytics"


class AnalysisCalls:
    """Handlers of `/analytics`, `/channels/{channel_id}/analytics`, `/analysis` and `/detector`."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces

    def calls(self) -> list[Call]:
        """The rows of the table."""
        edit, one = Permission.CAMERA_EDIT, _ANALYTICS + "/{analytic_id}"
        faults = {422: "Fields do not fit: `error.fields` names them."}
        return [
            Call("GET", "/analytics/plugins", Permission.RULE_READ, self.analytics_plugins),
            Call("GET", _ANALYTICS, Permission.RULE_READ, self.analytics, scoped=True),
            Call("POST", _ANALYTICS, edit, self.add_analytic, 201, faults, scoped=True),
            Call("PUT", one, edit, self.change_analytic, 200, faults, scoped=True),
            Call("DELETE", one, edit, self.remove_analytic, 204, raw=True, scoped=True),
            Call("GET", "/analysis", Permission.SYSTEM_READ, self.analysis),
            Call("GET", "/detector", Open.SIGNED_IN, self.detector),
        ]

    async def analytics_plugins(self) -> list[dict[str, object]]:
        """Every installed analytic, with the form of its settings."""
        return [plugin_answer(one) for one in await asyncio.to_thread(self._faces.analysis.plugins)]

    async def analytics(self, request: Request, channel_id: UUID) -> list[dict[str, object]]:
        """What is looked for on a camera."""
        channel = await self._channel(request, Permission.RULE_READ, channel_id)
        troubles = troubles_of(self._faces.analysis.newest)
        return [
            analytic_answer(one, troubles.get(one.id, "")) for one in await self._faces.analytics.of(channel)
        ]

    async def add_analytic(self, request: Request, channel_id: UUID, body: AnalyticBody) -> dict[str, object]:
        """Look for this too."""
        channel = await self._editable(request, channel_id)
        who, where = visitor_of(request).principal, where_from(request)
        kept = await self._faces.analytics.add(channel, body.draft(), who, where)
        self._faces.analysis.wake()
        return analytic_answer(kept, "")

    async def change_analytic(
        self, request: Request, channel_id: UUID, analytic_id: UUID, body: AnalyticBody
    ) -> dict[str, object]:
        """Put this in its place."""
        channel = await self._editable(request, channel_id)
        who, where = visitor_of(request).principal, where_from(request)
        kept = await self._faces.analytics.edit(channel, analytic_id, body.draft(), who, where)
        self._faces.analysis.wake()
        return analytic_answer(kept, "")

    async def remove_analytic(self, request: Request, channel_id: UUID, analytic_id: UUID) -> Response:
        """Look for it no longer; what it saw stays."""
        channel = await self._editable(request, channel_id)
        await self._faces.analytics.remove(
            channel, analytic_id, visitor_of(request).principal, where_from(request)
        )
        self._faces.analysis.wake()
        return Response(status_code=204)

    async def analysis(self) -> dict[str, object]:
        """Detector, models and channels as the analyst last told."""
        desk = self._faces.analysis
        return analysis_answer(desk.newest, is_fresh=desk.is_fresh)

    async def detector(self) -> dict[str, object]:
        """Which detector looks, in words for every screen."""
        desk = self._faces.analysis
        status, is_fresh = desk.newest, desk.is_fresh
        name = status.detector if status is not None and is_fresh else ""
        return {"detector": name, "words": detector_words(status, is_fresh=is_fresh)}

    async def _editable(self, request: Request, channel_id: UUID) -> ChannelId:
        return await self._channel(request, Permission.CAMERA_EDIT, channel_id)

    async def _channel(self, request: Request, permission: Permission, channel_id: UUID) -> ChannelId:
        """A camera that is there, and on which the visitor may."""
        channel = ChannelId(channel_id)
        authorise_on(visitor_of(request).principal, permission, channel)
        await self._faces.devices.camera(channel)
        return channel
