"""What happened, and what was looked at: searching events, counting them, coverage with reasons."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request

from civiscope.api.calls import Call
from civiscope.api.event_shapes import (
    EventsAsked,
    HistogramAsked,
    SpanAsked,
    coverage_shape,
    event_shape,
    span_of,
)
from civiscope.api.faces import Faces
from civiscope.api.guard import visitor_of
from civiscope.api.ones_own import asked_channels, require_own
from civiscope.base import ChannelId
from civiscope.events import missing_event
from civiscope.security import Permission, authorise_on

_READ = Permission.EVENT_READ


class EventCalls:
    """Handlers of `/events` and `/coverage`; pictures of events leave through looks only."""

    def __init__(self, faces: Faces) -> None:
        self._events = faces.events

    def calls(self) -> list[Call]:
        """The rows of the table."""
        return [
            Call("GET", "/events", _READ, self.events, scoped=True),
            Call("GET", "/events/histogram", _READ, self.event_histogram, scoped=True),
            Call("GET", "/events/{event_id}", _READ, self.event, scoped=True),
            Call("GET", "/coverage", _READ, self.coverage, scoped=True),
        ]

    async def events(self, request: Request, asked: Annotated[EventsAsked, Query()]) -> dict[str, object]:
        """Events that match, newest first, and where to go on."""
        channels = asked_channels(visitor_of(request).principal, _READ, asked.channel)
        page = await self._events.search(asked.query(channels))
        return {"events": [event_shape(event) for event in page.events], "next": page.next}

    async def event(self, request: Request, event_id: UUID) -> dict[str, object]:
        """One event."""
        event = await self._events.event(event_id)
        require_own(visitor_of(request).principal, _READ, event.channel_id, missing_event())
        return event_shape(event)

    async def event_histogram(
        self, request: Request, asked: Annotated[HistogramAsked, Query()]
    ) -> dict[str, object]:
        """How many events began in each bucket of time, by channel."""
        channels = _named(request, asked)
        span = span_of(asked.from_us, asked.to_us)
        found = await self._events.histogram(channels, span, asked.bucket_us, asked.kind)
        return {
            "channels": [
                {"id": str(channel), "counts": [list(one) for one in found[channel]]} for channel in channels
            ]
        }

    async def coverage(self, request: Request, asked: Annotated[SpanAsked, Query()]) -> dict[str, object]:
        """What was looked at in the span, and why not."""
        channels = _named(request, asked)
        found = await self._events.coverage(channels, span_of(asked.from_us, asked.to_us))
        return {
            "channels": [
                {"id": str(channel), "spans": [coverage_shape(one) for one in found[channel]]}
                for channel in channels
            ]
        }


def _named(request: Request, asked: SpanAsked) -> list[ChannelId]:
    channels = [ChannelId(one) for one in dict.fromkeys(asked.channel)]
    for channel in channels:
        authorise_on(visitor_of(request).principal, _READ, channel)
    return channels
