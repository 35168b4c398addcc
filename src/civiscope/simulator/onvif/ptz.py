"""A pan, tilt and zoom head that really takes its time: position is a function of the clock."""

from dataclasses import dataclass, replace
from typing import NamedTuple

FULL_SPEED_PER_S = 1.0
"""In the generic space: from one end of pan to the other in two seconds at full speed."""


class Pose(NamedTuple):
    """Pan and tilt −1 to 1, zoom 0 to 1; also a speed per axis, −1 to 1."""

    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0


_LOWEST, _HIGHEST = Pose(-1.0, -1.0, 0.0), Pose(1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class _Course:
    """A movement: since when and from where, how fast, until when or up to where."""

    since_us: int
    start: Pose
    speed: Pose
    until_us: int | None = None
    goal: Pose | None = None


class PtzHead:
    """Where one camera looks. All times are monotonic; speeds beyond ±1 count as ±1."""

    def __init__(self, home: Pose = Pose()) -> None:  # noqa: B008  a value that nobody can change
        self.home = home
        self._course = _Course(0, home, Pose())

    def at(self, now_us: int) -> Pose:
        """Position at this time; it stops at the ends of each axis."""
        course = self._course
        elapsed_s = self._elapsed_us(now_us) / 1_000_000
        return Pose(*(self._axis(course, axis, elapsed_s) for axis in range(3)))

    def is_moving(self, now_us: int) -> bool:
        """Still on its way; at a stop of every axis that was asked for it is not."""
        course, here = self._course, self.at(now_us)
        if course.goal is not None:
            return here != course.goal
        if course.until_us is not None and now_us >= course.until_us:
            return False
        return any(
            (speed > 0 and here[axis] < _HIGHEST[axis]) or (speed < 0 and here[axis] > _LOWEST[axis])
            for axis, speed in enumerate(course.speed)
        )

    def drive(self, speed: Pose, now_us: int, for_us: int | None) -> None:
        """Move on at this speed until `stop`, the end of the way, or the time is over."""
        clean = Pose(*(max(-1.0, min(1.0, one)) for one in speed))
        until_us = None if for_us is None else now_us + for_us
        self._course = _Course(now_us, self.at(now_us), clean, until_us)

    def go(self, goal: Pose, now_us: int, speed: float = 1.0) -> None:
        """Move to a position within limits, each axis by itself, at a share of full speed."""
        clean = Pose(
            *(max(low, min(high, one)) for low, one, high in zip(_LOWEST, goal, _HIGHEST, strict=True))
        )
        rate = max(0.05, min(1.0, speed))
        self._course = _Course(now_us, self.at(now_us), Pose(rate, rate, rate), None, clean)

    def stop(self, now_us: int, pan_tilt: bool = True, zoom: bool = True) -> None:
        """Stand still where it is now, on the axes named."""
        here, old = self.at(now_us), self._course
        keep = Pose(
            *(
                0.0 if stopped else one
                for one, stopped in zip(old.speed, (pan_tilt, pan_tilt, zoom), strict=True)
            )
        )
        goal = old.goal
        if goal is not None:
            stopped = (pan_tilt, pan_tilt, zoom)
            goal = Pose(*(here[axis] if stopped[axis] else goal[axis] for axis in range(3)))
            keep = old.speed
        self._course = replace(old, since_us=now_us, start=here, speed=keep, goal=goal)

    def _elapsed_us(self, now_us: int) -> int:
        course = self._course
        end_us = now_us if course.until_us is None else min(now_us, course.until_us)
        return max(0, end_us - course.since_us)

    @staticmethod
    def _axis(course: _Course, axis: int, elapsed_s: float) -> float:
        start, way = course.start[axis], course.speed[axis] * elapsed_s * FULL_SPEED_PER_S
        if course.goal is not None:
            goal = course.goal[axis]
            return min(goal, start + way) if goal >= start else max(goal, start - way)
        return max(_LOWEST[axis], min(_HIGHEST[axis], start + way))
