"""Labelled pictures as values, and the one file that holds a set of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.boxes import Boxes

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Labelled:
    """One picture, (H, W, 3) uint8 RGB, with its boxes (N, 6) in its own pixels."""

    picture: Picture
    boxes: Boxes
    source: str
    is_held_out: bool


def clipped(boxes: Boxes, width: int, height: int, least: float = 0.35) -> Boxes:
    """The boxes cut to the picture; those of which less than `least` is left are dropped."""
    kept = boxes.copy()
    kept[:, 0:4:2] = kept[:, 0:4:2].clip(0, width)
    kept[:, 1:4:2] = kept[:, 1:4:2].clip(0, height)
    before = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    sides = kept[:, 2:4] - kept[:, :2]
    stays = (sides.prod(1) > least * before) & (sides[:, 0] > 2) & (sides[:, 1] > 3)
    return np.asarray(kept[stays], np.float32)


def save(path: Path, pictures: Sequence[Labelled]) -> None:
    """One uncompressed .npz: all pixels and all boxes one after another, and where each picture's begin."""
    with path.open("wb") as target:
        np.savez(
            target,
            pixels=np.concatenate([one.picture.reshape(-1) for one in pictures]),
            shapes=np.array([one.picture.shape for one in pictures]),
            boxes=np.concatenate([one.boxes.reshape(-1, 6) for one in pictures]),
            counts=np.array([len(one.boxes) for one in pictures]),
            sources=np.array([one.source for one in pictures]),
            held_out=np.array([one.is_held_out for one in pictures]),
        )


def load(path: Path) -> list[Labelled]:
    """What `save` wrote, in its order."""
    with np.load(path) as stored:
        shapes, counts = stored["shapes"], stored["counts"]
        pixels = np.split(stored["pixels"], np.cumsum(shapes.prod(1))[:-1])
        boxes = np.split(stored["boxes"], np.cumsum(counts)[:-1])
        sources, held_out = stored["sources"], stored["held_out"]
    return [
        Labelled(flat.reshape(shape), found, str(source), bool(kept))
        for flat, shape, found, source, kept in zip(pixels, shapes, boxes, sources, held_out, strict=True)
    ]
