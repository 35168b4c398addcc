"""Scores of detections: recall and precision at one threshold, and average precision.

Matching is greedy by score within a frame, as PASCAL VOC and COCO do (Lin et al. 2014); average precision is
the mean of interpolated precision at 101 recalls (COCO).
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from civiscope.evaluation.boxes import Floats
from civiscope.evaluation.sequence import NO_BOXES, FrameBoxes, iou_of

_RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, slots=True)
class DetectionScore:
    """Counts and rates over all frames; rates are None where nothing could be counted."""

    truth: int
    """Boxes that had to be found."""
    found: int
    right: int
    average_precision: float | None
    frames: int

    @property
    def recall(self) -> float | None:
        """Share of truth that was found."""
        return self.right / self.truth if self.truth else None

    @property
    def precision(self) -> float | None:
        """Share of what was found that is true."""
        return self.right / self.found if self.found else None


def score_detections(
    truth: Mapping[int, FrameBoxes], found: Mapping[int, FrameBoxes], iou: float = 0.5, min_score: float = 0.0
) -> DetectionScore:
    """Score the frames that truth names (a frame without boxes is not in it; see `frames_without`).

    Found boxes that only match ignored truth count for nothing. `min_score` is the operating point for recall
    and precision; average precision uses every score.
    """
    scores: list[float] = []
    hits: list[bool] = []
    total = 0
    for frame, expected in truth.items():
        got = found.get(frame, NO_BOXES)
        total += int((~expected.ignored).sum())
        for score, hit in _frame_hits(expected, got, iou):
            scores.append(score)
            hits.append(hit)
    order = np.argsort(-np.array(scores), kind="stable")
    ranked = np.array(hits, np.bool_)[order] if hits else np.zeros(0, np.bool_)
    counted = np.array(scores)[order] >= min_score if scores else np.zeros(0, np.bool_)
    return DetectionScore(
        truth=total,
        found=int(counted.sum()),
        right=int(ranked[counted].sum()),
        average_precision=_average_precision(ranked, total),
        frames=len(truth),
    )


def recall_by_height(
    truth: Mapping[int, FrameBoxes],
    found: Mapping[int, FrameBoxes],
    edges: tuple[float, ...],
    iou: float = 0.5,
) -> list[tuple[float, float, int, int]]:
    """(from, to, truth, right) for each range of truth's height between neighbouring edges."""
    heights: list[float] = []
    hits: list[bool] = []
    for frame, expected in truth.items():
        matched = _matched_truth(expected, found.get(frame, NO_BOXES), iou)
        for row in np.flatnonzero(~expected.ignored):
            heights.append(float(expected.boxes[row, 3]))
            hits.append(bool(matched[row]))
    tall, hit = np.array(heights), np.array(hits, np.bool_)
    ranges = []
    for low, high in itertools.pairwise(edges):
        here = (tall >= low) & (tall < high)
        ranges.append((low, high, int(here.sum()), int(hit[here].sum())))
    return ranges


def _frame_hits(truth: FrameBoxes, found: FrameBoxes, iou: float) -> list[tuple[float, bool]]:
    """(score, right) for each found box that counts, best first."""
    overlap = iou_of(found, truth)
    taken = np.zeros(len(truth.boxes), np.bool_)
    answers: list[tuple[float, bool]] = []
    for row in np.argsort(-found.scores, kind="stable"):
        column = _best_free(overlap[row], taken | truth.ignored, iou)
        if column is not None:
            taken[column] = True
            answers.append((float(found.scores[row]), True))
        elif _best_free(overlap[row], ~truth.ignored, iou) is None:
            answers.append((float(found.scores[row]), False))
    return answers


def _matched_truth(truth: FrameBoxes, found: FrameBoxes, iou: float) -> NDArray[np.bool_]:
    overlap = iou_of(found, truth)
    taken = np.zeros(len(truth.boxes), np.bool_)
    for row in np.argsort(-found.scores, kind="stable"):
        column = _best_free(overlap[row], taken | truth.ignored, iou)
        if column is not None:
            taken[column] = True
    return taken


def _best_free(overlap: Floats, barred: NDArray[np.bool_], iou: float) -> int | None:
    free = np.where(barred, -1.0, overlap)
    if not len(free):
        return None
    best = int(free.argmax())
    return best if free[best] >= iou else None


def _average_precision(ranked: NDArray[np.bool_], total: int) -> float | None:
    if not total:
        return None
    right = np.cumsum(ranked)
    recall = right / total
    precision = right / np.arange(1, len(ranked) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1] if len(ranked) else precision
    places = np.searchsorted(recall, _RECALLS, side="left")
    return float(np.mean([envelope[at] if at < len(envelope) else 0.0 for at in places]))
