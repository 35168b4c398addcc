"""`civiscope analyze`: the shipped pipeline over a clip, without a server (docs/design/evaluation.md)."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid5

from pydantic import ValidationError

from civiscope import __version__
from civiscope.analytics import (
    AnalyticOrder,
    ChannelEye,
    Detector,
    Observation,
    Phase,
    PluginShelf,
    RunningAnalytic,
    Said,
    SeeingSettings,
    Seen,
    TrackedObject,
    start_analytic,
)
from civiscope.base import AppError, ErrorKind, SystemClock
from civiscope.evaluation.clip import OpenClip, open_clip
from civiscope.evaluation.json_lines import JsonText
from civiscope.evaluation.result import AnalysisResult, Cost, PathPoint, ResultEvent, ResultPath, RunFacts
from civiscope.evaluation.scene import Scene, scene_fault
from civiscope.media import Frame, PictureDecoder

_ANALYTIC_IDS = UUID("b3d4c5a0-2f6c-5a86-9d0e-6f1f2f0f7f11")
_START_US = 1_000_000_000_000_000
"""The clip's beginning by the eye's clock; any moment serves."""
_PLACES = 4
_TROUBLE_LIMIT = 50


@dataclass(frozen=True, slots=True)
class AnalysisWish:
    """What to look at, and how."""

    clip: Path
    scene: Scene
    text: JsonText
    """Of the scene, for naming the line of a fault."""
    detector: Detector
    is_native: bool = False
    settings: SeeingSettings = field(default_factory=SeeingSettings)


def analyze(wish: AnalysisWish) -> AnalysisResult:
    """Look at the whole clip. AppError in plain words for a clip or a scene that cannot be used."""
    analytics = start_analytics(wish.scene, wish.text)
    with open_clip(wish.clip, is_native=wish.is_native) as clip:
        looker = _Looker(clip, ChannelEye(wish.settings, wish.detector, analytics))
        looker.look_at_all()
    troubles = [*looker.troubles, *(f"{one.plugin.name}: {one.trouble}" for one in analytics if one.trouble)]
    return AnalysisResult(
        clip=clip.facts,
        run=RunFacts(
            mode="native" if wish.is_native else "live",
            detector=wish.detector.name,
            width_px=looker.size_px[0],
            height_px=looker.size_px[1],
            fps=clip.fps,
            software=f"civiscope {__version__}",
        ),
        scene=wish.scene.name,
        events=tuple(looker.events()),
        paths=tuple(looker.paths()),
        counts=_counts(looker.said),
        cost=looker.cost(),
        troubles=tuple(troubles),
    )


def start_analytics(scene: Scene, text: JsonText) -> list[RunningAnalytic]:
    """The scene's analytics, running; AppError that names the line of a setting that does not fit."""
    shelf, clock = PluginShelf(), SystemClock()
    running = []
    for at, one in enumerate(scene.analytics):
        settings = scene.settings_of(one)
        try:
            shelf.load(one.plugin).settings.model_validate(settings)
        except ValidationError as error:
            raise scene_fault("the scene", text, error, ("analytics", at, "settings")) from None
        except AppError as error:
            line = text.line_of(("analytics", at, "plugin"))
            raise AppError(ErrorKind.INVALID, f"the scene, line {line}: {error.message}") from error
        order = AnalyticOrder(uuid5(_ANALYTIC_IDS, f"{at} {one.plugin}"), one.plugin, json.dumps(settings))
        running.append(start_analytic(order, shelf, clock))
    return running


@dataclass(slots=True)
class _Spent:
    """Seconds of this thread's processor time."""

    decode_s: float = 0.0
    look_s: float = 0.0


