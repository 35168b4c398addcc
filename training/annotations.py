"""Boxes told by hand, where the teacher fails: a moment here and there, in between a straight line.

Each row: frame, then x0, y0, x1, y1 in the clip's pixels.
"""

import numpy as np
import numpy.typing as npt

from training.boxes import BICYCLE, NO_BOXES, PERSON, VEHICLE, Boxes

Rows = tuple[tuple[int, int, int, int, int], ...]

_CAR_PARK_CAR: Rows = (
    (0, 52, 152, 172, 270), (8, 74, 113, 179, 249), (16, 95, 76, 172, 191),
    (24, 75, 48, 160, 144), (32, 24, 36, 132, 112), (40, 0, 33, 89, 99),
)  # fmt: skip
_CAR_PARK_BICYCLE: Rows = (
    (0, 319, 0, 332, 18), (8, 322, 0, 338, 30), (16, 330, 5, 357, 43),
    (24, 345, 19, 387, 54), (32, 372, 27, 420, 62), (40, 403, 37, 453, 66),
)  # fmt: skip
_CAR_PARK_RIDER: Rows = (
    (8, 325, 0, 339, 18), (16, 342, 0, 357, 28), (24, 366, 4, 380, 37),
    (32, 393, 9, 407, 47), (40, 424, 16, 440, 51),
)  # fmt: skip
_CAR_PARK_WALKER: Rows = ((0, 159, 0, 174, 38), (8, 174, 0, 188, 23), (12, 182, 0, 194, 14))

_MOTORWAY_CYCLIST: Rows = (
    (85, 240, 208, 255, 240), (95, 243, 195, 259, 240), (110, 248, 184, 263, 233), (130, 254, 171, 269, 215),
    (160, 262, 153, 276, 194), (200, 272, 137, 284, 171), (240, 280, 122, 290, 151),
    (280, 284, 109, 294, 136), (320, 289, 96, 297, 122), (360, 293, 88, 302, 111),
    (400, 297, 81, 306, 102), (440, 302, 73, 310, 95), (480, 304, 68, 312, 88), (520, 304, 63, 311, 82),
)  # fmt: skip
"""Rider and bicycle from behind, as one."""


def car_park(frame: int) -> Boxes:
    """All that stands in a frame of person-bicycle-car-detection.gif."""
    tracks = (
        (_CAR_PARK_CAR, VEHICLE), (_CAR_PARK_BICYCLE, BICYCLE),
        (_CAR_PARK_RIDER, PERSON), (_CAR_PARK_WALKER, PERSON),
    )  # fmt: skip
    found = [(*box, 1.0, kind) for rows, kind in tracks if (box := _at(rows, frame)) is not None]
    return np.array(found, np.float32).reshape(-1, 6)


def motorway_cyclist(frame: int) -> Boxes:
    """Rider and bicycle in a frame of highway_cyclist_320x240.avi; none before and after."""
    box = _at(_MOTORWAY_CYCLIST, frame)
    if box is None:
        return NO_BOXES
    x0, y0, x1, y1 = (float(side) for side in box)
    rider = (x0, y0, x1, y0 + 0.8 * (y1 - y0), 1.0, PERSON)
    wheel = (x0 + 0.2 * (x1 - x0), y0 + 0.5 * (y1 - y0), x1 - 0.2 * (x1 - x0), y1, 1.0, BICYCLE)
    return np.array([rider, wheel], np.float32)


def _at(rows: Rows, frame: int) -> npt.NDArray[np.float64] | None:
    told = np.array(rows, float)
    if not told[0, 0] <= frame <= told[-1, 0]:
        return None
    return np.array([np.interp(frame, told[:, 0], side) for side in told[:, 1:].T])
