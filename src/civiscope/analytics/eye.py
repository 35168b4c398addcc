"""One channel's pipeline: block map, detector only where something moves, tracker, analytics on paths."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from civiscope.analytics.detector import Detector
from civiscope.analytics.face import AnalyticOrder
from civiscope.analytics.model import Box, Detections, SeenFrame, TrackedObject
from civiscope.analytics.motion import BlockMap, Motion, MotionSettings
from civiscope.analytics.plugin_shelf import PluginShelf
from civiscope.analytics.running import RunningAnalytic, Said, start_analytic
from civiscope.analytics.second_look import WithSecondLook, unexplained, with_vehicles
from civiscope.analytics.tracker import Tracker, TrackerSettings
from civiscope.base import AppError, Clock
from civiscope.media import Frame


@dataclass(frozen=True, slots=True)
class SeeingSettings:
    """What is shipped: every threshold of looking has its default here, in the settings of its part, and
    nowhere else."""

    motion: MotionSettings = field(default_factory=MotionSettings)
    tracker: TrackerSettings = field(default_factory=TrackerSettings)
    recheck_s: float = 5.0
    """Things at rest, with nothing moving, are looked for so often at first, then less and less."""
    most_recheck_s: float = 20.0
    """And at least so often."""
    resting_s: float = 0.6
    """The same while something moves at their own places only."""
    uncertain_s: float = 0.4
    """Things that are new, moved or were not found are looked for so often, though nothing moves."""
    settle_s: float = 1.0
    """After the picture changed as a whole, the detector looks at each frame for so long."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one frame gave."""

    frame: SeenFrame
    observations: tuple[Said, ...]
    motion: Motion
    did_detect: bool


class ChannelEye:
    """Looks at the frames of one run of one channel, in order. No I/O, no clock, no thread of its own."""

    def __init__(
        self,
        settings: SeeingSettings,
        detector: Detector,
        analytics: Sequence[RunningAnalytic] = (),
    ) -> None:
        self._settings = settings
        self._detector = detector
        self._second = detector.second if isinstance(detector, WithSecondLook) else None
        self.analytics = tuple(analytics)
        self._tracker = Tracker(detector.levels, settings.tracker)
        self._map: BlockMap | None = None
        self._size_px = (0, 0)
        self._at_us: int | None = None
        self._detected_us: int | None = None
        self._recheck_s = settings.recheck_s
        self._settled_us = 0

    def look(self, frame: Frame, index: int, at_us: int) -> Seen:
        """The next frame; `at_us` never goes back within a run.

        Raises AppError INVALID when the picture is too small or the detector fails; the eye can go on.
        """
        step_s = 0.0 if self._at_us is None else (at_us - self._at_us) / 1e6
        self._at_us = at_us
        motion = self._map_for(frame).look(frame.luma(), step_s)
        if motion.is_new_picture:
            self._settled_us = at_us + int(self._settings.settle_s * 1e6)
        stirred = _stirred(motion, self._tracker)
        did_detect = self._should_detect(motion, stirred, at_us)
        objects = (
            self._detect(frame, at_us, stirred, motion) if did_detect else self._tracker.carry(at_us, stirred)
        )
        seen = SeenFrame(index, at_us, objects)
        said = tuple(one for analytic in self.analytics for one in analytic.look(seen))
        return Seen(seen, said, motion, did_detect)

    def end(self, at_us: int) -> tuple[Said, ...]:
        """The run is over: what lasts ends."""
        return tuple(one for analytic in self.analytics for one in analytic.end(at_us))

    def _map_for(self, frame: Frame) -> BlockMap:
        size = frame.width_px, frame.height_px
        if self._map is None or size != self._size_px:
            self._map, self._size_px = BlockMap(*size, self._settings.motion), size
        return self._map

    def _should_detect(self, motion: Motion, stirred: NDArray[np.bool_], at_us: int) -> bool:
        """Where nothing moves there is nothing new; what is known is looked for now and then."""
        if self._detected_us is None or not motion.is_warm or at_us < self._settled_us:
            return True
        settings = self._settings
        since_s = (at_us - self._detected_us) / 1e6
        if motion.is_moving:
            self._recheck_s = settings.recheck_s
            return since_s >= settings.resting_s or not self._moves_at_rest_only(motion, stirred)
        return self._should_look_again(since_s)

    def _should_look_again(self, since_s: float) -> bool:
        """For what is known, where nothing moves: often for what is uncertain, ever less for what stays."""
        settings = self._settings
        if not len(self._tracker):
            return False
        if self._tracker.uncertain():
            self._recheck_s = settings.recheck_s
            return since_s >= settings.uncertain_s
        if since_s < self._recheck_s:
            return False
        self._recheck_s = min(2 * self._recheck_s, settings.most_recheck_s)
        return True

    def _moves_at_rest_only(self, motion: Motion, stirred: NDArray[np.bool_]) -> bool:
        """Whether all that moves lies within things that rest, such as a person who talks."""
        resting = self._tracker.resting()
        if not resting.any() or (stirred & ~resting).any():
            return False
        left = motion.moving.copy()
        rows, columns = left.shape
        for x0, y0, x1, y1 in self._tracker.boxes_n()[resting].tolist():
            left[
                max(int(y0 * rows) - 1, 0) : int(y1 * rows) + 2,
                max(int(x0 * columns) - 1, 0) : int(x1 * columns) + 2,
            ] = False
        return not left.any()

    def _detect(
        self, frame: Frame, at_us: int, stirred: NDArray[np.bool_], motion: Motion
    ) -> tuple[TrackedObject, ...]:
        self._detected_us = at_us
        found = _ask(self._detector, frame)
        if self._second is not None and motion.is_moving:
            strong = self._detector.levels.strong
            parts = unexplained(motion, found, strong)
            if len(parts):
                seen = _ask(self._second, frame)
                found = with_vehicles(found, strong, seen, self._second.levels.strong, parts)
        return self._tracker.update(found, at_us, stirred)


def _ask(detector: Detector, frame: Frame) -> Detections:
    return detector.detect(frame.rgb(*detector.size_for(frame.width_px, frame.height_px)))


def build_eye(
    detector: Detector,
    orders: Sequence[AnalyticOrder],
    shelf: PluginShelf,
    clock: Clock,
    zone: tzinfo = UTC,
    settings: SeeingSettings | None = None,
) -> tuple[ChannelEye, dict[UUID, str]]:
    """An eye with the analytics that were ordered, and why those are left out that cannot be started.

    One detector may serve all eyes of one thread.
    """
    running: list[RunningAnalytic] = []
    left_out: dict[UUID, str] = {}
    for order in orders:
        try:
            running.append(start_analytic(order, shelf, clock, zone))
        except AppError as error:
            left_out[order.analytic_id] = error.message
    return ChannelEye(settings or SeeingSettings(), detector, running), left_out


def _stirred(motion: Motion, tracker: Tracker) -> NDArray[np.bool_]:
    """(N,) at which of the tracks something moves."""
    if not motion.is_moving:
        return np.full(len(tracker), not motion.is_warm or motion.is_new_picture)
    return np.array([motion.touches(Box._make(box)) for box in tracker.boxes_n().tolist()], bool)