class _Looker:
    """Feeds one clip to one eye, and keeps what it says."""

    def __init__(self, clip: OpenClip, eye: ChannelEye) -> None:
        self._clip = clip
        self._eye = eye
        self._decoder = PictureDecoder(clip.track)
        self._spent = _Spent()
        self._paths: dict[int, list[tuple[float, TrackedObject]]] = {}
        self._frames = self._moving = self._detected = 0
        self._end_us = _START_US
        self.said: list[Said] = []
        self.troubles: list[str] = []
        self.size_px = (0, 0)

    def look_at_all(self) -> None:
        """Every picture in order; what lasts ends with the clip."""
        for frame in self._pictures():
            self._look(frame)
        self.said += self._eye.end(self._end_us)

    def _pictures(self) -> Iterator[Frame]:
        track_id = self._clip.track.track_id
        for unit in self._clip.units.units_of(track_id):
            began = time.thread_time()
            try:
                frames = self._decoder.decode(unit)
            except AppError as error:
                self._trouble(f"unit {unit.sequence}: {error.message}")
                frames = []
            self._spent.decode_s += time.thread_time() - began
            yield from frames
        yield from self._decoder.flush()

    def _look(self, frame: Frame) -> None:
        self.size_px = (frame.width_px, frame.height_px)
        seconds = frame.pts / self._clip.track.clock_rate_hz
        at_us = max(self._end_us, _START_US + round(seconds * 1e6))
        self._end_us = at_us
        began = time.thread_time()
        try:
            seen = self._eye.look(frame, self._frames, at_us)
        except AppError as error:
            self._trouble(f"at {seconds:.2f} s: {error.message}")
        else:
            self._keep(seen, seconds)
        self._spent.look_s += time.thread_time() - began
        self._frames += 1

    def _keep(self, seen: Seen, seconds: float) -> None:
        self._moving += seen.motion.is_moving
        self._detected += seen.did_detect
        self.said += seen.observations
        for one in seen.frame.objects:
            self._paths.setdefault(one.track_id, []).append((seconds, one))

    def _trouble(self, words: str) -> None:
        if len(self.troubles) < _TROUBLE_LIMIT:
            self.troubles.append(words)

    def paths(self) -> Iterator[ResultPath]:
        """Every trajectory, by track."""
        for track_id, points in sorted(self._paths.items()):
            yield ResultPath(
                track=track_id,
                object_class=points[-1][1].object_class.value,
                points=tuple(self._point(seconds, one) for seconds, one in points),
            )

    def _point(self, seconds: float, one: TrackedObject) -> PathPoint:
        x0, y0, x1, y1 = (round(value, _PLACES) for value in one.box)
        return PathPoint(
            s=round(seconds, 3),
            frame=self._frame_at(seconds),
            box_n=(x0, y0, x1, y1),
            score=round(one.score, _PLACES),
            seen=one.is_seen,
        )

    def events(self) -> Iterator[ResultEvent]:
        """What was said, in order of beginning; beginnings and endings joined."""
        ended = {one.observation.event_id: one.observation for one in self.said if _is(one, Phase.ENDED)}
        began = [one.observation for one in self.said if not _is(one, Phase.ENDED)]
        for one in sorted(began, key=lambda observation: observation.at_us):
            yield self._event(one, ended.get(one.event_id))

    def _event(self, one: Observation, end: Observation | None) -> ResultEvent:
        start_s = (one.at_us - _START_US) / 1e6
        end_s = None if end is None else (end.at_us - _START_US) / 1e6
        return ResultEvent(
            kind=one.kind,
            start_s=round(start_s, 3),
            end_s=None if end_s is None else round(end_s, 3),
            start_frame=self._frame_at(start_s),
            end_frame=None if end_s is None else self._frame_at(end_s),
            zone=one.zone,
            direction=one.direction,
            object_class="" if one.object_class is None else one.object_class.value,
            track=one.track_id,
            place_n=one.place_n,
            box_n=None if one.box is None else (one.box.x0_n, one.box.y0_n, one.box.x1_n, one.box.y1_n),
            score=round(one.score, _PLACES),
            values=dict(one.values),
        )

    def _frame_at(self, seconds: float) -> int:
        return min(max(0, round(seconds * self._clip.facts.fps)), max(0, self._clip.facts.frames - 1))

    def cost(self) -> Cost:
        """What the looking took."""
        spent, duration_s = self._spent, max(1e-3, self._clip.facts.duration_s)
        cpu_s = spent.decode_s + spent.look_s
        return Cost(
            cpu_s=round(cpu_s, 3),
            decode_s=round(spent.decode_s, 3),
            look_s=round(spent.look_s, 3),
            frames=self._frames,
            moving_frames=self._moving,
            detector_calls=self._detected,
            cpu_ms_per_clip_s=round(1000 * cpu_s / duration_s, 2),
        )


def _is(one: Said, phase: Phase) -> bool:
    return one.observation.phase is phase


def _counts(said: Sequence[Said]) -> dict[str, dict[str, dict[str, int]]]:
    """Crossings by line, direction and class."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for one in said:
        observation = one.observation
        if observation.direction and observation.object_class is not None:
            line = counts.setdefault(observation.zone, {"a_to_b": {}, "b_to_a": {}})
            way = line.setdefault(observation.direction, {})
            way[observation.object_class.value] = way.get(observation.object_class.value, 0) + 1
    return counts
