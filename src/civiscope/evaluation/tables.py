"""Truth in tables: what a whole clip or sound is, and where a plate stands in a photo and what it reads."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from civiscope.base import AppError, ErrorKind
from civiscope.evaluation.formats import read_text

_NAME_COLUMNS = ("path", "file", "name")
_LABEL_COLUMNS = ("label", "class")


@dataclass(frozen=True, slots=True)
class PlatePlace:
    """One number plate in one photo: x, y, width, height in pixels, and its text."""

    path: str
    region: str
    box: tuple[float, float, float, float]
    text: str


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How often one label was given rightly; rates are None where nothing could be counted."""

    label: str
    truth: int
    found: int
    right: int

    @property
    def recall(self) -> float | None:
        """Share of what is so that was called so."""
        return self.right / self.truth if self.truth else None

    @property
    def precision(self) -> float | None:
        """Share of what was called so that is so."""
        return self.right / self.found if self.found else None


def read_labels(path: Path) -> dict[str, str]:
    """File → label, from a table with a column `path` (or `file`) and a column `label` (or `class`)."""
    rows = list(_rows(path))
    name, label = _column(path, rows, _NAME_COLUMNS), _column(path, rows, _LABEL_COLUMNS)
    return {row[name]: row[label] for _, row in rows}


def read_plates(path: Path) -> list[PlatePlace]:
    """Plates from a table `path, region, x, y, w, h, plate`; INVALID names the line of a fault."""
    found = []
    for number, row in _rows(path):
        try:
            box = (float(row["x"]), float(row["y"]), float(row["w"]), float(row["h"]))
            found.append(PlatePlace(row["path"], row["region"], box, row["plate"]))
        except (KeyError, ValueError) as error:
            raise AppError(
                ErrorKind.INVALID,
                f"{path}, line {number}: a plate has path, region, x, y, w, h and plate ({error}).",
            ) from error
    return found


def score_labels(truth: Mapping[str, str], found: Mapping[str, str]) -> list[LabelScore]:
    """Each label of the truth, worst recall first; what was given no label is missed."""
    scores = []
    for label in sorted(set(truth.values())):
        really = {name for name, one in truth.items() if one == label}
        called = {name for name, one in found.items() if one == label and name in truth}
        scores.append(LabelScore(label, len(really), len(called), len(really & called)))
    return sorted(scores, key=lambda score: (score.recall or 0.0, score.label))


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows with their lines; a row that is short or long is a fault."""
    reader = csv.DictReader(read_text(path).splitlines())
    try:
        for row in reader:
            if None in row or None in row.values():
                raise AppError(
                    ErrorKind.INVALID,
                    f"{path}, line {reader.line_num}: it has more or fewer cells than the head.",
                )
            yield reader.line_num, row
    except csv.Error as error:
        raise AppError(ErrorKind.INVALID, f"{path}, line {reader.line_num}: {error}.") from error


def _column(path: Path, rows: Sequence[tuple[int, dict[str, str]]], names: tuple[str, ...]) -> str:
    head = rows[0][1] if rows else {}
    for name in names:
        if name in head:
            return name
    raise AppError(ErrorKind.INVALID, f"{path}: no column is called {' or '.join(names)}, or it has no row.")
