"""What this room needs of recordings and of pictures of events: this machine's today, other nodes' later."""

from collections.abc import Iterator
from typing import Protocol
from uuid import UUID

from civiscope.base import ChannelId, Span, StreamId
from civiscope.events import Event
from civiscope.media import AccessUnit, TrackConfig, Transcoded
from civiscope.recording import ExportPiece, RecordedUnit, Timeline


class Recordings(Protocol):
    """Reads what was recorded; every call blocks on disk and decryption, and may come from any thread."""

    def timeline(self, stream_id: StreamId, span: Span) -> Timeline:
        """What is there within a span, and what is missing and why."""
        ...

    def read(self, stream_id: StreamId, span: Span) -> Iterator[RecordedUnit]:
        """Units in order, from the key unit at or before the span's start."""
        ...

    def export_mp4(self, stream_id: StreamId, span: Span) -> Iterator[bytes]:
        """A plain MP4 file of the span, piece by piece."""
        ...

    def export_proved(self, stream_id: StreamId, span: Span, media_path: str) -> Iterator[ExportPiece]:
        """The same file with what proves it (docs/design/proof.md)."""
        ...


class PictureMaker(Protocol):
    """Makes H.264 of H.265, and small pictures, where decoding is allowed: the worker."""

    async def thumbnail(self, track: TrackConfig, unit: AccessUnit) -> bytes:
        """One key unit as a small JPEG; an AppError if it cannot be decoded, or the worker is away."""
        ...

    async def transcode(
        self, job: UUID, track: TrackConfig, units: tuple[AccessUnit, ...], is_last: bool
    ) -> Transcoded:
        """Pictures of the next units of a job, which begins at a key unit and is over after the last call."""
        ...


class SubStreams(Protocol):
    """Says which channels have a second stream that can stand in for the main one."""

    async def sub_stream_of(self, channel_id: ChannelId) -> StreamId | None:
        """The channel's H.264 sub stream, if it is fed right now; else None."""
        ...


class Pictures(Protocol):
    """Pictures of events, which lie sealed."""

    async def event(self, event_id: UUID) -> Event:
        """The event; MISSING."""
        ...

    async def sealed_picture(self, event_id: UUID) -> bytes | None:
        """Its picture as it was sealed; None if it has none."""
        ...

    def open_picture(self, event_id: UUID, sealed: bytes) -> bytes:
        """The JPEG; blocks, on any thread. An AppError if it was changed or the vault is locked."""
        ...
