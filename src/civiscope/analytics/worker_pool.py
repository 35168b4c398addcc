"""All channels of the plan, on a thread for each core: units in from the loop, fairly in turn."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from civiscope.analytics.backlog import Backlog, BacklogLimits, RunTrack, Shed, WaitingUnit
from civiscope.analytics.channel_work import WorkOrder, WorkTools
from civiscope.analytics.coverage import Coverage
from civiscope.analytics.detector import Detector
from civiscope.analytics.face import AnalysisPlan, AnalyticState, ChannelFigures, ChannelPlan
from civiscope.analytics.facts import AnalyticTroubled
from civiscope.analytics.figures import Figures
from civiscope.analytics.work_thread import Busy, DetectorWish, Seat, WorkThread
from civiscope.base import ChannelId, StreamId, get_log
from civiscope.media import AccessUnit, TrackConfig, TrackKind

_SMALL_PX = 640 * 480
_KEY_EVERY_US = 200_000
"""Of streams of key frames only (MJPEG): no more than five a second."""
_GIVEN_UP_LIMIT = 16
_log = get_log("civiscope.analytics")

PoolTools = WorkTools


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How much of the machine may look, and when a thread is given up."""

    threads: int = 0
    """0: one for each core."""
    full_main: bool = False
    """Large main streams are decoded whole, not by their key frames alone."""
    limits: BacklogLimits = field(default_factory=BacklogLimits)
    hang_us: int = 5_000_000
    """Of an analytic's answer."""
    stuck_us: int = 15_000_000
    """Of anything else, such as a decoder; a model is loaded within it."""


_SETTINGS = PoolSettings()


