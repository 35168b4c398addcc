"""What was ordered to be recorded and is not over: sent again to a recorder that does not know it."""

from collections.abc import Iterable

from civiscope.base import Clock, StreamId
from civiscope.recording import Window

_SLACK_US = 1_000_000
"""Two clocks meet in the comparison; so much less is the same."""


class RunningWindows:
    """One window per stream, joined from all orders."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: dict[StreamId, Window] = {}

    def add(self, windows: Iterable[Window]) -> None:
        """Join them with what goes on of the same streams."""
        now_us = self._clock.now_us()
        for one in windows:
            before = self._windows.get(one.stream_id)
            joined = one
            if before is not None and before.until_us > now_us:
                joined = Window(
                    one.stream_id, min(before.from_us, one.from_us), max(before.until_us, one.until_us)
                )
            self._windows[one.stream_id] = joined

    def missing(self, known: Iterable[Window]) -> tuple[Window, ...]:
        """Those that go on and that the recorder does not know to their end."""
        now_us = self._clock.now_us()
        self._windows = {name: one for name, one in self._windows.items() if one.until_us > now_us}
        ends_us = {one.stream_id: one.until_us for one in known}
        return tuple(
            one
            for one in self._windows.values()
            if ends_us.get(one.stream_id, now_us) + _SLACK_US < one.until_us
        )
