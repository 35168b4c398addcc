"""The training set on disk: pictures of at most 384x224, labelled once by the teacher or by the drawing."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import assert_never

import av
import cv2
import numpy as np

from training.annotations import car_park, motorway_cyclist
from training.boxes import BICYCLE, CLASSES, NO_BOXES, PERSON, SURE_SCORE, VEHICLE, Boxes
from training.fixed_view import moving_boxes
from training.labelled import Labelled, Picture, clipped, save
from training.sources import MEASURED_ONLY, Clip, Labels, permitted_clips
from training.streets import labelled_street, street_plan
from training.teacher import Teacher

LIMIT_PX = (384, 224)
STREETS = range(1000, 1120)
"""Seeds of the drawn streets trained on; the town's own (11, 23, 37, 51) and the tests' are not of them."""
SCORED_STREETS = range(100, 112)


def main(data: Path, teacher_weights: Path, out: Path) -> None:
    """Label everything and write `out`; minutes."""
    cv2.setNumThreads(1)
    teacher = Teacher(teacher_weights)
    chance = np.random.default_rng(20261130)
    found: list[Labelled] = []
    for clip in permitted_clips(data) + MEASURED_ONLY:
        found += _label_clip(data, clip, teacher, chance)
    for seed in [*STREETS, *SCORED_STREETS]:
        found += _label_street(seed)
    save(out, found)
    for is_held_out in (False, True):
        side = [one for one in found if one.is_held_out == is_held_out]
        boxes = np.concatenate([one.boxes for one in side])
        sure = boxes[boxes[:, 4] >= SURE_SCORE]
        counts = {name: int((sure[:, 5] == kind).sum()) for kind, name in enumerate(CLASSES)}
        print("held out" if is_held_out else "training", len(side), "pictures", counts)


def frames(path: Path, count: int) -> Iterator[tuple[int, Picture]]:
    """`count` RGB frames of a clip with their numbers, evenly spread, at most 1280 px wide or high."""
    with av.open(str(path)) as container:
        total = sum(1 for _ in container.decode(video=0))
    wanted = set(np.linspace(0, total - 1, min(count, total)).astype(int).tolist())
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in wanted:
                yield number, _at_most(frame.to_ndarray(format="rgb24"), (1280, 1280))


def _label_clip(data: Path, clip: Clip, teacher: Teacher, chance: np.random.Generator) -> list[Labelled]:
    taken = [(number, _blotted(picture, clip)) for number, picture in frames(data / clip.name, clip.pictures)]
    found = []
    for (_, picture), boxes in zip(taken, _labels(taken, clip, teacher), strict=True):
        found.append(_stored(picture, boxes, clip))
        if not clip.is_held_out and len(boxes) and picture.shape[1] >= 320:
            found.append(_stored(*_closer(picture, boxes, chance), clip))
    print(clip.name, len(found), sum(len(one.boxes) for one in found), flush=True)
    return found


def _labels(taken: Sequence[tuple[int, Picture]], clip: Clip, teacher: Teacher) -> list[Boxes]:
    """For each frame, its boxes by whoever knows them."""
    match clip.labels:
        case Labels.NOTHING:
            return [NO_BOXES for _ in taken]
        case Labels.CAR_PARK:
            return [car_park(number) for number, _ in taken]
        case Labels.MOVING_VEHICLES:
            return moving_boxes([picture for _, picture in taken], VEHICLE)
        case Labels.MOTORWAY:
            seen = [_unblotted(_of(teacher.label(picture), (VEHICLE,)), clip) for _, picture in taken]
            told = [motorway_cyclist(number) for number, _ in taken]
            return [np.concatenate(pair) for pair in zip(seen, told, strict=True)]
        case Labels.TEACHER:
            kinds = (PERSON, BICYCLE, VEHICLE) if clip.has_traffic else (PERSON,)
            return [_of(teacher.label(picture), kinds) for _, picture in taken]
        case _ as never:
            assert_never(never)


def _of(boxes: Boxes, kinds: tuple[int, ...]) -> Boxes:
    return boxes[np.isin(boxes[:, 5], kinds)]


def _blotted(picture: Picture, clip: Clip) -> Picture:
    """With the clip's burned-in text painted over."""
    clean = picture.copy()
    for x0, y0, x1, y1 in clip.blots_px:
        clean[y0:y1, x0:x1] = 114
    return clean


def _unblotted(boxes: Boxes, clip: Clip) -> Boxes:
    """Without the boxes of which half lies under a blot."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    hidden = np.zeros(len(boxes))
    for x0, y0, x1, y1 in clip.blots_px:
        wide = np.minimum(boxes[:, 2], x1) - np.maximum(boxes[:, 0], x0)
        high = np.minimum(boxes[:, 3], y1) - np.maximum(boxes[:, 1], y0)
        hidden += wide.clip(0) * high.clip(0)
    return boxes[hidden < 0.5 * area]


def _label_street(seed: int) -> list[Labelled]:
    clip = Clip("", "drawn here", f"street {seed}", 0, is_held_out=seed in SCORED_STREETS)
    return [_stored(picture, boxes, clip) for picture, boxes in labelled_street(street_plan(seed))]


def _closer(picture: Picture, boxes: Boxes, chance: np.random.Generator) -> tuple[Picture, Boxes]:
    """A part of the picture around one of its boxes: small things get more pixels."""
    height, width = picture.shape[:2]
    share = chance.uniform(0.4, 0.65)
    side = np.array([int(width * share), int(height * share)])
    box = boxes[chance.integers(len(boxes))]
    middle = (box[:2] + box[2:4]) / 2 + chance.uniform(-0.25, 0.25, 2) * side
    left, top = np.clip(middle - side / 2, 0, [width - side[0], height - side[1]]).astype(int).tolist()
    moved = boxes - np.array([left, top, left, top, 0, 0], np.float32)
    return picture[top : top + side[1], left : left + side[0]], clipped(moved, int(side[0]), int(side[1]))


def _stored(picture: Picture, boxes: Boxes, clip: Clip) -> Labelled:
    small = _at_most(picture, LIMIT_PX)
    scaled = boxes.copy()
    scaled[:, :4] *= small.shape[1] / picture.shape[1]
    return Labelled(small, scaled, clip.source, clip.is_held_out)


def _at_most(picture: Picture, limit_px: tuple[int, int]) -> Picture:
    scale = min(limit_px[0] / picture.shape[1], limit_px[1] / picture.shape[0], 1.0)
    if scale == 1.0:
        return picture
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
