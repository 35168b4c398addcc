"""What the server asks of the worker, as typed calls on the bus."""

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from civiscope.media import AccessUnit, TrackConfig, Transcoded


@dataclass(frozen=True, slots=True)
class StillPicture:
    """A JPEG and its size."""

    width_px: int
    height_px: int
    jpeg: bytes = field(repr=False)


class WorkerFace(Protocol):
    """Served by the worker: what decodes foreign bytes happens there, where no key is."""

    async def still(self, track: TrackConfig, unit: AccessUnit) -> StillPicture:
        """One key unit as a picture; INVALID if it cannot be decoded."""
        ...

    async def thumbnail(self, track: TrackConfig, unit: AccessUnit) -> bytes:
        """One key unit as a small JPEG; INVALID if it cannot be decoded."""
        ...

    async def transcode(
        self, job: UUID, track: TrackConfig, units: tuple[AccessUnit, ...], is_last: bool
    ) -> Transcoded:
        """H.264 of the next units of a job; its last call ends it. UNAVAILABLE if it made room for others."""
        ...
