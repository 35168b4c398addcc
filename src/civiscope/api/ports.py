"""What the door needs of others where more than one thing can stand behind it; `app` brings the real ones."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Any, Protocol
from uuid import UUID

from civiscope.base import ChannelId, ReasonedSpan, Span, StreamId
from civiscope.ingest import StreamSource, Transport
from civiscope.media import TrackConfig
from civiscope.privacy import Function
from civiscope.recording import Availability, Timeline
from civiscope.security import Principal
from civiscope.viewing import MediaAnswer, SentPicture, WhepAnswer, Wish


@dataclass(frozen=True, slots=True)
class TrackState:
    """One track as the recorder sees it now."""

    codec: str
    is_video: bool
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class StreamState:
    """One stream as the recorder sees it now."""

    stream_id: StreamId
    state: str
    """`recording`, `connecting`, `lost` or `stopped`."""
    since_us: int
    reason: str = ""
    detail: str = ""
    last_unit_us: int | None = None
    fps: float = 0.0
    bitrate_bps: int = 0
    mse_type: str | None = None
    tracks: tuple[TrackState, ...] = ()


class Streams(Protocol):
    """The recorder's streams."""

    async def states(self) -> Sequence[StreamState]:
        """All streams of the recorder's plan; UNAVAILABLE while it is away."""
        ...


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """What a camera sent when it was opened once."""

    tracks: tuple[TrackConfig, ...]
    picture_jpeg: bytes | None
    took_ms: int
    transport: Transport
    sends_password_in_clear: bool
    clock_offset_ms: int | None = None
    """The camera's clock minus ours; None when it did not tell."""


class Prober(Protocol):
    """Opens a camera once."""

    async def probe(self, source: StreamSource, limit_s: float | None = None) -> ProbeAnswer:
        """What the camera sends; an `AppError` in plain words within the time limit."""
        ...


class Recordings(Protocol):
    """Has channels recorded."""

    async def record_span(self, channel_id: ChannelId, span: Span) -> None:
        """Whatever the channel's mode; UNAVAILABLE while the recorder is away."""
        ...


class System(Protocol):
    """The state of the whole machine."""

    async def healthy(self) -> bool:
        """All that a person needs works."""
        ...

    async def status(self) -> dict[str, Any]:
        """The answer of `GET /status`."""
        ...


class Timelines(Protocol):
    """What is recorded (`recording.Archive`); calls block on disk, so they are made on threads."""

    def timeline(self, stream_id: StreamId, span: Span) -> Timeline:
        """Exact to the unit."""
        ...

    def days(self, stream_id: StreamId, span: Span, zone: tzinfo) -> dict[date, int]:
        """Days of the zone of which something is recorded, in order, and of how many microseconds."""
        ...

    def availability(self, stream_id: StreamId, span: Span) -> Availability:
        """How much of the span was recorded of what should have been."""
        ...

    def motion(self, stream_id: StreamId, span: Span) -> list[Span]:
        """What may have moved and begins within the span, by the sizes of coded pictures."""
        ...


class OpenLook(Protocol):
    """One permitted look; every method raises DENIED once its permit or time has ended."""

    @property
    def id(self) -> UUID: ...
    @property
    def channel_id(self) -> ChannelId: ...
    @property
    def function(self) -> Function: ...
    @property
    def mse_type(self) -> str | None: ...
    @property
    def epoch_us(self) -> int: ...
    @property
    def expires_us(self) -> int: ...

    def live(self) -> AsyncIterator[bytes]:
        """Framed messages (docs/design/api.md), never faster than they are taken; bounded behind."""
        ...

    async def whep(self, offer: str, address: str) -> WhepAnswer:
        """Live pictures over WebRTC, from a port of `address`, for who offers to receive H.264."""
        ...

    def whep_sent(self, peer_id: UUID) -> SentPicture:
        """What this viewer over WebRTC was sent last."""
        ...

    def end_whep(self, peer_id: UUID) -> None:
        """This viewer over WebRTC goes; MISSING if he does not watch."""
        ...

    async def media(self, at_us: int, duration_us: int) -> MediaAnswer:
        """From the key unit at or before the moment."""
        ...

    def download(self) -> AsyncIterator[bytes]:
        """A plain MP4 of the look's span."""
        ...

    async def picture(self, event_id: UUID) -> bytes:
        """The JPEG of an event of the look's channel and span; MISSING for any other."""
        ...

    async def thumbnail(self, at_us: int) -> bytes:
        """A small JPEG of the key unit behind the moment; MISSING where nothing is recorded."""
        ...

    async def missing(self) -> Sequence[ReasonedSpan]:
        """What the look's span lacks, and why."""
        ...

    async def close(self) -> None:
        """The person looks no longer."""
        ...


class Looks(Protocol):
    """The one way out for pictures (`viewing`)."""

    async def open(self, wish: Wish) -> OpenLook:
        """A permitted look, or DENIED in plain words; either leaves an audit entry."""
        ...

    def look(self, look_id: UUID, principal: Principal) -> OpenLook:
        """The principal's open look; MISSING for another's too."""
        ...

    async def end_session(self, principal: Principal) -> None:
        """End every look that was opened in this session."""
        ...
