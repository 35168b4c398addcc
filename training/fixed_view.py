"""What moves before a camera that does not: boxes of all that differs from the view when it is empty."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from training.boxes import Boxes
from training.labelled import Picture

_DIFFERENCE = 28
"""Grey levels, after the light has been made equal."""
_LEAST_SHARE = 0.004
"""Of the picture's area: smaller things are noise."""


def moving_boxes(pictures: Sequence[Picture], kind: int) -> list[Boxes]:
    """For each RGB picture of one fixed view, boxes (N, 6) of one class around what is not background."""
    view = np.median(np.stack(pictures), 0).astype(np.float32)
    return [_boxes_of(_mask(picture, view), kind) for picture in pictures]


def _mask(picture: Picture, view: npt.NDArray[np.float32]) -> Picture:
    gain = np.median(picture.astype(np.float32) / np.maximum(view, 1), (0, 1))
    away = np.abs(picture - np.clip(view * gain, 0, 255)).max(-1)
    mask = (away > _DIFFERENCE).astype(np.uint8)
    side = max(3, picture.shape[1] // 60)
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return np.asarray(cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8)), np.uint8)


def _boxes_of(mask: Picture, kind: int) -> Boxes:
    _, _, found, _ = cv2.connectedComponentsWithStats(mask)
    least = _LEAST_SHARE * mask.size
    rows = [(x, y, x + w, y + h, 1.0, kind) for x, y, w, h, area in found[1:] if area > least]
    return np.array(rows, np.float32).reshape(-1, 6)
