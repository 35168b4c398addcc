"""Enters, is in, and leaves a zone: a pure function of paths."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated
from uuid import UUID, uuid5

from pydantic import AfterValidator, Field

from civiscope.analytics.geometry import Point, area, contains, crosses_itself
from civiscope.analytics.model import ObjectClass, Observation, Phase, SeenFrame, TrackedObject
from civiscope.analytics.path_settings import PathSettings, PointN
from civiscope.analytics.plugin import AiUseClass, AnalyticPlugin, DetectorNeeds

_IDS = UUID("6f0e6c0e-6e62-5d6c-9a0b-5b4d2f1c7a10")
_FRAMES_TO_ENTER = 2
_LEFT_AFTER_US = 1_000_000
_HANDED_OVER_WITHIN_US = 2_000_000
_LEAST_AREA_N = 0.0004
"""A hundredth of the picture's width by 4 hundredths of its height: less is a slip of the hand."""


class ZoneSays(StrEnum):
    """What is to be told."""

    ENTERED = "entered"
    PRESENT = "present"
    LEFT = "left"


def _is_polygon(points: tuple[Point, ...]) -> tuple[Point, ...]:
    if len(points) > 1 and points[0] == points[-1]:
        points = points[:-1]
    if len(set(points)) < 3:
        raise ValueError("A zone needs at least three different points.")
    if crosses_itself(points):
        raise ValueError("The zone's edges cross or lie on one another. Draw it again without crossing them.")
    if area(points) < _LEAST_AREA_N:
        raise ValueError("The zone is too small for anything to stand in it. Draw it larger.")
    return points


class ZoneSettings(PathSettings):
    """One zone."""

    zone: Annotated[
        tuple[PointN, ...],
        AfterValidator(_is_polygon),
        Field(title="Zone", description="Corners in the picture, 0 to 1.", min_length=3, max_length=64),
    ]
    min_dwell_s: Annotated[
        float,
        Field(ge=0.0, le=86_400.0, title="Present after", description="Seconds inside before it is present."),
    ] = 2.0
    says: Annotated[
        frozenset[ZoneSays],
        Field(title="What is told", min_length=1, max_length=len(ZoneSays)),
    ] = frozenset(ZoneSays)


@dataclass(slots=True)
class _Visit:
    """One path and the zone; another path that begins where this one was lost goes on with it."""

    newest: TrackedObject
    seen: TrackedObject
    """As it was found last, not carried."""
    seen_us: int
    inside_frames: int = 0
    first_inside_us: int = 0
    newest_inside_us: int = 0
    entered_us: int | None = None
    present_id: UUID | None = None
    ended_us: int | None = None
    """When its path ended within the zone."""


