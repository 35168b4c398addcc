"""How long the room on a volume lasts, by what was written of late: pure arithmetic on its catalogue."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from civiscope.base import StreamId
from civiscope.recording.model import SegmentSummary

WINDOW_US = 24 * 3_600_000_000
"""The rate of a stream is what it wrote in so long; a day has its night in it."""
_SHORTEST_US = 60_000_000
"""A stream that is younger has its rate counted over so long, so that a first second says little."""
_GROWING_US = 1_800_000_000
"""A stream whose last closed segment is older is not being recorded (a segment has about 5 min)."""


@dataclass(frozen=True, slots=True)
class StreamUse:
    """What one stream takes of a volume, and how it goes on."""

    used_bytes: int
    rate_bps: float
    """Bytes a second that come; 0 when nothing comes."""
    grows_us: int | None
    """For so long it takes more; then its oldest go as new ones come. None: without end."""


@dataclass(frozen=True, slots=True)
class RoomForecast:
    """Whether everything can be kept for its time."""

    left_us: int | None
    """Until the room is used up and recordings go before their time; None: they do not."""
    reach_us: int | None
    """How far back everything could be kept if all the room was used; None while nothing is written."""


def room_forecast(uses: Iterable[StreamUse], capacity_bytes: int) -> RoomForecast:
    """When all streams together fill it, each growing by its rate until its own time is full."""
    known = list(uses)
    rate_bps = sum(one.rate_bps for one in known)
    reach_us = int(capacity_bytes / rate_bps * 1e6) if rate_bps > 0 else None
    room_bytes = float(capacity_bytes - sum(one.used_bytes for one in known))
    if room_bytes <= 0 and rate_bps > 0:
        return RoomForecast(0, reach_us)
    at_us = 0
    growing = sorted((one for one in known if one.rate_bps > 0), key=_until)
    for number, one in enumerate(growing):
        together_bps = sum(other.rate_bps for other in growing[number:])
        until_us = one.grows_us
        full_us = at_us + int(room_bytes / together_bps * 1e6)
        if until_us is None or full_us < until_us:
            return RoomForecast(full_us, reach_us)
        room_bytes -= together_bps * max(0, until_us - at_us) / 1e6
        at_us = max(at_us, until_us)
    return RoomForecast(None, reach_us)


def stream_uses(
    segments: Iterable[SegmentSummary],
    now_us: int,
    keep_us: Callable[[StreamId], int | None],
    protected: Callable[[SegmentSummary], bool],
) -> list[StreamUse]:
    """What each stream takes; protected footage takes room and never makes any."""
    by_stream: dict[StreamId, list[SegmentSummary]] = {}
    for summary in segments:
        by_stream.setdefault(summary.stream_id, []).append(summary)
    return [_use(found, now_us, keep_us(stream_id), protected) for stream_id, found in by_stream.items()]


def _use(
    found: list[SegmentSummary],
    now_us: int,
    keep_us: int | None,
    protected: Callable[[SegmentSummary], bool],
) -> StreamUse:
    used_bytes = sum(one.size_bytes for one in found)
    if max(one.end_us for one in found) < now_us - _GROWING_US:
        return StreamUse(used_bytes, 0.0, 0)
    late = [one for one in found if one.end_us > now_us - WINDOW_US]
    since_us = max(_SHORTEST_US, now_us - min(one.start_us for one in late))
    rate_bps = sum(one.size_bytes for one in late) / since_us * 1e6
    if keep_us is None:
        return StreamUse(used_bytes, rate_bps, None)
    oldest_us = min((one.start_us for one in found if not protected(one)), default=now_us)
    return StreamUse(used_bytes, rate_bps, max(0, keep_us - (now_us - oldest_us)))


def _until(use: StreamUse) -> float:
    return float("inf") if use.grows_us is None else use.grows_us
