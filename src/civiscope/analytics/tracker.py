"""The same thing over frames: one set of arrays per channel, no object per track.

Prediction by constant velocity and assignment of boxes after Bewley et al., "Simple Online and Realtime
Tracking"
(ICIP 2016, arXiv:1602.00763); two rounds, strong detections first and weak ones for what is left, after
Zhang et
al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box" (ECCV 2022, arXiv:2110.06864). In
place of Kalman filters stands the alpha-beta filter, their steady state for constant velocity.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import lap  # type: ignore[import-untyped]  # no stubs
import numpy as np
from numpy.typing import NDArray

from civiscope.analytics.detector import RIVAL_GROUPS, Floats, ScoreLevels, overlaps
from civiscope.analytics.model import CLASSES, Box, Detections, ObjectClass, TrackedObject

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]
_VEHICLES = int(RIVAL_GROUPS[CLASSES.index(ObjectClass.CAR)])
_FAR = 1e3
"""The cost of a pair that may not be."""
_LEAST_HEIGHT_N = np.float32(0.05)
_box_of = partial(tuple.__new__, Box)
"""A box of four numbers, as `Box._make`, but without a call of Python's for each."""


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """When boxes are the same thing."""

    least_overlap: float = 0.15
    weak_least_overlap: float = 0.3
    reach_new: float = 2.2
    """How far, in its own sizes, a thing found once may be from where it was: its speed is not known yet."""
    reach_known: float = 0.9
    reach_lost: float = 1.4
    """Of one that was not found: from where it was found last, for what turned round or stopped."""
    most_size_ratio: float = 2.2
    """Of heights, for a match by distance alone."""
    hits_to_confirm: int = 2
    new_lost_s: float = 0.65
    """A thing not confirmed is forgotten after so long."""
    lost_s: float = 1.6
    resting_lost_s: float = 3.0
    """For one that rested: what is behind or before it may confuse the detector."""
    resting_misses: int = 3
    """A thing at rest where nothing moves is forgotten after so many looks that did not find it."""
    double_share: float = 0.8
    """A weak vehicle of which so much lies within a strong one is the same vehicle."""
    resting_speed: float = 0.12
    """Below this, in its own heights a second, it rests."""
    resting_after_s: float = 1.0
    position_gain: float = 0.75
    speed_gain: float = 0.35
    size_gain: float = 0.4
    shown_s: float = 0.1
    """How slowly the box that is told follows: single frames do not count where there are many a second."""


