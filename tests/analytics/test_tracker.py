"""The same thing over frames: crossing paths, misses, weak detections, rest, class votes, jumps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.analytics import CLASSES, Detections, ObjectClass, ScoreLevels, TrackedObject, Tracker

Seen = tuple[float, float, float, float, float, ObjectClass]
"""Centre x and y, width, height, score, class."""
PERSON, CAR = ObjectClass.PERSON, ObjectClass.CAR


def found(*things: Seen) -> Detections:
    if not things:
        return Detections.none()
    boxes = [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h, _, _ in things]
    return Detections(
        np.array(boxes, np.float32),
        np.array([one[4] for one in things], np.float32),
        np.array([CLASSES.index(one[5]) for one in things], np.int8),
    )


class Watch:
    """A tracker fed at an even pace."""

    def __init__(self, step_s: float = 0.2) -> None:
        self.tracker = Tracker(ScoreLevels(0.4, 0.12))
        self._step_us = int(step_s * 1e6)
        self.at_us = 0

    def look(self, *things: Seen, stirred: bool = True) -> tuple[TrackedObject, ...]:
        self.at_us += self._step_us
        return self.tracker.update(found(*things), self.at_us, np.full(len(self.tracker), stirred))

    def carry(self, stirred: bool = False) -> tuple[TrackedObject, ...]:
        self.at_us += self._step_us
        return self.tracker.carry(self.at_us, np.full(len(self.tracker), stirred))


def test_two_hits_confirm_and_one_does_not() -> None:
    watch = Watch()
    assert watch.look((0.2, 0.5, 0.05, 0.2, 0.7, PERSON)) == ()
    (one,) = watch.look((0.22, 0.5, 0.05, 0.2, 0.7, PERSON))
    assert (one.track_id, one.object_class, one.is_seen, one.seen_count) == (1, PERSON, True, 2)
    lonely = Watch()
    assert not any(
        lonely.look(*([(0.2, 0.5, 0.05, 0.2, 0.7, PERSON)] if n % 6 == 0 else [])) for n in range(30)
    )


def test_paths_that_cross_keep_their_ids() -> None:
    watch = Watch()
    objects: tuple[TrackedObject, ...] = ()
    for n in range(40):
        x = 0.1 + 0.02 * n
        objects = watch.look((x, 0.5, 0.05, 0.2, 0.8, PERSON), (1 - x, 0.58, 0.05, 0.2, 0.8, PERSON))
    by_x = sorted(objects, key=lambda one: one.box.x0_n)
    assert [one.track_id for one in by_x] == [2, 1]


def test_misses_are_carried_and_then_forgotten() -> None:
    watch = Watch()
    for n in range(5):
        watch.look((0.1 + 0.02 * n, 0.5, 0.05, 0.2, 0.8, PERSON))
    carried = [watch.look() for _ in range(4)]
    assert all(objects and not objects[0].is_seen for objects in carried)
    assert carried[-1][0].box.x0_n > carried[0][0].box.x0_n
    (again,) = watch.look((0.1 + 0.02 * 9, 0.5, 0.05, 0.2, 0.8, PERSON))
    assert again.track_id == 1
    assert not [watch.look() for _ in range(12)][-1]


def test_who_turns_round_unseen_is_the_same_one() -> None:
    """Not found while it turns, it is carried on the old way; it is found again where it was last."""
    watch = Watch()
    for n in range(12):
        watch.look((0.3 + 0.012 * n, 0.5, 0.035, 0.14, 0.9, PERSON))
    for _ in range(3):
        watch.look()
    (back,) = watch.look((0.41, 0.5, 0.035, 0.14, 0.9, PERSON))
    assert (back.track_id, back.is_seen) == (1, True)


def test_what_is_at_rest_costs_no_second_answer() -> None:
    """The same objects while nothing moves, and the new state as soon as something does."""
    watch = Watch()
    for _ in range(3):
        watch.look((0.2, 0.5, 0.05, 0.2, 0.7, PERSON))
    first = watch.carry()
    assert all(watch.carry() is first for _ in range(20))
    assert not watch.tracker.uncertain()
    (one,) = watch.carry(stirred=True)
    assert not one.is_seen
    assert watch.tracker.uncertain()


def test_weak_detections_go_on_with_a_track_and_begin_none() -> None:
    watch = Watch()
    for n in range(3):
        watch.look((0.1 + 0.01 * n, 0.5, 0.05, 0.2, 0.8, PERSON))
    for n in range(3, 30):
        objects = watch.look(
            (0.1 + 0.01 * n, 0.5, 0.05, 0.2, 0.2, PERSON), (0.8, 0.5, 0.05, 0.2, 0.2, PERSON)
        )
        assert [one.track_id for one in objects] == [1]
        assert objects[0].is_seen


def test_a_small_fast_thing_is_followed_beyond_its_own_size() -> None:
    watch = Watch()
    ids = {one.track_id for n in range(8) for one in watch.look((0.1 + 0.09 * n, 0.5, 0.06, 0.08, 0.8, CAR))}
    assert ids == {1}


def test_a_person_is_never_a_car() -> None:
    watch = Watch()
    for _ in range(5):
        watch.look((0.5, 0.5, 0.1, 0.2, 0.8, CAR))
    objects = [watch.look((0.5, 0.5, 0.1, 0.2, 0.8, PERSON)) for _ in range(3)][-1]
    assert {one.object_class for one in objects if one.is_seen} == {PERSON}


def test_kinds_of_vehicles_are_voted() -> None:
    watch = Watch()
    objects: tuple[TrackedObject, ...] = ()
    for n in range(20):
        kind = ObjectClass.TRUCK if n % 4 == 0 else CAR
        objects = watch.look((0.2 + 0.01 * n, 0.5, 0.1, 0.1, 0.7, kind))
    assert [(one.track_id, one.object_class) for one in objects] == [(1, CAR)]


def test_what_rests_where_nothing_moves_is_still_there() -> None:
    watch = Watch()
    for _ in range(10):
        watch.look((0.5, 0.5, 0.05, 0.2, 0.8, PERSON))
    for _ in range(300):
        (one,) = watch.carry()
    assert (one.track_id, one.is_seen) == (1, True)
    assert watch.look(stirred=False), "one failed look is not enough"
    assert watch.look(stirred=False)
    assert not watch.look(stirred=False)


def test_what_left_while_something_moved_there_is_forgotten_in_time() -> None:
    watch = Watch()
    for _ in range(10):
        watch.look((0.5, 0.5, 0.05, 0.2, 0.8, PERSON))
    left = [bool(watch.look(stirred=True)) for _ in range(20)]
    assert left[0]
    assert not left[-1]


def test_a_bonnet_within_its_car_is_no_second_car() -> None:
    watch = Watch()
    for n in range(4):
        watch.look((0.3, 0.3 + 0.01 * n, 0.2, 0.3, 0.8, CAR), (0.3, 0.4 + 0.01 * n, 0.12, 0.1, 0.5, CAR))
    objects: tuple[TrackedObject, ...] = ()
    for n in range(4, 8):
        objects = watch.look(
            (0.3, 0.3 + 0.01 * n, 0.2, 0.3, 0.8, CAR), (0.3, 0.4 + 0.01 * n, 0.12, 0.1, 0.2, CAR)
        )
    assert [one.track_id for one in objects] == [1]


thing = st.tuples(
    st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.001, 1.0), st.floats(0.001, 1.0), st.floats(0.0,
    1.0), st.sampled_from(CLASSES),
)  # fmt: skip


@given(
    st.lists(st.tuples(st.lists(thing, max_size=12), st.integers(0, 3_000_000), st.booleans()), max_size=20)
)
def test_whatever_is_found_ids_are_unique_and_boxes_upright(
    looks: list[tuple[list[Seen], int, bool]],
) -> None:
    tracker, at_us = Tracker(ScoreLevels(0.4, 0.12)), 0
    for things, step_us, stirred in looks:
        at_us += step_us
        where = np.full(len(tracker), stirred)
        objects = tracker.update(found(*things), at_us, where) if things else tracker.carry(at_us, where)
        ids = [one.track_id for one in objects]
        assert len(set(ids)) == len(ids)
        for one in objects:
            assert 0 <= one.box.x0_n < one.box.x1_n <= 1
            assert 0 <= one.box.y0_n < one.box.y1_n <= 1
            assert one.seen_count >= 2


@pytest.mark.parametrize("rate_fps", [2, 5, 12, 30])
def test_any_rate_gives_one_path_for_one_walker(rate_fps: int) -> None:
    watch = Watch(1 / rate_fps)
    ids = set()
    for n in range(6 * rate_fps):
        x = 0.05 + 0.15 * n / rate_fps
        ids |= {one.track_id for one in watch.look((x, 0.6, 0.06, 0.25, 0.8, PERSON))}
    assert ids == {1}
