"""Writes what the recorder hands over: bytes, one barrier, index, facts; in that order, in its thread."""

from collections.abc import Callable, Iterable

from civiscope.base import Clock, ProtocolError, SegmentId, StreamId, get_log
from civiscope.recording.batch import (
    FAULT_REASONS,
    Batch,
    CaseWraps,
    Job,
    LostElsewhere,
    PartLost,
    PartOutcome,
    StreamGone,
    StreamLeft,
)
from civiscope.recording.facts import (
    GapClosed,
    GapOpened,
    RecordingFact,
    SegmentClosed,
    SegmentOpened,
    VolumeFailed,
    VolumeForecast,
    VolumeRecovered,
)
from civiscope.recording.index import GapRecord, IndexRecord, RecorderMoment
from civiscope.recording.ledger import GapLedger, ReasonedHole
from civiscope.recording.model import GapReason, SegmentOpening, SegmentSummary
from civiscope.recording.retention import Retention
from civiscope.recording.segment_writer import PartDraft
from civiscope.recording.settings import RecorderSettings
from civiscope.recording.stream_writer import StreamWriters
from civiscope.recording.volume import Volume
from civiscope.recording.wraps import keep_case_wrap
from civiscope.security import HOUR_US, SegmentSealer
from civiscope.storage import DiskError, DiskFault

_CHECK_POINT_CUTS = 4
"""A mending reads what came since: under 4 s of each stream."""
_PROBE_EVERY_US = 5_000_000
_PROBE_PATH = "probe.new"
_PROBED = frozenset({*(one.value for one in DiskFault), "slow"})
_WORDS = {
    "slow": "the disk is slower than what the cameras send",
    "held": "holds keep more than the quota or the free space allow: nothing else is left to delete. "
    "Recording goes on while the disk has room; end holds, or give it more room",
}
OnFact = Callable[[RecordingFact], None]
_log = get_log("civiscope.recording")


