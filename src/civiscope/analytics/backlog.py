"""What waits to be decoded of one channel: bounded, the freshest kept, what is shed counted."""

from collections import deque
from dataclasses import dataclass
from uuid import UUID

from civiscope.media import AccessUnit, TrackConfig


@dataclass(frozen=True, slots=True)
class RunTrack:
    """The video track of a run, in one generation of its configuration."""

    run_id: UUID
    track: TrackConfig


@dataclass(frozen=True, slots=True)
class WaitingUnit:
    """One access unit to decode, with its place among the run's frames."""

    run: RunTrack
    unit: AccessUnit
    index: int
    """Counted from 0 within the run, units that were shed included."""
    queued_us: int
    """Monotonic, when it came to us."""


@dataclass(frozen=True, slots=True)
class RunEnd:
    """No unit of the run follows."""

    at_us: int
    """UTC."""


@dataclass(frozen=True, slots=True)
class Shed:
    """Units that will never be decoded, for want of time."""

    from_us: int
    """UTC of the first one's arrival."""
    count: int


@dataclass(frozen=True, slots=True)
class BacklogLimits:
    """How much may wait for one channel."""

    wait_us: int = 1_000_000
    """Of the oldest, since it came."""
    size_bytes: int = 8 << 20


_LIMITS = BacklogLimits()


class Backlog:
    """In order; over the bounds everything before the newest key unit goes. Not for two threads at once.

    Decoding starts at key units only: when not even what follows the newest one may wait, it alone is kept,
    and what comes before the next key unit is shed as it comes.
    """

    def __init__(self, limits: BacklogLimits = _LIMITS) -> None:
        self._limits = limits
        self._items: deque[WaitingUnit | RunEnd] = deque()
        self._bytes = 0
        self._waits_for_key = True

    def __len__(self) -> int:
        return len(self._items)

    @property
    def size_bytes(self) -> int:
        """Of all units that wait."""
        return self._bytes

    def add(self, waiting: WaitingUnit) -> Shed | None:
        """Let a unit wait; what had to go for it, or that it went itself."""
        if self._waits_for_key and not waiting.unit.is_key:
            return Shed(waiting.unit.arrival_us, 1)
        self._waits_for_key = False
        self._items.append(waiting)
        self._bytes += len(waiting.unit.data)
        return self._shed(waiting.queued_us) if self._is_over(waiting.queued_us) else None

    def end_run(self, at_us: int) -> None:
        """After what waits, the run is over; the next begins with a key unit."""
        self._items.append(RunEnd(at_us))
        self._waits_for_key = True

    def lose(self) -> None:
        """Units are missing after what waits: go on with the next key unit."""
        self._waits_for_key = True

    def clear(self) -> int:
        """Forget all that waits; how many units."""
        count = sum(isinstance(item, WaitingUnit) for item in self._items)
        self._items.clear()
        self._bytes = 0
        self._waits_for_key = True
        return count

    def take(self) -> WaitingUnit | RunEnd | None:
        """The oldest one."""
        if not self._items:
            return None
        item = self._items.popleft()
        if isinstance(item, WaitingUnit):
            self._bytes -= len(item.unit.data)
        return item

    def _is_over(self, now_us: int) -> bool:
        oldest = next((item for item in self._items if isinstance(item, WaitingUnit)), None)
        return oldest is not None and (
            self._bytes > self._limits.size_bytes or now_us - oldest.queued_us > self._limits.wait_us
        )

    def _shed(self, now_us: int) -> Shed | None:
        units = [item for item in self._items if isinstance(item, WaitingUnit)]
        newest_key = max((at for at, item in enumerate(units) if item.unit.is_key), default=len(units))
        kept = units[newest_key:]
        if kept and not self._fit(kept, now_us):
            kept = kept[:1]
            self._waits_for_key = True
        gone = units[:newest_key] + units[newest_key + len(kept) :]
        if not gone:
            return None
        left_out = set(map(id, gone))
        self._items = deque(item for item in self._items if id(item) not in left_out)
        self._bytes = sum(len(item.unit.data) for item in kept)
        self._waits_for_key = self._waits_for_key or not kept
        return Shed(gone[0].unit.arrival_us, len(gone))

    def _fit(self, kept: list[WaitingUnit], now_us: int) -> bool:
        size_bytes = sum(len(item.unit.data) for item in kept)
        return size_bytes <= self._limits.size_bytes and now_us - kept[0].queued_us <= self._limits.wait_us
