"""What is recorded when: spans and gaps for the timeline, days for the calendar."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request

from civiscope.api.calls import Call
from civiscope.api.faces import Faces
from civiscope.api.guard import visitor_of
from civiscope.api.shapes import TimeUs
from civiscope.base import AppError, ChannelId, ErrorKind, Span, merge_spans
from civiscope.recording import Timeline
from civiscope.security import Permission, authorise_on

_DAYS_LIMIT = 400
_DAY_US = 86_400_000_000


class TimelineCalls:
    """Handlers of `/timeline`."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces

    def calls(self) -> list[Call]:
        """The rows of the table."""
        return [
            Call("GET", "/timeline", Permission.VIDEO_PLAYBACK, self.timeline, scoped=True),
            Call("GET", "/timeline/days", Permission.VIDEO_PLAYBACK, self.days, scoped=True),
        ]

    async def timeline(
        self,
        request: Request,
        channel: Annotated[list[UUID], Query(min_length=1)],
        from_us: Annotated[TimeUs, Query()],
        to_us: Annotated[TimeUs, Query()],
        resolution_us: Annotated[int, Query(ge=0, le=_DAY_US)] = 0,
    ) -> dict[str, object]:
        """Recorded spans and gaps; spans closer than the resolution are joined, gaps never vanish."""
        limit = self._faces.settings.channels_per_timeline
        if len(channel) > limit:
            raise AppError(ErrorKind.INVALID, f"Ask for at most {limit} channels at once.")
        span = _span(from_us, to_us)
        for one in channel:
            _authorise(request, one)
        found = await asyncio.gather(
            *(self._recorded(ChannelId(one), span) for one in dict.fromkeys(channel))
        )
        return {
            "channels": [
                {"id": str(one), "recorded": _joined(recorded, resolution_us), "gaps": _gaps(recorded)}
                for one, recorded in zip(dict.fromkeys(channel), found, strict=True)
            ],
            "now_us": self._faces.clock.now_us(),
        }

    async def days(
        self,
        request: Request,
        channel: Annotated[UUID, Query()],
        from_us: Annotated[TimeUs, Query()],
        to_us: Annotated[TimeUs, Query()],
    ) -> dict[str, object]:
        """The days, in the site's time zone, on which something is recorded, and how much of it."""
        span = _span(from_us, to_us)
        _authorise(request, channel)
        if span.end_us - span.start_us > _DAYS_LIMIT * _DAY_US:
            raise AppError(ErrorKind.INVALID, f"Ask for at most {_DAYS_LIMIT} days at once.")
        camera = await self._faces.devices.camera(ChannelId(channel))
        days = await asyncio.to_thread(
            self._faces.timelines.days, camera.main.id, span, self._faces.site.zone
        )
        return {
            "days": [day.isoformat() for day in days],
            "recorded_s": [length_us // 1_000_000 for length_us in days.values()],
        }

    async def _recorded(self, channel_id: ChannelId, span: Span) -> Timeline:
        """Removed cameras too: their recordings stay."""
        camera = await self._faces.devices.camera(channel_id)
        return await asyncio.to_thread(self._faces.timelines.timeline, camera.main.id, span)


def _authorise(request: Request, channel: UUID) -> None:
    authorise_on(visitor_of(request).principal, Permission.VIDEO_PLAYBACK, ChannelId(channel))


def _span(from_us: int, to_us: int) -> Span:
    if to_us <= from_us:
        raise AppError(ErrorKind.INVALID, "The time to_us must be later than from_us.")
    return Span(from_us, to_us)


def _joined(timeline: Timeline, resolution_us: int) -> list[dict[str, object]]:
    """Spans of each lane, joined where they are closer than the resolution."""
    lanes: dict[int, list[Span]] = {}
    for one in timeline.recorded:
        lanes.setdefault(one.lane, []).append(one.span)
    joined = [(span, lane) for lane, spans in lanes.items() for span in merge_spans(spans, resolution_us)]
    return [{"start_us": span.start_us, "end_us": span.end_us, "lane": lane} for span, lane in sorted(joined)]


def _gaps(timeline: Timeline) -> list[dict[str, object]]:
    return [
        {"start_us": gap.start_us, "end_us": gap.end_us, "reason": gap.reason, "detail": gap.detail}
        for gap in timeline.gaps
    ]
