"""The port of a detector, and what all of them share: where boxes overlap, and which of two is kept."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from civiscope.analytics.model import CLASSES, Detections, ObjectClass

Floats = NDArray[np.float32]

_RIVALS = (
    {ObjectClass.CAR, ObjectClass.BUS, ObjectClass.TRUCK, ObjectClass.VEHICLE},
    {ObjectClass.BICYCLE, ObjectClass.MOTORCYCLE},
)
RIVAL_GROUPS = np.array(
    [next((n for n, group in enumerate(_RIVALS, 100) if one in group), at) for at, one in enumerate(CLASSES)],
    np.int64,
)
"""By index into `CLASSES`: classes of one group are taken for one another, so their boxes suppress each
other."""


@dataclass(frozen=True, slots=True)
class ScoreLevels:
    """What a detector's scores are worth; they belong to its model as its weights do."""

    strong: float
    """From here on it is believed: begins a track, and is matched first."""
    weak: float
    """From here on it goes on with a track that is there."""


class Detector(Protocol):
    """Finds objects in one picture. One caller at a time; its thread waits."""

    @property
    def name(self) -> str:
        """As the registry of models calls it; every screen says which one looks."""
        ...

    @property
    def classes(self) -> frozenset[ObjectClass]:
        """What it can tell."""
        ...

    @property
    def levels(self) -> ScoreLevels:
        """Which of its scores are strong, and which are weak."""
        ...

    def size_for(self, width_px: int, height_px: int) -> tuple[int, int]:
        """The width and height in which it wants a picture of this size: same shape, never enlarged beyond
        use."""
        ...

    def detect(self, rgb: NDArray[np.uint8]) -> Detections:
        """What is in a picture (H, W, 3) of the size it asked for; scores down to the weak ones."""
        ...


def fit_within(size_px: tuple[int, int], room_px: tuple[int, int]) -> tuple[int, int]:
    """The largest size of the same shape within the room, in whole pixels, at least one."""
    scale = min(room_px[0] / size_px[0], room_px[1] / size_px[1])
    return (
        max(1, min(room_px[0], round(size_px[0] * scale))),
        max(1, min(room_px[1], round(size_px[1] * scale))),
    )


def overlaps(first: Floats, second: Floats) -> Floats:
    """(N, M) intersection over union of boxes (N, 4) and (M, 4)."""
    x0, y0, x1, y1 = first.T[:, :, None]
    u0, v0, u1, v1 = second.T[:, None, :]
    wide = np.minimum(x1, u1) - np.maximum(x0, u0)
    high = np.minimum(y1, v1) - np.maximum(y0, v0)
    both = np.maximum(wide, 0.0) * np.maximum(high, 0.0)
    found: Floats = both / np.maximum((x1 - x0) * (y1 - y0) + (u1 - u0) * (v1 - v0) - both, 1e-9)
    return found


def suppress(
    boxes: Floats, scores: Floats, groups: NDArray[np.int64], most_overlap: float, most_within: float = 1.0
) -> NDArray[np.intp]:
    """Greedy non-maximum suppression within groups: indices of those kept, best first.

    `most_within`: of a box, the share that may lie within a better one.
    """
    order = np.argsort(-scores, kind="stable")
    boxes, groups = boxes[order], groups[order]
    rival = overlaps(boxes, boxes) > most_overlap
    if most_within < 1.0:
        rival |= _shares_within(boxes) > most_within
    rival &= groups[:, None] == groups[None, :]
    alive = np.ones(len(order), bool)
    for at in range(len(order)):
        if alive[at]:
            alive[at + 1 :] &= ~rival[at, at + 1 :]
    return order[alive]


def _shares_within(boxes: Floats) -> Floats:
    """(N, N): which share of the second lies within the first."""
    x0, y0, x1, y1 = boxes.T
    wide = np.minimum(x1[:, None], x1) - np.maximum(x0[:, None], x0)
    high = np.minimum(y1[:, None], y1) - np.maximum(y0[:, None], y0)
    found: Floats = np.maximum(wide, 0.0) * np.maximum(high, 0.0) / np.maximum((x1 - x0) * (y1 - y0), 1e-9)
    return found
