"""What the server asks of the worker, as typed calls on the bus."""

from dataclasses import dataclass, field
from typing import Protocol

from civiscope.media import AccessUnit, TrackConfig


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
