"""The thread that writes one volume, and what waits for it."""

import threading
from collections.abc import Callable

from civiscope.base import AppError, ErrorKind, get_log
from civiscope.recording.batch import Job

_log = get_log("civiscope.recording")


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

    def begin_close(self) -> None:
        """Write what waits, finish, end the thread."""
        with self._condition:
            self._is_closing = True
            self._condition.notify_all()

    def join(self, timeout_s: float) -> None:
        """Wait for the end of the thread; after `timeout_s` the rest is left to mending."""
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
