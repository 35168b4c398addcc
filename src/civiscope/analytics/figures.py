"""How the looking at one channel stands: counted by the thread that looks, over the last ten seconds."""

from collections import deque
from dataclasses import dataclass

WINDOW_S = 10
_SECOND_US = 1_000_000
_LATENCIES = 256


@dataclass(slots=True)
class _Second:
    """What was done in one second of the monotonic clock."""

    second: int
    decoded: int = 0
    moving: int = 0
    detections: int = 0
    cost_us: int = 0


@dataclass(frozen=True, slots=True)
class Rates:
    """Over the window, or since counting began when that is shorter."""

    frames_per_s: float
    moving_share: float
    detections_per_s: float
    cost_ms_per_s: float
    latency_ms: float
    """From a frame's arrival until it was looked at, 95 of 100."""


class Figures:
    """Counts of one channel. One thread counts; another may read a moment's state."""

    def __init__(self, now_us: int) -> None:
        """`now_us`: monotonic, as everywhere here."""
        self.began_us = now_us
        self.shed_frames = 0
        self.width_px = 0
        self.height_px = 0
        self.objects = 0
        self._seconds: deque[_Second] = deque(maxlen=WINDOW_S + 1)
        self._latencies_us: deque[tuple[int, int]] = deque(maxlen=_LATENCIES)

    def looked(self, now_us: int, latency_us: int, *, moved: bool, detected: bool) -> None:
        """A frame was decoded and looked at."""
        second = self._second(now_us)
        second.decoded += 1
        second.moving += moved
        second.detections += detected
        self._latencies_us.append((now_us, latency_us))

    def spent(self, now_us: int, cost_us: int) -> None:
        """Processor time went into the channel."""
        self._second(now_us).cost_us += cost_us

    def rates(self, now_us: int) -> Rates:
        """The window that ends now."""
        first = now_us // _SECOND_US - WINDOW_S
        seconds = [one for one in tuple(self._seconds) if one.second > first]
        length_s = min(WINDOW_S, max(1.0, (now_us - self.began_us) / _SECOND_US))
        decoded = sum(one.decoded for one in seconds)
        return Rates(
            frames_per_s=decoded / length_s,
            moving_share=sum(one.moving for one in seconds) / decoded if decoded else 0.0,
            detections_per_s=sum(one.detections for one in seconds) / length_s,
            cost_ms_per_s=sum(one.cost_us for one in seconds) / 1000 / length_s,
            latency_ms=self._latency_us(now_us - WINDOW_S * _SECOND_US) / 1000,
        )

    def _latency_us(self, from_us: int) -> int:
        ordered = sorted(late_us for at_us, late_us in self._latencies_us.copy() if at_us >= from_us)
        return ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)] if ordered else 0

    def _second(self, now_us: int) -> _Second:
        second = now_us // _SECOND_US
        if not self._seconds or self._seconds[-1].second != second:
            self._seconds.append(_Second(second))
        return self._seconds[-1]
