"""The zone: enters after two frames, is present after its dwell, leaves after a second, whatever trembles."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from civiscope.analytics import ObjectClass, Observation, SeenFrame, TrackedObject
from civiscope.analytics.contract import AnalyticContract, frames_of, tracked
from civiscope.analytics.geometry import area, contains, crosses_itself
from civiscope.analytics.plugins.zone import ANALYTIC, ZoneSettings

SQUARE = [[0.4, 0.4], [0.8, 0.4], [0.8, 0.8], [0.4, 0.8]]
IN, OUT = (0.6, 0.6), (0.2, 0.6)
MINE: dict[str, Any] = {"zone": SQUARE, "name": "Yard"}


class TestContract(AnalyticContract):
    plugin = ANALYTIC
    good_settings = (
        MINE,
        {**MINE, "classes": ["person"], "min_dwell_s": 0},
        {**MINE, "says": ["left"], "min_height_n": 0.1},
        {"zone": [[0, 0], [1, 0], [1, 1], [0, 1]], "name": "All"},
    )
    bad_settings = (
        {"zone": SQUARE},
        {**MINE, "name": ""},
        {**MINE, "zone": SQUARE[:2]},
        {**MINE, "zone": [[0.1, 0.1], [0.1, 0.1], [0.2, 0.2]]},
        {**MINE, "zone": [[0, 0], [1, 1], [1, 0], [0, 1]]},
        {**MINE, "zone": [[0.1, 0.1], [0.5, 0.1], [0.9, 0.1]]},
        {**MINE, "zone": [[0.1, 0.1], [0.11, 0.1], [0.11, 0.11]]},
        {**MINE, "zone": [[0, 0], [1.2, 0], [1, 1]]},
        {**MINE, "zone": [[0, 0], [float("nan"), 0], [1, 1]]},
        {**MINE, "classes": ["unicorn"]},
        {**MINE, "min_dwell_s": -1},
        {**MINE, "says": []},
        {**MINE, "extra": 1},
    )


def run(*moments: tuple[TrackedObject, ...], settings: dict[str, Any] | None = None) -> list[Observation]:
    analytic = ANALYTIC.make(ZoneSettings.model_validate({**MINE, **(settings or {})}))
    frames = list(frames_of(*moments))
    said = [one for frame in frames for one in analytic.look(frame)]
    return [*said, *analytic.end(frames[-1].at_us)]


def words(said: list[Observation]) -> list[str]:
    return [f"{one.kind.removeprefix('zone.')} {one.phase.value} {one.frame_index}" for one in said]


def at(*feet: tuple[float, float] | None, **more: Any) -> list[tuple[TrackedObject, ...]]:
    return [() if foot is None else (tracked(1, foot, **more),) for foot in feet]


def test_a_visit_from_beginning_to_end() -> None:
    said = run(*at(OUT, *[IN] * 20, *[OUT] * 10))
    assert words(said) == [
        "entered occurred 2", "present began 11", "present ended 25", "left occurred 25",
    ]  # fmt: skip
    assert said[1].event_id == said[2].event_id
    assert {one.zone for one in said} == {"Yard"}
    assert said[0].place_n == pytest.approx(IN)
    assert dict(said[-1].values)["inside_s"] == "3.8"


def test_one_frame_inside_is_no_visit() -> None:
    assert run(*at(OUT, IN, OUT, IN, OUT, OUT)) == []


def test_trembling_at_the_edge_is_one_visit() -> None:
    said = run(*at(*[IN] * 3, *[(0.401, 0.6), (0.399, 0.6)] * 20, *[OUT] * 8))
    assert [one.kind for one in said].count("zone.entered") == 1
    assert [one.kind for one in said].count("zone.left") == 1


def test_a_path_that_ends_inside_has_left() -> None:
    said = run(*at(*[IN] * 15, *[None] * 15))
    assert [one.kind for one in said] == ["zone.entered", "zone.present", "zone.present", "zone.left"]


def test_a_path_lost_and_found_again_inside_is_one_visit() -> None:
    again = (tracked(2, (0.61, 0.6)),)
    lost = [(tracked(1, IN),)] * 12 + [()] * 4
    found = [
        tuple(
            TrackedObject(2, one.object_class, one.box, 0.8, True, one.first_us + 16 * 200_000, 2)
            for one in again
        )
    ]
    said = run(*lost, *found * 12, *[()] * 15)
    assert [one.kind for one in said].count("zone.entered") == 1
    assert [one.kind for one in said].count("zone.left") == 1


def test_a_path_that_begins_where_another_is_carried_is_the_same_visit() -> None:
    """The tracker still carries the lost one: what is found beside it entered long ago."""
    carried = replace(tracked(1, IN), is_seen=False)
    other = replace(tracked(2, (0.62, 0.6)), first_us=tracked(2, IN).first_us + 12 * 200_000)
    said = run(*[(tracked(1, IN),)] * 12, *[(carried, other)] * 8, *[(other,)] * 10)
    assert [one.kind for one in said] == ["zone.entered", "zone.present", "zone.present"]
    beside = run(*[(tracked(1, IN),)] * 12, *[(tracked(1, IN), other)] * 8)
    assert [one.kind for one in beside].count("zone.entered") == 2, "both are seen: they are two"


def test_what_does_not_count_does_not() -> None:
    car = ObjectClass.CAR
    assert run(*at(*[IN] * 9, object_class=car), settings={"classes": ["person"]}) == []
    assert run(*at(*[IN] * 9, object_class=car), settings={"classes": ["vehicle"]})
    assert run(*at(*[IN] * 9), settings={"min_height_n": 0.3}) == []
    hanging = (0.5, 0.6)
    assert run(*at(*[hanging] * 9, size_n=(0.3, 0.6))) == [], "an arm before the lens stands nowhere"


def test_the_end_ends_what_lasts() -> None:
    said = run(*at(*[IN] * 15))
    assert words(said)[-1] == "present ended -1"


corner = st.tuples(st.floats(0, 1), st.floats(0, 1))


@given(st.lists(corner, min_size=3, max_size=7, unique=True))
def test_any_polygon_is_taken_or_refused_in_words(points: list[tuple[float, float]]) -> None:
    try:
        taken = ZoneSettings.model_validate({"zone": points, "name": "x"})
    except ValidationError:
        return  # TestContract reads the words
    assert not crosses_itself(taken.zone)
    assert area(taken.zone) > 0
    xs, ys = [x for x, _ in taken.zone], [y for _, y in taken.zone]
    assert not contains(taken.zone, (max(xs) + 0.01, 0.5))
    assert not contains(taken.zone, (0.5, max(ys) + 0.01))


@given(st.lists(st.tuples(corner, st.booleans()), min_size=1, max_size=60))
def test_it_enters_before_it_leaves_and_in_turn(path: list[tuple[tuple[float, float], bool]]) -> None:
    said = run(*at(*[foot if there else None for foot, there in path]))
    kinds = [one.kind for one in said if one.kind != "zone.present"]
    assert all(a != b for a, b in pairwise(kinds))
    assert not kinds or kinds[0] == "zone.entered"


def test_frames_at_odd_paces_keep_seconds() -> None:
    analytic = ANALYTIC.make(ZoneSettings.model_validate({**MINE, "min_dwell_s": 1.0}))
    said: list[Observation] = []
    for index in range(4):
        said += analytic.look(SeenFrame(index, index * 700_000, (tracked(1, IN),)))
    assert [(one.kind, one.at_us) for one in said] == [("zone.entered", 700_000), ("zone.present", 1_400_000)]
