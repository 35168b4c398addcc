"""A second detector names what moves and the first one cannot; its faults are told apart like the first's."""

import numpy as np
import pytest
from numpy.typing import NDArray

from civiscope.analytics import CLASSES, Detections, ObjectClass, ScoreLevels
from civiscope.analytics.second_look import WithSecondLook, with_vehicles
from civiscope.analytics.watched import DetectorFailedError, guarded

CAR = CLASSES.index(ObjectClass.CAR)
PERSON = CLASSES.index(ObjectClass.PERSON)


class Named:
    """Finds nothing, or fails."""

    classes = frozenset({ObjectClass.CAR})
    levels = ScoreLevels(strong=0.4, weak=0.1)

    def __init__(self, name: str, fault: str = "") -> None:
        self.name = name
        self._fault = fault

    def size_for(self, width_px: int, height_px: int) -> tuple[int, int]:
        return width_px, height_px

    def detect(self, rgb: NDArray[np.uint8]) -> Detections:
        if self._fault:
            raise ValueError(self._fault)
        return Detections.none()


def found(box: tuple[float, float, float, float], score: float, kind: int) -> Detections:
    return Detections(np.array([box], np.float32), np.array([score], np.float32), np.array([kind], np.int8))


def test_a_guarded_detector_keeps_its_second_look() -> None:
    both = guarded(WithSecondLook(Named("first"), Named("second", "broken")))
    assert isinstance(both, WithSecondLook)
    assert both.name == "first"
    picture = np.zeros((32, 32, 3), np.uint8)
    assert len(both.detect(picture)) == 0
    with pytest.raises(DetectorFailedError, match="second"):
        both.second.detect(picture)


@pytest.mark.parametrize(
    ("score", "kind", "part", "count"),
    [
        (0.8, CAR, (0.1, 0.1, 0.5, 0.6), 1),
        (0.3, CAR, (0.1, 0.1, 0.5, 0.6), 0),
        (0.8, PERSON, (0.1, 0.1, 0.5, 0.6), 0),
        (0.8, CAR, (0.7, 0.7, 0.9, 0.9), 0),
    ],
)
def test_only_sure_vehicles_that_move_unexplained_are_added(
    score: float, kind: int, part: tuple[float, float, float, float], count: int
) -> None:
    seen = found((0.1, 0.1, 0.5, 0.6), score, kind)
    parts = np.array([part], np.float32)
    assert len(with_vehicles(Detections.none(), 0.4, seen, 0.45, parts)) == count


def test_what_the_first_named_is_not_named_again() -> None:
    known = found((0.1, 0.1, 0.5, 0.6), 0.9, CAR)
    parts = np.array([[0.1, 0.1, 0.5, 0.6]], np.float32)
    assert len(with_vehicles(known, 0.4, found((0.12, 0.1, 0.5, 0.6), 0.9, CAR), 0.45, parts)) == 1
