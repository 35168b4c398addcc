"""Events and coverage as they are asked for and told."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from civiscope.api.shapes import TimeUs
from civiscope.base import AppError, ChannelId, ErrorKind, ReasonedSpan, Span
from civiscope.events import SEARCH_LIMIT, Event, EventQuery

CHANNELS_AT_ONCE = 64
_Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=120)]], Field(max_length=64)]
_LATEST_US = 253_402_300_799_999_999


class EventsAsked(BaseModel):
    """What events must have; what is left out matches all."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    channel: Annotated[list[UUID], Field(max_length=1_000)] = []
    kind: _Words = []
    class_: Annotated[_Words, Field(alias="class")] = []
    zone: _Words = []
    from_us: TimeUs | None = None
    to_us: TimeUs | None = None
    text: Annotated[str, Field(max_length=200)] = ""
    min_score: Annotated[float, Field(ge=0, le=1)] | None = None
    limit: Annotated[int, Field(ge=1, le=SEARCH_LIMIT)] = 100
    before: Annotated[str, Field(max_length=64)] = ""

    def query(self, channels: frozenset[ChannelId] | None) -> EventQuery:
        """As the store takes it, of these channels."""
        span = None
        if self.from_us is not None or self.to_us is not None:
            span = span_of(self.from_us or 0, _LATEST_US if self.to_us is None else self.to_us)
        return EventQuery(
            channels=channels, kinds=tuple(self.kind), classes=tuple(self.class_), zones=tuple(self.zone),
            span=span, text=self.text, min_score=self.min_score, limit=self.limit, before=self.before,
        )  # fmt: skip


class SpanAsked(BaseModel):
    """Some channels over a time."""

    model_config = ConfigDict(frozen=True)

    channel: Annotated[list[UUID], Field(min_length=1, max_length=CHANNELS_AT_ONCE)]
    from_us: TimeUs
    to_us: TimeUs


class HistogramAsked(SpanAsked):
    """The same, counted in buckets."""

    bucket_us: Annotated[int, Field(ge=1_000, le=366 * 86_400_000_000)]
    kind: _Words = []


def span_of(from_us: int, to_us: int) -> Span:
    """AppError(INVALID) for one that ends before it begins."""
    if to_us <= from_us:
        raise AppError(ErrorKind.INVALID, "The time to_us must be later than from_us.")
    return Span(from_us, to_us)


def event_shape(event: Event) -> dict[str, object]:
    """One event."""
    return {
        "id": str(event.id),
        "channel_id": None if event.channel_id is None else str(event.channel_id),
        "source": event.source.value,
        "plugin": event.plugin,
        "kind": event.kind,
        "began_us": event.began_us,
        "ended_us": event.ended_us,
        "lasts": event.lasts,
        "object_class": event.object_class,
        "track_id": event.track_id,
        "box_n": None if event.box_n is None else list(event.box_n),
        "place_n": None if event.place_n is None else list(event.place_n),
        "zone": event.zone,
        "direction": event.direction,
        "score": event.score,
        "values": dict(event.values),
        "detector": event.detector,
        "has_picture": event.has_picture,
    }


def coverage_shape(span: ReasonedSpan) -> dict[str, object]:
    """One span that was looked at, or not."""
    return {"start_us": span.start_us, "end_us": span.end_us, "reason": span.reason, "detail": span.detail}
