"""One channel in the thread that works for it: units in, frames looked at, observations and coverage said."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from uuid import UUID

from civiscope.analytics.backlog import RunEnd, RunTrack, WaitingUnit
from civiscope.analytics.coverage import Coverage, CoverageBook
from civiscope.analytics.detector import Detector
from civiscope.analytics.eye import ChannelEye, SeeingSettings, Seen
from civiscope.analytics.face import AnalyticOrder, ChannelPlan
from civiscope.analytics.facts import AnalyticTroubled, ObservationMade
from civiscope.analytics.figures import Figures
from civiscope.analytics.model import Box, Phase
from civiscope.analytics.plugin_shelf import PluginShelf
from civiscope.analytics.running import Said
from civiscope.analytics.watched import DetectorFailedError, Mark, WatchedAnalytic, start_watched
from civiscope.base import AppError, Clock, StreamId, get_log
from civiscope.bus import Fact
from civiscope.media import AccessUnit, DecodeError, Frame, PictureDecoder

PICTURE_WIDTH_PX = 320
"""Of the picture of an event, at most."""
_AROUND = 0.6
"""The picture shows so much more on each side, in sizes of the thing."""
_REORDERED_LIMIT = 64
"""More units are never held back by a decoder."""
_KEY_FRAMES_WORDS = "key frames of the main stream only"
_MAIN_WORDS = "the main stream, for want of a smaller one"
_WAITING_WORDS = "waits for the next key frame"
_SEEN_BEFORE_US = 60_000_000
"""Units that are replayed after a restart are no older; older ones came after the clock was set back."""
_PICTURES_LIMIT = 8
"""In one frame: a JPEG takes some milliseconds."""
_log = get_log("civiscope.analytics")

SealPicture = Callable[[UUID, StreamId, int, bytes], bytes]
"""Event, stream, UTC of the frame, JPEG → sealed bytes (`security.PictureSealer.seal`)."""


@dataclass(frozen=True, slots=True)
class WorkTools:
    """What all channels share."""

    clock: Clock
    shelf: PluginShelf
    coverage: CoverageBook
    say: Callable[[Fact], None]
    """From any thread; never waits."""
    seal: SealPicture
    settings: SeeingSettings = field(default_factory=SeeingSettings)


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """What shall be done on a channel."""

    plan: ChannelPlan
    zone: tzinfo = UTC
    is_sparse: bool = False
    """Only key frames of it come in."""
    off: Mapping[UUID, str] = field(default_factory=dict)
    """Analytics that hung, and why: they stay off."""
    seen_until_us: int = 0
    """Frames that came until then were looked at before a restart."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A frame, and the paths that are in it."""

    frame: Frame
    tracks: frozenset[int]


