"""What this room needs of recordings and of pictures of events: this machine's today, other nodes' later."""

from collections.abc import Iterator
from typing import Protocol
from uuid import UUID

from civiscope.base import Span, StreamId
from civiscope.events import Event
from civiscope.recording import RecordedUnit, Timeline


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
