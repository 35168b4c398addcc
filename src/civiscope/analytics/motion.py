"""Where something moves: a map of blocks against a learnt background, with each block's own noise.

The means of blocks of 8 x 8 pixels (or a whole multiple) are compared with two running means: one of some
seconds
(what is usual here) and one of half a second (what was here a moment ago). A block moves while it differs
from the
first and has lately differed from the second by more than its own noise: what stopped ceases to move, and
what it
left behind never starts. A change of light over the whole picture is taken out before, or learnt at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from civiscope.analytics.model import Box
from civiscope.base import AppError, ErrorKind

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
_Words = NDArray[np.uint64]

_BLOCK_PX = 8
_WIDTH_PX = 640
"""About 80 columns, whatever the picture's width."""
_ROWS_SUMMED = 4
"""Every second row of a block is enough: coded noise is not independent from row to row."""
_EVEN_BYTES = np.uint64(0x00FF00FF00FF00FF)
_LANES = np.uint64(0x0001000100010001)
_EIGHT = np.uint64(8)
_TOP_LANE = np.uint64(48)


@dataclass(frozen=True, slots=True)
class MotionSettings:
    """How the map learns; grey levels are of 0 to 255."""

    background_s: float = 6.0
    moving_background_s: float = 30.0
    """A block that moves is learnt so slowly."""
    recent_s: float = 0.6
    noise_s: float = 8.0
    hold_s: float = 0.6
    """A block that differed from a moment ago still counts as moving for so long."""
    warm_s: float = 1.4
    warm_frames: int = 6
    floor_levels: float = 2.0
    noise_factor: float = 5.0
    start_noise_levels: float = 1.0
    most_noise_levels: float = 12.0
    quiet_share: float = 0.35
    """While no block changed by more than this share of what would move it, since the last frame that was
    compared, nothing is."""
    quiet_frames: int = 4
    """At most so many frames in a row."""
    light_levels: float = 1.5
    """A common change of this much is light, not motion."""
    all_share: float = 0.55
    """When so much of the picture differs at once, it is another picture: learnt at once."""


@dataclass(frozen=True, slots=True)
class Motion:
    """What moves in one frame. `moving`: (rows, columns) of blocks."""

    is_moving: bool
    moving: Bools
    is_warm: bool
    """The background is learnt."""
    is_new_picture: bool = False
    """Nearly everything changed at once (a lamp, another view): the background was taken anew."""

    @property
    def boxes_n(self) -> tuple[Box, ...]:
        """Around each group of moving blocks, grown by one block; largest first. Computed when asked."""
        rows, columns = self.moving.shape
        found = sorted(_groups(self.moving), key=lambda one: (one[0] - one[2]) * (one[3] - one[1]))
        return tuple(
            Box(
                max(x0 - 1, 0) / columns,
                max(y0 - 1, 0) / rows,
                min(x1 + 1, columns) / columns,
                min(y1 + 1, rows) / rows,
            )
            for x0, y0, x1, y1 in found
        )

    def touches(self, box: Box, margin_blocks: int = 1) -> bool:
        """Whether something moves within the box or a block beside it."""
        rows, columns = self.moving.shape
        x0, x1 = int(box.x0_n * columns) - margin_blocks, int(box.x1_n * columns) + 1 + margin_blocks
        y0, y1 = int(box.y0_n * rows) - margin_blocks, int(box.y1_n * rows) + 1 + margin_blocks
        return bool(self.moving[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)].any())


