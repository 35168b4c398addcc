"""Truth and results as outsiders write them: MOT text, COCO JSON, MOT text out."""

import csv
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from civiscope.base import AppError, ErrorKind
from civiscope.evaluation.sequence import Placed

FILE_LIMIT_BYTES = 256 << 20
_MOT_FIELDS = 6
_MOT_CONFIDENCE = 6


def read_text(path: Path) -> str:
    """The file's text; AppError in plain words when it is not there, too large or not UTF-8."""
    try:
        if path.stat().st_size > FILE_LIMIT_BYTES:
            raise AppError(ErrorKind.EXHAUSTED, f"{path} is larger than {FILE_LIMIT_BYTES >> 20} MiB.")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise AppError(ErrorKind.INVALID, f"{path} is not UTF-8 text: {error.reason}.") from error
    except OSError as error:
        raise AppError(
            ErrorKind.MISSING, f"{path} cannot be read: {error.strerror}. Check the name."
        ) from error


def read_mot(path: Path, *, is_truth: bool) -> list[Placed]:
    """MOT text: frame (from 1), id, left, top, width, height, confidence, … (MOTChallenge 2015 §3).

    In truth, confidence 0 means: do not count it either way. In results it is the score (-1: none).
    """
    placed = []
    for number, row in enumerate(csv.reader(read_text(path).splitlines()), 1):
        if row:
            placed.append(_mot_row(path, number, row, is_truth))
    return placed


def _mot_row(path: Path, number: int, row: list[str], is_truth: bool) -> Placed:
    try:
        values = [float(text) for text in row[: _MOT_CONFIDENCE + 1]]
    except ValueError as error:
        raise AppError(ErrorKind.INVALID, f"{path}, line {number}: {error}.") from error
    if len(values) < _MOT_FIELDS or not all(map(math.isfinite, values)):
        raise AppError(
            ErrorKind.INVALID,
            f"{path}, line {number}: MOT text has frame, id, left, top, width and height on each line.",
        )
    confidence = values[_MOT_CONFIDENCE] if len(values) > _MOT_CONFIDENCE else 1.0
    box = (values[2], values[3], values[4], values[5])
    return Placed(
        frame=int(values[0]),
        track=int(values[1]),
        box=box,
        score=1.0 if is_truth or confidence < 0 else confidence,
        is_ignored=is_truth and confidence == 0,
    )


def write_mot(placed: Iterable[Placed]) -> str:
    """MOT text of results, by frame and id."""
    rows = sorted(placed, key=lambda one: (one.frame, one.track))
    return "".join(
        f"{one.frame},{one.track},{one.box[0]:.2f},{one.box[1]:.2f},{one.box[2]:.2f},{one.box[3]:.2f},"
        f"{one.score:.4f},-1,-1,-1\n"
        for one in rows
    )


def read_coco_truth(path: Path, labels: Mapping[str, str] | None = None) -> list[Placed]:
    """COCO annotations: `images`, `categories`, `annotations`; the frame is the image's id.

    `labels` maps category names to ours; what it does not name is left out. Crowds are ignored truth.
    """
    whole = _object(path)
    names = _category_names(path, whole)
    return _placed(path, _rows(path, whole, "annotations"), names, labels)


def read_coco_results(path: Path, truth: Path, labels: Mapping[str, str] | None = None) -> list[Placed]:
    """COCO results: a list of `{image_id, category_id, bbox, score}`; categories are the truth file's."""
    names = _category_names(truth, _object(truth))
    found = _json(path)
    if not isinstance(found, list):
        raise AppError(ErrorKind.INVALID, f"{path}: COCO results are a list of boxes.")
    return _placed(path, _objects(path, "results", found), names, labels)


def _category_names(path: Path, whole: dict[str, Any]) -> dict[object, str]:
    try:
        return {one["id"]: str(one["name"]) for one in _rows(path, whole, "categories")}
    except (KeyError, TypeError) as error:
        raise AppError(ErrorKind.INVALID, f"{path}: a category lacks its id or name.") from error


def _placed(
    path: Path, rows: list[dict[str, Any]], names: Mapping[object, str], labels: Mapping[str, str] | None
) -> list[Placed]:
    placed = []
    for one in rows:
        label = _label(names.get(one.get("category_id")), labels)
        if not label:
            continue
        try:
            x, y, width, height = (float(value) for value in one["bbox"])
            frame, score = int(one["image_id"]), float(one.get("score", 1.0))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise AppError(
                ErrorKind.INVALID,
                f"{path}: a box needs image_id, bbox [x, y, width, height] and a score that is a number; "
                f"this one is {str(one)[:200]}.",
            ) from error
        placed.append(Placed(frame, 0, (x, y, width, height), score, label, bool(one.get("iscrowd"))))
    return placed


def _label(name: object, labels: Mapping[str, str] | None) -> str:
    if not isinstance(name, str):
        return ""
    return name if labels is None else labels.get(name, "")


def _json(path: Path) -> Any:
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise AppError(ErrorKind.INVALID, f"{path} is not JSON: {error}.") from error


def _object(path: Path) -> dict[str, Any]:
    whole = _json(path)
    if not isinstance(whole, dict):
        raise AppError(ErrorKind.INVALID, f"{path}: COCO truth is an object with images and annotations.")
    return whole


def _rows(path: Path, whole: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return _objects(path, name, whole.get(name))


def _objects(path: Path, name: str, rows: object) -> list[dict[str, Any]]:
    if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
        raise AppError(ErrorKind.INVALID, f"{path}: '{name}' is not a list of objects.")
    return rows