class Tracker:
    """All tracks of one channel's run. Times may have any step."""

    def __init__(self, levels: ScoreLevels, settings: TrackerSettings | None = None) -> None:
        self._levels = levels
        self._settings = settings or TrackerSettings()
        self._next_id = 1
        self._at_us: int | None = None
        self._ids: Ints = np.zeros(0, np.int64)
        self._centre: Floats = np.zeros((0, 2), np.float32)
        self._size: Floats = np.zeros((0, 2), np.float32)
        self._shown: Floats = np.zeros((0, 4), np.float32)
        """Drawn to where strong detections are, else to the filtered box; moved on while it is not found."""
        self._speed: Floats = np.zeros((0, 2), np.float32)
        """Of the picture's width and height a second."""
        self._votes: Floats = np.zeros((0, len(CLASSES)), np.float32)
        self._group: Ints = np.zeros(0, np.int64)
        self._score: Floats = np.zeros(0, np.float32)
        self._hits: Ints = np.zeros(0, np.int64)
        self._misses: Ints = np.zeros(0, np.int64)
        self._last: Floats = np.zeros((0, 2), np.float32)
        """Its centre when it was last found."""
        self._first_us: Ints = np.zeros(0, np.int64)
        self._found_us: Ints = np.zeros(0, np.int64)
        """When it was last found, or known to be there."""
        self._moved_us: Ints = np.zeros(0, np.int64)
        self._is_seen: Bools = np.zeros(0, bool)
        self._at_rest: tuple[TrackedObject, ...] | None = None
        """The answer to the last `carry`, if nothing moved at any track: it holds while nothing does."""
        self._is_certain = False

    def __len__(self) -> int:
        return len(self._ids)

    def boxes_n(self) -> Floats:
        """(N, 4) of all tracks, confirmed or not."""
        half = self._size / 2
        return np.concatenate((self._centre - half, self._centre + half), 1)

    def resting(self) -> Bools:
        """(N,) which of all tracks are confirmed and rest."""
        settings = self._settings
        rested = self._found_us - self._moved_us >= settings.resting_after_s * 1e6
        found: Bools = (self._hits >= settings.hits_to_confirm) & rested
        return found

    def uncertain(self) -> bool:
        """Whether any track is not confirmed, or moves, or was not found the last time."""
        if not self._is_certain:
            self._is_certain = bool((self.resting() & self._is_seen).all())
        return not self._is_certain

    def update(
        self, detections: Detections, at_us: int, stirred: Bools | None = None
    ) -> tuple[TrackedObject, ...]:
        """After a look of the detector. `stirred`: (N,) at which of the tracks (as `boxes_n`) something
        moves.

        None: not known, so everywhere.
        """
        self._at_rest, self._is_certain = None, False
        step_s = self._step_to(at_us)
        was_resting = self.resting()
        self._is_seen[:] = False
        is_strong = detections.scores >= self._levels.strong
        strong = is_strong.nonzero()[0]
        weak = (~is_strong & (detections.scores >= self._levels.weak)).nonzero()[0]
        unused = self._match(detections, strong, step_s, self._cost_of_overlap)
        unused = self._match(detections, unused, step_s, self._cost_of_distance)
        self._match(detections, weak, step_s, self._cost_of_weak_overlap)
        self._forget(was_resting, np.ones(len(self._ids), bool) if stirred is None else stirred)
        self._begin(detections, unused)
        self._forget_doubles()
        return self.objects()

    def carry(self, at_us: int, stirred: Bools) -> tuple[TrackedObject, ...]:
        """At a frame at which the detector did not look: what rests where nothing moves is still there."""
        is_still = not stirred.any()
        if is_still and self._at_rest is not None:
            self._at_us = at_us
            self._found_us[:] = at_us
            return self._at_rest
        self._is_certain = False
        self._step_to(at_us)
        calm = ~stirred
        self._speed[calm] = 0.0
        self._is_seen = calm & (self._misses == 0)
        self._found_us[self._is_seen] = at_us
        self._keep(self._found_us + np.int64(self._settings.lost_s * 1e6) >= at_us)
        objects = self.objects()
        self._at_rest = objects if is_still and self._is_seen.all() else None
        return objects

    def objects(self) -> tuple[TrackedObject, ...]:
        """The confirmed ones as they stand."""
        boxes = np.clip(self._shown, 0.0, 1.0)
        is_there = (boxes[:, 2:] > boxes[:, :2]).all(1)
        shown = ((self._hits >= self._settings.hits_to_confirm) & is_there).nonzero()[0]
        kinds = self._votes[shown].argmax(1).tolist()
        return tuple(
            map(
                TrackedObject,
                self._ids[shown].tolist(),
                [CLASSES[kind] for kind in kinds],
                map(_box_of, boxes[shown].tolist()),
                self._score[shown].tolist(),
                self._is_seen[shown].tolist(),
                self._first_us[shown].tolist(),
                self._hits[shown].tolist(),
            )
        )

    def _step_to(self, at_us: int) -> float:
        """Move all by their speed; the step in seconds."""
        step_s = 0.0 if self._at_us is None else max(0.0, (at_us - self._at_us) / 1e6)
        self._at_us = at_us
        if step_s:
            self._speed[at_us - self._found_us > 700_000] *= 0.6
            way = self._speed * np.float32(min(step_s, 1.0))
            self._centre += way
            self._shown[:, :2] += way
            self._shown[:, 2:] += way
        return step_s

    def _match(
        self,
        detections: Detections,
        found: Indices,
        step_s: float,
        cost_of: Callable[[Indices, Floats], Floats],
    ) -> Indices:
        """Go on with the tracks not seen yet by assignment of least cost; the detections that are
        nobody's."""
        if not len(found):
            return found
        tracks = (~self._is_seen).nonzero()[0]
        if not len(tracks):
            return found
        cost = cost_of(tracks, detections.boxes_n[found])
        rivals = RIVAL_GROUPS[detections.classes[found]]
        cost[self._group[tracks][:, None] != rivals[None, :]] = _FAR
        mine, theirs = _assigned(cost)
        self._go_on(tracks[mine], found[theirs], detections, step_s)
        free = np.ones(len(found), bool)
        free[theirs] = False
        return found[free]

    def _cost_of_overlap(self, tracks: Indices, boxes: Floats) -> Floats:
        return _cost(overlaps(self.boxes_n()[tracks], boxes), self._settings.least_overlap)

    def _cost_of_weak_overlap(self, tracks: Indices, boxes: Floats) -> Floats:
        return _cost(overlaps(self.boxes_n()[tracks], boxes), self._settings.weak_least_overlap)

    def _cost_of_distance(self, tracks: Indices, boxes: Floats) -> Floats:
        """For small or fast things that jump further than their own size."""
        settings = self._settings
        centre: Floats = (boxes[:, :2] + boxes[:, 2:]) * np.float32(0.5)
        size = boxes[:, 2:] - boxes[:, :2]
        known = self._size[tracks]
        scale = np.maximum(np.maximum(known[:, None, :], size[None, :, :]), np.float32(1e-6))
        ratio = known[:, None, 1] / np.maximum(size[None, :, 1], 1e-6)
        reach = np.where(self._hits[tracks] < 2, settings.reach_new, settings.reach_known)[:, None]
        distance = _apart(self._centre[tracks], centre, scale)
        fits = distance < reach
        lost = self._misses[tracks] > 0
        if lost.any():
            back = _apart(self._last[tracks], centre, scale)
            fits |= lost[:, None] & (back < settings.reach_lost)
            distance = np.where(lost[:, None], np.minimum(distance, back), distance)
        fits &= np.maximum(ratio, 1 / ratio) < settings.most_size_ratio
        found: Floats = np.where(fits, distance, np.float32(_FAR)).astype(np.float32)
        return found

    def _go_on(self, tracks: Indices, found: Indices, detections: Detections, step_s: float) -> None:
        """`tracks`: ascending, each once."""
        if not len(tracks):
            return
        settings, at_us = self._settings, self._at_us or 0
        boxes, scores = detections.boxes_n[found], detections.scores[found]
        votes = tracks, detections.classes[found]
        at: Indices | slice = slice(None) if len(tracks) == len(self._ids) else tracks
        low, high = boxes[:, :2], boxes[:, 2:]
        missing = (low + high) * np.float32(0.5) - self._centre[at]
        since_s = np.maximum((at_us - self._found_us[at]) / 1e6, max(step_s, 0.02)).astype(np.float32)
        gain, speed_gain = self._gains(at)
        self._centre[at] += gain * missing
        self._speed[at] += speed_gain * missing / since_s[:, None]
        self._size[at] += np.float32(settings.size_gain) * (high - low - self._size[at])
        is_weak = scores < self._levels.strong
        if is_weak.any():
            boxes = np.where(is_weak[:, None], self.boxes_n()[at], boxes)
        nearer = np.float32(1.0 - math.exp(-max(step_s, 0.02) / settings.shown_s))
        self._shown[at] += nearer * (boxes - self._shown[at])
        self._votes[at] *= np.float32(0.97)
        self._votes[votes] += scores
        self._score[at] = scores
        self._hits[at] += 1
        self._misses[at] = 0
        self._last[at] = self._centre[at]
        self._found_us[at] = at_us
        self._is_seen[at] = True
        speed = np.hypot(self._speed[at, 0] * np.float32(16 / 9), self._speed[at, 1])
        moves = speed > np.float32(settings.resting_speed) * np.maximum(self._size[at, 1], _LEAST_HEIGHT_N)
        self._moved_us[tracks[moves]] = at_us

    def _gains(self, tracks: Indices | slice) -> tuple[np.float32 | Floats, np.float32 | Floats]:
        """How much of what is missing goes into place and speed: all of it at the second hit."""
        place, speed = np.float32(self._settings.position_gain), np.float32(self._settings.speed_gain)
        is_second = self._hits[tracks] == 1
        if not is_second.any():
            return place, speed
        whole = np.float32(1.0)
        return np.where(is_second, whole, place)[:, None], np.where(is_second, whole, speed)[:, None]

    def _forget(self, was_resting: Bools, stirred: Bools) -> None:
        """Those not found for too long; at rest where nothing moves, looks count, not time."""
        settings = self._settings
        at_us = self._at_us or 0
        missed = ~self._is_seen
        self._misses[missed] += 1
        is_calm = was_resting & ~stirred
        self._speed[is_calm & missed] = 0.0
        limit_s = np.where(was_resting, settings.resting_lost_s, settings.lost_s)
        limit_s = np.where(self._hits < settings.hits_to_confirm, settings.new_lost_s, limit_s)
        is_within = ((self._centre > 0.0) & (self._centre < 1.0)).all(1)
        in_time = (at_us - self._found_us <= limit_s * 1e6) & (is_within | self._is_seen)
        self._keep(np.where(is_calm, self._misses < settings.resting_misses, in_time))

    def _forget_doubles(self) -> None:
        """Of two vehicles, one within the other, the one that only weak detections keep: a bonnet, a
        trailer."""
        settings = self._settings
        confirmed = self._hits >= settings.hits_to_confirm
        vehicles = np.flatnonzero((self._group == _VEHICLES) & confirmed)
        if len(vehicles) < 2:
            return
        boxes, scores = self.boxes_n()[vehicles], self._score[vehicles]
        low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
        high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
        both = np.maximum(high - low, 0.0).prod(2)
        within = both > settings.double_share * (boxes[:, 2:] - boxes[:, :2]).prod(1)[:, None]
        np.fill_diagonal(within, False)
        strong = self._is_seen[vehicles] & (scores >= self._levels.strong)
        doubled = (within & strong[None, :]).any(1) & ~strong
        kept = np.ones(len(self._ids), bool)
        kept[vehicles[doubled]] = False
        self._keep(kept)

    def _begin(self, detections: Detections, found: Indices) -> None:
        count = len(found)
        if not count:
            return
        boxes = detections.boxes_n[found]
        votes = np.zeros((count, len(CLASSES)), np.float32)
        votes[np.arange(count), detections.classes[found]] = detections.scores[found]
        at = np.full(count, self._at_us or 0, np.int64)
        self._append(
            _ids=np.arange(self._next_id, self._next_id + count),
            _centre=(boxes[:, :2] + boxes[:, 2:]) / 2,
            _size=boxes[:, 2:] - boxes[:, :2],
            _shown=boxes,
            _speed=np.zeros((count, 2), np.float32),
            _votes=votes,
            _group=RIVAL_GROUPS[detections.classes[found]],
            _score=detections.scores[found],
            _hits=np.ones(count, np.int64),
            _misses=np.zeros(count, np.int64),
            _last=(boxes[:, :2] + boxes[:, 2:]) / 2,
            _first_us=at, _found_us=at, _moved_us=at,
            _is_seen=np.ones(count, bool),
        )  # fmt: skip
        self._next_id += count

    def _append(self, **added: NDArray[np.generic]) -> None:
        for name, values in added.items():
            setattr(self, name, np.concatenate((getattr(self, name), values)))

    def _keep(self, kept: Bools) -> None:
        if kept.all():
            return
        for name in _COLUMNS:
            setattr(self, name, getattr(self, name)[kept])


