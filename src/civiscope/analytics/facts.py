"""What analytics say on the bus."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from civiscope.base import ChannelId, StreamId
from civiscope.bus import Fact


@dataclass(frozen=True, slots=True)
class ObservationMade(Fact):
    """An analytic saw something happen, begin or end; `picture` is sealed to the site, never open."""

    name: ClassVar[str] = "analytics.observation_made"
    schema_version: ClassVar[int] = 1
    event_id: UUID
    channel_id: ChannelId
    stream_id: StreamId
    analytic_id: UUID
    plugin: str
    kind: str
    phase: str
    at_us: int
    """UTC of the frame."""
    object_class: str = ""
    track_id: int | None = None
    box_n: tuple[float, float, float, float] | None = None
    place_n: tuple[float, float] | None = None
    zone: str = ""
    direction: str = ""
    score: float = 0.0
    values: tuple[tuple[str, str], ...] = ()
    detector: str = ""
    """The model that found it."""
    picture: bytes = b""
    """`security.SealedPicture` bytes (docs/design/seeing.md), or empty."""


@dataclass(frozen=True, slots=True)
class CoverageChanged(Fact):
    """From `at_us` on the channel is looked at (`reason` "analysed") or not, and why not."""

    name: ClassVar[str] = "analytics.coverage_changed"
    schema_version: ClassVar[int] = 1
    channel_id: ChannelId
    at_us: int
    reason: str
    """`analysed`, `shed`, `no_stream`, `undecodable`, `no_detector`, `switched_off`, `our_restart`."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class AnalyticTroubled(Fact):
    """An analytic threw, hung or said what it may not; it is off until its settings change or a restart."""

    name: ClassVar[str] = "analytics.analytic_troubled"
    schema_version: ClassVar[int] = 1
    channel_id: ChannelId
    analytic_id: UUID
    at_us: int
    why: str
