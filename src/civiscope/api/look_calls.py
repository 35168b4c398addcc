"""Looking: a look is opened with a purpose, then its pictures are asked for by its id."""

import asyncio
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, WebSocket
from starlette.responses import Response

from civiscope.api.calls import Call
from civiscope.api.download import Download
from civiscope.api.faces import Faces
from civiscope.api.guard import (
    Guard,
    Open,
    Visitor,
    bearer_of,
    refuse_foreign_fetch,
    require_same_origin,
    visitor_of,
    where_from,
)
from civiscope.api.live import LiveSocket, goodbye_for
from civiscope.api.shapes import DurationUs, LookBody, TimeUs
from civiscope.base import AppError, ChannelId, ErrorKind, ReasonedSpan, Span
from civiscope.privacy import Function, Presentation
from civiscope.viewing import Wish

_DEFAULT_DURATION_US = 4_000_000
_GAPS_SHOWN = 50


class LookCalls:
    """Handlers of `/looks`; nothing but these sends pictures."""

    def __init__(self, faces: Faces, guard: Guard) -> None:
        self._faces = faces
        self._guard = guard
        self._stopping = asyncio.Event()

    def calls(self) -> list[Call]:
        """The rows of the table; the room `viewing` checks permission and purpose of a look."""
        return [
            Call(
                "POST", "/looks", Open.SIGNED_IN, self.open_look, 201, {403: "Refused."}, audits_refusals=True
            ),
            Call("DELETE", "/looks/{look_id}", Open.SIGNED_IN, self.close_look, 204, raw=True),
            Call(
                "GET", "/looks/{look_id}/media", Open.SIGNED_IN, self.media, 200, {204: "Nothing."}, raw=True
            ),
            Call("GET", "/looks/{look_id}/download", Open.SIGNED_IN, self.download, raw=True),
            Call("GET", "/looks/{look_id}/pictures/{event_id}", Open.SIGNED_IN, self.event_picture, raw=True),
            Call("GET", "/looks/{look_id}/thumbnail", Open.SIGNED_IN, self.thumbnail, raw=True),
        ]

    async def open_look(self, request: Request, body: LookBody) -> dict[str, object]:
        """Open a look for a stated purpose."""
        visitor = visitor_of(request)
        look = await self._faces.looks.open(_wish(visitor, body, where_from(request)))
        return {
            "id": str(look.id),
            "kind": look.function.value,
            "channel_id": str(look.channel_id),
            "mse_type": look.mse_type,
            "epoch_us": look.epoch_us,
            "expires_us": look.expires_us,
        }

    async def close_look(self, request: Request, look_id: UUID) -> Response:
        """End a look."""
        await self._faces.looks.look(look_id, visitor_of(request).principal).close()
        return Response(status_code=204)

    async def media(
        self,
        request: Request,
        look_id: UUID,
        at_us: Annotated[TimeUs, Query()],
        duration_us: Annotated[DurationUs, Query()] = _DEFAULT_DURATION_US,
    ) -> Response:
        """Recorded pictures from the key unit at or before a moment, as fragmented MP4."""
        look = self._faces.looks.look(look_id, visitor_of(request).principal)
        found = await look.media(at_us, duration_us)
        headers = {"X-Next-Us": "" if found.next_us is None else str(found.next_us)}
        if found.span is None:
            return Response(status_code=204, headers=headers)
        headers["X-Start-Us"] = str(found.span.start_us)
        headers["X-End-Us"] = str(found.span.end_us)
        headers["X-Mse-Type"] = found.mse_type or ""
        headers["X-Made"] = found.made.value
        return Response(found.content, media_type="video/mp4", headers=headers)

    async def download(self, request: Request, look_id: UUID) -> Response:
        """The look's span as a plain MP4 file."""
        look = self._faces.looks.look(look_id, visitor_of(request).principal)
        if look.function is not Function.EXPORT:
            raise AppError(ErrorKind.DENIED, "This look is not for download. Open one of kind export.")
        headers = {
            "Content-Disposition": f'attachment; filename="civiscope-{look.id}.mp4"',
            "X-Gaps": _gaps_line(await look.missing()),
        }
        return await Download.begin(look.download(), "video/mp4", headers)

    async def event_picture(self, request: Request, look_id: UUID, event_id: UUID) -> Response:
        """The picture of an event that the look holds."""
        look = self._faces.looks.look(look_id, visitor_of(request).principal)
        return Response(await look.picture(event_id), media_type="image/jpeg")

    async def thumbnail(self, request: Request, look_id: UUID, at_us: Annotated[TimeUs, Query()]) -> Response:
        """A small picture of a moment of the look, from the key unit at or before it."""
        look = self._faces.looks.look(look_id, visitor_of(request).principal)
        return Response(await look.thumbnail(at_us), media_type="image/jpeg")

    async def live(self, socket: WebSocket, look_id: str) -> None:
        """`WS /looks/{id}/live`: from accepting to closing."""
        try:
            refuse_foreign_fetch(socket)
            if bearer_of(socket) is None:
                require_same_origin(socket)
        except AppError:
            await socket.close(4403)  # before accepting: a plain 403
            return
        await socket.accept()
        live = LiveSocket(socket, self._faces.clock)
        try:
            visitor = await self._guard.visitor(socket)
            look = self._faces.looks.look(_uuid(look_id), visitor.principal)
            if look.function is not Function.LIVE:
                raise AppError(ErrorKind.DENIED, "This look is not live. Open one of kind live.")
        except AppError as error:
            await live.close(goodbye_for(error))
            return
        await live.run(look.live(), self._stopping)

    def stop(self) -> None:
        """Close live sockets with 1013."""
        self._stopping.set()


def _wish(visitor: Visitor, body: LookBody, from_where: str) -> Wish:
    span = None if body.from_us is None or body.to_us is None else Span(body.from_us, body.to_us)
    return Wish(
        principal=visitor.principal,
        purpose=body.purpose,
        function=Function(body.kind),
        channel_id=ChannelId(body.channel_id),
        span=span,
        presentation=Presentation(body.presentation),
        from_where=from_where,
        needs_h264=body.needs_h264,
    )


def _gaps_line(gaps: Sequence[ReasonedSpan]) -> str:
    """`start_us-end_us reason`, comma-separated; no end while the gap lasts; `+N` are left out."""
    shown = [f"{gap.start_us}-{'' if gap.end_us is None else gap.end_us} {gap.reason}" for gap in gaps]
    more = [f"+{len(shown) - _GAPS_SHOWN}"] if len(shown) > _GAPS_SHOWN else []
    return ", ".join([*shown[:_GAPS_SHOWN], *more])


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise AppError(ErrorKind.MISSING, "There is no such look. Open a new one.") from None
