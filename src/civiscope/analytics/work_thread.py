"""A thread that works for some channels, one unit at a time, in turn; it can be given up when it hangs."""

import ctypes
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from civiscope.analytics.backlog import Backlog, RunEnd, RunTrack, WaitingUnit
from civiscope.analytics.channel_work import ChannelWork, WorkOrder, WorkTools
from civiscope.analytics.coverage import Coverage
from civiscope.analytics.detector import Detector
from civiscope.analytics.figures import Figures
from civiscope.analytics.watched import AtWork, Mark, guarded
from civiscope.base import AppError, get_log

RETRY_DETECTOR_US = 30_000_000
_log = get_log("civiscope.analytics")


@dataclass(frozen=True, slots=True)
class DetectorWish:
    """Which model shall look; `number` grows with each change."""

    name: str
    number: int = 0


@dataclass(slots=True, eq=False)
class Seat:
    """A channel's place in the pool. What the loop writes it writes under its thread's lock."""

    order: WorkOrder
    figures: Figures
    backlog: Backlog = field(default_factory=Backlog)
    run: RunTrack | None = None
    next_index: int = 0
    newest_us: int = 0
    """UTC of the newest unit's arrival."""
    is_changed: bool = False
    """The order is another than the one the thread works by."""
    is_leaving: bool = False
    is_ready: bool = False
    work: ChannelWork | None = None
    """The thread's own."""
    off: dict[UUID, str] = field(default_factory=dict)
    """Analytics that hung."""

    @property
    def has_work(self) -> bool:
        """Something waits for the thread."""
        return bool(len(self.backlog)) or self.is_changed or self.is_leaving


@dataclass(frozen=True, slots=True)
class Busy:
    """What a thread is doing."""

    seat: Seat
    since_us: int
    """Monotonic."""
    at_work: AtWork | None = None