class ChannelWork:
    """Lives in one thread. `drop` may be called from another: nothing is said from then on."""

    def __init__(
        self, order: WorkOrder, detector: Detector, tools: WorkTools, figures: Figures, mark: Mark
    ) -> None:
        self.order = order
        self._detector = detector
        self._tools = tools
        self._figures = figures
        self._mark = mark
        self._is_dropped = False
        self._run: RunTrack | None = None
        self._decoder: PictureDecoder | None = None
        self._eye: ChannelEye | None = None
        self._at_us = 0
        self._at_monotonic_us = 0
        self._arrivals: dict[int, WaitingUnit] = {}
        self._lasting: dict[UUID, Said] = {}
        self._analytics: tuple[WatchedAnalytic, ...] = ()
        self.troubles: dict[UUID, str] = {}
        """Analytic → why it is off; replaced whole, so that it may be read from another thread."""
        self._start_analytics()

    def take(self, item: WaitingUnit | RunEnd) -> None:
        """The next unit, or the end of the run."""
        if isinstance(item, RunEnd):
            self._end_run(item.at_us)
            return
        at_us = item.unit.arrival_us
        if not any(one.is_wanted(at_us) for one in self._analytics):
            self._rest(at_us)
            return
        try:
            self._prepare(item.run, at_us)
            self._decode(item)
        except DetectorFailedError as error:
            self._cover(Coverage.NO_DETECTOR, at_us, error.message)
        except AppError as error:
            self._cover(Coverage.UNDECODABLE, at_us, error.message)

    def reorder(self, order: WorkOrder) -> None:
        """Another plan for the same stream; what goes on unchanged keeps what it knows."""
        before, self.order = self.order, order
        kept = {
            one.order
            for one in self._analytics
            if one.order in order.plan.analytics
            and before.zone == order.zone
            and one.order.analytic_id not in order.off
        }
        for one in self._analytics:
            if one.order not in kept:
                self._say(one.end(self._now_us()))
        self._start_analytics(kept)

    def end(self) -> None:
        """Nothing more comes: what lasts ends."""
        self._end_run(self._now_us())

    def drop(self) -> None:
        """The thread was given up: what lasts ends here, and the thread's own words do not count."""
        self._end_lasting(self._now_us())
        self._is_dropped = True

    def _start_analytics(self, kept: Iterable[AnalyticOrder] = ()) -> None:
        running = {one.order: one for one in self._analytics if one.order in set(kept)}
        troubles = {
            analytic_id: why
            for analytic_id, why in self.order.off.items()
            if any(one.analytic_id == analytic_id for one in self.order.plan.analytics)
        }
        started: list[WatchedAnalytic] = []
        tools = self._tools
        for order in self.order.plan.analytics:
            if order.analytic_id in troubles:
                continue
            try:
                one = running.get(order) or start_watched(
                    order, tools.shelf, tools.clock, self.order.zone, self._mark
                )
            except AppError as error:
                troubles[order.analytic_id] = error.message
                self._tell_trouble(order.analytic_id, error.message)
                continue
            started.append(one)
        self._analytics = tuple(started)
        if self._eye is not None:
            self._eye.analytics = self._analytics
        self.troubles = troubles
        self._note_troubles()

    def _prepare(self, run: RunTrack, at_us: int) -> None:
        """Decoder and eye for this run, in this generation of its configuration."""
        if self._run is not None and self._run.run_id != run.run_id:
            self._end_run(at_us)
        if self._decoder is None or self._run is not run:
            self._decoder = PictureDecoder(run.track)
            self._arrivals.clear()
        self._run = run
        if self._eye is None:
            self._eye = ChannelEye(self._tools.settings, self._detector, self._analytics)
            self._at_us = 0

    def _decode(self, waiting: WaitingUnit) -> None:
        decoder, unit = self._decoder, waiting.unit
        assert decoder is not None
        self._arrivals[unit.pts] = waiting
        while len(self._arrivals) > _REORDERED_LIMIT:
            del self._arrivals[next(iter(self._arrivals))]
        try:
            frames = decoder.decode(unit)
        except DecodeError as error:
            self._cover(Coverage.UNDECODABLE, unit.arrival_us, error.message)
            return
        if not frames and decoder.is_waiting:
            self._cover(Coverage.UNDECODABLE, unit.arrival_us, _WAITING_WORDS)
        for frame in frames:
            self._look(frame, self._arrivals.pop(frame.pts, waiting))

    def _look(self, frame: Frame, waiting: WaitingUnit) -> None:
        if 0 <= self.order.seen_until_us - waiting.unit.arrival_us < _SEEN_BEFORE_US:
            return
        eye = self._eye
        assert eye is not None
        self._pass_time(waiting.unit)
        seen = eye.look(frame, waiting.index, self._at_us)
        if seen.observations:
            self._say(seen.observations, _Shown(frame, frozenset(one.track_id for one in seen.frame.objects)))
        self._cover(Coverage.ANALYSED, self._at_us, self._words())
        self._count(frame, seen, waiting.unit.arrival_monotonic_us)
        self._note_troubles()

    def _pass_time(self, unit: AccessUnit) -> None:
        """To the unit's arrival; on by the monotonic clock while the wall clock is set back."""
        passed_us = max(0, unit.arrival_monotonic_us - self._at_monotonic_us)
        is_back = unit.arrival_us < self._at_us
        self._at_us = self._at_us + passed_us if is_back else unit.arrival_us
        self._at_monotonic_us = unit.arrival_monotonic_us

    def _count(self, frame: Frame, seen: Seen, arrival_monotonic_us: int) -> None:
        figures, now_us = self._figures, self._tools.clock.monotonic_us()
        figures.width_px, figures.height_px = frame.width_px, frame.height_px
        figures.objects = len(seen.frame.objects)
        figures.looked(
            now_us, now_us - arrival_monotonic_us, moved=seen.motion.is_moving, detected=seen.did_detect
        )

    def _words(self) -> str:
        if not self.order.plan.is_main:
            return ""
        return _KEY_FRAMES_WORDS if self.order.is_sparse else _MAIN_WORDS

    def _rest(self, at_us: int) -> None:
        """Nothing is looked for now: nothing is decoded."""
        self._end_run(at_us)
        if not self.order.plan.analytics:
            why = "no analytic is on"
        elif len(self.troubles) >= len(self.order.plan.analytics):
            why = "every analytic is troubled"
        else:
            why = "outside the schedules of its analytics"
        self._cover(Coverage.SWITCHED_OFF, at_us, why)

    def _end_run(self, at_us: int) -> None:
        if self._eye is not None:
            self._say(self._eye.end(max(at_us, self._at_us)))
            self._note_troubles()
        self._end_lasting(max(at_us, self._at_us))
        self._eye = self._decoder = self._run = None
        self._arrivals.clear()
        self._figures.objects = 0

    def _end_lasting(self, at_us: int) -> None:
        left, self._lasting = self._lasting, {}
        for one in left.values():
            ended = replace(one.observation, phase=Phase.ENDED, at_us=at_us, frame_index=-1)
            self._publish(replace(one, observation=ended), b"")

    def _say(self, said: Sequence[Said], shown: _Shown | None = None) -> None:
        for place, one in enumerate(said):
            if one.observation.phase is Phase.BEGAN:
                self._lasting[one.observation.event_id] = one
            elif one.observation.phase is Phase.ENDED:
                self._lasting.pop(one.observation.event_id, None)
            self._publish(
                one, b"" if shown is None or place >= _PICTURES_LIMIT else self._picture(one, shown)
            )

    def _picture(self, said: Said, shown: _Shown) -> bytes:
        """Sealed: the thing and something around it, as it happens or begins; nothing of what is gone."""
        told = said.observation
        if told.phase is Phase.ENDED or not (told.track_id is None or told.track_id in shown.tracks):
            return b""
        try:
            jpeg = shown.frame.jpeg(None if told.box is None else _around(told.box), PICTURE_WIDTH_PX)
            return self._tools.seal(told.event_id, self.order.plan.stream_id, told.at_us, jpeg)
        except AppError as error:
            _log.warning("an event has no picture", channel=self.order.plan.channel_id, why=error.message)
            return b""

    def _publish(self, said: Said, picture: bytes) -> None:
        if self._is_dropped:
            return
        told, plan = said.observation, self.order.plan
        self._tools.say(
            ObservationMade(
                event_id=told.event_id, channel_id=plan.channel_id, stream_id=plan.stream_id,
                analytic_id=said.analytic_id, plugin=said.plugin, kind=told.kind, phase=told.phase.value,
                at_us=told.at_us, object_class="" if told.object_class is None else told.object_class.value,
                track_id=told.track_id, box_n=None if told.box is None else (*told.box,),
                place_n=told.place_n, zone=told.zone, direction=told.direction, score=float(told.score),
                values=told.values, detector=self._detector.name, picture=picture,
            )
        )  # fmt: skip

    def _note_troubles(self) -> None:
        for one in self._analytics:
            if one.trouble and one.analytic_id not in self.troubles:
                self.troubles = {**self.troubles, one.analytic_id: one.trouble}
                self._tell_trouble(one.analytic_id, one.trouble)

    def _tell_trouble(self, analytic_id: UUID, why: str) -> None:
        if not self._is_dropped:
            channel_id = self.order.plan.channel_id
            _log.warning("an analytic is off", channel=channel_id, analytic=analytic_id, why=why)
            self._tools.say(AnalyticTroubled(channel_id, analytic_id, self._now_us(), why))

    def _cover(self, reason: Coverage, at_us: int, detail: str) -> None:
        if not self._is_dropped:
            self._tools.coverage.note(self.order.plan.channel_id, reason, at_us, detail)

    def _now_us(self) -> int:
        return max(self._at_us, self._tools.clock.now_us())


def _around(box: Box) -> tuple[float, float, float, float]:
    width, height = (box.x1_n - box.x0_n) * _AROUND, box.height_n * _AROUND
    return box.x0_n - width, box.y0_n - height, box.x1_n + width, box.y1_n + height
