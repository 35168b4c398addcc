"""Scores of tracking.

CLEAR MOT (Bernardin and Stiefelhagen 2008), identity (Ristani et al. 2016), HOTA (Luiten et al. 2021).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from civiscope.analytics import best_assignment
from civiscope.evaluation.boxes import Floats
from civiscope.evaluation.sequence import NO_BOXES, FrameBoxes, iou_of, without_ignored

_ALPHAS = np.arange(0.05, 0.99, 0.05)
_MOSTLY, _HARDLY = 0.8, 0.2
_SMALL = float(np.finfo(np.float64).eps)
_KEEP_BONUS = 1000.0
"""A pair that held in the frame before is kept while its overlap is enough (CLEAR MOT)."""


@dataclass(frozen=True, slots=True)
class TrackingScore:
    """At IoU 0.5; HOTA and its parts are means over 0.05 to 0.95. MOTA may be negative."""

    hota: float
    detection_accuracy: float
    association_accuracy: float
    idf1: float
    id_precision: float
    id_recall: float
    mota: float
    motp: float
    """Mean overlap of what was matched."""
    misses: int
    false_alarms: int
    switches: int
    fragments: int
    mostly_tracked: int
    mostly_lost: int
    truth_boxes: int
    truth_tracks: int
    frames: int


@dataclass(frozen=True, slots=True)
class _Frame:
    truth: np.ndarray[tuple[int], np.dtype[np.int64]]
    """Indices of true tracks in this frame."""
    found: np.ndarray[tuple[int], np.dtype[np.int64]]
    overlap: Floats


@dataclass(frozen=True, slots=True)
class _Match:
    truth_tracks: int
    found_tracks: int
    frames: tuple[_Frame, ...]

    @property
    def truth_boxes(self) -> int:
        return sum(len(frame.truth) for frame in self.frames)

    @property
    def found_boxes(self) -> int:
        return sum(len(frame.found) for frame in self.frames)


def score_tracking(truth: Mapping[int, FrameBoxes], found: Mapping[int, FrameBoxes]) -> TrackingScore:
    """Score the frames that truth names; found boxes that only match ignored truth count for nothing."""
    match = _prepare(truth, found)
    clear = _clear(match)
    hota, detection, association = _hota(match)
    idtp = _identity_hits(match)
    return TrackingScore(
        hota=hota,
        detection_accuracy=detection,
        association_accuracy=association,
        idf1=2 * idtp / max(1, match.truth_boxes + match.found_boxes),
        id_precision=idtp / max(1, match.found_boxes),
        id_recall=idtp / max(1, match.truth_boxes),
        mota=1 - (clear.misses + clear.false_alarms + clear.switches) / max(1, match.truth_boxes),
        motp=clear.overlap / max(1, clear.hits),
        misses=clear.misses,
        false_alarms=clear.false_alarms,
        switches=clear.switches,
        fragments=clear.fragments,
        mostly_tracked=clear.mostly_tracked,
        mostly_lost=clear.mostly_lost,
        truth_boxes=match.truth_boxes,
        truth_tracks=match.truth_tracks,
        frames=len(match.frames),
    )


def _prepare(truth: Mapping[int, FrameBoxes], found: Mapping[int, FrameBoxes]) -> _Match:
    pairs = [without_ignored(truth[frame], found.get(frame, NO_BOXES)) for frame in sorted(truth)]
    true_ids = {
        track: at for at, track in enumerate(sorted({int(t) for one, _ in pairs for t in one.tracks}))
    }
    found_ids = {
        track: at for at, track in enumerate(sorted({int(t) for _, one in pairs for t in one.tracks}))
    }
    frames = tuple(
        _Frame(
            np.array([true_ids[int(track)] for track in one.tracks], np.int64),
            np.array([found_ids[int(track)] for track in two.tracks], np.int64),
            iou_of(one, two),
        )
        for one, two in pairs
    )
    return _Match(len(true_ids), len(found_ids), frames)


@dataclass(slots=True)
class _Clear:
    hits: int = 0
    overlap: float = 0.0
    misses: int = 0
    false_alarms: int = 0
    switches: int = 0
    fragments: int = 0
    mostly_tracked: int = 0
    mostly_lost: int = 0


def _clear(match: _Match, iou: float = 0.5) -> _Clear:
    score = _Clear()
    before = np.full(match.truth_tracks, -1, np.int64)
    """Whom each true track was last given."""
    in_frame_before = before.copy()
    present = np.zeros(match.truth_tracks)
    matched = np.zeros(match.truth_tracks)
    pieces = np.zeros(match.truth_tracks)
    for frame in match.frames:
        present[frame.truth] += 1
        rows, columns = _clear_pairs(frame, in_frame_before, iou)
        true, given = frame.truth[rows], frame.found[columns]
        known = before[true]
        score.switches += int(((known >= 0) & (known != given)).sum())
        before[true] = given
        was_missing = in_frame_before < 0
        in_frame_before = np.full(match.truth_tracks, -1, np.int64)
        in_frame_before[true] = given
        matched[true] += 1
        pieces += was_missing & (in_frame_before >= 0)
        score.hits += len(true)
        score.overlap += float(frame.overlap[rows, columns].sum())
        score.misses += len(frame.truth) - len(true)
        score.false_alarms += len(frame.found) - len(true)
    share = matched / np.maximum(1, present)
    score.mostly_tracked = int((share > _MOSTLY).sum())
    score.mostly_lost = int((share < _HARDLY).sum())
    score.fragments = int(np.maximum(pieces - 1, 0)[pieces > 0].sum())
    return score


def _clear_pairs(
    frame: _Frame, in_frame_before: np.ndarray[tuple[int], np.dtype[np.int64]], iou: float
) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], np.ndarray[tuple[int], np.dtype[np.intp]]]:
    worth = frame.overlap.copy()
    worth += _KEEP_BONUS * (frame.found[None, :] == in_frame_before[frame.truth][:, None])
    worth[frame.overlap < iou - _SMALL] = 0
    pairs = best_assignment(-worth)
    kept = pairs[worth[pairs[:, 0], pairs[:, 1]] > _SMALL]
    return kept[:, 0], kept[:, 1]


def _identity_hits(match: _Match, iou: float = 0.5) -> int:
    """Frames in which a true track is where its best partner over the whole time is."""
    together = np.zeros((match.truth_tracks, match.found_tracks))
    for frame in match.frames:
        rows, columns = np.nonzero(frame.overlap >= iou)
        np.add.at(together, (frame.truth[rows], frame.found[columns]), 1)
    pairs = best_assignment(-together)
    return int(together[pairs[:, 0], pairs[:, 1]].sum())


def _hota(match: _Match) -> tuple[float, float, float]:
    """HOTA, DetA and AssA, each the mean over the thresholds of overlap."""
    if not match.truth_boxes or not match.found_boxes:
        return 0.0, 0.0, 0.0
    alignment, truth_count, found_count = _alignment(match)
    hits = np.zeros(len(_ALPHAS))
    together = np.zeros((len(_ALPHAS), match.truth_tracks, match.found_tracks))
    for frame in match.frames:
        if not frame.overlap.size:
            continue
        pairs = best_assignment(-(alignment[frame.truth[:, None], frame.found[None, :]] * frame.overlap))
        rows, columns = pairs[:, 0], pairs[:, 1]
        for at, alpha in enumerate(_ALPHAS):
            is_hit = frame.overlap[rows, columns] >= alpha - _SMALL
            hits[at] += is_hit.sum()
            together[at][frame.truth[rows[is_hit]], frame.found[columns[is_hit]]] += 1
    shared = together / np.maximum(1, truth_count[None, :, None] + found_count[None, None, :] - together)
    association = (together * shared).sum(axis=(1, 2)) / np.maximum(1, hits)
    detection = hits / np.maximum(1, match.truth_boxes + match.found_boxes - hits)
    return float(np.sqrt(detection * association).mean()), float(detection.mean()), float(association.mean())


def _alignment(match: _Match) -> tuple[Floats, Floats, Floats]:
    """How well each pair of tracks goes together over the whole time (Luiten et al. 2021 §5)."""
    potential = np.zeros((match.truth_tracks, match.found_tracks))
    truth_count, found_count = np.zeros(match.truth_tracks), np.zeros(match.found_tracks)
    for frame in match.frames:
        sums = frame.overlap.sum(axis=0)[None, :] + frame.overlap.sum(axis=1)[:, None] - frame.overlap
        share = np.divide(frame.overlap, sums, out=np.zeros_like(sums), where=sums > _SMALL)
        potential[frame.truth[:, None], frame.found[None, :]] += share
        truth_count[frame.truth] += 1
        found_count[frame.found] += 1
    return potential / (truth_count[:, None] + found_count[None, :] - potential), truth_count, found_count
