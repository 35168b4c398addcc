"""Crosses a line, in which direction, and how many of each class did: a pure function of paths."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import AfterValidator, Field

from civiscope.analytics.geometry import Point, crosses, distance, side
from civiscope.analytics.model import ObjectClass, Observation, Phase, SeenFrame, TrackedObject
from civiscope.analytics.path_settings import PathSettings, PointN
from civiscope.analytics.plugin import AiUseClass, AnalyticPlugin, DetectorNeeds

_IDS = UUID("0b6f3a58-3a0c-5a8e-9b60-0c8f5f8a2d31")
_CLEAR_N = 0.008
"""A path counts as on one side only when its foot is at least so far from the line: boxes tremble."""
_CLEAR_HEIGHTS = 0.06
"""The same in its own heights, for what is large."""
_SHORTEST_N = 0.01


def _is_line(points: tuple[Point, ...]) -> tuple[Point, ...]:
    if any(one == next_one for one, next_one in pairwise(points)):
        raise ValueError("Two points in a row of the line are the same.")
    length = sum(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5 for (x0, y0), (x1, y1) in pairwise(points))
    if length < _SHORTEST_N:
        raise ValueError("The line is too short for anything to cross it. Draw it longer.")
    return points


class LineSettings(PathSettings):
    """One line of two or more points."""

    line: Annotated[
        tuple[PointN, ...],
        AfterValidator(_is_line),
        Field(
            title="Line",
            description="From its first point to its last, A is on the left and B on the right.",
            min_length=2,
            max_length=32,
        ),
    ]
    direction: Annotated[Literal["both", "a_to_b", "b_to_a"], Field(title="Direction")] = "both"


@dataclass(slots=True)
class _Line:
    """The line at work: where each path was last clear of it."""

    settings: LineSettings
    clear_at: dict[int, Point] = field(default_factory=dict)
    counts: Counter[tuple[str, ObjectClass]] = field(default_factory=Counter)

    def look(self, frame: SeenFrame) -> Sequence[Observation]:
        said: list[Observation] = []
        there: set[int] = set()
        for one in frame.objects:
            there.add(one.track_id)
            if one.is_seen and self.settings.counts(one):
                said += self._follow(one, frame)
        for track_id in self.clear_at.keys() - there:
            del self.clear_at[track_id]
        return said

    def end(self, at_us: int) -> Sequence[Observation]:
        del at_us
        self.clear_at.clear()
        return ()

    def _follow(self, one: TrackedObject, frame: SeenFrame) -> Iterator[Observation]:
        foot = self.settings.place_of(one)
        apart = min(distance(a, b, foot) for a, b in pairwise(self.settings.line))
        if apart < max(_CLEAR_N, _CLEAR_HEIGHTS * one.box.height_n):
            return
        before = self.clear_at.get(one.track_id)
        self.clear_at[one.track_id] = foot
        if before is None:
            return
        direction = self._direction(before, foot)
        if direction and self.settings.direction in {"both", direction}:
            self.counts[direction, one.object_class] += 1
            yield self._tell(one, frame, direction)

    def _direction(self, before: Point, now: Point) -> str:
        """Which way the way leads through the line, or empty; there and back again is neither."""
        through = 0
        for a, b in pairwise(self.settings.line):
            if crosses(a, b, before, now):
                through += 1 if side(a, b, now) > 0 else -1
        return "a_to_b" if through > 0 else "b_to_a" if through < 0 else ""

    def _tell(self, one: TrackedObject, frame: SeenFrame, direction: str) -> Observation:
        return Observation(
            event_id=uuid5(_IDS, f"{self.settings.name} {one.track_id} {frame.at_us} {direction}"),
            kind="line.crossed", phase=Phase.OCCURRED, at_us=frame.at_us, frame_index=frame.index,
            track_id=one.track_id, object_class=one.object_class, box=one.box,
            place_n=self.settings.place_of(one),
            zone=self.settings.name, direction=direction, score=one.score, values=self._values(),
        )  # fmt: skip

    def _values(self) -> tuple[tuple[str, str], ...]:
        """Since the run began: all, then by class."""
        totals = Counter[str]()
        for (direction, _), count in self.counts.items():
            totals[direction] += count
        by_class = sorted(
            (f"count_{direction}_{kind.value}", str(count))
            for (direction, kind), count in self.counts.items()
        )
        return (
            ("count_a_to_b", str(totals["a_to_b"])),
            ("count_b_to_a", str(totals["b_to_a"])),
            *by_class,
        )


ANALYTIC = AnalyticPlugin(
    name="line",
    title="Line",
    infers="That a person or thing of a class crossed a line, in which direction, and how many did.",
    ai_class=AiUseClass.MINIMAL,
    kinds=("line.crossed",),
    settings=LineSettings,
    needs=DetectorNeeds(frozenset({ObjectClass.PERSON}), min_height_px=24),
    make=_Line,
)