class WorkerPool:
    """Made, fed and asked on one loop; works on threads of its own. Nothing here waits for them."""

    def __init__(
        self, tools: WorkTools, make_detector: Callable[[str], Detector], settings: PoolSettings = _SETTINGS
    ) -> None:
        """`make_detector` gets the name that is wished ("": the best) and is called once in each thread."""
        self._tools = tools
        self._make_detector = make_detector
        self._settings = settings
        self._wish = DetectorWish("")
        self._seats: dict[ChannelId, Seat] = {}
        self._streams: dict[StreamId, Seat] = {}
        self._thread_of: dict[Seat, WorkThread] = {}
        self._made = 0
        self._given_up = 0
        self._threads = [self._new_thread() for _ in range(settings.threads or os.cpu_count() or 1)]

    @property
    def wanted(self) -> frozenset[StreamId]:
        """The streams whose units shall be brought: something is looked for in them."""
        return frozenset(stream_id for stream_id, seat in self._streams.items() if seat.order.plan.analytics)

    @property
    def detector_name(self) -> str:
        """The model in use; empty while none is loaded."""
        return next((one.detector_name for one in self._threads if one.detector_name), "")

    @property
    def is_wedged(self) -> bool:
        """So many threads hang that the process should start anew."""
        return self._given_up >= _GIVEN_UP_LIMIT

    # The plan

    def apply(self, plan: AnalysisPlan, seen_until_us: int | None = None) -> None:
        """Look at these channels from now on. `seen_until_us`: when an earlier process was last at work."""
        if plan.detector != self._wish.name:
            self._wish = DetectorWish(plan.detector, self._wish.number + 1)
        zone = _zone(plan.time_zone)
        wanted = {one.channel_id: one for one in plan.channels}
        for channel_id, seat in list(self._seats.items()):
            now = wanted.get(channel_id)
            if now is None or now.stream_id != seat.order.plan.stream_id:
                self._remove(channel_id, seat)
        for channel in plan.channels:
            found = self._seats.get(channel.channel_id)
            if found is None:
                self._add(channel, zone, seen_until_us)
            else:
                self._change(found, channel, zone)

    def _add(self, channel: ChannelPlan, zone: tzinfo, seen_until_us: int | None) -> None:
        order = WorkOrder(channel, zone, seen_until_us=seen_until_us or 0)
        seat = Seat(order, Figures(self._tools.clock.monotonic_us()), Backlog(self._settings.limits))
        self._seats[channel.channel_id] = self._streams[channel.stream_id] = seat
        self._place(seat)
        if seen_until_us is not None:
            self._cover(seat, Coverage.OUR_RESTART, seen_until_us, "the analyst starts")
        if channel.analytics:
            if seen_until_us is None:
                self._cover(seat, Coverage.NO_STREAM, self._now_us(), "waits for its first picture")
        else:
            self._switch_off(seat)

    def _change(self, seat: Seat, channel: ChannelPlan, zone: tzinfo) -> None:
        before = seat.order
        if (before.plan, before.zone) == (channel, zone):
            return
        unchanged = {one.analytic_id for one in channel.analytics if one in before.plan.analytics}
        seat.off = {one: why for one, why in seat.off.items() if one in unchanged}
        order = replace(before, plan=channel, zone=zone, off=dict(seat.off))

        def change() -> None:
            seat.order, seat.is_changed = order, True
            if not channel.analytics:
                seat.backlog.clear()
                seat.backlog.end_run(self._now_us())

        self._thread_of[seat].do(seat, change)
        if not channel.analytics:
            self._switch_off(seat)
        elif not before.plan.analytics:
            self._cover(seat, Coverage.NO_STREAM, self._now_us(), "waits for its first picture")

    def _switch_off(self, seat: Seat) -> None:
        self._cover(seat, Coverage.SWITCHED_OFF, self._now_us(), "no analytic is on")

    def _remove(self, channel_id: ChannelId, seat: Seat) -> None:
        del self._seats[channel_id]
        self._streams.pop(seat.order.plan.stream_id, None)

        def leave() -> None:
            seat.backlog.clear()
            seat.is_leaving = True

        self._thread_of.pop(seat).do(seat, leave)

    def _place(self, seat: Seat) -> None:
        """On the thread with the least to do; by what channels cost now, else by their number."""
        now_us = self._tools.clock.monotonic_us()

        def load(thread: WorkThread) -> tuple[float, int]:
            seats = thread.seats.copy()
            return sum(one.figures.rates(now_us).cost_ms_per_s for one in seats) // 50, len(seats)

        self._thread_of[seat] = thread = min(self._threads, key=load)
        thread.do(seat, lambda: None)

    # What the feed brings

    def run(self, stream_id: StreamId, run_id: UUID, tracks: Sequence[TrackConfig]) -> None:
        """A run, or a new configuration of it."""
        seat = self._streams.get(stream_id)
        track = next((one for one in tracks if one.kind is TrackKind.VIDEO), None)
        if seat is None:
            return
        is_new = seat.run is None or seat.run.run_id != run_id
        if seat.run is not None and is_new:
            self._thread_of[seat].do(seat, lambda: seat.backlog.end_run(seat.newest_us))
        if is_new:
            seat.next_index = 0
        seat.run = None if track is None else RunTrack(run_id, track)
        if track is None:
            self._cover(seat, Coverage.NO_STREAM, self._now_us(), "the stream has no picture")
            return
        is_sparse = seat.order.plan.is_main and not self._settings.full_main and not _is_small(track)
        if is_sparse != seat.order.is_sparse:
            order = replace(seat.order, is_sparse=is_sparse)
            self._thread_of[seat].do(seat, lambda: _put(seat, order))

    def unit(self, stream_id: StreamId, unit: AccessUnit) -> None:
        """One access unit; those of sound are left out."""
        seat = self._streams.get(stream_id)
        if seat is None or seat.run is None or unit.track_id != seat.run.track.track_id:
            return
        index = seat.next_index
        seat.next_index += 1
        if seat.order.is_sparse and not (
            unit.is_key and not 0 <= unit.arrival_us - seat.newest_us < _KEY_EVERY_US
        ):
            return
        seat.newest_us = unit.arrival_us
        waiting = WaitingUnit(seat.run, unit, index, self._tools.clock.monotonic_us())
        shed: list[Shed | None] = []
        self._thread_of[seat].do(seat, lambda: shed.append(seat.backlog.add(waiting)))
        if shed[0] is not None:
            self._note_shed(seat, shed[0].from_us, shed[0].count)

    def missed(self, stream_id: StreamId, count: int) -> None:
        """The feed left out units for us, because this process did not take them in."""
        seat = self._streams.get(stream_id)
        if seat is None:
            return
        seat.next_index += count
        self._thread_of[seat].do(seat, seat.backlog.lose)
        self._note_shed(seat, seat.newest_us + 1, count)

    def ended(self, stream_id: StreamId, at_us: int, words: str) -> None:
        """The stream is not there from now on, and this is why."""
        seat = self._streams.get(stream_id)
        if seat is None:
            return
        if seat.run is not None:
            seat.run = None
            self._thread_of[seat].do(seat, lambda: seat.backlog.end_run(at_us))
        self._cover(seat, Coverage.NO_STREAM, at_us, words)

    def _note_shed(self, seat: Seat, from_us: int, count: int) -> None:
        seat.figures.shed_frames += count
        self._cover(seat, Coverage.SHED, from_us, "more pictures came than this machine has time for")

    # Watching over the threads

    def check(self) -> None:
        """Give up threads that hang; called twice a second or so."""
        now_us = self._tools.clock.monotonic_us()
        for place, thread in enumerate(self._threads):
            busy = thread.busy
            if busy is not None and self._hangs(busy, now_us):
                self._threads[place] = self._new_thread()
                self._move(thread.give_up(), busy, self._threads[place])
                self._given_up += 1

    def _hangs(self, busy: Busy, now_us: int) -> bool:
        if busy.at_work is not None:
            return now_us - busy.at_work.began_us > self._settings.hang_us
        return now_us - busy.since_us > self._settings.stuck_us

    def _move(self, seats: Iterable[Seat], busy: Busy, thread: WorkThread) -> None:
        self._blame(busy)
        for seat in seats:
            if seat in self._thread_of:
                self._thread_of[seat] = thread
            thread.do(seat, seat.backlog.lose)

    def _blame(self, busy: Busy) -> None:
        """Whoever hung stays off; what waited for it is shed."""
        seat, plan = busy.seat, busy.seat.order.plan
        _log.error("a thread hangs and is given up", channel=plan.channel_id, analytic=busy.at_work)
        self._note_shed(seat, seat.newest_us + 1, seat.backlog.clear())
        if busy.at_work is None:
            return
        why = (
            f"It did not answer within {self._settings.hang_us / 1e6:g} s. It is off until its settings "
            "change or the analyst starts anew."
        )
        seat.off = {**seat.off, busy.at_work.analytic_id: why}
        seat.order = replace(seat.order, off=seat.off)
        self._tools.say(AnalyticTroubled(plan.channel_id, busy.at_work.analytic_id, self._now_us(), why))

    def _new_thread(self) -> WorkThread:
        self._made += 1
        return WorkThread(f"look-{self._made}", self._tools, self._make_detector, lambda: self._wish)

    # How it stands

    def figures(self) -> tuple[ChannelFigures, ...]:
        """Every channel of the plan."""
        now_us = self._tools.clock.monotonic_us()
        return tuple(self._figures(channel_id, seat, now_us) for channel_id, seat in self._seats.items())

    def _figures(self, channel_id: ChannelId, seat: Seat, now_us: int) -> ChannelFigures:
        covered, counted, work = self._tools.coverage.of(channel_id), seat.figures, seat.work
        rates = counted.rates(now_us)
        troubles: Mapping[UUID, str] = {} if work is None else work.troubles
        return ChannelFigures(
            channel_id=channel_id,
            coverage="" if covered is None else covered.reason.value,
            since_us=0 if covered is None else covered.since_us,
            detail="" if covered is None else covered.detail,
            frames_per_s=rates.frames_per_s, moving_share=rates.moving_share,
            detections_per_s=rates.detections_per_s, cost_ms_per_s=rates.cost_ms_per_s,
            width_px=counted.width_px, height_px=counted.height_px, objects=counted.objects,
            shed_frames=counted.shed_frames,
            analytics=tuple(
                AnalyticState(one.analytic_id, {**seat.off, **troubles}.get(one.analytic_id, ""))
                for one in seat.order.plan.analytics
            ),
            latency_ms=rates.latency_ms,
        )  # fmt: skip

    def close(self, limit_s: float = 2.0) -> None:
        """End what lasts and every thread; blocks up to the limit. Nothing is looked at any more."""
        for thread in self._threads:
            thread.ask_to_stop()
        for thread in self._threads:
            thread.join(limit_s / len(self._threads))
        self._tools.coverage.end(self._now_us(), "the analyst was stopped")

    def _cover(self, seat: Seat, reason: Coverage, at_us: int, detail: str) -> None:
        self._tools.coverage.note(seat.order.plan.channel_id, reason, at_us, detail)

    def _now_us(self) -> int:
        return self._tools.clock.now_us()


def _put(seat: Seat, order: WorkOrder) -> None:
    seat.order, seat.is_changed = order, True


def _is_small(track: TrackConfig) -> bool:
    return 0 < track.width_px * track.height_px <= _SMALL_PX


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        _log.error("the time zone of the plan is not known here; schedules go by UTC", zone=name)
        return UTC
