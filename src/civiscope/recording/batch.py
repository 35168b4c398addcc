"""What is handed to the writer thread, and what became of it until the barrier says that it is true."""

from dataclasses import dataclass, field

from civiscope.base import SegmentId, StreamId
from civiscope.recording.model import GapReason, SegmentOpening, SegmentSummary
from civiscope.recording.segment_writer import PartDraft
from civiscope.storage import DiskError, DiskFault

FAULT_REASONS = {
    DiskFault.FULL: GapReason.DISK_FULL,
    DiskFault.READ_ONLY: GapReason.DISK_READ_ONLY,
    DiskFault.FAILED: GapReason.DISK_FAILED,
    DiskFault.MISSING: GapReason.DISK_FAILED,
}


@dataclass(frozen=True, slots=True)
class StreamGone:
    """The camera, or the plan, ended a stream; or it is still not there."""

    stream_id: StreamId
    at_us: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class PartLost:
    """Units that were received and could not wait for the disk."""

    stream_id: StreamId
    start_us: int
    reason: GapReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CaseWraps:
    """Wraps that the server made for cases, to lie beside what they open."""

    wraps: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class StreamLeft:
    """From now on the stream is written to another volume."""

    stream_id: StreamId


@dataclass(frozen=True, slots=True)
class LostElsewhere:
    """Units that another volume was given and did not take, before the stream came here."""

    stream_id: StreamId
    start_us: int
    reason: GapReason


Job = PartDraft | StreamGone | PartLost | CaseWraps | StreamLeft | LostElsewhere


@dataclass(frozen=True, slots=True)
class PartOutcome:
    """A part was written (`lost` is None) or lost."""

    draft: PartDraft
    lost: GapReason | None


@dataclass(slots=True)
class Batch:
    """The work between two barriers."""

    outcomes: list[PartOutcome | StreamGone | PartLost | StreamLeft | LostElsewhere] = field(
        default_factory=list
    )
    """In the order of the jobs."""
    touched: dict[SegmentId, SegmentSummary | None] = field(default_factory=dict)
    """Segments written to, as they stood at the barrier before; None: they were not there."""
    opened: list[SegmentOpening] = field(default_factory=list)
    closed: list[SegmentSummary] = field(default_factory=list)
    fault: DiskError | None = None
    barrier_failed: bool = False
