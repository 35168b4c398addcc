"""What a worker thread calls that is not ours, marked while it is at work: the watchdog sees who hangs."""

from dataclasses import dataclass
from datetime import tzinfo
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from civiscope.analytics.detector import Detector, ScoreLevels
from civiscope.analytics.face import AnalyticOrder
from civiscope.analytics.model import Detections, ObjectClass, SeenFrame
from civiscope.analytics.plugin import AnalyticPlugin
from civiscope.analytics.plugin_shelf import PluginShelf
from civiscope.analytics.running import RunningAnalytic, Said
from civiscope.analytics.schedule import is_on_at, schedule_of
from civiscope.analytics.second_look import WithSecondLook
from civiscope.base import AppError, Clock, ErrorKind, get_log
from civiscope.security import TimeProfile

_log = get_log("civiscope.analytics")


@dataclass(frozen=True, slots=True)
class AtWork:
    """An analytic that was asked and has not answered yet."""

    analytic_id: UUID
    began_us: int
    """Monotonic."""


@dataclass(slots=True)
class Mark:
    """Who is at work in one thread now; written there, read by the watchdog."""

    at_work: AtWork | None = None


class WatchedAnalytic(RunningAnalytic):
    """A guarded analytic that says when it is at work."""

    def __init__(
        self, order: AnalyticOrder, plugin: AnalyticPlugin, settings: BaseModel, clock: Clock, mark: Mark
    ) -> None:
        self.order = order
        self._mark = mark
        self._watch_clock = clock
        self._profile: TimeProfile | None = None
        self._zone: tzinfo | None = None
        self._begin(order.analytic_id)
        try:
            super().__init__(order.analytic_id, plugin, settings, clock)
        finally:
            mark.at_work = None

    def keep_to(self, profile: TimeProfile, zone: tzinfo) -> None:
        """Look only while the profile holds, by the site's clock on the wall."""
        self._profile, self._zone = profile, zone
        super().keep_to(profile, zone)

    def is_wanted(self, at_us: int) -> bool:
        """True while it works and its schedule holds."""
        return self.is_on and (self._zone is None or is_on_at(self._profile, at_us, self._zone))

    def look(self, frame: SeenFrame) -> tuple[Said, ...]:
        """As its guard says."""
        self._begin(self.analytic_id)
        try:
            return super().look(frame)
        finally:
            self._mark.at_work = None

    def end(self, at_us: int) -> tuple[Said, ...]:
        """As its guard says."""
        self._begin(self.analytic_id)
        try:
            return super().end(at_us)
        finally:
            self._mark.at_work = None

    def _begin(self, analytic_id: UUID) -> None:
        self._mark.at_work = AtWork(analytic_id, self._watch_clock.monotonic_us())


def start_watched(
    order: AnalyticOrder, shelf: PluginShelf, clock: Clock, zone: tzinfo, mark: Mark
) -> WatchedAnalytic:
    """As ordered. AppError in plain words for a plug-in, settings or a schedule that cannot be used."""
    settings = shelf.settings(order.plugin, order.settings_json)
    running = WatchedAnalytic(order, shelf.load(order.plugin), settings, clock, mark)
    schedule = order.schedule()
    if schedule is not None:
        running.keep_to(schedule_of(schedule), zone)
    return running


class DetectorFailedError(AppError):
    """The detector did not answer with detections: the frame was not looked at."""


class GuardedDetector:
    """A detector whose faults are told apart from those of the picture."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    @property
    def name(self) -> str:
        """As the registry calls it."""
        return self._detector.name

    @property
    def classes(self) -> frozenset[ObjectClass]:
        """What it can tell."""
        return self._detector.classes

    @property
    def levels(self) -> ScoreLevels:
        """What its scores are worth."""
        return self._detector.levels

    def size_for(self, width_px: int, height_px: int) -> tuple[int, int]:
        """In which it wants a picture of this size."""
        return self._detector.size_for(width_px, height_px)

    def detect(self, rgb: NDArray[np.uint8]) -> Detections:
        """What is in the picture; DetectorFailedError for whatever else happens."""
        try:
            return self._detector.detect(rgb)
        except AppError as error:
            raise DetectorFailedError(error.kind, error.message) from error
        except Exception as error:  # plugin call: a model is foreign code
            _log.exception("a detector failed", detector=self.name)
            words = f"The detector {self.name} failed ({type(error).__name__}). The log says more."
            raise DetectorFailedError(ErrorKind.INTERNAL, words) from error


def guarded(detector: Detector) -> Detector:
    """The detector with its faults told apart, and its second look, where it brings one along."""
    if isinstance(detector, WithSecondLook):
        return WithSecondLook(GuardedDetector(detector), GuardedDetector(detector.second))
    return GuardedDetector(detector)
