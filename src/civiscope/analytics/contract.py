"""The contract test of an analytic, for whoever writes one: inherit `AnalyticContract`, give it and some
settings.

    class TestMine(AnalyticContract):
        plugin = ANALYTIC
        good_settings = ({"name": "Gate", …}, …)
        bad_settings = ({"name": ""}, …)

Plain asserts, no test library. Paths are made here, mild and wild, from a fixed seed.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ValidationError

from civiscope.analytics.model import Box, ObjectClass, Phase, SeenFrame, TrackedObject
from civiscope.analytics.plugin import AnalyticPlugin
from civiscope.analytics.running import RunningAnalytic, Said
from civiscope.base import ManualClock, SystemClock

_ID = UUID(int=7)
_STEP_US = 200_000
_START_US = 1_760_000_000_000_000


class AnalyticContract:
    """What every analytic must do. Abstract: `plugin`, `good_settings` and `bad_settings` are the
    author's."""

    plugin: AnalyticPlugin
    good_settings: tuple[dict[str, Any], ...]
    """Each is run; together they should make the analytic speak."""
    bad_settings: tuple[dict[str, Any], ...]

    def test_bad_settings_are_refused_in_words(self) -> None:
        """By the model itself, naming the field."""
        for settings in self.bad_settings:
            faults = self._faults(settings)
            assert faults, f"these settings were taken: {settings}"
            assert all(faults), f"no words for a fault of {settings}"

    def test_its_schema_is_a_form(self) -> None:
        """Every field of the settings has a title for people."""
        fields = self.plugin.settings.model_json_schema()["properties"]
        assert fields
        assert all("title" in field or "$ref" in field for field in fields.values()), fields

    def test_it_speaks(self) -> None:
        """On mild paths at least one of the settings makes it say something."""
        assert any(self._run(settings, mild_paths()) for settings in self._settings())

    def test_it_is_a_pure_function_of_paths(self) -> None:
        """The same frames give the same observations, ids included."""
        for settings in self._settings():
            assert self._run(settings, mild_paths()) == self._run(settings, mild_paths())

    def test_what_began_ends(self) -> None:
        """Once, by itself: at the latest when the run is over, and never before it began."""
        for settings in self._settings():
            for paths in (mild_paths, wild_paths):
                said = [one.observation for one in self._run(settings, paths())]
                began = [one.event_id for one in said if one.phase is Phase.BEGAN]
                ended = [one.event_id for one in said if one.phase is Phase.ENDED]
                assert sorted(began, key=str) == sorted(ended, key=str)
                assert len(set(began)) == len(began)

    def test_wild_paths_do_not_trouble_it(self) -> None:
        """Objects that jump, touch the edges, change class, vanish and come back; hundreds at once."""
        for settings in self._settings():
            self._run(settings, wild_paths())

    def test_it_does_not_grow(self) -> None:
        """A thousand paths that come and go leave nothing behind: a look stays within its deadline."""
        for settings in self._settings():
            running = RunningAnalytic(_ID, self.plugin, settings, SystemClock())
            for frame in _passers_by(1000):
                running.look(frame)
            assert not running.trouble, running.trouble

    def _faults(self, settings: dict[str, Any]) -> list[str]:
        try:
            self.plugin.settings.model_validate(settings)
        except ValidationError as error:
            return [fault["msg"] for fault in error.errors()]
        return []

    def _settings(self) -> list[BaseModel]:
        return [self.plugin.settings.model_validate(settings) for settings in self.good_settings]

    def _run(self, settings: BaseModel, frames: Iterator[SeenFrame]) -> list[Said]:
        running = RunningAnalytic(_ID, self.plugin, settings, ManualClock())
        said: list[Said] = []
        at_us = 0
        for frame in frames:
            at_us = frame.at_us
            said += running.look(frame)
        said += running.end(at_us + _STEP_US)
        assert not running.trouble, running.trouble
        return said


def tracked(
    track_id: int,
    foot_n: tuple[float, float],
    size_n: tuple[float, float] = (0.06, 0.2),
    object_class: ObjectClass = ObjectClass.PERSON,
) -> TrackedObject:
    """A confirmed object that stands at a point of the picture."""
    x, y = foot_n
    box = Box(x - size_n[0] / 2, y - size_n[1], x + size_n[0] / 2, y)
    return TrackedObject(track_id, object_class, box, 0.8, True, _START_US, 3)


def frames_of(*moments: tuple[TrackedObject, ...], step_us: int = _STEP_US) -> Iterator[SeenFrame]:
    """Frames at an even pace, one for each moment."""
    for index, objects in enumerate(moments):
        yield SeenFrame(index, _START_US + index * step_us, objects)


def mild_paths() -> Iterator[SeenFrame]:
    """Six people and vehicles who walk and drive across the picture and back, with stops."""
    kinds = (ObjectClass.PERSON, ObjectClass.CAR, ObjectClass.BICYCLE)
    for index in range(200):
        objects = []
        for number in range(6):
            turn = math.sin((index + number * 17) / 30)
            across = 0.5 + 0.48 * max(-0.9, min(0.9, 1.2 * turn))
            along = 0.3 + 0.12 * number
            foot = (across, along) if number % 2 else (along, min(across + 0.1, 0.99))
            objects.append(tracked(number + 1, foot, object_class=kinds[number % 3]))
        yield SeenFrame(index, _START_US + index * _STEP_US, tuple(objects))


def wild_paths(seed: int = 5) -> Iterator[SeenFrame]:
    """What a tracker at its worst may give."""
    chance = random.Random(seed)  # noqa: S311  # paths, no secrets
    at_us = _START_US
    for index in range(120):
        at_us += chance.choice((0, 1, _STEP_US, 3_000_000))
        count = chance.choice((0, 1, 5, 300 if index % 40 == 0 else 12))
        objects = []
        for track_id in chance.sample(range(1, 400), count):
            x, y = chance.choice((0.0, 1.0, chance.random())), chance.choice((0.0, 1.0, chance.random()))
            one = tracked(track_id, (x, y), (chance.random(), chance.random()), chance.choice([*ObjectClass]))
            low = Box(max(one.box.x0_n, 0.0), max(one.box.y0_n, 0.0), min(one.box.x1_n, 1.0), one.box.y1_n)
            if low.x0_n < low.x1_n and low.y0_n < low.y1_n:
                objects.append(replace(one, box=low, is_seen=chance.random() < 0.8, first_us=at_us))
        yield SeenFrame(index, at_us, tuple(objects))


def _passers_by(count: int) -> Iterator[SeenFrame]:
    for index in range(count):
        objects = tuple(
            tracked(index + back + 1, (0.1 + 0.08 * back, 0.5 + 0.04 * back)) for back in range(10)
        )
        yield SeenFrame(index, _START_US + index * _STEP_US, objects)
