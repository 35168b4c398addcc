"""A detector's input: a picture at the top left, grey where it does not reach."""

import numpy as np
from numpy.typing import NDArray

from civiscope.analytics.detector import Floats

_PAD = 114


class Canvas:
    """One input of fixed size, written again and again. `planes`: (1, 3, H, W) float32, 0 to 255."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self.width_px, self.height_px = width_px, height_px
        self.planes: Floats = np.full((1, 3, height_px, width_px), _PAD, np.float32)
        self._filled = (0, 0)

    def put(self, picture: NDArray[np.uint8], *, is_reversed: bool = False) -> Floats:
        """The planes with the picture (H, W, 3) in them, its channels reversed (RGB → BGR) if asked."""
        height_px, width_px = picture.shape[:2]
        if self._filled != (height_px, width_px):
            self.planes[:] = _PAD
            self._filled = height_px, width_px
        channels = picture[:, :, ::-1] if is_reversed else picture
        self.planes[0, :, :height_px, :width_px] = channels.transpose(2, 0, 1)
        return self.planes


def best_room(rooms_px: tuple[tuple[int, int], ...], width_px: int, height_px: int) -> tuple[int, int]:
    """Of inputs (width, height), the one in which a picture is largest; of equals the smallest."""

    def fit(room: tuple[int, int]) -> tuple[int, int]:
        scale = min(room[0] / width_px, room[1] / height_px)
        return -round(scale * width_px), room[0] * room[1]

    return min(rooms_px, key=fit)
