"""Boxes and what is counted with them: overlap, suppression, recall and precision, average precision.

Boxes are (N, 4) float32 x0, y0, x1, y1 in pixels; labelled boxes (N, 6) add a score and a class.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float32]

PERSON, BICYCLE, VEHICLE = 0, 1, 2
CLASSES = ("person", "bicycle", "vehicle")
SURE_SCORE = 0.3
"""From here on a box is a label; one below is doubtful: neither a thing nor background."""
NO_BOXES: Boxes = np.zeros((0, 6), np.float32)


def overlaps(first: Boxes, second: Boxes) -> Boxes:
    """Intersection over union of each of `first` (rows) with each of `second` (columns)."""
    common = _common(first, second)
    union = _areas(first)[:, None] + _areas(second)[None] - common
    return np.asarray(common / (union + 1e-6), np.float32)


def suppress(labelled: Boxes, most: float = 0.55, inside: float = 1.1) -> Boxes:
    """Keep the best of each heap of boxes of one class that overlap more than `most`, best first.

    A box that lies in a better one by more than the share `inside` of its own area is dropped as well.
    """
    left = labelled[np.argsort(-labelled[:, 4], kind="stable")]
    kept: list[Boxes] = []
    while len(left):
        best, left = left[:1], left[1:]
        kept.append(best)
        same = left[:, 5] == best[0, 5]
        common = _common(best, left)[0]
        heaped = overlaps(best, left)[0] > most
        swallowed = common > inside * np.minimum(_areas(left), _areas(best)[0])
        left = left[~(same & (heaped | swallowed))]
    return np.concatenate(kept) if kept else NO_BOXES


def match(found: Boxes, truth: Boxes, least: float) -> npt.NDArray[np.int64]:
    """For each found box, best score first, the index of the true box it takes, or -1."""
    taken = np.full(len(found), -1, np.int64)
    if not len(truth):
        return taken
    free = np.ones(len(truth), bool)
    shared = overlaps(found, truth)
    for index in np.argsort(-found[:, 4], kind="stable"):
        choice = int(np.argmax(np.where(free, shared[index], -1)))
        if free[choice] and shared[index, choice] >= least:
            taken[index], free[choice] = choice, False
    return taken


def recall_precision(found: Sequence[Boxes], truth: Sequence[Boxes], least: float) -> tuple[float, float]:
    """Over all pictures: share of true boxes found, share of found boxes that are true."""
    hits = sum(int((match(f, t, least) >= 0).sum()) for f, t in zip(found, truth, strict=True))
    wanted, claimed = sum(map(len, truth)), sum(map(len, found))
    return hits / max(1, wanted), hits / max(1, claimed)


def average_precision(
    found: Sequence[Boxes], truth: Sequence[Boxes], doubtful: Sequence[Boxes], least: float = 0.5
) -> float:
    """Area under the precision-recall curve of one class; a find on a doubtful box counts for nothing."""
    scores: list[float] = []
    hits: list[bool] = []
    for f, t, d in zip(found, truth, doubtful, strict=True):
        taken = match(f, t, least) >= 0
        vague = (overlaps(f, d).max(1) > 0.4) & ~taken if len(d) and len(f) else np.zeros(len(f), bool)
        scores += f[~vague, 4].tolist()
        hits += taken[~vague].tolist()
    wanted = sum(map(len, truth))
    if not wanted or not scores:
        return 0.0
    true = np.cumsum(np.array(hits)[np.argsort(-np.array(scores), kind="stable")])
    precision = np.maximum.accumulate((true / np.arange(1, len(true) + 1))[::-1])[::-1]
    return float(np.sum(np.diff(true / wanted, prepend=0.0) * precision))


def _areas(boxes: Boxes) -> Boxes:
    wide, high = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    return np.asarray(wide.clip(0) * high.clip(0), np.float32)


def _common(first: Boxes, second: Boxes) -> Boxes:
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:4], second[None, :, 2:4])
    sides = np.clip(high - low, 0, None)
    return np.asarray(sides[..., 0] * sides[..., 1], np.float32)