@dataclass(slots=True)
class _Zone:
    """The zone at work."""

    settings: ZoneSettings
    visits: dict[int, _Visit] = field(default_factory=dict)

    def look(self, frame: SeenFrame) -> Sequence[Observation]:
        said: list[Observation] = []
        there = {one.track_id: one for one in frame.objects if self.settings.counts(one)}
        for track_id in sorted(there, key=lambda track_id: track_id not in self.visits):
            said += self._follow(track_id, there[track_id], frame)
        for track_id in [track_id for track_id in self.visits if track_id not in there]:
            said += self._miss(track_id, frame)
        return said

    def end(self, at_us: int) -> Sequence[Observation]:
        visits, self.visits = self.visits, {}
        return [
            self._tell("zone.present", Phase.ENDED, visit, at_us, -1, visit.present_id)
            for visit in visits.values()
            if visit.present_id is not None
        ]

    def _follow(self, track_id: int, one: TrackedObject, frame: SeenFrame) -> Iterator[Observation]:
        inside = contains(self.settings.zone, self.settings.place_of(one))
        visit = self.visits.get(track_id)
        if visit is None:
            if not inside:
                return
            visit = self.visits[track_id] = self._taken_over(one, frame.at_us) or _Visit(
                one, one, frame.at_us
            )
        visit.newest = one
        if one.is_seen:
            visit.seen, visit.seen_us = one, frame.at_us
        if inside:
            yield from self._inside(visit, one, frame)
        elif visit.entered_us is None:
            del self.visits[track_id]
        elif frame.at_us - visit.newest_inside_us >= _LEFT_AFTER_US:
            yield from self._leave(track_id, frame)

    def _inside(self, visit: _Visit, one: TrackedObject, frame: SeenFrame) -> Iterator[Observation]:
        settings = self.settings
        if one.is_seen:
            if not visit.inside_frames:
                visit.first_inside_us = frame.at_us
            visit.inside_frames += 1
        visit.newest_inside_us = frame.at_us
        if visit.inside_frames >= _FRAMES_TO_ENTER and visit.entered_us is None:
            visit.entered_us = visit.first_inside_us
            if ZoneSays.ENTERED in settings.says:
                yield self._tell("zone.entered", Phase.OCCURRED, visit, frame.at_us, frame.index)
        if (
            ZoneSays.PRESENT in settings.says
            and visit.present_id is None
            and visit.entered_us is not None
            and frame.at_us - visit.entered_us >= settings.min_dwell_s * 1e6
        ):
            began = self._tell("zone.present", Phase.BEGAN, visit, frame.at_us, frame.index)
            visit.present_id = began.event_id
            yield began

    def _miss(self, track_id: int, frame: SeenFrame) -> Iterator[Observation]:
        visit = self.visits[track_id]
        if visit.entered_us is None:
            del self.visits[track_id]
            return
        if visit.ended_us is None:
            visit.ended_us = frame.at_us
        if frame.at_us - visit.ended_us >= _HANDED_OVER_WITHIN_US:
            yield from self._leave(track_id, frame)

    def _leave(self, track_id: int, frame: SeenFrame) -> Iterator[Observation]:
        visit = self.visits.pop(track_id)
        if visit.present_id is not None:
            yield self._tell("zone.present", Phase.ENDED, visit, frame.at_us, frame.index, visit.present_id)
        if ZoneSays.LEFT in self.settings.says:
            yield self._tell("zone.left", Phase.OCCURRED, visit, frame.at_us, frame.index)

    def _taken_over(self, one: TrackedObject, at_us: int) -> _Visit | None:
        """The visit of a path that was lost where this one begins: the same thing, found again."""
        for track_id, visit in self.visits.items():
            is_lost = visit.ended_us is not None or visit.seen_us < at_us
            is_after = one.first_us >= visit.seen_us
            if is_lost and is_after and (_are_near(visit.newest, one) or _are_near(visit.seen, one)):
                visit.ended_us = None
                return self.visits.pop(track_id)
        return None

    def _tell(
        self, kind: str, phase: Phase, visit: _Visit, at_us: int, index: int, event_id: UUID | None = None
    ) -> Observation:
        one = visit.newest
        inside_us = 0 if visit.entered_us is None else visit.newest_inside_us - visit.entered_us
        return Observation(
            event_id=event_id or uuid5(_IDS, f"{kind} {self.settings.name} {one.track_id} {at_us}"),
            kind=kind, phase=phase, at_us=at_us, frame_index=index,
            track_id=one.track_id, object_class=one.object_class, box=one.box,
            place_n=self.settings.place_of(one),
            zone=self.settings.name, score=one.score,
            values=(("inside_s", f"{max(inside_us, 0) / 1e6:.1f}"),),
        )  # fmt: skip


def _are_near(lost: TrackedObject, found: TrackedObject) -> bool:
    """Within a box's size of one another, and of one class."""
    (x0, y0), (x1, y1) = lost.box.foot_n, found.box.foot_n
    width = max(lost.box.x1_n - lost.box.x0_n, found.box.x1_n - found.box.x0_n)
    height = max(lost.box.height_n, found.box.height_n)
    return lost.object_class is found.object_class and abs(x0 - x1) < width and abs(y0 - y1) < height


ANALYTIC = AnalyticPlugin(
    name="zone",
    title="Zone",
    infers="That a person or thing of a class entered a zone, stays in it, or left it.",
    ai_class=AiUseClass.MINIMAL,
    kinds=("zone.entered", "zone.present", "zone.left"),
    settings=ZoneSettings,
    needs=DetectorNeeds(frozenset({ObjectClass.PERSON}), min_height_px=24),
    make=_Zone,
)
