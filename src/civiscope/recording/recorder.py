"""The recorder: takes units from ingest without ever waiting, and gives parts to the volumes' writers."""

from collections.abc import Sequence

from civiscope.base import Clock, RunId, StreamId, get_log
from civiscope.ingest import LossReason
from civiscope.media import AccessUnit, SenderClock, TrackConfig
from civiscope.recording.batch import CaseWraps, LostElsewhere, StreamGone, StreamLeft
from civiscope.recording.facts import StreamMoved
from civiscope.recording.model import GapReason
from civiscope.recording.placement import RecordedVolume, VolumeSlot, last_places, roomiest
from civiscope.recording.retention import DeletionRules
from civiscope.recording.run_parts import RunParts
from civiscope.recording.segment_writer import PartDraft
from civiscope.recording.settings import RecorderSettings
from civiscope.recording.volume import Volume
from civiscope.recording.volume_writer import OnFact
from civiscope.security import SegmentSealer

_CLOSE_TIMEOUT_S = 8.0
_CLOSE_TIMEOUT_US = 8_000_000
_WELL_FOR_US = 60_000_000
"""Before its streams come back to a volume that failed."""
_BY_SETTINGS = DeletionRules()
_log = get_log("civiscope.recording")


class Recorder:
    """An `ingest.StreamSink`: every call is short, none blocks, none decodes.

    All calls come from one thread. `on_fact` is called from the writers' threads and this one. The volumes
    belong to the recorder until `close`. A stream is on one volume at a time; one whose volume does not take
    its parts moves on to another, and back when that has been well for a minute.
    """

    def __init__(
        self, volumes: Volume | Sequence[RecordedVolume], sealer: SegmentSealer, clock: Clock,
        settings: RecorderSettings, on_fact: OnFact, rules: DeletionRules = _BY_SETTINGS,
    ) -> None:  # fmt: skip
        """A single volume is kept by `settings`; of several each by its own."""
        self._clock = clock
        self._settings = settings
        self._on_fact = on_fact
        self._sealer, self._rules = sealer, rules
        known = (RecordedVolume(volumes, settings),) if isinstance(volumes, Volume) else tuple(volumes)
        self._slots = [self._slot(one) for one in known]
        self._places: dict[StreamId, VolumeSlot] = last_places(self._slots)
        self._displaced: dict[StreamId, VolumeSlot] = {}
        self._runs: dict[StreamId, RunParts] = {}
        self._gone: dict[StreamId, str] = {}
        self._ended: dict[StreamId, tuple[VolumeSlot, int]] = {}
        self._cut_due_us = clock.monotonic_us() + settings.cut_every_us

    def add_volume(self, volume: RecordedVolume) -> None:
        """One more, as when its disk came back: streams may be put there, and those it had return."""
        slot = self._slot(volume)
        self._slots.append(slot)
        for stream_id in last_places([slot]):
            if stream_id in self._places:
                self._displaced.setdefault(stream_id, slot)

    @property
    def queued_bytes(self) -> int:
        """What waits for the disks; of each never above `settings.queue_bytes` by more than one part."""
        return sum(slot.queued_bytes for slot in self._slots)

    @property
    def has_room(self) -> bool:
        """Less than half of a well volume's queue is used: what waited in memory may come."""
        half_bytes = self._settings.queue_bytes // 2
        taking = [slot for slot in self._slots if slot.is_well] if len(self._slots) > 1 else self._slots
        return any(slot.queued_bytes <= half_bytes for slot in taking)

    def run_started(
        self, stream_id: StreamId, run_id: RunId, tracks: tuple[TrackConfig, ...], at_us: int
    ) -> None:
        """See `ingest.StreamSink`."""
        self._take(stream_id)
        self._gone.pop(stream_id, None)
        self._ended.pop(stream_id, None)
        self._runs[stream_id] = RunParts(stream_id, run_id, tracks, self._settings.anchor_tolerance_us)

    def tracks_changed(
        self, stream_id: StreamId, run_id: RunId, tracks: tuple[TrackConfig, ...], at_us: int
    ) -> None:
        """See `ingest.StreamSink`: a new generation begins a new segment."""
        run = self._run(stream_id, run_id)
        if run is not None:
            self._put(run.configure(tracks))

    def unit(self, stream_id: StreamId, run_id: RunId, unit: AccessUnit) -> None:
        """See `ingest.StreamSink`: key or not, damaged or not, every unit is kept."""
        run = self._runs.get(stream_id)
        if run is None or run.run_id != run_id:
            return
        draft = run.add(unit)
        if draft is not None:
            self._put(draft)
        if run.size_bytes >= self._settings.part_bytes:
            self._put(run.take())

    def sender_clock(self, stream_id: StreamId, run_id: RunId, report: SenderClock) -> None:
        """See `ingest.StreamSink`."""
        run = self._run(stream_id, run_id)
        if run is not None:
            run.sender_clock(report)

    def run_ended(
        self, stream_id: StreamId, run_id: RunId, at_us: int, reason: LossReason, detail: str
    ) -> None:
        """See `ingest.StreamSink`: the gap begins where the last unit ended."""
        if self._run(stream_id, run_id) is None:
            return
        self._take(stream_id)
        del self._runs[stream_id]
        slot = self._place(stream_id)
        self._ended[stream_id] = slot, slot.queue.handed + 1
        self._missing(stream_id, at_us, reason, detail)

    def stream_waiting(self, stream_id: StreamId, at_us: int, reason: LossReason, detail: str) -> None:
        """See `ingest.StreamSink`: a new reason splits the gap."""
        self._missing(stream_id, at_us, reason, detail)

    def paused(self, stream_id: StreamId, at_us: int, reason: GapReason) -> None:
        """Nothing follows, on purpose, until the next unit; the gap begins behind the last one."""
        self._take(stream_id)
        self._place(stream_id).add(StreamGone(stream_id, at_us, reason.value, ""))

    def keep_case_wraps(self, wraps: tuple[bytes, ...]) -> None:
        """Lay them beside what they open, with the next cut."""
        for slot in self._slots:
            slot.add(CaseWraps(wraps))

    def tick(self) -> None:
        """Cut when it is time: all open parts go to the writer together, under one barrier.

        Raises AppError(INTERNAL) when the writer thread died of a fault in the program.
        """
        for slot in self._slots:
            slot.queue.raise_if_dead()
        now_us = self._clock.monotonic_us()
        if now_us >= self._cut_due_us:
            every_us = self._settings.cut_every_us
            self._cut_due_us += every_us * ((now_us - self._cut_due_us) // every_us + 1)
            self.cut()

    def cut(self) -> None:
        """Close all open parts now and hand over what there is."""
        for run in self._runs.values():
            self._put(run.take())
        for slot in self._slots:
            slot.hand_over()

    def is_written(self, stream_id: StreamId) -> bool:
        """True if the stream's last run is over, and all of it is on the disk or counted as lost."""
        slot, number = self._ended.get(stream_id, (None, 0))
        return stream_id not in self._runs and (slot is None or slot.queue.done >= number)

    def wait_written(self, timeout_s: float = _CLOSE_TIMEOUT_S) -> bool:
        """Wait until all that was handed over is on the disk or counted as lost; for tests and stops."""
        return all(slot.queue.wait_empty(timeout_s) for slot in self._slots)

    def close(self) -> None:
        """Flush, sync, sign and end the segments; gaps `our_restart` open where something was recorded."""
        self.cut()
        for slot in self._slots:
            slot.queue.begin_close()
        until_us = self._clock.monotonic_us() + _CLOSE_TIMEOUT_US
        for slot in self._slots:
            slot.queue.join(max(0.0, (until_us - self._clock.monotonic_us()) / 1e6))

    def _run(self, stream_id: StreamId, run_id: RunId) -> RunParts | None:
        run = self._runs.get(stream_id)
        return run if run is not None and run.run_id == run_id else None

    def _take(self, stream_id: StreamId) -> None:
        run = self._runs.get(stream_id)
        if run is not None:
            self._put(run.take())

    def _missing(self, stream_id: StreamId, at_us: int, reason: LossReason, detail: str) -> None:
        if self._gone.get(stream_id) == reason:
            return
        self._gone[stream_id] = reason
        self._place(stream_id).add(StreamGone(stream_id, at_us, reason.value, detail))

    def _put(self, draft: PartDraft | None) -> None:
        if draft is not None:
            self._place(draft.stream_id).put(draft)

    def _slot(self, volume: RecordedVolume) -> VolumeSlot:
        return VolumeSlot(volume, self._sealer, self._clock, self._on_fact, self._rules)

    def _place(self, stream_id: StreamId) -> VolumeSlot:
        """Where the stream is written; it moves when that is not well and another is."""
        now = self._places.get(stream_id)
        if now is not None and len(self._slots) == 1:
            return now
        before = self._displaced.get(stream_id)
        if before is not None and before.well_for_us() >= _WELL_FOR_US:
            self._displaced.pop(stream_id)
            wanted: VolumeSlot | None = before
        elif now is not None and now.is_well:
            wanted = now
        else:
            wanted = roomiest(self._slots, self._places.values())
        if now is None:
            now = wanted or self._slots[0]
            self._places[stream_id] = now
        elif wanted is not None and wanted is not now:
            self._move(stream_id, now, wanted)
        return self._places[stream_id]

    def _move(self, stream_id: StreamId, old: VolumeSlot, new: VolumeSlot) -> None:
        """What the old one did not take is a gap in the ledger of the new one: that can be written."""
        lost = old.lost_of(stream_id)
        old.add(StreamLeft(stream_id))
        if lost is not None:
            new.add(LostElsewhere(stream_id, *lost))
        if not old.is_well:
            self._displaced.setdefault(stream_id, old)
        if self._displaced.get(stream_id) is new:
            del self._displaced[stream_id]
        self._places[stream_id] = new
        _log.warning("a stream moves to another volume", stream=stream_id, volume=new.volume_id)
        self._on_fact(StreamMoved(stream_id, old.volume_id, new.volume_id, old.fault or ""))
