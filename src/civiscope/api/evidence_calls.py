"""Bookmarks and holds, on channels that are one's own; the cases that holds are made for."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from starlette.responses import Response

from civiscope.api.calls import Call
from civiscope.api.faces import Faces
from civiscope.api.guard import visitor_of, where_from
from civiscope.api.notify_shapes import BookmarkBody, CaseBody, HoldBody
from civiscope.api.ones_own import CHANNELS_AT_ONCE
from civiscope.api.shapes import TimeUs
from civiscope.base import AppError, ChannelId, ErrorKind, Span
from civiscope.evidence import (
    Bookmark,
    BookmarkId,
    Case,
    CaseDraft,
    Hold,
    HoldId,
    missing_bookmark,
    missing_case,
    missing_hold,
)
from civiscope.security import Permission, authorise_on, channels_with

_Channels = Annotated[list[UUID], Query(max_length=CHANNELS_AT_ONCE)]


class EvidenceCalls:
    """Handlers of `/bookmarks`, `/holds` and `/cases`."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self._evidence = faces.evidence

    def calls(self) -> list[Call]:
        """The rows of the table."""
        play, hold = Permission.VIDEO_PLAYBACK, Permission.EVIDENCE_HOLD
        return [
            Call("GET", "/bookmarks", play, self.bookmarks, scoped=True),
            Call("POST", "/bookmarks", play, self.add_bookmark, 201, scoped=True),
            Call(
                "DELETE", "/bookmarks/{bookmark_id}", play, self.remove_bookmark, 204, raw=True, scoped=True
            ),
            Call("GET", "/holds", hold, self.holds, scoped=True),
            Call("POST", "/holds", hold, self.add_hold, 201, scoped=True),
            Call("POST", "/holds/{hold_id}/end", hold, self.end_hold, scoped=True),
            Call("GET", "/cases", hold, self.cases, scoped=True),
            Call("POST", "/cases", hold, self.open_case, 201, scoped=True),
        ]

    async def bookmarks(
        self,
        request: Request,
        channel: Annotated[list[UUID], Query(min_length=1, max_length=CHANNELS_AT_ONCE)],
        from_us: Annotated[TimeUs, Query()],
        to_us: Annotated[TimeUs, Query()],
    ) -> list[dict[str, object]]:
        """Named moments of these channels, oldest first."""
        for one in channel:
            _authorise(request, Permission.VIDEO_PLAYBACK, one)
        if to_us <= from_us:
            raise AppError(ErrorKind.INVALID, "The time to_us must be later than from_us.")
        wanted = [await self._known(one) for one in dict.fromkeys(channel)]
        return [_bookmark(one) for one in await self._evidence.bookmarks(wanted, Span(from_us, to_us))]

    async def add_bookmark(self, request: Request, body: BookmarkBody) -> dict[str, object]:
        """Name a moment."""
        _authorise(request, Permission.VIDEO_PLAYBACK, body.channel_id)
        who = visitor_of(request).principal
        return _bookmark(
            await self._evidence.add_bookmark(
                ChannelId(body.channel_id), body.at_us, body.text, who, body.event_id, where_from(request)
            )
        )

    async def remove_bookmark(self, request: Request, bookmark_id: UUID) -> Response:
        """Forget a named moment; the audit keeps its words."""
        bookmark = await self._evidence.bookmark(BookmarkId(bookmark_id))
        _authorise_as(request, Permission.VIDEO_PLAYBACK, bookmark.channel_id, missing_bookmark())
        await self._evidence.remove_bookmark(bookmark.id, visitor_of(request).principal, where_from(request))
        return Response(status_code=204)

    async def holds(self, request: Request, channel: _Channels = []) -> list[dict[str, object]]:  # noqa: B006  FastAPI copies it
        """Holds, over or not, newest first: of these channels, or of all that are one's own."""
        for one in channel:
            _authorise(request, Permission.EVIDENCE_HOLD, one)
        own = channels_with(visitor_of(request).principal, Permission.EVIDENCE_HOLD)
        wanted = [await self._known(one) for one in dict.fromkeys(channel)] if channel else own
        found = await self._evidence.holds(None if wanted is None else list(wanted))
        return [self._hold(one) for one in found]

    async def add_hold(self, request: Request, body: HoldBody) -> dict[str, object]:
        """Keep a span from being deleted."""
        _authorise(request, Permission.EVIDENCE_HOLD, body.channel_id)
        who = visitor_of(request).principal
        if body.case_id is not None and all(one.id != body.case_id for one in await self._own_cases(request)):
            raise missing_case()
        return self._hold(await self._evidence.hold(body.draft(), who, where_from(request)))

    async def end_hold(self, request: Request, hold_id: UUID) -> dict[str, object]:
        """End a hold: its span may be deleted again."""
        hold = await self._evidence.find_hold(HoldId(hold_id))
        _authorise_as(request, Permission.EVIDENCE_HOLD, hold.channel_id, missing_hold())
        who = visitor_of(request).principal
        return self._hold(await self._evidence.end_hold(hold.id, who, where_from(request)))

    async def cases(self, request: Request) -> list[dict[str, object]]:
        """Cases with a hold on a channel of one's own, and those that one opened, newest first."""
        return [_case(one) for one in await self._own_cases(request)]

    async def open_case(self, request: Request, body: CaseBody) -> dict[str, object]:
        """Open a case for holds."""
        draft, who = CaseDraft(body.name, body.reference), visitor_of(request).principal
        return _case(await self._evidence.cases.open(draft, who, where_from(request)))

    async def _own_cases(self, request: Request) -> list[Case]:
        who = visitor_of(request).principal
        own = channels_with(who, Permission.EVIDENCE_HOLD)
        return await self._evidence.cases.all(None if own is None else list(own), who.name)

    async def _known(self, channel: UUID) -> ChannelId:
        """The same id; MISSING for a channel that never was."""
        return (await self._faces.devices.camera(ChannelId(channel))).channel_id

    def _hold(self, one: Hold) -> dict[str, object]:
        return {
            "id": str(one.id), "channel_id": str(one.channel_id), "from_us": one.from_us, "to_us": one.to_us,
            "reason": one.reason, "until_us": one.until_us, "made_by": one.made_by, "made_us": one.made_us,
            "ended_us": one.end_us(self._faces.clock.now_us()),
            "case_id": None if one.case_id is None else str(one.case_id),
        }  # fmt: skip


def _authorise(request: Request, permission: Permission, channel: UUID) -> None:
    authorise_on(visitor_of(request).principal, permission, ChannelId(channel))


def _authorise_as(request: Request, permission: Permission, channel: UUID, missing: AppError) -> None:
    """Where the channel is nobody's business, the thing on it is not there: nobody can try ids."""
    try:
        _authorise(request, permission, channel)
    except AppError as error:
        raise missing if error.kind is ErrorKind.MISSING else error from None


def _bookmark(one: Bookmark) -> dict[str, object]:
    return {
        "id": str(one.id), "channel_id": str(one.channel_id), "at_us": one.at_us, "text": one.text,
        "made_by": one.made_by, "made_us": one.made_us,
        "event_id": None if one.event_id is None else str(one.event_id),
    }  # fmt: skip


def _case(one: Case) -> dict[str, object]:
    return {
        "id": str(one.id), "name": one.name, "reference": one.reference, "opened_by": one.opened_by,
        "opened_us": one.opened_us, "has_key": one.has_key,
    }  # fmt: skip
