"""What recording says on the bus."""

from dataclasses import dataclass
from typing import ClassVar

from civiscope.base import RunId, SegmentId, StreamId
from civiscope.bus import Fact


@dataclass(frozen=True, slots=True)
class SegmentOpened(Fact):
    """The first part of a new segment is on the disk."""

    name: ClassVar[str] = "recording.segment_opened"
    schema_version: ClassVar[int] = 1
    stream_id: StreamId
    run_id: RunId
    segment_id: SegmentId
    at_us: int


@dataclass(frozen=True, slots=True)
class SegmentClosed(Fact):
    """Nothing more comes into this segment; `chain_head` (hex) is what its last part signed."""

    name: ClassVar[str] = "recording.segment_closed"
    schema_version: ClassVar[int] = 1
    stream_id: StreamId
    run_id: RunId
    segment_id: SegmentId
    start_us: int
    end_us: int
    size_bytes: int
    unit_count: int
    chain_head: str


@dataclass(frozen=True, slots=True)
class GapOpened(Fact):
    """Nothing is recorded of this stream from `start_us` on."""

    name: ClassVar[str] = "recording.gap_opened"
    schema_version: ClassVar[int] = 1
    stream_id: StreamId
    start_us: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class GapClosed(Fact):
    """The gap is over, or goes on for another reason (then a GapOpened follows)."""

    name: ClassVar[str] = "recording.gap_closed"
    schema_version: ClassVar[int] = 1
    stream_id: StreamId
    start_us: int
    end_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class SegmentsDeleted(Fact):
    """Footage was deleted, oldest first; its wrapped keys with it."""

    name: ClassVar[str] = "recording.segments_deleted"
    schema_version: ClassVar[int] = 1
    segment_count: int
    size_bytes: int
    oldest_us: int
    newest_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class VolumeFailed(Fact):
    """The volume does not take what should be written; or holds keep it over its bound.

    `fault`: full, read_only, failed, missing, slow; `held` (everything is still written).
    """

    name: ClassVar[str] = "recording.volume_failed"
    schema_version: ClassVar[int] = 1
    volume: str
    fault: str
    message: str


@dataclass(frozen=True, slots=True)
class VolumeRecovered(Fact):
    """The volume takes everything again."""

    name: ClassVar[str] = "recording.volume_recovered"
    schema_version: ClassVar[int] = 1
    volume: str


@dataclass(frozen=True, slots=True)
class VolumeForecast(Fact):
    """How long the room lasts, by what was written in the last day; said when it changed by an hour.

    `hours_left`: until recordings are deleted before their time, None when they need not be. `reach_hours`:
    how far back everything could be kept if all the room was used, None while nothing is written.
    """

    name: ClassVar[str] = "recording.volume_forecast"
    schema_version: ClassVar[int] = 1
    volume: str
    hours_left: int | None
    reach_hours: int | None


@dataclass(frozen=True, slots=True)
class StreamMoved(Fact):
    """From now on the stream is on another volume; `fault`: of the old one, empty when it is well."""

    name: ClassVar[str] = "recording.stream_moved"
    schema_version: ClassVar[int] = 1
    stream_id: StreamId
    old_volume: str
    new_volume: str
    fault: str


RecordingFact = (
    SegmentOpened
    | SegmentClosed
    | GapOpened
    | GapClosed
    | SegmentsDeleted
    | VolumeFailed
    | VolumeRecovered
    | VolumeForecast
    | StreamMoved
)
