"""One of the recorder's volumes with its writer and what waits for it, and on which a stream is put."""

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from civiscope.base import Clock, StreamId
from civiscope.recording.batch import Job, PartLost
from civiscope.recording.model import GapReason
from civiscope.recording.retention import DeletionRules, Retention
from civiscope.recording.segment_writer import PartDraft
from civiscope.recording.settings import RecorderSettings
from civiscope.recording.volume import Volume
from civiscope.recording.volume_writer import OnFact, VolumeWriter
from civiscope.recording.writer_queue import WriterQueue
from civiscope.security import SegmentSealer


@dataclass(frozen=True, slots=True)
class RecordedVolume:
    """A volume to record on, its bounds, and who hears of it before everybody does."""

    volume: Volume
    settings: RecorderSettings
    on_fact: OnFact | None = None


class VolumeSlot:
    """Everything that goes to one volume; used by the recorder's thread. Its disk never makes it wait."""

    def __init__(
        self,
        place: RecordedVolume,
        sealer: SegmentSealer,
        clock: Clock,
        on_fact: OnFact,
        rules: DeletionRules,
    ) -> None:
        self.volume = place.volume
        self.volume_id = str(place.volume.volume_id)
        self._settings = place.settings
        self._clock = clock
        retention = Retention(place.volume, place.settings, rules)
        hears = place.on_fact or on_fact
        self._writer = VolumeWriter(place.volume, sealer, clock, place.settings, hears, retention)
        self.queue = WriterQueue(self._writer.process, self._writer.close)
        self._jobs: list[Job] = []
        self._jobs_bytes = 0
        self._shed: set[StreamId] = set()
        self._is_shedding = False
        self._waiting: dict[StreamId, deque[tuple[int, int]]] = {}
        self._well_since_us: int | None = None

    @property
    def queued_bytes(self) -> int:
        """What waits for the disk."""
        return self.queue.queued_bytes + self._jobs_bytes

    @property
    def fault(self) -> str | None:
        """Why it does not take what should be written; `slow` also while its writer hangs."""
        if self._writer.fault is not None:
            return self._writer.fault
        return "slow" if self.queued_bytes > self._settings.queue_bytes // 2 else None

    @property
    def is_well(self) -> bool:
        """It takes what is given to it."""
        return self.fault in (None, "held")

    def well_for_us(self) -> int:
        """How long it has been well, as far as it was looked at."""
        now_us = self._clock.monotonic_us()
        if not self.is_well:
            self._well_since_us = None
        elif self._well_since_us is None:
            self._well_since_us = now_us
        return 0 if self._well_since_us is None else now_us - self._well_since_us

    @property
    def room_bytes(self) -> int:
        """What it could hold at its last look at retention, by its quota and its disk."""
        return self._writer.capacity_bytes

    def add(self, job: Job) -> None:
        """With the next cut."""
        self._jobs.append(job)

    def put(self, draft: PartDraft) -> None:
        """Into the queue, or, while the disk is too slow, into the ledger."""
        limit_bytes = self._settings.queue_bytes
        waiting_bytes = self.queued_bytes
        if self._is_shedding and waiting_bytes <= limit_bytes // 2:
            self._is_shedding = False
            self._shed.clear()
        if waiting_bytes + draft.size_bytes > limit_bytes:
            self._is_shedding = True
        if not self._is_shedding:
            self._jobs.append(draft)
            self._jobs_bytes += draft.size_bytes
            self._waits(draft)
        elif draft.stream_id not in self._shed:
            self._shed.add(draft.stream_id)
            self._jobs.append(PartLost(draft.stream_id, draft.span.start_us, GapReason.DISK_SLOW))

    def hand_over(self) -> None:
        """Give the writer what was gathered; nothing lets it see to retention."""
        self.queue.put(self._jobs, self._jobs_bytes)
        self._jobs = []
        self._jobs_bytes = 0
        self.well_for_us()

    def lost_of(self, stream_id: StreamId) -> tuple[int, GapReason] | None:
        """Since when, and why, parts of the stream are not on the disk; asked when it leaves."""
        lost = self._writer.lost.pop(stream_id, None)
        waiting = self._waiting.pop(stream_id, ())
        unwritten = next((start_us for number, start_us in waiting if number > self.queue.done), None)
        if lost is None and unwritten is not None:
            return unwritten, GapReason.DISK_SLOW
        return lost

    def _waits(self, draft: PartDraft) -> None:
        waiting = self._waiting.setdefault(draft.stream_id, deque())
        while waiting and waiting[0][0] <= self.queue.done:
            waiting.popleft()
        waiting.append((self.queue.handed + 1, draft.span.start_us))


def roomiest(slots: Iterable[VolumeSlot], placed: Collection[VolumeSlot]) -> VolumeSlot | None:
    """The one with the most room for each stream that is there; None while none is well."""
    well = [slot for slot in slots if slot.is_well]
    return max(well, key=lambda slot: slot.room_bytes / (1 + _count(slot, placed)), default=None)


def last_places(slots: Iterable[VolumeSlot]) -> dict[StreamId, VolumeSlot]:
    """Where the newest segment of each stream lies."""
    newest: dict[StreamId, tuple[bytes, VolumeSlot]] = {}
    for slot in slots:
        for stream_id, stream in slot.volume.catalogue.streams.items():
            last = next(reversed(stream.closed), None)
            mark = b"" if last is None else last.bytes
            if stream_id not in newest or mark > newest[stream_id][0]:
                newest[stream_id] = mark, slot
    return {stream_id: slot for stream_id, (_, slot) in newest.items()}


def _count(slot: VolumeSlot, placed: Collection[VolumeSlot]) -> int:
    return sum(one is slot for one in placed)
