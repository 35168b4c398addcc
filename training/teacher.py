"""YOLOX-nano (Apache-2.0) as the teacher: whole picture and four overlapping tiles, three classes out."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort

from training.boxes import BICYCLE, NO_BOXES, PERSON, VEHICLE, Boxes, suppress
from training.labelled import Picture

COCO_CLASSES = {0: PERSON, 1: BICYCLE, 2: VEHICLE, 3: VEHICLE, 5: VEHICLE, 7: VEHICLE}
"""Person, bicycle; car, motorcycle, bus, lorry."""

LEAST_SCORE = 0.12
"""Below it the teacher says nothing."""

_TILE_SHARE = 0.58
_BORDER_PX = 3


class Teacher:
    """The network at any input whose sides are multiples of 32; one thread."""

    def __init__(self, weights: Path) -> None:
        model = onnx.load(str(weights))
        sides = model.graph.input[0].type.tensor_type.shape.dim
        sides[2].dim_param, sides[3].dim_param = "height", "width"
        model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "places"
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def see(self, picture: Picture, side_px: tuple[int, int] = (416, 416)) -> Boxes:
        """Labelled boxes of one RGB picture at an input of (width, height), in the picture's pixels.

        Not suppressed yet: the boxes of tiles are to be suppressed together.
        """
        fitted, scale = fit(picture, side_px)
        blob = np.ascontiguousarray(fitted[..., ::-1].transpose(2, 0, 1)[None], np.float32)
        raw = np.asarray(self._session.run(None, {"images": blob})[0])[0]
        return _labelled(raw, side_px, scale)

    def label(self, picture: Picture) -> Boxes:
        """What stands in one RGB picture: the whole of it and four tiles, suppressed."""
        height, width = picture.shape[:2]
        found = [self.see(picture)]
        tile_width, tile_height = int(width * _TILE_SHARE), int(height * _TILE_SHARE)
        if tile_width >= 200:
            for left in (0, width - tile_width):
                for top in (0, height - tile_height):
                    tile = picture[top : top + tile_height, left : left + tile_width]
                    whole = _uncut(self.see(tile), (left, top), tile.shape, picture.shape)
                    found.append(whole + np.array([left, top, left, top, 0, 0], np.float32))
        kept = suppress(np.concatenate(found), inside=0.85)
        kept[:, 0:4:2] = kept[:, 0:4:2].clip(0, width)
        kept[:, 1:4:2] = kept[:, 1:4:2].clip(0, height)
        return kept


def fit(picture: Picture, side_px: tuple[int, int]) -> tuple[Picture, float]:
    """The picture scaled to lie at the top left of (width, height), the rest grey 114; and the scale."""
    width, height = side_px
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = (
        min(width, max(1, round(picture.shape[1] * scale))),
        min(height, max(1, round(picture.shape[0] * scale))),
    )
    canvas = np.full((height, width, 3), 114, np.uint8)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=way)
    return canvas, scale


def _labelled(raw: npt.NDArray[np.float32], side_px: tuple[int, int], scale: float) -> Boxes:
    """Decode the head: centre offset and log size per cell of strides 8, 16, 32; objectness times class."""
    cells, strides = _cells(side_px)
    likely = raw[:, 4] > LEAST_SCORE
    raw, cells, strides = raw[likely], cells[likely], strides[likely]
    if not len(raw):
        return NO_BOXES
    scores = raw[:, 5:] * raw[:, 4:5]
    ids = np.array(list(COCO_CLASSES))
    best = scores[:, ids].argmax(1)
    score = scores[:, ids].max(1)
    centre, size = (raw[:, :2] + cells) * strides, np.exp(raw[:, 2:4]) * strides
    corners = np.concatenate([centre - size / 2, centre + size / 2], 1) / scale
    kinds = np.array([COCO_CLASSES[int(ids[choice])] for choice in best])
    found = np.concatenate([corners, score[:, None], kinds[:, None]], 1).astype(np.float32)
    return found[(score > LEAST_SCORE) & (score >= 0.6 * scores.max(1))]


def _cells(side_px: tuple[int, int]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    cells, strides = [], []
    for stride in (8, 16, 32):
        rows, columns = np.mgrid[: side_px[1] // stride, : side_px[0] // stride]
        cells.append(np.stack([columns, rows], -1).reshape(-1, 2))
        strides.append(np.full((rows.size, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _uncut(found: Boxes, corner: tuple[int, int], tile: tuple[int, ...], picture: tuple[int, ...]) -> Boxes:
    """Without the boxes that an inner border of the tile cuts through."""
    (left, top), (height, width) = corner, tile[:2]
    cut = (found[:, 0] < _BORDER_PX) & (left > 0)
    cut |= (found[:, 1] < _BORDER_PX) & (top > 0)
    cut |= (found[:, 2] > width - _BORDER_PX) & (left + width < picture[1])
    cut |= (found[:, 3] > height - _BORDER_PX) & (top + height < picture[0])
    return found[~cut]
