"""How often boxes of each raw score are right on the clips held out: the table of `analytics/builtin.py`.

Right is a box that overlaps one of the teacher's sure boxes of its class by half; those that match a
doubtful box count for nothing.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from training.boxes import CLASSES, SURE_SCORE, Boxes, suppress
from training.labelled import Labelled, load
from training.score import Builtin
from training.sources import MEASURED_ONLY

SIZE_PX = (320, 192)
EDGES = np.arange(0.05, 1.0, 0.1)
"""Bins of raw scores, a tenth wide, about the table's points."""


def main() -> None:
    """Print the share that is right for each bin, over all classes and for each."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("weights", type=Path, help="builtin_int8.onnx")
    asked.add_argument("pictures", type=Path)
    told = asked.parse_args()
    unlicensed = {clip.source for clip in MEASURED_ONLY}
    held_out = [one for one in load(told.pictures) if one.is_held_out and one.source not in unlicensed]
    found = np.array(list(judged(Builtin(told.weights), held_out)), np.float32).reshape(-1, 3)
    for name, rows in [
        ("all", found),
        *((name, found[found[:, 2] == at]) for at, name in enumerate(CLASSES)),
    ]:
        print(name)
        for low in EDGES:
            here = rows[(rows[:, 0] >= low) & (rows[:, 0] < low + 0.1)]
            if len(here):
                print(f"  about {low + 0.05:.1f}: {here[:, 1].mean():.2f} right of {len(here)}")


def judged(seer: Builtin, pictures: Sequence[Labelled]) -> Iterator[tuple[float, float, float]]:
    """(raw score, 1 if right, class) of every box that counts."""
    for one in pictures:
        found = suppress(seer.see(one.picture, SIZE_PX))
        for row, verdict in zip(found, verdicts(found, one.boxes), strict=True):
            if verdict is not None:
                yield float(row[4]), float(verdict), float(row[5])


def verdicts(found: Boxes, truth: Boxes) -> list[bool | None]:
    """Right, wrong, or None for a box that only a doubtful one explains."""
    if not len(found) or not len(truth):
        return [False] * len(found)
    low = np.maximum(found[:, None, :2], truth[None, :, :2])
    high = np.minimum(found[:, None, 2:4], truth[None, :, 2:4])
    sides = np.clip(high - low, 0, None)
    shared = sides[..., 0] * sides[..., 1]
    union = _area(found)[:, None] + _area(truth)[None, :] - shared
    overlap = shared / np.maximum(union, 1e-9) * (found[:, None, 5] == truth[None, :, 5])
    best = overlap.argmax(1)
    is_hit = overlap.max(1) >= 0.5
    is_sure = truth[best, 4] >= SURE_SCORE
    return [None if hit and not sure else bool(hit) for hit, sure in zip(is_hit, is_sure, strict=True)]


def _area(boxes: Boxes) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    area: np.ndarray[tuple[int], np.dtype[np.float32]] = (boxes[:, 2] - boxes[:, 0]) * (
        boxes[:, 3] - boxes[:, 1]
    )
    return area


if __name__ == "__main__":
    main()
