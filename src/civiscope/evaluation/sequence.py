"""Truth and results frame by frame: what every score is made from."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from civiscope.evaluation.boxes import Floats, iou_matrix


@dataclass(frozen=True, slots=True)
class Placed:
    """One box in one frame. `track` is 0 where identities do not matter."""

    frame: int
    track: int
    box: tuple[float, float, float, float]
    """x, y, width, height."""
    score: float = 1.0
    label: str = ""
    is_ignored: bool = False
    """Of truth: whoever finds it is neither right nor wrong."""


@dataclass(frozen=True, slots=True)
class FrameBoxes:
    """All boxes of one frame as arrays: `boxes` (N, 4), `tracks` (N,), `scores` (N,), `ignored` (N,)."""

    boxes: Floats
    tracks: np.ndarray[tuple[int], np.dtype[np.int64]]
    scores: Floats
    ignored: np.ndarray[tuple[int], np.dtype[np.bool_]]


def by_frame(placed: Iterable[Placed]) -> dict[int, FrameBoxes]:
    """The boxes of each frame that has any, in the order given."""
    gathered: dict[int, list[Placed]] = {}
    for one in placed:
        gathered.setdefault(one.frame, []).append(one)
    return {frame: _arrays(ones) for frame, ones in gathered.items()}


NO_BOXES = FrameBoxes(np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.bool_))


def without_ignored(
    truth: FrameBoxes, found: FrameBoxes, share: float = 0.5
) -> tuple[FrameBoxes, FrameBoxes]:
    """Truth that counts, and what was found but for that which ignored truth explains (IoU at least `share`).

    A found box is given to the truth that counts first.
    """
    counts = ~truth.ignored
    kept = _chosen(truth, counts)
    if counts.all() or not len(found.boxes):
        return kept, found
    overlap = iou_of(found, truth)
    best_counting = np.where(counts[None, :], overlap, 0.0).max(axis=1, initial=0.0)
    best_ignored = np.where(counts[None, :], 0.0, overlap).max(axis=1, initial=0.0)
    is_explained = (best_ignored >= share) & (best_counting < share)
    return kept, _chosen(found, ~is_explained)


def iou_of(first: FrameBoxes, second: FrameBoxes) -> Floats:
    """`iou_matrix` of two frames' boxes."""
    return iou_matrix(first.boxes, second.boxes)


def _chosen(frame: FrameBoxes, which: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> FrameBoxes:
    return FrameBoxes(frame.boxes[which], frame.tracks[which], frame.scores[which], frame.ignored[which])


def _arrays(ones: list[Placed]) -> FrameBoxes:
    return FrameBoxes(
        np.array([one.box for one in ones], np.float64).reshape(-1, 4),
        np.array([one.track for one in ones], np.int64),
        np.array([one.score for one in ones], np.float64),
        np.array([one.is_ignored for one in ones], np.bool_),
    )