class BlockMap:
    """The background of one channel at one size of picture."""

    def __init__(self, width_px: int, height_px: int, settings: MotionSettings | None = None) -> None:
        """Raises AppError INVALID for a picture smaller than 4 x 4 blocks."""
        self._settings = settings or MotionSettings()
        self._step = max(1, round(width_px / _WIDTH_PX))
        self.block_px = _BLOCK_PX * self._step
        self.rows, self.columns = height_px // self.block_px, width_px // self.block_px
        if self.rows < 4 or self.columns < 4:
            raise AppError(
                ErrorKind.INVALID, f"A picture of {width_px} x {height_px} is too small to be looked at."
            )
        words = self.columns * self._step
        self._even: _Words = np.empty((self.rows * _ROWS_SUMMED, words), np.uint64)
        self._odd: _Words = np.empty_like(self._even)
        self._pairs: _Words = np.empty((self.rows, 2, words), np.uint64)
        self._sums: _Words = np.empty((self.rows, words), np.uint64)
        shape = (self.rows, self.columns)
        self._nothing: Bools = np.zeros(shape, bool)
        self._last: Floats = np.zeros(shape, np.float32)
        self._background: Floats = np.zeros(shape, np.float32)
        self._recent: Floats = np.zeros(shape, np.float32)
        self._noise: Floats = np.full(shape, self._settings.start_noise_levels, np.float32)
        self._limit: Floats = np.zeros(shape, np.float32)
        self._quiet: Floats = np.zeros(shape, np.float32)
        self._changed_s: Floats = np.full(shape, -1e9, np.float32)
        """When each block last differed from a moment ago, on the clock of `_seen_s`."""
        self._difference: Floats = np.zeros(shape, np.float32)
        self._away: Floats = np.zeros(shape, np.float32)
        self._seen_s = 0.0
        self._frames = 0
        self._skipped = 0
        self._unlearnt_s = 0.0
        self._unlearnt_recent_s = 0.0
        self._is_calm = False
        self._set_limit()

    @property
    def is_warm(self) -> bool:
        """The background is learnt."""
        return self._seen_s >= self._settings.warm_s and self._frames >= self._settings.warm_frames

    def look(self, luma: NDArray[np.uint8], step_s: float = 0.2) -> Motion:
        """The next frame's luma (H, W), `step_s` after the last one."""
        now = self._means(luma)
        step_s = min(max(step_s, 0.001), 2.0)
        self._frames += 1
        if self._frames == 1:
            return self._begin(now)
        self._seen_s += step_s
        self._unlearnt_s += step_s
        self._unlearnt_recent_s += step_s
        if self._may_skip(now):
            self._skipped += 1
            return Motion(False, self._nothing, self.is_warm)
        self._skipped = 0
        self._last = now
        return self._compare(now)

    def _begin(self, now: Floats) -> Motion:
        self._last, self._background, self._recent = now, now.copy(), now.copy()
        self._changed_s[:] = -1e9
        return Motion(False, self._nothing, self.is_warm, is_new_picture=self._frames > 1)

    def _may_skip(self, now: Floats) -> bool:
        if not self._is_calm or self._skipped >= self._settings.quiet_frames or not self.is_warm:
            return False
        change = np.subtract(now, self._last, out=self._difference)
        return bool((np.abs(change, out=change) < self._quiet).all())

    def _compare(self, now: Floats) -> Motion:
        settings = self._settings
        np.subtract(now, self._background, out=self._difference)
        if self._take_out_light():
            np.subtract(now, self._background, out=self._difference)
        away = np.abs(self._difference, out=self._away)
        differs = away > self._limit
        count = int(np.count_nonzero(differs))
        if count > settings.all_share * differs.size and self.is_warm:
            return self._begin(now)
        moving = self._moving(now, differs) if count else self._nothing
        self._learn(now, moving)
        self._is_calm = moving is self._nothing or not moving.any()
        return Motion(not self._is_calm, moving, self.is_warm)

    def _moving(self, now: Floats, differs: Bools) -> Bools:
        """Differs from the usual and, a moment ago or now, from the recent; alone only when it does
        strongly."""
        least = np.maximum(np.float32(0.6) * self._limit, np.float32(0.15) * self._away)
        changed = np.abs(now - self._recent) > least
        changed &= differs
        np.copyto(self._changed_s, np.float32(self._seen_s), where=changed)
        moving: Bools = self._changed_s > np.float32(self._seen_s - self._settings.hold_s)
        moving &= differs
        if moving.any():
            moving &= _has_neighbour(moving) | (self._away > 2 * self._limit)
        return moving

    def _learn(self, now: Floats, moving: Bools) -> None:
        """The recent with each frame; the usual and the noise, which are slow, with every second one."""
        settings = self._settings
        change = now - self._recent
        change *= np.float32(min(self._unlearnt_recent_s / settings.recent_s, 1.0))
        self._recent += change
        self._unlearnt_recent_s = 0.0
        if self.is_warm and self._frames % 2:
            return
        step_s, self._unlearnt_s = self._unlearnt_s, 0.0
        usual = max(min(step_s / settings.background_s, 1.0), 1.0 / self._frames)
        slow = min(step_s / settings.noise_s, 1.0)
        self._difference *= _rate(usual, step_s / settings.moving_background_s, moving)
        self._background += self._difference
        np.minimum(self._away, np.float32(settings.most_noise_levels), out=self._away)
        self._away -= self._noise
        self._away *= _rate(slow, slow / 4, moving)
        self._noise += self._away
        self._set_limit()

    def _set_limit(self) -> None:
        np.multiply(self._noise, np.float32(self._settings.noise_factor), out=self._limit)
        self._limit += np.float32(self._settings.floor_levels)
        np.multiply(self._limit, np.float32(self._settings.quiet_share), out=self._quiet)

    def _take_out_light(self) -> bool:
        """Move what is known by a change that all blocks share: added (a cloud), or multiplied (gain
        control)."""
        sample = self._difference.ravel()[::11]
        shift = float(_median(sample))
        if abs(shift) < self._settings.light_levels:
            return False
        known = self._background.ravel()[::11]
        gain = float(_median(((sample + known) / np.maximum(known, 1.0)).astype(np.float32)))
        by_gain = np.abs(sample - known * np.float32(gain - 1.0))
        if _median(np.abs(sample - np.float32(shift))) <= _median(by_gain):
            self._background += np.float32(shift)
            self._recent += np.float32(shift)
        else:
            self._background *= np.float32(gain)
            self._recent *= np.float32(gain)
        return True

    def _means(self, luma: NDArray[np.uint8]) -> Floats:
        """Block means (rows, columns). Eight pixels a machine word: four sums of 16 bits each, side by side.

        One multiplication by 0x0001000100010001 gathers the four in the top lane. Sums stay below 2 ** 16:
        four rows of two bytes a lane, four lanes, make 32 * 255 at most.
        """
        rows = self.rows * self.block_px
        used = luma[: rows : 2 * self._step, : self.columns * self.block_px]
        if used.strides[1] != 1 or used.shape[0] != self._even.shape[0]:
            used = np.ascontiguousarray(used)
        words = used.view(np.uint64)
        np.right_shift(words, _EIGHT, out=self._odd)
        np.bitwise_and(self._odd, _EVEN_BYTES, out=self._odd)
        np.bitwise_and(words, _EVEN_BYTES, out=self._even)
        np.add(self._even, self._odd, out=self._even)
        lines = self._even.reshape(self.rows, _ROWS_SUMMED, -1)
        np.add(lines[:, :2], lines[:, 2:], out=self._pairs)
        sums = np.add(self._pairs[:, 0], self._pairs[:, 1], out=self._sums)
        np.multiply(sums, _LANES, out=sums)
        np.right_shift(sums, _TOP_LANE, out=sums)
        found: Floats = sums.astype(np.float32)
        if self._step > 1:
            found = found.reshape(self.rows, self.columns, self._step).sum(2)
        found *= np.float32(1.0 / (8 * _ROWS_SUMMED * self._step))
        return found


