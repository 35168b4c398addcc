"""Drawn streets of `civiscope.simulator` as labelled pictures: the truth is known, no teacher is asked."""

from collections.abc import Iterator

import numpy as np

from civiscope.media import PlanarPicture
from civiscope.simulator.street import Mover, StreetPlan, draw_street, movers
from training.boxes import PERSON, VEHICLE, Boxes
from training.labelled import Picture

VISIBLE_SHARE = 0.45
"""A mover of which less can be seen is neither a thing nor background."""


def street_plan(seed: int) -> StreetPlan:
    """A street of eight moments, evenly over its loop."""
    return StreetPlan(f"STREET {seed % 97}", seed, rate_fps=1, duration_s=8)


def labelled_street(plan: StreetPlan) -> Iterator[tuple[Picture, Boxes]]:
    """Every picture of one loop in RGB, with its true boxes (N, 6)."""
    frames = plan.rate_fps * plan.duration_s
    for number, picture in enumerate(draw_street(plan)):
        yield as_rgb(picture), true_boxes(plan, number / frames)


def true_boxes(plan: StreetPlan, share: float) -> Boxes:
    """Where the movers stand at a share (0 to 1) of the loop; score 1, or 0.2 if mostly hidden."""
    boxes = [_mover_box(mover, share, plan.width_px) for mover in movers(plan)]
    painted = np.full((plan.height_px, plan.width_px), -1, np.int16)
    for index, (x0, y0, x1, y1, _) in enumerate(boxes):
        painted[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = index
    found = []
    for index, (x0, y0, x1, y1, kind) in enumerate(boxes):
        shown = int((painted == index).sum()) / ((x1 - x0) * (y1 - y0))
        if shown > 0.05:
            left, right = max(0, x0), min(plan.width_px, x1)
            found.append((left, y0, right, y1, 1.0 if shown >= VISIBLE_SHARE else 0.2, kind))
    return np.array(found, np.float32).reshape(-1, 6)


def as_rgb(picture: PlanarPicture) -> Picture:
    """(H, W, 3) uint8 of a drawn picture, by the limited-range equations of BT.601."""
    shape = (picture.height_px // 2, picture.width_px // 2)
    y = np.frombuffer(picture.y, np.uint8).reshape(picture.height_px, picture.width_px)
    u, v = (
        np.frombuffer(plane, np.uint8).reshape(shape).repeat(2, 0).repeat(2, 1).astype(np.float32) - 128
        for plane in (picture.u, picture.v)
    )
    luma = 1.164 * (y.astype(np.float32) - 16)
    rgb = np.stack([luma + 1.596 * v, luma - 0.392 * u - 0.813 * v, luma + 2.017 * u], -1)
    return np.clip(rgb + 0.5, 0, 255).astype(np.uint8)


def _mover_box(mover: Mover, share: float, width_px: int) -> tuple[int, int, int, int, int]:
    """The rectangle around all that is drawn of a mover, and its class."""
    left, size = mover.left_px(share, width_px), mover.size_px // 2 * 2
    if mover.is_vehicle:
        top = mover.base_px - size * 2 // 3
        return left, top, left + size * 2, mover.base_px + size // 8, VEHICLE
    stride = int(share * 40 * abs(mover.crossings)) % 2 * (size // 12)
    right = left + max(size // 16 + size // 3, size // 4 + stride + size // 8)
    return left + size // 16 - stride, mover.base_px - size, right, mover.base_px, PERSON
