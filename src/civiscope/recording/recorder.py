"""The recorder: takes units from ingest without ever waiting, and gives parts to the writer thread."""

import threading
from collections.abc import Callable

from civiscope.base import AppError, Clock, ErrorKind, RunId, StreamId, get_log
from civiscope.ingest import LossReason
from civiscope.media import AccessUnit, SenderClock, TrackConfig
from civiscope.recording.batch import CaseWraps, Job, PartLost, StreamGone
from civiscope.recording.model import GapReason
from civiscope.recording.retention import DeletionRules, Retention
from civiscope.recording.run_parts import RunParts
from civiscope.recording.segment_writer import PartDraft
from civiscope.recording.settings import RecorderSettings
from civiscope.recording.volume import Volume
from civiscope.recording.volume_writer import OnFact, VolumeWriter
from civiscope.security import SegmentSealer

_CLOSE_TIMEOUT_S = 8.0
_BY_SETTINGS = DeletionRules()
_log = get_log("civiscope.recording")


class Recorder:
    """An `ingest.StreamSink`: every call is short, none blocks, none decodes.

    All calls come from one thread. `on_fact` is called from the writer thread. The volume belongs to the
    recorder until `close`.
    """

    def __init__(
        self, volume: Volume, sealer: SegmentSealer, clock: Clock, settings: RecorderSettings,
        on_fact: OnFact, rules: DeletionRules = _BY_SETTINGS,
    ) -> None:  # fmt: skip
        self._clock = clock
        self._settings = settings
        retention = Retention(volume, settings, rules)
        self._writer = VolumeWriter(volume, sealer, clock, settings, on_fact, retention)
        self._queue = WriterQueue(self._writer.process, self._writer.close)
        self._runs: dict[StreamId, RunParts] = {}
        self._gone: dict[StreamId, str] = {}
        self._ended: dict[StreamId, int] = {}
        self._shed: set[StreamId] = set()
        self._is_shedding = False
        self._cut_due_us = clock.monotonic_us() + settings.cut_every_us
        self._jobs: list[Job] = []
        self._jobs_bytes = 0

    @property
    def queued_bytes(self) -> int:
        """What waits for the disk; never above `settings.queue_bytes` by more than one part."""
        return self._queue.queued_bytes + self._jobs_bytes

    @property
    def has_room(self) -> bool:
        """Less than half of the queue is used: what waited in memory may come."""
        return self.queued_bytes <= self._settings.queue_bytes // 2

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
        self._ended[stream_id] = self._queue.handed + 1
        self._missing(stream_id, at_us, reason, detail)

    def stream_waiting(self, stream_id: StreamId, at_us: int, reason: LossReason, detail: str) -> None:
        """See `ingest.StreamSink`: a new reason splits the gap."""
        self._missing(stream_id, at_us, reason, detail)

    def paused(self, stream_id: StreamId, at_us: int, reason: GapReason) -> None:
        """Nothing follows, on purpose, until the next unit; the gap begins behind the last one."""
        self._take(stream_id)
        self._jobs.append(StreamGone(stream_id, at_us, reason.value, ""))

    def keep_case_wraps(self, wraps: tuple[bytes, ...]) -> None:
        """Lay them beside what they open, with the next cut."""
        self._jobs.append(CaseWraps(wraps))

    def tick(self) -> None:
        """Cut when it is time: all open parts go to the writer together, under one barrier.

        Raises AppError(INTERNAL) when the writer thread died of a fault in the program.
        """
        self._queue.raise_if_dead()
        now_us = self._clock.monotonic_us()
        if now_us >= self._cut_due_us:
            every_us = self._settings.cut_every_us
            self._cut_due_us += every_us * ((now_us - self._cut_due_us) // every_us + 1)
            self.cut()

    def cut(self) -> None:
        """Close all open parts now and hand over what there is."""
        for run in self._runs.values():
            self._put(run.take())
        self._queue.put(self._jobs, self._jobs_bytes)
        self._jobs = []
        self._jobs_bytes = 0

    def is_written(self, stream_id: StreamId) -> bool:
        """True if the stream's last run is over, and all of it is on the disk or counted as lost."""
        return stream_id not in self._runs and self._queue.done >= self._ended.get(stream_id, 0)

    def wait_written(self, timeout_s: float = _CLOSE_TIMEOUT_S) -> bool:
        """Wait until all that was handed over is on the disk or counted as lost; for tests and stops."""
        return self._queue.wait_empty(timeout_s)

    def close(self) -> None:
        """Flush, sync, sign and end the segments; gaps `our_restart` open where something was recorded."""
        self.cut()
        self._queue.close(_CLOSE_TIMEOUT_S)

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
        self._jobs.append(StreamGone(stream_id, at_us, reason.value, detail))

    def _put(self, draft: PartDraft | None) -> None:
        """Into the queue, or, while the disk is too slow, into the ledger."""
        if draft is None:
            return
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
        elif draft.stream_id not in self._shed:
            self._shed.add(draft.stream_id)
            self._jobs.append(PartLost(draft.stream_id, draft.span.start_us, GapReason.DISK_SLOW))


class WriterQueue:
    """The writer thread and what waits for it; bounded by the recorder, in bytes.

    `handed` counts what was put, `done` how much of that the thread is through with.
    """

    def __init__(self, process: Callable[[list[Job]], None], finish: Callable[[], None]) -> None:
        self._process = process
        self._finish = finish
        self._condition = threading.Condition()
        self._jobs: list[Job] = []
        self._jobs_bytes = 0
        self._writing_bytes = 0
        self.handed = self.done = 0
        self._is_busy = False
        self._is_closing = False
        self._died_of: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="volume-writer", daemon=True)
        self._thread.start()

    @property
    def queued_bytes(self) -> int:
        """Bytes of units that wait or are being written."""
        return self._jobs_bytes + self._writing_bytes

    def put(self, jobs: list[Job], size_bytes: int) -> None:
        """Hand over; never waits for the disk. An empty list lets the writer see to retention."""
        with self._condition:
            self._jobs += jobs
            self._jobs_bytes += size_bytes
            self.handed += 1
            self._is_busy = True
            self._condition.notify_all()

    def wait_empty(self, timeout_s: float) -> bool:
        """True when nothing waits and nothing is being written."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._is_busy or self._died_of is not None, timeout_s)

    def raise_if_dead(self) -> None:
        """AppError(INTERNAL) when the thread died; the supervisor starts the process anew."""
        if self._died_of is not None:
            raise AppError(ErrorKind.INTERNAL, "the writer thread of the recorder died; see the log above")

    def close(self, timeout_s: float) -> None:
        """Write what waits, finish, end the thread; after `timeout_s` the rest is left to mending."""
        with self._condition:
            self._is_closing = True
            self._condition.notify_all()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            _log.error("the disk did not take the end of the recording in time; the next start mends it")

    def _run(self) -> None:
        try:
            while self._step():
                pass
            self._finish()
        except Exception as error:  # the edge of a supervised thread: `tick` raises, the process is restarted
            _log.exception("the writer thread of the recorder died")
            with self._condition:
                self._died_of = error
                self._condition.notify_all()

    def _step(self) -> bool:
        with self._condition:
            self._condition.wait_for(lambda: self._is_busy or self._is_closing)
            jobs, self._jobs = self._jobs, []
            self._writing_bytes, self._jobs_bytes = self._jobs_bytes, 0
            closing, taken = self._is_closing, self.handed
        self._process(jobs)
        with self._condition:
            self.done = taken
            self._writing_bytes = 0
            self._is_busy = bool(self._jobs)
            self._condition.notify_all()
        return not closing
