"""One analytic at work on one channel, guarded: what it throws, says or takes too long for harms nobody
else."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID, uuid5

from pydantic import BaseModel, TypeAdapter, ValidationError

from civiscope.analytics.face import AnalyticOrder
from civiscope.analytics.model import Box, ObjectClass, Observation, Phase, SeenFrame
from civiscope.analytics.plugin import Analytic, AnalyticPlugin
from civiscope.analytics.plugin_shelf import PluginShelf
from civiscope.base import AppError, Clock, ErrorKind
from civiscope.security import TimeProfile

MOST_OBSERVATIONS = 256
"""In one frame."""
MOST_OPEN = 1024
"""Lasting ones at once."""
LATE_LOOKS_TO_STOP = 3
"""So many looks over the deadline within the last hundred switch it off."""
_LATE_WINDOW = 100
_TEXT_LIMIT = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PROFILE = TypeAdapter(TimeProfile)


@dataclass(frozen=True, slots=True)
class Said:
    """What an analytic of a channel observed."""

    analytic_id: UUID
    plugin: str
    observation: Observation


class RunningAnalytic:
    """The guard around one analytic. Not to be used by two threads at once.

    Event ids are made here, of the analytic's id and its own: no analytic can speak in another's name. The
    guard cannot stop a look that hangs: the analyst's watchdog does (docs/design/seeing.md).
    """

    def __init__(self, analytic_id: UUID, plugin: AnalyticPlugin, settings: BaseModel, clock: Clock) -> None:
        self.analytic_id = analytic_id
        self.plugin = plugin
        self.trouble = ""
        """Empty while it works; else why it is off."""
        self._clock = clock
        self._is_due: Callable[[int], bool] = lambda at_us: True
        self._was_due = False
        self._open: dict[UUID, Observation] = {}
        self._looks = 0
        self._late_at: list[int] = []
        self._analytic: Analytic | None = None
        try:
            self._analytic = plugin.make(settings)
        except Exception as error:  # plugin load: whatever a stranger's code does
            self._stop(f"It cannot be started: {_error_words(error)}")

    def keep_to(self, profile: TimeProfile, zone: tzinfo) -> None:
        """Look only while the profile holds, by the site's clock on the wall."""
        self._is_due = lambda at_us: profile.holds((_EPOCH + timedelta(microseconds=at_us)).astimezone(zone))

    @property
    def is_on(self) -> bool:
        """False once it is troubled."""
        return self._analytic is not None

    def look(self, frame: SeenFrame) -> tuple[Said, ...]:
        """What it says at this frame; when it fails it is off, and what lasted ends."""
        if self._analytic is None:
            return ()
        if not self._is_due(frame.at_us):
            said = self.end(frame.at_us) if self._was_due else ()
            self._was_due = False
            return said
        self._was_due = True
        analytic = self._analytic
        return self._ask(lambda: analytic.look(frame), frame.at_us, frame.index)

    def end(self, at_us: int) -> tuple[Said, ...]:
        """The run is over: it ends what lasts; what it forgets to end is ended here."""
        analytic = self._analytic
        said = () if analytic is None else self._ask(lambda: analytic.end(at_us), at_us, -1)
        return (*said, *self._end_open(at_us))

    def _ask(self, ask: Callable[[], Sequence[Observation]], at_us: int, index: int) -> tuple[Said, ...]:
        began_us = self._clock.monotonic_us()
        try:
            said = self._checked(ask(), at_us, index)
        except _NotAllowedError as error:
            self._stop(str(error))
        except (Exception, SystemExit) as error:  # plugin call: whatever a stranger's code does
            self._stop(f"It failed: {_error_words(error)}")
        else:
            self._count_time((self._clock.monotonic_us() - began_us) / 1e6)
            return (*said, *(() if self.is_on else self._end_open(at_us)))
        return self._end_open(at_us)

    def _checked(self, found: Any, at_us: int, index: int) -> tuple[Said, ...]:
        """What came back (a stranger's: of any type), with event ids of ours."""
        if not isinstance(found, Sequence) or isinstance(found, str | bytes):
            raise _NotAllowedError(f"It gave a {type(found).__name__}, not a sequence of observations.")
        if len(found) > MOST_OBSERVATIONS:
            raise _NotAllowedError(f"It said {len(found)} things at once; {MOST_OBSERVATIONS} are allowed.")
        told = []
        for one in found:
            why = _fault(one, self.plugin.kinds)
            if why:
                raise _NotAllowedError(why)
            told.append(self._in_its_name(replace(one, at_us=at_us, frame_index=index)))
        return tuple(Said(self.analytic_id, self.plugin.name, one) for one in told)

    def _in_its_name(self, one: Observation) -> Observation:
        event_id = uuid5(self.analytic_id, str(one.event_id))
        if one.phase is Phase.BEGAN:
            if len(self._open) >= MOST_OPEN:
                raise _NotAllowedError(f"It let more than {MOST_OPEN} things last at once.")
            if event_id in self._open:
                raise _NotAllowedError("It began the same event twice.")
            self._open[event_id] = replace(one, event_id=event_id)
        elif one.phase is Phase.ENDED and self._open.pop(event_id, None) is None:
            raise _NotAllowedError("It ended an event that it had not begun.")
        return replace(one, event_id=event_id)

    def _end_open(self, at_us: int) -> tuple[Said, ...]:
        left, self._open = self._open, {}
        return tuple(
            Said(
                self.analytic_id,
                self.plugin.name,
                replace(one, phase=Phase.ENDED, at_us=at_us, frame_index=-1),
            )
            for one in left.values()
        )

    def _count_time(self, taken_s: float) -> None:
        self._looks += 1
        if taken_s <= self.plugin.deadline_s:
            return
        self._late_at = [at for at in self._late_at if at > self._looks - _LATE_WINDOW] + [self._looks]
        if len(self._late_at) >= LATE_LOOKS_TO_STOP:
            self._stop(
                f"It took longer than its {self.plugin.deadline_s:g} s {len(self._late_at)} times, "
                f"{taken_s:.2f} s "
                "the last time."
            )

    def _stop(self, why: str) -> None:
        self._analytic = None
        self.trouble = f"{why} It is off until its settings change or the analyst starts anew."