_COLUMNS = (
    "_ids", "_centre", "_size", "_shown", "_speed", "_votes", "_group", "_score", "_hits", "_misses",
    "_last", "_first_us", "_found_us", "_moved_us", "_is_seen",
)  # fmt: skip


def _cost(overlap: Floats, least: float) -> Floats:
    found: Floats = np.where(overlap >= least, np.float32(1.0) - overlap, np.float32(_FAR))
    return found


def _apart(centres: Floats, others: Floats, scale: Floats) -> Floats:
    """(N, M) between points (N, 2) and (M, 2), in sizes (N, M, 2)."""
    apart = np.abs(centres[:, None, :] - others[None, :, :]) / scale
    found: Floats = np.hypot(apart[..., 0], apart[..., 1])
    return found


def _assigned(cost: Floats) -> tuple[Indices, Indices]:
    """Rows, ascending, and columns of the pairs of least cost; those at `_FAR` are none.

    Who may only belong to one another do; the others are assigned among themselves.
    """
    may = cost < _FAR
    rows, columns = may.nonzero()
    if not len(rows):
        return rows, columns
    is_alone = (np.bincount(rows) == 1)[rows] & (np.bincount(columns) == 1)[columns]
    if is_alone.all():
        return rows, columns
    crowd = ~is_alone
    left_rows = np.bincount(rows[crowd]).nonzero()[0]
    left_columns = np.bincount(columns[crowd]).nonzero()[0]
    left = left_rows[:, None], left_columns[None, :]
    _, to, _ = lap.lapjv(cost[left].astype(np.float64), extend_cost=True, cost_limit=_FAR / 2)
    mine = (to >= 0).nonzero()[0]
    theirs = to[mine]
    good = may[left][mine, theirs]
    rows = np.concatenate((rows[is_alone], left_rows[mine[good]]))
    order = rows.argsort()
    return rows[order], np.concatenate((columns[is_alone], left_columns[theirs[good]]))[order]
