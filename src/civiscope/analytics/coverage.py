"""Which spans of a channel were looked at, and why the others were not: one reason at a time, no flapping."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from civiscope.analytics.facts import CoverageChanged
from civiscope.base import ChannelId

CALM_US = 250_000
"""Looking again counts once it has lasted so long: what is shorter belongs to the span around it."""


class Coverage(StrEnum):
    """Whether a span was looked at, or why not: the words of `CoverageChanged.reason`."""

    ANALYSED = "analysed"
    SHED = "shed"
    NO_STREAM = "no_stream"
    UNDECODABLE = "undecodable"
    NO_DETECTOR = "no_detector"
    SWITCHED_OFF = "switched_off"
    OUR_RESTART = "our_restart"


_FLAPPING = frozenset({Coverage.SHED, Coverage.UNDECODABLE})
"""What may come and go with every frame."""


@dataclass(frozen=True, slots=True)
class Covered:
    """How a channel stands, and since when (UTC)."""

    reason: Coverage
    since_us: int
    detail: str = ""


@dataclass(slots=True)
class _Channel:
    now: Covered
    resumed: Covered | None = field(default=None)
    """Looked at again since then, too short to be said yet."""


class CoverageBook:
    """Every channel's state; told from any thread, in any order, it says each change once, by `say`.

    What is told for a moment before the present span began changes nothing: the threads that look are behind
    the one that takes units in.
    """

    def __init__(self, say: Callable[[CoverageChanged], None]) -> None:
        self._say = say
        self._channels: dict[ChannelId, _Channel] = {}
        self._lock = threading.Lock()

    def note(self, channel_id: ChannelId, reason: Coverage, at_us: int, detail: str = "") -> None:
        """From `at_us` on it is so."""
        told = Covered(reason, at_us, detail)
        with self._lock:
            channel = self._channels.get(channel_id)
            if channel is None:
                self._channels[channel_id] = _Channel(told)
            elif not _moves(channel, told):
                return
            self._tell(channel_id, told)

    def forget(self, channel_id: ChannelId, at_us: int, detail: str) -> None:
        """Nobody asks for the channel any more."""
        self.note(channel_id, Coverage.SWITCHED_OFF, at_us, detail)
        with self._lock:
            self._channels.pop(channel_id, None)

    def of(self, channel_id: ChannelId) -> Covered | None:
        """The state now; None for a channel of which nothing was said."""
        with self._lock:
            channel = self._channels.get(channel_id)
            return None if channel is None else channel.now

    def end(self, at_us: int, detail: str) -> None:
        """We stop: nothing is looked at from now on."""
        with self._lock:
            channels = list(self._channels)
        for channel_id in channels:
            self.note(channel_id, Coverage.OUR_RESTART, at_us, detail)

    def _tell(self, channel_id: ChannelId, told: Covered) -> None:
        at_us = self._channels[channel_id].now.since_us
        self._say(CoverageChanged(channel_id, at_us, told.reason, told.detail))


def _moves(channel: _Channel, told: Covered) -> bool:
    """Take what is told; True if the channel's state is another now."""
    now = channel.now
    if told.since_us < now.since_us:
        return False
    if (told.reason, told.detail) == (now.reason, now.detail):
        channel.resumed = None
        return False
    if told.reason is not Coverage.ANALYSED or now.reason is Coverage.ANALYSED:
        channel.now, channel.resumed = told, None
        return True
    resumed = channel.resumed or told
    is_lasting = now.reason not in _FLAPPING or told.since_us - resumed.since_us >= CALM_US
    channel.now, channel.resumed = (resumed, None) if is_lasting else (now, resumed)
    return is_lasting
