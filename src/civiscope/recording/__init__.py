"""Parts, segments, their index, gaps and retention: writing, proving, reading back; what is missing, and why.

Facts in: none; units come as an `ingest.StreamSink`. Facts out: `SegmentOpened`, `SegmentClosed`,
`GapOpened`, `GapClosed`, `SegmentsDeleted`, `VolumeFailed`, `VolumeRecovered`, `VolumeForecast`,
`StreamMoved`.
Invariants: recording waits for nobody; what was synced is never lost and what is torn never shown; a volume
describes itself; order is (stream, run, sequence); every missing span has a reason, what is left out on
purpose too; what waits in memory for an event is on no disk before it; a hold never
loses its key; no wrap is destroyed that the destruction ledger does not order first.
"""

from civiscope.recording.archive import Archive
from civiscope.recording.availability import Availability, ReasonSum, availability_of, month_span
from civiscope.recording.camera_proof import CameraFinding, CameraVerdict, camera_findings
from civiscope.recording.deletion_certificate import (
    CERTIFICATE_FORMAT,
    CERTIFICATE_LIMIT_BYTES,
    Deletion,
    check_certificate,
    deletions,
    is_certificate,
    ledger_trouble,
)
from civiscope.recording.destruction import (
    LEDGER_NAME,
    DestructionLedger,
    DoomedWraps,
    LedgerLine,
    canonical,
    read_line,
    read_lines,
    replay,
    statement_of,
)
from civiscope.recording.face import ModeStatus, RecorderFace, RecorderStatus, VolumeStatus
from civiscope.recording.facts import (
    GapClosed,
    GapOpened,
    RecordingFact,
    SegmentClosed,
    SegmentOpened,
    SegmentsDeleted,
    StreamMoved,
    VolumeFailed,
    VolumeForecast,
    VolumeRecovered,
)
from civiscope.recording.holds import HeldSpan, HoldBook, holds_digest
from civiscope.recording.imports import import_marks
from civiscope.recording.keeping import KeepBook, KeepTimes, StreamTime
from civiscope.recording.mode_gate import ModeGate
from civiscope.recording.model import (
    ON_PURPOSE,
    GapReason,
    PartRef,
    RecordedSpan,
    RecordedUnit,
    SegmentState,
    SegmentSummary,
    Timeline,
    VolumeIdentity,
    segment_path,
)
from civiscope.recording.modes import ModeBook, RecordingModes, StreamMode, Window
from civiscope.recording.placement import RecordedVolume
from civiscope.recording.proof_reader import LINE_LIMIT_BYTES, ProofNeeds, ProofVerdict, verify_proof
from civiscope.recording.proved_export import ExportPiece, certificate_name
from civiscope.recording.rebuilding import RebuiltVolume, rebuild_catalogue
from civiscope.recording.recorder import Recorder
from civiscope.recording.retention import DeletionRules
from civiscope.recording.settings import RecorderSettings
from civiscope.recording.verification import Finding, SegmentVerdict, Verdict, worst_of
from civiscope.recording.volume import Volume
from civiscope.recording.volume_check import StreamVerdict, VolumeVerdict, find_volume, verify_volume

__all__ = [
    "Availability", "ReasonSum", "availability_of", "month_span",
    "ModeBook", "ModeGate", "ModeStatus", "ON_PURPOSE", "RecordingModes", "StreamMode", "Window",
    "CERTIFICATE_LIMIT_BYTES",
    "Archive", "CERTIFICATE_FORMAT", "Deletion", "DeletionRules", "DestructionLedger", "DoomedWraps",
    "ExportPiece", "Finding", "GapClosed", "GapOpened", "GapReason", "HeldSpan", "HoldBook", "KeepBook",
    "KeepTimes", "LEDGER_NAME", "LedgerLine", "PartRef", "RebuiltVolume", "RecordedSpan", "RecordedUnit",
    "Recorder", "RecorderFace", "RecorderSettings", "RecorderStatus", "RecordingFact", "SegmentClosed",
    "SegmentOpened", "SegmentState", "SegmentSummary", "SegmentVerdict", "SegmentsDeleted", "StreamTime",
    "RecordedVolume", "StreamMoved",
    "Timeline", "Verdict", "Volume", "VolumeFailed", "VolumeForecast", "VolumeIdentity",
    "VolumeRecovered", "VolumeStatus", "canonical", "certificate_name", "check_certificate", "deletions",
    "holds_digest", "import_marks", "is_certificate", "ledger_trouble", "read_line", "read_lines",
    "rebuild_catalogue", "replay", "segment_path", "statement_of",
    "LINE_LIMIT_BYTES", "ProofNeeds", "ProofVerdict", "verify_proof", "worst_of",
    "StreamVerdict", "VolumeVerdict", "find_volume", "verify_volume",
    "CameraFinding", "CameraVerdict", "camera_findings",
]  # fmt: skip