class VolumeWriter:
    """Owns the volume's files while it lives. Every method is called from one thread and raises nothing."""

    def __init__(
        self, volume: Volume, sealer: SegmentSealer, clock: Clock, settings: RecorderSettings,
        on_fact: OnFact, retention: Retention,
    ) -> None:  # fmt: skip
        self._volume = volume
        self._clock = clock
        self._settings = settings
        self._on_fact = on_fact
        self._retention = retention
        self._writers = StreamWriters(volume, sealer, clock, settings)
        self._ledger = GapLedger(volume.catalogue)
        self.fault: str | None = None
        """As in VolumeFailed; may be read from any thread, as the two below."""
        self.lost: dict[StreamId, tuple[int, GapReason]] = {}
        """Since when, and why, the last parts of a stream are not on the disk."""
        self.capacity_bytes = retention.capacity_bytes()
        self._probe_due_us = 0
        self._unchecked: set[SegmentId] = set()
        self._cuts = 0
        self._retention_due_us = clock.monotonic_us()
        self._told_hours: tuple[int | None, int | None] = (None, None)
        self._is_held = False
        """All that is left over the bounds is protected; what comes is written while the disk has room."""

    def process(self, jobs: Iterable[Job]) -> None:
        """One batch, under one barrier. A failing disk ends in gaps and VolumeFailed."""
        batch = Batch()
        for job in jobs:
            if isinstance(job, PartDraft):
                batch.outcomes.append(PartOutcome(job, self._take(batch, job)))
                continue
            if isinstance(job, CaseWraps):
                self._keep(job)
                continue
            if isinstance(job, StreamGone | StreamLeft):
                self._writers.end_run(batch, job.stream_id)
            batch.outcomes.append(job)
        self._finish(batch)
        if self.fault in _PROBED and not batch.touched:
            self._probe()
        if self._clock.monotonic_us() >= self._retention_due_us:
            self.retain()

    def _probe(self) -> None:
        """Nothing is given to it any more: see now and then whether the disk takes something."""
        if self._clock.monotonic_us() < self._probe_due_us:
            return
        self._probe_due_us = self._clock.monotonic_us() + _PROBE_EVERY_US
        files = self._volume.files
        try:
            if files.free_bytes() < 2 * self._settings.part_bytes:
                return
            files.append(_PROBE_PATH, bytes(4096))
            files.sync()
            files.remove(_PROBE_PATH)
        except DiskError:
            return
        self._recovered()

    def _recovered(self) -> None:
        volume = str(self._volume.volume_id)
        self.fault = None
        _log.info("the volume takes everything again", volume=volume)
        self._on_fact(VolumeRecovered(volume))

    def _keep(self, job: CaseWraps) -> None:
        """Case wraps and a barrier of their own; what fails is sent again by the server."""
        try:
            kept = [keep_case_wrap(self._volume, wrapped) for wrapped in job.wraps]
            if any(kept):
                self._volume.files.sync()
        except DiskError as error:
            _log.warning("wraps of a case could not be kept", why=error.message)

    def retain(self) -> None:
        """Delete what is too old or too much."""
        self._retention_due_us = self._clock.monotonic_us() + self._settings.retention_every_us
        try:
            facts = self._retention.run(self._clock.now_us(), self._writers.held_keys())
        except DiskError as error:
            _log.warning("retention could not delete; it is tried again", why=error.message)
            return
        for fact in facts:
            self._on_fact(fact)
        self._is_held = self._retention.short_bytes > 0
        self._tell_forecast()

    def _tell_forecast(self) -> None:
        """When it changed by an hour: that is seldom, and soon enough."""
        try:
            self.capacity_bytes = self._retention.capacity_bytes()
            forecast = self._retention.forecast(self._clock.now_us())
        except DiskError:
            return
        hours = _hours(forecast.left_us), _hours(forecast.reach_us)
        if hours != self._told_hours:
            if hours[0] is not None and self._told_hours[0] is None:
                _log.warning("the volume is too small to keep everything for its time", hours_left=hours[0])
            self._told_hours = hours
            self._on_fact(VolumeForecast(str(self._volume.volume_id), *hours))

    def close(self) -> None:
        """End and sign every segment, write down that nothing follows, and sync."""
        batch = Batch()
        self._writers.end_all(batch)
        if batch.touched:
            self._barrier(batch)
        for stream_id, end_us in self._ledger.recording():
            self._ledger.missing(stream_id, end_us, GapReason.OUR_RESTART, "the recorder was stopped")
        self._ledger.end_purpose(self._clock.now_us(), "the recorder was stopped")
        self._account(batch)
        try:
            self._volume.write_index([RecorderMoment(self._clock.now_us(), is_start=False)])
            self._volume.files.sync()
        except DiskError as error:
            _log.error("the index could not be synced at the end", why=error.message)
        self._volume.files.close()

    def _finish(self, batch: Batch) -> None:
        if batch.touched:
            self._barrier(batch)
        self._account(batch)
        self._tell_fault(batch)

    def _take(self, batch: Batch, draft: PartDraft) -> GapReason | None:
        """Write one part; the reason why it is lost, or None."""
        try:
            self._writers.write(batch, draft)
            return None
        except DiskError as error:
            failure = error
        except ProtocolError as error:
            _log.error("units do not fit the container", stream=draft.stream_id, why=error.message)
            return GapReason.UNWRITABLE
        if failure.fault is DiskFault.FULL and self._make_room(batch, draft):
            try:
                self._writers.write(batch, draft)
                return None
            except DiskError as error:
                failure = error
        batch.fault = failure
        if failure.fault is not DiskFault.FULL:
            self._writers.abandon(batch, draft.stream_id)
        return FAULT_REASONS[failure.fault]

    def _make_room(self, batch: Batch, draft: PartDraft) -> bool:
        """Delete the oldest until this part fits; False if nothing may be deleted."""
        if not self._settings.delete_oldest_when_full:
            return False
        try:
            facts = self._retention.make_room(
                2 * draft.size_bytes + (1 << 20), self._clock.now_us(), self._writers.held_keys()
            )
        except DiskError as error:
            batch.fault, batch.barrier_failed = error, True
            return False
        for fact in facts:
            self._on_fact(fact)
        return bool(facts)

    def _barrier(self, batch: Batch) -> None:
        try:
            self._volume.files.sync()
        except DiskError as error:
            batch.fault, batch.barrier_failed = error, True
        if not batch.barrier_failed:
            self._writers.synced()
            return
        for trouble in self._writers.take_back(batch):
            _log.error("a segment could not be cut back after a failed barrier", why=trouble)
        batch.outcomes = [
            PartOutcome(one.draft, GapReason.DISK_FAILED) if isinstance(one, PartOutcome) else one
            for one in batch.outcomes
        ]

    def _account(self, batch: Batch) -> None:
        """Ledger, index, check-points and facts, now that it is known what is on the disk."""
        for outcome in batch.outcomes:
            self._account_one(outcome)
        gaps, self._ledger.records = self._ledger.records, []
        records: list[IndexRecord] = [*batch.opened, *batch.closed, *gaps]
        self._volume.catalogue.apply(records)
        self._unchecked.update(batch.touched)
        self._cuts += 1
        try:
            self._volume.write_index(records)
            if self._cuts % _CHECK_POINT_CUTS == 1:
                open_segments = self._writers.open_segments()
                changed = [one for one in open_segments if one.segment_id in self._unchecked]
                self._unchecked.clear()
                self._volume.write_check_points(changed, open_segments)
        except DiskError as error:
            batch.fault = batch.fault or error
        for record in records:
            fact = _fact(record)
            if fact is not None:
                self._on_fact(fact)

    def _account_one(self, outcome: PartOutcome | StreamGone | PartLost | StreamLeft | LostElsewhere) -> None:
        match outcome:
            case StreamGone(stream_id, at_us, reason, detail):
                self._ledger.missing(stream_id, at_us, reason, detail)
            case PartLost(stream_id, start_us, reason, detail):
                self._ledger.missing(stream_id, start_us, reason, detail)
            case LostElsewhere(stream_id, start_us, reason):
                self._ledger.missing(stream_id, start_us, reason)
            case StreamLeft(stream_id):
                self._ledger.left(stream_id)
            case PartOutcome(draft, None):
                self.lost.pop(draft.stream_id, None)
                self._ledger.recorded(
                    draft.stream_id, draft.span.start_us, draft.span.end_us, self._hole_before(draft)
                )
            case PartOutcome(draft, lost):
                assert lost is not None
                self.lost.setdefault(draft.stream_id, (draft.span.start_us, lost))
                self._ledger.missing(draft.stream_id, draft.span.start_us, lost)

    def _hole_before(self, draft: PartDraft) -> ReasonedHole | None:
        """Packets that never came, or a wall clock that was set forward."""
        if draft.after_loss:
            return ReasonedHole(GapReason.PACKETS_LOST)
        if draft.correction_us <= 0:
            return None
        words = f"by {draft.correction_us / 1e6:.3f} s"
        return ReasonedHole(GapReason.CLOCK_STEPPED, words, self._settings.anchor_tolerance_us)

    def _tell_fault(self, batch: Batch) -> None:
        slow = any(isinstance(one, PartLost) for one in batch.outcomes)
        fault = (
            batch.fault.fault.value if batch.fault else "slow" if slow else "held" if self._is_held else None
        )
        if fault == self.fault or (fault is None and not batch.touched):
            return
        self.fault = fault
        volume = str(self._volume.volume_id)
        if fault is None:
            self._recovered()
            return
        message = batch.fault.message if batch.fault else _WORDS[fault]
        _log.error("the volume does not take what should be written", volume=volume, why=message)
        self._on_fact(VolumeFailed(volume, fault, message))


def _hours(span_us: int | None) -> int | None:
    return None if span_us is None else span_us // HOUR_US


def _fact(record: IndexRecord) -> RecordingFact | None:
    match record:
        case GapRecord(stream_id, span):
            if span.end_us is None:
                return GapOpened(stream_id, span.start_us, span.reason, span.detail)
            return GapClosed(stream_id, span.start_us, span.end_us, span.reason)
        case SegmentOpening():
            return SegmentOpened(record.stream_id, record.run_id, record.segment_id, record.created_us)
        case SegmentSummary():
            return SegmentClosed(
                record.stream_id, record.run_id, record.segment_id, record.start_us, record.end_us,
                record.size_bytes, record.unit_count, record.chain_head.hex(),
            )  # fmt: skip
        case _:
            return None
