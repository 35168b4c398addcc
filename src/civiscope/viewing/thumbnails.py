"""Small pictures of recorded moments, made when asked for from the nearest key unit; kept in memory alone."""

import asyncio
from collections import OrderedDict

from civiscope.base import AppError, ErrorKind, RunId, Span, StreamId
from civiscope.media import TrackKind
from civiscope.recording import RecordedUnit
from civiscope.viewing.ports import PictureMaker, Recordings

_KEPT_BYTES = 16 << 20
_AT_ONCE = 2
_WAITING = 32
_BEHIND_US = 1_000_000
"""The moment itself and what shows just behind it."""

_Name = tuple[StreamId, RunId, int]


class Thumbnails:
    """Asked by looks, which have checked who may see; the worker decodes, so no foreign byte is decoded here.

    A key unit is read anew each time before its picture is given: what was deleted is not shown from memory.
    """

    def __init__(self, maker: PictureMaker | None) -> None:
        self._maker = maker
        self._making = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._kept: OrderedDict[_Name, bytes] = OrderedDict()
        self._kept_bytes = 0

    async def picture(self, stream_id: StreamId, key: RecordedUnit) -> bytes:
        """The JPEG of a key unit; EXHAUSTED when too many wait, UNAVAILABLE without a worker."""
        name = (stream_id, key.run_id, key.unit.sequence)
        known = self._kept.get(name)
        if known is not None:
            self._kept.move_to_end(name)
            return known
        if self._maker is None:
            raise AppError(ErrorKind.UNAVAILABLE, "Nothing here makes small pictures.")
        if self._waiting >= _WAITING:
            raise AppError(ErrorKind.EXHAUSTED, "Too many small pictures are asked for. Try again.")
        track = next(one for one in key.tracks if one.track_id == key.unit.track_id)
        self._waiting += 1
        try:
            async with self._making:
                made = await self._maker.thumbnail(track, key.unit)
        finally:
            self._waiting -= 1
        self._keep(name, made)
        return made

    def _keep(self, name: _Name, made: bytes) -> None:
        self._kept_bytes += len(made) - len(self._kept.pop(name, b""))
        self._kept[name] = made
        while self._kept_bytes > _KEPT_BYTES:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1])


def key_unit(recordings: Recordings, stream_id: StreamId, at_us: int) -> RecordedUnit | None:
    """The key unit from which the moment is decoded; None where nothing is recorded. Blocks."""
    around = Span(at_us, at_us + _BEHIND_US)
    if not any(one.span.contains(at_us) for one in recordings.timeline(stream_id, around).recorded):
        return None
    for recorded in recordings.read(stream_id, around):
        kinds = {track.track_id: track.kind for track in recorded.tracks}
        if TrackKind.VIDEO not in kinds.values():
            return None
        if recorded.unit.is_key and kinds.get(recorded.unit.track_id) is TrackKind.VIDEO:
            return recorded
    return None
