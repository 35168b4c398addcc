"""The only place that reads the machine's clocks.

UTC in integer microseconds (`_us`) says *when*; the monotonic clock says *how long*. A step of the wall clock
changes the first and never the second.
"""

import time
from functools import cache
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Tells what time it is, and measures durations."""

    def now_us(self) -> int:
        """UTC, microseconds since 1970-01-01."""
        ...

    def monotonic_us(self) -> int:
        """Microseconds since some fixed moment of this boot; never steps back."""
        ...


class SystemClock:
    """The machine's own clocks."""

    __slots__ = ()

    def now_us(self) -> int:
        """UTC, microseconds since 1970-01-01."""
        return time.time_ns() // 1000

    def monotonic_us(self) -> int:
        """CLOCK_MONOTONIC: the same value in every process of this machine."""
        return time.monotonic_ns() // 1000


class ManualClock:
    """A clock that stands still until a test moves it; wall and monotonic time move apart on `step_wall`."""

    def __init__(self, now_us: int = 1_700_000_000_000_000, monotonic_us: int = 0) -> None:
        self._now_us = now_us
        self._monotonic_us = monotonic_us

    def now_us(self) -> int:
        """UTC, microseconds since 1970-01-01."""
        return self._now_us

    def monotonic_us(self) -> int:
        """Microseconds since the clock was made."""
        return self._monotonic_us

    def advance(self, duration_us: int) -> None:
        """Let time pass on both clocks; negative durations are refused."""
        if duration_us < 0:
            raise ValueError("time passes forwards: use step_wall to set the wall clock back")
        self._now_us += duration_us
        self._monotonic_us += duration_us

    def step_wall(self, step_us: int) -> None:
        """Set the wall clock forwards or back, as NTP or a person does; durations are not touched."""
        self._now_us += step_us


@cache
def boot_id() -> str:
    """This boot of this machine (Linux random/boot_id); monotonic times compare within one boot only."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"
