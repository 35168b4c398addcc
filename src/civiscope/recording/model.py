"""What is recorded, as values: extents, segments, parts, timelines, reasons for what is missing."""

from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

from civiscope.base import NodeId, ReasonedSpan, RunId, SegmentId, SiteId, Span, StreamId
from civiscope.media import AccessUnit, TrackConfig
from civiscope.security import CaseId, KeyId


class GapReason(StrEnum):
    """Why footage is missing, as far as the recorder knows; the camera's reasons: `ingest.LossReason`."""

    OUR_RESTART = "our_restart"
    DISK_SLOW = "disk_slow"
    DISK_FULL = "disk_full"
    DISK_READ_ONLY = "disk_read_only"
    DISK_FAILED = "disk_failed"
    PACKETS_LOST = "packets_lost"
    """The camera was there, but units between two received ones never came."""
    RETENTION = "retention"
    """It was recorded and lawfully deleted: its time was over."""
    MADE_ROOM = "made_room"
    """It was recorded and deleted before its time, as the oldest: the quota or the disk was used up."""
    FILE_MISSING = "file_missing"
    """It was recorded; the file is gone and nobody told the recorder why."""
    UNWRITABLE = "unwritable"
    """Units whose times the container cannot hold: our fault, told in the log."""
    CLOCK_STEPPED = "clock_stepped"
    """The wall clock was set forward: no picture is missing, the time between never was."""
    SCHEDULE = "schedule"
    """On purpose: outside the hours in which it is recorded."""
    NO_EVENT = "no_event"
    """On purpose: recorded when something happens, and nothing did."""
    UNEXPLAINED = "unexplained"
    """A hole that no ledger entry covers: shown, never hidden."""


ON_PURPOSE = frozenset({GapReason.SCHEDULE, GapReason.NO_EVENT})
"""Nothing failed: it was not to be recorded."""


class SegmentState(IntEnum):
    """How a segment came to its end."""

    OPEN = 0
    WHOLE = 1
    """Ended in order, with its END record."""
    MENDED = 2
    """Ended by a cut or a failure; what is whole in it is kept."""


@dataclass(frozen=True, slots=True)
class VolumeIdentity:
    """Whose volume it is, and which node writes it."""

    site_id: SiteId
    node_id: NodeId


@dataclass(frozen=True, slots=True)
class Extent:
    """A stretch of one segment without a hole: consecutive units, consecutive time."""

    first_sequence: int
    last_sequence: int
    span: Span


@dataclass(frozen=True, slots=True)
class SegmentOpening:
    """What is known of a segment when its file is made."""

    stream_id: StreamId
    run_id: RunId
    segment_id: SegmentId
    key_id: KeyId
    key_hour: int
    generation: int
    created_us: int

    @property
    def path(self) -> str:
        """Where the file lies in the volume."""
        return segment_path(self.stream_id, self.segment_id)


@dataclass(frozen=True, slots=True)
class SegmentSummary:
    """One segment as the volume's index knows it; `extents` are in the order of sequence."""

    stream_id: StreamId
    run_id: RunId
    segment_id: SegmentId
    key_id: KeyId
    key_hour: int
    size_bytes: int
    part_count: int
    unit_count: int
    state: SegmentState
    chain_head: bytes
    extents: tuple[Extent, ...]

    @property
    def path(self) -> str:
        """Where the file lies in the volume."""
        return segment_path(self.stream_id, self.segment_id)

    def mended(self) -> "SegmentSummary":
        """The same, ended by a cut or a failure."""
        return replace(self, state=SegmentState.MENDED)

    @property
    def start_us(self) -> int:
        """When its earliest extent starts."""
        return min(extent.span.start_us for extent in self.extents)

    @property
    def end_us(self) -> int:
        """When its latest extent ends."""
        return max(extent.span.end_us for extent in self.extents)


def segment_path(stream_id: StreamId, segment_id: SegmentId) -> str:
    """`segments/<stream>/<segment>.cvs`."""
    return f"segments/{stream_id}/{segment_id}.cvs"


def key_path(stream_id: StreamId, key_id: KeyId) -> str:
    """`keys/<stream>/<key id>.key`."""
    return f"keys/{stream_id}/{key_id}.key"


def case_wrap_path(stream_id: StreamId, key_id: KeyId, case_id: CaseId) -> str:
    """`keys/<stream>/<key id>.<case id>.case`."""
    return f"keys/{stream_id}/{key_id}.{case_id}.case"


def certificate_path(digest: bytes) -> str:
    """`nodes/<sha-256>.der`."""
    return f"nodes/{digest.hex()}.der"


@dataclass(frozen=True, slots=True)
class RecordedSpan:
    """What is there without a hole; `lane` > 0 where a clock that stepped back makes it overlap."""

    span: Span
    lane: int
    run_id: RunId


@dataclass(frozen=True, slots=True)
class Timeline:
    """What is there and what is missing of one stream, clipped to the span asked for, by start."""

    recorded: tuple[RecordedSpan, ...]
    gaps: tuple[ReasonedSpan, ...]


@dataclass(frozen=True, slots=True)
class PartRef:
    """One part on the disk, without its media."""

    stream_id: StreamId
    run_id: RunId
    segment_id: SegmentId
    number: int
    first_sequence: int
    unit_count: int
    span: Span
    has_key: bool
    size_bytes: int
    camera_offset_us: int | None
    """Camera's clock minus ours, when its sender reports said so."""
    correction_us: int
    """By how much the recorder moved its idea of the camera's time at this part's first unit."""


@dataclass(frozen=True, slots=True)
class RecordedUnit:
    """One access unit read back, with its time and what a decoder needs."""

    unit: AccessUnit
    wall_us: int
    run_id: RunId
    tracks: tuple[TrackConfig, ...]
    """Configuration of all tracks at this unit; the same object as long as it does not change."""
