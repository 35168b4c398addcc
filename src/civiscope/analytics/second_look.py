"""A second detector for what moves and the first one cannot name: vehicles from straight above, mostly."""

import numpy as np
from numpy.typing import NDArray

from civiscope.analytics.detector import Detector, Floats, ScoreLevels
from civiscope.analytics.model import CLASSES, VEHICLES, Box, Detections, ObjectClass
from civiscope.analytics.motion import Motion

LEAST_AREA_N = 0.012
"""A moving part of the picture smaller than this is left to the first detector."""
_EXPLAINED_SHARE = 0.3
_MOVING_SHARE = 0.5
_SAME_SHARE = 0.4
"""Of which so much lies within the other, whichever of the two is smaller, is the same thing."""
_LEAST_SCORE = 0.6
"""What the first cannot name, the second must be surer of than of what it names alone."""
_BAG = CLASSES.index(ObjectClass.BAG)
"""No bag moves by itself: it explains nothing."""
_VEHICLES = np.array([one in VEHICLES for one in CLASSES])


class WithSecondLook:
    """A detector that brings a second one along; by itself it is the first. One caller at a time for both."""

    def __init__(self, first: Detector, second: Detector) -> None:
        self._first = first
        self.second = second

    @property
    def name(self) -> str:
        """Of the first."""
        return self._first.name

    @property
    def classes(self) -> frozenset[ObjectClass]:
        """What either can tell."""
        return self._first.classes | (self.second.classes & VEHICLES)

    @property
    def levels(self) -> ScoreLevels:
        """Of the first."""
        return self._first.levels

    def size_for(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Of the first."""
        return self._first.size_for(width_px, height_px)

    def detect(self, rgb: NDArray[np.uint8]) -> Detections:
        """What the first finds."""
        return self._first.detect(rgb)


def unexplained(motion: Motion, found: Detections, strong: float) -> Floats:
    """(N, 4): large moving parts of the picture in which nothing was found that could move so."""
    large = [box for box in motion.boxes_n if _area(box) >= LEAST_AREA_N]
    if not large:
        return np.zeros((0, 4), np.float32)
    parts = np.array(large, np.float32)
    known = found.boxes_n[(found.scores >= strong) & (found.classes != _BAG)]
    covered = _shares(parts, known).max(1, initial=0.0) >= _EXPLAINED_SHARE
    left: Floats = parts[~covered]
    return left


def with_vehicles(
    found: Detections, strong: float, seen: Detections, seen_strong: float, parts: Floats
) -> Detections:
    """What the first found, and vehicles that only the second is sure of, where the unexplained moves.

    `strong` and `seen_strong`: the levels of the two.
    """
    sure = (seen.scores >= max(strong, seen_strong, _LEAST_SCORE)) & _VEHICLES[seen.classes]
    boxes, scores, classes = seen.boxes_n[sure], seen.scores[sure], seen.classes[sure]
    moves = _shares(boxes, parts).max(1, initial=0.0) >= _MOVING_SHARE
    known = found.boxes_n[(found.scores >= strong) & (found.classes != _BAG)]
    within = np.maximum(_shares(boxes, known), _shares(known, boxes).T).max(1, initial=0.0)
    new = moves & (within < _SAME_SHARE)
    if not new.any():
        return found
    return Detections(
        np.concatenate((found.boxes_n, boxes[new])),
        np.concatenate((found.scores, scores[new])),
        np.concatenate((found.classes, classes[new])),
    )


def _area(box: Box) -> float:
    return (box.x1_n - box.x0_n) * (box.y1_n - box.y0_n)


def _shares(boxes: NDArray[np.float32], others: NDArray[np.float32]) -> Floats:
    """(N, M): which share of each box lies within each other."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    area = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(1), 1e-9)
    found: Floats = np.maximum(high - low, 0.0).prod(2) / area[:, None]
    return found
