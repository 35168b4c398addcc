"""A bounded queue of calls and the few threads that serve it, each with a connection of its own."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from civiscope.base import AppError, ErrorKind

T = TypeVar("T")


class Servant(Protocol):
    """What a thread of the queue works with; made, used and closed on that one thread."""

    def serve(self, work: Callable[[Any], Any], limit_us: int) -> Any:  # any value a call works on and gives
        """Do one call."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[Any], Any]
    limit_us: int
    future: "Future[Any]"


class CallQueue:
    """Calls wait in one queue (bounded: `EXHAUSTED` when full) and are served in order of arrival.

    `close` serves what is queued and then ends the threads; later calls are refused with `UNAVAILABLE`.
    """

    def __init__(
        self, name: str, make_servant: Callable[[], Servant], threads: int, queue_limit: int
    ) -> None:
        self._name = name
        self._make_servant = make_servant
        self._queue: queue.Queue[_Job | None] = queue.Queue(queue_limit)
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._thread_limit = threads
        self._closed = False

    def submit(self, work: Callable[[Any], T], limit_us: int) -> "Future[T]":
        """Queue one call; never blocks. A future cancelled before its turn is not served."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise AppError(ErrorKind.UNAVAILABLE, f"The database is closed ({self._name}).")
            if threading.current_thread() in self._threads:
                raise RuntimeError(f"a call inside a call would wait for itself ({self._name})")
            if len(self._threads) < self._thread_limit:
                self._start_thread()
            try:
                self._queue.put_nowait(_Job(work, limit_us, future))
            except queue.Full:
                raise AppError(
                    ErrorKind.EXHAUSTED,
                    f"The database has {self._queue.maxsize} calls waiting ({self._name}): try again later.",
                ) from None
        return future

    def close(self) -> None:
        """Serve what is queued, then end; returns when every thread is gone."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            threads = list(self._threads)
        for _ in threads:
            self._queue.put(None)
        for thread in threads:
            thread.join()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._run, name=f"{self._name}-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self) -> None:
        servant = self._make_servant()
        try:
            while (job := self._queue.get()) is not None:
                _do(servant, job)
                del job  # a waiting thread must not keep the last result alive
        finally:
            servant.close()


def _do(servant: Servant, job: _Job) -> None:
    if not job.future.set_running_or_notify_cancel():
        return
    try:
        result = servant.serve(job.work, job.limit_us)
    except BaseException as error:  # whatever it is, it is the caller's: it goes back through the future
        job.future.set_exception(error)
    else:
        job.future.set_result(result)
