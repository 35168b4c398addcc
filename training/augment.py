"""Training samples: pictures of the set, cut, scaled, mirrored, put together and spoilt by chance."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from training.boxes import BICYCLE, NO_BOXES, SURE_SCORE, VEHICLE, Boxes
from training.drawings import with_drawing
from training.labelled import Labelled, Picture, clipped

STREET_SHARE = 0.2
"""Of the samples, so many are drawn streets."""
DRAWING_SHARE = 0.3
"""In so many samples one thing more is drawn."""
_GREY = (114, 114, 114)


class Sampler:
    """An endless, seeded stream of samples of one size."""

    def __init__(self, pictures: Sequence[Labelled], size_px: tuple[int, int], seed: int) -> None:
        self._pictures = pictures
        self._width, self._height = size_px
        self._chance = np.random.default_rng(seed)
        self._shares = np.cumsum(_weights(pictures))
        self._noise = self._chance.normal(0, 14, (self._height, self._width, 3)).astype(np.float32)
        self._rare = [
            index
            for index, one in enumerate(pictures)
            if not one.source.startswith("street") and _counts(one, (BICYCLE, VEHICLE)) > 0
        ]

    def batch(self, count: int, mosaic: float) -> tuple[Picture, Boxes]:
        """(B, H, W, 3) uint8 and (B, M, 6), padded with class -1; a share `mosaic` is of four pictures."""
        samples = [self._sample(mosaic) for _ in range(count)]
        most = min(60, max(1, *(len(boxes) for _, boxes in samples)))
        truth = np.zeros((count, most, 6), np.float32)
        truth[..., 5] = -1
        for row, (_, boxes) in zip(truth, samples, strict=True):
            best = boxes[np.argsort(-boxes[:, 4], kind="stable")[:most]]
            row[: len(best)] = best
        return np.stack([picture for picture, _ in samples]), truth

    def _sample(self, mosaic: float) -> tuple[Picture, Boxes]:
        if self._chance.random() < mosaic:
            picture, boxes = self._four()
        else:
            picture, boxes = self._warped((self._width, self._height), (0.45, 2.0))
        if self._rare and self._chance.random() < 0.3:
            picture, boxes = self._pasted(picture, boxes)
        if self._chance.random() < DRAWING_SHARE:
            picture, boxes = with_drawing(picture, boxes, self._chance)
        return self._spoilt(picture), boxes

    def _pick(self) -> Labelled:
        place = int(np.searchsorted(self._shares, self._chance.random()))
        return self._pictures[min(place, len(self._pictures) - 1)]

    def _four(self) -> tuple[Picture, Boxes]:
        """Four pictures that meet at one point."""
        cross_x = int(self._chance.uniform(0.3, 0.7) * self._width)
        cross_y = int(self._chance.uniform(0.3, 0.7) * self._height)
        whole = np.empty((self._height, self._width, 3), np.uint8)
        found = []
        for left, right in ((0, cross_x), (cross_x, self._width)):
            for top, bottom in ((0, cross_y), (cross_y, self._height)):
                part, boxes = self._warped((right - left, bottom - top), (0.6, 2.8))
                whole[top:bottom, left:right] = part
                found.append(boxes + np.array([left, top, left, top, 0, 0], np.float32))
        return whole, np.concatenate(found)

    def _warped(self, size_px: tuple[int, int], zoom: tuple[float, float]) -> tuple[Picture, Boxes]:
        """One picture scaled, stretched, perhaps mirrored, and laid somewhere into `size_px`."""
        chance, one = self._chance, self._pick()
        height, width = one.picture.shape[:2]
        fit = min(size_px[0] / width, size_px[1] / height)
        scale = fit * math.exp(chance.uniform(math.log(zoom[0]), math.log(zoom[1])))
        stretch = chance.uniform(0.88, 1.13)
        across, down = scale * stretch, scale / stretch
        spare_x, spare_y = size_px[0] - width * across, size_px[1] - height * down
        left = chance.uniform(min(0, spare_x), max(0, spare_x))
        top = chance.uniform(min(0, spare_y), max(0, spare_y))
        boxes = one.boxes.copy()
        boxes[:, 0:4:2] = boxes[:, 0:4:2] * across + left
        boxes[:, 1:4:2] = boxes[:, 1:4:2] * down + top
        if chance.random() < 0.5:
            left, across = left + width * across, -across
            boxes[:, [0, 2]] = 2 * left + width * across - boxes[:, [2, 0]]
        turn = np.array([[across, 0, left], [0, down, top]], np.float32)
        way = cv2.INTER_LINEAR if scale > 0.6 else cv2.INTER_AREA
        picture = cv2.warpAffine(one.picture, turn, size_px, flags=way, borderValue=_GREY)
        return np.asarray(picture, np.uint8), clipped(boxes, *size_px, least=0.3)

    def _pasted(self, picture: Picture, boxes: Boxes) -> tuple[Picture, Boxes]:
        """A vehicle or bicycle of another picture with its surroundings, faded in where nothing is hidden."""
        chance = self._chance
        one = self._pictures[self._rare[chance.integers(len(self._rare))]]
        wanted = one.boxes[(one.boxes[:, 4] >= SURE_SCORE) & (one.boxes[:, 5] != 0)]
        box = wanted[chance.integers(len(wanted))]
        margin = 0.12 * (box[2:4] - box[:2]) + 1
        height, width = one.picture.shape[:2]
        x0, y0 = np.clip(box[:2] - margin, 0, None).astype(int)
        x1, y1 = np.minimum(box[2:4] + margin, [width, height]).astype(int)
        scale = math.exp(chance.uniform(math.log(0.5), math.log(1.6)))
        size = (int((x1 - x0) * scale), int((y1 - y0) * scale))
        if not (6 <= size[0] < self._width // 2 and 6 <= size[1] < self._height // 2):
            return picture, boxes
        left = int(chance.integers(0, self._width - size[0]))
        top = int(chance.integers(0, self._height - size[1]))
        place = np.array([left, top, left + size[0], top + size[1]], np.float32)
        if len(boxes) and _touches(boxes, place).any():
            return picture, boxes
        patch = cv2.resize(one.picture[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
        moved = (one.boxes - np.array([x0, y0, x0, y0, 0, 0], np.float32)) * np.array(
            [scale, scale, scale, scale, 1, 1], np.float32
        )
        if chance.random() < 0.5:
            patch = patch[:, ::-1]
            moved[:, [0, 2]] = size[0] - moved[:, [2, 0]]
        picture = _faded_in(picture, np.asarray(patch, np.uint8), left, top)
        inner = clipped(moved, *size, least=0.4) + np.array([left, top, left, top, 0, 0], np.float32)
        return picture, np.concatenate([boxes, inner]).astype(np.float32)

    def _spoilt(self, picture: Picture) -> Picture:
        """Light, colour, blur and noise as bad cameras have them."""
        chance = self._chance
        if chance.random() < 0.9:
            picture = np.asarray(cv2.LUT(picture, self._light()), np.uint8)
        if chance.random() < 0.4:
            gains = chance.uniform(0.82, 1.18, 3)
            picture = np.clip(picture * gains, 0, 255).astype(np.uint8)
        if chance.random() < 0.15:
            picture = picture @ np.array([0.299, 0.587, 0.114])
            picture = np.repeat(picture[..., None], 3, 2).astype(np.uint8)
        if chance.random() < 0.15:
            kernel = (int(chance.integers(1, 4)), int(chance.integers(1, 4)))
            picture = np.asarray(cv2.blur(picture, kernel), np.uint8)
        if chance.random() < 0.2:
            noise = np.roll(self._noise, tuple(chance.integers(0, 200, 2)), (0, 1))
            picture = np.clip(picture + noise * chance.uniform(0.2, 1), 0, 255).astype(np.uint8)
        return picture

    def _light(self) -> Picture:
        """A table of brightness, contrast and gamma; one in eight is night."""
        chance = self._chance
        line = np.arange(256) * chance.uniform(0.6, 1.35) + chance.uniform(-25, 25)
        curve = np.clip(line / 255, 0, 1) ** math.exp(chance.uniform(-0.5, 0.5)) * 255
        if chance.random() < 0.125:
            curve *= chance.uniform(0.2, 0.6)
        return np.clip(curve, 0, 255).astype(np.uint8)


def _weights(pictures: Sequence[Labelled]) -> npt.NDArray[np.float64]:
    """How often each picture is taken: few empty ones, more of what is rare, no source above its share."""
    streets = np.array([one.source.startswith("street") for one in pictures])
    weight = np.array([_worth(one) for one in pictures])
    totals: dict[str, float] = {}
    for one, worth in zip(pictures, weight, strict=True):
        totals[one.source] = totals.get(one.source, 0.0) + worth
    weight /= np.sqrt([totals[one.source] for one in pictures])
    weight[streets] *= STREET_SHARE / max(1e-9, weight[streets].sum())
    weight[~streets] *= (1 - STREET_SHARE * streets.any()) / weight[~streets].sum()
    return weight / weight.sum()


def _worth(one: Labelled) -> float:
    if not _counts(one, (0, BICYCLE, VEHICLE)):
        return 0.4
    return 1.0 + 1.0 * (_counts(one, (VEHICLE,)) > 0) + 1.5 * (_counts(one, (BICYCLE,)) > 0)


def _counts(one: Labelled, kinds: tuple[int, ...]) -> int:
    sure = one.boxes[one.boxes[:, 4] >= SURE_SCORE] if len(one.boxes) else NO_BOXES
    return int(np.isin(sure[:, 5], kinds).sum())


def _touches(boxes: Boxes, place: Boxes) -> npt.NDArray[np.bool_]:
    low, high = np.maximum(boxes[:, :2], place[:2]), np.minimum(boxes[:, 2:4], place[2:])
    return np.asarray((high > low).all(1))


def _faded_in(picture: Picture, patch: Picture, left: int, top: int) -> Picture:
    """The patch laid over the picture, its edges of a tenth fading."""
    height, width = patch.shape[:2]
    down = np.minimum(np.arange(height) + 1, np.arange(height)[::-1] + 1) / max(1.0, height * 0.1)
    across = np.minimum(np.arange(width) + 1, np.arange(width)[::-1] + 1) / max(1.0, width * 0.1)
    alpha = np.clip(np.minimum(down[:, None], across[None]), 0, 1)[..., None]
    whole = picture.copy()
    under = whole[top : top + height, left : left + width]
    whole[top : top + height, left : left + width] = patch * alpha + under * (1 - alpha)
    return whole