def start_analytic(
    order: AnalyticOrder, shelf: PluginShelf, clock: Clock, zone: tzinfo = UTC
) -> RunningAnalytic:
    """As ordered. Raises AppError in plain words for a plug-in, settings or a schedule that cannot be
    used."""
    settings = shelf.settings(order.plugin, order.settings_json)
    running = RunningAnalytic(order.analytic_id, shelf.load(order.plugin), settings, clock)
    if order.schedule_json:
        try:
            running.keep_to(_PROFILE.validate_json(order.schedule_json), zone)
        except ValidationError as error:
            raise AppError(
                ErrorKind.INVALID, "The analytic's schedule cannot be read. Set it again."
            ) from error
    return running


class _NotAllowedError(Exception):
    """It said what it may not; in words."""


def _error_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:_TEXT_LIMIT]}".rstrip(".: ") + "."


def _fault(one: Any, kinds: tuple[str, ...]) -> str:
    """What is wrong with an observation (a stranger's: of any type); empty: nothing."""
    if type(one) is not Observation:
        return f"It gave a {type(one).__name__} as an observation."
    made: Any = one
    faults = {
        f"It spoke of '{str(made.kind)[:32]}', which its plug-in does not declare.": made.kind not in kinds,
        "It gave an observation without an id or a phase.": not isinstance(made.event_id, UUID)
        or not isinstance(made.phase, Phase),
        "It gave a class that there is not.": not isinstance(made.object_class, ObjectClass | None),
        "It gave a track that is no number.": not _is_whole(made.track_id),
        "It gave a box or place outside the picture.": not _is_box(made.box) or not _is_place(made.place_n),
        "It gave a score outside 0 to 1.": not _is_share(made.score),
        "It gave texts that are none or too long.": not _are_texts((made.zone, made.direction)),
        "It gave values that are not pairs of short texts.": not _are_values(made.values),
    }
    return next((words for words, is_so in faults.items() if is_so), "")


def _is_whole(value: Any) -> bool:
    return value is None or (type(value) is int and 0 <= value < 1 << 62)


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and 0 <= value <= 1


def _is_box(value: Any) -> bool:
    return value is None or (isinstance(value, Box) and all(map(_is_share, value)) and _is_upright(value))


def _is_upright(box: Box) -> bool:
    return box.x0_n <= box.x1_n and box.y0_n <= box.y1_n


def _is_place(value: Any) -> bool:
    return value is None or (isinstance(value, tuple) and len(value) == 2 and all(map(_is_share, value)))


def _are_texts(values: Any) -> bool:
    return all(isinstance(one, str) and len(one) <= _TEXT_LIMIT for one in values)


def _are_values(values: Any) -> bool:
    if not isinstance(values, tuple) or len(values) > 64:
        return False
    return all(isinstance(pair, tuple) and len(pair) == 2 and _are_texts(pair) for pair in values)
