"""The line: counts once whatever trembles, tells direction, and only through its own length."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.analytics import ObjectClass, Observation, TrackedObject
from civiscope.analytics.contract import AnalyticContract, frames_of, tracked
from civiscope.analytics.plugins.line import ANALYTIC, LineSettings

ACROSS = [[0.2, 0.5], [0.8, 0.5]]
MINE: dict[str, Any] = {"line": ACROSS, "name": "Gate"}


class TestContract(AnalyticContract):
    plugin = ANALYTIC
    good_settings = (
        MINE,
        {**MINE, "direction": "a_to_b", "classes": ["person"]},
        {**MINE, "line": [[0.5, 0], [0.5, 0.5], [0.6, 1.0]]},
    )
    bad_settings = (
        {"line": ACROSS},
        {**MINE, "line": ACROSS[:1]},
        {**MINE, "line": [[0.5, 0.5], [0.5, 0.5]]},
        {**MINE, "line": [[0.5, 0.5], [0.501, 0.5]]},
        {**MINE, "line": [[0.5, 0.5], [1.5, 0.5]]},
        {**MINE, "direction": "up"},
        {**MINE, "classes": "person"},
    )


def run(*feet: tuple[float, float], settings: dict[str, Any] | None = None, **more: Any) -> list[Observation]:
    analytic = ANALYTIC.make(LineSettings.model_validate({**MINE, **(settings or {})}))
    moments: list[tuple[TrackedObject, ...]] = [(tracked(1, foot, **more),) for foot in feet]
    return [one for frame in frames_of(*moments) for one in analytic.look(frame)]


def walk(*corners: tuple[float, float], steps: int = 10) -> list[tuple[float, float]]:
    path = [corners[0]]
    for (x0, y0), (x1, y1) in pairwise(corners):
        path += [
            (x0 + (x1 - x0) * step / steps, y0 + (y1 - y0) * step / steps) for step in range(1, steps + 1)
        ]
    return path


def test_from_left_to_right_looking_along_it() -> None:
    """Along (0.2, 0.5) → (0.8, 0.5) what is higher in the picture is on the left: A."""
    (down,) = run(*walk((0.5, 0.3), (0.5, 0.7)))
    assert (down.kind, down.direction, down.zone) == ("line.crossed", "a_to_b", "Gate")
    (up,) = run(*walk((0.5, 0.7), (0.5, 0.3)))
    assert up.direction == "b_to_a"
    (across,) = run(*walk((0.3, 0.6), (0.7, 0.6)), settings={"line": [[0.5, 0.9], [0.5, 0.1]]})
    assert across.direction == "a_to_b", "the line leads up: what comes from the left is on its left"


def test_one_long_step_is_enough() -> None:
    assert [one.direction for one in run((0.5, 0.1), (0.5, 0.95))] == ["a_to_b"]


def test_beside_its_ends_nothing_is_crossed() -> None:
    assert run(*walk((0.1, 0.3), (0.1, 0.7))) == []
    assert run(*walk((0.5, 0.3), (0.9, 0.35), (0.9, 0.7), (0.5, 0.7))) == [], "around its end"


def test_trembling_counts_once() -> None:
    tremble = [(0.5, 0.497), (0.5, 0.503)] * 10
    said = run(*walk((0.5, 0.3), (0.5, 0.497)), *tremble, *walk((0.5, 0.503), (0.5, 0.7)))
    assert [one.direction for one in said] == ["a_to_b"]
    assert run(*walk((0.5, 0.3), (0.5, 0.497)), *tremble, *walk((0.5, 0.497), (0.5, 0.3))) == []


def test_there_and_back_counts_twice() -> None:
    said = run(*walk((0.5, 0.3), (0.5, 0.7), (0.5, 0.3)))
    assert [one.direction for one in said] == ["a_to_b", "b_to_a"]
    assert dict(said[-1].values) == {
        "count_a_to_b": "1", "count_b_to_a": "1", "count_a_to_b_person": "1", "count_b_to_a_person": "1",
    }  # fmt: skip


def test_only_the_direction_and_classes_asked_for() -> None:
    path = walk((0.5, 0.3), (0.5, 0.7), (0.5, 0.3))
    assert [one.direction for one in run(*path, settings={"direction": "b_to_a"})] == ["b_to_a"]
    assert run(*path, settings={"classes": ["car"]}) == []
    assert len(run(*path, settings={"classes": ["car"]}, object_class=ObjectClass.VEHICLE)) == 2


def test_a_bent_line_is_one_line() -> None:
    bent = {"line": [[0.2, 0.5], [0.5, 0.5], [0.5, 0.9]]}
    said = run(*walk((0.3, 0.7), (0.7, 0.3), steps=7), settings=bent)
    assert len(said) == 1


@given(
    st.floats(0.25, 0.75),
    st.floats(0.05, 0.45),
    st.floats(0.55, 0.95),
    st.lists(st.floats(-0.004, 0.004), min_size=20, max_size=20),
    st.integers(1, 19),
)
def test_a_walker_counts_once_at_any_pace_with_any_tremor(
    x: float, begin: float, end: float, tremor: list[float], steps: int
) -> None:
    path = walk((x, begin), (x, end), steps=steps)
    shaken = [(px + shake, py + shake) for (px, py), shake in zip(path, tremor, strict=False)]
    assert [one.direction for one in run(*shaken, size_n=(0.03, 0.04))] == ["a_to_b"]


@pytest.mark.parametrize("height", [0.02, 0.4])
def test_what_is_not_seen_moves_nobody_across(height: float) -> None:
    analytic = ANALYTIC.make(LineSettings.model_validate(MINE))
    unseen = [
        TrackedObject(one.track_id, one.object_class, one.box, one.score, False, one.first_us, 2)
        for one in (tracked(1, foot, (0.1, height)) for foot in walk((0.5, 0.42), (0.5, 0.7)))
    ]
    assert not [one for frame in frames_of(*[(one,) for one in unseen]) for one in analytic.look(frame)]
