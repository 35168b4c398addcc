"""The sender's 32-bit RTP clock into presentation and decoding times of a run."""

from bisect import insort

_JUMP_S = 10
_BACK_S = 1
"""No picture is shown more than this before one decoded earlier: a longer step back is a jump."""
_MAX_LEARNT_DEPTH = 4
_SENDER_WINDOW_S = 60
_HALF = 1 << 31


class RunOrigin:
    """When the first unit of a run came, on any of its tracks: pts 0 of all of them.

    The first unit of every other track gets the pts by which it came later, so that tracks stay together
    although their RTP clocks begin anywhere.
    """

    def __init__(self) -> None:
        self._monotonic_us: int | None = None

    def ticks(self, monotonic_us: int, rate_hz: int) -> int:
        """How far into the run `monotonic_us` is; the first call sets zero."""
        if self._monotonic_us is None:
            self._monotonic_us = monotonic_us
        return (monotonic_us - self._monotonic_us) * rate_hz // 1_000_000


class UnitClock:
    """Times of one track: pts unwrapped and re-anchored after jumps, dts growing strictly.

    A timestamp that leaves the arrival times by over 10 s, or goes back by over 1 s, is a jump (the camera
    set its clock, or began anew): the next pts follows by arrival. dts is the smallest of the last
    `depth + 1` pts, as players expect from a reordering stream; where a picture comes even later the depth
    grows.
    """

    def __init__(self, rate_hz: int, origin: RunOrigin, *, reorders: bool) -> None:
        self.rate_hz = rate_hz
        self._origin = origin
        self._back_ticks = rate_hz * _BACK_S if reorders else 0
        self._jump_ticks = rate_hz * _JUMP_S
        self._reorders = reorders
        self._depth = 0
        self._frame_ticks = rate_hz // 25
        self._window: list[int] = []
        self._timestamp: int | None = None
        self._pts = 0
        self._dts: int | None = None
        self._monotonic_us = 0
        self._is_cut = False

    @property
    def has_begun(self) -> bool:
        """There was a unit."""
        return self._timestamp is not None

    def configure(self, reorder_depth: int | None, frame_s: float) -> None:
        """What the stream says of its order; takes effect with the next unit."""
        if self._reorders and reorder_depth is not None:
            self._depth = max(0, min(reorder_depth, 16))
        if frame_s > 0:
            self._frame_ticks = max(1, round(frame_s * self.rate_hz))

    def cut(self) -> None:
        """The next timestamp belongs to another clock (a new SSRC)."""
        self._is_cut = True

    def times(self, timestamp: int, monotonic_us: int) -> tuple[int, int, bool]:
        """(pts, dts, whether it jumped) of the next unit in decoding order."""
        jumped = False
        if self._timestamp is None:
            pts = self._origin.ticks(monotonic_us, self.rate_hz)
        else:
            delta = ((timestamp - self._timestamp + _HALF) & 0xFFFF_FFFF) - _HALF
            elapsed = (monotonic_us - self._monotonic_us) * self.rate_hz // 1_000_000
            if self._is_cut or delta < -self._back_ticks or abs(delta - elapsed) > self._jump_ticks:
                jumped = True
                delta = max(elapsed, self._frame_ticks)
            pts = self._pts + delta
        self._is_cut = False
        self._timestamp = timestamp
        self._pts = pts
        self._monotonic_us = monotonic_us
        return pts, self._decoding_time(pts), jumped

    def ticks(self, timestamp: int) -> int | None:
        """A sender report's timestamp on the same axis as pts; None if it belongs to no unit near."""
        if self._timestamp is None or self._is_cut:
            return None
        delta = ((timestamp - self._timestamp + _HALF) & 0xFFFF_FFFF) - _HALF
        return self._pts + delta if abs(delta) < _SENDER_WINDOW_S * self.rate_hz else None

    def _decoding_time(self, pts: int) -> int:
        last = self._dts
        if not self._reorders:
            dts = pts
        else:
            if last is not None and pts < last and self._depth < _MAX_LEARNT_DEPTH:
                self._depth += 1
            window = self._window
            insort(window, pts)
            while len(window) > self._depth + 1:
                window.pop(0)
            dts = window[0] - (self._depth + 1 - len(window)) * self._frame_ticks
        if last is not None and dts <= last:
            dts = last + 1
        self._dts = dts
        return dts