class WorkThread:
    """Started at once. Called from the loop; nothing waits long."""

    def __init__(
        self,
        name: str,
        tools: WorkTools,
        make_detector: Callable[[str], Detector],
        wish: Callable[[], DetectorWish],
    ) -> None:
        self.seats: set[Seat] = set()
        self._tools = tools
        self._make_detector = make_detector
        self._wish = wish
        self._mark = Mark()
        self._busy: Busy | None = None
        self._ready: deque[Seat] = deque()
        self._condition = threading.Condition()
        self._is_stopping = False
        self._is_given_up = False
        self._detector: Detector | None = None
        self._detector_wish: DetectorWish | None = None
        self._detector_why = ""
        self._tried_us = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def detector_name(self) -> str:
        """Of the model in use here; empty while there is none."""
        detector = self._detector
        return "" if detector is None else detector.name

    @property
    def busy(self) -> Busy | None:
        """What it does now, and which analytic it waits for."""
        busy, at_work = self._busy, self._mark.at_work
        return None if busy is None else Busy(busy.seat, busy.since_us, at_work)

    def do(self, seat: Seat, change: Callable[[], None]) -> None:
        """Change what waits on a seat, and wake the thread if it has work now."""
        with self._condition:
            self.seats.add(seat)
            change()
            if seat.has_work and not seat.is_ready:
                seat.is_ready = True
                self._ready.append(seat)
                self._condition.notify()

    def ask_to_stop(self) -> None:
        """End what lasts on every seat, then the thread."""
        with self._condition:
            self._is_stopping = True
            self._condition.notify()

    def join(self, limit_s: float) -> None:
        """Wait for the end."""
        self._thread.join(limit_s)

    def give_up(self) -> set[Seat]:
        """It hangs: its seats are for another thread; what it says from now on does not count."""
        with self._condition:
            self._is_given_up = True
            seats, self.seats = self.seats, set()
            self._ready.clear()
        for seat in seats:
            if seat.work is not None:
                seat.work.drop()
            seat.work, seat.is_ready = None, False
        _interrupt(self._thread)
        return seats

    def _run(self) -> None:
        while (seat := self._next()) is not None:
            began_ns = time.thread_time_ns()
            self._busy = Busy(seat, self._tools.clock.monotonic_us())
            try:
                self._serve(seat)
            except Exception:  # the task supervisor's edge: one channel's failure ends no other's work
                self._fail(seat)
            finally:
                self._busy = None
            if self._is_given_up:
                return
            seat.figures.spent(self._tools.clock.monotonic_us(), (time.thread_time_ns() - began_ns) // 1000)
        self._finish()

    def _next(self) -> Seat | None:
        with self._condition:
            while not (self._ready or self._is_stopping or self._is_given_up):
                self._condition.wait()
            return self._ready.popleft() if self._ready and not self._is_stopping else None

    def _serve(self, seat: Seat) -> None:
        """One step of one seat: the next in turn come before its next one."""
        with self._condition:
            is_changed, seat.is_changed = seat.is_changed, False
            order, is_leaving = seat.order, seat.is_leaving
            item = None if is_leaving else seat.backlog.take()
        if is_leaving:
            self._leave(seat)
            return
        if self._detector_now() is None:
            self._drop_unseen(seat, item)
        else:
            self._work(seat, order, item, is_changed=is_changed)
        with self._condition:
            if self._is_given_up:
                return
            seat.is_ready = seat.has_work
            if seat.is_ready:
                self._ready.append(seat)

    def _work(
        self, seat: Seat, order: WorkOrder, item: WaitingUnit | RunEnd | None, *, is_changed: bool
    ) -> None:
        detector, work = self._detector, seat.work
        assert detector is not None
        if work is None:
            work = ChannelWork(order, detector, self._tools, seat.figures, self._mark)
            with self._condition:
                if self._is_given_up:
                    return
                seat.work = work
        elif is_changed:
            work.reorder(order)
        if item is not None:
            work.take(item)

    def _leave(self, seat: Seat) -> None:
        if seat.work is not None:
            seat.work.end()
            seat.work = None
        plan = seat.order.plan
        self._tools.coverage.forget(plan.channel_id, self._tools.clock.now_us(), "taken off the plan")
        with self._condition:
            self.seats.discard(seat)

    def _drop_unseen(self, seat: Seat, item: WaitingUnit | RunEnd | None) -> None:
        if seat.work is not None:
            seat.work.end()
            seat.work = None
        if isinstance(item, WaitingUnit):
            self._tools.coverage.note(
                seat.order.plan.channel_id, Coverage.NO_DETECTOR, item.unit.arrival_us, self._detector_why
            )

    def _detector_now(self) -> Detector | None:
        """The model that is wished, made here when it is another; None: it cannot be had."""
        wish, now_us = self._wish(), self._tools.clock.monotonic_us()
        if wish == self._detector_wish and (
            self._detector is not None or now_us - self._tried_us < RETRY_DETECTOR_US
        ):
            return self._detector
        self._detector_wish, self._tried_us = wish, now_us
        for seat in self.seats.copy():
            if seat.work is not None:
                seat.work.end()
                seat.work = None
        try:
            self._detector, self._detector_why = guarded(self._make_detector(wish.name)), ""
        except AppError as error:
            _log.error("there is no detector", wished=wish.name or "the best", why=error.message)
            self._detector, self._detector_why = None, error.message
        return self._detector

    def _fail(self, seat: Seat) -> None:
        if self._is_given_up:
            return
        channel_id = seat.order.plan.channel_id
        _log.exception("looking at a channel failed", channel=channel_id)
        words = "the analysis failed and begins anew with the next key frame; the log says more"
        self._tools.coverage.note(channel_id, Coverage.UNDECODABLE, seat.newest_us, words)
        if seat.work is not None:
            seat.work.drop()
        with self._condition:
            seat.work = None
            seat.backlog.clear()
            seat.is_ready = False

    def _finish(self) -> None:
        for seat in self.seats:
            if seat.work is not None and not self._is_given_up:
                seat.work.end()


def _interrupt(thread: threading.Thread) -> None:
    """Raise SystemExit in a thread that may never end (CPython `PyThreadState_SetAsyncExc`)."""
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
