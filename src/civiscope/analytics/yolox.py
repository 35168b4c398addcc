"""YOLOX as exported by its authors: letterbox at the top left, raw outputs decoded here.

Ge et al., "YOLOX: Exceeding YOLO Series in 2021", arXiv:2107.08430; the decoding follows their
`demo_postprocess`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from civiscope.analytics.canvas import Canvas, best_room
from civiscope.analytics.detector import RIVAL_GROUPS, Floats, ScoreLevels, fit_within, suppress
from civiscope.analytics.model import CLASSES, Detections, ObjectClass
from civiscope.analytics.onnx_session import OnnxSession
from civiscope.analytics.onnx_shape import resized_model
from civiscope.base import AppError, ErrorKind

INPUT_SIZES_PX = ((416, 256), (352, 256), (256, 256), (256, 352), (256, 416))
"""Width x height of inputs, multiples of 32; a picture gets the one in which it is largest, then the
smallest.

At 256 lines people of a few metres' to some fifty metres' distance have the size the network was trained at:
larger inputs cost more and find more that is not there (docs/design/seeing.md)."""
WEAKEST_SCORE = 0.1
MOST_OVERLAP = 0.5
_STRIDES = (8, 16, 32)
_CLASS_COUNT = 80
_KNOWN = {
    0: ObjectClass.PERSON, 1: ObjectClass.BICYCLE, 2: ObjectClass.CAR, 3: ObjectClass.MOTORCYCLE,
    5: ObjectClass.BUS, 7: ObjectClass.TRUCK,
    **dict.fromkeys(range(14, 24), ObjectClass.ANIMAL),
    **dict.fromkeys((24, 26, 28), ObjectClass.BAG),
    67: ObjectClass.VEHICLE,
}  # fmt: skip
"""COCO's class → ours; the others are not told."""
_PHONE = 67
_LEAST_PHONE_N = 0.2
"""COCO has no vehicles from straight above, and takes them for mobile phones. A phone as high as a fifth of
the picture would be held before the lens of a camera on a wall: what looks so is a vehicle, smaller ones are
not told."""
_OURS = np.array([CLASSES.index(_KNOWN[at]) if at in _KNOWN else -1 for at in range(_CLASS_COUNT)], np.int8)


@dataclass(frozen=True, slots=True)
class _Input:
    """A session for one size of input, with the grid that its outputs count from."""

    session: OnnxSession
    canvas: Canvas
    origin: Floats
    """(N, 2): the cell of each output, in cells of its stride."""
    stride: Floats
    """(N, 1)."""


class YoloxDetector:
    """YOLOX with COCO's 80 classes. One caller at a time; a session per shape of picture, made when first
    needed."""

    def __init__(
        self, name: str, model: bytes, sizes_px: tuple[tuple[int, int], ...] = INPUT_SIZES_PX
    ) -> None:
        """Raises AppError INVALID in plain words for bytes that are no such model."""
        self._name = name
        self._model = model
        self._sizes_px = sizes_px
        self._inputs: dict[tuple[int, int], _Input] = {}
        self._input_for(sizes_px[0])

    @property
    def name(self) -> str:
        """As the registry calls it."""
        return self._name

    @property
    def classes(self) -> frozenset[ObjectClass]:
        """Those of COCO that we have a word for."""
        return frozenset(_KNOWN.values())

    @property
    def levels(self) -> ScoreLevels:
        """At 0.4 on the PETS key frames: recall 0.94 at precision 0.95."""
        return ScoreLevels(strong=0.4, weak=0.12)

    def size_for(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Within the input whose shape suits the picture."""
        return fit_within((width_px, height_px), best_room(self._sizes_px, width_px, height_px))

    def detect(self, rgb: NDArray[np.uint8]) -> Detections:
        """What is in the picture, with scores from `WEAKEST_SCORE`."""
        height_px, width_px = rgb.shape[:2]
        chosen = self._input_for(best_room(self._sizes_px, width_px, height_px))
        (raw,) = chosen.session.run(chosen.canvas.put(rgb, is_reversed=True)).values()
        return _decoded(raw[0], chosen, (width_px, height_px))

    def _input_for(self, room: tuple[int, int]) -> _Input:
        found = self._inputs.get(room)
        if found is None:
            found = self._inputs[room] = _make_input(self._name, self._model, room)
        return found


def _make_input(name: str, model: bytes, room: tuple[int, int]) -> _Input:
    width_px, height_px = room
    session = OnnxSession(name, resized_model(model, height_px, width_px))
    canvas = Canvas(width_px, height_px)
    origin, stride = _grid(width_px, height_px)
    shapes = [found.shape for found in session.run(canvas.planes).values()]
    if shapes != [(1, len(origin), 5 + _CLASS_COUNT)]:
        raise AppError(
            ErrorKind.INVALID,
            f"The model {name} is no YOLOX detector of 80 classes: for a picture of {width_px} x "
            f"{height_px} it "
            f"gives {shapes}, not (1, {len(origin)}, 85).",
        )
    return _Input(session, canvas, origin, stride)


def _grid(width_px: int, height_px: int) -> tuple[Floats, Floats]:
    cells, strides = [], []
    for stride in _STRIDES:
        y, x = np.mgrid[: height_px // stride, : width_px // stride]
        cells.append(np.stack((x, y), -1).reshape(-1, 2))
        strides.append(np.full((len(cells[-1]), 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _decoded(raw: Floats, chosen: _Input, size_px: tuple[int, int]) -> Detections:
    """Boxes of (N, 85) raw outputs: those whose objectness alone could reach the weakest score."""
    maybe = np.flatnonzero(raw[:, 4] >= WEAKEST_SCORE)
    raw, origin, stride = raw[maybe], chosen.origin[maybe], chosen.stride[maybe]
    best = raw[:, 5:].argmax(1) if len(raw) else np.zeros(0, np.intp)
    scores = raw[np.arange(len(raw)), 5 + best] * raw[:, 4]
    classes = _OURS[best]
    good = (scores >= WEAKEST_SCORE) & (classes >= 0) & np.isfinite(raw[:, :4]).all(1)
    if not good.any():
        return Detections.none()
    raw, origin, stride, scores, classes = raw[good], origin[good], stride[good], scores[good], classes[good]
    centre = (raw[:, :2] + origin) * stride
    half = np.exp(np.minimum(raw[:, 2:4], 10.0)) * stride / 2
    size = np.array(size_px * 2, np.float32)
    boxes = np.clip(np.concatenate((centre - half, centre + half), 1) / size, 0.0, 1.0).astype(np.float32)
    least_n = np.where(best[good] == _PHONE, _LEAST_PHONE_N, 0.0)
    real = ((boxes[:, 2:] - boxes[:, :2]) > 0).all(1) & (boxes[:, 3] - boxes[:, 1] >= least_n)
    boxes, scores, classes = boxes[real], scores[real], classes[real]
    kept = suppress(boxes, scores, RIVAL_GROUPS[classes], MOST_OVERLAP)
    return Detections(boxes[kept], np.minimum(scores[kept], 1.0).astype(np.float32), classes[kept])
