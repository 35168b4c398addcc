"""Tying the ticks of a camera's tracks to UTC, and noticing when that no longer holds."""

from dataclasses import dataclass

from civiscope.media import AccessUnit

_LATE_FOR_US = 3_000_000
_LATE_BY_US = 10_000_000
_WINDOW_US = 10_000_000
_DRIFT_US = 60_000
"""The least late unit of a window is on time; so far from it, clocks ran apart (500 ppm: in 120 s)."""


@dataclass(slots=True)
class TrackAnchor:
    """One track: UTC of tick 0, as the arrival of a unit told it."""

    rate_hz: int
    zero_us: int
    due_zero_us: int
    """When a unit with dts 0 would arrive: reordered pictures come by dts, long before they show."""
    clock_offset_us: int
    """Wall clock minus monotonic clock when it was tied."""
    tolerance_us: int
    late_since_us: int | None = None
    window_since_us: int | None = None
    """Monotonic."""
    least_late_us: int = 0
    drift_us: int = 0
    """How far the camera's clock ran away from ours; 0 while that is not to be mended."""

    @classmethod
    def at(cls, unit: AccessUnit, rate_hz: int, tolerance_us: int) -> "TrackAnchor":
        """Tied to the arrival of this unit."""
        return cls(
            rate_hz,
            unit.arrival_us - unit.pts * 1_000_000 // rate_hz,
            unit.arrival_us - unit.dts * 1_000_000 // rate_hz,
            unit.arrival_us - unit.arrival_monotonic_us,
            tolerance_us,
        )

    def moved_to(self, unit: AccessUnit) -> "TrackAnchor":
        """Tied anew: after a drift by that, else so that this unit is on time; the order of showing stays."""
        late_us = self.drift_us or self._late_us(unit)
        return TrackAnchor(
            self.rate_hz,
            self.zero_us + late_us,
            self.due_zero_us + late_us,
            unit.arrival_us - unit.arrival_monotonic_us,
            self.tolerance_us,
        )

    def _late_us(self, unit: AccessUnit) -> int:
        return unit.arrival_us - self.due_zero_us - unit.dts * 1_000_000 // self.rate_hz

    def wall_us(self, pts: int) -> int:
        """UTC of a presentation time."""
        return self.zero_us + pts * 1_000_000 // self.rate_hz

    def holds(self, unit: AccessUnit) -> bool:
        """False when the track must be tied anew: a clock stepped, or the camera's time ran away.

        A unit may be late (a stalled network sends a burst afterwards), but not for long; never early.
        """
        self.drift_us = 0
        late_us = self._late_us(unit)
        if -self.tolerance_us <= late_us <= self.tolerance_us:
            self.late_since_us = None
            self.drift_us = self._drifted_us(unit.arrival_monotonic_us, late_us)
            return self.drift_us == 0
        stepped_us = unit.arrival_us - unit.arrival_monotonic_us - self.clock_offset_us
        if late_us < 0 or late_us > _LATE_BY_US or abs(stepped_us) > self.tolerance_us:
            return False
        if self.late_since_us is None:
            self.late_since_us = unit.arrival_monotonic_us
        return unit.arrival_monotonic_us - self.late_since_us < _LATE_FOR_US

    def _drifted_us(self, now_us: int, late_us: int) -> int:
        """Once in a window: how late even its least late unit was, if that is too much; else 0."""
        if self.window_since_us is None:
            self.window_since_us, self.least_late_us = now_us, late_us
            return 0
        self.least_late_us = min(self.least_late_us, late_us)
        if now_us - self.window_since_us < _WINDOW_US:
            return 0
        self.window_since_us = None
        return self.least_late_us if abs(self.least_late_us) > _DRIFT_US else 0
