"""The detector that lies in the package and needs no download: our own small network
(docs/design/seeing.md)."""

from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from civiscope.analytics.canvas import Canvas, best_room
from civiscope.analytics.detector import RIVAL_GROUPS, ScoreLevels, fit_within, suppress
from civiscope.analytics.model import CLASSES, Detections, ObjectClass
from civiscope.analytics.onnx_session import OnnxSession
from civiscope.base import AppError, ErrorKind

BUILTIN_NAME = "builtin"
BUILTIN_FILES = ("builtin_int8.onnx", "builtin.onnx")
"""In the order of preference: the first that is there and loads."""
INPUT_SIZES_PX = ((416, 256), (352, 256), (256, 256), (256, 352), (256, 416))
WEAKEST_SCORE = 0.05
MOST_OVERLAP = 0.5
MOST_WITHIN = 0.7
"""It tells parts of near people beside the whole."""
_OURS = (ObjectClass.PERSON, ObjectClass.BICYCLE, ObjectClass.VEHICLE)
_INDICES = np.array([CLASSES.index(one) for one in _OURS], np.int8)
_MOST_CANDIDATES = 300
_RAW_SCORES = (0.0, 0.1, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 1.0)
_SHARE_RIGHT = (0.0, 0.005, 0.02, 0.08, 0.16, 0.38, 0.78, 0.96, 1.0)
"""How often boxes of such a score are right, on clips held out of the training (weights/builtin.md): told as
score, so that thresholds mean the same for every detector."""


class BuiltinDetector:
    """Persons, bicycles and vehicles. One caller at a time.

    The model: input `images` float32 (1, 3, H, W) RGB 0 to 255; outputs `boxes` (1, N, 4) in pixels of the
    input, `scores` (1, N, 3).
    """

    def __init__(self, model: bytes, name: str = BUILTIN_NAME) -> None:
        """Raises AppError INVALID in plain words for bytes that are no such model."""
        self._session = OnnxSession(name, model)
        self._sizes_px = self._sizes()
        self._canvases: dict[tuple[int, int], Canvas] = {}
        self._check(self._canvas_for(self._sizes_px[-1]))

    @property
    def name(self) -> str:
        """As the registry calls it."""
        return self._session.name

    @property
    def classes(self) -> frozenset[ObjectClass]:
        """Motor vehicles are not told apart."""
        return frozenset(_OURS)

    @property
    def levels(self) -> ScoreLevels:
        """Told as shares that are right: its own 0.51 and 0.35."""
        return ScoreLevels(strong=0.3, weak=0.08)

    def size_for(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Within the input whose shape suits the picture."""
        return fit_within((width_px, height_px), best_room(self._sizes_px, width_px, height_px))

    def detect(self, rgb: NDArray[np.uint8]) -> Detections:
        """What is in the picture, with scores from `WEAKEST_SCORE`."""
        height_px, width_px = rgb.shape[:2]
        canvas = self._canvas_for(best_room(self._sizes_px, width_px, height_px))
        found = self._session.run(canvas.put(rgb))
        return _decoded(found["boxes"][0], found["scores"][0], (width_px, height_px))

    def _canvas_for(self, size_px: tuple[int, int]) -> Canvas:
        canvas = self._canvases.get(size_px)
        if canvas is None:
            canvas = self._canvases[size_px] = Canvas(*size_px)
        return canvas

    def _sizes(self) -> tuple[tuple[int, int], ...]:
        """Ours where the model takes any, else its own."""
        shape, kind = self._session.inputs.get("images", ([], ""))
        if len(self._session.inputs) != 1 or kind != "tensor(float)" or len(shape) != 4 or shape[1] != 3:
            raise AppError(
                ErrorKind.INVALID,
                f"The model {self.name} is not of our kind: it has no single input `images` (1, 3, H, W).",
            )
        height_px, width_px = shape[2:]
        if isinstance(height_px, int) and isinstance(width_px, int):
            return ((width_px, height_px),)
        return INPUT_SIZES_PX

    def _check(self, canvas: Canvas) -> None:
        shapes = {name: values.shape for name, values in self._session.run(canvas.planes).items()}
        boxes, scores = shapes.get("boxes", ()), shapes.get("scores", ())
        if len(boxes) != 3 or boxes[::2] != (1, 4) or scores != (1, boxes[1], len(_OURS)):
            raise AppError(
                ErrorKind.INVALID,
                f"The model {self.name} is not of our kind: its outputs are {shapes}, not `boxes` (1, N, 4) "
                f"and "
                "`scores` (1, N, 3).",
            )


def load_builtin() -> BuiltinDetector:
    """From the package. Raises AppError UNAVAILABLE when no file of it is there and good."""
    folder = files("civiscope.analytics").joinpath("weights")
    why = "its files are missing"
    for name in BUILTIN_FILES:
        file = folder.joinpath(name)
        if not file.is_file():
            continue
        try:
            return BuiltinDetector(file.read_bytes())
        except AppError as error:
            why = error.message
    raise AppError(
        ErrorKind.UNAVAILABLE, f"The built-in detector cannot be used: {why}. Install the product again."
    )


def _decoded(
    boxes_px: NDArray[np.float32], all_scores: NDArray[np.float32], size_px: tuple[int, int]
) -> Detections:
    best = all_scores.argmax(1)
    raw = all_scores[np.arange(len(best)), best]
    scores = np.interp(raw, _RAW_SCORES, _SHARE_RIGHT).astype(np.float32)
    maybe = np.flatnonzero((scores >= WEAKEST_SCORE) & np.isfinite(boxes_px).all(1))
    if len(maybe) > _MOST_CANDIDATES:
        maybe = maybe[np.argpartition(-scores[maybe], _MOST_CANDIDATES)[:_MOST_CANDIDATES]]
    boxes = np.clip(boxes_px[maybe] / np.array(size_px * 2, np.float32), 0.0, 1.0).astype(np.float32)
    real = ((boxes[:, 2:] - boxes[:, :2]) > 0).all(1)
    boxes, scores, classes = boxes[real], scores[maybe][real], _INDICES[best[maybe][real]]
    if not len(boxes):
        return Detections.none()
    kept = suppress(boxes, scores, RIVAL_GROUPS[classes], MOST_OVERLAP, MOST_WITHIN)
    return Detections(boxes[kept], scores[kept], classes[kept])
