"""Boxes as arrays, as scoring needs them: x, y, width, height in any one unit."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def iou_matrix(first: Floats, second: Floats) -> Floats:
    """Intersection over union; `first` (N, 4), `second` (M, 4) as x y w h; answer (N, M), 0 to 1."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, :2] + first[:, None, 2:], second[None, :, :2] + second[None, :, 2:])
    sides = np.clip(high - low, 0.0, None)
    shared = sides[..., 0] * sides[..., 1]
    union = (first[:, 2] * first[:, 3])[:, None] + (second[:, 2] * second[:, 3])[None, :] - shared
    ratio: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return ratio