def _median(values: Floats) -> np.float32:
    """The middle value, or the upper of the two."""
    middle = len(values) // 2
    return np.float32(np.partition(values, middle)[middle])


def _rate(calm: float, moves: float, moving: Bools) -> np.float32 | Floats:
    """How fast each block learns."""
    if not moving.any():
        return np.float32(calm)
    return np.where(moving, np.float32(moves), np.float32(calm))


def _has_neighbour(moving: Bools) -> Bools:
    """Blocks with another moving one among the eight around them."""
    rows, columns = moving.shape
    padded = np.zeros((rows + 2, columns + 2), np.uint8)
    padded[1:-1, 1:-1] = moving
    across = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    around: Bools = (across[:-2] + across[1:-1] + across[2:]) > 1
    return around


def _groups(moving: Bools) -> list[tuple[int, int, int, int]]:
    """Bounds x0 y0 x1 y1 (ends excluded) of blocks that touch, corners included: runs joined row by row."""
    groups: list[list[int]] = []
    above: list[tuple[int, int, int]] = []
    parent: list[int] = []

    def root(at: int) -> int:
        while parent[at] != at:
            at = parent[at]
        return at

    for y in np.flatnonzero(moving.any(1)).tolist():
        edges = np.flatnonzero(np.diff(moving[y].astype(np.int8), prepend=0, append=0)).tolist()
        current: list[tuple[int, int, int]] = []
        for x0, x1 in zip(edges[::2], edges[1::2], strict=True):
            mine = len(groups)
            groups.append([x0, y, x1, y + 1])
            parent.append(mine)
            for other_x0, other_x1, other in above:
                if other_x0 <= x1 and x0 <= other_x1 and groups[other][3] >= y:
                    parent[root(mine)] = root(other)
            current.append((x0, x1, mine))
        above = current
    return _joined(groups, [root(at) for at in range(len(groups))])


def _joined(groups: list[list[int]], roots: list[int]) -> list[tuple[int, int, int, int]]:
    bounds: dict[int, list[int]] = {}
    for (x0, y0, x1, y1), at in zip(groups, roots, strict=True):
        known = bounds.setdefault(at, [x0, y0, x1, y1])
        known[:] = min(known[0], x0), min(known[1], y0), max(known[2], x1), max(known[3], y1)
    return [(x0, y0, x1, y1) for x0, y0, x1, y1 in bounds.values()]
